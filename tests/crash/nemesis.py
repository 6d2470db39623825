"""Does what a schedule says, and undoes it."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import asyncpg
import psutil

from tests.crash.faults import STARVED_PERIOD, STARVED_SHARE, Fault, Kind
from tests.crash.world import Part, Say, Supervisor


class NotRunningError(Exception):
    """Who is not there cannot be hurt."""


class Nemesis:
    """
    Hurts the parts of a world.

    Args:
        cut: Ends all sessions of the database.
    """

    def __init__(
        self, supervisors: Mapping[str, Supervisor], cut: Callable[[], None], say: Say
    ) -> None:
        self._supervisors = supervisors
        self._say = say
        self._ways: Mapping[Kind, Callable[[Fault], None]] = {
            Kind.KILL: self._kill,
            Kind.PAUSE: self._pause,
            Kind.STARVE: self._starve,
            Kind.CUT: lambda _: cut(),
        }
        self._ending = threading.Event()
        self.done: list[Fault] = []

    def stop(self) -> None:
        """Heal what is hurt, and hurt nobody any more."""
        self._ending.set()

    def run(self, faults: Sequence[Fault]) -> None:
        """Every fault at its time, each in a thread of its own; returns when the last is healed."""
        began = time.monotonic()
        threads = []
        for fault in faults:
            if self._ending.wait(max(0.0, began + fault.at - time.monotonic())):
                break
            thread = threading.Thread(target=self._hurt, args=(fault,), name=str(fault))
            thread.start()
            threads.append(thread)
        for thread in threads:
            thread.join()

    def _hurt(self, fault: Fault) -> None:
        self._say(str(fault))
        try:
            self._ways[fault.kind](fault)
        except (psutil.Error, OSError, asyncpg.PostgresError, NotRunningError) as missed:
            # It was down, by another fault or by itself: that hurt nobody, and is not counted.
            self._say(f"{fault.kind} of {fault.target} met nobody: {missed}")
        else:
            self.done.append(fault)

    def _kill(self, fault: Fault) -> None:
        self._supervisors[fault.target].kill()

    def _pause(self, fault: Fault) -> None:
        self._stand_still(self._supervisors[fault.target].part, fault.seconds)

    def _starve(self, fault: Fault) -> None:
        part, until = self._supervisors[fault.target].part, time.monotonic() + fault.seconds
        while time.monotonic() < until and not self._ending.is_set():
            self._stand_still(part, STARVED_PERIOD * (1 - STARVED_SHARE))
            time.sleep(STARVED_PERIOD * STARVED_SHARE)

    def _stand_still(self, part: Part, seconds: float) -> None:
        """SIGSTOP, wait, SIGCONT."""
        stopped = _stop(part)
        try:
            self._ending.wait(seconds)
        finally:
            for process in stopped:
                with suppress(psutil.NoSuchProcess):
                    process.resume()


def _stop(part: Part) -> list[psutil.Process]:
    """Stop all processes of a part: the first of them first, so that it forks no more."""
    if not part.running:
        raise NotRunningError("it does not run")
    first = part.process()
    first.suspend()
    stopped = [first]
    for child in first.children():
        with suppress(psutil.NoSuchProcess):
            child.suspend()
            stopped.append(child)
    return stopped
