"""What every aggregate here has: a value, and how often and when we learned of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

T = TypeVar("T")

TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Kept(Generic[T]):
    """
    A value as it stands.

    Attributes:
        revision: From 1 upwards, without gaps.
        recorded_at: When we learned of that revision.
        void: It was removed; a higher revision may bring it back.
    """

    value: T
    revision: int
    recorded_at: datetime
    void: bool = False


def renewed(known: Kept[T] | None, value: T, now: datetime) -> Kept[T] | None:
    """
    The next revision that makes `value` true; None if it is true already.

    The times of an aggregate's revisions grow strictly, even where the clock does not.
    """
    if known is None:
        return Kept(value, 1, now)
    if known.value == value and not known.void:
        return None
    return Kept(value, known.revision + 1, max(now, known.recorded_at + TICK))


def removed(known: Kept[T], now: datetime) -> Kept[T]:
    """The next revision, which is void."""
    return Kept(known.value, known.revision + 1, max(now, known.recorded_at + TICK), void=True)


def present(known: Kept[Any] | None) -> int:
    """The revision that a reader sees; 0 where there is nothing to see."""
    return 0 if known is None or known.void else known.revision


def standing(known: Kept[T] | None) -> Kept[T] | None:
    """What is known, unless it was removed."""
    return None if known is None or known.void else known
