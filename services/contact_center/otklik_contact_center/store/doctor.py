"""What is known of how sources send, for whoever judges them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import TextClause, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_contact_center.domain.doctor.pulse import Past, hour_of
from otklik_contact_center.store.columns import SCHEMA
from otklik_contact_center.store.doctor_tables import intake_hour, source_hour

MOST_CALLS: Final = 20_000
"""Calls that are looked at for those without an end, the newest first."""

MOST_REFUSED: Final = 10_000
"""More are not counted."""


class Standing(NamedTuple):
    """A source and when it was heard last, if of late; `silent_since` while its silence is told."""

    tenant: str
    source: str
    silent_since: datetime | None
    active: bool
    heard_at: datetime | None


class Sent(NamedTuple):
    """What a source sent since a moment."""

    accepted: int
    duplicates: int
    refused: int
    late: int


NONE_SENT: Final = Sent(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Times:
    """When a source sent last: anything, something new, and what that told of; None: not of late."""

    arrived_at: datetime | None = None
    heard_at: datetime | None = None
    newest_at: datetime | None = None


# The newest hour of each with something new: a look into the index for each source.
_STANDING: Final = text(f"""
SELECT s.tenant, s.id, s.silent_since, s.active, h.heard_at FROM {SCHEMA}.source s
LEFT JOIN LATERAL (SELECT heard_at FROM {SCHEMA}.source_hour h
  WHERE h.tenant = s.tenant AND h.source = s.id AND h.minutes <> 0
  ORDER BY h.hour DESC LIMIT 1) h ON true
WHERE NOT s.demo AND s.ended_at IS NULL ORDER BY s.tenant, s.id
""")  # noqa: S608 - a name of our own

_SENT: Final = text(f"""
SELECT source, sum(accepted)::bigint, sum(duplicates)::bigint, sum(refused)::bigint,
  sum(late)::bigint
FROM {SCHEMA}.source_hour
WHERE tenant = :tenant AND hour >= :since AND (CAST(:source AS text) IS NULL OR source = :source)
GROUP BY source
""")  # noqa: S608 - a name of our own

_TIMES: Final = text(f"""
SELECT s.id, a.arrived_at, h.heard_at, h.newest_at FROM {SCHEMA}.source s
LEFT JOIN LATERAL (SELECT arrived_at FROM {SCHEMA}.source_hour h
  WHERE h.tenant = s.tenant AND h.source = s.id ORDER BY h.hour DESC LIMIT 1) a ON true
LEFT JOIN LATERAL (SELECT heard_at, newest_at FROM {SCHEMA}.source_hour h
  WHERE h.tenant = s.tenant AND h.source = s.id AND h.minutes <> 0
  ORDER BY h.hour DESC LIMIT 1) h ON true
WHERE s.tenant = :tenant AND (CAST(:source AS text) IS NULL OR s.id = :source)
""")  # noqa: S608 - a name of our own

_DELAYS: Final = text(f"""
SELECT bucket, sum(events)::bigint FROM {SCHEMA}.source_delay
WHERE tenant = :tenant AND source = :source AND hour >= :since GROUP BY bucket
""")  # noqa: S608 - a name of our own

_REFUSED: Final = text(f"""
SELECT source, count(*) FROM (SELECT source FROM {SCHEMA}.refused
  WHERE tenant = :tenant AND replayed_at IS NULL AND body IS NOT NULL
    AND (CAST(:source AS text) IS NULL OR source = :source) LIMIT :most) r GROUP BY source
""")  # noqa: S608 - a name of our own

_CALLS: Final = text(f"""
SELECT count(*) FROM (
  SELECT source, data FROM {SCHEMA}.contact
  WHERE tenant = :tenant AND at >= :since AND at < :until AND channel = 'call' AND NOT void
  ORDER BY at DESC LIMIT :most) c
WHERE source = :source AND CAST(data AS jsonb) ->> 'ended_at' IS NULL
""")  # noqa: S608 - a name of our own


def _sweep(table: str) -> TextClause:
    return text(f"""
