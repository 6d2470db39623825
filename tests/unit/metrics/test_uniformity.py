"""How far units differ beyond chance: by hand, over every table there is, and in simulation."""

import math
import tracemalloc
from collections.abc import Sequence
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from otklik_metrics.domain.distributions import chi_squared_tail, drawn
from otklik_metrics.domain.uniformity import (
    Counted,
    Spread,
    benjamini_hochberg,
    judge,
    moments,
    spread,
)

Unit = Counted[str]


def units(*counted: tuple[int, int]) -> list[Unit]:
    """Units called a, b, …: so many of so many each."""
    return [Counted(f"{number:05}", count, of) for number, (count, of) in enumerate(counted)]


some_units = st.lists(
    st.integers(1, 10_000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))),
    min_size=2,
    max_size=30,
).map(lambda counted: units(*counted))


def chi_squared_of(table: Sequence[tuple[int, int]]) -> float:
    """Pearson's, as the sum over both rows of the table."""
    count, of = sum(c for c, _ in table), sum(n for _, n in table)
    share = count / of
    return sum(
        (c - n * share) ** 2 / (n * share) + ((n - c) - n * (1 - share)) ** 2 / (n * (1 - share))
        for c, n in table
    )


def test_three_branches_by_hand() -> None:
    found = spread(units((90, 100), (80, 100), (70, 100)))
    # Pooled 0.8: (10² + 0 + 10²) / (100 · 0.16) = 12.5.
    assert (found.units, found.df) == (3, 2)
    assert found.pooled == 0.8
    assert found.mean == pytest.approx(0.8)
    assert found.q == pytest.approx(12.5)
    assert found.p_value == pytest.approx(math.exp(-6.25), rel=0.15)
    # On the average chance makes (k-1)·N/(N-1).
    assert found.chance_share == pytest.approx(2 * 300 / 299 / 12.5)
    assert found.i_squared == pytest.approx(1 - 2 * 300 / 299 / 12.5)
    # Equal sizes: the variance of the shares, 0.01, is that of chance and τ² together.
    assert found.rho is not None
    weight = 300 / (1 + 99 * found.rho)
    whole = 0.16 * weight / (weight - 1) * (1 + 99 * found.rho) / 100
    assert whole == pytest.approx(0.01)
    assert found.tau == pytest.approx(math.sqrt(found.rho * 0.16))
    assert found.tau == pytest.approx(0.0918, abs=1e-3)


@given(some_units)
def test_q_is_pearsons_chi_squared(some: list[Unit]) -> None:
    count, of = sum(one.hits for one in some), sum(one.of for one in some)
    found = spread(some)
    expected = chi_squared_of([one[1:] for one in some]) if 0 < count < of else 0
    assert found.q == pytest.approx(expected, rel=1e-8, abs=1e-8)


@pytest.mark.parametrize(
    ("sizes", "count"),
    [((3, 4, 5), 5), ((1, 1, 6), 2), ((2, 2), 1), ((1, 2), 1), ((1, 1), 1), ((2, 3, 1, 4), 9)],
)
def test_moments_are_those_of_every_table_there_is(sizes: tuple[int, ...], count: int) -> None:
    chances, values = [], []
    for counts in product(*(range(size + 1) for size in sizes)):
        if sum(counts) == count:
            ways = math.prod(math.comb(n, c) for n, c in zip(sizes, counts, strict=True))
            chances.append(ways / math.comb(sum(sizes), count))
            values.append(chi_squared_of(list(zip(counts, sizes, strict=True))))
    assert math.fsum(chances) == pytest.approx(1)
    mean = math.fsum(p * v for p, v in zip(chances, values, strict=True))
    variance = math.fsum(p * (v - mean) ** 2 for p, v in zip(chances, values, strict=True))
    some = units((count, sizes[0]), *((0, size) for size in sizes[1:]))
    assert moments(some) == pytest.approx((mean, variance), abs=1e-9)


def test_moments_of_large_units_are_those_of_chi_squared() -> None:
    mean, variance = moments(units(*((30_000_000, 100_000_000) for _ in range(50))))
    assert mean == pytest.approx(49)
    assert variance == pytest.approx(98)


