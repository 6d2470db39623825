"""Events that were not let in, kept to be looked at and pushed again."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.paging import Part, keyset
from otklik_contact_center.store.tables import refused


@dataclass(frozen=True, slots=True)
class Kept:
    """
    An event that was not let in; `body` and `detail` are sealed.

    Attributes:
        number: Names it in its company.
        body: None where it was too large to be kept.
        replayed_at: When it was pushed again, with whatever result.
    """

    number: int
    source: str
    code: str
    body: bytes | None
    detail: bytes
    received_at: datetime
    replayed_at: datetime | None


_COLUMNS: Final = tuple(
    refused.c[name]
    for name in ("number", "source", "code", "body", "detail", "received_at", "replayed_at")
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which refusals; None leaves a field open. `replayed`: pushed again already, or not yet."""

    source: str | None = None
    code: str | None = None
    replayed: bool | None = None


async def listed(tx: AsyncConnection, tenant: str, wanted: Wanted, part: Part) -> list[Kept]:
    """Refusals, the newest first."""
    statement = keyset(_those(tenant, wanted), part, order=[refused.c.number.desc()])
    return [Kept(*row) for row in await tx.execute(statement)]


async def oldest(tx: AsyncConnection, tenant: str, wanted: Wanted, limit: int) -> list[Kept]:
    """Refusals, the oldest first."""
    statement = _those(tenant, wanted).order_by(refused.c.number).limit(limit)
    return [Kept(*row) for row in await tx.execute(statement)]


async def named(tx: AsyncConnection, tenant: str, numbers: Collection[int]) -> dict[int, Kept]:
    """The refusals of those numbers; unknown ones are absent."""
    statement = _those(tenant, Wanted()).where(refused.c.number.in_(numbers))
    return {row.number: Kept(*row) for row in await tx.execute(statement)}


async def replayed(
    tx: AsyncConnection, tenant: str, numbers: Collection[int], now: datetime
) -> None:
    """Remember that they were pushed again."""
    await tx.execute(
        update(refused)
        .where(refused.c.tenant == tenant, refused.c.number.in_(sorted(numbers)))
        .values(replayed_at=now)
    )


def _those(tenant: str, wanted: Wanted) -> Select[Any]:
    where = [refused.c.tenant == tenant]
    if wanted.source is not None:
        where.append(refused.c.source == wanted.source)
    if wanted.code is not None:
        where.append(refused.c.code == wanted.code)
    if wanted.replayed is not None:
        asked = refused.c.replayed_at
        where.append(asked.is_not(None) if wanted.replayed else asked.is_(None))
    return select(*_COLUMNS).where(*where)
