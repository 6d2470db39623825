"""How fast contacts are answered: service level in six named formulas, and spans of time."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from otklik_metrics.domain import histogram
from otklik_metrics.domain.indicators.cells import (
    NO_DATA,
    NOT_REACHED,
    Cell,
    Values,
    kept,
    mean_seconds,
    ratio,
)
from otklik_metrics.domain.survival import quantiles

QUANTILES: Final[Mapping[str, Fraction]] = {
    "p50": Fraction(1, 2),
    "p75": Fraction(3, 4),
    "p90": Fraction(9, 10),
    "p95": Fraction(19, 20),
    "p99": Fraction(99, 100),
}
STATISTICS: Final = ("mean", "min", "max", *QUANTILES)


Parts = tuple[int, int, dict[str, int]]
"""What stands above and below the line, and what a formula itself leaves out."""


def _base(values: Values) -> int:
    """Overflowed contacts were neither answered nor abandoned, yet somebody was not served."""
    return values["answered"] + values["abandoned"] + values["overflowed"]


def _offered_all(values: Values) -> Parts:
    return values["answered_in_time"], _base(values), {}


def _excl_short(values: Values) -> Parts:
    # Named even when nobody hung up at once: the formula says that it looked.
    short = values["abandoned_short"]
    return values["answered_in_time"], _base(values) - short, {"short_abandon": short}


def _removed_within(values: Values) -> Parts:
    gone = ("answered_in_time", "abandoned_in_time", "callback_in_time")
    return sum(values[name] for name in gone), values["offered"] - values["still_open"], {}


def _ignore_abandoned_within(values: Values) -> Parts:
    early = values["abandoned_in_time"]
    return values["answered_in_time"], _base(values) - early, kept({"abandoned_in_time": early})


def _short_as_success(values: Values) -> Parts:
    return values["answered_in_time"] + values["abandoned_short"], _base(values), {}


def _answered_only(values: Values) -> Parts:
    missed = _base(values) - values["answered"]
    return values["answered_in_time"], values["answered"], kept({"not_answered": missed})


FORMULAS: Final[Mapping[str, Callable[[Values], Parts]]] = {
    "offered_all": _offered_all,
    "excl_short": _excl_short,
    "removed_within": _removed_within,
    "ignore_abandoned_within": _ignore_abandoned_within,
    "short_as_success": _short_as_success,
    "answered_only": _answered_only,
}


def service_level(values: Values, formula: str) -> Cell:
    """
    The share of contacts served within a threshold.

    Args:
        values: `answered`, `abandoned`, `overflowed`, `answered_in_time`, `abandoned_in_time`,
            `abandoned_short`, `callback_in_time`, `callback`, `offered`, `still_open`.
        formula: One of FORMULAS.
    Returns:
        None as value when nobody waited: an empty queue is neither 0 nor 100 %.
    """
    above, below, excluded = FORMULAS[formula](values)
    waiting, callback = values["still_open"], values["callback"]
    if waiting:
        excluded["still_open"] = waiting
    if formula != "removed_within":
        other = values["offered"] - _base(values) - callback - waiting
        if callback:
            excluded["callback_requested"] = callback
        if other:
            excluded["other_outcome"] = other
    return ratio(above, below, excluded)


def span(values: Values, statistic: str) -> Cell:
    """
    One statistic of spans, in seconds.

    Args:
        values: `n`, and `ms`, `least` or `most`; the histogram, or the spans themselves where
            some go on; `begun` and `over` where some can.
    Returns:
        The mean, least and longest are those of spans that are over; quantiles take in those
        that go on (Kaplan-Meier) and are None where the curve does not come down so far.
    """
    if statistic in QUANTILES:
        return _quantile(values, QUANTILES[statistic])
    excluded = {"still_open": values["begun"] - values["over"]}
    if statistic == "mean":
        return mean_seconds(values["ms"], values["n"], **excluded)
    found, n = values["least" if statistic == "min" else "most"], values["n"]
    left_out = kept(excluded)
    if n == 0:
        return Cell(None, n=0, excluded=left_out, reason=NO_DATA)
    return Cell(found / 1000, n=n, excluded=left_out)


_MIDDLE_SECONDS: Final = tuple(float(middle / 1000) for middle in histogram.MIDDLES)
"""What each bucket of a histogram answers."""


def _quantile(values: Values, share_: Fraction) -> Cell:
    if values.ended is not None and values.still_open is not None:
        return _censored(values.ended, values.still_open, share_)
    n, bucket = histogram.quantile(values.histogram, share_)
    if bucket is None:
        return Cell(None, n=0, reason=NO_DATA)
    return Cell(_MIDDLE_SECONDS[bucket], n=n)


def _censored(ended: NDArray[np.int64], still_open: NDArray[np.int64], share_: Fraction) -> Cell:
    n = len(ended) + len(still_open)
    found = quantiles(ended, still_open, (float(share_),))[0]
    if found is not None:
        return Cell(found / 1000, n=n, open=len(still_open))
    reason = NOT_REACHED if n else NO_DATA
    return Cell(None, n=n, reason=reason, open=len(still_open))
