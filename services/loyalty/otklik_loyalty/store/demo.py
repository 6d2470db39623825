"""What the demo has brought: its purchases by their ids, its customers, their movements."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, case, delete, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_loyalty.domain.ledger import Movement, programme
from otklik_loyalty.store.sets import array, given
from otklik_loyalty.store.tables import (
    account,
    customer,
    entry,
    identifier,
    purchase,
    shared_identifier,
    transfer,
    voided_movement,
)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A customer's external id, sealed."""

    id: UUID
    external: bytes


@dataclass(frozen=True, slots=True)
class Published:
    """
    A movement whose fact still counts.

    Attributes:
        points: Got (+) or given (−) by the customer.
    """

    id: UUID
    customer: UUID
    movement: Movement
    reason: str
    points: int
    moved_at: datetime
    recorded_at: datetime
    reverses: UUID | None
    purchase: UUID | None


async def purchases(tx: AsyncConnection, tenant: str, prefix: str, limit: int) -> list[UUID]:
    """Some purchases whose own ids begin so and that still stand."""
    rows = await tx.execute(
        select(purchase.c.id)
        .where(purchase.c.tenant == tenant, ~purchase.c.void)
        .where(purchase.c.reference.startswith(prefix, autoescape=True))
        .order_by(purchase.c.id)
        .limit(limit)
    )
    return list(rows.scalars())


async def externals(
    tx: AsyncConnection, tenant: str, after: UUID | None, limit: int
) -> list[Sealed]:
    """Standing customers with an external id, in the order of their own ids, behind `after`."""
    statement = (
        select(customer.c.id, customer.c.external)
        .where(customer.c.tenant == tenant, customer.c.external.is_not(None), ~customer.c.void)
        .order_by(customer.c.id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(customer.c.id > after)
    return [Sealed(*row) for row in await tx.execute(statement)]


async def buyers(tx: AsyncConnection, tenant: str, of: Collection[UUID]) -> set[UUID]:
    """Those of the customers who have a purchase that still stands."""
    rows = await tx.execute(
        select(purchase.c.customer)
        .where(purchase.c.tenant == tenant, ~purchase.c.void)
        .where(purchase.c.customer == array(purchase, "customer", of))
        .distinct()
    )
    return {id_ for id_ in rows.scalars() if id_ is not None}


async def holders(tx: AsyncConnection, tenant: str, of: Collection[UUID]) -> set[UUID]:
    """Those of the customers who ever had points."""
    rows = await tx.execute(
        select(account.c.customer)
        .where(account.c.tenant == tenant, account.c.customer == array(account, "customer", of))
        .distinct()
    )
    return {id_ for id_ in rows.scalars() if id_ is not None}


async def movements_of(
    tx: AsyncConnection, tenant: str, customers: Collection[UUID]
) -> list[Published]:
    """All movements of customers whose facts still count."""
    return await _published(tx, tenant, _movements(tenant, customers))


async def movements_by(
    tx: AsyncConnection, tenant: str, customers: Collection[UUID], purchases: Collection[UUID]
) -> list[Published]:
    """Movements of customers by these purchases whose facts still count."""
    mine = _movements(tenant, customers)
    by = mine.where(transfer.c.purchase == array(transfer, "purchase", purchases))
    return await _published(tx, tenant, by)


def _movements(tenant: str, customers: Collection[UUID]) -> Select[Any]:
    gone = select(voided_movement.c.transfer).where(
        voided_movement.c.tenant == transfer.c.tenant, voided_movement.c.transfer == transfer.c.id
    )
    return (
        select(transfer)
        .where(transfer.c.tenant == tenant, ~gone.exists())
        .where(transfer.c.customer == array(transfer, "customer", customers))
    )


async def _published(tx: AsyncConnection, tenant: str, those: Select[Any]) -> list[Published]:
    moved = those.subquery()
    given_out = case((entry.c.account == programme(tenant).id, entry.c.amount), else_=0)
    rows = await tx.execute(
        select(moved, (-func.sum(given_out)).label("points"))
        .join_from(
            moved, entry, (entry.c.tenant == moved.c.tenant) & (entry.c.transfer == moved.c.id)
        )
        .group_by(*moved.c)
        .order_by(moved.c.seq)
    )
    return [
        Published(
            id=row.id,
            customer=row.customer,
            movement=Movement(row.movement),
            reason=row.reason,
            points=int(row.points),
            moved_at=row.moved_at,
            recorded_at=row.recorded_at,
            reverses=row.reverses,
            purchase=row.purchase,
        )
        for row in rows
    ]


async def void(
    tx: AsyncConnection, tenant: str, transfers: Collection[UUID], recorded_at: datetime
) -> None:
    """Remember that the facts of these movements count no more, or were never told."""
    rows = [
        {"tenant": tenant, "transfer": id_, "recorded_at": recorded_at} for id_ in sorted(transfers)
    ]
    source = given(voided_movement, ("tenant", "transfer", "recorded_at"), rows)
    await tx.execute(
        upsert(voided_movement)
        .from_select(source.c.keys(), select(*source.c))
        .on_conflict_do_nothing()
    )


async def forget_identifiers(tx: AsyncConnection, tenant: str, of: Sequence[UUID]) -> None:
    """
    Let phones and e-mails of locked customers lead to nobody.

    Their external ids stay: by them the same customers are known when they come again.
    """
    await tx.execute(
        delete(identifier)
        .where(identifier.c.tenant == tenant, identifier.c.kind != "x")
        .where(identifier.c.customer == array(identifier, "customer", of))
    )
    await tx.execute(
        delete(shared_identifier)
        .where(shared_identifier.c.tenant == tenant)
        .where(shared_identifier.c.customer == array(shared_identifier, "customer", of))
    )
