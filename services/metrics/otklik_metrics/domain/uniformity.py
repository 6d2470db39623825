"""
How far units (branches, teams, agents) differ beyond chance, in a share of independent things.

The model is that of extra-binomial variation: each unit has a true share; the true shares have a
mean μ and a standard deviation τ; what a unit counts is drawn from its own. τ² = ρ·μ(1−μ), where ρ
is from 0 (all alike) to 1 (each unit all or nothing).

Source: J. Kleinman, JASA 68(341), 1973, and D. Williams, Applied Statistics 31(2), 1982, for the
model and its moments; R. Paule and J. Mandel, J. Res. NBS 87(5), 1982, for how ρ is found; W.
Viechtbauer, Statistics in Medicine 26(1), 2007, for its interval; D. Spiegelhalter, the same,
24(8), 2005, for limits by size (the funnel).
"""

import math
from collections.abc import Hashable, Sequence
from fractions import Fraction
from itertools import groupby
from typing import Final, Generic, NamedTuple, TypeVar

import numpy as np

from otklik_metrics.domain.distributions import (
    Reals,
    chi_squared_above,
    chi_squared_tail,
    drawn,
)
from otklik_metrics.domain.intervals import Interval, Z

ALPHA: Final = 0.05
"""Less than this is more than chance explains; of those said to differ so many may be wrong."""

CLOSE: Final = 1e-9
_HALVINGS: Final = 50

Code = TypeVar("Code", bound=Hashable)


class Counted(NamedTuple, Generic[Code]):
    """A unit: so many hits of so many things; `of` is at least 1, `hits` from 0 to it."""

    code: Code
    hits: int
    of: int


class Spread(NamedTuple):
    """
    How far units differ.

    Attributes:
        units: How many there are.
        pooled: What all together come to; None without units.
        mean: The mean of the units' true shares, in which no unit counts more than it should.
        q, df: Pearson's chi-squared of heterogeneity, and its degrees of freedom.
        p_value: How likely chance alone makes `q` so great or greater.
        i_squared: Share of `q` beyond what chance makes on the average, 0 to 1.
        chance_share: The rest: how much of the spread that is seen chance alone explains.
        tau: Standard deviation of the true shares.
        tau_interval: Its 95 %; None where every unit has the same share of none or all.
        rho: The same as a share of the greatest variance that there could be, 0 to 1.
    """

    units: int
    pooled: float | None = None
    mean: float | None = None
    q: float | None = None
    df: int | None = None
    p_value: float | None = None
    i_squared: float | None = None
    chance_share: float | None = None
    tau: float | None = None
    tau_interval: Interval | None = None
    rho: float | None = None


class Judged(NamedTuple, Generic[Code]):
    """
    A unit beside all others.

    Attributes:
        share: As counted.
        limits: Where 95 % of units of its size would lie if it were like the others; None for an
            only unit.
        p_value: Of Fisher's exact test of the unit against all others together.
        p_adjusted: The same after Benjamini and Hochberg, over all units.
        differs: 1 and -1: it stands out above and below; 0: it does not.
        shrunk: The likeliest true share: its own, drawn to the mean the more the fewer it counted.
        interval: 95 % of that; None where there is no spread to tell by.
    """

    code: Code
    hits: int
    of: int
    share: float
    limits: Interval | None
    p_value: float | None
    p_adjusted: float | None
    differs: int
    shrunk: float
    interval: Interval | None


class Part(NamedTuple):
    """Units that have one mean, as arrays, and what stands for them at some ρ."""

    shares: Reals
    of: Reals

    def weights(self, rho: float) -> Reals:
        """What each unit weighs: what it counted, or, where units differ much, one each."""
        found: Reals = self.of / (1 + (self.of - 1) * rho)
        return found

    def mean(self, rho: float) -> float:
        """The weighted mean of the shares."""
        weights = self.weights(rho)
        return float(weights @ self.shares) / float(weights.sum())

    def variance(self, rho: float) -> float:
        """
        μ(1−μ): the variance of one thing.

        That the mean is an estimate makes it too small by the part that 1/(W−1) puts back.
        """
        return _one_thing(self.mean(rho), float(self.weights(rho).sum()))

    def q(self, rho: float) -> float:
        """Squared distances from the mean, each over its variance; so many as units less one."""
        weights = self.weights(rho)
        weight = float(weights.sum())
        mean = float(weights @ self.shares) / weight
        variance = _one_thing(mean, weight)
        # All shares are 0, or all 1.
        if variance <= 0:
            return 0.0
        away = self.shares - mean
        return float(weights @ (away * away)) / variance


