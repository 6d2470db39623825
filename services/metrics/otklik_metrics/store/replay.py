"""A second set of tables for one session, and rows of both sets side by side."""

from collections.abc import AsyncIterator, Sequence
from functools import cache
from typing import Any

import asyncpg

from otklik_common.dead_letters import GIVEN_UP
from otklik_metrics.domain.measures import MEASURES
from otklik_metrics.domain.sets import Grain, histogram_table, rollup_table
from otklik_metrics.store.history import TOPICS
from otklik_metrics.store.rollups import cell_columns, tables
from otklik_metrics.store.tables import FACTS, HISTOGRAMS, SCHEMA

SIDE = "pg_temp"
"""The schema of a session's own tables: they end with it, however it ends."""

FETCH = 2000

Row = tuple[Any, ...]


async def make_side_tables(connection: asyncpg.Connection) -> None:
    """Make empty tables of the same shape; nobody else sees them."""
    await connection.execute("SET temp_buffers = '64MB'")
    names = [table.name for table in FACTS.values()]
    names += [table for kind in MEASURES for table in tables(kind)]
    for name in (*names, "identity", "identity_claim"):
        await connection.execute(
            f'CREATE TEMP TABLE "{name}" (LIKE {SCHEMA}."{name}" INCLUDING INDEXES)'
        )


async def positions(connection: asyncpg.Connection, group: str) -> dict[tuple[str, int], int]:
    """How far a consumer group has come, by topic and partition."""
    rows = await connection.fetch(
        f"SELECT topic, partition, next FROM {SCHEMA}.positions "  # noqa: S608
        "WHERE consumer = $1 AND topic = ANY ($2::text[])",
        group,
        list(TOPICS),
    )
    return {(row["topic"], row["partition"]): row["next"] for row in rows}


async def put_aside(connection: asyncpg.Connection, group: str) -> set[tuple[str, int, int]]:
    """Places of the records that the group put aside and has not taken in since."""
    rows = await connection.fetch(
        f'SELECT topic, partition, "offset" FROM {SCHEMA}.dead_letter '  # noqa: S608
        "WHERE consumer = $1 AND (redriven_at IS NULL OR starts_with(reason, $2))",
        group,
        GIVEN_UP,
    )
    return {tuple(row) for row in rows}


async def facts(connection: asyncpg.Connection, schema: str, kind: str) -> AsyncIterator[Row]:
    """Company, subject and a fingerprint of the whole row, by company and subject."""
    query = (
        f"SELECT tenant, subject, hash_record_extended(fact, 0) "  # noqa: S608
        f"FROM {schema}.facts_{kind} AS fact ORDER BY tenant, subject"
    )
    async for row in connection.cursor(query, prefetch=FETCH):
        yield tuple(row)


async def identity(connection: asyncpg.Connection, schema: str) -> AsyncIterator[Row]:
    """Company, pseudonym and customer, by company and pseudonym."""
    query = (
        f"SELECT tenant, pseudonym, customer FROM {schema}.identity "  # noqa: S608
        "ORDER BY tenant, pseudonym"
    )
    async for row in connection.cursor(query, prefetch=FETCH):
        yield tuple(row)


async def cells(
    connection: asyncpg.Connection, schema: str, kind: str, grain: Grain, live: Sequence[Row]
) -> AsyncIterator[Row]:
    """The key of a cell and its counters, by key; of the versions in `live`."""
    async for row in connection.cursor(
        _cells(schema, kind, grain), *_versions(live), prefetch=FETCH
    ):
        values = [int(value) or None if value is not None else None for value in row[8:]]
        if any(values):
            yield (*tuple(row)[:8], *values)


async def histograms(
    connection: asyncpg.Connection, schema: str, kind: str, grain: Grain, live: Sequence[Row]
) -> AsyncIterator[Row]:
    """The key of a histogram and its bytes, by key; of the versions in `live`."""
    if (kind, grain) not in HISTOGRAMS:
        return
    async for row in connection.cursor(
        _histograms(schema, kind, grain), *_versions(live), prefetch=FETCH
    ):
        yield tuple(row)


def _versions(live: Sequence[Row]) -> tuple[list[str], list[int]]:
    return [tenant for tenant, _ in live], [version for _, version in live]


@cache
def _cells(schema: str, kind: str, grain: Grain) -> str:
    cell = cell_columns(grain)
    return _read(schema, rollup_table(kind, grain), cell, MEASURES[kind].names)


@cache
def _histograms(schema: str, kind: str, grain: Grain) -> str:
    cell = cell_columns(grain, measure=True)
    return _read(schema, histogram_table(kind, grain), cell, ("hist",))


def _read(schema: str, table: str, cell: Sequence[str], values: Sequence[str]) -> str:
    named = ", ".join(f'"{name}"' for name in (*cell, *values))
    order = ", ".join(f'"{name}"' for name in cell)
    return (
        f'SELECT {named} FROM {schema}."{table}" JOIN unnest($1::text[], $2::int[]) '  # noqa: S608
        f"AS live (tenant, version) USING (tenant, version) ORDER BY {order}"
    )
