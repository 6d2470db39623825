"""Public holidays by country, with the days that governments move every year."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from types import MappingProxyType
from typing import Final

import holidays

COUNTRIES: Final = ("RU", "BY", "KZ", "UZ")
"""Whose moved days the `holidays` package knows."""

_A_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class HolidayYear:
    """
    What a country's production calendar says of one year.

    Attributes:
        closed: Public holidays, and working days that were made days off.
        worked: Days of a weekend that were made working days, and whose hours they have: the day
            off that they were changed for, or None where it is in no calendar.
        short: Working days that end an hour earlier.
    """

    closed: frozenset[date]
    worked: Mapping[date, date | None]
    short: frozenset[date]


_STATUTORY: Final = {
    "RU": frozenset(
        {*((1, day) for day in range(1, 9)), (2, 23), (3, 8), (5, 1), (5, 9), (6, 12), (11, 4)}
    )
}
"""Month and day of public holidays before which a working day is shorter: Labour Code, art. 95 and 112."""

_SHORT_TOO: Final = {
    "RU": frozenset(
        map(
            date.fromisoformat,
            (
                "2014-02-24",
                "2016-02-20",
                "2018-04-28",
                "2018-06-09",
                "2018-12-29",
                "2021-02-20",
                "2022-03-05",
                "2024-11-02",
                "2025-11-01",
                "2027-02-20",
            ),
        )
    )
}
"""Other days that the yearly calendar shortens; no rule tells them from 2024-04-27."""

_CLOSED_TOO: Final = {"RU": frozenset({date(2014, 3, 10)})}
"""Days off that the package does not know."""


@cache
def holiday_year(country: str, year: int) -> HolidayYear:
    """
    The production calendar of a year.

    Args:
        country: One of `COUNTRIES`.
    Source: the `holidays` package for what is closed and moved; for shortened days of Russia the
        Labour Code, art. 95, and the government's yearly decrees.
    """
    found = holidays.country_holidays(country, years=year, language="en_US")
    named = _named(country, year)
    closed = frozenset(named) | {
        day for day in _CLOSED_TOO.get(country, frozenset()) if day.year == year
    }
    worked = {day for day in found.weekend_workdays if day.year == year}
    first, after = date(year, 1, 1), date(year + 1, 1, 1)
    days = (first + n * _A_DAY for n in range((after - first).days))
    working = {day for day in days if day in worked or (day.weekday() < 5 and day not in closed)}
    return HolidayYear(
        closed,
        MappingProxyType({day: _changed_for(day, named) for day in sorted(worked)}),
        frozenset(day for day in working if _is_short(country, day)),
    )


@cache
def _named(country: str, year: int) -> Mapping[date, str]:
    """Holidays and moved days off of a year, with what the package calls them."""
    found = holidays.country_holidays(country, years=year, language="en_US")
    return MappingProxyType({day: name for day, name in found.items() if day.year == year})


def _changed_for(day: date, named: Mapping[date, str]) -> date | None:
    """The day off that a worked day was changed for: the package names that day by this one."""
    return next((off for off, name in named.items() if day.strftime("%m/%d/%Y") in name), None)


def _is_short(country: str, day: date) -> bool:
    if day in _SHORT_TOO.get(country, frozenset()):
        return True
    after = day + _A_DAY
    is_holiday = (after.month, after.day) in _STATUTORY.get(country, frozenset())
    # Of days that were no holiday then, the package has no name.
    return is_holiday and after in _named(country, after.year)
