"""What chance alone does: tails of the distributions that tests and intervals are made of."""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]

_CLOSE: Final = 1e-15
_STEPS: Final = 200_000
_TINY: Final = 1e-300
_HALVINGS: Final = 200


def chi_squared_tail(value: float, df: float) -> float:
    """
    How likely a chi-squared variable of `df` degrees of freedom is at least `value`.

    Right to some ten digits, for up to millions of degrees.

    Args:
        df: More than 0; it need not be whole.
    Raises:
        ValueError: `df` is not more than 0, or one of the two is no number.
    Source: the incomplete gamma function by its series and its continued fraction, Abramowitz &
        Stegun 6.5.29 and 6.5.31.
    """
    if not (df > 0 and math.isfinite(df) and not math.isnan(value)):
        raise ValueError("degrees of freedom are more than 0, and the value is a number")
    if value <= 0:
        return 1.0
    if math.isinf(value):
        return 0.0
    shape, at = df / 2, value / 2
    log_front = shape * math.log(at) - at - math.lgamma(shape)
    if at < shape + 1:
        return max(0.0, 1.0 - math.exp(log_front) * _series(shape, at))
    return min(1.0, math.exp(log_front) * _fraction(shape, at))


def _series(shape: float, at: float) -> float:
    term = total = 1 / shape
    for step in range(1, _STEPS):
        term *= at / (shape + step)
        total += term
        if term < total * _CLOSE:
            break
    return total


def _fraction(shape: float, at: float) -> float:
    """The continued fraction, by Lentz."""
    b = at + 1 - shape
    c, d = 1 / _TINY, 1 / b
    found = d
    for step in range(1, _STEPS):
        a = -step * (step - shape)
        b += 2
        d = 1 / (_or_tiny(a * d + b))
        c = _or_tiny(b + a / c)
        found *= c * d
        if abs(c * d - 1) < _CLOSE:
            break
    return found


def _or_tiny(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def chi_squared_above(tail: float, df: float) -> float:
    """
    The value that a chi-squared variable exceeds with that probability, to some ten digits.

    Args:
        tail: Between 0 and 1, both left out.
    Raises:
        ValueError: As `chi_squared_tail`, or no such tail.
    """
    _check_tail(tail)
    high = max(1.0, df)
    while chi_squared_tail(high, df) > tail:
        high *= 2
    low = 0.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if high - low <= high * 1e-12:
            break
        if chi_squared_tail(middle, df) > tail:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def student_within(value: float, df: int) -> float:
    """
    How likely Student's variable of `df` degrees of freedom lies between ∓ `value`.

    Args:
        value: At least 0.
        df: A whole number from 1; the sum has half as many terms.
    Raises:
        ValueError: One of the two is out of its range.
    Source: the finite sums of Abramowitz & Stegun 26.7.3 and 26.7.4.
    """
    if df < 1 or not value >= 0:
        raise ValueError("degrees of freedom are at least 1, and the value at least 0")
    angle = math.atan2(value, math.sqrt(df))
    sine, square = math.sin(angle), math.cos(angle) ** 2
    odd = df % 2
    if odd and df == 1:
        return 2 * angle / math.pi
    places = np.arange(1, (df - 1) // 2 if odd else df // 2)
    steps = 2 * places / (2 * places + 1) if odd else (2 * places - 1) / (2 * places)
    total = 1.0 + float(np.cumprod(steps * square).sum())
    if odd:
        return min(1.0, 2 / math.pi * (angle + sine * math.cos(angle) * total))
    return min(1.0, sine * total)


def student_beyond(tail: float, df: int) -> float:
    """
    The value such that Student's variable lies outside ∓ it with that probability.

    Args:
        tail: Between 0 and 1, both left out.
    Raises:
        ValueError: As `student_within`, or no such tail.
    """
    _check_tail(tail)
    high = 1.0
    while 1 - student_within(high, df) > tail:
        high *= 2
    low = 0.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if high - low <= high * 1e-12:
            break
        if 1 - student_within(middle, df) > tail:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _check_tail(tail: float) -> None:
    if not 0 < tail < 1:
        raise ValueError("a tail lies between 0 and 1")


class Drawn(NamedTuple):
    """
    How many marked things so many drawn ones hold: the hypergeometric distribution.

    Attributes:
        least: The number that the first probability is about.
        chances: Probabilities of it and the numbers that follow.
        up_to: How likely a draw holds that number or less.
        from_: How likely that number or more.
    """

    least: int
    chances: Reals
    up_to: Reals
    from_: Reals

    def limits(self, tail: float) -> tuple[int, int]:
        """The least and greatest number that neither side's tail of that size leaves out."""
        low = int(np.searchsorted(self.up_to, tail, side="left"))
        high = len(self.from_) - 1 - int(np.searchsorted(self.from_[::-1], tail, side="left"))
        return self.least + min(low, high), self.least + max(low, high)

    def two_sided(self, number: int) -> float:
        """Twice the smaller tail that the number begins, at most 1: by the rule of Fisher's test."""
        at = number - self.least
        if not 0 <= at < len(self.chances):
            return 0.0
        return min(1.0, 2 * min(float(self.up_to[at]), float(self.from_[at])))


_DEVIATIONS: Final = 12
"""So far from the mean no chance is left that a number of 64 bits could tell from none."""


def drawn(size: int, marked: int, of: int) -> Drawn:
    """
    How many marked ones a random draw holds.

    Only the numbers within 12 standard deviations of the mean (and ten more) are looked at; a
    number outside has a chance of less than 10⁻²⁰.

    Args:
        size: How many are drawn, 0 to `of`.
        marked: How many of all are marked, 0 to `of`.
        of: How many there are, at least 1.
    """
    share = marked / of
    mean = size * share
    variance = mean * (1 - share) * (of - size) / max(1, of - 1)
    wide = _DEVIATIONS * math.sqrt(max(0.0, variance)) + 10
    least = max(0, size + marked - of, math.floor(mean - wide))
    most = min(size, marked, math.ceil(mean + wide))
    k = np.arange(least, most, dtype=np.float64)
    ratios = (marked - k) * (size - k) / ((k + 1) * (of - marked - size + k + 1))
    logs = np.concatenate(([0.0], np.cumsum(np.log(ratios))))
    chances: Reals = np.exp(logs - logs.max())
    chances /= chances.sum()
    return Drawn(least, chances, np.cumsum(chances), np.cumsum(chances[::-1])[::-1])
