"""
From the log into a service's own tables, each effect once.

The position stands in the same database and moves in the same transaction as the effect. So a
record may come again, from another replica or after a crash, and changes nothing; and no record
is ever passed over.
"""

import asyncio
import random
import time
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from opentelemetry.trace import SpanKind
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import dead_letters
from otklik_common.batch import (
    Handler,
    Hook,
    Outcome,
    Part,
    TooManyDeadError,
    apply,
    choose,
    count,
    newest,
    parts_of,
    retake,
    traceparents,
)
from otklik_common.db import Database
from otklik_common.failpoints import failpoint
from otklik_common.faults import (
    TOO_LONG,
    Fault,
    describe_briefly,
    fault_of,
    sqlstate_of,
)
from otklik_common.log.port import Log, LogGapError, LogNotReadyError, Place, Reader, gap
from otklik_common.meters import ConsumerMeters
from otklik_common.observability import get_logger
from otklik_common.pace import records_a_second
from otklik_common.positions import Positions
from otklik_common.reading import ReadEvent, Unprocessable
from otklik_common.resting import rest
from otklik_common.tracing import span
from otklik_common.watchdog import Tracked, Watchdog

__all__ = [
    "Consumer",
    "Handler",
    "ReadEvent",
    "Redriven",
    "TooManyDeadError",
    "Unprocessable",
    "redrive",
]

IDLE_SECONDS: Final = 1.0
ASK_SECONDS: Final = 5.0
"""How often an idle consumer asks by another way whether something waits."""

BUSY_ASK_SECONDS: Final = 15.0
"""The same while records come: those of other topics say nothing of one that is gone."""

FIRST_PAUSE: Final = 0.1
MOST_PAUSE: Final = 5.0
REST_SECONDS: Final = 2.0

AHEAD_RECORDS: Final = 2_000
"""Of a batch. Behind a smaller one, what comes meanwhile would wait for the next but one."""

fetched = failpoint("consumer.fetched", "a batch is read, its transaction has not begun")
applied = failpoint("consumer.applied", "the effect and the position are written, not committed")
committed = failpoint("consumer.committed", "the batch is committed, the next not begun")
letter_taken = failpoint("redrive.taken", "a dead letter is locked, its record is not taken in")
letter_settled = failpoint("redrive.settled", "record taken in and letter settled, not committed")
letter_committed = failpoint("redrive.committed", "a letter is committed, the next not begun")

_log = get_logger(__name__)


class _StoppedError(Exception):
    """Told to stop while waiting for the database; the batch is left as it was."""


