"""
The clock of one promise: how much of its time is used, when it is due, and in which state it is.

A clock is a pure function of what happened, of the target and of a moment: nothing is remembered
between two looks, so that late events, another policy or another calendar need no special care.
Pauses belong to what happened and survive all of them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from otklik_common.clocks.business_time import BusinessTime, NeverOpenError, business_time
from otklik_common.clocks.calendar import Calendar, round_the_clock

NOTHING: Final = timedelta()
_MICROSECOND: Final = timedelta(microseconds=1)
LONGEST: Final = timedelta(days=3_660)
"""No promise is for longer."""


class State(StrEnum):
    """What a clock shows at a moment."""

    PENDING = "pending"
    IMMINENT = "imminent"
    """Not over, and within the warning before its target."""
    BREACHING = "breaching"
    """Not over, and past its target."""
    ACHIEVED = "achieved"
    BREACHED = "breached"
    CANCELLED = "cancelled"


class Step(StrEnum):
    """What may happen to a clock."""

    START = "start"
    RESUME = "resume"
    PAUSE = "pause"
    STOP = "stop"
    CANCEL = "cancel"


class Mark(NamedTuple):
    """
    Something that happened to a clock.

    Attributes:
        place: Of several at one moment, which came first, where that is known.
    """

    at: datetime
    step: Step
    place: int = 0


@dataclass(frozen=True, slots=True)
class Target:
    """
    What was promised.

    Attributes:
        span: More than nothing; a clock that has used exactly this has kept its promise.
        warning: How long before, in the same time, it is imminent; at most `span`.
        calendar: In whose business time it runs; None for elapsed time.
        time: That time.
    """

    span: timedelta
    warning: timedelta = NOTHING
    calendar: Calendar | None = None
    time: BusinessTime = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.span <= NOTHING:
            raise ValueError("a target of nothing cannot be kept")
        if self.span > LONGEST:
            raise ValueError(f"a target of {self.span.days} days is longer than {LONGEST.days}")
        if not NOTHING <= self.warning <= self.span:
            raise ValueError("a warning comes before the target and not before the start")
        time = business_time(_ELAPSED if self.calendar is None else self.calendar)
        object.__setattr__(self, "time", time)


_ELAPSED: Final = round_the_clock()


class Run(NamedTuple):
    """A part of a clock's life in which it ran; `end` is None while it does."""

    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Clock:
    """
    A clock, as it was left by all that happened.

    Attributes:
        runs: In order; at least one.
        ended_at: When it was stopped or cancelled.
        due_at: The earliest moment by which the target is used up, or would have been had nothing
            ended the clock; None while a pause holds it back, or where its calendar stays closed.
        warn_at: The same of the target less its warning; None without one.
        breaches_at: From when more than the target is used: the first open moment from `due_at` on.
    """

    target: Target
    runs: Sequence[Run]
    ended_at: datetime | None
    cancelled: bool
    due_at: datetime | None
    warn_at: datetime | None
    breaches_at: datetime | None

    @property
    def started_at(self) -> datetime:
        """When it began."""
        return self.runs[0].start

    @property
    def is_paused(self) -> bool:
        """Whether it waits for somebody else to go on."""
        return self.ended_at is None and self.runs[-1].end is not None

    def used(self, now: datetime) -> timedelta:
        """How much of its time had passed at a moment, not before the start."""
        return sum((_passed(self.target.time, run, now) for run in self.runs), NOTHING)

    def state(self, now: datetime) -> State:
        """What it shows at a moment, not before the start."""
        if self.ended_at is not None and self.ended_at <= now:
            if self.used(self.ended_at) > self.target.span:
                # Broken before: who gives up afterwards mends nothing.
                return State.BREACHED
            return State.CANCELLED if self.cancelled else State.ACHIEVED
        used = self.used(now)
        if used > self.target.span:
            return State.BREACHING
        soon = self.target.warning > NOTHING and used >= self.target.span - self.target.warning
        return State.IMMINENT if soon else State.PENDING


def run(marks: Iterable[Mark], target: Target) -> Clock | None:
    """
    The clock that came of what happened; None where nothing started it.

    Marks may come in any order; of equal times they count by their places, of equal places in
    the order of `Step`, so that a pause outlasts a resumption. What comes before the start or
    after an end is none of its business, as is a pause of a clock that is paused.
    """
    runs: list[Run] = []
    end: Mark | None = None
    running = False
    for mark in sorted(marks, key=_in_order):
        running = bool(runs) and runs[-1].end is None
        begins = Step.RESUME if runs else Step.START
        if mark.step is begins and not running:
            runs.append(Run(mark.at, None))
        elif runs and mark.step in _HOLDS:
            if running:
                runs[-1] = Run(runs[-1].start, mark.at)
            if mark.step is not Step.PAUSE:
                end = mark
                break
    if not runs:
        return None
    # An end that came while it ran cuts its last run: without it, that would have gone on.
    planned = [*runs[:-1], Run(runs[-1].start, None)] if end and running else runs
    warned = target.span - target.warning
    return Clock(
        target,
        tuple(runs),
        None if end is None else end.at,
        end is not None and end.step is Step.CANCEL,
        due_at=_when(planned, target.time, target.span),
        warn_at=_when(planned, target.time, warned) if target.warning else None,
        breaches_at=_more(planned, target.time, target.span),
    )


_HOLDS: Final = frozenset({Step.PAUSE, Step.STOP, Step.CANCEL})
_ORDER: Final = {step: place for place, step in enumerate(Step)}


def _in_order(mark: Mark) -> tuple[datetime, int, int]:
    return mark.at, mark.place, _ORDER[mark.step]


def _passed(time: BusinessTime, part: Run, now: datetime) -> timedelta:
    end = now if part.end is None else min(part.end, now)
    return time.between(part.start, end) if part.start < end else NOTHING


def _when(runs: Sequence[Run], time: BusinessTime, span: timedelta) -> datetime | None:
    """The earliest moment by which runs have used so much; of nothing, their start."""
    if span == NOTHING:
        return runs[0].start
    left = span
    for start, end in runs:
        used = None if end is None else time.between(start, end)
        if used is None or left <= used:
            return _deadline(time, start, left)
        left -= used
    return None


def _more(runs: Sequence[Run], time: BusinessTime, span: timedelta) -> datetime | None:
    """The moment from which runs have used more than that: just before a microsecond more."""
    found = _when(runs, time, span + _MICROSECOND)
    return None if found is None else found - _MICROSECOND


def _deadline(time: BusinessTime, start: datetime, span: timedelta) -> datetime | None:
    try:
        return time.deadline(start, span)
    except NeverOpenError:
        return None
