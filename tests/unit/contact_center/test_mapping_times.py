"""Times in files: what formats read, and what nights of changing clocks mean."""
# ruff: noqa: DTZ001 - times as clocks on walls show them

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_contact_center.domain.mapping_times import (
    AmbiguousError,
    Halves,
    NonexistentError,
    NotATimeError,
    WallClock,
    compile_format,
    halves_of,
    joined,
    read_any,
    zone_of,
)

NEW_YORK = ZoneInfo("America/New_York")
AUTUMN = datetime(2025, 11, 2, 1, 30)  # twice that night
SPRING = datetime(2025, 3, 9, 2, 30)  # never that night


def clock(ambiguous: str = "first", nonexistent: str = "shift") -> WallClock:
    return WallClock(NEW_YORK, ambiguous=ambiguous, nonexistent=nonexistent)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("%Y-%m-%d %H:%M:%S", "2026-03-02 09:14:05", datetime(2026, 3, 2, 9, 14, 5)),
        ("%m/%d/%Y %I:%M:%S %p", "3/2/2026 9:14:05 AM", datetime(2026, 3, 2, 9, 14, 5)),
        ("%m/%d/%Y %I:%M:%S %p", "03/02/2026 12:00:00 AM", datetime(2026, 3, 2)),
        ("%m/%d/%Y %I:%M:%S %p", "03/02/2026 12:00:00 pm", datetime(2026, 3, 2, 12)),
        ("%m/%d/%Y %I:%M:%S %p", "03/02/2026 1:00:00 P.M.", datetime(2026, 3, 2, 13)),
        ("%d.%m.%y %H:%M", "02.03.26 09:14", datetime(2026, 3, 2, 9, 14)),
        ("%d.%m.%y", "02.03.69", datetime(1969, 3, 2)),
        ("%d %b %Y", "2 mar 2026", datetime(2026, 3, 2)),
        ("%d %B %Y", "2 March 2026", datetime(2026, 3, 2)),
        ("%Y%m%d", "20260302", datetime(2026, 3, 2)),
        ("100%% %Y-%m-%d", "100% 2026-03-02", datetime(2026, 3, 2)),
        ("%Y-%m-%d %H:%M:%S.%f", "2026-03-02 09:14:05.5", datetime(2026, 3, 2, 9, 14, 5, 500_000)),
        ("%H:%M", "09:14", datetime(1900, 1, 1, 9, 14)),
        ("iso", "2026-03-02T09:14:05", datetime(2026, 3, 2, 9, 14, 5)),
        ("iso", "2026-03-02T09:14:05Z", datetime(2026, 3, 2, 9, 14, 5, tzinfo=UTC)),
        ("epoch", "1772442845", datetime(2026, 3, 2, 9, 14, 5, tzinfo=UTC)),
        ("epoch_ms", "1772442845500", datetime(2026, 3, 2, 9, 14, 5, 500_000, tzinfo=UTC)),
    ],
)
def test_formats_read(pattern: str, text: str, expected: datetime) -> None:
    halves_of(pattern)
    assert compile_format(pattern)(text) == expected


@pytest.mark.parametrize("offset", ["Z", "+00:00", "-0530", "+03:00"])
def test_a_time_may_bring_its_offset(offset: str) -> None:
    read = compile_format("%Y-%m-%d %H:%M:%S%z")(f"2026-03-02 09:14:05{offset}")
    assert read == datetime.fromisoformat(f"2026-03-02 09:14:05{offset}")
    assert clock().moment(read) == read


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("%m/%d/%Y %I:%M:%S %p", "13/02/2026 09:14:05 AM"),
        ("%m/%d/%Y %I:%M:%S %p", "02/30/2026 09:14:05 AM"),
        ("%m/%d/%Y %I:%M:%S %p", "02/03/2026 13:14:05 AM"),
        ("%m/%d/%Y %I:%M:%S %p", "02/03/2026 00:14:05 AM"),
        ("%m/%d/%Y %I:%M:%S %p", "02/03/2026 09:14:05"),
        ("%Y-%m-%d", "2026-03-02 "),
        ("%Y-%m-%d", "٢٠٢٦-03-02"),
        ("%d %b %Y", "2 abc 2026"),
        ("%Y-%m-%d %H:%M:%S%z", "2026-03-02 09:14:05+03:60"),
        ("%Y-%m-%d %H:%M:%S%z", "2026-03-02 09:14:05+24:00"),
        ("iso", "yesterday"),
        ("epoch", "-5"),
        ("epoch", "9999999999999999"),
    ],
)
def test_other_texts_are_no_times(pattern: str, text: str) -> None:
    with pytest.raises(NotATimeError) as no:
        compile_format(pattern)(text)
    assert text not in str(no.value)


