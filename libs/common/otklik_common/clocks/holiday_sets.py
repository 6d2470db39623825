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
"""Worked days of a weekend that the yearly calendar shortens; no rule tells them from 2024-04-27."""


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
    closed = {day: name for day, name in found.items() if day.year == year}
    worked = {day for day in found.weekend_workdays if day.year == year}
    return HolidayYear(
        frozenset(closed),
        MappingProxyType({day: _changed_for(day, closed) for day in sorted(worked)}),
        _short(country, frozenset(closed), worked, year),
    )


def _changed_for(day: date, closed: Mapping[date, str]) -> date | None:
    """The day off that a worked day was changed for: the package names that day by this one."""
    return next((off for off, name in closed.items() if day.strftime("%m/%d/%Y") in name), None)


def _short(country: str, closed: frozenset[date], worked: set[date], year: int) -> frozenset[date]:
    statutory = _STATUTORY.get(country, frozenset())
    eves = {date(year, month, day) - _A_DAY for month, day in statutory}
    working = {
        eve
        for eve in eves
        if eve.year == year and (eve in worked or (eve.weekday() < 5 and eve not in closed))
    }
    # The eve of 1 January lies in the year itself, its holiday in the next.
    last = date(year, 12, 31)
    if (1, 1) in statutory and last.weekday() < 5 and last not in closed:
        working.add(last)
    return frozenset(working | (_SHORT_TOO.get(country, frozenset()) & worked))
