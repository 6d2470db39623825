"""Turns of several people on one machine: whoever measures has it alone."""

import fcntl
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

VARIABLE = "OTKLIK_BENCH_LOCKS"
"""Files that those who share the machine lock, in this order, separated by colons; none: nobody."""

LONGEST_SECONDS = 150.0
"""After so long the others come first, between two things that are measured."""

T = TypeVar("T")


@contextmanager
def alone() -> Iterator[None]:
    """While something is measured."""
    with _locked(fcntl.LOCK_EX):
        yield


@contextmanager
def together() -> Iterator[None]:
    """While something heavy is made ready whose time does not count."""
    with _locked(fcntl.LOCK_SH):
        yield


def in_turns(things: Iterable[T]) -> Iterator[T]:
    """Each of these in its order, with the machine alone; others get it in between."""
    with ExitStack() as turn:
        began = 0.0
        for number, thing in enumerate(things):
            if number == 0 or time.monotonic() - began > LONGEST_SECONDS:
                turn.close()
                turn.enter_context(alone())
                began = time.monotonic()
            yield thing


@contextmanager
def _locked(how: int) -> Iterator[None]:
    with ExitStack() as stack:
        for name in filter(None, os.environ.get(VARIABLE, "").split(":")):
            file = stack.enter_context(Path(name).open("a"))
            fcntl.flock(file, how)
        yield
