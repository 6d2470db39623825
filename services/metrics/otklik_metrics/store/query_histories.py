"""Reads of people's facts, row by row: who was missed, who came again, who was busy."""

import re
from bisect import bisect_right
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import (
    CompoundSelect,
    FromClause,
    Select,
    Table,
    Text,
    Uuid,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.clocks.zones import micros
from otklik_metrics.domain.budget import Budget
from otklik_metrics.domain.frames import Place
from otklik_metrics.domain.indicators.people import NOBODY, Ints
from otklik_metrics.domain.limits import MOST_HISTORIES
from otklik_metrics.domain.planner import Piece
from otklik_metrics.domain.query import Query
from otklik_metrics.store.query_facts import Source, keys_of, looked_at
from otklik_metrics.store.query_terms import (
    Column,
    array,
    bucket_by_instant,
    conditions,
    micros_of,
)

PEOPLE_AT_ONCE = 20_000
ROWS_AT_ONCE = 5_000
CUSTOMER = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
"""Who is a known customer is named by a UUID, everybody else by a pseudonym."""

LONGEST_STRETCH = timedelta(days=7)
"""
What has ended counts for no longer than this from its beginning: longer, it lay there. So what began
before is not looked for, but for what goes on.
"""

Statement = Select[Any] | CompoundSelect[Any]

IDLE = "available"
"""The state of an agent who waits for a contact."""


Columns = Callable[[Any], Sequence[Column]]
"""Columns made of those of some facts, of now or of the past."""


class TooManyFactsError(Exception):
    """
    More facts than may be read one by one; the action knows for which metric.

    Attributes:
        most: How many may be.
    """

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = most


class People:
    """Numbers for people: 0, 1, … in the order of their first appearance."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, key: str | None) -> int:
        """The number of a person; NOBODY for one whom nobody knows."""
        return NOBODY if key is None else self._numbers.setdefault(key, len(self._numbers))

    def known(self) -> Sequence[str]:
        """Keys in the order of their numbers."""
        return tuple(self._numbers)


@dataclass(frozen=True, slots=True)
class Known:
    """Where people are: the facts, and the map of pseudonyms to customers at the same moment."""

    source: Source
    identity: FromClause


@dataclass(frozen=True, slots=True)
class Rows:
    """
    Facts one by one.

    Attributes:
        places: Bucket and group of each.
        subjects: Their ids.
        person: Their people's numbers.
        columns: What else was asked for.
    """

    places: list[Place]
    subjects: list[Any]
    person: Ints
    columns: list[list[Any]]


async def read(
    tx: AsyncConnection,
    known: Known,
    query: Query,
    *,
    piece: Piece,
    people: People,
    time_column: str,
    wanted: Sequence[Column],
    only: Sequence[Any] = (),
    budget: Budget,
) -> Rows:
    """
    Facts of a piece in the order of time, ties by id.

    Args:
        wanted: Columns beside bucket, group, id and person.
        only: Further conditions.
    Raises:
        TooManyFactsError.
    """
    facts = known.source.facts.c
    moment = facts[time_column]
    keys = keys_of(known.source, query, moment, piece)
    statement = (
        select(bucket_by_instant(query, moment), *keys, facts.subject, _person(known), *wanted)
        .select_from(_with_people(known))
        .where(*looked_at(known.source, query, moment, piece), *only)
        .order_by(moment, facts.subject)
    )
    wide = len(keys) + 1
    place_of: dict[Place, Place] = {}
    found = Rows([], [], np.zeros(0, dtype=np.int64), [[] for _ in wanted])
    persons: list[int] = []
    async with aclosing(_parts(tx, statement, budget)) as parts:
        async for part in parts:
            places = [(row[0], tuple(row[1:wide])) for row in part]
            found.places.extend(place_of.setdefault(place, place) for place in places)
            found.subjects.extend(row[wide] for row in part)
            persons.extend(people.number(row[wide + 1]) for row in part)
            for number, column in enumerate(found.columns, wide + 2):
                column.extend(row[number] for row in part)
    return replace(found, person=np.array(persons, dtype=np.int64))


async def timeline(
    tx: AsyncConnection,
    of: Callable[[Sequence[str]], Awaitable[Source]],
    identity: FromClause,
    tenant: str,
    *,
    people: People,
    wanted: Columns,
    only: Columns,
    budget: Budget,
) -> list[tuple[int, Any, list[Any]]]:
    """
    Everything that happened to people: number, id, columns; in no order.

    Args:
        of: Facts among which are all of those whose person has one of these pseudonyms.
        wanted, only: Columns and conditions, of the columns of such facts.
    Raises:
        TooManyFactsError.
    """
    numbers = await _pseudonyms(tx, identity, tenant, people.known())
    names = sorted(numbers)
    found: list[tuple[int, Any, list[Any]]] = []
    for start in range(0, len(names), PEOPLE_AT_ONCE):
        some = names[start : start + PEOPLE_AT_ONCE]
        facts = (await of(some)).facts.c
        statement = select(facts.person, facts.subject, *wanted(facts)).where(
            facts.tenant == tenant, ~facts.void, facts.person == func.any(array(some, Text))
        )
        async with aclosing(_parts(tx, statement.where(*only(facts)), budget)) as parts:
            async for part in parts:
                found.extend((numbers[row[0]], row[1], list(row[2:])) for row in part)
    return found


async def _pseudonyms(
    tx: AsyncConnection, identity: FromClause, tenant: str, keys: Sequence[str]
) -> dict[str, int]:
    """The number of the person behind every pseudonym of these people."""
    numbers = {key: number for number, key in enumerate(keys)}
    customers = [key for key in keys if CUSTOMER.fullmatch(key)]
    found = {key: number for key, number in numbers.items() if not CUSTOMER.fullmatch(key)}
    map_ = identity.c
    for start in range(0, len(customers), PEOPLE_AT_ONCE):
        some = array(customers[start : start + PEOPLE_AT_ONCE], Uuid(as_uuid=False))
        statement = select(map_.pseudonym, cast(map_.customer, Text)).where(
            map_.tenant == tenant, map_.customer == func.any(some)
        )
        for pseudonym, customer in (await tx.execute(statement)).all():
            found[pseudonym] = numbers[customer]
    return found


async def intervals(
    tx: AsyncConnection,
    contacts: Source,
    states: Source,
    query: Query,
    piece: Piece,
    now: datetime,
    budget: Budget,
) -> tuple[list[Place], list[str], list[bool], list[tuple[int, int]]]:
    """
    When agents were in contact, and when they stood ready: group, agent, whether in contact,
    and the two ends; one row for each bucket that a stretch reaches into.

    Raises:
        TooManyFactsError.
    """
    parts = (
        (True, in_contact(contacts, query, piece, now)),
        (False, ready(states, query, piece, now)),
    )
    places: list[Place] = []
    agents: list[str] = []
    busy: list[bool] = []
    ends: list[tuple[int, int]] = []
    edges = query.buckets.edge_micros() or [micros(piece.start)]
    for is_busy, statement in parts:
        async with aclosing(_parts(tx, statement, budget)) as some:
            async for part in some:
                for *key, agent, start, stop in part:
                    for bucket, low, high in _cut(edges, piece, start, stop):
                        if len(places) >= MOST_HISTORIES:
                            raise TooManyFactsError(MOST_HISTORIES)
                        places.append((bucket, tuple(key)))
                        agents.append(agent)
                        busy.append(is_busy)
                        ends.append((low, high))
    return places, agents, busy, ends


def in_contact(contacts: Source, query: Query, piece: Piece, now: datetime) -> Statement:
    """When agents were in contact, wrapping up included: groups, agent, and the two ends."""
    facts = contacts.facts.c
    wrapped = func.coalesce(facts.wrapped_ms, 0) * literal(timedelta(milliseconds=1))
    stretch = _Stretch(facts.answered_at, facts.ended_at + wrapped, facts.ended_at.is_(None))
    return _stretches(contacts, query, piece, stretch, now, facts.agent.is_not(None))


def ready(states: Source, query: Query, piece: Piece, now: datetime) -> Statement:
    """When agents stood ready: the same."""
    facts = states.facts.c
    stretch = _Stretch(facts.from_at, facts.to_at, facts.to_at.is_(None))
    return _stretches(states, query, piece, stretch, now, facts.state == IDLE)


class _Stretch(NamedTuple):
    begin: Column
    end: Column
    goes_on: Column


def _stretches(
    source: Source, query: Query, piece: Piece, stretch: _Stretch, now: datetime, only: Column
) -> Statement:
    facts, begin = source.facts.c, stretch.begin

    def of(name: str) -> Column:
        return cast(facts[name], Text)

    longest = func.least(stretch.end, begin + literal(LONGEST_STRETCH))
    end = case((stretch.goes_on, literal(now)), else_=longest)
    all_ = select(
        *(of(name) for name in query.read_by), facts.agent, micros_of(begin), micros_of(end)
    ).where(
        facts.tenant == query.company.tenant,
        ~facts.void,
        begin < piece.end,
        only,
        *conditions(query.filters, of),
    )
    early = piece.start - LONGEST_STRETCH
    late = and_(begin >= early, end > piece.start)
    left = and_(begin < early, stretch.goes_on, literal(now) > piece.start)
    if isinstance(source.facts, Table):
        # Each has an index of its own: what began lately, and the few that go on.
        return all_.where(late).union_all(all_.where(left))
    return all_.where(or_(late, left))


def _cut(
    edges: Sequence[int], piece: Piece, start: int, stop: int
) -> Iterable[tuple[int, int, int]]:
    """A stretch, cut where buckets begin."""
    start, stop = max(start, micros(piece.start)), min(stop, micros(piece.end))
    bucket = max(0, bisect_right(edges, start) - 1)
    while start < stop:
        end = edges[bucket + 1] if bucket + 1 < len(edges) else stop
        yield bucket, start, min(stop, end)
        start, bucket = end, bucket + 1


def _with_people(known: Known) -> FromClause:
    facts, map_ = known.source.facts.c, known.identity.c
    same = and_(map_.tenant == facts.tenant, map_.pseudonym == facts.person)
    return known.source.facts.outerjoin(known.identity, same)


def _person(known: Known) -> Column:
    return func.coalesce(cast(known.identity.c.customer, Text), known.source.facts.c.person)


async def _parts(
    tx: AsyncConnection, statement: Statement, budget: Budget
) -> AsyncGenerator[Sequence[Any], None]:
    """
    The rows of a statement in parts: other requests are answered in between.

    Raises:
        TooManyFactsError: There are more than the query may still read.
    """
    result = await tx.stream(statement.limit(budget.histories + 1))
    try:
        async for part in result.partitions(ROWS_AT_ONCE):
            budget.histories -= len(part)
            if budget.histories < 0:
                raise TooManyFactsError(MOST_HISTORIES)
            yield part
    finally:
        await result.close()
