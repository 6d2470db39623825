"""
Clocks of the past under other promises: which would have come out differently.

Most clocks have ended and were never held: of those only the business time between two moments is
asked, for thousands at once. The others are run as they run every day.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

import numpy as np

from otklik_common.clocks import sla
from otklik_common.clocks.policies import Policies, Promised
from otklik_common.clocks.sla import State, Target
from otklik_common.clocks.zones import micros
from otklik_contact_center.domain.clock import About, promised
from otklik_contact_center.domain.watch import CLOSED, Watch, Watched, marks

_MICROSECOND: Final = timedelta(microseconds=1)

KEPT, BROKEN, OPEN, CANCELLED, NONE = "kept", "broken", "open", "cancelled", "none"

OF_STATE: Final = {
    State.ACHIEVED: KEPT,
    State.BREACHED: BROKEN,
    State.BREACHING: BROKEN,
    State.PENDING: OPEN,
    State.IMMINENT: OPEN,
    State.CANCELLED: CANCELLED,
}
"""What a state comes to: a clock flips where this differs, not where it only comes nearer."""


class Sample(NamedTuple):
    """A contact of the past, `at` when it began."""

    id: UUID
    at: datetime
    about: About
    watched: Watched


class Side(NamedTuple):
    """
    A clock under one set of promises.

    Attributes:
        due_at: When it was to be over; None where nothing is promised, or a pause holds it.
    """

    policy: str
    calendar: str | None
    state: str
    due_at: datetime | None


class Flip(NamedTuple):
    """A clock that comes out differently; a side is None where nothing is promised."""

    at: datetime
    contact: UUID
    target: str
    key: str
    started_at: datetime
    before: Side | None
    after: Side | None

    @property
    def place(self) -> tuple[datetime, UUID, str, str]:
        """Flips are in this order."""
        return self.at, self.contact, self.target, self.key


@dataclass(slots=True)
class Outcomes:
    """How many clocks of a target came to what, by the words of `OF_STATE`."""

    before: Counter[str] = field(default_factory=Counter)
    after: Counter[str] = field(default_factory=Counter)
    flips: int = 0


@dataclass(slots=True)
class Backtest:
    """
    What came of clocks, contact by contact.

    Attributes:
        now: Clocks that have not ended are looked at then.
        contacts: How many were looked at.
    """

    before: Policies
    after: Policies
    now: datetime
    contacts: int = 0
    targets: dict[str, Outcomes] = field(default_factory=dict)

    def take(self, samples: Sequence[Sample]) -> list[Flip]:
        """Look at some more contacts; returns what flips among their clocks, in their order."""
        self.contacts += len(samples)
        befores = _Judged(self.before, self.now)
        afters = _Judged(self.after, self.now)
        asked: list[tuple[Sample, Watch]] = []
        for sample in samples:
            for watch in sample.watched.watches:
                asked.append((sample, watch))
                befores.ask(sample, watch)
                afters.ask(sample, watch)
        flips: list[Flip] = []
        for number, (was, would) in enumerate(zip(befores.told(), afters.told(), strict=True)):
            if was is None and would is None:
                continue
            sample, watch = asked[number]
            counted = self.targets.setdefault(watch.target, Outcomes())
            old, new = _word(was), _word(would)
            counted.before[old] += 1
            counted.after[new] += 1
            if old != new:
                counted.flips += 1
                sides = befores.side(number), afters.side(number)
                flips.append(
                    Flip(
                        sample.at,
                        sample.id,
                        watch.target,
                        watch.key,
                        watch.started_at.astimezone(UTC),
                        *sides,
                    )
                )
        flips.sort(key=lambda flip: flip.place)
        return flips


def _word(state: State | None) -> str:
    return NONE if state is None else OF_STATE[state]


class _Judged:
    """The clocks of many contacts under one set of promises: asked first, told together."""

    def __init__(self, policies: Policies, now: datetime) -> None:
        self._policies = policies
        self._now = now
        self._asked: list[tuple[Sample, Watch, Promised | None]] = []
        self._states: list[State | None] = []
        # By identity: to hash a calendar with its exceptions takes longer than to count by it.
        self._plain: dict[int, tuple[Target, list[tuple[int, int, int]]]] = {}

    def ask(self, sample: Sample, watch: Watch) -> None:
        """One more clock."""
        found = promised(sample.about, watch, sample.watched, self._policies)
        number = len(self._asked)
        self._asked.append((sample, watch, found))
        if found is None:
            self._states.append(None)
        elif watch.ended_at is not None and not _held(watch, sample.watched, found):
            self._states.append(State.CANCELLED if watch.cancelled else State.ACHIEVED)
            _, spans = self._plain.setdefault(id(found.target), (found.target, []))
            spans.append((number, micros(watch.started_at), micros(watch.ended_at)))
        else:
            clock = _clock(sample, watch, found)
            self._states.append(clock.state(max(self._now, clock.ended_at or self._now)))

    def told(self) -> Iterator[State | None]:
        """What each clock came to, in the order in which they were asked; None: not promised."""
        for target, spans in self._plain.values():
            numbers, starts, ends = np.array(spans, dtype=np.int64).T
            used = target.time.micros_between_many(starts, ends)
            for number in numbers[used > target.span // _MICROSECOND]:
                self._states[number] = State.BREACHED
        self._plain.clear()
        return iter(self._states)

    def side(self, number: int) -> Side | None:
        """All that is said of one of them."""
        sample, watch, found = self._asked[number]
        state = self._states[number]
        if found is None or state is None:
            return None
        clock = _clock(sample, watch, found)
        return Side(found.choice.policy, found.calendar, state.value, clock.due_at)


def _clock(sample: Sample, watch: Watch, found: Promised) -> sla.Clock:
    clock = sla.run(marks(watch, sample.watched.pauses, found.promise.pauses), found.target)
    assert clock is not None, "every watch begins"
    return clock


def _held(watch: Watch, watched: Watched, found: Promised) -> bool:
    """Whether anything may have held a clock."""
    counted = found.promise.pauses
    return any(
        pause.kind in counted or (watch.lasting and pause.kind == CLOSED)
        for pause in watched.pauses
        if watch.ended_at is None or pause.at < watch.ended_at
    )
