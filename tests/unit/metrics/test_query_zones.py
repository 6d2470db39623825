"""Buckets in a zone: exact over clock changes, at any offset, over the whole range."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_common.clocks.zones import offsets
from otklik_metrics.domain.zones import (
    Buckets,
    Granularity,
    Shift,
    buckets,
    most_buckets,
    partners,
    shift_of,
)

MOSCOW, BERLIN = ZoneInfo("Europe/Moscow"), ZoneInfo("Europe/Berlin")
NEPAL, LORD_HOWE = ZoneInfo("Asia/Kathmandu"), ZoneInfo("Australia/Lord_Howe")
ZONES = [
    "UTC",
    "Europe/Moscow",
    "Europe/Berlin",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Africa/Cairo",
    "Pacific/Apia",
    "America/St_Johns",
    "Asia/Almaty",
]


def moments(first: int, last: int) -> st.SearchStrategy[datetime]:
    start, end = datetime(first, 1, 1, tzinfo=UTC), datetime(last, 1, 1, tzinfo=UTC)
    return st.integers(0, int((end - start).total_seconds())).map(
        lambda seconds: start + timedelta(seconds=seconds)
    )


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def made(start: str, end: str, granularity: str, zone: ZoneInfo) -> Buckets:
    return buckets(at(start), at(end), Granularity(granularity), zone)


def test_a_bucket_is_its_local_start_with_offset() -> None:
    weeks = made("2026-01-01T00:00:00+03:00", "2026-01-14T00:00:00+03:00", "week", MOSCOW)
    assert weeks.labels == (
        "2025-12-29T00:00:00+03:00",
        "2026-01-05T00:00:00+03:00",
        "2026-01-12T00:00:00+03:00",
    )


def test_total_has_one_bucket_without_a_name() -> None:
    total = made("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "total", MOSCOW)
    assert (len(total), total.labels) == (1, (None,))


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_a_day_has_23_or_25_hours_where_the_clock_changes(day: str, hours: int) -> None:
    first = date.fromisoformat(day)
    start = datetime(first.year, first.month, first.day, tzinfo=BERLIN)
    end = datetime.combine(first + timedelta(days=1), start.time(), tzinfo=BERLIN)
    assert len(buckets(start, end, Granularity.HOUR, BERLIN)) == hours
    assert len(buckets(start, end, Granularity.DAY, BERLIN)) == 1


def test_a_repeated_hour_has_two_buckets_with_their_own_offsets() -> None:
    hours = made("2026-10-25T02:00:00+02:00", "2026-10-25T03:00:00+01:00", "hour", BERLIN)
    assert hours.labels == ("2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00")


def test_hours_begin_on_the_local_hour_in_zones_of_three_quarters() -> None:
    hours = made("2026-05-01T10:10:00+05:45", "2026-05-01T12:00:00+05:45", "hour", NEPAL)
    assert hours.labels == ("2026-05-01T10:00:00+05:45", "2026-05-01T11:00:00+05:45")


def test_half_an_hour_of_daylight_saving_cuts_an_hour() -> None:
    hours = made("2026-04-05T01:00:00+11:00", "2026-04-05T03:00:00+10:30", "hour", LORD_HOWE)
    assert hours.labels == (
        "2026-04-05T01:00:00+11:00",
        "2026-04-05T01:30:00+10:30",
        "2026-04-05T02:00:00+10:30",
    )


def test_a_day_may_begin_at_one_in_the_morning() -> None:
    zone = ZoneInfo("America/Sao_Paulo")
    days = made("2018-11-03T12:00:00-03:00", "2018-11-05T12:00:00-02:00", "day", zone)
    assert days.labels[1] == "2018-11-04T01:00:00-02:00"


def test_a_skipped_day_has_no_bucket() -> None:
    days = made(
        "2011-12-29T00:00:00-10:00", "2012-01-01T00:00:00+14:00", "day", ZoneInfo("Pacific/Apia")
    )
    assert [label[:10] for label in days.labels if label] == ["2011-12-29", "2011-12-31"]


def test_weeks_are_stable_across_new_year() -> None:
    whole = made("2025-11-01T00:00:00Z", "2026-03-01T00:00:00Z", "week", MOSCOW)
    late = made("2025-12-31T00:00:00Z", "2026-03-01T00:00:00Z", "week", MOSCOW)
    assert whole.labels[-len(late) :] == late.labels


def test_a_range_without_data_at_both_ends_has_every_bucket() -> None:
    days = made("2026-02-01T05:00:00+03:00", "2026-03-01T05:00:00+03:00", "day", MOSCOW)
    assert len(days) == 29


def test_two_hundred_years_are_counted_without_making_them() -> None:
    start, end = datetime(1826, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    assert most_buckets(start, end, Granularity.QUARTER_HOUR) > 7_000_000
    assert most_buckets(start, end, Granularity.TOTAL) == 1


@given(
    st.sampled_from(ZONES),
    moments(1995, 2030),
    st.timedeltas(timedelta(minutes=1), timedelta(days=40)),
    st.sampled_from([g for g in Granularity if g is not Granularity.TOTAL]),
)
def test_buckets_follow_one_another_and_cover_the_range(
    name: str, start: datetime, length: timedelta, granularity: Granularity
) -> None:
    zone = ZoneInfo(name)
    found = buckets(start, start + length, granularity, zone)
    assert found.edges[0] <= start
    assert all(a < b for a, b in zip(found.edges, found.edges[1:], strict=False))
    assert found.edges[-1] < start + length
    assert len(found.edges) == 1 or found.edges[1] > start
    assert len(found) <= most_buckets(start, start + length, granularity) + len(
        offsets(zone, start, start + length).changes
    )
    assert len(set(found.labels)) == len(found)


@pytest.mark.parametrize(
    ("start", "end", "granularity", "expected"),
    [
        ("2026-01-01T00:00:00+03:00", "2026-04-01T00:00:00+03:00", "month", ("month", 3)),
        ("2026-01-01T00:00:00+03:00", "2026-04-01T00:00:00+03:00", "total", ("month", 3)),
        ("2026-01-01T00:00:00+03:00", "2026-04-01T00:00:00+03:00", "week", ("week", 13)),
        ("2026-01-02T00:00:00+03:00", "2026-01-09T00:00:00+03:00", "total", ("day", 7)),
        ("2026-01-02T00:00:00+03:00", "2026-01-03T00:00:00+03:00", "hour", ("day", 1)),
        ("2026-01-02T00:00:00+03:00", "2026-01-02T05:30:00+03:00", "hour", ("hour", 6)),
        ("2026-01-15T00:00:00+03:00", "2026-02-20T00:00:00+03:00", "month", ("month", 2)),
        ("2025-01-01T00:00:00+03:00", "2026-01-01T00:00:00+03:00", "quarter", ("quarter", 4)),
    ],
)
def test_the_period_to_compare_with_is_moved_by_whole_buckets(
    start: str, end: str, granularity: str, expected: tuple[str, int]
) -> None:
    shift = shift_of(at(start), at(end), Granularity(granularity), MOSCOW)
    assert (shift.unit.value, shift.count) == expected


def test_total_of_an_odd_length_is_moved_by_itself() -> None:
    start, end = at("2026-01-02T00:00:00Z"), at("2026-01-02T05:30:00Z")
    shift = shift_of(start, end, Granularity.TOTAL, MOSCOW)
    assert shift.back(end, MOSCOW) == start


@given(
    st.sampled_from(ZONES),
    moments(2000, 2030),
    st.timedeltas(timedelta(minutes=1), timedelta(days=100)),
    st.sampled_from(list(Granularity)),
)
def test_the_earlier_period_ends_before_this_one_begins(
    name: str, start: datetime, length: timedelta, granularity: Granularity
) -> None:
    zone = ZoneInfo(name)
    shift = shift_of(start, start + length, granularity, zone)
    before = shift.period(start, start + length, zone)
    assert before[0] <= before[1] <= start


@pytest.mark.parametrize(
    ("start", "end", "granularity", "expected"),
    [
        # February has no 31st, 30th, 29th: nothing of it is left out.
        ("2026-03-01", "2026-03-31", "month", ("2026-02-01", "2026-03-01")),
        ("2026-03-01", "2026-03-30", "month", ("2026-02-01", "2026-03-01")),
        ("2026-03-01", "2026-03-29", "month", ("2026-02-01", "2026-03-01")),
        ("2026-03-01", "2026-03-28", "month", ("2026-02-01", "2026-02-28")),
        ("2026-02-01", "2026-03-01", "month", ("2026-01-01", "2026-02-01")),
        ("2026-05-01", "2026-05-31", "quarter", ("2026-02-01", "2026-03-01")),
        ("2024-01-01", "2024-02-29", "year", ("2023-01-01", "2023-03-01")),
        ("2026-01-31", "2026-03-31", "month", ("2025-11-30", "2026-01-31")),
    ],
)
def test_a_shorter_month_is_compared_to_its_end(
    start: str, end: str, granularity: str, expected: tuple[str, str]
) -> None:
    first, last = at(f"{start}T00:00:00+03:00"), at(f"{end}T00:00:00+03:00")
    shift = shift_of(first, last, Granularity(granularity), MOSCOW)
    found = shift.period(first, last, MOSCOW)
    assert found == (at(f"{expected[0]}T00:00:00+03:00"), at(f"{expected[1]}T00:00:00+03:00"))


@given(
    st.dates(date(2000, 1, 1), date(2030, 1, 1)),
    st.integers(1, 400),
    st.sampled_from([g for g in Granularity if g not in (Granularity.QUARTER_HOUR, g.HOUR)]),
)
def test_every_day_finds_its_namesake_in_the_earlier_period(
    first: date, days: int, granularity: Granularity
) -> None:
    start, end = (
        datetime.combine(day, datetime.min.time(), tzinfo=MOSCOW)
        for day in (first, first + timedelta(days=days))
    )
    shift = shift_of(start, end, granularity, MOSCOW)
    before = shift.period(start, end, MOSCOW)
    assert before[0] < before[1] <= start
    for number in range(days):
        namesake = shift.day_back(first + timedelta(days=number))
        midnight = datetime.combine(namesake, datetime.min.time(), tzinfo=MOSCOW)
        assert before[0] <= midnight < before[1], namesake


def test_buckets_are_compared_with_their_namesakes() -> None:
    start, end = at("2026-03-30T00:00:00+02:00"), at("2026-03-31T00:00:00+02:00")
    shift = shift_of(start, end, Granularity.HOUR, BERLIN)
    now = buckets(start, end, Granularity.HOUR, BERLIN)
    before = buckets(shift.back(start, BERLIN), shift.back(end, BERLIN), Granularity.HOUR, BERLIN)
    pairs = partners(now, before, shift)
    assert len(before) == 23
    assert pairs[:5] == (0, 1, None, 2, 3)


def test_months_are_compared_with_months() -> None:
    now = made("2026-01-01T00:00:00+03:00", "2026-04-01T00:00:00+03:00", "month", MOSCOW)
    before = made("2025-10-01T00:00:00+03:00", "2026-01-01T00:00:00+03:00", "month", MOSCOW)
    assert partners(now, before, Shift(Granularity.MONTH, 3)) == (0, 1, 2)
