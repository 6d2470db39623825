"""What companies promise has changed: how often, and whose clocks are still to be made anew."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from otklik_common.clocks.heard import Redo as Changed
from otklik_common.clocks.policy_change import EVERYBODY
from otklik_contact_center.store.columns import SCHEMA
from otklik_contact_center.store.folding import columns


class Redo(NamedTuple):
    """
    Clocks that are to be made anew, its row locked.

    Attributes:
        branch: `EVERYBODY` for all branches.
        phase: `CLOCKS`, `CONTACTS` or `GOING_ON`.
        place_at, place_id: The last that was looked at.
    """

    tenant: str
    branch: str
    since: datetime
    phase: int
    place_at: datetime | None
    place_id: UUID | None


CLOCKS: Final = 0
"""Clocks are looked at, for those that ran since: their contacts may have come long before."""

CONTACTS: Final = 1
"""Contacts that came since are looked at: they may have had no clock."""

GOING_ON: Final = 2
"""Contacts that came before and went on since are looked at: something in them may begin a clock."""

SKEW: Final = timedelta(minutes=10)
"""Of a sender's clock: what it says happened then may have been heard so much earlier."""

_SEEN_AT_ONCE: Final = 20_000
"""Of all contacts, each of which is looked at once for every edit: without an index, some 50 ms."""

_BUMP: Final = f"""
INSERT INTO {SCHEMA}.promises (tenant, version) SELECT tenant, 1 FROM unnest($1::text[]) t(tenant)
ON CONFLICT (tenant) DO UPDATE SET version = promises.version + 1
"""  # noqa: S608 - a name of our own

_ASK: Final = f"""
INSERT INTO {SCHEMA}.promises_redo AS r (tenant, branch, since, phase)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::smallint[])
ON CONFLICT (tenant, branch) DO UPDATE SET since = least(r.since, excluded.since),
  phase = excluded.phase, place_at = NULL, place_id = NULL
"""  # noqa: S608 - a name of our own

_TAKE: Final = f"""
SELECT {", ".join(Redo._fields)} FROM {SCHEMA}.promises_redo
WHERE NOT tenant = ANY ($1) ORDER BY tenant, branch LIMIT 1 FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - a name of our own

_CLOCKS: Final = f"""
WITH seen AS (
  SELECT tenant, id, contact, ended_at, void, branch FROM {SCHEMA}.sla_clock
  WHERE tenant = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $4),
marked AS (
  INSERT INTO {SCHEMA}.dirty (tenant, source, contact, lane)
  SELECT DISTINCT c.tenant, c.source, c.contact, 1 FROM seen s
  JOIN {SCHEMA}.contact c ON c.tenant = s.tenant AND c.id = s.contact AND NOT c.void
  WHERE NOT s.void AND (s.ended_at IS NULL OR s.ended_at >= $3)
    AND ($5::text IS NULL OR s.branch = $5))
SELECT count(*), (SELECT id FROM seen ORDER BY id DESC LIMIT 1) FROM seen
"""  # noqa: S608 - a name of our own

_CONTACTS: Final = """
WITH seen AS (
  SELECT tenant, source, contact, at, id FROM {schema}.contact
  WHERE tenant = $1 AND (at, id) > (coalesce($2::timestamptz, $4), coalesce($3::uuid, $6)) AND NOT void{of_branch}
  ORDER BY at, id LIMIT $5),
marked AS (
  INSERT INTO {schema}.dirty (tenant, source, contact, lane)
  SELECT tenant, source, contact, 1 FROM seen)
SELECT count(*), (array_agg(at ORDER BY at DESC, id DESC))[1],
  (array_agg(id ORDER BY at DESC, id DESC))[1] FROM seen
"""

_OF_ALL: Final = _CONTACTS.format(schema=SCHEMA, of_branch=" AND ($7::text IS NULL OR true)")
_OF_BRANCH: Final = _CONTACTS.format(schema=SCHEMA, of_branch=" AND branch = $7")

_GOING_ON: Final = f"""
WITH seen AS (
  SELECT tenant, source, contact, id, at, recorded_at, void, branch FROM {SCHEMA}.contact
  WHERE tenant = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $4),
marked AS (
  INSERT INTO {SCHEMA}.dirty (tenant, source, contact, lane)
  SELECT tenant, source, contact, 1 FROM seen
  WHERE NOT void AND at <= $3 AND recorded_at >= $3 - $6::interval
    AND ($5::text IS NULL OR branch = $5))
SELECT count(*), (SELECT id FROM seen ORDER BY id DESC LIMIT 1) FROM seen
"""  # noqa: S608 - a name of our own

_MOVE: Final = f"""
UPDATE {SCHEMA}.promises_redo SET phase = $3, place_at = $4, place_id = $5
WHERE tenant = $1 AND branch = $2
"""  # noqa: S608 - a name of our own

_DONE: Final = f"DELETE FROM {SCHEMA}.promises_redo WHERE tenant = $1 AND branch = $2"  # noqa: S608

_FIRST_ID: Final = UUID(int=0)


async def changed(on: asyncpg.Connection, redo: Changed) -> None:
    """
    Companies promise something else now.

    Args:
        redo: Since when, by company and branch.
    """
    await on.execute(_BUMP, sorted({tenant for tenant, _ in redo}))
    rows = [(*whose, since, CLOCKS) for whose, since in sorted(redo.items())]
    await on.execute(_ASK, *columns(rows, 4))


async def take(on: asyncpg.Connection, but: Sequence[str]) -> Redo | None:
    """Something to be made anew, of another company than these, that nobody else works on."""
    row = await on.fetchrow(_TAKE, but)
    return None if row is None else Redo(*row)


async def mark(on: asyncpg.Connection, redo: Redo, most: int) -> Redo | None:
    """
    Mark some of the contacts; they are folded behind everything live.

    Returns:
        Where it goes on; None when all are marked.
    """
    branch = None if redo.branch == EVERYBODY else redo.branch
    if redo.phase == CLOCKS:
        row = await on.fetchrow(_CLOCKS, redo.tenant, redo.place_id, redo.since, most, branch)
        assert row is not None
        if row[0] < most:
            return redo._replace(phase=CONTACTS, place_at=None, place_id=None)
        return redo._replace(place_id=row[1])
    if redo.phase == GOING_ON:
        asked = redo.tenant, redo.place_id, redo.since, _SEEN_AT_ONCE, branch, SKEW
        row = await on.fetchrow(_GOING_ON, *asked)
        assert row is not None
        return redo._replace(place_id=row[1]) if row[0] == _SEEN_AT_ONCE else None
    row = await on.fetchrow(
        _OF_ALL if branch is None else _OF_BRANCH,
        redo.tenant,
        redo.place_at,
        redo.place_id,
        redo.since,
        most,
        _FIRST_ID,
        branch,
    )
    assert row is not None
    if row[0] == most:
        return redo._replace(place_at=row[1], place_id=row[2])
    return redo._replace(phase=GOING_ON, place_at=None, place_id=None)


async def move(on: asyncpg.Connection, redo: Redo) -> None:
    """Remember where it goes on."""
    await on.execute(_MOVE, *redo[:2], *redo[3:])


async def done(on: asyncpg.Connection, redo: Redo) -> None:
    """All of it is marked."""
    await on.execute(_DONE, *redo[:2])
