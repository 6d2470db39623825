"""
Histograms of milliseconds in log buckets: whole numbers that add, subtract and compare exactly.

Bucket 0 holds exactly 0 ms. Bucket n ≥ 1 holds the whole milliseconds v with
⌊1.02^(n-2)⌋ < v ≤ ⌊1.02^(n-1)⌋, so that short spans are exact and no bucket is wider than
a ratio of 1.02. A bucket answers with 2·low·high / (low + high): relative error ≤ 1 %.

On disk a histogram is a bytea of pairs (u16 bucket, i32 count), little-endian, in any order;
counts of equal buckets add, and may be negative while they are differences. Two histograms
are therefore merged by writing one behind the other, which `||` and `string_agg` can do.

Source: Masson, Rim & Lee, DDSketch, VLDB 2019, with fixed integer bounds.
"""

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

PAIR = np.dtype([("bucket", "<u2"), ("n", "<i4")])
PAIR_BYTES = PAIR.itemsize

_MOST = 2**31 - 1

LONGEST_MS = 10**12
"""Longer spans (31 years) are counted as this long."""


def _bounds() -> tuple[int, ...]:
    bounds, above, below = [0], 1, 1
    while bounds[-1] < LONGEST_MS:
        bounds.append(above // below)
        above, below = above * 51, below * 50
    return tuple(bounds)


BOUNDS: tuple[int, ...] = _bounds()
"""The highest millisecond of each bucket."""

BUCKETS = len(BOUNDS)

_bounds_array: NDArray[np.int64] = np.array(BOUNDS, dtype=np.int64)


def _middles() -> tuple[Fraction, ...]:
    inner = tuple(
        Fraction(2 * (low + 1) * high, low + 1 + high) if high > low else Fraction(high)
        for low, high in pairwise(BOUNDS)
    )
    return (Fraction(0), *inner)


MIDDLES: tuple[Fraction, ...] = _middles()
"""What each bucket answers, in milliseconds."""


def bucket_of(milliseconds: int) -> int:
    """Number of the bucket that holds a span. Raises ValueError for a negative one."""
    if milliseconds < 0:
        raise ValueError(f"a span of {milliseconds} ms is negative")
    return int(np.searchsorted(_bounds_array, min(milliseconds, LONGEST_MS), side="left"))


def buckets_of(milliseconds: Iterable[int]) -> list[int]:
    """`bucket_of` of many."""
    spans = np.fromiter(milliseconds, dtype=np.int64)
    if spans.size and int(spans.min()) < 0:
        raise ValueError(f"a span of {int(spans.min())} ms is negative")
    found: list[int] = np.searchsorted(
        _bounds_array, np.minimum(spans, LONGEST_MS), side="left"
    ).tolist()
    return found


def encode(counts: Mapping[int, int]) -> bytes:
    """The counts per bucket as bytes, sorted; buckets of 0 are left out."""
    kept = [
        (bucket, share)
        for bucket, n in sorted(counts.items())
        for share in ((n,) if -_MOST <= n <= _MOST else _shares(n))
        if share
    ]
    return np.array(kept, dtype=PAIR).tobytes()


def _shares(n: int) -> Iterator[int]:
    """`n` cut into numbers that fit; their sum is `n`."""
    while abs(n) > _MOST:
        yield _MOST if n > 0 else -_MOST
        n -= _MOST if n > 0 else -_MOST
    yield n


def decode(data: bytes) -> dict[int, int]:
    """The counts per bucket out of one or more encoded histograms; without zeros, by bucket."""
    dense = densify(data)
    buckets = np.flatnonzero(dense)
    return dict(zip(buckets.tolist(), dense[buckets].tolist(), strict=True))


def densify(data: bytes) -> NDArray[np.int64]:
    """The same as an array of BUCKETS counts."""
    pairs = np.frombuffer(data, dtype=PAIR)
    dense = np.zeros(BUCKETS, dtype=np.int64)
    np.add.at(dense, pairs["bucket"], pairs["n"].astype(np.int64))
    return dense


def compact(data: bytes) -> bytes:
    """The same histogram with every bucket named once."""
    return encode(decode(data))


def quantile(data: bytes, share: Fraction) -> tuple[int, int | None]:
    """
    The nearest-rank quantile: where the value of rank ⌈share·n⌉ lies.

    Args:
        data: One or more encoded histograms; together no count is negative, and n is below 2⁵³.
        share: More than 0, at most 1.
    Returns:
        n, and the bucket, whose middle is within 1 % of the true value; None if n is 0.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share {share} is outside 0 to 1")
    pairs = np.frombuffer(data, dtype=PAIR)
    # Sums of whole floats are exact, and twice as fast as adding to whole numbers in place.
    reached = np.bincount(pairs["bucket"], weights=pairs["n"], minlength=1).cumsum()
    n = int(reached[-1])
    if n == 0:
        return 0, None
    rank = -(-share.numerator * n // share.denominator)
    return n, int(reached.searchsorted(rank))
