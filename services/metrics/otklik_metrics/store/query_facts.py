"""Reads of facts, as they are now or as they were known once: what no rollup can answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    LargeBinary,
    Select,
    Text,
    case,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.clocks.zones import offsets
from otklik_common.events.staff import PromiseState
from otklik_metrics.domain.company import Hours
from otklik_metrics.domain.dimensions import DIMENSIONS
from otklik_metrics.domain.planner import Piece
from otklik_metrics.domain.query import Query
from otklik_metrics.domain.readings import Sum, Tally
from otklik_metrics.store.query_measures import (
    Moment,
    begun,
    begun_and_open,
    gathered,
    span,
    still_open,
    term,
)
from otklik_metrics.store.query_rollups import Read, fetch
from otklik_metrics.store.query_terms import (
    Column,
    array,
    bucket_by_instant,
    clock_by_instant,
    conditions,
)

BIG_ENDIAN = np.dtype(">i8")


@dataclass(frozen=True, slots=True)
class Source:
    """
    Where the facts of one kind are.

    Attributes:
        kind: Of the facts.
        facts: The table, or the state at a moment of the past; both have the same columns.
    """

    kind: str
    facts: FromClause


async def count_up_to(tx: AsyncConnection, statement: Select[Any], most: int) -> int:
    """How many rows a select has, counted to one above `most` and no further."""
    some = statement.limit(most + 1).subquery()
    return (await tx.execute(select(func.count()).select_from(some))).scalar_one()


def in_piece(source: Source, query: Query, tally: Tally, piece: Piece) -> Select[Any]:
    """The facts that a piece of a tally looks at."""
    moment = source.facts.c[tally.time_column]
    return (
        select(literal_column("1"))
        .select_from(source.facts)
        .where(*looked_at(source, query, moment, piece, anonymous=tally.anonymous))
    )


async def read_sums(
    tx: AsyncConnection,
    source: Source,
    query: Query,
    *,
    tally: Tally,
    piece: Piece,
    sums: Sequence[Sum],
    moment: Moment,
    most: int,
) -> Read:
    """
    Sums, least and most of a piece, by bucket and group.

    Raises:
        TooManyGroupsError: There are more than `most`.
    """
    facts = source.facts.c
    wanted = [gathered(one, term(source.kind, one, facts, moment)) for one in sums]
    cells = _cells(source, query, tally, piece, wanted)
    return await fetch(tx, cells, len(query.group_by), most)


ALIVE = (PromiseState.OPEN, PromiseState.AT_RISK)
"""Promises that can still be kept in time, as far as anybody has looked."""


async def read_now(
    tx: AsyncConnection,
    source: Source,
    query: Query,
    *,
    tally: Tally,
    piece: Piece,
    sums: Sequence[Sum],
    moment: Moment,
    most: int,
) -> Read:
    """The same of what is true only now: few facts, found without looking at the others."""
    facts = source.facts.c
    terms = [term(source.kind, one, facts, moment) for one in sums]
    wanted = [gathered(one, found) for one, found in zip(sums, terms, strict=True)]
    some = or_(*(found.is_not(None) for found in terms))
    cells = _cells(source, query, tally, piece, wanted).where(some)
    if source.kind == "contact":
        # What is not closed has not ended either; the index of open contacts hears it so.
        cells = cells.where(facts.ended_at.is_(None))
    elif source.kind == "case":
        cells = cells.where(facts.closed_at.is_(None))
    elif source.kind == "lead" and {one.measure for one in sums} <= {"waiting"}:
        cells = cells.where(facts.attempted_at.is_(None))
    elif source.kind == "promise":
        # Written out, so that the index of those that can still be kept is seen to hold them.
        alive: list[Column] = [literal_column(f"'{state.value}'") for state in ALIVE]
        cells = cells.where(facts.state.in_(alive))
    return await fetch(tx, cells, len(query.group_by), most)


async def read_spans(
    tx: AsyncConnection,
    source: Source,
    query: Query,
    *,
    tally: Tally,
    piece: Piece,
    moment: Moment,
    name: str,
    most: int,
) -> Read:
    """
    Spans one by one, by bucket and group: those that are over, and those that go on (if the
    tally is of such); each as bytes for `unpacked`. Of business time with their beginnings, for
    `unpacked_pairs`, and by calendar as well: its place in the company's hours is the last part of
    the group.

    Raises:
        TooManyGroupsError: There are more than `most` groups.
    """
    facts = source.facts.c
    over = [span(source.kind, name, facts)]
    going_on = [still_open(source.kind, name, facts, moment.now)] if tally.censored else []
    if tally.business is not None:
        over.insert(0, begun(source.kind, name, facts))
        if going_on:
            going_on.insert(0, begun_and_open(source.kind, name, facts))
    wanted = [_packed(*columns) for columns in (over, going_on) if columns]
    also = [] if tally.business is None else [_calendar(facts.branch, query.company.hours)]
    cells = _cells(source, query, tally, piece, wanted, also)
    return await fetch(tx, cells, len(query.group_by) + len(also), most)


def unpacked_pairs(packed: bytes | None) -> NDArray[np.int64]:
    """Beginnings in microseconds since 1970 and spans in milliseconds, as two columns."""
    return unpacked(packed).reshape(-1, 2)


def unpacked(packed: bytes | None) -> NDArray[np.int64]:
    """Milliseconds out of what `read_spans` gave."""
    return np.frombuffer(packed or b"", dtype=BIG_ENDIAN).astype(np.int64)


def _packed(*columns: Column) -> Column:
    """Numbers of many facts as bytes; a fact of which one is NULL is left out."""
    # Eight bytes a number: a list of numbers would be five times as large on this side.
    sent: list[Column] = [func.int8send(column, type_=LargeBinary) for column in columns]
    together = reduce(lambda one, other: one.concat(other), sent)
    return func.string_agg(together, literal(b"", LargeBinary), type_=LargeBinary)


def _calendar(branch: Column, hours: Sequence[Hours]) -> Column:
    """Place of the calendar by which facts of a branch are told; 0, the default, for any other."""
    others = [
        (branch == func.any(array(sorted(branches), Text)), literal(place, Integer))
        for place, (_, branches) in enumerate(hours)
        if branches
    ]
    return case(*others, else_=literal(0, Integer)) if others else literal(0, Integer)


def _cells(
    source: Source,
    query: Query,
    tally: Tally,
    piece: Piece,
    wanted: Sequence[Column],
    also: Sequence[Column] = (),
) -> Select[Any]:
    facts = source.facts.c
    moment = facts[tally.time_column]
    keys = [*keys_of(source, query, moment, piece), *also]
    return (
        select(bucket_by_instant(query, moment), *keys, *wanted, func.count())
        .select_from(source.facts)
        .where(*looked_at(source, query, moment, piece, anonymous=tally.anonymous))
        .group_by(*(literal_column(str(place + 1)) for place in range(len(keys) + 1)))
    )


def keys_of(source: Source, query: Query, moment: Column, piece: Piece) -> list[Column]:
    """The group of a fact, as columns."""
    return [column_of(source, query, name, moment, piece) for name in query.read_by]


def looked_at(
    source: Source, query: Query, moment: Column, piece: Piece, *, anonymous: bool = False
) -> list[ColumnElement[bool]]:
    """Conditions of the facts that a query looks at in a piece of time."""
    facts = source.facts.c

    def of(name: str) -> Column:
        return column_of(source, query, name, moment, piece)

    kept = [
        facts.tenant == query.company.tenant,
        ~facts.void,
        moment >= piece.start,
        moment < piece.end,
        *conditions(query.filters, of),
    ]
    if source.kind == "answer":
        kept.append(facts.anonymous if anonymous else ~facts.anonymous)
    return kept


def column_of(source: Source, query: Query, name: str, moment: Column, piece: Piece) -> Column:
    """A dimension of a fact: as text, or as the number that the clock shows."""
    if DIMENSIONS[name].computed:
        return clock_by_instant(name, moment, offsets(query.zone, piece.start, piece.end))
    return cast(source.facts.c[name], Text)