def _one_thing(mean: float, weight: float) -> float:
    return mean * (1 - mean) * weight / (weight - 1) if weight > 1 else 0.0


def part_of(units: Sequence[Counted[Code]]) -> Part:
    """Units as arrays."""
    of = np.array([one.of for one in units], dtype=np.float64)
    return Part(np.array([one.hits for one in units], dtype=np.float64) / of, of)


def rho_where(parts: Sequence[Part], q: float) -> float:
    """
    The ρ, from 0 to 1, at which the parts' distances from their means come to `q` in total.

    With `q` their degrees of freedom this is the estimate of Paule and Mandel: 0 exactly where
    the units differ no more than chance makes them on the average.
    """

    def total(rho: float) -> float:
        return sum(part.q(rho) for part in parts)

    if total(0.0) <= q * (1 + CLOSE):
        return 0.0
    if total(1.0) > q * (1 + CLOSE):
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if total(middle) > q:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def spread(units: Sequence[Counted[Code]]) -> Spread:
    """
    How far units differ, and how much of that is beyond chance.

    Returns:
        Of one unit, or none, no more than what it counted.
    """
    if not units:
        return Spread(0)
    hits, of = sum(one.hits for one in units), sum(one.of for one in units)
    pooled = hits / of
    if len(units) == 1:
        return Spread(1, pooled, pooled)
    df = len(units) - 1
    part = part_of(units)
    if hits in (0, of):
        return Spread(len(units), pooled, pooled, 0.0, df, 1.0, 0.0, 1.0, 0.0, None, 0.0)
    q = max(0.0, float((part.of * (part.shares - pooled) ** 2).sum()) / (pooled * (1 - pooled)))
    expected = df * of / (of - 1)
    rho = rho_where([part], df)
    chance_share = min(1.0, expected / q) if q > 0 else 1.0
    return Spread(
        units=len(units),
        pooled=pooled,
        mean=part.mean(rho),
        q=q,
        df=df,
        p_value=_p_value(units, q),
        i_squared=1 - chance_share,
        chance_share=chance_share,
        tau=_tau(part, rho),
        tau_interval=_tau_interval(part, df),
        rho=rho,
    )


def _tau(part: Part, rho: float) -> float:
    mean = part.mean(rho)
    return math.sqrt(max(0.0, rho * mean * (1 - mean)))


def _tau_interval(part: Part, df: int) -> Interval:
    ends = [rho_where([part], chi_squared_above(tail, df)) for tail in (ALPHA / 2, 1 - ALPHA / 2)]
    least, most = (_tau(part, rho) for rho in ends)
    return least, max(least, most)


def _p_value(units: Sequence[Counted[Code]], q: float) -> float:
    """
    By a chi-squared variable that is scaled to the mean and the variance which `q` has exactly.

    Where units count little, or what is counted is rare, `q` varies more or less than chi-squared
    of as many degrees; with all the totals given its two moments are known whatever the sizes.
    """
    mean, variance = moments(units)
    if variance <= CLOSE * mean * mean:
        return 1.0  # it cannot be another: each unit counted one thing, say
    return chi_squared_tail(2 * mean * q / variance, 2 * mean * mean / variance)


def moments(units: Sequence[Counted[Code]]) -> tuple[float, float]:
    """
    Mean and variance of Pearson's chi-squared, if chance alone makes units differ.

    Given how much each unit counted and what all counted together, which is neither none nor all;
    exact, but for rounding at the end.

    Source: by factorial moments of the multivariate hypergeometric distribution; the same that J.
        Haldane gives, Biometrika 31(3/4), 1940.
    """
    k, of, hits = len(units), sum(one.of for one in units), sum(one.hits for one in units)
    r1, r2, r3, r4 = (_ratio(hits, of, length) for length in (1, 2, 3, 4))
    inverse = Fraction(math.fsum(1 / one.of for one in units))
    first = (of - k) * r2 + k * r1
    # E[y⁴]/n² of one unit and E[y²z²]/(n·m) of two, summed; the sum of n² falls out.
    second = (
        r4 * (2 * of - k - 6 * of + 11 * k + (of - k) ** 2)
        + 6 * r3 * (of - 3 * k)
        + 7 * r2 * k
        + 2 * (k - 1) * (of - k) * r3
        + k * (k - 1) * r2
        + inverse * (r1 - 7 * r2 + 12 * r3 - 6 * r4)
    )
    scale = Fraction(hits * (of - hits), of * of)
    mean = (first - Fraction(hits * hits, of)) / scale
    return float(mean), max(0.0, float((second - first * first) / (scale * scale)))


