"""Facts and rollups read in slices of time, so that any number of them needs bounded memory."""

from collections import namedtuple
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg

from otklik_metrics.domain.bucket import day_of, start_of
from otklik_metrics.domain.measures import MEASURES
from otklik_metrics.domain.rollup import Cell, fields_read
from otklik_metrics.domain.sets import TIME_COLUMNS, Grain, histogram_table, rollup_table
from otklik_metrics.store.rollups import cell_columns
from otklik_metrics.store.tables import HISTOGRAMS, SCHEMA
from otklik_metrics.store.versions import EARLIEST, LATEST

PREFETCH = 2000
QUARTER = timedelta(minutes=15)

Slice = tuple[datetime, datetime]
"""From, inclusive, to, exclusive."""


async def companies(connection: asyncpg.Connection, kind: str) -> list[str]:
    """The companies that have facts of a kind: one look at the index for each."""
    rows = await connection.fetch(_COMPANIES.format(table=f"{SCHEMA}.facts_{kind}"))
    return [row["tenant"] for row in rows]


async def slices(
    connection: asyncpg.Connection, tenant: str, kind: str, zone: ZoneInfo, *, most: int
) -> list[Slice]:
    """
    All of time, cut at midnights of `zone` into slices of about `most` moments of facts.

    A slice is never shorter than a day. No cell lies in two slices: where a midnight is no
    quarter of an hour UTC, as it was in some zones long ago, nothing is cut.
    """
    rows = await connection.fetch(_days(kind), tenant)
    return _tiles(_cuts(((row["day"], row["n"]) for row in rows), zone, most))


async def next_slice(
    connection: asyncpg.Connection, tenant: str, kind: str, since: datetime, *, most: int
) -> Slice:
    """
    From `since` to a moment before which at most about `most` moments of facts lie.

    The last slice ends at LATEST.
    """
    rows = await connection.fetch(_ahead(kind), tenant, since, most)
    ahead = [row["moment"] for row in rows if row["moment"] is not None]
    return since, min(ahead, default=LATEST)


async def facts(
    connection: asyncpg.Connection, tenant: str, kind: str, bounds: Slice
) -> AsyncIterator[Any]:
    """Facts that are not void and have a moment in a slice, with what the fold looks at."""
    made = _seen(kind)
    async for row in connection.cursor(_facts(kind), tenant, *bounds, prefetch=PREFETCH):
        yield made(row)


async def counters(
    connection: asyncpg.Connection,
    tenant: str,
    kind: str,
    version: int,
    grain: Grain,
    bounds: Sequence[datetime] | Sequence[date],
) -> dict[Cell, list[int | None]]:
    """The counters of the cells of a slice that have any; None instead of 0."""
    rows = await connection.fetch(_counters(kind, grain), tenant, version, *bounds)
    found: dict[Cell, list[int | None]] = {}
    for row in rows:
        values = list(row)
        amounts = [int(value) or None if value is not None else None for value in values[6:]]
        if any(amounts):
            found[tuple(values[:6])] = amounts
    return found


async def histograms(
    connection: asyncpg.Connection,
    tenant: str,
    kind: str,
    version: int,
    grain: Grain,
    bounds: Sequence[datetime] | Sequence[date],
) -> dict[tuple[Cell, int], bytes]:
    """The histograms of the cells of a slice, as they are stored."""
    if (kind, grain) not in HISTOGRAMS:
        return {}
    rows = await connection.fetch(_histograms(kind, grain), tenant, version, *bounds)
    return {(tuple(row[:6]), row[6]): row[7] for row in map(tuple, rows)}


def bounds_of(
    grain: Grain, bounds: Slice, zone: ZoneInfo
) -> tuple[datetime, datetime] | tuple[date, date]:
    """The first cell of a slice that was cut at midnights, and the first after it."""
    start, end = bounds
    if grain is Grain.QUARTER:
        return start, end
    return day_of(start, zone), day_of(end, zone)


