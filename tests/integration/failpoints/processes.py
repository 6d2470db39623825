"""
Processes of a test that end, stand still or break at a failpoint.

They are forked from a server that has loaded everything: to load it takes longer than most cases.
"""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import ModuleType

import psutil

from otklik_common import db, promise, relay
from otklik_common.failpoints import failpoints
from otklik_common.settings import Settings

Work = Callable[[Settings], Awaitable[None]]

WAIT_SECONDS = 40
IMPATIENT_SECONDS = 0.7
"""
After that the server ends what a process has begun that stands still.

Elsewhere 10 s for transactions, 20 s for the session of a relay. Processes that stand still do so
until others have gone past them, so a test is shorter and says the same.
"""

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["tests.integration.failpoints.cases", "tests.support.loaded"])


class Child:
    """
    Some work in a process of its own.

    Args:
        armed: A failpoint and what it does: `("relay.sent", "kill@2")`; None: nothing.
        notes: A file that takes what the process says.
        impatient: The server does not wait long for it.
    """

    def __init__(
        self,
        work: Work,
        settings: Settings,
        notes: Path,
        *,
        armed: tuple[str, str] | None,
        impatient: bool,
    ) -> None:
        self._notes = notes
        self._process = _SERVER.Process(target=_run, args=(work, settings, notes, armed, impatient))
        self._process.start()

    def said(self) -> str:
        """What it has written until now."""
        return self._notes.read_text() if self._notes.exists() else ""

    @property
    def running(self) -> bool:
        """Whether it has not ended; standing still, it runs."""
        return self._process.exitcode is None

    async def ended(self) -> int:
        """Its exit code: 1 after an exception, the negative number of a signal that killed it."""
        async with asyncio.timeout(WAIT_SECONDS):
            while self.running:  # noqa: ASYNC110 - another process ends
                await asyncio.sleep(0.01)
        assert self._process.exitcode is not None
        return self._process.exitcode

    async def stands_still(self) -> None:
        """Wait until it was stopped."""
        assert self._process.pid is not None
        seen = psutil.Process(self._process.pid)
        async with asyncio.timeout(WAIT_SECONDS):
            while seen.status() != psutil.STATUS_STOPPED:
                assert self.running, f"it ended before: {self.said()}"
                await asyncio.sleep(0.01)

    def go_on(self) -> None:
        """Let it run after it stood still."""
        assert self._process.pid is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def close(self) -> None:
        """Kill it if it still runs, and forget it."""
        self._process.kill()
        self._process.join()
        self._process.close()


def _run(
    work: Work, settings: Settings, notes: Path, armed: tuple[str, str] | None, impatient: bool
) -> None:
    file = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(file, stream)
    if armed is not None:
        name, action = armed
        failpoints()[name].arm(action)
    if impatient:
        shorten(db, IDLE_TIMEOUT_MS=int(IMPATIENT_SECONDS * 1000), TRANSACTION_SECONDS=5)
        shorten(relay, SESSION_SECONDS=IMPATIENT_SECONDS)
    shorten(relay, STANDBY_PAUSE=0.1)
    shorten(promise, PERIOD_SECONDS=0.1)
    asyncio.run(_work(work, settings))


async def _work(work: Work, settings: Settings) -> None:
    await work(settings)


def shorten(module: ModuleType, **constants: float) -> None:
    """Let this process work in smaller steps."""
    vars(module).update(constants)
