"""What every aggregate here has: a value, and how often and when we learned of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

T = TypeVar("T")

TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Kept(Generic[T]):
    """A value as it stands: its revision, from 1, and when we learned of that revision."""

    value: T
    revision: int
    recorded_at: datetime


def renewed(known: Kept[T] | None, value: T, now: datetime) -> Kept[T] | None:
    """
    The next revision that makes `value` true; None if it is true already.

    The times of an aggregate's revisions grow strictly, even where the clock does not.
    """
    if known is None:
        return Kept(value, 1, now)
    if known.value == value:
        return None
    return Kept(value, known.revision + 1, max(now, known.recorded_at + TICK))
