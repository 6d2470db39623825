"""
The worker of imports: files that have come whole, row by row into the inbox.

A batch's events, its refused rows and the position behind it are one transaction, so that a
process may be killed anywhere: the next one goes on behind the last batch (decision 0025).
"""

import asyncio
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.db import Database, raw
from otklik_common.failpoints import failpoint
from otklik_common.module import Platform, Worker
from otklik_common.observability import get_logger
from otklik_common.outages import outage
from otklik_common.resting import rest
from otklik_contact_center.actions.imports_reading import PackedRow, Reader, StoppedError
from otklik_contact_center.actions.packing import Packer
from otklik_contact_center.domain import reading_job as jobs
from otklik_contact_center.domain.reading import UnreadableError
from otklik_contact_center.domain.reading_job import Counts, Job, RefusedRow
from otklik_contact_center.store import imports
from otklik_contact_center.store.columns import SCHEMA
from otklik_contact_center.store.inbox import Row

NAME: Final = "contact-center.imports"

LOCK_SPACE: Final = 0x6F746B69
"""First half of the advisory lock's key; the second is the import's."""

IDLE_SECONDS: Final = 1.0
BROKEN_SECONDS: Final = 2.0
SWEEP_SECONDS: Final = 3600.0
MOST_WAITING: Final = 20
MOST_TRIES: Final = 5
MOST_COMPANIES: Final = 3
"""Whose files are read side by side: each remembers 24 bytes for each of its rows."""

LOST: Final = (OSError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError)

begun = failpoint("imports.begun", "rows are counted, none is read")
taken = failpoint("imports.taken", "a batch is in the inbox and counted, not committed")
committed = failpoint("imports.committed", "a batch is committed, the next not begun")
finished = failpoint("imports.finished", "the end is written and the file deleted, not committed")

log = get_logger(__name__)


class OvertakenError(Exception):
    """Somebody brought one of the events meanwhile; the batch is judged anew."""


class LeftError(Exception):
    """The import is no longer ours: another process reads it, or it was ended."""


def import_worker(platform: Platform) -> Worker:
    """Reads imported files in the background."""
    return Worker(NAME, Importing(platform).run)


@dataclass(slots=True)
class Reading:
    """An import that is being read, and how far: rows read and refused."""

    job: Job
    read: int
    refused: int


