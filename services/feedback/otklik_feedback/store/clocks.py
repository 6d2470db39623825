"""
Clocks of claims and reviews, as published.

Bare asyncpg: the due worker steps them as it steps those of contacts (decision 0123).
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg

from otklik_feedback.domain.clock import Watched, packed
from otklik_feedback.store.columns import SCHEMA

ClockKey = tuple[str, UUID]
"""Company and subject of a clock."""


class ClockRow(NamedTuple):
    """A clock as it is kept."""

    tenant: str
    id: UUID
    matter: UUID
    target: str
    revision: int
    void: bool
    recorded_at: datetime
    data: str
    state: str
    due_at: datetime | None
    warn_at: datetime | None
    breaches_at: datetime | None


class WatchedRow(NamedTuple):
    """What clocks of a claim or a review are made of, packed."""

    matter: UUID
    data: str


_COLUMNS: Final = ", ".join(ClockRow._fields)
_ARRAYS: Final = (
    "$1::text[], $2::uuid[], $3::uuid[], $4::text[], $5::bigint[], $6::boolean[],"
    " $7::timestamptz[], $8::text[], $9::text[], $10::timestamptz[], $11::timestamptz[],"
    " $12::timestamptz[]"
)

# Sorted: two transactions that lock in different orders deadlock.
_WATCH: Final = f"""
INSERT INTO {SCHEMA}.watched (tenant, matter, branch, over_at, data)
SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[])
ON CONFLICT (tenant, matter) DO UPDATE SET
  (branch, over_at, data) = ROW(excluded.branch, excluded.over_at, excluded.data)
"""  # noqa: S608 - a name of our own

_LOCK: Final = f"""
SELECT {_COLUMNS} FROM {SCHEMA}.clock WHERE tenant = $1 AND matter = ANY ($2)
ORDER BY id FOR UPDATE
"""  # noqa: S608 - a name of our own

_PUT: Final = f"""
INSERT INTO {SCHEMA}.clock ({_COLUMNS}) SELECT * FROM unnest({_ARRAYS})
ON CONFLICT (tenant, id) DO UPDATE SET
  ({", ".join(ClockRow._fields[2:])}) = ROW({", ".join(f"excluded.{f}" for f in ClockRow._fields[2:])})
"""  # noqa: S608 - a name of our own

_DUE: Final = f"""
SELECT {_COLUMNS} FROM {SCHEMA}.clock
WHERE next_at IS NOT NULL AND next_at < $1 ORDER BY next_at LIMIT $2 FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - a name of our own

_STEP: Final = f"""
UPDATE {SCHEMA}.clock c SET revision = n.revision, recorded_at = n.recorded_at, data = n.data,
  state = n.state, warn_at = n.warn_at, breaches_at = n.breaches_at
FROM unnest({_ARRAYS}) AS n({_COLUMNS}) WHERE c.tenant = n.tenant AND c.id = n.id
"""  # noqa: S608 - a name of our own

_STANDING: Final = f"""
SELECT {_COLUMNS} FROM {SCHEMA}.clock
WHERE tenant = $1 AND matter = ANY ($2) AND NOT void ORDER BY matter, target, id
"""  # noqa: S608 - a name of our own

_SOME: Final = f"""
SELECT matter, data FROM {SCHEMA}.watched
WHERE tenant = $1 AND ($2::uuid IS NULL OR matter > $2) AND (over_at IS NULL OR over_at >= $3)
  AND ($4::text IS NULL OR branch = $4)
ORDER BY matter LIMIT $5 FOR UPDATE
"""  # noqa: S608 - a name of our own


async def watch(on: asyncpg.Connection, tenant: str, matters: Collection[Watched]) -> None:
    """Keep what clocks of claims and reviews are made of; nobody else makes theirs until the end."""
    rows = [
        (tenant, one.matter, one.branch, one.over_at, packed(one))
        for one in sorted(matters, key=lambda one: one.matter)
    ]
    await on.execute(_WATCH, *_columns(rows, 5))


async def some_watched(
    on: asyncpg.Connection,
    tenant: str,
    *,
    after: UUID | None,
    since: datetime,
    branch: str | None,
    most: int,
) -> list[WatchedRow]:
    """Claims and reviews some of whose clocks ran since a moment, by their ids, locked."""
    rows = await on.fetch(_SOME, tenant, after, since, branch, most)
    return [WatchedRow(*row) for row in rows]


async def lock(
    on: asyncpg.Connection, tenant: str, matters: Collection[UUID]
) -> dict[UUID, ClockRow]:
    """Clocks of claims and reviews, void ones included, locked."""
    rows = await on.fetch(_LOCK, tenant, list(matters))
    return {row["id"]: ClockRow(*row) for row in rows}


async def standing(
    on: asyncpg.Connection, tenant: str, matters: Collection[UUID]
) -> list[ClockRow]:
    """Clocks of claims and reviews that are not void, by what they are of and their target."""
    return [ClockRow(*row) for row in await on.fetch(_STANDING, tenant, list(matters))]


async def put(on: asyncpg.Connection, rows: Iterable[ClockRow]) -> None:
    """Write clocks whose claims and reviews are locked."""
    ordered = sorted(rows, key=lambda row: row[:2])
    await on.execute(_PUT, *_columns(ordered, len(ClockRow._fields)))


async def due(on: asyncpg.Connection, now: datetime, most: int) -> list[ClockRow]:
    """
    Clocks that show something else by now, the longest due first, not those another worker has.

    At the very moment of its target a clock has used it and no more: it breaks after it.
    """
    return [ClockRow(*row) for row in await on.fetch(_DUE, now, most)]


async def step(on: asyncpg.Connection, rows: Sequence[ClockRow]) -> None:
    """Write what locked clocks show now."""
    await on.execute(_STEP, *_columns(rows, len(ClockRow._fields)))


def _columns(rows: Sequence[Sequence[Any]], width: int) -> list[Sequence[Any]]:
    return list(zip(*rows, strict=True)) if rows else [[] for _ in range(width)]
