"""One reading of everything that a query's metrics need, each row of the store read once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_metrics.actions.histories import Asker
from otklik_metrics.domain.dimensions import Text
from otklik_metrics.domain.frames import Frame, Key, TallyFrame
from otklik_metrics.domain.histogram import LONGEST_MS, buckets_of, encode
from otklik_metrics.domain.indicators.cells import Values
from otklik_metrics.domain.planner import Piece, Plan, Version, data_range, plan
from otklik_metrics.domain.query import (
    MOST_FACTS,
    MOST_HISTORIES,
    MOST_SPANS,
    Asked,
    Company,
    Query,
)
from otklik_metrics.domain.readings import Histories, Op, Sum, Tally
from otklik_metrics.domain.refusals import HistoryBehind, TooManyRevisions, TooManyRows
from otklik_metrics.domain.sets import TIME_COLUMNS
from otklik_metrics.domain.zones import find_zone
from otklik_metrics.store import query_facts, query_rollups
from otklik_metrics.store.history import facts_as_of, history_until, identity_as_of
from otklik_metrics.store.query_facts import Source, count_up_to, in_piece, unpacked
from otklik_metrics.store.query_histories import Known, TooManyFactsError
from otklik_metrics.store.query_measures import Moment
from otklik_metrics.store.query_rollups import Read
from otklik_metrics.store.tables import FACTS, HISTORY, IDENTITY

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


@dataclass(slots=True)
class _Job:
    """One asked metric while it is read."""

    asked: Asked
    tally: Tally
    plan: Plan
    frame: TallyFrame

    def sums(self) -> Mapping[str, Sum]:
        """What is read with the pieces of the plan: what is true only now too, if they are facts."""
        return {**self.tally.sums, **self.tally.now} if self.plan.only_facts else self.tally.sums


async def check_history(tx: AsyncConnection, as_of: datetime | None) -> None:
    """
    What was known at a moment is all in the history.

    Raises:
        HistoryBehind: More may still be heard of that time.
    """
    until = None if as_of is None else await history_until(tx)
    if as_of is not None and (until is None or until < as_of):
        shown = "nothing" if until is None else until.isoformat()
        raise HistoryBehind(
            f"what was known at {as_of.isoformat()} is not all there yet: history reaches {shown}",
            detail_ru=f"известное на {as_of.isoformat()} ещё не собрано: история до {shown}",
            history_until=None if until is None else until.isoformat(),
        )


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

    async def read(self, query: Query) -> list[Frame]:
        """A frame for each asked metric, in their order."""
        frames: dict[str, Frame] = {}
        jobs: list[_Job] = []
        for asked in query.asked:
            reading = asked.metric.read(asked.params)
            made = plan(query, reading, self._versions.get(asked.metric.kind), self._now)
            self.steps.setdefault(asked.name, [])
            if isinstance(reading, Histories):
                frames[asked.name] = await self._history(query, asked, reading, made)
                continue
            ops = {name: one.op for name, one in {**reading.sums, **reading.now}.items()}
            job = _Job(asked, reading, made, TallyFrame(ops))
            frames[asked.name] = job.frame
            jobs.append(job)
        for together in _alike(jobs):
            await self._sums(query, together)
        await self._spans(query, jobs)
        return [frames[asked.name] for asked in query.asked]

    async def _history(self, query: Query, asked: Asked, reading: Histories, made: Plan) -> Frame:
        if not made.pieces:
            return TallyFrame({})
        piece = made.pieces[0]
        asker = self.asker(query, reading, piece)
        try:
            frame = await asker.frame(reading, piece)
        except TooManyFactsError:
            raise self._too_many(query, asked, MOST_HISTORIES, ONE_BY_ONE) from None
        self._note(query, [asked], piece, len(frame), ONE_BY_ONE)
        return frame

    def asker(self, query: Query, reading: Histories, piece: Piece) -> Asker:
        """Whom to ask about people."""
        source = self.source(query, reading.kind, reading.time_column, piece)
        identity = IDENTITY if query.as_of is None else identity_as_of(query.as_of)

        def everywhere(kind: str) -> Source:
            return self.source(query, kind, None, None)

        return Asker(self._tx, query, Known(source, identity), everywhere, self._now)

    async def _sums(self, query: Query, jobs: Sequence[_Job]) -> None:
        """The sums of metrics that read the same pieces."""
        first = jobs[0]
        wanted = {one: None for job in jobs for one in job.sums().values()}
        asked = [job.asked for job in jobs]
        for piece in first.plan.pieces if wanted else ():
            if piece.rollup is None:
                read = await self._facts(query, first, piece, list(wanted))
            else:
                version = self._versions[first.tally.kind]
                read = await query_rollups.read_sums(self._tx, query, version, piece, list(wanted))
            self._note(query, asked, piece, read.looked_at, first.plan.because)
            _spread(jobs, read, {one: place for place, one in enumerate(wanted)})
        for job in jobs:
            if job.tally.now and job.plan.pieces and not job.plan.only_facts:
                await self._true_now(query, job)

    async def _facts(self, query: Query, job: _Job, piece: Piece, wanted: Sequence[Sum]) -> Read:
        source = await self._counted(query, job, piece, MOST_FACTS)
        return await query_facts.read_sums(
            self._tx,
            source,
            query,
            tally=job.tally,
            piece=piece,
            sums=wanted,
            moment=self.moment(query, piece),
        )

    async def _true_now(self, query: Query, job: _Job) -> None:
        piece = Piece(*data_range(query, self._now))
        wanted = list(dict.fromkeys(job.tally.now.values()))
        read = await query_facts.read_now(
            self._tx,
            self.source(query, job.tally.kind, job.tally.time_column, piece),
            query,
            tally=job.tally,
            piece=piece,
            sums=wanted,
            moment=self.moment(query, piece),
        )
        because = Text("it is true only now", "верно только сейчас")
        self._note(query, [job.asked], piece, read.looked_at, because)
        for bucket, key, values in read.rows:
            numbers = {
                name: int(values[wanted.index(one)] or 0) for name, one in job.tally.now.items()
            }
            job.frame.add(bucket, key, Values(numbers))

    async def _spans(self, query: Query, jobs: Sequence[_Job]) -> None:
        """Histograms, or the spans themselves where some go on; each read once."""
        done: dict[tuple[Any, ...], list[tuple[int, Key, Values]]] = {}
        for job in jobs:
            if job.tally.histogram is None or not job.plan.pieces:
                continue
            going_on = job.tally.censored and job.frame.total("begun") != job.frame.total("over")
            same = (job.tally.kind, job.tally.histogram, job.plan.pieces, going_on)
            if same not in done:
                done[same] = (
                    await self._one_by_one(query, job)
                    if going_on
                    else await self._histograms(query, job)
                )
            for bucket, key, values in done[same]:
                job.frame.add(bucket, key, values)

    async def _histograms(self, query: Query, job: _Job) -> list[tuple[int, Key, Values]]:
        name = job.tally.histogram
        assert name is not None
        found: list[tuple[int, Key, Values]] = []
        for piece in job.plan.pieces:
            if piece.rollup is None:
                read = await self._span_bytes(query, job, piece, MOST_SPANS)
                found += [
                    (bucket, key, Values(histogram=_as_histogram(values[0])))
                    for bucket, key, values in read.rows
                ]
                continue
            version = self._versions[job.tally.kind]
            read = await query_rollups.read_histograms(self._tx, query, version, piece, name)
            found += [
                (bucket, key, Values(histogram=packed)) for bucket, key, (packed,) in read.rows
            ]
        return found

    async def _one_by_one(self, query: Query, job: _Job) -> list[tuple[int, Key, Values]]:
        piece = Piece(*data_range(query, self._now))
        read = await self._span_bytes(query, job, piece, MOST_SPANS)
        self._note(query, [job.asked], piece, read.looked_at, GOING_ON)
        return [
            (bucket, key, Values(ended=unpacked(over), still_open=unpacked(going_on)))
            for bucket, key, (over, going_on) in read.rows
        ]

    async def _span_bytes(self, query: Query, job: _Job, piece: Piece, most: int) -> Read:
        assert job.tally.histogram is not None
        return await query_facts.read_spans(
            self._tx,
            await self._counted(query, job, piece, most),
            query,
            tally=job.tally,
            piece=piece,
            moment=self.moment(query, piece),
            name=job.tally.histogram,
        )

    async def _counted(self, query: Query, job: _Job, piece: Piece, most: int) -> Source:
        """The facts of a piece, once it is clear that there are not too many of them."""
        kind, by = job.tally.kind, job.tally.time_column
        source = self.source(query, kind, by, piece)
        if piece.end - piece.start > A_DAY or query.as_of is not None:
            if query.as_of is None:
                looked_at = in_piece(source, query, job.tally, piece)
            else:
                looked_at = self._revisions(kind, by, query.as_of, piece)
            if await count_up_to(self._tx, looked_at, most) > most:
                raise self._too_many(query, job.asked, most, job.plan.because or GOING_ON)
        return source

    def _revisions(self, kind: str, by: str, as_of: datetime, piece: Piece) -> Any:
        history = HISTORY[kind].c
        found: Select[Any] = select(literal_column("1")).where(
            history.tenant == self._company.tenant, history.recorded_at < as_of
        )
        if by != _first_time(kind):
            return found
        return found.where(history["at"] >= piece.start, history["at"] < piece.end)

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
        self, query: Query, asked: Sequence[Asked], piece: Piece, rows: int, because: Text | None
    ) -> None:
        facts = "history" if query.as_of is not None else "facts"
        reads = facts if piece.rollup is None else "rollup"
        why = because if piece.rollup is None else None
        for one in asked:
            self.steps[one.name].append(Step(reads, one.metric.kind, piece, rows, why))

    @staticmethod
    def _too_many(query: Query, asked: Asked, most: int, because: Text) -> TooManyRows:
        refusal = TooManyRows if query.as_of is None else TooManyRevisions
        return refusal(asked.name, most, because.en, because.ru)


def _first_time(kind: str) -> str | None:
    return TIME_COLUMNS[kind][0] if kind in TIME_COLUMNS else None


def _alike(jobs: Sequence[_Job]) -> list[list[_Job]]:
    """Metrics that can be read by one select, together."""

    def by(job: _Job) -> tuple[Any, ...]:
        return (job.tally.kind, job.tally.time_column, job.plan.pieces, job.tally.anonymous)

    found: dict[tuple[Any, ...], list[_Job]] = {}
    for job in jobs:
        found.setdefault(by(job), []).append(job)
    return list(found.values())


def _spread(jobs: Sequence[_Job], read: Read, place: Mapping[Sum, int]) -> None:
    """Give every metric its numbers out of the columns of a common select."""
    for job in jobs:
        columns = [(name, place[one], one.op) for name, one in job.sums().items()]
        for bucket, key, values in read.rows:
            numbers = {
                name: int(value or 0)
                for name, column, op in columns
                if (value := values[column]) is not None or op is Op.SUM
            }
            job.frame.add(bucket, key, Values(numbers))


def _as_histogram(packed: bytes | None) -> bytes:
    """Spans one by one as the histogram that a rollup would hold of them."""
    spans = unpacked(packed)
    counts: dict[int, int] = {}
    for bucket in buckets_of(spans.clip(0, LONGEST_MS).tolist()):
        counts[bucket] = counts.get(bucket, 0) + 1
    return encode(counts)
