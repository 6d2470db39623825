"""A calendar is edited from a day on: what it said of the days before stays as it was."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_access.domain.calendars import (
    FIRST_DAY,
    MOST_EXCEPTIONS,
    MOST_RULES,
    Calendar,
    Hours,
    check_removable,
    edited,
    with_days_off,
)
from otklik_common.clocks.hours import BadHours
from otklik_common.clocks.told import calendar_of
from otklik_common.errors import Conflict, Unprocessable

FIVE = Hours("Europe/Moscow", [("09:00-18:00",)] * 5 + [(), ()])
SIX = replace(FIVE, week=[("09:00-18:00",)] * 6 + [()])
MARCH = date(2026, 3, 1)


def edit(known: Calendar | None, hours: Hours = FIVE, **said: Any) -> Calendar:
    given = {"names": {}, "exceptions": {}, "valid_from": MARCH, "default": False, **said}
    return edited(known, "office", hours, **given)


def test_a_new_calendar_has_always_been_so() -> None:
    made = edit(None, exceptions={date(2020, 1, 2): ("10:00-11:00",)})
    assert [one.since for one in made.rules] == [None]
    assert made.exceptions == {date(2020, 1, 2): ("10:00-11:00",)}


def test_an_edit_is_true_from_its_day_on() -> None:
    made = calendar_of(edit(edit(None), SIX).fact())
    assert made.day(date(2026, 2, 28)).windows == ()
    assert made.day(date(2026, 3, 7)).windows != ()


def test_an_edit_takes_the_place_of_those_that_were_to_come() -> None:
    later = edit(edit(None), SIX, valid_from=date(2026, 6, 1))
    assert [one.since for one in later.rules] == [None, date(2026, 6, 1)]
    sooner = edit(later, SIX)
    assert [one.since for one in sooner.rules] == [None, MARCH]
    assert edit(later, FIVE).rules == edit(None).rules


def test_the_last_edit_of_a_day_is_the_one_that_counts() -> None:
    twice = edit(edit(edit(None), SIX), replace(SIX, breaks=("13:00-14:00",)))
    assert [one.since for one in twice.rules] == [None, MARCH]
    assert twice.rules[-1].breaks == ("13:00-14:00",)


def test_the_same_edit_again_changes_nothing() -> None:
    once = edit(edit(None), SIX, exceptions={date(2026, 12, 31): ("09:00-14:00",)})
    assert edit(once, SIX, exceptions={date(2026, 12, 31): ("09:00-14:00",)}) == once


def test_exceptions_of_the_past_stay() -> None:
    past, coming = date(2026, 2, 20), date(2026, 4, 30)
    made = edit(None, exceptions={past: (), coming: ()})
    again = edit(made, exceptions={past: (), date(2026, 5, 1): ()})
    assert set(again.exceptions) == {past, date(2026, 5, 1)}
    assert set(edit(again, exceptions={}).exceptions) == {past}
    for day, own in ((date(2026, 2, 1), ()), (past, ("10:00-11:00",))):
        with pytest.raises(Unprocessable, match=f"{day} lies before 2026-03-01") as no:
            edit(made, exceptions={day: own})
        assert no.value.code == "exception_before_valid_from"


def test_who_names_the_first_day_changes_what_always_was() -> None:
    made = edit(edit(None), SIX, valid_from=FIRST_DAY, exceptions={MARCH: ()})
    assert made == edit(None, SIX, exceptions={MARCH: ()})


@pytest.mark.parametrize("day", [date(1899, 12, 31), date(2201, 1, 1), date.min, date.max])
def test_days_of_no_business_time_are_refused(day: date) -> None:
    with pytest.raises(Unprocessable, match="is outside 1900-01-01 to 2200-12-31"):
        edit(edit(None), valid_from=day)
    with pytest.raises(Unprocessable, match="is outside 1900-01-01 to 2200-12-31"):
        edit(None, exceptions={day: ()})


def test_days_that_are_closed_already_need_no_exception() -> None:
    saturday, monday, own = date(2026, 3, 7), date(2026, 3, 9), date(2026, 3, 10)
    made = edit(None, exceptions={own: ("10:00-11:00",)})
    assert with_days_off(made, [saturday, monday, own]).exceptions == {
        monday: (),
        own: ("10:00-11:00",),
    }


def test_hours_are_written_alike() -> None:
    loose = replace(FIVE, week=[("14:00-18:00", "9:00–13:00")] * 5 + [(), ()])
    assert edit(None, loose).rules[0].week[0] == ("09:00-13:00", "14:00-18:00")


def test_hours_that_cannot_be_are_refused() -> None:
    with pytest.raises(BadHours, match="25:00 is no time"):
        edit(None, replace(FIVE, week=[("25:00-26:00",)] * 7))


@pytest.mark.parametrize(
    "never",
    [
        replace(FIVE, week=[()] * 7),
        replace(FIVE, week=[("09:00-10:00",)] * 7, breaks=("08:00-11:00",)),
    ],
)
def test_a_calendar_that_never_opens_is_refused(never: Hours) -> None:
    with pytest.raises(Unprocessable, match="never opens") as no:
        edit(None, never)
    assert no.value.code == "never_opens"
    with pytest.raises(Unprocessable, match="never opens"):
        edit(edit(None), never)


def test_so_many_changes_and_exceptions_are_kept() -> None:
    made = edit(None)
    for month in range(1, MOST_RULES):
        made = edit(made, SIX if month % 2 else FIVE, valid_from=date(2026, month, 1))
    assert len(made.rules) == MOST_RULES
    with pytest.raises(Unprocessable, match="have changed 12 times, 11 can be kept"):
        edit(made, FIVE, valid_from=date(2027, 1, 1))
    days = {date.fromordinal(MARCH.toordinal() + n): () for n in range(MOST_EXCEPTIONS + 1)}
    with pytest.raises(Unprocessable, match="201 days with hours of their own, 200 can be"):
        edit(None, exceptions=days)


def test_a_calendar_that_others_cannot_be_told_of_is_refused() -> None:
    many = tuple(f"{hour:02}:00-{hour:02}:30" for hour in range(12))
    days = {date.fromordinal(MARCH.toordinal() + n): many for n in range(150)}
    with pytest.raises(Unprocessable, match="bytes, 16384 can be told"):
        edit(None, exceptions=days)


def test_the_default_is_not_removed() -> None:
    check_removable(edit(None))
    with pytest.raises(Conflict, match="office is the company's default calendar"):
        check_removable(edit(None, default=True))


@given(
    st.lists(st.tuples(st.dates(date(2026, 1, 1), date(2026, 12, 31)), st.booleans()), max_size=6)
)
def test_no_edit_changes_a_day_before_it(edits: list[tuple[date, bool]]) -> None:
    made = edit(None)
    for valid_from, six in edits:
        after = edit(made, SIX if six else FIVE, valid_from=valid_from)
        ours, theirs = calendar_of(made.fact()), calendar_of(after.fact())
        year = [date.fromordinal(date(2025, 12, 1).toordinal() + n) for n in range(420)]
        for day in year:
            if day < valid_from:
                assert ours.day(day).windows == theirs.day(day).windows
            elif day.weekday() == 5:
                assert bool(theirs.day(day).windows) is six
        made = after
