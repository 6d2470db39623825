"""Waits and the agents they need, against tables, limits, and calls that are played one by one."""

import heapq
import random
from math import factorial, inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_common.erlang import (
    MOST_AGENTS,
    Load,
    blocked,
    need,
    queue,
    servers_for,
)

CALLS = 200_000


def played(agents: int, load: Load, threshold: float) -> tuple[float, float, float, float]:
    """Calls one by one: shares that wait, are answered in time and give up, and the mean wait."""
    dice, now, free = random.Random(7), 0.0, [0.0] * agents
    heapq.heapify(free)
    waits = in_time = gone = 0
    waited = 0.0
    for _ in range(CALLS):
        now += dice.expovariate(load.calls)
        patience = inf if load.patience is None else dice.expovariate(1 / load.patience)
        wait = max(0.0, free[0] - now)
        waits += wait > 0
        if patience < wait:
            gone += 1
            continue
        heapq.heapreplace(free, now + wait + dice.expovariate(1 / load.seconds))
        waited += wait
        in_time += wait <= threshold
    return waits / CALLS, in_time / CALLS, waited / (CALLS - gone), gone / CALLS


@pytest.mark.parametrize(
    ("agents", "load", "threshold"),
    [
        (10, Load(8 / 180, 180), 20),
        (10, Load(9 / 180, 180, 120), 20),
        (3, Load(4 / 180, 180, 60), 20),
        (50, Load(52 / 200, 200, 90), 15),
        (1, Load(0.005, 100, 30), 10),
    ],
)
def test_callers_meet_what_they_meet_when_calls_are_played(
    agents: int, load: Load, threshold: float
) -> None:
    found = queue(agents, load, threshold)
    waits, in_time, asa, gone = played(agents, load, threshold)
    assert found.waits == pytest.approx(waits, abs=0.012)
    assert found.answered_in_time == pytest.approx(in_time, abs=0.012)
    assert found.asa_seconds == pytest.approx(asa, rel=0.06)
    assert found.abandoned == pytest.approx(gone, abs=0.006)


@pytest.mark.parametrize(
    ("servers", "erlangs", "share"),
    [(1, 1.0, 0.5), (10, 5.0, 0.018385), (20, 12.0, 0.009796), (0, 3.0, 1.0), (5, 0.0, 0.0)],
)
def test_who_finds_all_taken_is_in_the_tables(servers: int, erlangs: float, share: float) -> None:
    assert blocked(servers, erlangs) == pytest.approx(share, abs=1e-6)


@given(st.integers(0, 60), st.floats(0.01, 60))
def test_the_recursion_is_the_formula(servers: int, erlangs: float) -> None:
    weights = [erlangs**k / factorial(k) for k in range(servers + 1)]
    assert blocked(servers, erlangs) == pytest.approx(weights[-1] / sum(weights), rel=1e-9)


def test_a_pool_loses_at_most_the_share_that_was_asked_for_and_one_less_loses_more() -> None:
    for erlangs in (0.3, 4.0, 100.0, 950.0):
        fewest = servers_for(erlangs, 0.01)
        assert blocked(fewest, erlangs) <= 0.01 < blocked(fewest - 1, erlangs)
    assert servers_for(0, 0.01) == 0


@given(st.integers(1, 40), st.floats(0.05, 0.95), st.floats(30, 600), st.floats(0, 120))
def test_callers_who_never_give_up_are_the_limit_of_patient_ones(
    agents: int, busy: float, seconds: float, threshold: float
) -> None:
    calls = agents * busy / seconds
    never = queue(agents, Load(calls, seconds), threshold)
    patient = queue(agents, Load(calls, seconds, 1e9), threshold)
    assert patient.waits == pytest.approx(never.waits, abs=1e-3)
    assert patient.answered_in_time == pytest.approx(never.answered_in_time, abs=1e-3)
    assert patient.occupancy == pytest.approx(never.occupancy, abs=1e-3)


@given(
    st.integers(0, 200), st.floats(0.001, 2), st.floats(10, 600),
    st.none() | st.floats(5, 600), st.floats(0, 300),
)  # fmt: skip
def test_more_agents_never_make_callers_worse_off(
    agents: int, calls: float, seconds: float, patience: float | None, threshold: float
) -> None:
    load = Load(calls, seconds, patience)
    fewer, more = (queue(number, load, threshold) for number in (agents, agents + 1))
    for one in (fewer, more):
        assert all(-1e-9 <= share <= 1 + 1e-9 for share in (*one[:2], *one[3:]))
    assert more.answered_in_time >= fewer.answered_in_time - 1e-9
    assert more.abandoned <= fewer.abandoned + 1e-9


def test_a_thousand_agents_are_no_more_difficult() -> None:
    load = Load(980 / 180, 180, 120)
    found = need(load, answered=0.8, threshold=20)
    one_less = queue(found.agents - 1, load, 20)
    assert found.meets is not None
    assert one_less.answered_in_time < 0.8 <= found.meets.answered_in_time
    quiet = queue(MOST_AGENTS, Load(0.01, 10, 60), 20)
    assert (quiet.waits, quiet.answered_in_time) == (0.0, 1.0)


def test_a_room_that_cannot_keep_up_keeps_no_promise() -> None:
    found = queue(5, Load(6 / 180, 180), 20)
    assert (found.waits, found.answered_in_time, found.asa_seconds) == (1.0, 0.0, None)
    nobody = queue(0, Load(6 / 180, 180, 60), 20)
    assert (nobody.abandoned, nobody.asa_seconds) == (1.0, None)


def test_agents_rest_as_long_as_was_asked_for_and_the_roster_holds_more_than_work() -> None:
    load = Load(100 / 1800, 180)
    found = need(load, answered=0.8, threshold=20, most_occupied=0.75, shrinkage=0.3)
    assert found.meets is not None
    assert found.meets.occupancy <= 0.75
    # 7 of 10 are at work, not 10.000000001 of them.
    assert need(load, answered=0.8, threshold=20, shrinkage=0.3).rostered == 20
    assert found.rostered == -(-found.agents * 10 // 7)


def test_where_nobody_calls_nobody_is_needed() -> None:
    assert need(Load(0, 180), answered=0.8, threshold=20) == (0, 0, None)


@pytest.mark.parametrize(
    "asked",
    [
        lambda: blocked(-1, 3),
        lambda: blocked(3, -1),
        lambda: blocked(3, nan),
        lambda: servers_for(3, 0),
        lambda: servers_for(20_000, 0.01),
        lambda: queue(3, Load(0, 180), 20),
        lambda: queue(3, Load(1, 0), 20),
        lambda: queue(3, Load(1, 10, 0), 20),
        lambda: queue(3, Load(1, 10), -1),
        lambda: need(Load(1, 10), answered=1, threshold=20),
        lambda: need(Load(1, 10), answered=0.8, threshold=20, shrinkage=1),
        lambda: need(Load(1, 10), answered=0.8, threshold=20, most_occupied=0),
        lambda: need(Load(1, 20_000), answered=0.8, threshold=20),
    ],
)
def test_what_makes_no_sense_is_refused(asked) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=r"\w"):
        asked()