DELETE FROM {SCHEMA}.{table} WHERE ctid = ANY (ARRAY(
  SELECT ctid FROM {SCHEMA}.{table} WHERE hour < :before LIMIT :most))
""")  # noqa: S608 - a name of our own


_SWEEPS: Final = {table: _sweep(table) for table in ("source_hour", "source_delay", "intake_hour")}


async def alone(tx: AsyncConnection, key: int) -> bool:
    """Whether this transaction is now the one that judges; the lock ends with it."""
    return bool((await tx.execute(select(func.pg_try_advisory_xact_lock(key)))).scalar_one())


async def standing(tx: AsyncConnection) -> list[Standing]:
    """Every source of every company but those of demos, which end some day."""
    return [Standing(*row) for row in await tx.execute(_STANDING)]


async def past(
    tx: AsyncConnection, tenant: str, source: str, since: datetime
) -> tuple[Past | None, dict[int, int]]:
    """
    When a source was heard since a moment, and how many new events it sent in each hour.

    Returns:
        None instead of a past where it was not heard at all.
    """
    rows = await tx.execute(
        select(source_hour.c.hour, source_hour.c.minutes, source_hour.c.accepted)
        .where(
            source_hour.c.tenant == tenant,
            source_hour.c.source == source,
            source_hour.c.hour >= since,
            source_hour.c.minutes != 0,
        )
        .order_by(source_hour.c.hour)
    )
    found = [(hour, minutes, accepted) for hour, minutes, accepted in rows]
    if not found:
        return None, {}
    minutes = {hour_of(hour): bits for hour, bits, _ in found}
    return Past(minutes, found[0][0]), {hour_of(hour): accepted for hour, _, accepted in found}


async def listened(tx: AsyncConnection, since: datetime) -> dict[int, int]:
    """Minutes since the hour of a moment in which we were there to hear."""
    rows = await tx.execute(
        select(intake_hour.c.hour, intake_hour.c.minutes).where(
            intake_hour.c.hour >= since.replace(minute=0, second=0, microsecond=0)
        )
    )
    return {hour_of(hour): minutes for hour, minutes in rows}


async def sent(
    tx: AsyncConnection, tenant: str, since: datetime, source: str | None = None
) -> dict[str, Sent]:
    """What each source of a company, or one of them, sent in the hours since a moment."""
    rows = await tx.execute(_SENT, {"tenant": tenant, "since": since, "source": source})
    return {row[0]: Sent(*row[1:]) for row in rows}


async def times(tx: AsyncConnection, tenant: str, source: str | None = None) -> dict[str, Times]:
    """When each source of a company, or one of them, sent last."""
    rows = await tx.execute(_TIMES, {"tenant": tenant, "source": source})
    return {row[0]: Times(*row[1:]) for row in rows}


async def delays(
    tx: AsyncConnection, tenant: str, source: str, since: datetime
) -> Mapping[int, int]:
    """How many events of a source were how long on their way, by bucket."""
    named: dict[str, Any] = {"tenant": tenant, "source": source, "since": since}
    return {bucket: int(events) for bucket, events in await tx.execute(_DELAYS, named)}


async def refused(tx: AsyncConnection, tenant: str, source: str | None = None) -> dict[str, int]:
    """How many refused events can be pushed again and were not, by source; all told no more than
    `MOST_REFUSED`."""
    named = {"tenant": tenant, "source": source, "most": MOST_REFUSED}
    return {row[0]: row[1] for row in await tx.execute(_REFUSED, named)}


async def endless_calls(
    tx: AsyncConnection, tenant: str, source: str, since: datetime, until: datetime
) -> int:
    """Calls of a source that began between two moments and have no end."""
    named = {
        "tenant": tenant,
        "source": source,
        "since": since,
        "until": until,
        "most": MOST_CALLS,
    }
    return int((await tx.execute(_CALLS, named)).scalar_one())


async def sweep(tx: AsyncConnection, table: str, before: datetime, most: int) -> int:
    """Forget hours of `source_hour`, `source_delay` or `intake_hour`; returns how many."""
    return (await tx.execute(_SWEEPS[table], {"before": before, "most": most})).rowcount
