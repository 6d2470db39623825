"""
Group commit: requests that wait at the same time share one statement and one commit.

Whoever flushes takes all that waits, so that a running commit is the window of the next one and
no timer is needed. A request is answered after its own commit. Small requests have a connection
of their own: a single event never waits behind five thousand others (decision 0020).
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from operator import itemgetter
from typing import Final

from otklik_common.db import Database
from otklik_common.errors import Unavailable
from otklik_common.failpoints import failpoint
from otklik_common.observability import get_logger
from otklik_common.resting import finish
from otklik_contact_center.actions.backlog import Backlogs
from otklik_contact_center.actions.lines import NOTHING, Line, Parcel, Tell, Verdict, Waiting
from otklik_contact_center.actions.meters import Meters
from otklik_contact_center.actions.tallies import Tallies
from otklik_contact_center.store.inbox import LOST, Appender, Key, RefusedRow, Row

SMALL_ROWS: Final = 50
"""Requests of at most so many events are small."""

SMALL_FLUSHERS: Final = 1
LARGE_FLUSHERS: Final = 2
"""One packs while the other's statement runs. For small ones the second only halves the groups."""

MOST_WAITING_ROWS: Final = 60_000
MOST_WAITING_BYTES: Final = 64 * 1024 * 1024

ONE_SHARE: Final = 0.5
"""Of what may wait, a company has this much at most: others find room whatever it does."""

RECONNECT_SECONDS: Final = 0.5
DRAIN_SECONDS: Final = 5.0

before_flush = failpoint("intake.before_flush", "requests wait together, nothing is appended")
appended = failpoint("intake.appended", "events are committed, what was refused is not kept")
after_flush = failpoint("intake.after_flush", "the events are committed, nobody is answered")

log = get_logger(__name__)


ALL_NEW: Final = Verdict()


