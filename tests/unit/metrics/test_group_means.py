"""Groups of units: a few large ones do not decide, and units of one group may differ."""

import math

import numpy as np
import pytest

from otklik_metrics.domain.group_means import compare
from otklik_metrics.domain.uniformity import Counted, spread
from tests.unit.metrics.test_uniformity import units

OWN, FRANCHISE = "own", "franchise"
BOTH = (OWN, FRANCHISE)


def test_equal_units_without_spread_give_the_plain_difference() -> None:
    some = units((80, 100), (82, 100), (60, 100), (58, 100))
    groups = dict(zip((one.code for one in some), (OWN, OWN, FRANCHISE, FRANCHISE), strict=True))
    found = compare(some, BOTH, {code: [group] for code, group in groups.items()})
    (difference,) = found.differences
    assert (found.df, found.tau, found.in_several) == (2, 0, 0)
    assert difference.value == pytest.approx(0.81 - 0.59)
    error = math.sqrt(0.81 * 0.19 / 199 + 0.59 * 0.41 / 199)
    wide = 4.30265 * error
    assert difference.interval == pytest.approx((0.22 - wide, 0.22 + wide), abs=1e-5)
    assert [(one.group, one.units, one.hits, one.of) for one in found.groups] == [
        (OWN, 2, 162, 200),
        (FRANCHISE, 2, 118, 200),
    ]


def test_one_large_office_does_not_decide() -> None:
    """Pooled, the own ones answer 89 %; as offices they are no better than the others."""
    own = [(9_000, 10_000), *((70, 100),) * 4]
    some = units(*own, *((72, 100),) * 5)
    groups_of = {one.code: [OWN if at < 5 else FRANCHISE] for at, one in enumerate(some)}
    found = compare(some, BOTH, groups_of)
    assert found.groups[0].hits / found.groups[0].of > 0.88
    assert found.groups[0].mean == pytest.approx(0.74, abs=0.04)
    (difference,) = found.differences
    assert difference.interval is not None
    assert difference.interval[0] < 0 < difference.interval[1]
    assert difference.p_value is not None
    assert difference.p_value > 0.3


def test_units_of_several_groups_and_of_none_are_in_no_mean() -> None:
    some = units((8, 10), (7, 10), (6, 10), (5, 10), (1, 10))
    codes = [one.code for one in some]
    groups_of = dict(
        zip(codes, ([OWN, "ural"], [OWN], [FRANCHISE], [OWN, FRANCHISE], ["ural"]), strict=True)
    )
    found = compare(some, BOTH, groups_of)
    assert [one.units for one in found.groups] == [2, 1]
    assert found.in_several == 1
    assert found.df == 1


def test_one_unit_each_tells_a_difference_and_not_how_sure_it_is() -> None:
    found = compare(units((8, 10), (5, 10)), BOTH, {"00000": [OWN], "00001": [FRANCHISE]})
    (difference,) = found.differences
    assert (found.tau, found.df) == (None, 0)
    assert difference.value == pytest.approx(0.3)
    assert (difference.interval, difference.p_value) == (None, None)
    assert [one.interval for one in found.groups] == [None, None]


def test_a_group_without_units_is_compared_with_nothing() -> None:
    found = compare(units((8, 10), (5, 10)), BOTH, {"00000": [OWN], "00001": [OWN]})
    assert found.groups[1] == (FRANCHISE, 0, 0, 0, None, None)
    assert found.differences == [(OWN, FRANCHISE, None, None, None)]
    assert compare([], BOTH, {}).differences == [(OWN, FRANCHISE, None, None, None)]


@pytest.mark.parametrize("count", [0, 10])
def test_where_all_count_or_none_groups_are_alike(count: int) -> None:
    some = units(*((count, 10),) * 4)
    found = compare(some, BOTH, {one.code: [BOTH[at % 2]] for at, one in enumerate(some)})
    assert found.differences == [(OWN, FRANCHISE, 0, None, None)]
    assert [one.mean for one in found.groups] == [count / 10] * 2


def test_a_group_in_which_all_count_has_an_interval_all_the_same() -> None:
    some = units((10, 10), (10, 10), (5, 10), (6, 10))
    groups_of = {one.code: [BOTH[at // 2]] for at, one in enumerate(some)}
    mean = compare(some, BOTH, groups_of).groups[0]
    assert mean.mean == 1
    assert mean.interval is not None
    assert mean.interval[0] < 0.9
    assert mean.interval[1] == 1


def test_several_groups_are_held_against_the_first_and_together_are_95_percent() -> None:
    random = np.random.default_rng(4)
    some = units(*zip(random.binomial(200, 0.7, 30).tolist(), [200] * 30, strict=True))
    groups_of = {one.code: ["abc"[at % 3]] for at, one in enumerate(some)}
    two = compare(some, "ab", groups_of).differences[0]
    three = compare(some, "abc", groups_of)
    assert [(one.first, one.second) for one in three.differences] == [("a", "b"), ("a", "c")]
    assert two.interval is not None
    assert three.differences[0].interval is not None
    width = [high - low for low, high in (two.interval, three.differences[0].interval)]
    assert width[1] > width[0]


def planted(
    random: np.random.Generator, own: float, franchise: float, tau: float
) -> tuple[list[Counted[str]], dict[str, list[str]]]:
    """8 own offices, two of them very large, and 30 franchised ones; true shares by beta."""
    of = np.concatenate(([8_000, 5_000], random.integers(50, 300, 36)))
    true = []
    for at in range(38):
        mean = own if at < 8 else franchise
        size = mean * (1 - mean) / tau**2 - 1
        true.append(random.beta(mean * size, (1 - mean) * size))
    some = units(*zip(random.binomial(of, true).tolist(), of.tolist(), strict=True))
    return some, {one.code: [OWN if at < 8 else FRANCHISE] for at, one in enumerate(some)}


def test_the_interval_holds_the_planted_difference_and_a_pooled_one_would_not() -> None:
    random = np.random.default_rng(2003)
    inside = pooled_sure = 0
    for _ in range(200):
        some, groups_of = planted(random, 0.8, 0.75, 0.06)
        found = compare(some, BOTH, groups_of)
        interval = found.differences[0].interval
        assert interval is not None
        inside += interval[0] <= 0.05 <= interval[1]
        own, other = found.groups
        share, rest = own.hits / own.of, other.hits / other.of
        wide = 1.96 * math.sqrt(share * (1 - share) / own.of + rest * (1 - rest) / other.of)
        pooled_sure += abs(share - rest - 0.05) <= wide
    assert inside / 200 == pytest.approx(0.95, abs=0.035)
    assert pooled_sure / 200 < 0.6


def test_the_spread_within_groups_leaves_out_what_is_between_them() -> None:
    random = np.random.default_rng(8)
    within, whole = [], []
    for _ in range(60):
        some, groups_of = planted(random, 0.9, 0.6, 0.05)
        within.append(compare(some, BOTH, groups_of).tau)
        whole.append(spread(some).tau)
    assert np.mean([one or 0 for one in within]) == pytest.approx(0.05, abs=0.012)
    assert np.mean([one or 0 for one in whole]) > 0.1
