"""A queue of impatient callers in front of a few agents: who waits, who is answered, who leaves."""

import heapq
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
LATEST = datetime(9000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A caller; `talk` is how long they would talk, `patience` how long they would wait."""

    at: datetime
    talk: timedelta
    patience: timedelta
    index: int


@dataclass(frozen=True, slots=True)
class Served:
    """What became of a caller: answered by an agent, or gone; `ended_at` in both cases."""

    index: int
    answered_at: datetime | None
    ended_at: datetime
    agent: str | None


def serve(arrivals: Iterable[Arrival], agents: Sequence[str], wrap: timedelta) -> list[Served]:
    """
    First come, first served, by whoever is free longest; impatient callers leave the queue.

    Args:
        arrivals: In order of time.
        agents: On duty for the whole time; none means that everybody leaves.
        wrap: What an agent still does after a talk before the next.
    Returns:
        One for each arrival, in the order of arrivals.
    """
    found: dict[int, Served] = {}
    waiting: deque[Arrival] = deque()
    free: list[tuple[datetime, str]] = [(EARLIEST, name) for name in sorted(agents)]
    order: list[int] = []
    for arrival in arrivals:
        order.append(arrival.index)
        waiting.append(arrival)
        _take(waiting, free, arrival.at, found, wrap)
    _take(waiting, free, LATEST, found, wrap)
    for left in waiting:
        found[left.index] = _gone(left)
    return [found[index] for index in order]


def _take(
    waiting: deque[Arrival],
    free: list[tuple[datetime, str]],
    until: datetime,
    found: dict[int, Served],
    wrap: timedelta,
) -> None:
    """Let agents who become free up to `until` take callers from the head of the queue."""
    while waiting and free and free[0][0] <= until:
        first = waiting[0]
        came = first.at
        ready, agent = free[0]
        begins = max(came, ready)
        if begins > until:
            return
        waiting.popleft()
        if begins - came > first.patience:
            found[first.index] = _gone(first)
            continue
        answered = first.at + (begins - came)
        ended = answered + first.talk
        found[first.index] = Served(first.index, answered, ended, agent)
        heapq.heapreplace(free, (begins + first.talk + wrap, agent))


def _gone(arrival: Arrival) -> Served:
    return Served(arrival.index, None, arrival.at + arrival.patience, None)
