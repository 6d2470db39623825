"""Spans of time as they were read, made into values."""

from collections.abc import Container, Sequence

import numpy as np
from numpy.typing import NDArray

from otklik_common.clocks.business_time import BusinessTime
from otklik_metrics.domain.frames import Place, Row
from otklik_metrics.domain.histogram import LONGEST_MS, buckets_of, encode
from otklik_metrics.domain.indicators.cells import Values
from otklik_metrics.store.query_facts import unpacked, unpacked_pairs


def in_business_time(rows: Sequence[Row], time: BusinessTime) -> list[Row]:
    """Spans with their beginnings as what passed of business time."""

    def passed(packed: bytes | None) -> NDArray[np.int64]:
        begun, lasted = unpacked_pairs(packed).T
        return time.micros_between_many(begun, begun + lasted * 1000) // 1000

    found: list[Row] = []
    for bucket, key, (over, *going_on) in rows:
        ended = passed(over)
        still_open = passed(going_on[0]) if going_on else ended[:0]
        numbers = {
            "n": len(ended),
            "ms": int(ended.sum()),
            "over": len(ended),
            "begun": len(ended) + len(still_open),
        }
        if len(ended):
            numbers |= {"least": int(ended.min()), "most": int(ended.max())}
        found.append((bucket, key, Values(numbers, ended=ended, still_open=still_open)))
    return found


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
