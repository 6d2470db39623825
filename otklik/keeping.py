"""PostgreSQL under `otklik up`: started, started again when it dies, left at the end."""

import asyncio
import time
from pathlib import Path
from typing import Self

from otklik.embedded import EmbeddedPostgres, EmbeddedPostgresError
from otklik.family import RESTART_SECONDS, STEADY_SECONDS, say
from otklik_common.resting import rest

LOOK_SECONDS = 0.5


class Keeper:
    """
    The server of a data folder, alive as long as we are.

    Attributes:
        postgres: The one that runs, or ran last; all of a folder are reached by the same socket.
    """

    def __init__(self, folder: Path, postgres: EmbeddedPostgres) -> None:
        self.postgres = postgres
        self._folder = folder

    @classmethod
    async def start(cls, folder: Path) -> Self:
        """
        Start or adopt the server. A start under way cannot be broken off half-way; it is short.

        Raises:
            EmbeddedPostgresError: No server can run here; the message says why.
        """
        return cls(folder, await asyncio.to_thread(EmbeddedPostgres.start, folder))

    async def keep(self, stop: asyncio.Event) -> None:
        """Until told to stop, start the server anew when it is gone, whoever had started it."""
        failures, began = 0, time.monotonic()
        while not await _told(stop, LOOK_SECONDS):
            if self.postgres.running:
                continue
            steady = time.monotonic() - began > STEADY_SECONDS
            failures = 0 if steady else failures + 1
            pause = RESTART_SECONDS[min(failures, len(RESTART_SECONDS) - 1)]
            say(f"PostgreSQL {self.postgres.pid} is gone; starting it again in {pause} s")
            if await _told(stop, pause):
                return
            began = time.monotonic()
            try:
                await asyncio.to_thread(self._start_again)
            except EmbeddedPostgresError as no:
                say(str(no))

    def _start_again(self) -> None:
        gone = self.postgres
        self.postgres = EmbeddedPostgres.start(self._folder)
        gone.stop()

    async def leave(self) -> None:
        """Stop the server, or leave it to those who use it still."""
        await asyncio.to_thread(self.postgres.stop)


async def _told(stop: asyncio.Event, seconds: float) -> bool:
    """Whether we are told to stop within a while."""
    await rest(stop, seconds)
    return stop.is_set()
