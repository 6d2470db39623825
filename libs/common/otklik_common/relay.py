"""
From the outbox to the log, at least once and in order.

One relay of a service is active, held by an advisory lock on a session of its own; others stand
by. It reads the oldest rows by id, sends them, and deletes by id what the log has kept. Reading
on from the last id would skip rows that commit late; reading by the horizon of transactions
would reorder a key (decision 0010).
"""

import asyncio
import time
import zlib
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

import asyncpg
from prometheus_client import CollectorRegistry

from otklik_common.db import Database
from otklik_common.endings import SEND_FAILED, end_process
from otklik_common.failpoints import failpoint
from otklik_common.gaps import check_promised
from otklik_common.log.port import Log, LogNotReadyError, Mover, Publisher
from otklik_common.meters import RelayMeters
from otklik_common.observability import get_logger
from otklik_common.promise import Promise
from otklik_common.resting import rest
from otklik_common.watchdog import Tracked, Watchdog

LOCK_SPACE: Final = 0x6F746C6B
"""First half of the advisory lock's key; the second is the service's."""

LEAST_PAUSE: Final = 0.02
MOST_PAUSE: Final = 0.25
STANDBY_PAUSE: Final = 1.0
BROKEN_PAUSE: Final = 1.0

BATCH_SECONDS: Final = 10.0
"""After that a send can neither be trusted nor taken back: only ending the process is safe."""

ANSWER_SECONDS: Final = BATCH_SECONDS + 5.0
"""The server ends a statement before; whoever waits longer waits for a host that is gone."""

STOPPING_SECONDS: Final = 3.0
SESSION_SECONDS: Final = 20
"""A relay that stands still this long loses its session, and with it the lock."""

LOST: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    # What asyncpg says of a session that the server has ended meanwhile.
    asyncpg.InternalClientError,
)

taken = failpoint("relay.taken", "rows are read, nothing is sent")
sent = failpoint("relay.sent", "the log has kept the rows, the outbox still has them")
deleted = failpoint("relay.deleted", "the log has kept the rows, the outbox has lost them")
promise_due = failpoint("promise.due", "a promise can be given, nobody has heard of it")
promise_given = failpoint("promise.given", "the log has kept the promise, the next is not begun")

_log = get_logger(__name__)


