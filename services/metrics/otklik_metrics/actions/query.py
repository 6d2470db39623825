"""Answer a query: read what each metric needs from where it stands, and lay it out in rows."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from otklik_common.db import Database
from otklik_metrics.actions.bounds import bounded
from otklik_metrics.actions.past import check_history
from otklik_metrics.actions.reading import Desk, Step
from otklik_metrics.domain.answer import Reads, Row, clock_keys, rows_of
from otklik_metrics.domain.budget import Budget
from otklik_metrics.domain.limits import MANY_UNITS
from otklik_metrics.domain.query import Query
from otklik_metrics.domain.zones import buckets, partners, shift_of
from otklik_metrics.store import query_state

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Answered:
    """
    What was found.

    Attributes:
        fresh: The moment before which everything recorded is counted; None if unknown.
        steps: How each asked metric was read, in their order.
        calendars: Codes of those by which each metric in business time was told.
    """

    rows: Sequence[Row]
    fresh: datetime | None
    steps: Mapping[str, Sequence[Step]] = field(default_factory=dict)
    calendars: Mapping[str, frozenset[str]] = field(default_factory=dict)


async def answer(db: Database, query: Query, now: datetime) -> Answered:
    """
    The answer to a checked query: all its numbers and how fresh they are, of one moment.

    Args:
        db: As role `api`.
    Raises:
        HistoryBehind: `as_of` is later than the history reaches.
        TooManyRows, TooManyCells, TooMuchRead: It would cost more than an answer may.
        Unavailable: It took too long, its turn included.
    """
    async with bounded(query):
        return await _answered(db, query, now)


async def compared(
    db: Database, query: Query, now: datetime, compare: Callable[[Answered], Made]
) -> Made:
    """
    What comparing the rows of an answer makes: within the time of the answer, in a thread.

    Many rows are compared in their turn, since how many there are is known only when they are read.

    Raises:
        HistoryBehind, TooManyRows, TooManyCells, TooMuchRead, Unavailable: As `answer`.
    """
    async with bounded(query) as turn:
        found = await _answered(db, query, now)
        if len(found.rows) > MANY_UNITS:
            await turn.take()
        return await asyncio.to_thread(compare, found)


async def _answered(db: Database, query: Query, now: datetime) -> Answered:
    budget = Budget(query)
    async with db.snapshot(query.company.tenant) as tx:
        await check_history(tx, query.as_of)
        versions = await query_state.live_versions(tx, query.company.tenant, _kinds(query))
        desk = Desk(tx, query.company, versions, query.as_of or now)
        frames = await desk.read(query, budget)
        before = await _before(desk, query, budget) if query.compare else None
        fresh = await query_state.fresh(tx)
    # Many cells take a while: other requests of this process must not wait for them.
    rows = await asyncio.to_thread(_rows, query, Reads(frames), before)
    return Answered(rows, fresh, desk.steps, desk.calendars)


def _rows(query: Query, now: Reads, before: Reads | None) -> list[Row]:
    return rows_of(query, now, before, clock_keys(query))


async def _before(desk: Desk, query: Query, budget: Budget) -> Reads:
    now = query.buckets
    shift = shift_of(now.start, now.end, now.granularity, now.zone)
    start, end = shift.period(now.start, now.end, now.zone)
    earlier = buckets(start, end, now.granularity, now.zone)
    frames = await desk.read(replace(query, buckets=earlier), budget)
    return Reads(frames, partners(now, earlier, shift))


def _kinds(query: Query) -> Iterable[str]:
    return {kind for one in query.asked for kind in one.reading.kinds}