class Importing:
    """
    Reads imports of several companies side by side, of each company one after another.

    A small file waits for no large one of somebody else. Several processes share them.
    """

    def __init__(self, platform: Platform) -> None:
        self._now = platform.now
        self._db: Database = platform.database(SCHEMA, "worker")
        self._sealer = platform.sealer
        self._packer = Packer(platform.sealer, platform.settings.master)
        self._under_way: dict[str, asyncio.Task[None]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Read imports until told to stop; a database that is away is waited for."""
        try:
            await self._run(stop)
        finally:
            if not stop.is_set():
                for task in self._under_way.values():
                    task.cancel()
            await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    async def _run(self, stop: asyncio.Event) -> None:
        clock = asyncio.get_running_loop().time
        swept_at = float("-inf")
        while not stop.is_set():
            pause = IDLE_SECONDS
            try:
                if clock() - swept_at > SWEEP_SECONDS:
                    await self.sweep()
                    swept_at = clock()
                if await self.round(stop):
                    continue
            except StoppedError:
                return
            except Exception as broken:
                if not _passes(broken):
                    raise
                log.warning("imports wait", exc_info=broken)
                pause = BROKEN_SECONDS
            await rest(stop, pause)

    async def sweep(self) -> None:
        """Give up uploads that nobody goes on with."""
        now = self._now()
        async with self._db.begin_as_worker() as tx:
            gone = await imports.give_up(tx, now - jobs.ABANDONED_AFTER, now)
        if gone:
            log.info("uploads given up", count=gone)

    async def round(self, stop: asyncio.Event) -> bool:
        """
        Read for a while: the oldest import of each company that nobody else reads.

        Returns:
            False if there is none.
        Raises:
            StoppedError: Told to stop.
        """
        if len(self._under_way) < MOST_COMPANIES:
            await self._begin_more(stop)
        if not self._under_way:
            return False
        await asyncio.wait(
            self._under_way.values(),
            timeout=IDLE_SECONDS,
            return_when=asyncio.FIRST_COMPLETED,
        )
        for tenant, task in list(self._under_way.items()):
            if task.done():
                del self._under_way[tenant]
                task.result()
        return True

    async def _begin_more(self, stop: asyncio.Event) -> None:
        async with self._db.begin_as_worker() as tx:
            waiting = await imports.waiting(tx, MOST_WAITING)
        for tenant, job_id in waiting:
            if len(self._under_way) >= MOST_COMPANIES:
                return
            if tenant not in self._under_way and (lock := await self._lock(job_id)) is not None:
                reading = self._import_and_unlock(tenant, job_id, stop, lock)
                self._under_way[tenant] = asyncio.create_task(reading)

    async def _lock(self, job_id: str) -> asyncpg.Connection | None:
        """A session that holds the import and dies with us; None if somebody else reads it."""
        connection = await self._db.connect()
        ours = False
        try:
            ours = await connection.fetchval(
                "SELECT pg_try_advisory_lock($1, $2)",
                LOCK_SPACE,
                zlib.crc32(job_id.encode()) - 2**31,
            )
        finally:
            if not ours:
                await _close(connection)
        return connection if ours else None

    async def _import_and_unlock(
        self, tenant: str, job_id: str, stop: asyncio.Event, lock: asyncpg.Connection
    ) -> None:
        try:
            await self._import(tenant, job_id, stop)
        finally:
            await _close(lock)

    async def _import(self, tenant: str, job_id: str, stop: asyncio.Event) -> None:
        async with self._db.begin_as_worker() as tx:
            job = await imports.get(tx, tenant, job_id)
        if job is None or job.state not in {jobs.READY, jobs.RUNNING}:
            return
        reading = Reading(job, job.counts.rows, job.counts.refused)
        try:
            await self._read(reading, stop)
        except UnreadableError as no:
            await self._fail(reading, no.code, no.detail)
        except LeftError:
            log.warning("import left to another", job_id=job.id, tenant=tenant)
        except Exception as broken:
            if isinstance(broken, StoppedError) or _passes(broken):
                raise
            # One file must not keep the others from being read.
            log.error("import failed", job_id=job.id, tenant=tenant, exc_info=broken)
            await self._fail(reading, "internal", "an error of Otklik itself; its log knows more")

    async def _read(self, reading: Reading, stop: asyncio.Event) -> None:
        job = reading.job
        reader = Reader(self._db, self._sealer, self._packer, job, stop)
        total = await reader.look_through()
        async with self._db.begin_as_worker() as tx:
            await imports.begin(tx, job, total, self._now())
        begun()
        await reader.pass_over(reading.read)
        while rows := await reader.batch(self._now()):
            if stop.is_set():
                raise StoppedError
            counts = await self._take(reading, rows)
            reading.read += counts.rows
            reading.refused += counts.refused
            committed()
        async with self._db.begin_as_worker() as tx:
            if not await imports.finish(
                tx, job, rows=reading.read, state=jobs.DONE, now=self._now()
            ):
                raise LeftError
            finished()
        log.info(
            "import done",
            job_id=job.id,
            tenant=job.tenant,
            rows=reading.read,
            refused=reading.refused,
        )

    async def _take(self, reading: Reading, rows: Sequence[PackedRow]) -> Counts:
        """A batch, in one transaction."""
        job = reading.job
        for _ in range(MOST_TRIES):
            try:
                async with self._db.begin_as_worker() as tx:
                    if await imports.position(tx, job) != reading.read:
                        raise LeftError
                    counts = await _take_in(tx, job, rows, refused=reading.refused, now=self._now())
                    taken()
                    return counts
            except OvertakenError:
                continue
        raise RuntimeError("others bring the same events all the time")

    async def _fail(self, reading: Reading, code: str, detail: str) -> None:
        job = reading.job
        async with self._db.begin_as_worker() as tx:
            ended = await imports.finish(
                tx,
                job,
                rows=reading.read,
                state=jobs.FAILED,
                now=self._now(),
                code=code,
                detail=detail,
            )
        text = "import refused" if ended else "import left to another"
        log.info(text, job_id=job.id, tenant=job.tenant, code=code)


async def _take_in(
    tx: AsyncConnection, job: Job, rows: Sequence[PackedRow], *, refused: int, now: datetime
) -> Counts:
    connection = await raw(tx)
    ids = [event.id for row in rows for event in row.events]
    known = await imports.known(connection, job.tenant, job.source, ids)
    new, refusals, counts = judge(rows, known)
    if new:
        new.sort(key=lambda row: row.id)
        if not await imports.append(connection, job.tenant, new):
            raise OvertakenError
    room = max(0, jobs.MOST_KEPT_REFUSED - refused)
    await imports.refuse(tx, job, refusals[:room])
    await imports.advance(tx, job, counts, now)
    return counts


def judge(
    rows: Sequence[PackedRow], known: dict[str, bytes]
) -> tuple[list[Row], list[RefusedRow], Counts]:
    """
    What becomes of rows.

    Args:
        known: Hashes of events that are in the inbox, by id; those of `rows` are added.
    Returns:
        New events, refused rows, and how many rows of each kind there are.
    """
    new: list[Row] = []
    refusals: list[RefusedRow] = []
    accepted = duplicates = skipped = 0
    for row in rows:
        refusal = row.refusal or _repeated(row, known) or _reused(row, known)
        if refusal is not None:
            refusals.append(RefusedRow(row.line, *refusal))
            continue
        fresh = [event for event in row.events if event.id not in known]
        known.update((event.id, event.body_hash) for event in fresh)
        new += fresh
        if fresh:
            accepted += 1
        elif row.events:
            duplicates += 1
        else:
            skipped += 1
    return (
        new,
        refusals,
        Counts(
            rows=len(rows),
            accepted=accepted,
            duplicates=duplicates,
            skipped=skipped,
            refused=len(refusals),
            events=len(new),
        ),
    )


def _repeated(row: PackedRow, known: dict[str, bytes]) -> tuple[str, str, str] | None:
    """A second row of one key may say again what the first said, and nothing else."""
    if row.repeats is None or all(known.get(one.id) == one.body_hash for one in row.events):
        return None
    return row.repeats, "repeated_key", "an earlier row of the file has the same key"


def _reused(row: PackedRow, known: dict[str, bytes]) -> tuple[None, str, str] | None:
    """A row of which an event is known otherwise is refused whole."""
    for event in row.events:
        kept = known.get(event.id)
        if kept is not None and kept != event.body_hash:
            kind = event.id.removeprefix(event.contact).strip(":")
            return None, "event_id_reused", f"its event {kind} is known with other content"
    return None


async def _close(connection: asyncpg.Connection) -> None:
    with suppress(*LOST, TimeoutError):
        await connection.close(timeout=2)


def _passes(broken: Exception) -> bool:
    """Whether it is the database that is away for a while."""
    return isinstance(broken, LOST) or outage(broken) is not None