class Consumer:
    """
    One purpose's reader of some topics, with a position of its own.

    Args:
        group: Its name on the log: `metrics.facts`. Replicas share it.
        db: The service's tables as its role `worker`.
        max_records: Records of one batch.
        max_dead: That many dead letters in a row, and it stops instead.
    """

    def __init__(
        self,
        group: str,
        topics: Sequence[str],
        handler: Handler,
        db: Database,
        log: Log,
        *,
        max_records: int = 5000,
        max_dead: int = 100,
        registry: CollectorRegistry | None = None,
        watchdog: Watchdog | None = None,
    ) -> None:
        self.group = group
        self.handler = handler
        self.topics = list(topics)
        self._db = db
        self._from = log
        self._most = self._limit = max_records
        self._max_dead = max_dead
        self._run: int | None = None
        self._at: dict[Place, int] = {}
        self._reader: Reader | None = None
        self._problem: str | None = "has not started"
        self._told_at = self._asked_at = 0.0
        self._meters = ConsumerMeters(registry, group)
        self._tracked: Tracked | None = watchdog.track(group) if watchdog else None
        self._positions = Positions(db.schema, group)
        self._pace = records_a_second()

    async def check(self) -> None:
        """Return if the consumer gets on; raise LogNotReadyError saying why if it cannot."""
        if self._problem is not None:
            raise LogNotReadyError(f"consumer {self.group}: {self._problem}")

    def room(self, ends: Mapping[Place, int], *, seconds: float, least: int) -> int:
        """As `Platform.room`, for this consumer; `ends` are those of the log."""
        ours = self._reader.assigned() if self._reader else frozenset()
        waiting = self._behind({at: end for at, end in ends.items() if at in ours})
        return max(int(self._pace.value * seconds), least) - waiting

    async def run(self, stop: asyncio.Event) -> None:
        """
        Take records in until `stop`; a log or a database that is away is waited for.

        Raises:
            TooManyDeadError: Readiness is red, the position stays, and somebody must look.
        """
        while not stop.is_set():
            self._touch()
            try:
                reader = await self._from.reader(self.group, self.topics, self._where)
                self._well()
                self._reader = reader
                try:
                    await self._consume(reader, stop)
                finally:
                    self._reader = None
                    await reader.close()
            except _StoppedError:
                return
            except LogNotReadyError as broken:
                self._report(str(broken))
            except Exception as broken:
                if fault_of(broken) is not Fault.AGAIN:
                    self._report(describe_briefly(broken))
                    raise
                self._report(f"the database fails: {describe_briefly(broken)}")
            await rest(stop, REST_SECONDS)

    async def _consume(self, reader: Reader, stop: asyncio.Event) -> None:
        """Read and take in; behind a large batch the next is read while the database works."""
        stopping = asyncio.create_task(stop.wait())
        reading = asyncio.create_task(self._read(reader))
        try:
            while True:
                await asyncio.wait(
                    {reading, stopping}, timeout=ASK_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                if stopping.done():
                    return
                if not reading.done():
                    # The client does not come back: the watchdog must know whether that hurts.
                    await self._ask(reader)
                    continue
                parts = reading.result()
                ahead = count(parts) >= AHEAD_RECORDS
                if ahead:
                    reading = asyncio.create_task(self._read(reader))
                if parts:
                    await self._take_in(parts, reader, stop)
                await self._after(reader, idle=not parts)
                if not ahead:
                    reading = asyncio.create_task(self._read(reader))
        finally:
            for task in (reading, stopping):
                task.cancel()
            await asyncio.gather(reading, stopping, return_exceptions=True)

    async def _read(self, reader: Reader) -> list[Part]:
        return await parts_of(await reader.fetch(self._most, IDLE_SECONDS))

    async def _take_in(self, parts: Sequence[Part], reader: Reader, stop: asyncio.Event) -> None:
        began = time.monotonic()
        fetched()
        outcome = await self._until_committed(parts, stop)
        committed()
        for place, offset in outcome.rewinds.items():
            reader.seek(place, offset)
        self._learn({**outcome.held, **outcome.positions})
        self._run = outcome.run
        if outcome.dead:
            _log.warning("records put aside", group=self.group, dead_letters=len(outcome.dead))
        if outcome.parts:
            took = time.monotonic() - began
            self._pace.add(outcome.count, took)
            self._meters.batch(outcome.count, len(outcome.dead), took)
            self._tell_lag(reader.ends(), newest(outcome.parts))
            self._touch()
        elif outcome.rewinds:
            # Another replica holds these partitions: let it finish.
            await rest(stop, FIRST_PAUSE)

    async def _until_committed(self, parts: Sequence[Part], stop: asyncio.Event) -> Outcome:
        """Try until committed; what only the database is to blame for is waited out."""
        pause = FIRST_PAUSE
        while True:
            self._touch()
            try:
                outcome = await self._attempt(parts)
            except Exception as broken:
                if fault_of(broken) is not Fault.AGAIN:
                    raise
                if sqlstate_of(broken) in TOO_LONG:
                    self._limit = max(1, min(self._limit, count(parts)) // 2)
                self._report(f"the database fails: {describe_briefly(broken)}")
                await rest(stop, pause * (0.5 + random.random()))  # noqa: S311 - spreads retries
                if stop.is_set():
                    raise _StoppedError from None
                pause = min(pause * 2, MOST_PAUSE)
            else:
                self._well()
                self._limit = min(self._most, self._limit * 2)
                return outcome

    async def _attempt(self, parts: Sequence[Part]) -> Outcome:
        """One transaction: positions locked, events applied, the rest put aside."""
        outcome = Outcome()
        # A batch of many statements may take long; each of them may not.
        async with self._db.begin_as_worker(self._touch) as tx:
            held = await self._positions.lock(tx, [part.place for part in parts])
            outcome.held = held
            left = self._limit
            for part in parts:
                left -= choose(part, held.get(part.place), left, outcome)
            if not outcome.parts:
                outcome.run = self._run or 0
                return outcome
            with span(
                "consume batch",
                links=traceparents(outcome.parts),
                kind=SpanKind.CONSUMER,
                group=self.group,
                records=outcome.count,
            ):
                outcome.dead = [bad for part in outcome.parts for bad in part.dead]
                await apply(tx, self.handler, outcome, most_failures=self._max_dead)
                outcome.run = await self._check_run(tx, outcome)
                await dead_letters.put(tx, self._db.schema, self.group, outcome.dead)
                await self._positions.move(tx, outcome.positions)
            applied()
        return outcome

    async def _check_run(self, tx: AsyncConnection, outcome: Outcome) -> int:
        """How many records were put aside in a row until now. Raises TooManyDeadError."""
        run = self._run
        if run is None:
            run = await dead_letters.unbroken_run(tx, self._db.schema, self.group, self._max_dead)
        if not outcome.dead:
            return 0
        dead = {(bad.record.topic, bad.record.partition, bad.record.offset) for bad in outcome.dead}
        for part in outcome.parts:
            for record in part.records:
                run = run + 1 if (record.topic, record.partition, record.offset) in dead else 0
                if run >= self._max_dead:
                    raise TooManyDeadError(
                        f"{run} records in a row cannot be taken in, the last at"
                        f" {record.topic}/{record.partition}/{record.offset}:"
                        f" {outcome.dead[-1].reason}"
                    )
        return run

    async def _after(self, reader: Reader, *, idle: bool) -> None:
        """What is done beside the batches: metrics, the handler's hook, a look from outside."""
        now = time.monotonic()
        if now - self._asked_at >= (ASK_SECONDS if idle else BUSY_ASK_SECONDS):
            await self._ask(reader)
        if now - self._told_at >= IDLE_SECONDS:
            self._told_at = now
            ours = reader.assigned()
            positions = {at: following for at, following in self._at.items() if at in ours}
            await reader.note(positions)
            hook: Hook | None = getattr(self.handler, "caught_up", None)
            if hook is not None:
                await hook(positions)

    async def _ask(self, reader: Reader) -> None:
        """
        Whether something waits although nothing is read.

        A client may stand still without knowing it: then the watchdog must see that something
        waits. Raises LogNotReadyError where the log does not answer, or lacks a topic or records.
        """
        self._asked_at = time.monotonic()
        ends = await self._from.ends(self.topics)
        ours = reader.assigned()
        ends = {at: end for at, end in ends.items() if at in ours}
        for at, end in ends.items():
            if self._at.get(at, 0) > end:
                raise LogGapError(gap(at, self._at[at], f"it ends at {end}"))
        self._well()
        if any(end > self._at.get(at, 0) for at, end in ends.items()):
            # Where replicas read side by side, another may have taken in what we wait for.
            async with self._db.begin_as_worker() as tx:
                self._learn(await self._positions.find(tx, ends.keys()))
        if self._tell_lag(ends, None) == 0:
            self._touch()

    def _learn(self, positions: Mapping[Place, int]) -> None:
        """Whoever has moved the positions, the group gets on."""
        if any(following > self._at.get(at, 0) for at, following in positions.items()):
            self._touch()
        self._at.update(positions)

    async def _where(self, places: Collection[Place]) -> Mapping[Place, int]:
        async with self._db.begin_as_worker() as tx:
            self._at = await self._positions.find(tx, places)
        return self._at

    def _behind(self, ends: Mapping[Place, int]) -> int:
        return sum(max(0, end - self._at.get(at, 0)) for at, end in ends.items())

    def _tell_lag(self, ends: Mapping[Place, int], newest: datetime | None) -> int:
        behind = self._behind(ends)
        self._meters.lag(behind, newest)
        if self._tracked is not None:
            self._tracked.waiting = behind > 0
        return behind

    def _well(self) -> None:
        self._problem = None
        self._meters.troubled(value=False)

    def _report(self, problem: str) -> None:
        self._meters.troubled(value=True)
        if problem != self._problem:
            _log.warning("consumer waits", group=self.group, reason_code=problem)
        self._problem = problem
        self._touch()

    def _touch(self) -> None:
        if self._tracked is not None:
            self._tracked.touch()


class Redriven(NamedTuple):
    """How many dead letters were taken in, and how many still cannot be."""

    applied: int
    failed: int


async def redrive(db: Database, consumer: Consumer, ids: Sequence[int]) -> Redriven:
    """
    Take dead letters up again, each in a transaction of its own, in the order of `ids`.

    What was overtaken by a higher revision meanwhile changes nothing. Ids that are not this
    consumer's, or were taken in before, are passed over.
    """
    done = failed = 0
    for letter in ids:
        async with db.begin_as_worker() as tx:
            record = await dead_letters.take(tx, db.schema, consumer.group, letter)
            if record is None:
                continue
            letter_taken()
            reason = await retake(tx, consumer.handler, record)
            await dead_letters.settle(tx, db.schema, letter, reason)
            letter_settled()
        letter_committed()
        done, failed = (done + 1, failed) if reason is None else (done, failed + 1)
    return Redriven(done, failed)
