"""Leases of tracked numbers."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg
from sqlalchemy import DateTime, literal, literal_column, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_contact_center.store.columns import SCHEMA
from otklik_contact_center.store.tracking_tables import number_lease, number_slot

over_at: Final = literal_column(
    "seen_at + make_interval(secs => ttl_seconds)", DateTime(timezone=True)
)
"""When a lease is over whose visitor is not seen again."""


MOST_AROUND: Final = 50
"""Leases of a number that are looked at for a call: the last before it."""


class Slot(NamedTuple):
    """A number as it was before it was taken: its lease, and whether that goes on."""

    number: str
    lease: UUID | None
    goes_on: bool


class LeaseRow(NamedTuple):
    """
    A lease to write.

    Attributes:
        number: None where the pool had none left, and there is no number of last resort.
    """

    tenant: str
    id: UUID
    tracker: str
    pool: str
    number: str | None
    visitor: bytes
    shared: bool
    rule: str
    touch: Mapping[str, Any]
    begins: datetime
    seen_at: datetime
    ttl_seconds: int


# The visitor's own number first, also while it rests: else the one that has been free for longest.
_TAKE: Final = text(f"""
WITH mine AS (
  SELECT number FROM {SCHEMA}.number_slot
  WHERE tenant = :tenant AND tracker = :tracker AND pool = :pool AND visitor = :visitor
  ORDER BY free_from DESC LIMIT 1 FOR UPDATE),
free AS (
  SELECT number FROM {SCHEMA}.number_slot
  WHERE tenant = :tenant AND tracker = :tracker AND pool = :pool AND free_from <= :now
    AND NOT EXISTS (SELECT 1 FROM mine)
  ORDER BY free_from LIMIT 1 FOR UPDATE SKIP LOCKED),
taken AS (SELECT number FROM mine UNION ALL SELECT number FROM free)
UPDATE {SCHEMA}.number_slot s SET
  lease = CASE WHEN s.visitor = :visitor AND s.ends_at > :now THEN s.lease ELSE :lease END,
  visitor = :visitor, ends_at = :ends_at, free_from = :free_from
FROM taken WHERE s.tenant = :tenant AND s.number = taken.number
RETURNING s.number, old.lease, old.visitor = :visitor AND old.ends_at > :now
""")  # noqa: S608 - a name of our own


_ALONE: Final = text("SELECT pg_advisory_xact_lock(:key, hashtext(:visitor))")
_LOCK: Final = 5_200
"""Class of the advisory locks of visitors."""


async def alone(tx: AsyncConnection, visitor: bytes) -> None:
    """Let no other request of the visitor run beside this: two tabs get one number."""
    await tx.execute(_ALONE, {"key": _LOCK, "visitor": visitor.hex()})


async def take(
    tx: AsyncConnection,
    tenant: str,
    *,
    tracker: str,
    pool: str,
    visitor: bytes,
    lease: UUID,
    now: datetime,
    ends_at: datetime,
    free_from: datetime,
) -> Slot | None:
    """A number of a pool for a visitor; None where all are taken or rest."""
    values = {
        "tenant": tenant,
        "tracker": tracker,
        "pool": pool,
        "visitor": visitor,
        "lease": lease,
        "now": now,
        "ends_at": ends_at,
        "free_from": free_from,
    }
    row = (await tx.execute(_TAKE, values)).one_or_none()
    return None if row is None else Slot(row[0], row[1], bool(row[2]))


async def begin(tx: AsyncConnection, row: LeaseRow) -> None:
    """Write a lease."""
    await tx.execute(insert(number_lease).values({**row._asdict(), "touch": dict(row.touch)}))


async def again(tx: AsyncConnection, row: LeaseRow, *, now: datetime) -> UUID | None:
    """
    The lease of a visitor whom the pool has lost already and who is still there, seen now.

    Whoever looks at ten pages is lost once.
    """
    table = number_lease
    seen = await tx.execute(
        update(table)
        .where(
            table.c.tenant == row.tenant,
            table.c.visitor == row.visitor,
            table.c.tracker == row.tracker,
            table.c.pool == row.pool,
            table.c.shared,
            table.c.number.is_not_distinct_from(row.number),
            table.c.ended_at.is_(None),
            over_at > now,
        )
        .values(seen_at=now)
        .returning(table.c.id)
    )
    found: UUID | None = seen.scalars().first()
    return found


async def end(tx: AsyncConnection, tenant: str, lease: UUID) -> None:
    """A lease has ended when its time after the visitor was last seen was over."""
    table = number_lease
    await tx.execute(
        update(table)
        .where(table.c.tenant == tenant, table.c.id == lease, table.c.ended_at.is_(None))
        .values(ended_at=over_at)
    )


async def see(
    tx: AsyncConnection,
    tenant: str,
    lease: UUID,
    visitor: bytes,
    *,
    now: datetime,
    grace: timedelta | None,
) -> bool:
    """
    A visitor still has a number, or gives it back; False if it is theirs no longer.

    Args:
        grace: How long the number rests that is given back; None: it is kept.
    """
    table, slot = number_lease, number_slot
    mine = select(slot.c.number).where(slot.c.tenant == tenant, slot.c.lease == lease)
    # The number before the lease, like `take`: else the two would wait for each other.
    await tx.execute(mine.with_for_update())
    values: dict[str, Any] = (
        {"seen_at": now} if grace is None else {"seen_at": now, "ended_at": now}
    )
    seen = await tx.execute(
        update(table)
        .where(
            table.c.tenant == tenant,
            table.c.id == lease,
            table.c.visitor == visitor,
            table.c.ended_at.is_(None),
            over_at > now,
        )
        .values(values)
        .returning(table.c.ttl_seconds)
    )
    ttl = seen.scalar_one_or_none()
    if ttl is None:
        return False
    rests = slot.c.free_from - slot.c.ends_at
    ends_at = now if grace is not None else now + timedelta(seconds=ttl)
    await tx.execute(
        update(slot)
        .where(slot.c.tenant == tenant, slot.c.lease == lease)
        .values(ends_at=ends_at, free_from=literal(ends_at, DateTime(timezone=True)) + rests)
    )
    return True


async def of_number(
    tx: AsyncConnection, tenant: str, number: str, *, since: datetime, until: datetime
) -> Sequence[Any]:
    """Leases of a number that were going on at some time of a span."""
    table = number_lease
    rows = select(table).where(
        table.c.tenant == tenant,
        table.c.number == number,
        table.c.begins <= until,
        over_at >= since,
    )
    return (await tx.execute(rows.order_by(table.c.begins))).all()


class PoolNow(NamedTuple):
    """Numbers of a pool: leased, at rest, free."""

    pool: str
    held: int
    resting: int
    free: int


class PoolPast(NamedTuple):
    """What came to a pool since a moment; see `domain.tracking.health.Traffic`."""

    pool: str
    visitors: int
    lost: int
    busiest: int
    stay_seconds: float


_NOW: Final = text(f"""
SELECT pool, count(*) FILTER (WHERE ends_at > :now),
  count(*) FILTER (WHERE (ends_at IS NULL OR ends_at <= :now) AND free_from > :now),
  count(*) FILTER (WHERE (ends_at IS NULL OR ends_at <= :now) AND free_from <= :now)
