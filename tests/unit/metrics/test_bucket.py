"""Which quarter of an hour and which day a moment belongs to, where clocks jump as well."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_metrics.domain.bucket import day_of, quarter_of, start_of, worked_until

moments = st.datetimes(
    datetime(1990, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
    datetime(2035, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
zones = st.sampled_from(sorted(available_timezones())).map(ZoneInfo)
MOSCOW = ZoneInfo("Europe/Moscow")


@given(moments, zones)
def test_a_quarter_holds_its_moment(moment: datetime, zone: ZoneInfo) -> None:
    start = quarter_of(moment.astimezone(zone))
    assert start <= moment < start + timedelta(minutes=15)
    assert (start.minute % 15, start.second, start.microsecond) == (0, 0, 0)
    assert start.tzinfo is UTC


def test_a_border_belongs_to_the_quarter_that_it_opens() -> None:
    border = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
    assert quarter_of(border) == border
    assert quarter_of(border - timedelta(microseconds=1)) == border - timedelta(minutes=15)


def test_an_evening_in_utc_is_the_next_day_in_moscow() -> None:
    assert day_of(datetime(2026, 3, 1, 21, 0, tzinfo=UTC), MOSCOW) == date(2026, 3, 2)
    assert day_of(datetime(2026, 3, 1, 20, 59, tzinfo=UTC), MOSCOW) == date(2026, 3, 1)


@given(moments, zones)
def test_a_day_begins_no_later_than_what_is_in_it(moment: datetime, zone: ZoneInfo) -> None:
    day = day_of(moment, zone)
    start = start_of(day, zone)
    assert start <= moment
    assert day_of(start, zone) == day
    assert day_of(start - timedelta(microseconds=1), zone) < day or _struck_twice(start, zone)


def _struck_twice(start: datetime, zone: ZoneInfo) -> bool:
    """Whether the clocks go back over midnight just there."""
    before = (start - timedelta(hours=2)).astimezone(zone).utcoffset()
    after = (start + timedelta(hours=2)).astimezone(zone).utcoffset()
    assert before is not None
    assert after is not None
    return after < before


@pytest.mark.parametrize(
    ("zone", "day", "start"),
    [
        ("Europe/Moscow", date(2026, 3, 2), datetime(2026, 3, 1, 21, tzinfo=UTC)),
        # Clocks skipped midnight: the day began at 01:00.
        ("America/Sao_Paulo", date(2018, 11, 4), datetime(2018, 11, 4, 3, tzinfo=UTC)),
        # Clocks struck midnight twice: the day began at the first stroke.
        ("America/Havana", date(2025, 11, 2), datetime(2025, 11, 2, 4, tzinfo=UTC)),
        # Samoa skipped a whole day.
        ("Pacific/Apia", date(2011, 12, 31), datetime(2011, 12, 30, 10, tzinfo=UTC)),
    ],
)
def test_the_start_of_a_day(zone: str, day: date, start: datetime) -> None:
    assert start_of(day, ZoneInfo(zone)) == start


@pytest.mark.parametrize(
    ("created", "until"),
    [
        (datetime(2026, 3, 31, 20, 59, tzinfo=UTC), datetime(2026, 4, 1, 21, tzinfo=UTC)),
        (datetime(2026, 3, 31, 21, 0, tzinfo=UTC), datetime(2026, 5, 1, 21, tzinfo=UTC)),
        (datetime(2025, 12, 15, tzinfo=UTC), datetime(2026, 1, 1, 21, tzinfo=UTC)),
    ],
)
def test_a_request_is_worked_until_a_day_after_its_month(
    created: datetime, until: datetime
) -> None:
    assert worked_until(created, MOSCOW) == until
