"""Business time agrees, minute by minute, with a count that knows nothing of how it is worked out."""

import random
from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from otklik_common.clocks.business_time import (
    MOST_SPANS,
    BusinessTime,
    NeverOpenError,
    business_time,
)
from otklik_common.clocks.calendar import ALWAYS, Calendar, Rules, round_the_clock
from otklik_common.clocks.hours import ALL_DAY, Window, Windows, without
from otklik_common.clocks.zones import micros

MINUTE = timedelta(minutes=1)
CASES = 5_000
"""Of each zone."""

TIMES = {
    "Europe/Berlin": (date(2024, 3, 10), date(2024, 10, 15)),
    "Europe/Moscow": (date(2011, 3, 15), date(2014, 10, 15)),
    "Asia/Almaty": (date(2024, 2, 15),),
    "Europe/Volgograd": (date(2018, 10, 15), date(2020, 12, 15)),
    "Asia/Kathmandu": (date(1985, 12, 20),),
    "Australia/Lord_Howe": (date(2024, 3, 25), date(2024, 9, 25)),
    "America/New_York": (date(2025, 2, 25), date(2025, 10, 20)),
    "UTC": (date(2024, 2, 20), date(2024, 12, 10)),
    "Pacific/Apia": (date(2011, 12, 10),),
}
"""Beginnings of five weeks in which the clocks of a zone are changed."""

WEEKS = timedelta(days=35)


@dataclass(frozen=True)
class Clock:
    """What the wall shows in each minute of some weeks."""

    start: datetime
    days: NDArray[np.int64]
    minutes: NDArray[np.int64]
    first: date

    def mask(self, calendar: Calendar) -> NDArray[np.bool_]:
        """Which minutes are open."""
        known = int(self.days.max()) + 1
        table = np.stack([by_hand(calendar, self.first + timedelta(n)) for n in range(known)])
        opened: NDArray[np.bool_] = table[self.days, self.minutes]
        return opened