@pytest.mark.parametrize(
    "pattern",
    [
        "%Q",
        "%Y-%m",
        "%Y-%m-%d %Y",
        "%Y %y-%m-%d",
        "%Y-%m-%d %H %I %p",
        "%Y-%m-%d %I:%M",
        "%Y-%m-%d %H %p",
        "%Y-%m-%d %M",
        "%Y-%m-%d %H:%S",
        "%Y-%m-%d %H:%M.%f",
        "no directives",
        "%",
    ],
)
def test_formats_that_cannot_be(pattern: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each has its own words
        halves_of(pattern)


def test_halves() -> None:
    assert halves_of("%Y-%m-%d") == Halves(date=True, time=False)
    assert halves_of("%I:%M %p") == Halves(date=False, time=True)
    assert halves_of("%Y-%m-%dT%H:%M") == Halves(date=True, time=True)
    day, hour = compile_format("%Y-%m-%d")("2026-03-02"), compile_format("%I %p")("9 PM")
    assert joined(day, hour) == datetime(2026, 3, 2, 21)


def test_the_first_format_that_fits_counts() -> None:
    readers = [compile_format("%d.%m.%Y"), compile_format("%Y-%m-%d")]
    assert read_any(readers, "02.03.2026") == read_any(readers, "2026-03-02")
    with pytest.raises(NotATimeError):
        read_any(readers, "03/02/2026")


def test_an_hour_that_an_autumn_night_has_twice() -> None:
    first = datetime(2025, 11, 2, 5, 30, tzinfo=UTC)
    assert clock().moment(AUTUMN) == first
    assert clock(ambiguous="second").moment(AUTUMN) == first + timedelta(hours=1)
    with pytest.raises(AmbiguousError):
        clock(ambiguous="refuse").moment(AUTUMN)


def test_an_hour_that_a_spring_night_skips() -> None:
    shifted = clock().moment(SPRING)
    assert shifted == datetime(2025, 3, 9, 7, 30, tzinfo=UTC)
    assert shifted.astimezone(NEW_YORK).hour == 3
    with pytest.raises(NonexistentError):
        clock(nonexistent="refuse").moment(SPRING)


def test_a_time_of_day_after_midnight_and_after_the_clock_was_set_back() -> None:
    evening = clock().moment(datetime(2026, 3, 2, 23, 59))
    after = clock().moment_after(datetime(2026, 3, 2, 0, 1), evening)
    assert after - evening == timedelta(minutes=2)
    before = clock().moment(datetime(2025, 11, 2, 1, 59))
    answered = clock().moment_after(datetime(2025, 11, 2, 1, 1), before)
    assert answered - before == timedelta(minutes=2)
    assert clock().moment_after(datetime(2025, 11, 2, 1, 59), before) == before


def test_what_cannot_be_told() -> None:
    with pytest.raises(NotATimeError):
        clock().moment(datetime(1, 1, 1, tzinfo=ZoneInfo("Asia/Tokyo")))


def test_zones() -> None:
    assert zone_of("Europe/Moscow") == ZoneInfo("Europe/Moscow")
    assert zone_of("Europe/Atlantis") is None
    assert zone_of("../../etc/passwd") is None


@given(
    st.datetimes(datetime(1991, 1, 1), datetime(2037, 1, 1)),
    st.sampled_from(["America/New_York", "Europe/Moscow", "Australia/Lord_Howe", "Asia/Kathmandu"]),
)
def test_a_moment_shows_the_time_it_was_made_of_wherever_there_is_one(
    shown: datetime, name: str
) -> None:
    zone = ZoneInfo(name)
    first = WallClock(zone, ambiguous="first", nonexistent="shift").moment(shown)
    second = WallClock(zone, ambiguous="second", nonexistent="shift").moment(shown)
    back = first.astimezone(zone).replace(tzinfo=None, fold=0)
    if back == shown:
        assert second >= first
        assert second.astimezone(zone).replace(tzinfo=None, fold=0) == shown
    else:  # skipped: moved forward by the gap, and nothing else
        assert timedelta(0) < back - shown <= timedelta(hours=2)
        assert first == second
        with pytest.raises(NonexistentError):
            WallClock(zone, ambiguous="first", nonexistent="refuse").moment(shown)
