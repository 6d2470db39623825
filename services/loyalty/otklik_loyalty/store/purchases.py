"""Purchases with their lines and returns, many at a time."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_loyalty.domain.purchase import Line, Purchase, Return
from otklik_loyalty.store.sets import Row, array, given
from otklik_loyalty.store.tables import purchase, purchase_line, purchase_return


@dataclass(frozen=True, slots=True)
class Kept:
    """
    A purchase as the rows hold it.

    Attributes:
        hash: SHA-256 of the body that it came in; the same body again changes nothing.
        void: It was taken out; only its revision is of use.
    """

    purchase: Purchase
    revision: int
    hash: bytes
    recorded_at: datetime
    void: bool = False


_HEAD = (
    "id",
    "reference",
    "revision",
    "hash",
    "customer",
    "identifiers",
    "sold_at",
    "returned_at",
    "currency",
    "amount_minor",
    "returned_minor",
    "origin",
    "branch",
    "agent",
    "party",
    "campaign",
    "segment",
    "attributes",
    "recorded_at",
    "void",
)
_LINE = (
    "tenant",
    "purchase",
    "id",
    "position",
    "product",
    "category",
    "quantity",
    "returned",
    "amount_minor",
)
_PLAIN = frozenset(_HEAD) - {"revision", "hash", "recorded_at", "identifiers", "void"}


async def get(
    tx: AsyncConnection, tenant: str, ids: Collection[UUID], *, lock: bool = False
) -> dict[UUID, Kept]:
    """The purchases of those ids; with `lock` theirs until the end of `tx`, in order of ids."""
    heads = (
        select(*(purchase.c[name] for name in _HEAD))
        .where(purchase.c.tenant == tenant, purchase.c.id == array(purchase, "id", ids))
        .order_by(purchase.c.id)
    )
    if lock:
        heads = heads.with_for_update(key_share=True)
    found = (await tx.execute(heads)).mappings().all()
    if not found:
        return {}
    lines = await _lines(tx, tenant, [row["id"] for row in found])
    return {row["id"]: _kept(row, lines.get(row["id"], ())) for row in found}


async def hashes(tx: AsyncConnection, tenant: str, ids: Collection[UUID]) -> dict[UUID, bytes]:
    """Hash of the body of each purchase that is known, locked in the order of their ids."""
    found = await tx.execute(
        select(purchase.c.id, purchase.c.hash)
        .where(purchase.c.tenant == tenant, purchase.c.id == array(purchase, "id", ids))
        .order_by(purchase.c.id)
        .with_for_update(key_share=True)
    )
    return {row.id: row.hash for row in found}


async def add(tx: AsyncConnection, tenant: str, new: Sequence[Kept]) -> set[UUID]:
    """
    Insert purchases.

    Returns:
        Ids of those inserted; somebody else has just inserted the others.
    """
    ordered = sorted(new, key=lambda kept: kept.purchase.id)
    source = given(purchase, ("tenant", *_HEAD), [_head(tenant, kept) for kept in ordered])
    statement = (
        upsert(purchase)
        .from_select(source.c.keys(), select(*source.c))
        .on_conflict_do_nothing()
        .returning(purchase.c.id)
    )
    added = set((await tx.execute(statement)).scalars())
    await _add_lines(tx, tenant, [k.purchase for k in ordered if k.purchase.id in added])
    return added


async def put(tx: AsyncConnection, tenant: str, changed: Sequence[Kept]) -> None:
    """Write purchases that are locked, lines and all."""
    source = given(purchase, _HEAD, [_head(tenant, kept) for kept in changed])
    await tx.execute(
        update(purchase)
        .values({name: source.c[name] for name in _HEAD if name != "id"})
        .where(purchase.c.tenant == tenant, purchase.c.id == source.c.id)
    )
    ids = [kept.purchase.id for kept in changed]
    await tx.execute(
        delete(purchase_line).where(
            purchase_line.c.tenant == tenant,
            purchase_line.c.purchase == array(purchase_line, "purchase", ids),
        )
    )
    await _add_lines(tx, tenant, [kept.purchase for kept in changed])


async def returns_of(
    tx: AsyncConnection, tenant: str, ids: Collection[UUID]
) -> dict[UUID, list[Return]]:
    """What came back of each purchase, in the order of the returns' ids."""
    found = await tx.execute(
        select(
            purchase_return.c.purchase,
            purchase_return.c.id,
            purchase_return.c.at,
            purchase_return.c.lines,
        )
        .where(
            purchase_return.c.tenant == tenant,
            purchase_return.c.purchase == array(purchase_return, "purchase", ids),
        )
        .order_by(purchase_return.c.purchase, purchase_return.c.id)
    )
    returns: dict[UUID, list[Return]] = {}
    for row in found:
        returns.setdefault(row.purchase, []).append(Return(row.id, row.at, row.lines))
    return returns


