"""Business time once more: day by day on the wall clock, as people would count it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from otklik_common.events.access import Calendar, CalendarRules

Hours = tuple[int, int]
"""The hour at which a day opens, and the one at which it closes."""

MILLISECOND = timedelta(milliseconds=1)
A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Office:
    """
    When somebody is open.

    Attributes:
        weeks: From a day on: hours of the weekdays, Monday first; None for closed.
        closed: Single days without hours.
    """

    code: str
    timezone: str
    weeks: Sequence[tuple[date, Sequence[Hours | None]]]
    closed: frozenset[date] = field(default_factory=frozenset)

    def between(self, start: datetime, end: datetime) -> timedelta:
        """How much of it was open."""
        open_ = timedelta()
        for opens, closes in self._windows(start, end):
            open_ += max(timedelta(), min(end, closes) - max(start, opens))
        return open_

    def _windows(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        day, last = (start - 2 * A_DAY).date(), (end + 2 * A_DAY).date()
        while day <= last:
            hours = None if day in self.closed else self._week(day)[day.weekday()]
            if hours is not None:
                yield self._at(day, hours[0]), self._at(day, hours[1])
            day += A_DAY

    def _week(self, day: date) -> Sequence[Hours | None]:
        return [week for since, week in self.weeks if since <= day][-1]

    def _at(self, day: date, hour: int) -> datetime:
        if hour == 24:
            day, hour = day + A_DAY, 0
        return datetime.combine(day, time(hour), ZoneInfo(self.timezone)).astimezone(UTC)

    def fact(self, *, default: bool = False) -> Calendar:
        """The same as access would tell it."""
        rules = [
            CalendarRules.model_validate(
                {
                    "since": None if number == 0 else since,
                    "timezone": self.timezone,
                    "week": [[] if one is None else [_window(*one)] for one in week],
                }
            )
            for number, (since, week) in enumerate(self.weeks)
        ]
        return Calendar(
            code=self.code,
            default=default,
            rules=tuple(rules),
            exceptions=dict.fromkeys(sorted(self.closed), ()),
        )


def _window(opens: int, closes: int) -> str:
    return f"{opens:02}:00-{closes:02}:00"


def milliseconds(office: Office, start: datetime, end: datetime) -> int:
    """Whole milliseconds of business time."""
    return office.between(start, end) // MILLISECOND


_NEVER, _EVER = date(2000, 1, 1), (0, 24)
_DAYS = ((9, 18),) * 5 + (None, None)
_SHORTER = ((10, 16),) * 6 + (None,)

CENTRAL = Office(
    "central",
    "Europe/Berlin",
    ((_NEVER, _DAYS), (date(2026, 3, 16), _SHORTER)),
    frozenset({date(2026, 3, 20), date(2026, 4, 3)}),
)
"""The company's own: shorter days from 16 March on, and Saturdays."""

URAL = Office(
    "ural",
    "Asia/Yekaterinburg",
    ((_NEVER, ((8, 20),) * 7), (date(2026, 4, 1), _DAYS)),
)
"""That of a branch in another zone."""

ALWAYS = Office("always", "Europe/Berlin", ((_NEVER, (_EVER,) * 7),))
"""That of a branch that never closes: all that passes."""

OWN: Mapping[str, Office] = {"tyumen": URAL, "perm": ALWAYS}
"""Offices of branches; any other has the company's own."""


def office_of(fact: Any) -> Office:
    """By whose business time a fact is told."""
    return OWN.get(fact.branch, CENTRAL)
