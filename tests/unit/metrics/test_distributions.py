"""Tails of distributions, against closed forms, published tables and sums by hand."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_metrics.domain.distributions import (
    chi_squared_above,
    chi_squared_tail,
    drawn,
    student_beyond,
    student_within,
)


@pytest.mark.parametrize(
    ("df", "tail", "value"),
    [
        (1, 0.05, 3.841),
        (1, 0.001, 10.828),
        (2, 0.5, 1.386),
        (10, 0.95, 3.940),
        (10, 0.05, 18.307),
        (30, 0.01, 50.892),
        (50, 0.025, 71.420),
        (100, 0.975, 74.222),
        (100, 0.05, 124.342),
    ],
)
def test_chi_squared_is_that_of_the_published_table(df: int, tail: float, value: float) -> None:
    assert chi_squared_above(tail, df) == pytest.approx(value, abs=6e-4)
    assert chi_squared_tail(chi_squared_above(tail, df), df) == pytest.approx(tail, rel=1e-9)


@given(st.floats(1e-6, 600))
def test_chi_squared_has_closed_forms(value: float) -> None:
    half = value / 2
    # One less a series, so to some 15 decimals where the tail is long, to 10 digits where short.
    assert chi_squared_tail(value, 1) == pytest.approx(math.erfc(math.sqrt(half)), rel=1e-10)
    assert chi_squared_tail(value, 2) == pytest.approx(math.exp(-half), rel=1e-10)
    poisson = math.exp(-half) * math.fsum(half**n / math.factorial(n) for n in range(10))
    assert chi_squared_tail(value, 20) == pytest.approx(poisson, rel=1e-10)


@given(st.floats(0.01, 2e6), st.floats(0, 4))
def test_chi_squared_of_many_degrees_is_a_probability_that_falls(df: float, times: float) -> None:
    here, further = (chi_squared_tail(df * one, df) for one in (times, times + 0.1))
    assert 0 <= further <= here <= 1


def test_chi_squared_of_a_million_degrees_is_nearly_normal() -> None:
    # Wilson and Hilferty's cube root is right to a few 10⁻⁸ at so many.
    df = 1_000_000
    for value in (df - 3_000, df, df + 3_000):
        spread = 2 / (9 * df)
        z = ((value / df) ** (1 / 3) - (1 - spread)) / math.sqrt(spread)
        assert chi_squared_tail(value, df) == pytest.approx(
            math.erfc(z / math.sqrt(2)) / 2, abs=1e-6
        )


def test_nothing_and_everything_have_their_tails() -> None:
    assert chi_squared_tail(0, 3) == chi_squared_tail(-1, 3) == 1
    assert chi_squared_tail(math.inf, 3) == 0
    assert chi_squared_tail(1e6, 3) == 0


@pytest.mark.parametrize(
    ("df", "value"),
    [(1, 12.7062), (2, 4.30265), (3, 3.18245), (10, 2.22814), (29, 2.04523), (1000, 1.96234)],
)
def test_student_is_that_of_the_published_table(df: int, value: float) -> None:
    assert student_beyond(0.05, df) == pytest.approx(value, abs=6e-5)


@given(st.floats(0, 50))
def test_student_has_closed_forms(value: float) -> None:
    assert student_within(value, 1) == pytest.approx(2 / math.pi * math.atan(value), abs=1e-12)
    assert student_within(value, 2) == pytest.approx(value / math.sqrt(2 + value**2), abs=1e-12)
    assert student_within(value, 200_000) == pytest.approx(math.erf(value / math.sqrt(2)), abs=1e-5)


@pytest.mark.parametrize("df", [0, -1, math.nan, math.inf])
def test_what_is_no_number_of_degrees_is_refused(df: float) -> None:
    with pytest.raises(ValueError, match="degrees of freedom"):
        chi_squared_tail(1, df)


@pytest.mark.parametrize("tail", [0, 1, -0.1, math.nan])
def test_what_is_no_tail_is_refused(tail: float) -> None:
    with pytest.raises(ValueError, match="tail"):
        chi_squared_above(tail, 1)
    with pytest.raises(ValueError, match="tail"):
        student_beyond(tail, 1)
    with pytest.raises(ValueError, match="degrees of freedom"):
        student_within(1, 0)


@given(st.data())
def test_a_draw_is_that_of_the_urn(data: st.DataObject) -> None:
    of = data.draw(st.integers(1, 60))
    marked, size = data.draw(st.integers(0, of)), data.draw(st.integers(0, of))
    found = drawn(size, marked, of)
    exact = {
        k: Fraction(math.comb(marked, k) * math.comb(of - marked, size - k), math.comb(of, size))
        for k in range(max(0, size + marked - of), min(size, marked) + 1)
    }
    assert found.least == min(exact)
    assert list(found.chances) == pytest.approx([float(one) for one in exact.values()], abs=1e-12)
    for number in exact:
        tails = (
            sum(one for k, one in exact.items() if k <= number),
            sum(one for k, one in exact.items() if k >= number),
        )
        assert found.two_sided(number) == pytest.approx(float(min(1, 2 * min(tails))), abs=1e-11)


@given(st.integers(1, 400), st.integers(0, 400), st.integers(0, 10_000))
def test_what_lies_outside_the_limits_is_what_the_test_finds_unlikely(
    size: int, marked: int, more: int
) -> None:
    of = max(size, marked) + more
    found = drawn(size, marked, of)
    least, most = found.limits(0.025)
    for number in range(found.least, found.least + len(found.chances)):
        if abs(found.two_sided(number) - 0.05) > 1e-9:
            assert (found.two_sided(number) < 0.05) is not (least <= number <= most)


def test_large_draws_are_nearly_normal_and_far_ones_have_no_chance() -> None:
    found = drawn(1_000_000, 30_000_000, 100_000_000)
    deviation = math.sqrt(1_000_000 * 0.3 * 0.7 * 0.99)
    least, most = found.limits(0.025)
    assert (300_000 - least) / deviation == pytest.approx(1.96, abs=0.01)
    assert (most - 300_000) / deviation == pytest.approx(1.96, abs=0.01)
    assert found.two_sided(0) == found.two_sided(1_000_000) == 0
    assert len(found.chances) < 20_000
