"""Customers and the pseudonyms that lead to them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.ids import subject_id
from otklik_loyalty.domain.identity import kind_of
from otklik_loyalty.store.sets import Row, array, given
from otklik_loyalty.store.tables import customer, identifier, shared_identifier

MOST_FOUND = 200
"""Customers of one search: a telephone at a front desk may have been said of thousands."""


@dataclass(frozen=True, slots=True)
class Kept:
    """
    A customer as the row holds them; personal values are sealed.

    Attributes:
        revision: Of the fact; grows when the fact changes.
        version: Of the row; grows with every edit.
        void: They were taken out; only their revision is of use.
    """

    id: UUID
    revision: int
    version: int
    branch: str | None
    segment: str | None
    name: bytes | None
    phone: bytes | None
    email: bytes | None
    external: bytes | None
    created_at: datetime
    recorded_at: datetime
    void: bool = False


_COLUMNS = (
    customer.c.id,
    customer.c.revision,
    customer.c.version,
    customer.c.branch,
    customer.c.segment,
    customer.c.name,
    customer.c.phone,
    customer.c.email,
    customer.c.external,
    customer.c.created_at,
    customer.c.recorded_at,
    customer.c.void,
)


async def claim(tx: AsyncConnection, tenant: str, tentative: Mapping[str, UUID]) -> frozenset[str]:
    """
    Take pseudonyms that lead to nobody yet, each for a tentative customer.

    Sorted, and waiting for whoever claims the same at this moment: afterwards every one of the
    pseudonyms leads somewhere, and stays so.

    Returns:
        Those that were free.
    """
    if not tentative:
        return frozenset()  # an edit by our own id may name nobody
    rows = [_identifier(tenant, p, tentative[p]) for p in sorted(tentative)]
    source = given(identifier, tuple(rows[0]), rows)
    statement = (
        upsert(identifier)
        .from_select(source.c.keys(), select(*source.c))
        .on_conflict_do_nothing()
        .returning(identifier.c.pseudonym)
    )
    return frozenset((await tx.execute(statement)).scalars())


def _identifier(tenant: str, pseudonym: str, owner: UUID) -> dict[str, Any]:
    kind = kind_of(pseudonym)
    return {
        "tenant": tenant,
        "pseudonym": pseudonym,
        "customer": owner,
        "kind": kind,
        "subject": external_subject(tenant, pseudonym) if kind == "x" else None,
    }


def external_subject(tenant: str, pseudonym: str) -> UUID:
    """What tokens call the customer of an external id, whatever their own id became."""
    return subject_id(tenant, "customer", pseudonym)


async def named_by(tx: AsyncConnection, tenant: str, subject: UUID) -> UUID | None:
    """The customer whom a token names so; None if the company knows no such external id."""
    found = await tx.execute(
        select(identifier.c.customer)
        .join(
            customer,
            (customer.c.tenant == identifier.c.tenant) & (customer.c.id == identifier.c.customer),
        )
        .where(identifier.c.tenant == tenant, identifier.c.subject == subject, ~customer.c.void)
    )
    return found.scalar_one_or_none()


async def owners(tx: AsyncConnection, tenant: str, pseudonyms: Collection[str]) -> dict[str, UUID]:
    """The customer that each pseudonym leads to; unknown ones are absent."""
    found = await tx.execute(
        select(identifier.c.pseudonym, identifier.c.customer).where(
            identifier.c.tenant == tenant,
            identifier.c.pseudonym == array(identifier, "pseudonym", pseudonyms),
        )
    )
    return {row.pseudonym: row.customer for row in found}


async def lead_to(tx: AsyncConnection, tenant: str, moved: Mapping[str, UUID]) -> None:
    """Let claimed pseudonyms lead to the customers they turned out to belong to."""
    source = given(
        identifier,
        ("pseudonym", "customer"),
        [{"pseudonym": p, "customer": moved[p]} for p in sorted(moved)],
    )
    await tx.execute(
        update(identifier)
        .values(customer=source.c.customer)
        .where(identifier.c.tenant == tenant, identifier.c.pseudonym == source.c.pseudonym)
    )


async def share(tx: AsyncConnection, tenant: str, said: Iterable[tuple[str, UUID]]) -> None:
    """Note pseudonyms said of customers that they do not lead to."""
    rows = [{"tenant": tenant, "pseudonym": p, "customer": c} for p, c in sorted(set(said))]
    source = given(shared_identifier, ("tenant", "pseudonym", "customer"), rows)
    await tx.execute(
        upsert(shared_identifier)
        .from_select(source.c.keys(), select(*source.c))
        .on_conflict_do_nothing()
    )


async def lock(tx: AsyncConnection, tenant: str, ids: Collection[UUID]) -> dict[UUID, Kept]:
    """The customers of those ids, locked in the order of their ids until the end of `tx`."""
    rows = await tx.execute(
        select(*_COLUMNS)
        .where(customer.c.tenant == tenant, customer.c.id == array(customer, "id", ids))
        .order_by(customer.c.id)
        .with_for_update(key_share=True)
    )
    return {row["id"]: Kept(**row) for row in rows.mappings()}


async def get(tx: AsyncConnection, tenant: str, ids: Collection[UUID]) -> dict[UUID, Kept]:
    """The customers of those ids, as they are now."""
    rows = await tx.execute(
        select(*_COLUMNS).where(
            customer.c.tenant == tenant, customer.c.id == array(customer, "id", ids)
        )
    )
    return {row["id"]: Kept(**row) for row in rows.mappings()}


async def pseudonyms_of(
    tx: AsyncConnection, tenant: str, ids: Collection[UUID]
) -> dict[UUID, list[str]]:
    """All pseudonyms that lead to each of the customers."""
    found = await tx.execute(
        select(identifier.c.customer, identifier.c.pseudonym)
        .where(identifier.c.tenant == tenant)
        .where(identifier.c.customer == array(identifier, "customer", ids))
    )
    pseudonyms: dict[UUID, list[str]] = {id_: [] for id_ in ids}
    for row in found:
        pseudonyms[row.customer].append(row.pseudonym)
    return pseudonyms


async def externals_of(tx: AsyncConnection, tenant: str, ids: Collection[UUID]) -> dict[UUID, str]:
    """The external pseudonym of each customer that has one."""
    found = await tx.execute(
        select(identifier.c.customer, identifier.c.pseudonym)
        .where(identifier.c.tenant == tenant, identifier.c.kind == "x")
        .where(identifier.c.customer == array(identifier, "customer", ids))
    )
    return {row.customer: row.pseudonym for row in found}


async def holders(tx: AsyncConnection, tenant: str, pseudonyms: Collection[str]) -> set[UUID]:
    """Customers that any of the pseudonyms leads to or was said of, at most `MOST_FOUND`."""
    led = select(identifier.c.customer).where(
        identifier.c.tenant == tenant,
        identifier.c.pseudonym == array(identifier, "pseudonym", pseudonyms),
    )
    said = select(shared_identifier.c.customer).where(
        shared_identifier.c.tenant == tenant,
        shared_identifier.c.pseudonym == array(shared_identifier, "pseudonym", pseudonyms),
    )
    return set((await tx.execute(led.union(said).limit(MOST_FOUND))).scalars())


_WRITTEN = tuple(c.name for c in _COLUMNS)


def row_of(tenant: str, kept: Kept) -> Row:
    """The row of a customer."""
    return {"tenant": tenant} | {name: getattr(kept, name) for name in _WRITTEN}


async def add(tx: AsyncConnection, tenant: str, new: Sequence[Kept]) -> None:
    """Insert customers."""
    await tx.execute(insert(customer), [dict(row_of(tenant, kept)) for kept in new])


async def put(tx: AsyncConnection, tenant: str, changed: Sequence[Kept]) -> None:
    """Write customers that are locked."""
    source = given(customer, _WRITTEN, [row_of(tenant, kept) for kept in changed])
    await tx.execute(
        update(customer)
        .values({name: source.c[name] for name in _WRITTEN if name != "id"})
        .where(customer.c.tenant == tenant, customer.c.id == source.c.id)
    )