@given(some_units)
@example(units((0, 1), (1, 1)))
@example(units((0, 1), (1, 1), (1, 1)))
@example(units((1, 1), (0, 10_000)))
@example(units((100, 100), (0, 100)))
def test_whatever_is_counted_numbers_stay_in_their_ranges(some: list[Unit]) -> None:
    found = spread(some)
    assert found.tau is not None
    assert found.p_value is not None
    assert found.i_squared is not None
    for one in (found.p_value, found.i_squared, found.chance_share, found.mean, found.rho):
        assert one is not None
        assert 0 <= one <= 1
    assert 0 <= found.tau <= 0.5 + 1e-9
    if found.tau_interval is not None:
        least, most = found.tau_interval
        assert 0 <= least <= most <= 0.5 + 1e-9
        assert least - 1e-6 <= found.tau <= most + 1e-6
    for unit in judge(some, found):
        assert 0 <= unit.shrunk <= 1
        assert unit.p_value is not None
        assert unit.p_adjusted is not None
        assert 0 <= unit.p_value <= unit.p_adjusted <= 1
        assert (unit.differs != 0) == (unit.p_adjusted <= 0.05)
        assert unit.limits is not None
        assert 0 <= unit.limits[0] <= unit.limits[1] <= 1
        if unit.differs:
            # It is beyond its limits, on the side that is said.
            outside = (
                unit.share > unit.limits[1] if unit.differs > 0 else unit.share < unit.limits[0]
            )
            assert outside
        if unit.interval is not None:
            assert unit.interval[0] <= unit.shrunk <= unit.interval[1]


@given(some_units)
def test_the_other_side_of_the_line_says_the_same(some: list[Unit]) -> None:
    one, other = spread(some), spread([Counted(c, n - k, n) for c, k, n in some])
    assert one.mean is not None
    assert other.mean is not None
    assert one.mean + other.mean == pytest.approx(1)
    for name in ("q", "p_value", "tau", "i_squared"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-6, abs=1e-9)


@given(some_units, st.randoms())
def test_order_is_of_no_matter(some: list[Unit], random: object) -> None:
    mixed = list(some)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    one, other = spread(some), spread(mixed)
    assert one.p_value == pytest.approx(other.p_value, rel=1e-9)
    assert one.tau == pytest.approx(other.tau, rel=1e-6, abs=1e-9)
    assert {u.code: u.differs for u in judge(some, one)} == {
        u.code: u.differs for u in judge(mixed, other)
    }


@given(some_units)
def test_a_unit_is_drawn_to_the_mean_the_more_the_fewer_it_counted(some: list[Unit]) -> None:
    found = spread(some)
    assert found.mean is not None
    for unit in judge(some, found):
        low, high = sorted((found.mean, unit.share))
        assert low - 1e-9 <= unit.shrunk <= high + 1e-9
    if found.tau and found.rho:
        kept = {
            unit.of: (unit.shrunk - found.mean) / (unit.share - found.mean)
            for unit in judge(some, found)
            if abs(unit.share - found.mean) > 1e-3
        }
        ordered = [kept[of] for of in sorted(kept)]
        assert all(b >= a - 1e-6 for a, b in pairwise(ordered))


def test_an_interval_has_the_errors_of_the_unit_of_the_mean_and_of_tau() -> None:
    some = units((90, 100), (85, 100), (80, 100), (75, 100), (70, 100))
    found = spread(some)
    assert found.rho is not None
    weight = 500 / (1 + 99 * found.rho)
    one_thing = 0.16 * weight / (weight - 1)
    between, within = one_thing * found.rho, one_thing * (1 - found.rho) / 100
    drawn_in = within / (between + within)
    # Of five units of one size: Prasad and Rao's three parts, the last of them twice.
    error = (
        between * drawn_in
        + drawn_in * within / 5
        + 2 * drawn_in * within / (between + within) ** 2 * 2 * 5 / (5 / (between + within)) ** 2
    )
    for unit in judge(some, found):
        assert unit.shrunk == pytest.approx(0.8 + (1 - drawn_in) * (unit.share - 0.8))
        assert unit.interval is not None
        wide = 1.959964 * math.sqrt(min(error, one_thing / 100))
        assert unit.interval == pytest.approx((unit.shrunk - wide, unit.shrunk + wide))


