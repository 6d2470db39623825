"""Coaching: what it comes from, when it is done, and the days before and after."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from otklik_contact_center.domain.coaching import (
    DoneBeforeCreated,
    DueBeforeCreated,
    Lesson,
    NotDone,
    OccasionMissing,
    effect,
    given,
    lesson_of,
)

MOSCOW = ZoneInfo("Europe/Moscow")
GIVEN = datetime(2026, 3, 2, 22, tzinfo=UTC)  # already the 3rd in Moscow
HOUR = timedelta(hours=1)
LESSON = Lesson("petrova", "needs", "tyumen", UUID(int=1), None, GIVEN, GIVEN + 48 * HOUR)


def test_it_comes_from_a_contact_or_a_lead() -> None:
    with pytest.raises(OccasionMissing):
        given(replace(LESSON, contact=None))
    assert given(replace(LESSON, contact=None, lead=UUID(int=2))).lead == UUID(int=2)


def test_nothing_is_due_or_done_before_it_is_given() -> None:
    with pytest.raises(DueBeforeCreated):
        given(replace(LESSON, due_at=GIVEN - HOUR))
    with pytest.raises(DoneBeforeCreated):
        given(LESSON, GIVEN - HOUR)
    assert given(LESSON, GIVEN).done_at == GIVEN


def test_what_it_is_about_can_be_read_back() -> None:
    assert lesson_of(given(LESSON, GIVEN + HOUR)) == LESSON


def test_there_is_no_after_until_it_is_done() -> None:
    with pytest.raises(NotDone):
        effect(given(LESSON), 28, MOSCOW, GIVEN)


def test_the_days_of_giving_and_of_doing_are_neither_before_nor_after() -> None:
    done = datetime(2026, 3, 9, 9, tzinfo=UTC)
    found = effect(given(LESSON, done), 7, MOSCOW, done)
    days = [moment.astimezone(MOSCOW) for moment in (*found.before, *found.after)]
    assert [day.date() for day in days] == [
        date(2026, 2, 24),
        date(2026, 3, 3),
        date(2026, 3, 10),
        date(2026, 3, 17),
    ]
    assert {(day.hour, day.minute) for day in days} == {(0, 0)}
    assert not found.complete
    assert effect(given(LESSON, done), 7, MOSCOW, found.after.end).complete


@for_all(
    st.integers(0, 400),
    st.integers(7, 180),
    st.sampled_from(["Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "UTC"]),
)
def test_before_and_after_are_as_long_and_lie_apart(hours: int, days: int, zone: str) -> None:
    done = GIVEN + hours * HOUR
    found = effect(given(replace(LESSON, due_at=None), done), days, ZoneInfo(zone), done)
    assert found.before.end <= GIVEN <= done < found.after.start
    for start, end in (found.before, found.after):
        local = [moment.astimezone(ZoneInfo(zone)) for moment in (start, end)]
        assert (local[1].date() - local[0].date()).days == days
