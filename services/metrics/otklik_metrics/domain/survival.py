"""Times of which some have not ended yet: quantiles that do not pretend they had."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

SLACK = 1e-9
"""Below any step of a curve over fewer than 10⁸ things, above the error of its products."""


def quantiles(
    ended: npt.NDArray[np.int64], still_open: npt.NDArray[np.int64], shares: Sequence[float]
) -> list[int | None]:
    """
    Kaplan-Meier quantiles of durations.

    Args:
        ended: Durations that are over.
        still_open: How long the others have lasted so far: they will last at least that long.
            One that ties with an ended duration is at risk there.
        shares: Each in (0, 1]: 0.5 asks for the median.
    Returns:
        For each share the least duration by which at least that share has ended, or None if
        the curve does not come down so far. With nothing open this is the nearest rank ⌈q·n⌉.
    Source: E. L. Kaplan and P. Meier, Nonparametric Estimation from Incomplete Observations,
        JASA 53(282), 1958.
    """
    if not len(ended):
        return [None] * len(shares)
    times, deaths = np.unique(ended, return_counts=True)
    censored = np.sort(still_open)
    total = len(ended) + len(still_open)
    before = np.concatenate(([0], np.cumsum(deaths)[:-1]))
    at_risk = total - before - np.searchsorted(censored, times, side="left")
    left = np.cumprod(1.0 - deaths / at_risk)
    found: list[int | None] = []
    for share in shares:
        reached = np.nonzero(left <= 1.0 - share + SLACK)[0]
        found.append(int(times[reached[0]]) if len(reached) else None)
    return found