def test_nothing_and_one_unit_say_only_what_was_counted() -> None:
    assert spread([]) == Spread(0)
    assert not judge([], spread([]))
    found = spread(units((8, 10)))
    assert found == Spread(1, 0.8, 0.8)
    (only,) = judge(units((8, 10)), found)
    assert (only.share, only.shrunk, only.differs) == (0.8, 0.8, 0)
    assert (only.limits, only.p_value, only.p_adjusted, only.interval) == (None,) * 4


@pytest.mark.parametrize("all_", [0, 1])
def test_where_all_count_or_none_there_is_no_spread(all_: int) -> None:
    some = units(*((of * all_, of) for of in (1, 7, 20_000)))
    found = spread(some)
    assert found == Spread(3, all_, all_, 0, 2, 1, 0, 1, 0, None, 0)
    for unit in judge(some, found):
        assert (unit.share, unit.shrunk, unit.p_value, unit.differs) == (all_, all_, 1, 0)
        assert unit.interval is None
        assert unit.limits is not None
        assert set(unit.limits) == {all_}


def test_equal_shares_are_no_spread() -> None:
    found = spread(units((3, 10), (30, 100), (300, 1000)))
    assert found.q == pytest.approx(0, abs=1e-9)
    assert (found.tau, found.i_squared, found.chance_share) == (0, 0, 1)
    assert found.p_value == pytest.approx(1, abs=1e-3)
    assert found.tau_interval is not None
    assert found.tau_interval[0] == 0


def test_units_that_counted_one_thing_each_tell_nothing_of_spread() -> None:
    found = spread(units(*((int(at % 3 == 0), 1) for at in range(30))))
    assert (found.p_value, found.tau) == (1, 0)
    # Nothing speaks against all or nothing either.
    assert found.tau_interval == pytest.approx((0, math.sqrt(1 / 3 * 2 / 3)))


def test_two_units_that_share_nothing_differ_as_much_as_can_be() -> None:
    some = units((100, 100), (0, 100))
    found = spread(some)
    assert found.rho == pytest.approx(1)
    assert found.tau == pytest.approx(0.5)
    assert {unit.differs for unit in judge(some, found)} == {1, -1}


def test_benjamini_and_hochbergs_own_example() -> None:
    # Their paper of 1995, section 3.2: of 15 comparisons the first four are rejected at 5 %.
    found = [
        0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240,
        0.4262, 0.5719, 0.6528, 0.7590, 1.0000,
    ]  # fmt: skip
    adjusted = benjamini_hochberg(found)
    assert [one <= 0.05 for one in adjusted] == [True] * 4 + [False] * 11
    assert adjusted[3] == pytest.approx(0.0095 * 15 / 4)
    assert benjamini_hochberg([]) == []
    assert benjamini_hochberg(found[::-1]) == adjusted[::-1]


# --- Simulation: seeded, so that what is asserted is always the same -----------------------------


def drawn_units(
    random: np.random.Generator, sizes: tuple[int, int], many: int, mean: float, tau: float = 0.0
) -> tuple[list[Unit], list[float]]:
    """Units whose true shares have a mean and a standard deviation, and these shares."""
    of = random.integers(*sizes, many)
    true = np.full(many, mean)
    if tau:
        size = mean * (1 - mean) / tau**2 - 1
        true = random.beta(mean * size, (1 - mean) * size, many)
    return units(*zip(random.binomial(of, true).tolist(), of.tolist(), strict=True)), true.tolist()


@pytest.mark.parametrize(
    ("sizes", "many", "mean"),
    [((50, 500), 50, 0.8), ((5, 300), 50, 0.02), ((2, 15), 200, 0.3), ((30, 400), 5, 0.7)],
    ids=["branches", "rare", "agents with few calls", "five"],
)
def test_chance_alone_gives_every_p_value_as_often(
    sizes: tuple[int, int], many: int, mean: float
) -> None:
    random = np.random.default_rng(1995)
    found = [spread(drawn_units(random, sizes, many, mean)[0]) for _ in range(400)]
    for level in (0.05, 0.25, 0.5, 0.75):
        share = sum(one.p_value is not None and one.p_value <= level for one in found) / 400
        assert share == pytest.approx(level, abs=0.07), level
    assert np.median([one.tau or 0.0 for one in found]) < 0.1 * math.sqrt(mean * (1 - mean) / 10)


