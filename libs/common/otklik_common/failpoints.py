"""
Named places where a crash test ends, pauses or breaks a process.

Armed by the environment only: `OTKLIK_FAILPOINTS="relay.sent=kill;consumer.applied=raise@3"`.
Actions: `kill` (SIGKILL to itself), `raise`, and two by which the whole process stands still:
`pause` (once, until somebody sends it SIGCONT) and `sleep:SECONDS`. `@n` means from the n-th time on;
without it, from the first. Whoever acts says so on standard error: `failpoint relay.sent: kill`.
"""

import os
import signal
import time
from collections.abc import Callable, Mapping
from typing import Final

VARIABLE: Final = "OTKLIK_FAILPOINTS"

_points: dict[str, "Failpoint"] = {}


class FailpointError(Exception):
    """What an armed point with the action `raise` raises."""


class Failpoint:
    """One place. Calling it does nothing unless a test has armed it."""

    __slots__ = ("_act", "_action", "_passed", "_skip", "meaning", "name")

    def __init__(self, name: str, meaning: str) -> None:
        self.name = name
        self.meaning = meaning
        self._act: Callable[[], None] | None = None
        self._action = ""
        self._skip = 0
        self._passed = 0

    def __call__(self) -> None:
        if self._act is not None:
            self._passed += 1
            if self._passed > self._skip:
                self._say()
                self._act()

    def arm(self, action: str) -> None:
        """
        Let the point act from now on.

        Raises:
            ValueError: `action` is not kill, raise, pause or sleep:SECONDS, with an optional @n.
        """
        what, _, nth = action.partition("@")
        verb, _, argument = what.partition(":")
        if verb == "kill":
            self._act = _kill
        elif verb == "raise":
            self._act = self._raise
        elif verb == "pause":
            self._act = self._pause
        elif verb == "sleep":
            seconds = float(argument)
            self._act = lambda: time.sleep(seconds)
        else:
            raise ValueError(f"failpoint {self.name} cannot {action!r}")
        self._action = verb
        self._skip = int(nth or 1) - 1
        self._passed = 0

    def disarm(self) -> None:
        """Do nothing again."""
        self._act = None

    def _say(self) -> None:
        # Past every buffer: the process may not live to empty one.
        os.write(2, f"failpoint {self.name}: {self._action}\n".encode())

    def _pause(self) -> None:
        self.disarm()
        os.kill(os.getpid(), signal.SIGSTOP)

    def _raise(self) -> None:
        raise FailpointError(self.name)


def failpoint(name: str, meaning: str) -> Failpoint:
    """Declare a place; `meaning` says what is done and what is not yet done there."""
    assert name not in _points, f"failpoint {name} is declared twice"
    point = _points[name] = Failpoint(name, meaning)
    action = _armed.get(name)
    if action is not None:
        point.arm(action)
    return point


def failpoints() -> Mapping[str, Failpoint]:
    """Every place declared by the modules loaded so far."""
    return dict(_points)


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _read(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(";") if part)
    return {name.strip(): action.strip() for name, _, action in pairs}


_armed = _read(os.environ.get(VARIABLE, ""))
