"""Reads of rollups: one select for the counters of a piece of time, one for each histogram."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    LargeBinary,
    Select,
    Table,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.clocks.zones import Offsets, offsets
from otklik_metrics.domain.dimensions import DIMENSIONS
from otklik_metrics.domain.frames import Key, Row
from otklik_metrics.domain.measures import MEASURES
from otklik_metrics.domain.planner import Piece, Version
from otklik_metrics.domain.query import Query
from otklik_metrics.domain.readings import Sum, columns
from otklik_metrics.domain.sets import Grain, RollupSet
from otklik_metrics.store.query_terms import (
    WEEK,
    Column,
    bucket_by_day,
    bucket_by_instant,
    clock_by_day,
    clock_by_instant,
    conditions,
    hour_of_week,
    of_the_week,
)
from otklik_metrics.store.tables import HISTOGRAMS, ROLLUPS


class Read(NamedTuple):
    """
    What one select gave.

    Attributes:
        rows: Bucket, group, and what was asked for, in its order; None counts nothing.
        looked_at: How many rows of the table it took.
    """

    rows: list[Row]
    looked_at: int


ROWS_AT_ONCE = 5_000


class TooManyGroupsError(Exception):
    """More groups and buckets than the query may still read."""


async def read_sums(
    tx: AsyncConnection,
    query: Query,
    version: Version,
    piece: Piece,
    sums: Sequence[Sum],
    *,
    most: int,
) -> Read:
    """
    The sums of a piece, by bucket and group; the piece's set counts each of them.

    Raises:
        TooManyGroupsError: There are more than `most`.
    """
    assert piece.rollup is not None
    table = ROLLUPS[piece.rollup.kind, piece.rollup.grain]
    wanted = [_total(table, piece.rollup, one, version.thresholds) for one in sums]
    cells = _cells(query, version, piece, table, wanted)
    # Facts move from cell to cell: one that is empty by now makes no group of its own.
    heads = [func.sum(table.c[name]) for name in MEASURES[piece.rollup.kind].heads]
    some = cells.having(or_(*(head > 0 for head in heads)))
    return await _fetch(tx, query, piece, some, most)


async def read_histograms(
    tx: AsyncConnection, query: Query, version: Version, piece: Piece, name: str, *, most: int
) -> Read:
    """
    The merged histograms of a piece, by bucket and group; some may hold nothing any more.

    Raises:
        TooManyGroupsError: There are more than `most`.
    """
    assert piece.rollup is not None
    kind = piece.rollup.kind
    table = HISTOGRAMS[kind, piece.rollup.grain]
    merged = func.string_agg(table.c.hist, literal(b"", LargeBinary), type_=LargeBinary)
    number = MEASURES[kind].histogram(name).number
    cells = _cells(query, version, piece, table, [merged]).where(table.c.measure == number)
    return await _fetch(tx, query, piece, cells, most)


async def _fetch(
    tx: AsyncConnection, query: Query, piece: Piece, cells: Select[Any], most: int
) -> Read:
    names = _read_by(query, piece)
    if names == query.read_by:
        return await fetch(tx, cells, len(names), most)

    def told(key: Key) -> Key:
        found = dict(zip(names, key, strict=True))
        hour = found[_HOUR_OF_WEEK]
        return tuple(
            of_the_week(name, hour) if name in WEEK else found[name] for name in query.read_by
        )

    return await fetch(tx, cells, len(names), most, told)


def _read_by(query: Query, piece: Piece) -> tuple[str, ...]:
    """The dimensions to read by; the weekday and its hours are read as one."""
    assert piece.rollup is not None
    week = [name for name in query.read_by if name in WEEK]
    if len(week) < 2 or "weekday" not in week:
        return query.read_by
    return (*(name for name in query.read_by if name not in WEEK), _HOUR_OF_WEEK)


_HOUR_OF_WEEK: Final = "hour of the week"


async def fetch(
    tx: AsyncConnection,
    statement: Select[Any],
    keys: int,
    most: int,
    told: Callable[[Key], Key] = lambda key: key,
) -> Read:
    """
    The rows of a select of bucket, group, values and the number of rows looked at.

    Args:
        told: The group that was read as this one.
    Raises:
        TooManyGroupsError: There are more than `most`.
    """
    result = await tx.execute(statement.limit(max(most, 0) + 1))
    rows: list[Row] = []
    looked_at = 0
    known: dict[Key, Key] = {}
    for part in result.partitions(ROWS_AT_ONCE):
        for row in part:
            key = tuple(row[1 : keys + 1])
            group = known.get(key)
            if group is None:
                group = known[key] = told(key)
            rows.append((row[0], group, row[keys + 1 : -1]))
        looked_at += sum(row[-1] for row in part)
        # Other requests of this process are answered in between.
        await asyncio.sleep(0)
    if len(rows) > most:
        raise TooManyGroupsError
    return Read(rows, looked_at)


def _cells(
    query: Query, version: Version, piece: Piece, table: Table, wanted: Sequence[Column]
) -> Select[Any]:
    chosen = piece.rollup
    assert chosen is not None
    steps = offsets(query.zone, piece.start, piece.end)
    by_day = chosen.grain is Grain.DAY
    if by_day:
        moment: Column = table.c.day
        bucket = bucket_by_day(query, moment)
        first, last = (at.astimezone(query.zone).date() for at in (piece.start, piece.end))
        during = and_(moment >= first, moment < last)
    else:
        moment = table.c.at
        bucket = bucket_by_instant(query, moment)
        during = and_(moment >= piece.start, moment < piece.end)

    def raw(name: str) -> Column:
        return _dimension(table, chosen, name, moment, None if by_day else steps)

    def shown(name: str) -> Column:
        if name == _HOUR_OF_WEEK:
            return hour_of_week(moment, steps, slots="hour_of_day" not in query.read_by)
        return raw(name) if DIMENSIONS[name].computed else func.nullif(raw(name), "")

    keys = [shown(name) for name in _read_by(query, piece)]
    return (
        select(bucket, *keys, *wanted, func.count())
        .where(
            table.c.tenant == query.company.tenant,
            table.c.version == version.number,
            table.c.set == chosen.number,
            during,
            *conditions(query.filters, raw, missing=""),
        )
        .group_by(*(literal_column(str(place + 1)) for place in range(len(keys) + 1)))
    )


def _dimension(
    table: Table, chosen: RollupSet, name: str, moment: Column, steps: Offsets | None
) -> Column:
    if DIMENSIONS[name].computed:
        return (
            clock_by_day(name, moment) if steps is None else clock_by_instant(name, moment, steps)
        )
    column: Column = table.c[f"d{chosen.dimensions.index(name) + 1}"]
    return column


def _total(table: Table, chosen: RollupSet, wanted: Sum, own: tuple[int, ...]) -> Column:
    names = columns(chosen.kind, wanted, own)
    assert names is not None, wanted
    # A sum passes over NULL by itself; only numbers of one row must be added with care.
    added: Column = table.c[names[0]]
    if len(names) > 1:
        added = sum((func.coalesce(table.c[name], 0) for name in names), literal_column("0"))
    if wanted.where is not None:
        column = table.c[f"d{chosen.dimensions.index(wanted.where.dimension) + 1}"]
        value = wanted.where.value
        added = case((column == value if wanted.where.equal else column != value, added))
    total = func.sum(added)
    return total if names[0] in _BIG[chosen.kind] else cast(total, BigInteger)


_BIG = {
    kind: frozenset(counter.name for counter in measures.counters if counter.big)
    for kind, measures in MEASURES.items()
}
