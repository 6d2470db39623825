"""Zones by the tzdata package, and the steps of their offsets."""

import tracemalloc
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from otklik_common.clocks.zones import find_zone, offsets

MOSCOW, BERLIN = ZoneInfo("Europe/Moscow"), ZoneInfo("Europe/Berlin")
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


def test_an_unknown_zone_is_none() -> None:
    for name in ("Europe/Atlantis", "../etc/passwd", "europe/moscow", "", "Europe"):
        assert find_zone(name) is None


def test_a_name_that_is_no_zone_is_not_remembered() -> None:
    find_zone("UTC")
    tracemalloc.start()
    try:
        assert not any(find_zone(f"Europe/Atlantis{number}") for number in range(20_000))
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 100_000


@given(
    st.sampled_from(ZONES),
    st.integers(0, 35 * 365 * 86_400),
    st.integers(0, 4000),
)
def test_every_offset_is_the_zones_own(name: str, seconds: int, hours: int) -> None:
    zone = ZoneInfo(name)
    start = datetime(1995, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    steps = offsets(zone, start, start + timedelta(hours=4001))
    instant = start + timedelta(hours=hours)
    expected = instant.astimezone(zone).utcoffset()
    assert expected is not None
    micros = (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert steps.at(micros) == expected.total_seconds()


def test_slots_of_today_fit_every_zone_and_local_mean_time_does_not() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert all(offsets(ZoneInfo(n), now, now + timedelta(days=365)).fit(900) for n in ZONES)
    old = datetime(1900, 1, 1, tzinfo=UTC)
    assert not offsets(MOSCOW, old, old + timedelta(days=1)).fit(900)


def test_a_clock_that_goes_back_over_midnight_is_noticed() -> None:
    old = datetime(2006, 10, 1, tzinfo=UTC)
    newfoundland = offsets(ZoneInfo("America/St_Johns"), old, old + timedelta(days=60))
    assert not newfoundland.days_in_order
    assert offsets(BERLIN, old, old + timedelta(days=60)).days_in_order