def _ratio(hits: int, of: int, length: int) -> Fraction:
    """How likely so many drawn one after the other all count; 0 where there are not so many."""
    if of < length:
        return Fraction(0)
    return Fraction(math.perm(hits, length), math.perm(of, length))


def judge(units: Sequence[Counted[Code]], found: Spread) -> list[Judged[Code]]:
    """
    Each unit beside the others, those that stand out first, then by how unlikely chance is.

    Args:
        found: The spread of these units.
    """
    if not units:
        return []
    hits, of = sum(one.hits for one in units), sum(one.of for one in units)
    p_values, limits = _by_chance(units, hits, of)
    adjusted = benjamini_hochberg(p_values)
    shrunk, intervals = _shrunk(part_of(units), found)
    alone = len(units) == 1
    judged = [
        Judged(
            one.code,
            one.hits,
            one.of,
            one.hits / one.of,
            None if alone else limits[at],
            None if alone else p_values[at],
            None if alone else adjusted[at],
            0 if alone or adjusted[at] > ALPHA else _side(one, hits, of),
            shrunk[at],
            intervals[at],
        )
        for at, one in enumerate(units)
    ]
    return sorted(
        judged, key=lambda one: (one.p_adjusted or 0.0, one.p_value or 0.0, str(one.code))
    )


def _by_chance(
    units: Sequence[Counted[Code]], hits: int, of: int
) -> tuple[list[float], list[Interval]]:
    """
    The p value and the limits of each unit.

    Units of one size have one distribution. Size by size, so that no more than two of these are
    kept at once: with tens of thousands of sizes all together would take hundreds of megabytes.
    """
    p_values = [1.0] * len(units)
    limits: list[Interval] = [(0.0, 1.0)] * len(units)

    def size_at(at: int) -> int:
        return units[at].of

    for size, places in groupby(sorted(range(len(units)), key=size_at), key=size_at):
        chances = drawn(size, hits, of)
        least, most = chances.limits(ALPHA / 2)
        its_limits = (least / size, most / size)
        for at in places:
            limits[at] = its_limits
            p_values[at] = chances.two_sided(units[at].hits)
    return p_values, limits


def _side(one: Counted[Code], hits: int, of: int) -> int:
    return 1 if one.hits * of > hits * one.of else -1


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """
    The least rate of false discoveries at which each would be one.

    Source: Y. Benjamini and Y. Hochberg, JRSS B 57(1), 1995.
    """
    if not p_values:
        return []
    found = np.array(p_values)
    order = np.argsort(found, kind="stable")[::-1]
    places = np.arange(len(found), 0, -1)
    adjusted = np.empty(len(found))
    raised = np.maximum(found[order], found[order] * (len(found) / places))
    adjusted[order] = np.minimum(1.0, np.minimum.accumulate(raised))
    return [float(one) for one in adjusted]


def _shrunk(part: Part, found: Spread) -> tuple[list[float], list[Interval | None]]:
    """
    Each unit's likeliest true share, and 95 % of it.

    The share is what the posterior of a beta distribution has for its mean. Its error is that of
    the unit, that of the mean, and that of τ itself: so an interval is no point where τ is 0. It
    is never wider than what the unit alone tells.

    Source: N. Prasad and J. Rao, JASA 85(409), 1990; G. Datta, J. Rao and D. Smith, Biometrika
        92(1), 2005, for this estimate of τ.
    """
    rho = found.rho
    if rho is None:  # an only unit is what it counted
        return [float(one) for one in part.shares], [None] * len(part.shares)
    mean, one_thing = part.mean(rho), part.variance(rho)
    own = part.of * rho / (1 + (part.of - 1) * rho)
    shrunk = mean + own * (part.shares - mean)
    if one_thing <= 0:
        return [float(one) for one in shrunk], [None] * len(shrunk)
    between = rho * one_thing
    # Three units that are all or nothing do not prove that every one is.
    within = max(1 - rho, 1 / (len(part.of) + 1)) * one_thing / part.of
    whole = between + within
    weight = float((1 / whole).sum())
    left = 1 - own
    error = (
        own * within
        + left * left / weight
        + 2 * within * within / whole**3 * (2 * len(whole) / weight**2)
    )
    wide = Z * np.sqrt(np.minimum(error, one_thing / part.of))
    low, high = np.clip(shrunk - wide, 0, 1), np.clip(shrunk + wide, 0, 1)
    return [float(one) for one in shrunk], list(zip(low.tolist(), high.tolist(), strict=True))
