"""
Ends a process that no longer gets on, so that whoever started it starts it anew.

A thread, not a task: it must live when the event loop does not.
"""

import asyncio
import faulthandler
import threading
import time
from typing import Final

from otklik_common.endings import STUCK, end_process

BEAT_SECONDS: Final = 15.0
PROGRESS_SECONDS: Final = 30.0
"""Above what a watched loop waits for a statement (`db.PROMPT_SECONDS`): a slow one is not stuck."""

LOOK_SECONDS: Final = 1.0
PAUSED_LOOKS: Final = 5
"""So late a look shows that the whole process was stopped."""


class Tracked:
    """One loop that must get on whenever something waits for it."""

    __slots__ = ("_at", "name", "waiting")

    def __init__(self, name: str) -> None:
        self.name = name
        self.waiting = True
        self._at = time.monotonic()

    def touch(self) -> None:
        """The loop got on, or tries to and knows why it cannot."""
        self._at = time.monotonic()

    def idle_seconds(self) -> float:
        """How long the loop has not got on although something waits; 0 if nothing does."""
        return time.monotonic() - self._at if self.waiting else 0.0


class Watchdog:
    """Watches the event loop it was started in, and the loops it was told of."""

    def __init__(
        self,
        *,
        beat_seconds: float = BEAT_SECONDS,
        progress_seconds: float = PROGRESS_SECONDS,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._beat_seconds = beat_seconds
        self._progress_seconds = progress_seconds
        self._look_seconds = look_seconds
        self._beat_at = time.monotonic()
        self._tracked: list[Tracked] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._timer: asyncio.TimerHandle | None = None

    def track(self, name: str) -> Tracked:
        """Watch one more loop."""
        tracked = Tracked(name)
        self._tracked.append(tracked)
        return tracked

    def start(self) -> None:
        """Watch from now on; call it in the event loop to be watched."""
        self._beat()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._stop.set()
        if self._timer is not None:
            self._timer.cancel()
        if self._thread is not None:
            self._thread.join()

    def beat_age(self) -> float:
        """Seconds since the event loop last turned."""
        return time.monotonic() - self._beat_at

    def trouble(self) -> str | None:
        """What stands still, or None."""
        if self.beat_age() > self._beat_seconds:
            return f"the event loop stood still for {self.beat_age():.0f} s"
        for tracked in self._tracked:
            if tracked.idle_seconds() > self._progress_seconds:
                return f"{tracked.name} got nowhere for {tracked.idle_seconds():.0f} s"
        return None

    def _beat(self) -> None:
        self._beat_at = time.monotonic()
        pause = min(1.0, self._beat_seconds / 3)
        self._timer = asyncio.get_running_loop().call_later(pause, self._beat)

    def _watch(self) -> None:
        while True:
            began = time.monotonic()
            if self._stop.wait(self._look_seconds):
                return
            if time.monotonic() - began > PAUSED_LOOKS * self._look_seconds:
                # The whole process was stopped: nothing in it could get on, nor is it stuck.
                self._forgive()
                continue
            trouble = self.trouble()
            if trouble is not None:
                faulthandler.dump_traceback(all_threads=True)
                end_process(STUCK, trouble)

    def _forgive(self) -> None:
        self._beat_at = time.monotonic()
        for tracked in self._tracked:
            tracked.touch()