class Relay:
    """
    Moves the facts of one service to its topic until told to stop.

    Args:
        db: The service's tables as its role `worker`.
        topic: The service's topic; nobody else writes it.
        most: Rows of one batch.
    """

    def __init__(
        self,
        db: Database,
        log: Log,
        topic: str,
        *,
        most: int = 5000,
        registry: CollectorRegistry | None = None,
        watchdog: Watchdog | None = None,
    ) -> None:
        self._db = db
        self._to = log
        self._topic = topic
        self._most = most
        self._meters = RelayMeters(registry, topic)
        self._tracked: Tracked | None = watchdog.track(f"{topic}.relay") if watchdog else None
        self._problem: str | None = "has not started"
        self._moved = 0

    async def check(self) -> None:
        """Return if the relay moves facts or stands by; raise LogNotReadyError if it cannot."""
        if self._problem is not None:
            raise LogNotReadyError(f"relay to {self._topic}: {self._problem}")

    async def run(self, stop: asyncio.Event) -> None:
        """Move facts until `stop`; a log or a database that is away is waited for."""
        while not stop.is_set():
            try:
                await self._session(stop)
            except LogNotReadyError as broken:
                self._report(str(broken))
            except LOST as broken:
                state = getattr(broken, "sqlstate", None) or "no answer"
                self._report(f"the database fails: {type(broken).__name__} ({state})")
            await rest(stop, BROKEN_PAUSE)

    async def _session(self, stop: asyncio.Event) -> None:
        """Stand by for the lock, then move facts while the session lives."""
        connection = await self._db.connect(answer_seconds=ANSWER_SECONDS)
        try:
            for setting, value in (
                ("statement_timeout", f"{int(BATCH_SECONDS * 1000)}"),
                ("transaction_timeout", f"{(BATCH_SECONDS + SESSION_SECONDS) * 1000}"),
                ("idle_session_timeout", f"{SESSION_SECONDS * 1000}"),
                ("idle_in_transaction_session_timeout", f"{SESSION_SECONDS * 1000}"),
                ("tcp_keepalives_idle", "5"),
                ("tcp_keepalives_interval", "5"),
                ("application_name", f"{self._topic}.relay"),
            ):
                await connection.execute("SELECT set_config($1, $2, false)", setting, value)
            while not stop.is_set():
                if await self._is_ours(connection):
                    await self._be_active(connection, stop)
                    return
                self._problem = None
                self._touch()
                await rest(stop, STANDBY_PAUSE)
        finally:
            with suppress(*LOST):
                # Its end gives the lock back.
                await connection.close(timeout=2)

    async def _is_ours(self, connection: asyncpg.Connection) -> bool:
        key = zlib.crc32(self._db.schema.encode()) - 2**31
        ours: bool = await connection.fetchval(
            "SELECT pg_try_advisory_lock($1, $2)", LOCK_SPACE, key
        )
        return ours

    async def _be_active(self, connection: asyncpg.Connection, stop: asyncio.Event) -> None:
        oldest = await connection.fetchval(
            f'SELECT created_at FROM "{self._db.schema}".outbox'  # noqa: S608 - a name of our own
            " ORDER BY id LIMIT 1"
        )
        # Known before the log is asked: how old the oldest grows must be seen while it is away.
        self._meters.waiting(oldest)
        await self._to.ready([self._topic])
        self._touch()
        mover = self._to.mover(self._topic, self._db)
        publisher = await self._to.publisher(self._topic)
        await check_promised(self._to, self._topic, await publisher.ends())
        self._touch()
        promise = Promise(connection, self._db.schema)
        _log.info("relay active", topic=self._topic)
        self._meters.active(1)
        pause = LEAST_PAUSE
        try:
            while not stop.is_set():
                moved, first = await self._move(connection, mover, publisher, stop)
                if moved < 0:
                    return
                self._problem = None
                self._meters.troubled(value=False)
                self._touch()
                await self._keep_promise(promise, publisher, moved, first)
                if moved < self._most:
                    # A full batch means that more waits.
                    pause = LEAST_PAUSE if moved else min(pause * 1.5, MOST_PAUSE)
                    await rest(stop, pause)
        finally:
            self._meters.active(0)

    async def _move(
        self,
        connection: asyncpg.Connection,
        mover: Mover | None,
        publisher: Publisher,
        stop: asyncio.Event,
    ) -> tuple[int, int | None]:
        """
        Move one batch.

        Returns:
            How many rows were moved, or -1 when we were told to stop before the log answered;
            and the least id that was there before.
        """
        began = time.monotonic()
        what = "id, key, created_at" if mover is not None else "id, key, created_at, payload"
        rows = await connection.fetch(
            f'SELECT {what} FROM "{self._db.schema}".outbox'  # noqa: S608 - a name of our own
            " ORDER BY id LIMIT $1",
            self._most,
        )
        if not rows:
            self._meters.waiting(None)
            return 0, None
        self._meters.waiting(rows[0]["created_at"])
        taken()
        ids = [row["id"] for row in rows]
        keys = [row["key"] for row in rows]
        if mover is not None:
            await mover.move(connection, ids, keys)
        else:
            values = [row["payload"] for row in rows]
            if not await self._send(publisher, keys, values, stop):
                return -1, None
            sent()
            await connection.execute(
                f'DELETE FROM "{self._db.schema}".outbox WHERE id = ANY ($1)',  # noqa: S608
                ids,
            )
        deleted()
        self._meters.moved(len(ids), time.monotonic() - began)
        return len(ids), ids[0]

    async def _send(
        self,
        publisher: Publisher,
        keys: Sequence[str],
        values: Sequence[bytes],
        stop: asyncio.Event,
    ) -> bool:
        """
        Send a batch; False if we were told to stop and the log has not answered.

        A batch that fails halfway, or not within its time, may still be written later: sending
        it again from this process could put old before new. So the process ends.
        """
        sending = asyncio.ensure_future(publisher.send(keys, values))
        stopping = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait(
                {sending, stopping}, timeout=BATCH_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            if not sending.done() and stop.is_set():
                await asyncio.wait({sending}, timeout=STOPPING_SECONDS)
        finally:
            stopping.cancel()
        if sending.done():
            try:
                sending.result()
            except LogNotReadyError:
                raise
            except Exception as broken:  # noqa: BLE001 - whatever it is, the batch is in doubt
                end_process(SEND_FAILED, f"{self._topic}: a send failed: {type(broken).__name__}")
            return True
        if not stop.is_set():
            end_process(
                SEND_FAILED, f"{self._topic}: the log did not answer in {BATCH_SECONDS:.0f} s"
            )
        sending.cancel()
        return False

    async def _keep_promise(
        self, promise: Promise, publisher: Publisher, moved: int, first: int | None
    ) -> None:
        due: datetime | None = await promise.due(moved=moved, first=first)
        if due is not None:
            ends = await publisher.ends()
            promise_due()
            await self._to.publish_watermark(self._topic, due, ends)
            promise_given()

    def _report(self, problem: str) -> None:
        if problem != self._problem:
            _log.warning("relay waits", topic=self._topic, reason_code=problem)
        self._problem = problem
        self._meters.troubled(value=True)
        self._touch()

    def _touch(self) -> None:
        if self._tracked is not None:
            self._tracked.touch()
