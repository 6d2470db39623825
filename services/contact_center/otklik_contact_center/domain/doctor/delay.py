"""
Between an event and its coming: what tells of clocks that are wrong, and of late delivery.

Delays are kept by buckets, an eighth of a doubling wide: near zero they are a tenth of a second,
and 9 % of the delay more above. A negative delay is an event that is yet to happen.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

STEPS: Final = 8
"""Buckets from 1 s to 3 s, from 3 s to 7 s and so on: each time 1 + delay doubles."""

AHEAD_SECONDS: Final = 5.0
"""A clock that is so far ahead is wrong: what is less is the road and two good clocks."""

LATE_SECONDS: Final = 60.0
"""Where the fastest of many events took longer, a clock is behind or the sender waits."""

LEAST_EVENTS: Final = 20
"""Fewer prove nothing."""


@dataclass(frozen=True, slots=True)
class Delays:
    """How long events of a source took, in seconds; exact to 5 % and a twentieth of a second."""

    events: int
    least: float
    median: float
    p95: float
    most: float


def bucket_of(seconds: float) -> int:
    """The bucket of a delay."""
    size = round(math.log2(1 + abs(seconds)) * STEPS)
    return size if seconds >= 0 else -size


def seconds_of(bucket: int) -> float:
    """The delay that a bucket stands for."""
    size = 2 ** (abs(bucket) / STEPS) - 1
    return round(size if bucket >= 0 else -size, 3)


def delays(counts: Mapping[int, int]) -> Delays | None:
    """
    Least, median, 95th percentile (nearest rank) and most of delays; None of none.

    Args:
        counts: How many events fell into each bucket.
    """
    total = sum(counts.values())
    if total == 0:
        return None
    ordered = sorted(bucket for bucket, n in counts.items() if n)
    return Delays(
        events=total,
        least=seconds_of(ordered[0]),
        median=_quantile(counts, ordered, total, 50),
        p95=_quantile(counts, ordered, total, 95),
        most=seconds_of(ordered[-1]),
    )


def ahead(counts: Mapping[int, int]) -> bool:
    """Whether the clock of a source is ahead: one event in twenty comes well before it happens."""
    early = sum(n for bucket, n in counts.items() if seconds_of(bucket) < -AHEAD_SECONDS)
    total = sum(counts.values())
    return total >= LEAST_EVENTS and 20 * early >= total


def late(found: Delays | None) -> bool:
    """Whether even the fastest event was late."""
    return found is not None and found.events >= LEAST_EVENTS and found.least > LATE_SECONDS


def _quantile(counts: Mapping[int, int], ordered: list[int], total: int, per_cent: int) -> float:
    wanted = -(-total * per_cent // 100)
    seen = 0
    for bucket in ordered:
        seen += counts[bucket]
        if seen >= wanted:
            return seconds_of(bucket)
    raise AssertionError("a rank lies within the total")
