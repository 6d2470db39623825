"""Quantiles of times of which some go on: against a naive curve, and against nearest rank."""

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from otklik_metrics.domain.survival import quantiles

SHARES = (0.5, 0.75, 0.9, 0.95, 0.99)


def medians(ended: list[int], still_open: list[int]) -> int | None:
    return quantiles(np.array(ended, np.int64), np.array(still_open, np.int64), (0.5,))[0]


def test_nothing_ended_has_no_median() -> None:
    assert medians([], [5, 6]) is None
    assert medians([], []) is None


def test_one_that_goes_on_counts_as_longer_than_it_lasted() -> None:
    assert medians([1, 2, 3], []) == 2
    assert medians([1, 2, 3], [10, 10, 10]) == 3
    assert medians([1, 2, 3], [10, 10, 10, 10]) is None


def test_what_was_censored_early_leaves_the_base() -> None:
    # Three lasted no longer than 1 so far: they say nothing of what comes later.
    assert medians([2, 3], [1, 1, 1]) == 2


def test_one_that_ties_with_an_end_was_at_risk() -> None:
    assert medians([5], [5]) == 5
    assert medians([5], [5, 5]) is None


spans = st.lists(st.integers(0, 40), max_size=40)


@given(spans, spans)
def test_the_curve_is_that_of_kaplan_and_meier(ended: list[int], still_open: list[int]) -> None:
    left, curve = Fraction(1), []
    for moment in sorted(set(ended)):
        at_risk = sum(t >= moment for t in ended) + sum(t >= moment for t in still_open)
        left *= 1 - Fraction(ended.count(moment), at_risk)
        curve.append((moment, left))
    expected = [
        next((moment for moment, rest in curve if rest <= 1 - Fraction(str(share))), None)
        for share in SHARES
    ]
    assert quantiles(np.array(ended, np.int64), np.array(still_open, np.int64), SHARES) == expected


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=300))
def test_with_nothing_open_it_is_the_nearest_rank(ended: list[int]) -> None:
    ordered = sorted(ended)
    expected = [ordered[-(-len(ordered) * int(share * 100) // 100) - 1] for share in SHARES]
    assert quantiles(np.array(ended, np.int64), np.array([], np.int64), SHARES) == expected
