"""A week of half hours: means of what came, and the agents that a promise takes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from otklik_common.clocks.hours import Window
from otklik_common.erlang import Load, need
from otklik_metrics.domain.staffing import Wanted, plan

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
WANTED = Wanted(0.8, 20, 180, 120, 0.85, 0.3)


def quarters(days: int, calls: dict[tuple[int, int, int], int]) -> list[tuple[datetime, int]]:
    """Every quarter hour of some days from a Monday; calls by week day, hour and quarter."""
    found = []
    for number in range(days * 96):
        at = MONDAY + timedelta(minutes=15 * number)
        found.append((at, calls.get((at.weekday(), at.hour, at.minute // 15), 0)))
    return found


def test_a_half_hour_is_the_mean_of_its_weeks() -> None:
    once = quarters(7, {(0, 9, 0): 30, (0, 9, 1): 10, (0, 9, 2): 4})
    twice = [*once, *((at + timedelta(days=7), 0) for at, _ in once)]
    (nine, half_past) = plan(twice, WANTED, None).slots
    assert (nine.place, nine.calls) == ((0, 540), 20)
    assert (half_past.place, half_past.calls) == ((0, 570), 2)


def test_agents_are_those_of_the_model() -> None:
    (slot,) = plan(quarters(7, {(2, 11, 3): 100}), WANTED, None).slots
    load = Load(100 / 1800, 180, 120)
    expected = need(load, answered=0.8, threshold=20, most_occupied=0.85, shrinkage=0.3)
    assert slot.need == expected
    assert expected.agents == 12  # 11 answer 0.742 within 20 s


def test_other_hours_take_their_calls_and_leave_the_rest() -> None:
    calls = {(0, 8, 0): 6, (0, 9, 0): 12, (5, 10, 0): 8}
    found = plan(quarters(7, calls), WANTED, {0: [Window(480, 600)]})
    assert [(one.place, one.calls) for one in found.slots] == [
        ((0, 480), 6),
        ((0, 510), 0),
        ((0, 540), 12),
        ((0, 570), 0),
    ]
    assert found.outside == 8
    quiet = found.slots[1].need
    assert quiet is not None
    assert (quiet.agents, quiet.rostered, quiet.meets) == (0, 0, None)


def test_a_window_that_ends_within_a_half_hour_needs_agents_in_it() -> None:
    found = plan(quarters(7, {}), WANTED, {1: [Window(540, 555), Window(600, 601)]})
    assert [one.place for one in found.slots] == [(1, 540), (1, 600)]


def test_an_hour_that_the_clock_repeats_counts_twice() -> None:
    zone = ZoneInfo("Europe/Berlin")
    begins = datetime(2026, 10, 25, tzinfo=zone).timestamp()
    night = [(datetime.fromtimestamp(begins + 900 * number, zone), 3) for number in range(25 * 4)]
    slots = {one.place: one.calls for one in plan(night, WANTED, None).slots}
    assert slots[6, 120] == slots[6, 150] == pytest.approx(6)


def test_what_nobody_could_answer_is_said_to_be_so() -> None:
    (slot,) = plan(quarters(7, {(0, 9, 0): 60_000}), WANTED, None).slots
    assert slot.need is None


def test_agents_who_may_hardly_be_taken_are_more_than_can_be_worked_out() -> None:
    for share in (0.001, 0.009):
        wanted = Wanted(0.8, 20, 3600, None, share, 0)
        (slot,) = plan(quarters(7, {(0, 9, 0): 50}), wanted, None).slots
        assert slot.need is None
