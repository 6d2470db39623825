"""Intervals: known values from their sources, and what must hold for every sample."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_metrics.domain.intervals import (
    Z,
    adjusted_wald,
    effective_size,
    mean_of_scale,
    weighted_score,
    wilson,
)


def test_five_promoters_of_five_leave_room_for_doubt() -> None:
    low, high = adjusted_wald(5, 0, 5) or (0, 0)
    assert (round(low, 1), high) == (17.5, 100.0)


def test_nobody_has_no_interval() -> None:
    assert adjusted_wald(0, 0, 0) is None
    assert wilson(0, 0) is None
    assert weighted_score(0, 0, 0, 0, 0) is None
    assert effective_size(0, 0) is None


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (10, 20, 0.2993, 0.7007),
        (1, 10, 0.0179, 0.4042),
        (0, 10, 0.0, 0.2775),
        (830, 1000, 0.8055, 0.8520),
    ],
)
def test_wilson_as_published(successes: int, trials: int, low: float, high: float) -> None:
    found = wilson(successes, trials)
    assert found is not None
    assert found == pytest.approx((low, high), abs=5e-5)


@given(st.integers(0, 500), st.integers(0, 500))
def test_a_share_lies_inside_its_interval(successes: int, failures: int) -> None:
    found = wilson(successes, successes + failures)
    if found is not None:
        assert 0.0 <= found[0] <= successes / (successes + failures) + 1e-12
        assert successes / (successes + failures) - 1e-12 <= found[1] <= 1.0


@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 300))
def test_the_interval_of_a_score_follows_the_stated_formula(up: int, mid: int, down: int) -> None:
    n = up + mid + down
    found = adjusted_wald(up, down, n)
    if n == 0:
        assert found is None
        return
    p, d = (up + 0.75) / (n + 3), (down + 0.75) / (n + 3)
    se = math.sqrt((p + d - (p - d) ** 2) / (n + 3))
    assert found is not None
    assert found[0] == pytest.approx(max(-100, 100 * (p - d - Z * se)))
    assert found[1] == pytest.approx(min(100, 100 * (p - d + Z * se)))


@given(st.lists(st.tuples(st.integers(1, 5_000_000), st.sampled_from([-1, 0, 1])), min_size=1))
def test_weights_are_linearised_as_stated(answers: list[tuple[int, int]]) -> None:
    weight = sum(w for w, _ in answers)
    signed = sum(w * k for w, k in answers)
    found = weighted_score(
        weight,
        signed,
        sum(w * w for w, _ in answers),
        sum(w * w * k for w, k in answers),
        sum(w * w * k * k for w, k in answers),
    )
    score = signed / weight
    se = math.sqrt(sum((w * (k - score)) ** 2 for w, k in answers)) / weight
    assert found is not None
    assert found[0] == pytest.approx(max(-100, 100 * (score - Z * se)), abs=1e-4)
    assert found[1] == pytest.approx(min(100, 100 * (score + Z * se)), abs=1e-4)


def test_equal_weights_are_worth_their_number() -> None:
    assert effective_size(5_000_000, 5 * 10**12) == 5


@given(st.lists(st.integers(1, 5), min_size=1, max_size=200))
def test_a_mean_of_a_scale_lies_within_its_interval_and_the_scale(stars: list[int]) -> None:
    found = mean_of_scale(len(stars), sum(stars), sum(one**2 for one in stars), 1, 5)
    assert found is not None
    assert 1 <= found[0] <= sum(stars) / len(stars) + 1e-9
    assert sum(stars) / len(stars) - 1e-9 <= found[1] <= 5


def test_five_times_five_stars_are_no_proof_of_five() -> None:
    low, high = mean_of_scale(5, 25, 125, 1, 5) or (0, 0)
    assert (round(low, 2), high) == (3.39, 5)
    narrow, _ = mean_of_scale(500, 2_500, 12_500, 1, 5) or (0, 0)
    assert narrow > 4.97
    assert mean_of_scale(0, 0, 0, 1, 5) is None
