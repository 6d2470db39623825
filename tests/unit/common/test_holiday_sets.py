"""The Russian production calendar, against what was published for each year."""

from datetime import UTC, date, datetime, timedelta

import pytest

from otklik_common.clocks.business_time import BusinessTime
from otklik_common.clocks.calendar import ALWAYS, Calendar, Rules, Why
from otklik_common.clocks.holiday_sets import COUNTRIES, holiday_year
from otklik_common.clocks.hours import Window

EIGHT = ((Window(540, 780), Window(840, 1080)),)
OFFICE = Calendar((Rules(ALWAYS, "Europe/Moscow", (*EIGHT * 5, (), ()), holidays="RU"),))
"""Forty hours in five days."""

WORKING = {
    2014: ("17 20 20 22 19 19 23 21 22 23 18 23", 247, 1970),
    2024: ("17 20 20 21 20 19 23 22 21 23 21 21", 248, 1979),
    2025: ("17 20 21 22 18 19 23 21 22 23 19 22", 247, 1972),
    2026: ("15 19 21 22 19 21 23 21 22 22 20 22", 247, 1972),
    2027: ("15 19 22 22 19 21 22 22 22 21 20 22", 247, 1972),
}
"""Working days of each month, of the year, and working hours of the year."""


def days_of(year: int) -> list[date]:
    first = date(year, 1, 1)
    return [first + timedelta(n) for n in range((date(year + 1, 1, 1) - first).days)]


@pytest.mark.parametrize("year", WORKING)
def test_working_days_and_hours_are_those_of_the_published_calendar(year: int) -> None:
    by_month, days, hours = WORKING[year]
    opened = [day for day in days_of(year) if OFFICE.day(day).windows]
    months = [day.month for day in opened]
    assert [months.count(month) for month in range(1, 13)] == [int(n) for n in by_month.split()]
    assert len(opened) == days
    minutes = sum(end - start for day in opened for start, end in OFFICE.day(day).windows)
    assert minutes == hours * 60


@pytest.mark.parametrize(
    ("year", "short"),
    [
        (2021, "02-20 04-30 06-11 11-03"),
        (2024, "02-22 03-07 05-08 06-11 11-02"),
        (2025, "03-07 04-30 06-11 11-01"),
        (2026, "04-30 05-08 06-11 11-03"),
        (2027, "02-20 04-30 06-11 11-03"),
    ],
)
def test_shortened_days_are_those_of_the_published_calendar(year: int, short: str) -> None:
    assert [f"{day:%m-%d}" for day in sorted(holiday_year("RU", year).short)] == short.split()


def test_a_worked_saturday_counts_and_the_monday_it_was_changed_for_does_not() -> None:
    assert OFFICE.day(date(2021, 2, 20)).windows == (Window(540, 780), Window(840, 1020))
    assert OFFICE.day(date(2021, 2, 22)).windows == ()


def test_a_worked_saturday_has_the_hours_of_the_day_it_was_changed_for() -> None:
    week = ((Window(600, 660),), (Window(600, 1200),), *EIGHT * 3, (), ())
    calendar = Calendar((Rules(ALWAYS, "Europe/Moscow", week, holidays="RU"),))
    worked = holiday_year("RU", 2024).worked
    assert worked[date(2024, 4, 27)] == date(2024, 4, 29)
    assert calendar.day(date(2024, 4, 27)).windows == (Window(600, 660),)
    assert worked[date(2024, 11, 2)] == date(2024, 4, 30)
    assert calendar.day(date(2024, 11, 2)) == ((Window(600, 1140),), Why.EVE)


def test_a_company_that_opens_on_saturdays_keeps_its_own_hours_there() -> None:
    week = (*EIGHT * 5, (Window(600, 900),), ())
    calendar = Calendar((Rules(ALWAYS, "Europe/Moscow", week, holidays="RU"),))
    assert calendar.day(date(2024, 4, 27)).windows == (Window(600, 900),)
    assert calendar.day(date(2024, 11, 2)).windows == (Window(600, 840),)


def test_an_exception_says_all_of_its_day() -> None:
    open_on_new_year = {date(2026, 1, 2): (Window(600, 840),), date(2026, 3, 3): ()}
    calendar = Calendar(OFFICE.rules, open_on_new_year)
    assert calendar.day(date(2026, 1, 2)).windows == (Window(600, 840),)
    assert calendar.day(date(2026, 3, 3)).windows == ()


def test_four_hours_from_the_last_working_day_of_a_year_end_after_the_holidays() -> None:
    late = datetime(2025, 12, 30, 14, tzinfo=UTC)
    found = BusinessTime(OFFICE).deadline(late, timedelta(hours=4))
    assert found == datetime(2026, 1, 12, 9, tzinfo=UTC)


@pytest.mark.parametrize("year", [1950, 1990, 2002, 2004])
def test_the_eve_of_what_was_no_holiday_is_not_short(year: int) -> None:
    for eve in holiday_year("RU", year).short:
        after = eve + timedelta(1)
        assert after in holiday_year("RU", after.year).closed
    assert date(2004, 11, 3) not in holiday_year("RU", 2004).short


@pytest.mark.parametrize(
    ("country", "closed", "worked"),
    [
        ("KZ", "2025-01-03", "2025-01-05"),
        ("BY", "2025-01-06", "2025-01-11"),
        ("UZ", "2025-12-31", None),
    ],
)
def test_moved_days_of_other_countries_are_known(
    country: str, closed: str, worked: str | None
) -> None:
    found = holiday_year(country, 2025)
    assert date.fromisoformat(closed) in found.closed
    if worked is not None:
        assert date.fromisoformat(worked) in found.worked


@pytest.mark.parametrize("country", COUNTRIES)
def test_every_country_has_holidays_on_which_it_is_closed(country: str) -> None:
    assert date(2026, 1, 1) in holiday_year(country, 2026).closed
