"""Intervals of 95 % around shares and scores: what chance alone may do to a number."""

import math

Z = 1.959963984540054
"""The normal quantile of 97.5 %."""

Interval = tuple[float, float]


def wilson(successes: float, trials: float) -> Interval | None:
    """
    The interval of a share.

    Args:
        successes: How many of `trials`; between 0 and `trials`.
    Returns:
        Bounds from 0.0 to 1.0, or None if there were no trials.
    Source: E. B. Wilson, Probable Inference, JASA 22(158), 1927.
    """
    if trials <= 0:
        return None
    share = successes / trials
    spread = Z * math.sqrt(share * (1 - share) / trials + Z * Z / (4 * trials * trials))
    scale = 1 + Z * Z / trials
    centre = share + Z * Z / (2 * trials)
    return _within((centre - spread) / scale, (centre + spread) / scale, 0.0, 1.0)


def adjusted_wald(promoters: int, detractors: int, answered: int) -> Interval | None:
    """
    The interval of a Net Promoter Score, in points.

    Three answers are added, three quarters of one to either end; so five promoters of five
    give 17.5 to 100, not 100 to 100.

    Returns:
        Bounds from -100.0 to 100.0, or None if nobody answered. The plain score need not stand
        in their middle.
    Source: B. Rocks, Interval Estimation for the Net Promoter Score, The American Statistician
        70(4), 2016; J. Sauro and J. Lewis, MeasuringU, 2021, for the three.
    """
    if answered <= 0:
        return None
    n = answered + 3
    up, down = (promoters + 0.75) / n, (detractors + 0.75) / n
    spread = Z * math.sqrt((up + down - (up - down) ** 2) / n)
    return _within(100 * (up - down - spread), 100 * (up - down + spread), -100.0, 100.0)


def mean_of_scale(n: int, total: int, squares: int, least: int, most: int) -> Interval | None:
    """
    The interval of the mean of whole scores from `least` to `most`.

    As for a share (Agresti and Coull), two scores are added, one at either end: five times five
    stars are no proof that nobody gives less.

    Args:
        total, squares: The sums of scores and of their squares.
    Returns:
        Bounds within the scale, or None if there were no scores. The mean always lies between them.
    """
    if n <= 0:
        return None
    more = n + 2
    centre = (total + least + most) / more
    variance = (squares + least**2 + most**2) / more - centre**2
    spread = Z * math.sqrt(max(variance, 0.0) / more)
    return _within(centre - spread, centre + spread, least, most)


def weighted_score(
    weight: int, signed: int, squared: int, squared_signed: int, squared_scored: int
) -> Interval | None:
    """
    The interval of a weighted Net Promoter Score, in points, by linearisation.

    Args:
        weight, signed: Σ w and Σ w·k, where k is 1, 0 or -1.
        squared, squared_signed, squared_scored: Σ w², Σ w²·k and Σ w²·k².
    Returns:
        Bounds from -100.0 to 100.0, or None if the weights sum to nothing.
    """
    if weight <= 0:
        return None
    score = signed / weight
    variance = squared_scored - 2 * score * squared_signed + score * score * squared
    spread = Z * math.sqrt(max(0.0, variance)) / weight
    return _within(100 * (score - spread), 100 * (score + spread), -100.0, 100.0)


def effective_size(weight: int, squared: int) -> float | None:
    """How many equally weighted answers are worth as much. Source: L. Kish, Survey Sampling, 1965."""
    return weight * weight / squared if squared > 0 else None


def _within(low: float, high: float, least: float, most: float) -> Interval:
    return (max(least, low), min(most, high))
