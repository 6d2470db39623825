"""One value with everything that it rests on."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from otklik_metrics.domain.intervals import Interval, wilson

NO_DATA: Final = "no_data"
TOO_FEW: Final = "too_few"
NOT_REACHED: Final = "not_reached"
NO_WEIGHT: Final = "no_weight"
NOT_CLOSED: Final = "not_closed"


class Values(msgspec.Struct, frozen=True, eq=False):
    """
    What was read for one cell.

    Attributes:
        numbers: By name; a name that is absent counts 0.
        histogram: Spans as encoded histograms (`histogram.py`), one behind the other.
        ended, still_open: Milliseconds of spans that are over, and of those that go on.
    """

    numbers: Mapping[str, int] = {}
    histogram: bytes = b""
    ended: NDArray[np.int64] | None = None
    still_open: NDArray[np.int64] | None = None

    def __getitem__(self, name: str) -> int:
        return self.numbers.get(name, 0)


class Cell(msgspec.Struct, frozen=True):
    """
    A value with its base.

    Attributes:
        value: None where there is nothing to say; `reason` tells why.
        numerator, denominator: In the unit of the value; None where it is no ratio.
        n: How many facts (answers, contacts, …) it rests on; None where even that is withheld.
        interval: 95 %; None where it would mean nothing.
        excluded: How many facts were left out of the base, by reason.
        suppressed: The value is known and withheld, since too few people stand behind it.
        open: How many of `n` have not ended yet; None where that cannot be.
        n_effective: Where facts carry weights: how many equal ones would be worth as much.
    """

    value: float | int | None
    numerator: float | int | None = None
    denominator: float | int | None = None
    n: int | None = 0
    interval: Interval | None = None
    excluded: Mapping[str, int] = {}
    suppressed: bool = False
    reason: str | None = None
    open: int | None = None
    n_effective: float | None = None


def count(n: int, **excluded: int) -> Cell:
    """A number of things; 0 is a value like any other."""
    return Cell(value=n, numerator=n, n=n, excluded=kept(excluded))


def share(numerator: int, denominator: int, **excluded: int) -> Cell:
    """A share of independent things, from 0.0 to 1.0, with Wilson's interval."""
    return ratio(numerator, denominator, kept(excluded))


def ratio(numerator: int, denominator: int, excluded: Mapping[str, int]) -> Cell:
    """The same, with what was left out as it is to be shown."""
    if denominator <= 0:
        return Cell(None, numerator, denominator, 0, excluded=excluded, reason=NO_DATA)
    value = numerator / denominator
    # Contradictory facts may put more above the line than below; no interval then.
    interval = wilson(numerator, denominator) if 0 <= numerator <= denominator else None
    return Cell(value, numerator, denominator, denominator, interval, excluded)


def mean_seconds(milliseconds: int, n: int, **excluded: int) -> Cell:
    """The mean of spans, in seconds."""
    left_out = kept(excluded)
    if n <= 0:
        return Cell(None, milliseconds / 1000, n, 0, excluded=left_out, reason=NO_DATA)
    value = float(Fraction(milliseconds, 1000 * n))
    return Cell(value, milliseconds / 1000, n, n, excluded=left_out)


def kept(excluded: Mapping[str, int]) -> dict[str, int]:
    """Reasons for which something was left out."""
    return {reason: n for reason, n in excluded.items() if n}


def suppress(cell: Cell) -> Cell:
    """The cell without anything from which its value could be told; `n` and reasons stay."""
    return msgspec.structs.replace(
        cell,
        value=None,
        numerator=None,
        denominator=None,
        interval=None,
        n_effective=None,
        suppressed=True,
        reason=TOO_FEW,
    )


def withhold(cell: Cell) -> Cell:
    """The cell of anonymous answers, from which not even their number can be told."""
    return msgspec.structs.replace(suppress(cell), n=None, excluded={})