class Intake:
    """The queue before the inbox, and the flushers that empty it."""

    def __init__(self, db: Database, meters: Meters, tallies: Tallies | None = None) -> None:
        """`tallies` count how sources send; None: by the clock of this machine."""
        self._db = db
        self._meters = meters
        self._tallies = tallies or Tallies(db)
        self._writing: asyncio.Task[None] | None = None
        self._written = asyncio.Event()
        self._small = Line()
        self._large = Line()
        self._waiting = Waiting()
        self._waiting_of: dict[str, Waiting] = {}
        self._backlogs = Backlogs(db)
        self._asking: asyncio.Task[None] | None = None
        self._closing = False
        self._flushers: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to flush."""
        lines = [self._small] * SMALL_FLUSHERS + [self._large] * LARGE_FLUSHERS
        self._flushers = [asyncio.create_task(self._flusher(line)) for line in lines]
        self._asking = asyncio.create_task(self._backlogs.keep_asking())
        self._writing = asyncio.create_task(self._tallies.keep_writing(self._written))

    async def stop(self) -> None:
        """Flush what waits, for some seconds, and end."""
        self._closing = True
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        for line in (self._small, self._large):
            line.some.set()
        if self._flushers:
            _, late = await asyncio.wait(self._flushers, timeout=DRAIN_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*self._flushers, return_exceptions=True)
        for line in (self._small, self._large):
            while parcels := line.take():
                self._tell(parcels, [_away() for _ in parcels])
        if self._writing is not None:
            await finish([self._writing], self._written)

    async def submit(self, rows: Sequence[Row], refused: Sequence[RefusedRow] = ()) -> Verdict:
        """
        Append rows and keep refusals, all of one company; returns once they are committed.

        Raises:
            TooMany: More of the company waits to be folded than can be soon.
            Unavailable: Too much waits already, or the database is away. What was sent may be
                sent again: what is known then is a duplicate.
        """
        done: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self.offer(rows, partial(_settle, done), refused)
        return await done

    def offer(self, rows: Sequence[Row], tell: Tell, refused: Sequence[RefusedRow] = ()) -> None:
        """`submit`, but for the waiting; who is told must not fail."""
        if self._closing or not self._flushers:
            raise _away()
        parcel = Parcel(rows, refused, tell)
        self._check_room(parcel.tenant)
        self._backlogs.admit(parcel.tenant, len(rows))
        self._count(parcel)
        line = self._small if len(rows) + len(refused) <= SMALL_ROWS else self._large
        line.put(parcel)

    def _check_room(self, tenant: str) -> None:
        """Raise Unavailable if too much waits, of all or of the company."""
        for waiting, share in (
            (self._waiting, 1.0),
            (self._waiting_of.get(tenant, NOTHING), ONE_SHARE),
        ):
            if (
                waiting.rows >= share * MOST_WAITING_ROWS
                or waiting.bytes >= share * MOST_WAITING_BYTES
            ):
                raise Unavailable(
                    f"{waiting.rows} events wait already",
                    detail_ru=f"в очереди уже {waiting.rows} событий",
                    code="overloaded",
                    retry_after=1,
                )

    def _count(self, parcel: Parcel) -> None:
        mine = self._waiting_of.get(parcel.tenant)
        if mine is None:
            mine = self._waiting_of[parcel.tenant] = Waiting()
        self._waiting.add(parcel)
        mine.add(parcel)

    def _tell(self, parcels: Sequence[Parcel], outcomes: Iterable[Verdict | Exception]) -> None:
        """These wait no longer."""
        for parcel, outcome in zip(parcels, outcomes, strict=True):
            mine = self._waiting_of[parcel.tenant]
            self._waiting.take(parcel)
            mine.take(parcel)
            if not mine.parcels:
                del self._waiting_of[parcel.tenant]
            try:
                parcel.tell(outcome)
            except Exception as failed:
                log.error("who pushed was not told what became of it", exc_info=failed)

    async def _flusher(self, line: Line) -> None:
        appender: Appender | None = None
        try:
            while True:
                await line.some.wait()
                parcels = line.take()
                if parcels:
                    appender = await self._flush(appender, parcels)
                elif self._closing:
                    return
                else:
                    line.some.clear()
        finally:
            await _drop(appender)

    async def _flush(self, appender: Appender | None, parcels: list[Parcel]) -> Appender | None:
        """Flush; returns what to flush with next time."""
        for attempt in (1, 2):
            try:
                if appender is None:
                    appender = await self._connect()
                await self._append(appender, parcels)
                return appender
            except asyncio.CancelledError:
                self._tell(parcels, [_away() for _ in parcels])  # the process ends
                await _drop(appender)
                raise
            except LOST as broken:
                log.warning("intake lost its connection", attempt=attempt, exc_info=broken)
                await _drop(appender)
                appender = None
                await asyncio.sleep(RECONNECT_SECONDS * (attempt - 1))
            except Exception as broken:  # noqa: BLE001 - whatever it is, it may be one request's
                await _drop(appender)
                return await self._singly(parcels, broken)
        self._tell(parcels, [_away() for _ in parcels])
        return None

    async def _singly(self, parcels: list[Parcel], broken: Exception) -> Appender | None:
        """One bad request must fail alone."""
        if len(parcels) == 1:
            self._tell(parcels, [broken])
            return None
        log.warning("intake flushes singly", count=len(parcels), exc_info=broken)
        appender: Appender | None = None
        for parcel in parcels:
            appender = await self._flush(appender, [parcel])
        return appender

    async def _connect(self) -> Appender:
        connection = await self._db.connect()
        return await Appender.on(connection)

    async def _append(self, appender: Appender, parcels: list[Parcel]) -> None:
        began = time.perf_counter()
        before_flush()
        rows = [row for parcel in parcels for row in parcel.rows]
        new: set[Key] | None = None
        kept: dict[Key, bytes] = {}
        if rows:
            # Stable: of equal ids in one flush the first that came is kept.
            rows.sort(key=_key)
            new = await appender.append(rows)
            if new is not None:
                kept = await appender.hashes(sorted({_key(row) for row in rows}))
        verdicts = [ALL_NEW] * len(parcels) if new is None else _judge(parcels, new, kept)
        refused = [row for parcel in parcels for row in parcel.refused]
        appended()
        if refused:
            await appender.refuse(refused)
        after_flush()
        known = reused = 0
        if new is not None:
            known = sum(len(verdict.duplicates) for verdict in verdicts)
            reused = sum(len(verdict.reused) for verdict in verdicts)
        self._meters.flushed(
            accepted=len(rows) - known - reused,
            duplicates=known,
            refused=len(refused) + reused,
            seconds=time.perf_counter() - began,
        )
        # Soon, so that the next statement is on its way before these are answered and counted.
        loop = asyncio.get_running_loop()
        loop.call_soon(self._tell, parcels, verdicts)
        loop.call_soon(self._tallies.count, parcels, verdicts)


_key: Final[Callable[[Row], Key]] = itemgetter(0, 1, 2)


def _judge(parcels: list[Parcel], new: set[Key], kept: dict[Key, bytes]) -> list[Verdict]:
    """Which rows of each request were new, in the order of their coming."""
    verdicts: list[Verdict] = []
    for parcel in parcels:
        duplicates: list[int] = []
        reused: list[int] = []
        for place, row in enumerate(parcel.rows):
            key = _key(row)
            if kept.get(key) != row.body_hash:
                reused.append(place)
            elif key in new:
                new.discard(key)  # whoever comes next with this id repeats it
            else:
                duplicates.append(place)
        verdicts.append(Verdict(duplicates, reused))
    return verdicts


async def _drop(appender: Appender | None) -> None:
    if appender is not None:
        with suppress(*LOST, TimeoutError):
            await appender.close()


def _settle(done: "asyncio.Future[Verdict]", outcome: Verdict | Exception) -> None:
    if done.done():  # whoever waited went away
        return
    if isinstance(outcome, Exception):
        done.set_exception(outcome)
    else:
        done.set_result(outcome)


def _away() -> Unavailable:
    return Unavailable(
        "the events could not be kept now",
        detail_ru="сейчас события не удалось сохранить",
        code="database_unavailable",
        retry_after=2,
    )
