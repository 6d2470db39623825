"""One reading of everything that a query's metrics need, each row of the store read once."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import FromClause
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.clocks.zones import find_zone
from otklik_metrics.actions.histories import Asker
from otklik_metrics.actions.jobs import Job, alike, jobs_of
from otklik_metrics.actions.past import counted
from otklik_metrics.actions.spans import as_histograms, in_business_time, with_histograms
from otklik_metrics.domain.budget import Budget
from otklik_metrics.domain.company import Company
from otklik_metrics.domain.dimensions import Text
from otklik_metrics.domain.frames import Frame, HistoryFrame, Row, TallyFrame
from otklik_metrics.domain.indicators.cells import Values
from otklik_metrics.domain.limits import MOST_FACTS
from otklik_metrics.domain.planner import Piece, Plan, Version, data_range, plan
from otklik_metrics.domain.query import Asked, Query
from otklik_metrics.domain.readings import Histories, Reading, Sum
from otklik_metrics.domain.refusals import TooManyRevisions, TooManyRows
from otklik_metrics.domain.sets import TIME_COLUMNS
from otklik_metrics.store import history, query_facts, query_rollups
from otklik_metrics.store.history import facts_as_of, identity_as_of
from otklik_metrics.store.query_facts import (
    Source,
    count_up_to,
    in_piece,
    unpacked,
)
from otklik_metrics.store.query_histories import Known, TooManyFactsError
from otklik_metrics.store.query_measures import Moment
from otklik_metrics.store.query_rollups import Read, TooManyGroupsError
from otklik_metrics.store.tables import FACTS, IDENTITY

A_DAY = timedelta(days=1)
GOING_ON = Text("some have not ended yet", "некоторые ещё не закончились")
ONE_BY_ONE = Text("it looks at people one by one", "смотрит на каждого человека отдельно")


@dataclass(frozen=True, slots=True)
class Step:
    """
    One read of the store, for `explain`.

    Attributes:
        reads: `rollup`, `facts` or `history`.
        rows: How many of its rows were looked at.
        because: Why it was not a rollup.
    """

    reads: str
    kind: str
    piece: Piece
    rows: int
    because: Text | None = None


class Desk:
    """
    Reads for one answer, in one transaction.

    Args:
        versions: Live rollups by kind.
        now: The moment that "now" means; of `as_of`, that moment.
    """

    def __init__(
        self,
        tx: AsyncConnection,
        company: Company,
        versions: Mapping[str, Version],
        now: datetime,
    ) -> None:
        self._tx = tx
        self._company = company
        self._versions = versions
        self._now = now
        self.steps: dict[str, list[Step]] = {}
        self.calendars: dict[str, frozenset[str]] = {}

    async def read(self, query: Query, budget: Budget | None = None) -> list[Frame]:
        """
        A frame for each asked metric, in their order; what is read alike is read once.

        Args:
            budget: What may still be read, where this is not all of its query.
        Raises:
            TooManyRows, TooManyCells, TooMuchRead: It would cost more than a query may.
        """
        left = Budget(query) if budget is None else budget
        for asked in query.asked:
            self.steps.setdefault(asked.name, [])
        try:
            frames = await self._histories(query, left)
            jobs = jobs_of(query, partial(self._plan, query))
            for together in alike(jobs):
                await self._sums(query, left, together)
            await self._spans(query, left, jobs)
        except TooManyGroupsError:
            raise left.too_many() from None
        frames |= {asked.name: job.frame for job in jobs for asked in job.asked}
        return [frames[asked.name] for asked in query.asked]

    def _plan(self, query: Query, reading: Reading) -> Plan:
        return plan(query, reading, self._versions.get(reading.kind), self._now)

    async def _histories(self, query: Query, budget: Budget) -> dict[str, Frame]:
        """The frames of metrics that look at people, by their names."""
        readings = [one.reading for one in query.asked]
        people = [one for one in readings if isinstance(one, Histories)]
        days = max((one.days for one in people), default=0)
        askers: dict[tuple[str, str], Asker] = {}
        frames: dict[Histories, HistoryFrame] = {}
        found: dict[str, Frame] = {}
        for asked, reading in zip(query.asked, readings, strict=True):
            if not isinstance(reading, Histories):
                continue
            pieces = self._plan(query, reading).pieces
            if not pieces:
                found[asked.name] = TallyFrame({})
                continue
            piece = pieces[0]
            if reading not in frames:
                which = (reading.kind, reading.time_column)
                try:
                    if which not in askers:
                        askers[which] = await self.asker(query, reading, piece, budget, days)
                    frames[reading] = await askers[which].frame(reading, piece)
                except TooManyFactsError as no:
                    raise self.too_many(query, asked, no.most, ONE_BY_ONE) from None
                budget.took(0, 0, frames[reading].keys())
            found[asked.name] = frames[reading]
            self._note(query, [asked], reading.kind, piece, len(frames[reading]), ONE_BY_ONE)
        return found

    async def asker(
        self, query: Query, reading: Histories, piece: Piece, budget: Budget, days: int
    ) -> Asker:
        """
        Whom to ask about people; of repeats within so many days at most.

        Raises:
            TooManyFactsError: The past has more revisions than may be looked at.
        """
        tx, tenant, as_of = self._tx, self._company.tenant, query.as_of
        source = Source(reading.kind, FACTS[reading.kind])
        identity: FromClause = IDENTITY
        if as_of is not None:
            first = reading.time_column == _first_time(reading.kind)
            between = (piece.start, piece.end) if first else None
            source = await counted(tx, reading.kind, tenant, as_of, between)
            await counted(tx, "customer", tenant, as_of)
            identity = identity_as_of(as_of)

        async def of(kind: str, people: Sequence[str] | None) -> Source:
            if as_of is None:
                return Source(kind, FACTS[kind])
            return await counted(tx, kind, tenant, as_of, people=people)

        known = Known(source, identity)
        return Asker(tx, query, known, of, now=self._now, budget=budget, days=days)

    async def _sums(self, query: Query, budget: Budget, jobs: Sequence[Job]) -> None:
        """The sums of metrics that read the same pieces."""
        first = jobs[0]
        wanted = list({one: None for job in jobs for one in job.sums().values()})
        place = {one: number for number, one in enumerate(wanted)}
        asked = [one for job in jobs for one in job.asked]
        for piece in first.plan.pieces if wanted else ():
            most = budget.rows(query, len(jobs))
            if piece.rollup is None:
                read = await self._facts(query, first, piece, wanted, most)
            else:
                version = self._versions[first.tally.kind]
                read = await query_rollups.read_sums(
                    self._tx, query, version, piece, wanted, most=most
                )
            self._note(query, asked, first.tally.kind, piece, read.looked_at, first.plan.because)
            budget.took(len(read.rows), len(jobs), (key for _, key, _ in read.rows))
            for job in jobs:
                columns = {name: place[one] for name, one in job.sums().items()}
                job.frame.take_columns(read.rows, columns)
        for job in jobs:
            if job.tally.now and job.plan.pieces and not job.plan.only_facts:
                await self._true_now(query, budget, job)

    async def _facts(
        self, query: Query, job: Job, piece: Piece, wanted: Sequence[Sum], most: int
    ) -> Read:
        source, _ = await self._counted(query, job, piece, MOST_FACTS)
        return await query_facts.read_sums(
            self._tx,
            source,
            query,
            tally=job.tally,
            piece=piece,
            sums=wanted,
            moment=self.moment(query, piece),
            most=most,
        )

    async def _true_now(self, query: Query, budget: Budget, job: Job) -> None:
        piece = Piece(*data_range(query, self._now, job.tally.kind))
        wanted = list(dict.fromkeys(job.tally.now.values()))
        read = await query_facts.read_now(
            self._tx,
            self.source(query, job.tally.kind, job.tally.time_column, piece),
            query,
            tally=job.tally,
            piece=piece,
            sums=wanted,
            moment=self.moment(query, piece),
            most=budget.rows(query, 1),
        )
        because = Text("it is true only now", "верно только сейчас")
        self._note(query, job.asked, job.tally.kind, piece, read.looked_at, because)
        budget.took(len(read.rows), 1, (key for _, key, _ in read.rows))
        columns = {name: wanted.index(one) for name, one in job.tally.now.items()}
        job.frame.take_columns(read.rows, columns)

    async def _spans(self, query: Query, budget: Budget, jobs: Sequence[Job]) -> None:
        """Histograms, or the spans themselves where some go on; each read once."""
        done: dict[tuple[Any, ...], list[Row]] = {}
        for job in jobs:
            if job.tally.business is not None and job.plan.pieces:
                job.frame.take_values(await self._in_business_time(query, budget, job))
            if job.tally.histogram is None or not job.plan.pieces:
                continue
            going_on = job.tally.censored and job.frame.total("begun") != job.frame.total("over")
            same = (job.tally.kind, job.tally.histogram, job.plan.pieces, going_on)
            if same not in done:
                done[same] = (
                    await self._one_by_one(query, budget, job)
                    if going_on
                    else await self._histograms(query, budget, job)
                )
            job.frame.take_values(done[same])

    async def _histograms(self, query: Query, budget: Budget, job: Job) -> list[Row]:
        name = job.tally.histogram
        assert name is not None
        found: list[Row] = []
        # Facts move from cell to cell: those that left may have left an empty histogram behind.
        held = await asyncio.to_thread(job.frame.places)
        for piece in job.plan.pieces:
            if piece.rollup is None:
                read = await self._span_bytes(query, budget, job, piece)
                found += await asyncio.to_thread(as_histograms, read.rows)
                continue
            version = self._versions[job.tally.kind]
            read = await query_rollups.read_histograms(
                self._tx, query, version, piece, name, most=budget.rows(query, 1)
            )
            rows = await asyncio.to_thread(with_histograms, read.rows, held)
            budget.took(len(rows), 1, (key for _, key, _ in rows))
            found += rows
        return found

    async def _one_by_one(self, query: Query, budget: Budget, job: Job) -> list[Row]:
        piece = Piece(*data_range(query, self._now, job.tally.kind))
        read = await self._span_bytes(query, budget, job, piece)
        self._note(query, job.asked, job.tally.kind, piece, read.looked_at, GOING_ON)
        return [
            (bucket, key, Values(ended=unpacked(over), still_open=unpacked(going_on)))
            for bucket, key, (over, going_on) in read.rows
        ]

    async def _in_business_time(self, query: Query, budget: Budget, job: Job) -> list[Row]:
        piece = job.plan.pieces[0]
        read = await self._span_bytes(query, budget, job, piece)
        self._note(query, job.asked, job.tally.kind, piece, read.looked_at, job.plan.because)
        rows, told = await asyncio.to_thread(in_business_time, read.rows, query.company.hours)
        for asked in job.asked:
            self.calendars[asked.name] = self.calendars.get(asked.name, frozenset()) | told
        return rows

    async def _span_bytes(self, query: Query, budget: Budget, job: Job, piece: Piece) -> Read:
        tally = job.tally
        name = tally.business or tally.histogram
        assert name is not None
        source, found = await self._counted(query, job, piece, budget.spans)
        read = await query_facts.read_spans(
            self._tx,
            source,
            query,
            tally=tally,
            piece=piece,
            moment=self.moment(query, piece),
            name=name,
            most=budget.rows(query, 1),
        )
        budget.spans -= max(found, read.looked_at)
        parts = len(query.group_by)
        budget.took(len(read.rows), 1, (key[:parts] for _, key, _ in read.rows))
        return read

    async def _counted(self, query: Query, job: Job, piece: Piece, most: int) -> tuple[Source, int]:
        """The facts of a piece and their number, once it is clear that there are not too many."""
        kind, by = job.tally.kind, job.tally.time_column
        source = self.source(query, kind, by, piece)
        if query.as_of is None:
            if piece.end - piece.start <= A_DAY:
                return source, 0
            looked_at = in_piece(source, query, job.tally, piece)
        else:
            between = (piece.start, piece.end) if by == _first_time(kind) else None
            looked_at = history.revisions(kind, self._company.tenant, query.as_of, between)
        found = await count_up_to(self._tx, looked_at, max(most, 0))
        if found > most:
            raise self.too_many(query, job.asked[0], most, job.plan.because or GOING_ON)
        return source, found

    def source(self, query: Query, kind: str, by: str | None, piece: Piece | None) -> Source:
        """The facts of a kind; of the past, those that can lie in a piece by their time `by`."""
        if query.as_of is None:
            return Source(kind, FACTS[kind])
        narrow = piece is not None and by == _first_time(kind)
        between = (piece.start, piece.end) if narrow and piece is not None else None
        return Source(kind, facts_as_of(kind, query.as_of, between))

    def moment(self, query: Query, piece: Piece) -> Moment:
        """What measures depend on besides the facts of a piece."""
        # The zone of the live rollups is that of today.
        lead = self._versions.get("lead") if query.as_of is None else None
        zone = find_zone(lead.timezone if lead else self._company.timezone)
        return Moment(self._now, zone or query.zone, piece.start, piece.end)

    def _note(
        self,
        query: Query,
        asked: Sequence[Asked],
        kind: str,
        piece: Piece,
        rows: int,
        because: Text | None,
    ) -> None:
        facts = "history" if query.as_of is not None else "facts"
        reads = facts if piece.rollup is None else "rollup"
        why = because if piece.rollup is None else None
        for one in asked:
            self.steps[one.name].append(Step(reads, kind, piece, rows, why))

    @staticmethod
    def too_many(query: Query, asked: Asked, most: int, because: Text) -> TooManyRows:
        """Why a read of so many facts is refused."""
        refusal = TooManyRows if query.as_of is None else TooManyRevisions
        return refusal(asked.name, most, because.en, because.ru)


def _first_time(kind: str) -> str | None:
    return TIME_COLUMNS[kind][0] if kind in TIME_COLUMNS else None
