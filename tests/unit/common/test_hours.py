"""Opening hours as people write them, and what no day can have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_common.clocks.hours import (
    ALL_DAY,
    MOST_WINDOWS,
    BadHours,
    Window,
    Windows,
    shortened,
    window,
    windows,
    without,
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("09:00-18:00", (540, 1080)),
        ("9:30 – 13:05", (570, 785)),
        ("00:00-24:00", (0, 1440)),
        (" 23:59-24:00 ", (1439, 1440)),
    ],
)
def test_a_window_is_read_as_people_write_it(text: str, found: tuple[int, int]) -> None:
    assert window(text) == found


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("25:00-26:00", "25:00 is no time from 00:00 to 24:00"),
        ("09:60-18:00", "09:60 is no time from 00:00 to 24:00"),
        ("09:00-24:01", "24:01 is no time from 00:00 to 24:00"),
        ("09:00-00:00", "midnight at its end is 24:00"),
        ("09:00-09:00", "does not end after it begins"),
        ("22:00-06:00", "until 24:00 and from 00:00 of the next day"),
        ("9-18", "write it like 09:00-18:00"),
        ("", "write it like 09:00-18:00"),
    ],
)
def test_what_no_window_can_be_is_said_with_what_would_be_right(text: str, why: str) -> None:
    with pytest.raises(BadHours, match=why) as no:
        window(text)
    assert no.value.detail_ru


def test_windows_that_overlap_are_refused() -> None:
    with pytest.raises(BadHours, match="09:00-13:00 and 12:59-18:00 overlap"):
        windows([window("12:59-18:00"), window("09:00-13:00")])


def test_windows_that_meet_become_one() -> None:
    assert windows([window("13:00-18:00"), window("09:00-13:00")]) == (window("09:00-18:00"),)


def test_a_day_has_so_many_windows_at_most() -> None:
    many = [Window(n * 10, n * 10 + 5) for n in range(MOST_WINDOWS + 1)]
    assert len(windows(many[:-1])) == MOST_WINDOWS
    with pytest.raises(BadHours, match="13 windows in a day, 12 can be"):
        windows(many)


def a_day() -> st.SearchStrategy[Windows]:
    """Windows in order and apart."""
    edges = st.lists(st.integers(0, 1440), max_size=10, unique=True).map(sorted)
    return edges.map(
        lambda at: tuple(Window(*at[n : n + 2]) for n in range(0, len(at) // 2 * 2, 2))
    )


def minutes(day: Windows) -> set[int]:
    return {minute for start, end in day for minute in range(start, end)}


@given(a_day(), a_day())
def test_breaks_are_the_minutes_that_are_taken_out(day: Windows, breaks: Windows) -> None:
    assert minutes(without(day, breaks)) == minutes(day) - minutes(breaks)


@given(a_day(), st.integers(0, 1500))
def test_a_shortened_day_loses_its_last_open_minutes(day: Windows, cut: int) -> None:
    all_of_it = sorted(minutes(day))
    assert sorted(minutes(shortened(day, cut))) == all_of_it[: max(0, len(all_of_it) - cut)]


@given(a_day())
def test_what_is_written_reads_the_same(day: Windows) -> None:
    assert windows(window(str(one)) for one in day) == windows(day)
    assert minutes(windows(day)) == minutes(day) <= minutes(ALL_DAY)
