"""A calendar of opening hours: which windows a local day has, by rules that change with time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final, NamedTuple

from otklik_common.clocks.holiday_sets import holiday_year
from otklik_common.clocks.hours import ALL_DAY, Windows, shortened, without

EVE_MINUTES: Final = 60
"""How much shorter a working day is before a public holiday."""

ALWAYS: Final = date.min
"""The rules of a calendar that have been true for ever."""


class Why(StrEnum):
    """What decided on a day's hours."""

    WEEK = "week"
    EXCEPTION = "exception"
    HOLIDAY = "holiday"
    """A public holiday, or a working day that was made a day off."""
    WORKED = "worked"
    """A day of a weekend that was made a working day."""
    EVE = "eve"
    """An hour shorter, as the eve of a holiday."""


class Day(NamedTuple):
    """When a day is open, and what decided so."""

    windows: Windows
    why: Why


@dataclass(frozen=True, slots=True)
class Rules:
    """
    How a calendar is open from some day on.

    Attributes:
        since: The first local day of these rules.
        timezone: Name of the IANA zone whose wall clock the windows are of.
        week: The windows of Monday to Sunday.
        breaks: Taken out of every day of the week, not out of dated exceptions.
        holidays: The country whose production calendar is kept; None for no holidays.
    """

    since: date
    timezone: str
    week: tuple[Windows, Windows, Windows, Windows, Windows, Windows, Windows]
    breaks: Windows = ()
    holidays: str | None = None

    def day(self, day: date) -> Day:
        """
        The hours of a local day, exceptions apart.

        A day of a weekend that is worked has the hours of the day it was changed for, if the week
        itself leaves it closed.
        """
        hours, why = self.week[day.weekday()], Why.WEEK
        if self.holidays is None:
            return Day(without(hours, self.breaks), why)
        year = holiday_year(self.holidays, day.year)
        if day in year.closed:
            return Day((), Why.HOLIDAY)
        if not hours and day in year.worked:
            instead = year.worked[day]
            hours, why = self.week[0 if instead is None else instead.weekday()], Why.WORKED
        hours = without(hours, self.breaks)
        if day in year.short and hours:
            return Day(shortened(hours, EVE_MINUTES), Why.EVE)
        return Day(hours, why)


@dataclass(frozen=True, slots=True)
class Calendar:
    """
    Opening hours.

    Attributes:
        rules: By `since`; the first is of `ALWAYS`.
        exceptions: Days with windows of their own, whatever the rules say; none: closed.
    """

    rules: tuple[Rules, ...]
    exceptions: Mapping[date, Windows] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert self.rules, "no rules"
        assert self.rules[0].since == ALWAYS, "no rules of the past"

    def __hash__(self) -> int:
        return hash((self.rules, tuple(sorted(self.exceptions.items()))))

    def day(self, day: date) -> Day:
        """The hours of a local day."""
        found = self.exceptions.get(day)
        return self.rules_of(day).day(day) if found is None else Day(found, Why.EXCEPTION)

    def rules_of(self, day: date) -> Rules:
        """The rules that are true on a local day."""
        return next(rules for rules in reversed(self.rules) if rules.since <= day)

    @property
    def opens_for_ever(self) -> bool:
        """Whether the last rules open on some day of every week that has no holidays."""
        last = self.rules[-1]
        return any(without(hours, last.breaks) for hours in last.week)


def round_the_clock(timezone: str = "UTC") -> Calendar:
    """A calendar that never closes: its time is elapsed time."""
    week = (ALL_DAY, ALL_DAY, ALL_DAY, ALL_DAY, ALL_DAY, ALL_DAY, ALL_DAY)
    return Calendar((Rules(ALWAYS, timezone, week),))