async def add_return(
    tx: AsyncConnection, tenant: str, of: UUID, back: Return, recorded_at: datetime
) -> None:
    """Insert a return of a purchase that is locked."""
    await tx.execute(
        insert(purchase_return).values(
            tenant=tenant,
            purchase=of,
            id=back.id,
            at=back.at,
            lines=dict(back.lines),
            recorded_at=recorded_at,
        )
    )


async def forget_returns(tx: AsyncConnection, tenant: str, of: Collection[UUID]) -> None:
    """Delete the returns of purchases that are locked."""
    await tx.execute(
        delete(purchase_return).where(
            purchase_return.c.tenant == tenant,
            purchase_return.c.purchase == array(purchase_return, "purchase", of),
        )
    )


async def _lines(tx: AsyncConnection, tenant: str, ids: Collection[UUID]) -> dict[UUID, list[Line]]:
    found = await tx.execute(
        select(*(purchase_line.c[name] for name in _LINE))
        .where(
            purchase_line.c.tenant == tenant,
            purchase_line.c.purchase == array(purchase_line, "purchase", ids),
        )
        .order_by(purchase_line.c.purchase, purchase_line.c.position)
    )
    lines: dict[UUID, list[Line]] = {}
    for row in found:
        lines.setdefault(row.purchase, []).append(
            Line(row.id, row.quantity, row.amount_minor, row.product, row.category, row.returned)
        )
    return lines


async def _add_lines(tx: AsyncConnection, tenant: str, purchases: Iterable[Purchase]) -> None:
    rows = [
        {
            "tenant": tenant,
            "purchase": each.id,
            "position": position,
            "id": line.id,
            "product": line.product,
            "category": line.category,
            "quantity": line.quantity,
            "returned": line.returned,
            "amount_minor": line.amount_minor,
        }
        for each in purchases
        for position, line in enumerate(each.lines)
    ]
    if rows:
        source = given(purchase_line, _LINE, rows)
        await tx.execute(insert(purchase_line).from_select(source.c.keys(), select(*source.c)))


def _head(tenant: str, kept: Kept) -> Row:
    each = kept.purchase
    return {
        "tenant": tenant,
        **{name: getattr(each, name) for name in _PLAIN},
        "attributes": dict(each.attributes),
        "identifiers": list(each.identifiers),
        "revision": kept.revision,
        "hash": kept.hash,
        "recorded_at": kept.recorded_at,
        "void": kept.void,
    }


def _kept(row: Any, lines: Iterable[Line]) -> Kept:
    derived = ("amount_minor", "returned_minor")
    plain = {name: row[name] for name in _PLAIN if name not in derived}
    return Kept(
        Purchase(**plain, identifiers=tuple(row["identifiers"]), lines=tuple(lines)),
        revision=row["revision"],
        hash=row["hash"],
        recorded_at=row["recorded_at"],
        void=row["void"],
    )
