"""Formulas by example: those that their sources print, and the edges where others go wrong."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_metrics.domain.histogram import bucket_of, encode
from otklik_metrics.domain.indicators.cells import Values, count, mean_seconds, share, suppress
from otklik_metrics.domain.indicators.people import (
    EVER,
    NOBODY,
    covered,
    latest,
    reached,
    repeats,
)
from otklik_metrics.domain.indicators.scores import (
    easy,
    employee_score,
    net_promoter_score,
    satisfaction_index,
    satisfied,
)
from otklik_metrics.domain.indicators.service import FORMULAS, service_level, span
from otklik_metrics.domain.measures import CES, CSAT, NPS, NPS_1_10

ICMI = Values(
    {
        "answered": 1000,
        "abandoned": 60,
        "offered": 1060,
        "answered_in_time": 860,
        "abandoned_in_time": 20,
        "abandoned_short": 10,
    }
)


@pytest.mark.parametrize(
    ("formula", "per_cent"),
    [
        ("offered_all", 81.13),
        ("excl_short", 81.90),
        ("removed_within", 83.02),
        ("ignore_abandoned_within", 82.69),
        ("short_as_success", 82.08),
        ("answered_only", 86.00),
    ],
)
def test_the_published_example_by_every_formula(formula: str, per_cent: float) -> None:
    assert service_level(ICMI, formula).value == pytest.approx(per_cent / 100, abs=5e-5)


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_closed_queue_is_neither_0_nor_100(formula: str) -> None:
    cell = service_level(Values(), formula)
    assert (cell.value, cell.reason, cell.n) == (None, "no_data", 0)


def test_what_is_left_out_is_said() -> None:
    values = Values(
        {
            "offered": 20,
            "answered": 10,
            "abandoned": 4,
            "overflowed": 1,
            "callback": 2,
            "still_open": 1,
            "answered_in_time": 8,
            "abandoned_short": 1,
        }
    )
    cell = service_level(values, "excl_short")
    assert (cell.numerator, cell.denominator) == (8, 14)
    assert cell.excluded == {
        "short_abandon": 1,
        "still_open": 1,
        "callback_requested": 2,
        "other_outcome": 2,
    }


def test_contradictory_counts_have_no_interval() -> None:
    assert share(5, 3).interval is None
    assert share(5, 3).value == pytest.approx(5 / 3)


def test_a_count_of_nothing_is_0_and_a_mean_of_nothing_is_not() -> None:
    assert count(0).value == 0
    assert mean_seconds(0, 0).value is None
    assert mean_seconds(1, 3, short=0, long=2).excluded == {"long": 2}


def test_a_hidden_cell_keeps_its_size_alone() -> None:
    cell = suppress(share(2, 3, other=1))
    assert (cell.value, cell.numerator, cell.denominator, cell.interval) == (None,) * 4
    assert (cell.n, cell.excluded, cell.suppressed, cell.reason) == (
        3,
        {"other": 1},
        True,
        "too_few",
    )


# --- Scores ---------------------------------------------------------------------------------------


def nps(*scores: int, scale: tuple[str, ...] = NPS) -> Any:
    prefix = scale[0].rpartition("_")[0]
    numbers: dict[str, int] = {}
    for score in scores:
        numbers[f"{prefix}_{score}"] = numbers.get(f"{prefix}_{score}", 0) + 1
    return net_promoter_score(Values(numbers), scale)


def test_six_is_a_detractor_seven_is_not_and_nine_promotes() -> None:
    assert nps(6).value == -100
    assert nps(7).value == nps(8).value == 0
    assert nps(9).value == 100
    assert nps(10, 9, 8, 3).value == 25


def test_the_old_scale_has_no_0() -> None:
    assert nps(1, 9, 10, 7, scale=NPS_1_10).value == 25


def test_weights_move_the_score_and_not_the_number_of_answers() -> None:
    values = Values(
        {
            "nps_10": 1,
            "nps_10_extra": 2_000_000,
            "nps_promoters_extra2": 8 * 10**12,
            "nps_0": 1,
        }
    )
    cell = net_promoter_score(values)
    assert (cell.value, cell.numerator, cell.denominator, cell.n) == (50, 2.0, 4.0, 2)
    assert cell.interval is not None


def test_weights_that_cancel_out_are_still_weights() -> None:
    # 0.5 and 1.5: the sums are as without weights, the interval is not.
    values = Values({"nps_9": 2, "nps_3": 2, "nps_promoters_extra2": 5 * 10**11})
    assert net_promoter_score(values).interval != nps(9, 9, 3, 3).interval


def test_weights_of_nothing_are_refused() -> None:
    values = Values({"nps_9": 1, "nps_9_extra": -1_000_000, "nps_promoters_extra2": -(10**12)})
    assert (net_promoter_score(values).value, net_promoter_score(values).reason) == (
        None,
        "no_weight",
    )


def test_employees_are_scored_alike() -> None:
    assert employee_score(Values({"enps_10": 3, "enps_0": 1})).value == 50


def test_top_boxes_are_counted_from_the_top() -> None:
    values = Values({CSAT[4]: 3, CSAT[3]: 2, CSAT[2]: 5})
    assert satisfied(values, 2, "share").value == 0.5
    assert satisfied(values, 1, "share").value == 0.3


def test_satisfaction_as_a_mean() -> None:
    values = Values({CSAT[4]: 3, CSAT[3]: 2, CSAT[2]: 5})
    assert satisfied(values, 2, "mean").value == pytest.approx((15 + 8 + 15) / 10)
    assert satisfied(Values(), 2, "mean").reason == "no_data"


def test_effort_as_share_mean_and_net() -> None:
    values = Values({CES[6]: 2, CES[4]: 1, CES[3]: 1, CES[0]: 1})
    assert easy(values, "share").value == 0.6
    assert easy(values, "mean").value == pytest.approx((7 + 7 + 5 + 4 + 1) / 5)
    assert easy(values, "net").value == pytest.approx(0.4)
    assert easy(Values(), "mean").value is None


def test_the_same_answers_are_77_raw_and_71_rescaled() -> None:
    # Importances 5, 4, 3 with scores 4, 4, 3.4 of 1 to 5.
    micro = 1_000_000
    score = round((5 * 4 + 4 * 4 + 3 * 3.4) * micro)
    values = Values(
        {
            "csi_n": 1,
            "csi_score": score,
            "csi_most": 60 * micro,
            "csi_least": 12 * micro,
            "csi_importance": 12 * micro,
        }
    )
    assert satisfaction_index(values, "raw").value == pytest.approx(77, abs=0.01)
    assert satisfaction_index(values, "rescaled").value == pytest.approx(71.25, abs=0.01)
    assert satisfaction_index(values, "mean").value == pytest.approx(3.85)


def test_importance_of_nothing_is_null_with_a_reason() -> None:
    assert satisfaction_index(Values({"csi_n": 3}), "raw").reason == "no_weight"
    assert satisfaction_index(Values(), "raw").reason == "no_data"


# --- Spans ----------------------------------------------------------------------------------------


def test_quantiles_come_from_the_histogram_or_from_what_goes_on() -> None:
    closed = Values({"n": 3}, histogram=encode({bucket_of(ms): 1 for ms in (1000, 2000, 3000)}))
    cell = span(closed, "p50")
    assert cell.value == pytest.approx(2, rel=0.01)
    assert (cell.n, cell.open) == (3, None)
    going_on = Values(
        ended=np.array([1000, 2000, 3000], np.int64), still_open=np.array([9000], np.int64)
    )
    cell = span(going_on, "p75")
    assert (cell.value, cell.n, cell.open) == (3.0, 4, 1)


def test_least_longest_and_mean_are_of_those_that_are_over() -> None:
    values = Values({"n": 2, "ms": 3000, "least": 1000, "most": 2000, "begun": 5, "over": 2})
    assert [span(values, name).value for name in ("min", "mean", "max")] == [1.0, 1.5, 2.0]
    assert span(values, "max").excluded == {"still_open": 3}
    assert span(Values(), "min").value is None


# --- People ---------------------------------------------------------------------------------------


def ints(*numbers: int) -> Any:
    return np.array(numbers, dtype=np.int64)


def test_a_talk_at_the_last_moment_counts_and_strangers_talks_do_not() -> None:
    found = reached(
        ints(0, 0, 1, NOBODY),
        ints(100, 100, 100, 100),
        ints(200, 199, EVER, EVER),
        reached_person=ints(0, 2, NOBODY),
        reached_at=ints(200, 150, 150),
    )
    assert found.tolist() == [True, False, False, False]
    assert reached(
        ints(0), ints(1), ints(2), reached_person=ints(), reached_at=ints()
    ).tolist() == [False]


people = st.lists(
    st.tuples(st.integers(-1, 4), st.integers(0, 30), st.integers(0, 20)), max_size=12
)
talks = st.lists(st.tuples(st.integers(-1, 4), st.integers(0, 50)), max_size=12)


@given(people, talks)
def test_reached_is_what_it_says(
    asked: list[tuple[int, int, int]], had: list[tuple[int, int]]
) -> None:
    found = reached(
        ints(*(who for who, _, _ in asked)),
        ints(*(since for _, since, _ in asked)),
        ints(*(since + more for _, since, more in asked)),
        reached_person=ints(*(who for who, _ in had)),
        reached_at=ints(*(at for _, at in had)),
    )
    expected = [
        who != NOBODY and any(who == other and since <= at <= since + more for other, at in had)
        for who, since, more in asked
    ]
    assert found.tolist() == expected


def test_a_repeat_belongs_to_its_first_contact() -> None:
    first, repeated = repeats(
        ints(0, 0, 0, 0, 1, NOBODY),
        ints(0, 5, 10, 18, 3, 3),
        np.array([True] * 6),
        window=7,
    )
    # 10 is more than 7 after 0, so it is first again; 18 is more than 7 after 10.
    assert first.tolist() == [True, False, True, True, True, False]
    assert repeated.tolist() == [True, False, False, False, False, False]


def test_an_abandoned_contact_is_a_repeat_and_never_a_first_one() -> None:
    first, repeated = repeats(ints(0, 0, 0), ints(0, 3, 10), np.array([False, True, False]), 7)
    assert (first.tolist(), repeated.tolist()) == ([False, True, False], [False, True, False])


def test_the_latest_of_each_person_and_every_one_of_nobody() -> None:
    found = latest(ints(0, 0, 1, 0, 0), ints(1, 2, 1, 1, NOBODY))
    assert found.tolist() == [1, 2, 3, 4]


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(-5, 30)), max_size=15),
    st.lists(st.integers(0, 100), min_size=2, max_size=8, unique=True).map(sorted),
)
def test_time_covered_is_counted_once(stretches: list[tuple[int, int]], edges: list[int]) -> None:
    inside = {
        moment for start, length in stretches for moment in range(start, start + max(0, length))
    }
    expected = [
        sum(low <= moment < high for moment in inside) for low, high in itertools.pairwise(edges)
    ]
    found = covered(
        ints(*(start for start, _ in stretches)),
        ints(*(start + length for start, length in stretches)),
        edges,
    )
    assert found.tolist() == expected