def _cuts(days: Iterable[tuple[date, int]], zone: ZoneInfo, most: int) -> list[datetime]:
    cuts, held = [], 0
    for day, n in days:
        if held and held + n > most:
            midnight = start_of(day, zone)
            if (midnight - datetime(1970, 1, 1, tzinfo=UTC)) % QUARTER == timedelta():
                cuts.append(midnight)
                held = 0
        held += n
    return cuts


def _tiles(cuts: list[datetime]) -> list[Slice]:
    borders = [EARLIEST, *cuts, LATEST]
    return list(pairwise(borders))


@cache
def _seen(kind: str) -> Any:
    seen: Any = namedtuple(f"{kind}_seen", fields_read(kind))  # type: ignore[misc]  # named at run time
    return seen._make


@cache
def _days(kind: str) -> str:
    moments = " UNION ALL ".join(
        f"SELECT {column} AS at FROM {SCHEMA}.facts_{kind} "  # noqa: S608 - names of our own
        f"WHERE tenant = $1 AND NOT void AND {column} IS NOT NULL"
        for column in TIME_COLUMNS[kind]
    )
    return f"""
        SELECT (at AT TIME ZONE 'UTC')::date AS day, count(*) AS n
        FROM ({moments}) AS moments GROUP BY 1 ORDER BY 1"""  # noqa: S608


@cache
def _ahead(kind: str) -> str:
    # Twice: what stands `most` further on, and the first later than that, since many facts
    # may share a moment and a slice must not end before it began.
    return " UNION ALL ".join(
        f"""SELECT (SELECT {column} FROM {SCHEMA}.facts_{kind}
            WHERE tenant = $1 AND {column} > greatest($2::timestamptz, coalesce((
                SELECT {column} FROM {SCHEMA}.facts_{kind} WHERE tenant = $1 AND {column} >= $2
                ORDER BY {column} OFFSET $3 LIMIT 1), 'infinity'))
            ORDER BY {column} LIMIT 1) AS moment"""  # noqa: S608
        for column in TIME_COLUMNS[kind]
    )


@cache
def _facts(kind: str) -> str:
    fields = ", ".join(f'"{name}"' for name in fields_read(kind))
    inside = " OR ".join(f"({c} >= $2 AND {c} < $3)" for c in TIME_COLUMNS[kind])
    return (
        f"SELECT {fields} FROM {SCHEMA}.facts_{kind} "  # noqa: S608
        f"WHERE tenant = $1 AND NOT void AND ({inside})"
    )


@cache
def _counters(kind: str, grain: Grain) -> str:
    cell = cell_columns(grain)[2:]
    columns = ", ".join(f'"{name}"' for name in (*cell, *MEASURES[kind].names))
    return (
        f'SELECT {columns} FROM {SCHEMA}."{rollup_table(kind, grain)}" '  # noqa: S608
        f'WHERE tenant = $1 AND version = $2 AND "{cell[1]}" >= $3 AND "{cell[1]}" < $4'
    )


@cache
def _histograms(kind: str, grain: Grain) -> str:
    cell = cell_columns(grain)[2:]
    columns = ", ".join(f'"{name}"' for name in (*cell, "measure", "hist"))
    return (
        f'SELECT {columns} FROM {SCHEMA}."{histogram_table(kind, grain)}" '  # noqa: S608
        f'WHERE tenant = $1 AND version = $2 AND "{cell[1]}" >= $3 AND "{cell[1]}" < $4'
    )


_COMPANIES = """
    WITH RECURSIVE known AS (
        (SELECT tenant FROM {table} ORDER BY tenant LIMIT 1)
        UNION ALL
        SELECT (SELECT next.tenant FROM {table} AS next
            WHERE next.tenant > known.tenant ORDER BY next.tenant LIMIT 1)
        FROM known WHERE known.tenant IS NOT NULL)
    SELECT tenant FROM known WHERE tenant IS NOT NULL"""
