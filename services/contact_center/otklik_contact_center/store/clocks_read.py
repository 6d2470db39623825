"""Clocks as people read them, and what a back-test is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg
from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.paging import Part, keyset
from otklik_contact_center.store.columns import SCHEMA
from otklik_contact_center.store.contacts_read import Reach
from otklik_contact_center.store.tables import sla_clock


class Kept(NamedTuple):
    """A clock; `data` is its fact, as JSON."""

    id: UUID
    due_at: datetime
    data: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of the clocks that run a list holds; None leaves a field open."""

    state: str | None = None
    target: str | None = None
    branch: str | None = None
    due_before: datetime | None = None


class Row(NamedTuple):
    """
    A contact of the past.

    Attributes:
        lead: That of which it is the first contact that nobody took, as JSON.
        attempted_by: Who worked on the lead first.
    """

    id: UUID
    at: datetime
    data: str
    watched: bytes | None
    lead: str | None
    attempted_by: str | None


_PAST: Final = f"""
SELECT c.id, c.at, c.data, c.watched, l.data, l.attempted_by FROM {SCHEMA}.contact c
LEFT JOIN {SCHEMA}.lead l ON l.tenant = c.tenant AND l.missed = c.id AND NOT l.void
WHERE c.tenant = $1 AND c.at >= $2 AND c.at < $3 AND NOT c.void AND c.direction = 'in'
  AND ($4::text[] IS NULL OR c.branch = ANY ($4)) AND (c.at, c.id) > ($5, $6)
ORDER BY c.at, c.id LIMIT $7
"""  # noqa: S608 - a name of our own

_COUNT_PAST: Final = f"""
SELECT count(*) FROM (SELECT 1 FROM {SCHEMA}.contact c
  WHERE c.tenant = $1 AND c.at >= $2 AND c.at < $3 AND NOT c.void AND c.direction = 'in'
    AND ($4::text[] IS NULL OR c.branch = ANY ($4)) LIMIT $5) f
"""  # noqa: S608 - a name of our own

FIRST: Final = UUID(int=0)
"""Before every id."""


async def running(
    tx: AsyncConnection, tenant: str, wanted: Wanted, reach: Reach, part: Part
) -> list[Kept]:
    """Clocks that run, the one that is due first before the others; those that are held are not."""
    table = sla_clock
    where: list[ColumnElement[bool]] = [
        table.c.tenant == tenant,
        table.c.ended_at.is_(None),
        ~table.c.void,
        table.c.due_at.is_not(None),
    ]
    for name in ("state", "target", "branch"):
        value = getattr(wanted, name)
        if value is not None:
            where.append(table.c[name] == value)
    if wanted.due_before is not None:
        where.append(table.c.due_at < wanted.due_before)
    if reach is not None:
        where.append(table.c.branch.in_(sorted(reach)))
    rows = select(table.c.id, table.c.due_at, table.c.data).where(*where)
    ordered = keyset(rows, part, order=[table.c.due_at, table.c.id])
    return [Kept(*row) for row in await tx.execute(ordered)]


async def of_contact(tx: AsyncConnection, tenant: str, contact: UUID) -> list[Any]:
    """All clocks of a contact, by id: subject and fact."""
    table = sla_clock
    rows = select(table.c.id, table.c.data).where(
        table.c.tenant == tenant, table.c.contact == contact, ~table.c.void
    )
    return list(await tx.execute(rows.order_by(table.c.id)))


async def past(
    on: asyncpg.Connection,
    tenant: str,
    period: tuple[datetime, datetime],
    reach: Sequence[str] | None,
    *,
    after: tuple[datetime, UUID],
    most: int,
) -> list[Row]:
    """
    Inbound contacts that began in a period, in order.

    Args:
        after: Those behind this one.
    """
    rows = await on.fetch(_PAST, tenant, *period, reach, *after, most)
    return [Row(*row) for row in rows]


async def count_past(
    on: asyncpg.Connection,
    tenant: str,
    period: tuple[datetime, datetime],
    reach: Sequence[str] | None,
    *,
    most: int,
) -> int:
    """How many inbound contacts began in a period; `most` where there are more."""
    found: int = await on.fetchval(_COUNT_PAST, tenant, *period, reach, most)
    return found
