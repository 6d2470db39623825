"""Rollups: differences added to cells, sorted, by two statements a grain."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing
from functools import cache, partial
from typing import Any

import asyncpg

from otklik_metrics.domain.histogram import PAIR_BYTES, compact
from otklik_metrics.domain.measures import MEASURES
from otklik_metrics.domain.rollup import Deltas
from otklik_metrics.domain.sets import Grain, histogram_table, rollup_table
from otklik_metrics.store.overlap import Step, overlapping
from otklik_metrics.store.tables import HISTOGRAMS, SCHEMA

_NEWEST_TYPES: Mapping[str, int] = {"answer": 2, "lead": 2, "points": 2}
ROW_TYPES: Mapping[tuple[str, Grain], str] = {
    (kind, grain): f"cell_{kind}_{grain.value}_{_NEWEST_TYPES.get(kind, 1)}"
    for kind in MEASURES
    for grain in Grain
}
HISTOGRAM_TYPES: Mapping[Grain, str] = {grain: f"histogram_cell_{grain.value}_1" for grain in Grain}
"""Types of the rows that are sent; they never change, as those of facts."""

COMPACT_BYTES = 1024 * PAIR_BYTES
"""A histogram is made compact each time it grows over another multiple of this."""

Rows = list[tuple[Any, ...]]

Target = tuple[str, int]
"""Company and version."""


async def add(
    connection: asyncpg.Connection,
    kind: str,
    deltas: Mapping[Target, Deltas],
    *,
    schema: str = SCHEMA,
) -> None:
    """Move the rollups of `kind` by what changed, in all companies and versions at once."""
    grown: dict[Grain, list[asyncpg.Record]] = {}
    async with aclosing(overlapping(_steps(connection, kind, deltas, schema))) as answers:
        async for grain, rows in answers:
            grown.setdefault(grain, []).extend(rows)
    for grain, rows in grown.items():
        if rows:
            made = [(*row[:-1], compact(row[-1])) for row in rows]
            await connection.execute(_compact_statement(kind, grain, schema), made)


def _steps(
    connection: asyncpg.Connection, kind: str, deltas: Mapping[Target, Deltas], schema: str
) -> Iterator[Step[tuple[Grain, list[asyncpg.Record]]]]:
    """Counters, then histograms, of each grain: always in this order, and sorted."""
    targets = sorted(deltas.items(), key=lambda item: item[0])

    async def send(grain: Grain, sql: str, rows: Rows) -> tuple[Grain, list[asyncpg.Record]]:
        return grain, await connection.fetch(sql, rows)

    for grain in Grain:
        rows = [
            (*target, *cell, *amounts)
            for target, moved in targets
            for cell, amounts in moved.counters(grain)
        ]
        if rows:
            yield partial(send, grain, counters_statement(kind, grain, schema), rows)
        rows = [
            (*target, number, measure, *rest, hist)
            for target, moved in targets
            for (number, *rest), measure, hist in moved.histograms(grain)
        ]
        if rows:
            yield partial(send, grain, histograms_statement(kind, grain, schema), rows)


@cache
def cell_columns(grain: Grain, *, measure: bool = False) -> tuple[str, ...]:
    """The columns that name a cell, in the order of the key."""
    at = "at" if grain is Grain.QUARTER else "day"
    which = ("tenant", "version", "set", *(("measure",) if measure else ()))
    return (*which, at, "d1", "d2", "d3", "d4")


@cache
def counters_statement(kind: str, grain: Grain, schema: str) -> str:
    """The statement that adds counters; its parameter is an array of rows."""
    cell = cell_columns(grain)
    names = MEASURES[kind].names
    # NULL is nothing: a cell pays only for what it counts.
    moved = ", ".join(
        f'"{name}" = coalesce(known."{name}" + excluded."{name}", known."{name}", excluded."{name}")'
        for name in names
    )
    return f"""
        INSERT INTO {schema}."{rollup_table(kind, grain)}" AS known ({_quoted((*cell, *names))})
        SELECT {_taken((*cell, *names))} FROM unnest($1::{SCHEMA}."{ROW_TYPES[kind, grain]}"[]) AS new
        ON CONFLICT ({_quoted(cell)}) DO UPDATE SET {moved}"""  # noqa: S608 - names of our own


@cache
def histograms_statement(kind: str, grain: Grain, schema: str) -> str:
    """The statement that adds histograms; it returns those that should be made compact."""
    cell = cell_columns(grain, measure=True)
    assert (kind, grain) in HISTOGRAMS, f"{kind} has no histograms by {grain}"
    returned = ", ".join(f'new."{name}"' for name in (*cell, "hist"))
    # Merging is writing behind: no row is decoded here. RETURNING has no condition of its own.
    return f"""
        WITH moved AS (
            INSERT INTO {schema}."{histogram_table(kind, grain)}" AS known
                ({_quoted((*cell, "hist"))})
            SELECT {_taken((*cell, "hist"))}
            FROM unnest($1::{SCHEMA}."{HISTOGRAM_TYPES[grain]}"[]) AS new
            ON CONFLICT ({_quoted(cell)}) DO UPDATE SET hist = known.hist || excluded.hist
            RETURNING {returned}, octet_length(old.hist) / {COMPACT_BYTES} AS before)
        SELECT {_quoted((*cell, "hist"))} FROM moved
        WHERE octet_length(hist) / {COMPACT_BYTES} > coalesce(before, 0)"""  # noqa: S608 - names of our own


@cache
def _compact_statement(kind: str, grain: Grain, schema: str) -> str:
    cell = cell_columns(grain, measure=True)
    same = " AND ".join(f'known."{name}" = (new)."{name}"' for name in cell)
    return f"""
        UPDATE {schema}."{histogram_table(kind, grain)}" AS known SET hist = (new).hist
        FROM unnest($1::{SCHEMA}."{HISTOGRAM_TYPES[grain]}"[]) AS new WHERE {same}"""  # noqa: S608 - names of our own


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _taken(names: Sequence[str]) -> str:
    return ", ".join(f'(new)."{name}"' for name in names)


async def sweep(connection: asyncpg.Connection, kind: str, target: Target, *, most: int) -> int:
    """Remove at most `most` rows of each table of a version that nobody reads; how many went."""
    gone = 0
    for table in tables(kind):
        swept = await connection.execute(
            f"""DELETE FROM {SCHEMA}."{table}" WHERE ctid = ANY (ARRAY(
                SELECT ctid FROM {SCHEMA}."{table}" WHERE tenant = $1 AND version = $2
                LIMIT $3))""",  # noqa: S608 - names of our own
            *target,
            most,
        )
        gone += int(swept.rpartition(" ")[2])
    return gone


@cache
def tables(kind: str) -> tuple[str, ...]:
    """The tables with the rollups of a kind."""
    counters = tuple(rollup_table(kind, grain) for grain in Grain)
    return (
        *counters,
        *(histogram_table(kind, grain) for grain in Grain if (kind, grain) in HISTOGRAMS),
    )
