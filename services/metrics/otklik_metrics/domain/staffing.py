"""How many agents each half hour of a week needs, by the calls that came."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from otklik_common.clocks.hours import Window
from otklik_common.erlang import MOST_AGENTS, Load, Need, need

MINUTES: Final = 30
SECONDS: Final = 60 * MINUTES

Place = tuple[int, int]
"""Day of the week, from Monday, and minute of the day at which a half hour begins."""


class Wanted(NamedTuple):
    """
    What is promised to callers, and what agents are like.

    Attributes:
        answered, threshold: So great a share within so many seconds.
        handle_seconds: That a call takes an agent.
        patience_seconds: Mean time after which callers give up; None: they never do.
        most_occupied: Of an agent's time.
        shrinkage: Of rostered time, in which people are not at work.
    """

    answered: float
    threshold: float
    handle_seconds: float
    patience_seconds: float | None
    most_occupied: float
    shrinkage: float


class Slot(NamedTuple):
    """
    A half hour of the week.

    Attributes:
        calls: That come in it, on the average.
        need: None where more would be needed than `MOST_AGENTS`.
    """

    place: Place
    calls: float
    need: Need | None


class Plan(NamedTuple):
    """
    A week.

    Attributes:
        outside: Calls a week that come outside the hours that were asked for.
    """

    slots: list[Slot]
    outside: float


def plan(
    quarters: Iterable[tuple[datetime, int]],
    wanted: Wanted,
    hours: Mapping[int, Iterable[Window]] | None,
) -> Plan:
    """
    The agents that each half hour of a week needs.

    Args:
        quarters: Calls by quarter hours, each by its beginning on the clock of the place; every
            quarter hour of the range, those without calls too.
        hours: When it is open, by day of the week; None: whenever calls came.
    """
    calls: dict[Place, int] = {}
    times: dict[Place, int] = {}
    for begins, count in quarters:
        minute = 60 * begins.hour + begins.minute
        place = begins.weekday(), minute - minute % MINUTES
        calls[place] = calls.get(place, 0) + count
        times[place] = times.get(place, 0) + 1
    # Two quarters make one half hour; an hour that the clock repeats counts twice.
    mean = {place: calls[place] / (times[place] / 2) for place in calls}
    slots: list[Slot] = []
    outside = 0.0
    for place in sorted(mean):
        if hours is not None and not _is_open(place, hours):
            outside += mean[place]
        elif hours is not None or mean[place]:
            slots.append(Slot(place, mean[place], _need(mean[place], wanted)))
    return Plan(slots, outside)


def _is_open(place: Place, hours: Mapping[int, Iterable[Window]]) -> bool:
    day, begins = place
    return any(
        begins < window.end and window.start < begins + MINUTES for window in hours.get(day, ())
    )


def _need(calls: float, wanted: Wanted) -> Need | None:
    load = Load(calls / SECONDS, wanted.handle_seconds, wanted.patience_seconds)
    if load.erlangs > MOST_AGENTS / 2:
        return None
    try:
        found = need(
            load,
            answered=wanted.answered,
            threshold=wanted.threshold,
            most_occupied=wanted.most_occupied,
            shrinkage=wanted.shrinkage,
        )
    except ValueError:  # more than can be worked out
        return None
    return found if found.agents <= MOST_AGENTS else None
