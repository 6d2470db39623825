"""Spans of time as they were read, made into values."""

from collections.abc import Container, Sequence

import numpy as np
from numpy.typing import NDArray

from otklik_common.clocks.business_time import BusinessTime, business_time
from otklik_common.clocks.told import calendar_of
from otklik_metrics.domain.company import Hours
from otklik_metrics.domain.frames import Place, Row
from otklik_metrics.domain.histogram import LONGEST_MS, buckets_of, encode
from otklik_metrics.domain.indicators.cells import Values
from otklik_metrics.store.query_facts import unpacked, unpacked_pairs


def in_business_time(
    rows: Sequence[Row], hours: Sequence[Hours]
) -> tuple[list[Row], frozenset[str]]:
    """
    Spans with their beginnings as what passed of business time.

    Args:
        rows: The last part of each group is the place in `hours` of the calendar that tells it.
    Returns:
        The same by group alone, which may come once for each calendar; and the codes of those
        by which spans were told.
    """
    told: dict[int, BusinessTime] = {}
    found: list[Row] = []
    used: set[str] = set()
    for bucket, (*key, place), packed in rows:
        if place not in told:
            told[place] = business_time(calendar_of(hours[place].calendar))
        values = _in_time_of(told[place], *packed)
        if values["begun"]:
            used.add(hours[place].calendar.code)
        found.append((bucket, tuple(key), values))
    return found, frozenset(used)


def _in_time_of(time: BusinessTime, over: bytes | None, going_on: bytes | None = None) -> Values:
    def passed(packed: bytes | None) -> NDArray[np.int64]:
        begun, lasted = unpacked_pairs(packed).T
        return time.micros_between_many(begun, begun + lasted * 1000) // 1000

    ended, still_open = passed(over), passed(going_on)
    numbers = {
        "n": len(ended),
        "ms": int(ended.sum()),
        "over": len(ended),
        "begun": len(ended) + len(still_open),
    }
    if len(ended):
        numbers |= {"least": int(ended.min()), "most": int(ended.max())}
    return Values(numbers, ended=ended, still_open=still_open)


def with_histograms(rows: Sequence[Row], held: Container[Place]) -> list[Row]:
    """Merged histograms as values, of places that hold facts."""
    return [
        (bucket, key, Values(histogram=packed))
        for bucket, key, (packed,) in rows
        if (bucket, key) in held
    ]


def as_histograms(rows: Sequence[Row]) -> list[Row]:
    """Spans one by one as the histograms that a rollup would hold of them."""
    return [(bucket, key, Values(histogram=_as_histogram(read[0]))) for bucket, key, read in rows]


def _as_histogram(packed: bytes | None) -> bytes:
    counts: dict[int, int] = {}
    for bucket in buckets_of(unpacked(packed).clip(0, LONGEST_MS).tolist()):
        counts[bucket] = counts.get(bucket, 0) + 1
    return encode(counts)
