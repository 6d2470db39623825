"""Reading the log table: one look for all readers of a process, then each reads what is new."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any, Final

from otklik_common.log.port import LogGapError, LogNotReadyError, Place, Record, Slice, gap

LEAST_PAUSE: Final = 0.02
MOST_PAUSE: Final = 0.25
BROKEN_PAUSE: Final = 1.0

MAX_FETCH_BYTES: Final = 16 * 1024 * 1024
"""What one fetch brings at most, by the size of the records before: memory stays bounded."""

_READ: Final = """
    SELECT wanted.i, found."offset", found.key, found.value
    FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[]) WITH ORDINALITY
        AS wanted (topic, partition, start, stop, i)
    CROSS JOIN LATERAL (
        SELECT "offset", key, value FROM log.records AS r
        WHERE r.topic = wanted.topic AND r.partition = wanted.partition
            AND r."offset" >= wanted.start AND r."offset" < wanted.stop
        ORDER BY r."offset") AS found"""

Bounds = tuple[int, int]
_UNSEEN: Final = (0, -1)
Look = Callable[[], Awaitable[Mapping[Place, Bounds]]]
Connect = Callable[[], AbstractAsyncContextManager[Any]]


class Heads:
    """
    First and next offset of every partition, as last looked at.

    One task looks for all readers of the process, every 20 to 250 ms, and at once when a relay
    beside them has written.
    """

    def __init__(self, look: Look) -> None:
        self.bounds: Mapping[Place, Bounds] = {}
        self.version = 0
        self._look = look
        self._failure: LogNotReadyError | None = None
        self._stirred = asyncio.Event()
        self._changed = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Look from now on."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch(), name="log heads")

    def stir(self) -> None:
        """Look at once."""
        self._stirred.set()

    async def look(self) -> None:
        """Look now, and tell those who wait."""
        try:
            bounds = await self._look()
        except LogNotReadyError as broken:
            await self._tell(self.bounds, broken)
        else:
            await self._tell(bounds, None)

    async def change(self, since: int, wait_seconds: float) -> bool:
        """
        Wait until the version is above `since`; False if that took too long.

        Raises:
            LogNotReadyError: The last look failed.
        """
        async with self._changed:
            with suppress(TimeoutError):
                async with asyncio.timeout(max(wait_seconds, 0)):
                    await self._changed.wait_for(lambda: self.version > since)
        if self._failure is not None:
            raise LogNotReadyError(str(self._failure))
        return self.version > since

    async def close(self) -> None:
        """Look no more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _tell(self, bounds: Mapping[Place, Bounds], failure: LogNotReadyError | None) -> None:
        if bounds == self.bounds and failure is None and self._failure is None:
            return
        async with self._changed:
            self.bounds, self._failure = bounds, failure
            self.version += 1
            self._changed.notify_all()

    async def _watch(self) -> None:
        pause = LEAST_PAUSE
        while True:
            before = self.version
            self._stirred.clear()
            await self.look()
            pause = LEAST_PAUSE if self.version > before else min(pause * 1.5, MOST_PAUSE)
            if self._failure is not None:
                pause = BROKEN_PAUSE
            # Not wait_for: in Python 3.11 it may swallow the cancellation that ends us.
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stirred.wait()


class TableReader:
    """Reads every partition of some topics, from where it was told to."""

    def __init__(self, connect: Connect, heads: Heads, positions: Mapping[Place, int]) -> None:
        self._connect = connect
        self._heads = heads
        self._next = dict(positions)
        self._record_bytes = 1024.0

    async def fetch(self, most: int, wait_seconds: float) -> list[Slice]:
        """Records that follow those fetched before; empty if none came in `wait_seconds`."""
        deadline = time.monotonic() + wait_seconds
        while True:
            version = self._heads.version
            behind = await self._behind()
            if behind:
                return await self._read(share(behind, self._bounded(most)))
            if not await self._heads.change(version, deadline - time.monotonic()):
                return []

    def seek(self, place: Place, offset: int) -> None:
        """Go on from `offset`."""
        if place in self._next:
            self._next[place] = offset

    def assigned(self) -> frozenset[Place]:
        """All partitions, always."""
        return frozenset(self._next)

    def ends(self) -> Mapping[Place, int]:
        """The offset after the last record, as last looked at."""
        bounds = self._heads.bounds
        return {at: bounds[at][1] for at in self._next if at in bounds}

    async def note(self, positions: Mapping[Place, int]) -> None:
        """Nothing: positions stand in the database already."""

    async def close(self) -> None:
        """Nothing is held."""

    async def _behind(self) -> dict[Place, int]:
        """How many records wait, by partition, where any do."""
        if any(
            following > self._heads.bounds.get(at, _UNSEEN)[1]
            for at, following in self._next.items()
        ):
            # A topic newer than our last look, or another member that has seen more since.
            await self._heads.look()
        behind: dict[Place, int] = {}
        for at, following in self._next.items():
            bounds = self._heads.bounds.get(at)
            if bounds is None:
                raise LogNotReadyError(f"topic {at[0]} is missing: run `otklik migrate`")
            first, end = bounds
            if not first <= following <= end:
                raise LogGapError(gap(at, following, f"it keeps {first} to {end}"))
            if following < end:
                behind[at] = end - following
        return behind

    async def _read(self, wanted: Mapping[Place, int]) -> list[Slice]:
        places = list(wanted)
        starts = [self._next[at] for at in places]
        stops = [start + wanted[at] for start, at in zip(starts, places, strict=True)]
        async with self._connect() as connection:
            rows = await connection.fetch(
                _READ, [at[0] for at in places], [at[1] for at in places], starts, stops
            )
        found: list[list[Record]] = [[] for _ in places]
        size = 0
        for number, offset, key, value in rows:
            topic, partition = places[number - 1]
            found[number - 1].append(Record(topic, partition, offset, key, value))
            size += len(value)
        slices = []
        for at, start, stop, records in zip(places, starts, stops, found, strict=True):
            if len(records) != stop - start or records[-1].offset != stop - 1:
                raise LogGapError(f"{at[0]}/{at[1]} lacks records between {start} and {stop}")
            if self._next.get(at) == start:
                self._next[at] = stop
                slices.append(Slice(at, start, stop, records))
        self._record_bytes = 0.7 * self._record_bytes + 0.3 * size / max(len(rows), 1)
        return slices

    def _bounded(self, most: int) -> int:
        return max(1, min(most, int(MAX_FETCH_BYTES / max(self._record_bytes, 64.0))))


def share(behind: Mapping[Place, int], most: int) -> dict[Place, int]:
    """How many records to take of each partition: evenly, and no more than `most` in all."""
    taken: dict[Place, int] = {}
    left = most
    for number, at in enumerate(sorted(behind, key=lambda at: (behind[at], at))):
        fair = -(-left // (len(behind) - number))
        take = min(behind[at], fair, left)
        if take > 0:
            taken[at] = take
            left -= take
    return taken
