"""Sites whose numbers are tracked, and the numbers that they lease."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg
import msgspec
from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.paging import Part, keyset
from otklik_contact_center.domain.tracking.tracker import Tracker
from otklik_contact_center.store.columns import SCHEMA
from otklik_contact_center.store.tracking_tables import number_slot, number_tracker


@dataclass(frozen=True, slots=True)
class Kept:
    """A tracker as it is kept."""

    value: Tracker
    revision: int


@dataclass(frozen=True, slots=True)
class Read:
    """A tracker as it was read, and what changes whenever it is written."""

    value: Tracker
    revision: int
    changed_at: datetime


_LEAVE: Final = text(f"""
WITH gone AS (
  DELETE FROM {SCHEMA}.number_slot
  WHERE tenant = :tenant AND tracker = :tracker AND NOT number = ANY(CAST(:numbers AS text[]))
  RETURNING lease)
UPDATE {SCHEMA}.number_lease l SET ended_at = :now FROM gone
WHERE l.tenant = :tenant AND l.id = gone.lease AND l.ended_at IS NULL
""")  # noqa: S608 - a name of our own


async def get(tx: AsyncConnection, tenant: str, code: str, *, locked: bool = False) -> Kept | None:
    """A tracker; its row locked if it is to be changed."""
    table = number_tracker
    rows = select(table.c.body, table.c.revision).where(
        table.c.tenant == tenant, table.c.code == code
    )
    row = (await tx.execute(rows.with_for_update() if locked else rows)).one_or_none()
    return None if row is None else Kept(_tracker(row.body), row.revision)


_SINCE: Final = text(f"""
SELECT revision, changed_at,
  CASE WHEN revision = :revision AND changed_at = :changed_at THEN NULL ELSE body::text END
FROM {SCHEMA}.number_tracker WHERE tenant = :tenant AND code = :code
""")  # noqa: S608 - a name of our own


async def again(tx: AsyncConnection, tenant: str, code: str, known: Read | None) -> Read | None:
    """
    A tracker as it is now, its thousands of numbers only where they are not those that are known.

    Args:
        known: As it was read before.
    """
    row = (
        await tx.execute(
            _SINCE,
            {
                "tenant": tenant,
                "code": code,
                "revision": -1 if known is None else known.revision,
                "changed_at": _NEVER if known is None else known.changed_at,
            },
        )
    ).one_or_none()
    if row is None:
        return None
    if row[2] is None:
        return known
    return Read(_body.decode(row[2]), row[0], row[1])


_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_body: Final = msgspec.json.Decoder(Tracker)


async def listed(tx: AsyncConnection, tenant: str, part: Part) -> list[Kept]:
    """Trackers by their codes."""
    table = number_tracker
    rows = select(table.c.body, table.c.revision).where(table.c.tenant == tenant)
    found = await tx.execute(keyset(rows, part, order=[table.c.code]))
    return [Kept(_tracker(row.body), row.revision) for row in found]


async def all_of(tx: AsyncConnection, tenant: str) -> list[Tracker]:
    """Every tracker of a company, by code."""
    table = number_tracker
    rows = select(table.c.body).where(table.c.tenant == tenant).order_by(table.c.code)
    return [_tracker(body) for body in (await tx.execute(rows)).scalars()]


async def count(tx: AsyncConnection, tenant: str) -> int:
    """How many trackers a company has."""
    rows = select(func.count()).where(number_tracker.c.tenant == tenant)
    return int((await tx.execute(rows)).scalar_one())


async def put(tx: AsyncConnection, tenant: str, kept: Kept, now: datetime) -> None:
    """Write a tracker."""
    row = {
        "tenant": tenant,
        "code": kept.value.code,
        "body": msgspec.to_builtins(kept.value),
        "revision": kept.revision,
        "changed_at": now,
    }
    written = insert(number_tracker).values(row)
    await tx.execute(
        written.on_conflict_do_update(
            index_elements=["tenant", "code"],
            set_={name: written.excluded[name] for name in ("body", "revision", "changed_at")},
        )
    )


async def taken(
    tx: AsyncConnection, tenant: str, tracker: str, numbers: Iterable[str]
) -> Mapping[str, str]:
    """Which of these numbers another site of the company leases, and which site."""
    table = number_slot
    rows = select(table.c.number, table.c.tracker).where(
        table.c.tenant == tenant, table.c.number.in_(list(numbers)), table.c.tracker != tracker
    )
    return {row.number: row.tracker for row in await tx.execute(rows)}


async def put_slots(tx: AsyncConnection, tenant: str, tracker: Tracker, now: datetime) -> None:
    """Lease these numbers from now on, and no others; leases of others end."""
    pools = tracker.numbers
    await tx.execute(
        _LEAVE,
        {"tenant": tenant, "tracker": tracker.code, "numbers": sorted(pools), "now": now},
    )
    if not pools:
        return
    rows: list[dict[str, Any]] = [
        {
            "tenant": tenant,
            "number": number,
            "tracker": tracker.code,
            "pool": pool,
            "free_from": now,
        }
        for number, pool in sorted(pools.items())
    ]
    written = insert(number_slot).values(rows)
    await tx.execute(
        written.on_conflict_do_update(
            index_elements=["tenant", "number"],
            set_={"pool": written.excluded.pool},
        )
    )


async def remove(tx: AsyncConnection, tenant: str, tracker: Tracker, now: datetime) -> None:
    """Take a tracker out; its leases end, and stay for the calls that follow them."""
    bare = msgspec.structs.replace(tracker, pools={})
    await put_slots(tx, tenant, bare, now)
    await tx.execute(
        delete(number_tracker).where(
            number_tracker.c.tenant == tenant, number_tracker.c.code == tracker.code
        )
    )


def _tracker(body: Mapping[str, Any]) -> Tracker:
    return msgspec.convert(body, Tracker)


_REVISIONS: Final = f"""
SELECT tenant, code, revision FROM {SCHEMA}.number_tracker WHERE tenant = ANY ($1)
"""  # noqa: S608 - a name of our own

_BODIES: Final = f"""
SELECT t.tenant, t.code, t.revision, t.body::text FROM {SCHEMA}.number_tracker t
JOIN unnest($1::text[], $2::text[]) AS k(tenant, code) USING (tenant, code)
"""  # noqa: S608 - a name of our own

Version = tuple[str, str, int]
"""Company, code and revision of a tracker."""


async def revisions(on: asyncpg.Connection, tenants: Iterable[str]) -> list[Version]:
    """Which trackers companies have."""
    return [tuple(row) for row in await on.fetch(_REVISIONS, sorted(tenants))]


async def bodies(on: asyncpg.Connection, wanted: Iterable[Version]) -> dict[Version, Tracker]:
    """Trackers as they are now."""
    keys = [(tenant, code) for tenant, code, _ in wanted]
    rows = await on.fetch(_BODIES, *zip(*keys, strict=True)) if keys else []
    return {(row[0], row[1], row[2]): _decoder.decode(row[3]) for row in rows}


_decoder = msgspec.json.Decoder(Tracker)
