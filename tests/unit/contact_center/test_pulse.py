"""When silence is no chance any more: by example, by property, and in a simulation of years."""

import math
import random
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from otklik_common.clocks.calendar import ALWAYS, Calendar, Rules
from otklik_common.clocks.hours import window, windows
from otklik_contact_center.domain.doctor.days_off import excused
from otklik_contact_center.domain.doctor.pulse import (
    LEAST_MINUTES,
    MOST_GAP,
    Past,
    expected,
    falls_silent,
    hour_of,
    minute_of,
)

MOSCOW = ZoneInfo("Europe/Moscow")
BERLIN = ZoneInfo("Europe/Berlin")
# A Wednesday, noon in Moscow.
NOON = datetime(2026, 3, 4, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def spoken_at(moments: Iterable[datetime], since: datetime | None = None) -> Past:
    minutes: dict[int, int] = {}
    for moment in sorted(moments):
        hour = hour_of(moment)
        minutes[hour] = minutes.get(hour, 0) | 1 << minute_of(moment) % 60
        since = since or moment
    assert since is not None
    return Past(minutes, since)


def office_hours(
    every: timedelta, *, weeks: int, until: datetime = NOON, opens: int = 9, closes: int = 18
) -> list[datetime]:
    """Something on Mondays to Fridays from nine to six in Moscow, as regular as a clock."""
    found = []
    at = until - timedelta(weeks=weeks)
    while at <= until:
        local = at.astimezone(MOSCOW)
        if local.weekday() < 5 and opens <= local.hour < closes:
            found.append(at)
        at += every
    return found


def test_a_busy_source_that_stops_at_noon_is_silent_within_minutes() -> None:
    past = spoken_at(office_hours(MINUTE, weeks=9))
    # 4.2 a minute, and 1.5 ln(52 · 2,700) are needed.
    assert falls_silent(past, NOON, MOSCOW) == NOON + 6 * MINUTE


def test_a_source_that_is_heard_every_ten_minutes_is_given_hours() -> None:
    past = spoken_at(office_hours(10 * MINUTE, weeks=9))
    silent_at = falls_silent(past, NOON, MOSCOW)
    assert silent_at is not None
    assert timedelta(hours=2) < silent_at - NOON < timedelta(hours=3)


def test_who_goes_home_on_friday_is_not_silent_before_monday() -> None:
    past = spoken_at(office_hours(MINUTE, weeks=9))
    friday = datetime(2026, 3, 6, 14, 59, tzinfo=UTC)
    monday = datetime(2026, 3, 9, 6, tzinfo=UTC)
    assert falls_silent(past, friday, MOSCOW) == monday + 5 * MINUTE


def test_a_lunch_break_is_no_silence() -> None:
    lunch = [at for at in office_hours(MINUTE, weeks=9) if at.astimezone(MOSCOW).hour != 13]
    last = NOON + 59 * MINUTE
    silent_at = falls_silent(spoken_at(lunch), last, MOSCOW)
    assert silent_at == NOON + timedelta(hours=2) + 5 * MINUTE


def test_nothing_is_said_of_a_young_source_before_it_has_seen_a_week() -> None:
    young = spoken_at([NOON - minutes * MINUTE for minutes in range(6 * 24 * 60)])
    assert falls_silent(young, NOON, MOSCOW) is None
    assert expected(young, {}, NOON, MOSCOW) is None
    grown = spoken_at([NOON - minutes * MINUTE for minutes in range(8 * 24 * 60)])
    assert falls_silent(grown, NOON, MOSCOW) == NOON + 6 * MINUTE


def test_a_sunday_in_the_only_week_silences_no_monday() -> None:
    past = spoken_at(office_hours(MINUTE, weeks=2))
    assert falls_silent(past, NOON, MOSCOW) is None


def test_who_is_heard_once_a_week_is_never_silent() -> None:
    weekly = spoken_at([NOON - timedelta(weeks=week) for week in range(9)])
    assert falls_silent(weekly, NOON, MOSCOW) is None


def test_an_outage_in_two_of_eight_weeks_hides_nothing() -> None:
    gone = {3, 6}
    past = spoken_at(
        [
            at
            for at in office_hours(MINUTE, weeks=9)
            if (NOON + timedelta(days=3) - at).days // 7 not in gone
        ]
    )
    assert falls_silent(past, NOON, MOSCOW) == NOON + 6 * MINUTE


def test_minutes_in_which_we_did_not_listen_are_no_silence() -> None:
    past = spoken_at(office_hours(MINUTE, weeks=9))
    away = minute_of(NOON) + 1, minute_of(NOON) + 120
    listened: dict[int, int] = {}
    for minute in range(minute_of(NOON), minute_of(NOON) + 600):
        if not away[0] <= minute < away[1]:
            listened[minute // 60] = listened.get(minute // 60, 0) | 1 << minute % 60
    assert falls_silent(past, NOON, MOSCOW, listened) == NOON + 125 * MINUTE
    assert falls_silent(past, NOON, MOSCOW, {}) is None


OFFICE = Calendar(
    (
        Rules(
            ALWAYS,
            "Europe/Moscow",
            (windows([window("09:00-18:00")]),) * 5 + ((), ()),
            holidays="RU",
        ),
    ),
    {date(2026, 3, 5): (), date(2026, 3, 6): windows([window("09:00-12:30")])},
)


def test_a_day_on_which_the_company_is_closed_for_once_is_no_silence() -> None:
    past = spoken_at(office_hours(MINUTE, weeks=9))
    evening = datetime(2026, 3, 4, 14, 59, tzinfo=UTC)
    thursday, friday = (datetime(2026, 3, day, 6, tzinfo=UTC) for day in (5, 6))
    assert falls_silent(past, evening, MOSCOW) == thursday + 5 * MINUTE
    off = excused(OFFICE, evening, evening + MOST_GAP)
    assert falls_silent(past, evening, MOSCOW, excused=off) == friday + 5 * MINUTE
    # On Friday it closes early for once; Monday the 9th is a holiday, for the 8th.
    early = friday.replace(hour=9, minute=29)
    off = excused(OFFICE, early, early + MOST_GAP)
    tuesday = datetime(2026, 3, 10, 6, tzinfo=UTC)
    assert falls_silent(past, early, MOSCOW, excused=off) == tuesday + 5 * MINUTE


def test_an_eve_is_an_hour_shorter_and_weekends_are_known_by_themselves() -> None:
    # The 30th of April 2026 is the eve of a holiday.
    first = datetime(2026, 4, 29, 12, tzinfo=UTC)
    off = excused(OFFICE, first, first + timedelta(days=5))
    thursday = [off.get(hour_of(first.replace(day=30, hour=hour)), 0) for hour in (13, 14)]
    assert thursday == [0, (1 << 60) - 1]
    assert hour_of(datetime(2026, 5, 1, 9, tzinfo=UTC)) in off
    for day in (2, 3):
        assert hour_of(datetime(2026, 5, day, 9, tzinfo=UTC)) not in off


def test_nine_in_the_morning_is_nine_in_the_morning_after_the_clocks_changed() -> None:
    # On the 29th of March 2026 Berlin goes from UTC+1 to UTC+2.
    monday = datetime(2026, 3, 30, tzinfo=BERLIN)
    events = []
    for day in range(1, 64):
        opens = (monday - timedelta(days=day)).replace(hour=9)
        events += [opens.astimezone(UTC) + minutes * MINUTE for minutes in range(540)]
    last = max(events)
    silent_at = falls_silent(spoken_at(events), last, BERLIN)
    assert silent_at == monday.replace(hour=9).astimezone(UTC) + 5 * MINUTE


def test_what_an_hour_usually_brings_is_the_median_of_its_weeks() -> None:
    past = spoken_at([NOON - timedelta(weeks=week) for week in range(9)])
    hour = hour_of(NOON)
    counts = {hour - 168 * week: 10 * week for week in range(1, 9)}
    assert expected(past, counts, NOON, MOSCOW) == 45
    counts[hour - 168] = 1_000_000
    assert expected(past, counts, NOON, MOSCOW) == 55
    assert expected(past, {}, NOON, MOSCOW) == 0


def a_past(seed: int, density: float) -> Past:
    """Nine weeks of minutes that speak or not, with nights."""
    dice = random.Random(seed)
    opens, closes = sorted(dice.sample(range(25), 2))
    start = hour_of(NOON) - 9 * 168
    minutes = {
        hour: sum(1 << minute for minute in range(60) if dice.random() < density)
        for hour in range(start, hour_of(NOON) + 1)
        if opens <= hour % 24 < closes
    }
    return Past(minutes, NOON - timedelta(weeks=9))


def a_listening(seed: int, density: float) -> dict[int, int]:
    """Two days, some minutes of which nobody listened in."""
    dice = random.Random(seed)
    return {
        hour: sum(1 << minute for minute in range(60) if dice.random() < density)
        for hour in range(hour_of(NOON), hour_of(NOON) + 48)
    }


densities = st.sampled_from([0.005, 0.02, 0.1, 0.5, 1.0])
pasts = st.builds(a_past, st.integers(0, 10_000), densities)
masks = st.builds(a_listening, st.integers(0, 10_000), st.sampled_from([0.1, 0.6, 1.0]))


@given(pasts)
def test_silence_lies_ahead_and_within_a_week(past: Past) -> None:
    silent_at = falls_silent(past, NOON, MOSCOW)
    if silent_at is not None:
        assert NOON + LEAST_MINUTES * MINUTE < silent_at <= NOON + MOST_GAP + MINUTE


@given(pasts, masks, masks)
def test_whoever_listens_more_is_sure_no_later(
    past: Past, listened: dict[int, int], more: dict[int, int]
) -> None:
    both = {hour: listened.get(hour, 0) | more.get(hour, 0) for hour in {*listened, *more}}
    less, most = (falls_silent(past, NOON, MOSCOW, one) for one in (listened, both))
    always = falls_silent(past, NOON, MOSCOW)
    if less is not None:
        assert most is not None
        assert most <= less
    if most is not None:
        assert always is not None
        assert always <= most


@settings(max_examples=60)
@given(pasts, masks)
def test_the_moment_is_the_first_at_which_the_evidence_suffices(
    past: Past, listened: dict[int, int]
) -> None:
    assert falls_silent(past, NOON, MOSCOW, listened) == naive(past, NOON, listened)


def naive(past: Past, last: datetime, listened: dict[int, int]) -> datetime | None:
    """The same in words: minute by minute for two days, in a zone without changes of the clock."""
    spoke = {
        hour * 60 + minute
        for hour, bits in past.minutes.items()
        for minute in range(60)
        if bits >> minute & 1
    }
    hour = hour_of(last)
    recent = [minute for minute in spoke if hour - 8 * 168 <= minute // 60 < hour]
    if not recent:
        return None
    needed = 1.5 * math.log(max(2.0, len(recent) / 8 * 52))
    sums = [0.0] * 8
    heard = 0
    for minute in range(minute_of(last) + 1, minute_of(last) + 48 * 60):
        if not listened.get(minute // 60, 0) >> minute % 60 & 1:
            continue
        heard += 1
        for week in range(8):
            then = minute - (week + 1) * 7 * 24 * 60
            if then in spoke:
                share = past.minutes[then // 60].bit_count() / 61
                sums[week] += -math.log(1 - share) / share
        # Six of eight say as much.
        if heard >= LEAST_MINUTES and sorted(sums)[2] >= needed:
            return datetime.fromtimestamp((minute + 1) * 60, tz=UTC)
    return None