def test_plain_chi_squared_would_call_chance_a_difference_where_things_are_rare() -> None:
    random = np.random.default_rng(7)
    found = [spread(drawn_units(random, (1, 15), 200, 0.05)[0]) for _ in range(400)]
    plain = sum(chi_squared_tail(one.q or 0, one.df or 1) < 0.05 for one in found) / 400
    ours = sum((one.p_value or 0) < 0.05 for one in found) / 400
    assert plain > 0.08
    assert ours < 0.07


def test_chance_alone_seldom_makes_any_unit_stand_out() -> None:
    random = np.random.default_rng(3)
    out = 0
    for _ in range(300):
        some, _ = drawn_units(random, (20, 400), 50, 0.9)
        out += any(unit.differs for unit in judge(some, spread(some)))
    assert out / 300 < 0.08


@pytest.mark.parametrize(
    ("sizes", "many", "mean", "tau"),
    [((50, 500), 50, 0.8, 0.04), ((50, 2000), 50, 0.9, 0.03), ((1, 40), 300, 0.3, 0.1)],
)
def test_a_planted_spread_is_found_with_what_stands_behind_it(
    sizes: tuple[int, int], many: int, mean: float, tau: float
) -> None:
    random = np.random.default_rng(2026)
    taus, means, covered, true_inside = [], [], 0, []
    for _ in range(100):
        some, true = drawn_units(random, sizes, many, mean, tau)
        found = spread(some)
        assert found.tau is not None
        assert found.tau_interval is not None
        taus.append(found.tau)
        means.append(found.mean or 0.0)
        covered += found.tau_interval[0] <= tau <= found.tau_interval[1]
        by_code = dict(zip((one.code for one in some), true, strict=True))
        true_inside += [
            unit.interval[0] <= by_code[unit.code] <= unit.interval[1]
            for unit in judge(some, found)
            if unit.interval is not None
        ]
    assert np.mean(taus) == pytest.approx(tau, rel=0.05)
    assert np.mean(means) == pytest.approx(mean, abs=0.005)
    assert covered / 100 > 0.89
    assert np.mean(true_inside) == pytest.approx(0.95, abs=0.02)


def test_shrunk_shares_are_nearer_to_the_truth_than_counted_ones() -> None:
    random = np.random.default_rng(11)
    some, true = drawn_units(random, (5, 60), 500, 0.8, 0.05)
    by_code = dict(zip((one.code for one in some), true, strict=True))
    judged = judge(some, spread(some))
    counted = sum((unit.share - by_code[unit.code]) ** 2 for unit in judged)
    shrunk = sum((unit.shrunk - by_code[unit.code]) ** 2 for unit in judged)
    assert shrunk < counted / 2


def test_tens_of_thousands_of_units_are_judged() -> None:
    random = np.random.default_rng(5)
    some, _ = drawn_units(random, (1, 400), 20_000, 0.3, 0.05)
    found = spread(some)
    assert found.tau == pytest.approx(0.05, abs=0.002)
    assert len(judge(some, found)) == 20_000


def test_units_of_thousands_of_sizes_are_judged_in_little_memory() -> None:
    """Each size has a distribution of its own: kept all together these are 100 megabytes."""
    random = np.random.default_rng(6)
    of = np.arange(20_000, 22_500)
    some = units(*zip(random.binomial(of, 0.3).tolist(), of.tolist(), strict=True))
    found = spread(some)
    tracemalloc.start()
    try:
        judged = judge(some, found)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(judged) == 2_500
    assert peak < 10 * 1024 * 1024


def test_units_keep_their_own_limits_whatever_their_order() -> None:
    some = units((30, 100), (2, 10), (25, 100), (3, 10), (400, 1000))
    judged = {one.code: one for one in judge(some, spread(some))}
    for unit in some:
        one, chances = judged[unit.code], drawn(unit.of, 460, 1220)
        low, high = chances.limits(0.025)
        assert one.limits == (low / unit.of, high / unit.of)
        assert one.p_value == chances.two_sided(unit.hits)