@cache
def clock(zone: str, start: date) -> Clock:
    begins = datetime.combine(start, time(), UTC)
    walls = [
        (begins + n * MINUTE).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        for n in range(WEEKS // MINUTE)
    ]
    first = min(walls).date()
    return Clock(
        begins,
        np.array([(wall.date() - first).days for wall in walls]),
        np.array([wall.hour * 60 + wall.minute for wall in walls]),
        first,
    )


def by_hand(calendar: Calendar, day: date) -> NDArray[np.bool_]:
    """Which minutes of a day's wall clock are open, in calendars without holidays."""
    minutes = np.zeros(1440, dtype=bool)
    if day in calendar.exceptions:
        for start, end in calendar.exceptions[day]:
            minutes[start:end] = True
        return minutes
    rules = max((r for r in calendar.rules if r.since <= day), key=lambda r: r.since)
    for start, end in rules.week[day.weekday()]:
        minutes[start:end] = True
    for start, end in rules.breaks:
        minutes[start:end] = False
    return minutes


def some_windows(dice: random.Random) -> Windows:
    chosen = dice.random()
    if chosen < 0.15:
        return ()
    if chosen < 0.25:
        return ALL_DAY
    edges = sorted(dice.sample(range(1441), 2 * dice.randint(1, 3)))
    return tuple(Window(*edges[n : n + 2]) for n in range(0, len(edges), 2))


def some_rules(dice: random.Random, zone: str, since: date) -> Rules:
    week = tuple(some_windows(dice) for _ in range(7))
    noon = dice.randint(600, 900)
    breaks = (Window(noon, noon + dice.randint(1, 90)),) if dice.random() < 0.5 else ()
    return Rules(since, zone, week, breaks)  # type: ignore[arg-type]


def some_calendar(dice: random.Random, zone: str, first: date) -> Calendar:
    rules = [some_rules(dice, zone, ALWAYS)]
    if dice.random() < 0.3:
        rules.append(some_rules(dice, zone, first + timedelta(days=dice.randint(5, 30))))
    days = dice.sample(range(36), dice.randint(0, 4))
    return Calendar(tuple(rules), {first + timedelta(days=n): some_windows(dice) for n in days})


@pytest.mark.simulation
@pytest.mark.parametrize("zone", TIMES)
def test_business_time_is_what_a_count_of_minutes_gives(zone: str) -> None:
    dice = random.Random(zone)
    told = 0
    while told < CASES:
        at = clock(zone, dice.choice(TIMES[zone]))
        calendar = some_calendar(dice, zone, at.first)
        open_before = np.concatenate([[0], np.cumsum(at.mask(calendar))]).tolist()
        ours = BusinessTime(calendar)
        for _ in range(10):
            first, last = sorted(dice.sample(range(WEEKS // MINUTE), 2))
            start, end = at.start + first * MINUTE, at.start + last * MINUTE
            passed = open_before[last] - open_before[first]
            assert ours.between(start, end) == passed * MINUTE, (calendar, start, end)
            told += 1
            if passed:
                span = dice.randint(0, passed)
                by_then = at.start + _by_then(open_before, first, span) * MINUTE
                assert ours.deadline(start, span * MINUTE) == by_then, (calendar, start, span)


def _by_then(open_before: list[int], first: int, span: int) -> int:
    """The first minute by which `span` open ones have passed; of none, the first open one."""
    if span:
        return bisect_left(open_before, open_before[first] + span, first)
    return bisect_left(open_before, open_before[first] + 1, first) - 1


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Almaty"])
@given(st.integers(0, 100 * 365 * 86_400), st.integers(0, 10**14))
def test_what_never_closes_counts_elapsed_time(zone: str, seconds: int, micros: int) -> None:
    begins = datetime(1990, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    whole, lasts = business_time(round_the_clock(zone)), timedelta(microseconds=micros)
    assert whole.between(begins, begins + lasts) == lasts
    assert whole.deadline(begins, lasts) == begins + lasts


NINE_TO_SIX = Calendar(
    (Rules(ALWAYS, "Europe/Moscow", (*((Window(540, 1080),),) * 5, (), ())),),
)
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


@given(st.integers(0, 10**13), st.integers(0, 10**13), st.integers(0, 10**12))
def test_parts_of_a_span_add_up_and_a_deadline_is_the_earliest(
    first: int, more: int, span: int
) -> None:
    ours = business_time(NINE_TO_SIX)
    start = MONDAY + timedelta(microseconds=first)
    middle = start + timedelta(microseconds=more)
    end = middle + timedelta(microseconds=span)
    assert ours.between(start, end) == ours.between(start, middle) + ours.between(middle, end)
    by_then = ours.deadline(start, timedelta(microseconds=span))
    assert ours.between(start, by_then) == timedelta(microseconds=span)
    if span:
        before = by_then - timedelta(microseconds=1)
        assert ours.between(start, before) < timedelta(microseconds=span)
    else:
        assert ours.is_open(by_then)


@given(st.lists(st.tuples(*[st.integers(0, 10**13)] * 3), max_size=20))
def test_many_at_once_are_told_as_one_by_one(asked: list[tuple[int, int, int]]) -> None:
    ours, first = BusinessTime(NINE_TO_SIX), micros(MONDAY)
    starts = np.array([first + start for start, _, _ in asked], dtype=np.int64)
    ends = starts + np.array([more for _, more, _ in asked], dtype=np.int64)
    spans = np.array([span // 50 for _, _, span in asked], dtype=np.int64)
    one = BusinessTime(NINE_TO_SIX)
    assert ours.micros_between_many(starts, ends).tolist() == [
        one.micros_between(start, end)
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
    ]
    assert ours.micros_deadline_many(starts, spans).tolist() == [
        one.micros_deadline(start, span)
        for start, span in zip(starts.tolist(), spans.tolist(), strict=True)
    ]


def test_many_with_one_that_cannot_be_are_refused() -> None:
    ours, some = BusinessTime(NINE_TO_SIX), np.array([0, micros(MONDAY)], dtype=np.int64)
    with pytest.raises(ValueError, match="ends before it begins"):
        ours.micros_between_many(some, some[::-1])
    with pytest.raises(ValueError, match="less than nothing"):
        ours.micros_deadline_many(some, np.array([1, -1], dtype=np.int64))


def test_a_span_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValueError, match="ends before it begins"):
        business_time(NINE_TO_SIX).between(MONDAY, MONDAY - MINUTE)
    with pytest.raises(ValueError, match="less than nothing"):
        business_time(NINE_TO_SIX).deadline(MONDAY, -MINUTE)


def test_years_out_of_reach_are_refused() -> None:
    far = datetime(1899, 12, 31, tzinfo=UTC)
    with pytest.raises(ValueError, match="year 1899 is outside 1900 to 2200"):
        business_time(NINE_TO_SIX).between(far, MONDAY)


def test_what_stays_closed_has_no_deadline() -> None:
    shut = ((),) * 7
    closing = Calendar(
        (
            NINE_TO_SIX.rules[0],
            Rules(date(2026, 3, 9), "Europe/Moscow", shut),
        ),
        {date(2028, 2, 29): (Window(600, 601),)},
    )
    ours = business_time(closing)
    friday = datetime(2026, 3, 6, 14, 59, tzinfo=UTC)
    assert ours.deadline(friday, MINUTE) == friday + MINUTE
    assert ours.deadline(friday, 2 * MINUTE) == datetime(2028, 2, 29, 7, 1, tzinfo=UTC)
    with pytest.raises(NeverOpenError):
        ours.deadline(friday, 3 * MINUTE)


def test_what_opens_once_more_at_the_edge_of_a_year_is_found() -> None:
    shut = ((), (), (), (), (), (), ())
    rules = (Rules(ALWAYS, "America/New_York", shut),)
    once = Calendar(rules, {date(2026, 12, 31): (Window(19 * 60, 1440),)})
    start = datetime(2026, 12, 1, tzinfo=UTC)
    assert BusinessTime(once).deadline(start, MINUTE) == datetime(2027, 1, 1, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "zones",
    [
        ("UTC", "Etc/GMT+12", "Pacific/Kiritimati"),
        ("Europe/Kaliningrad", "Asia/Kamchatka", "Europe/Kaliningrad"),
        ("Pacific/Apia", "America/New_York", "Pacific/Apia"),
    ],
)
def test_rules_that_change_the_zone_count_no_moment_twice(zones: tuple[str, str, str]) -> None:
    days = (ALWAYS, date(2011, 12, 30), date(2011, 12, 31))
    week = (ALL_DAY,) * 7
    rules = tuple(Rules(day, zone, week) for day, zone in zip(days, zones, strict=True))
    start = datetime(2011, 12, 28, tzinfo=UTC)
    for hours in range(0, 120, 7):
        end = start + timedelta(hours=hours)
        assert BusinessTime(Calendar(rules)).between(start, end) == end - start


def test_a_long_way_to_a_deadline_is_gone_in_large_steps() -> None:
    ours = BusinessTime(NINE_TO_SIX)
    with pytest.raises(NeverOpenError):
        ours.deadline(MONDAY, timedelta(days=366 * 200))


def test_a_split_shift_begins_again_with_its_second_window() -> None:
    split = Calendar((Rules(ALWAYS, "UTC", ((Window(480, 720), Window(810, 1080)),) * 7),))
    at = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)
    ours = business_time(split)
    assert ours.deadline(at, timedelta()) == at + timedelta(hours=1)
    assert ours.deadline(at, 10 * MINUTE) == at + timedelta(minutes=70)


def test_breaks_are_taken_out() -> None:
    assert without((Window(540, 1080),), (Window(780, 840),)) == (
        Window(540, 780),
        Window(840, 1080),
    )


def minutes_apart(number: int) -> Calendar:
    """Twelve windows of a minute on every day: as many spans as a calendar can have."""
    day = tuple(Window(60 * hour + number, 60 * hour + number + 1) for hour in range(12))
    return Calendar((Rules(ALWAYS, "UTC", (day,) * 7),))


def test_no_deadline_is_looked_for_beyond_thirty_years() -> None:
    time_ = BusinessTime(minutes_apart(0))
    with pytest.raises(NeverOpenError):
        time_.deadline(datetime(2026, 3, 2, tzinfo=UTC), timedelta(days=3_660))
    # Twelve minutes a day, of 31 years.
    assert time_.spans < 12 * 366 * 32
    near = time_.deadline(datetime(2026, 3, 2, tzinfo=UTC), timedelta(minutes=12 * 365 * 20))
    assert near.year == 2046


def test_calendars_that_take_much_room_make_room_for_others() -> None:
    start, long = datetime(2026, 3, 2, tzinfo=UTC), timedelta(minutes=12 * 365 * 29)
    kept = [business_time(minutes_apart(number)) for number in range(12)]
    for one in kept:
        one.deadline(start, long)
    assert sum(one.spans for one in kept) > MOST_SPANS
    business_time(minutes_apart(30))
    assert business_time(minutes_apart(0)) is not kept[0]
    assert business_time(minutes_apart(11)) is kept[11]