FROM {SCHEMA}.number_slot WHERE tenant = :tenant AND tracker = :tracker GROUP BY pool ORDER BY pool
""")  # noqa: S608 - a name of our own

# By the hour first, in one pass: a site may have a million leases in 28 days.
_PAST: Final = text(f"""
SELECT pool, CAST(sum(visitors) AS bigint), CAST(sum(lost) AS bigint), max(visitors),
  coalesce(extract(epoch FROM sum(stay)) / nullif(sum(visitors - lost), 0), 0)
FROM (
  SELECT pool, count(*) AS visitors, count(*) FILTER (WHERE shared) AS lost,
    sum(coalesce(ended_at, seen_at + make_interval(secs => ttl_seconds)) - begins)
      FILTER (WHERE NOT shared) AS stay
  FROM {SCHEMA}.number_lease
  WHERE tenant = :tenant AND tracker = :tracker AND begins >= :since AND pool IS NOT NULL
  GROUP BY pool, date_trunc('hour', begins)) hours
GROUP BY pool
""")  # noqa: S608 - a name of our own


async def pools_now(
    tx: AsyncConnection, tenant: str, tracker: str, now: datetime
) -> Sequence[PoolNow]:
    """How the numbers of a site are, by pool."""
    rows = await tx.execute(_NOW, {"tenant": tenant, "tracker": tracker, "now": now})
    return [PoolNow(*row) for row in rows]


async def pools_past(
    tx: AsyncConnection, tenant: str, tracker: str, since: datetime
) -> dict[str, PoolPast]:
    """What came to the pools of a site."""
    rows = await tx.execute(_PAST, {"tenant": tenant, "tracker": tracker, "since": since})
    found = (PoolPast(row[0], row[1], row[2], row[3], float(row[4])) for row in rows)
    return {one.pool: one for one in found}


_AROUND: Final = f"""
SELECT c.place, l.* FROM unnest($1::text[], $2::text[], $3::timestamptz[]) WITH ORDINALITY
  AS c(tenant, number, at, place)
CROSS JOIN LATERAL (
  SELECT id, tracker, visitor, shared, touch::text AS touch, begins, seen_at, ended_at, ttl_seconds
  FROM {SCHEMA}.number_lease l
  WHERE l.tenant = c.tenant AND l.number = c.number AND l.begins <= c.at + interval '10 seconds'
  ORDER BY l.begins DESC LIMIT {MOST_AROUND}) l
"""  # noqa: S608 - a name of our own


async def around(
    on: asyncpg.Connection, calls: Sequence[tuple[str, str, datetime]]
) -> list[list[asyncpg.Record]]:
    """The last leases of numbers before calls: company, number, and when each call began."""
    found: list[list[asyncpg.Record]] = [[] for _ in calls]
    for row in await on.fetch(_AROUND, *zip(*calls, strict=True)):
        found[row["place"] - 1].append(row)
    return found
