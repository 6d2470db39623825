"""
When a relay may say "every fact recorded before T is on the log" (decision 0010).

A writer takes its transaction id, then the time. So: take the time T, then an id S. Whoever
comes with an id above S will record T or later. Once no transaction with an id below S runs any
more, all their rows are committed or never will be; once the outbox holds none of those, the
promise is kept. T is written down first as a floor for all recorders: a clock that steps back
cannot break it. The horizon alone (xmax of a snapshot) would not do: it is the last finished id
plus one, and running transactions may stand above it.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Final

import asyncpg

from otklik_common.failpoints import failpoint

PERIOD_SECONDS: Final = 1.0
IDLE_PERIOD_SECONDS: Final = 5.0
"""Where nothing was written there is little to promise, but "as of" must still reach the present."""

# setval is visible to all at once and outlives a rollback; the row lock of nothing is waited for.
_BEGIN: Final = """
    WITH clock AS MATERIALIZED (
        SELECT greatest((extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
            (SELECT last_value FROM {schema}.recorded_floor)) AS micros),
    floor AS MATERIALIZED (
        SELECT setval('{schema}.recorded_floor', micros) AS micros FROM clock)
    SELECT micros, CASE WHEN micros IS NOT NULL THEN pg_current_xact_id()::text::bigint END
    FROM floor"""

_SETTLED: Final = """
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint > $1,
        (SELECT max(id) FROM {schema}.outbox)"""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

begun = failpoint(
    "promise.begun", "recorders have their floor, older rows may still be on their way"
)


class Promise:
    """The promise under way, and when the next is due. For one session of an active relay."""

    def __init__(self, connection: asyncpg.Connection, schema: str) -> None:
        self._connection = connection
        self._begin = _BEGIN.replace("{schema}", schema)
        self._settled = _SETTLED.replace("{schema}", schema)
        self._changed = True
        self._begun_at = 0.0
        self._time: datetime | None = None
        self._id: int | None = None
        self._last: int | None = None

    async def due(self, *, moved: int, first: int | None) -> datetime | None:
        """
        Take a step; called after each batch.

        Args:
            moved: How many rows were just moved.
            first: The least id of the outbox before that, or None if it was empty.
        Returns:
            The time that can be promised now, if one can.
        """
        self._changed = self._changed or moved > 0
        if self._time is None:
            if time.monotonic() - self._begun_at < self._period():
                return None
            await self._start()
        if self._id is not None:
            row = await self._connection.fetchrow(self._settled, self._id)
            assert row is not None
            over, last = row
            if over:
                self._id, self._last = None, last
            # What was read before this look says nothing about it.
            if last is not None or not over:
                return None
            return self._done()
        if first is None or (self._last is not None and first > self._last):
            return self._done()
        return None

    def _period(self) -> float:
        return PERIOD_SECONDS if self._changed else IDLE_PERIOD_SECONDS

    async def _start(self) -> None:
        self._begun_at = time.monotonic()
        self._changed = False
        row = await self._connection.fetchrow(self._begin)
        assert row is not None
        micros, self._id = row
        self._time = _EPOCH + timedelta(microseconds=micros)
        self._last = None
        begun()

    def _done(self) -> datetime:
        assert self._time is not None
        kept, self._time = self._time, None
        return kept
