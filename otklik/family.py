"""Child processes that begin with us, are started anew when they fail, and end with us."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from otklik_common.resting import rest

GRACE_SECONDS = 7
"""How long children may take to end; SIGKILL follows, well within the promised 10 s."""

RESTART_SECONDS = (0.2, 1, 5, 15)
"""Pauses before a failed child is started anew; the last is repeated."""

STEADY_SECONDS = 60
"""A child that ran this long had begun well: its next failure counts as the first."""

MOST_FAILURES = 3


@dataclass(slots=True)
class Child:
    """
    A process of ours.

    Attributes:
        once: It may end well; others are started again whatever they end with.
        failures: How often it failed in a row.
        failed: How often it failed at all, however long it had run.
        done: It is not running and will not be started again.
    """

    name: str
    once: bool = False
    failures: int = 0
    failed: int = 0
    process: asyncio.subprocess.Process | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def signal(self, signum: signal.Signals) -> None:
        """Send a signal, if it runs."""
        if self.process is not None and self.process.returncode is None:
            with suppress(ProcessLookupError):
                self.process.send_signal(signum)


def say(line: str) -> None:
    """A line for whoever watches; standard output is kept for the result."""
    print(line, file=sys.stderr, flush=True)


class Family:
    """Our child processes."""

    def __init__(self, told: Mapping[str, str], lifeline: int, stop: asyncio.Event) -> None:
        self.stop = stop
        self._environment = {**os.environ, **told, "OTKLIK_LIFELINE": str(lifeline)}
        self._lifeline = lifeline
        self._children: list[Child] = []
        self._tasks: list[asyncio.Task[None]] = []

    def begin(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        told: Mapping[str, str] | None = None,
        once: bool = False,
    ) -> Child:
        """Start `otklik …` and keep it running; with `once`, until it ends well."""
        child = Child(name, once=once)
        command = [sys.executable, "-m", "otklik", *arguments]
        self._children.append(child)
        self._tasks.append(asyncio.create_task(self._keep(child, command, dict(told or {}))))
        return child

    async def once(self, command: Sequence[str]) -> str:
        """
        Run a step; returns its output. Raises SystemExit if it fails.

        Told to stop, we end it: a step leaves nothing that the next start would not make good.
        """
        process = await self._spawn(command, {}, stdout=asyncio.subprocess.PIPE)
        speaking = asyncio.create_task(process.communicate())
        stopping = asyncio.create_task(self.stop.wait())
        await asyncio.wait((speaking, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not speaking.done():
            process.terminate()
            if not (await asyncio.wait((speaking,), timeout=GRACE_SECONDS))[0]:
                process.kill()
        output, _ = await speaking
        if process.returncode != 0 and not self.stop.is_set():
            raise SystemExit(f"{' '.join(command[1:])} failed with {process.returncode}; see above")
        return output.decode()

    def hopeless(self) -> str | None:
        """Name of a child that has failed too often in a row to be waited for."""
        return next((one.name for one in self._children if one.failures >= MOST_FAILURES), None)

    async def end(self) -> None:
        """Tell all to end; whoever does not within the grace is killed."""
        for child in self._children:
            child.signal(signal.SIGTERM)
        if self._tasks:
            _, running = await asyncio.wait(self._tasks, timeout=GRACE_SECONDS)
            for child in self._children if running else ():
                child.signal(signal.SIGKILL)
            await asyncio.wait(self._tasks)

    async def _keep(self, child: Child, command: Sequence[str], told: dict[str, str]) -> None:
        while not self.stop.is_set():
            started = time.monotonic()
            child.process = await self._spawn(command, told, stdout=sys.stderr.fileno())
            code = await child.process.wait()
            if self.stop.is_set() or (child.once and code == 0):
                break
            steady = time.monotonic() - started > STEADY_SECONDS
            child.failures = 0 if steady else child.failures + 1
            child.failed += 1
            pause = RESTART_SECONDS[min(child.failures, len(RESTART_SECONDS) - 1)]
            say(f"{child.name} ended with {code}; starting it again in {pause} s")
            await rest(self.stop, pause)
        child.done.set()

    async def _spawn(
        self, command: Sequence[str], told: dict[str, str], *, stdout: int
    ) -> asyncio.subprocess.Process:
        with _interrupts_held():
            return await asyncio.create_subprocess_exec(
                *command,
                env=self._environment | told,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=stdout,
                pass_fds=(self._lifeline,),
            )


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """
    Children that begin meanwhile never see Ctrl-C, though the terminal sends it to all of us.

    One that was still importing would answer with a traceback. We end them by SIGTERM.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        # Not what was before: of two that begin together, the second found it blocked.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
