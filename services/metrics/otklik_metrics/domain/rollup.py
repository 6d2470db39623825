"""Cells of rollups and the differences that move them: adding, merging, comparing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import NamedTuple, TypeVar

from otklik_metrics.domain.bucket import day_of, quarter_of
from otklik_metrics.domain.fold import READS, Definition, FactLike, Part, contribution
from otklik_metrics.domain.histogram import bucket_of
from otklik_metrics.domain.sets import MAX_DIMENSIONS, Grain, RollupSet, sets_of


class Cell(NamedTuple):
    """Where numbers are added: number of the set, start of the cell, d1 … d4; '' is no value."""

    set: int
    at: datetime | date
    d1: str
    d2: str
    d3: str
    d4: str


Counters = dict[str, int]
Spans = dict[int, dict[int, int]]
"""Number of spans by histogram and bucket."""


@dataclass(slots=True)
class Deltas:
    """
    What is to be added to the cells of one kind. Zeros mean nothing.

    Attributes:
        counters: Amount by cell and counter.
        spans: Number of spans by cell, histogram and bucket.
    """

    counters: dict[Cell, Counters] = field(default_factory=dict)
    spans: dict[Cell, Spans] = field(default_factory=dict)

    def add(self, other: "Deltas") -> None:
        """Take in `other`: in any order and grouping the outcome is the same."""
        for cell, counters in other.counters.items():
            _add(self.counters.setdefault(cell, {}), counters)
        for cell, spans in other.spans.items():
            mine = self.spans.setdefault(cell, {})
            for histogram, buckets in spans.items():
                _add(mine.setdefault(histogram, {}), buckets)

    def moving_counters(self) -> Iterator[tuple[Cell, Counters]]:
        """Cells that change, sorted: writers that lock rows in one order cannot deadlock."""
        for cell in sorted(self.counters):
            moved = {name: amount for name, amount in self.counters[cell].items() if amount}
            if moved:
                yield cell, moved

    def moving_spans(self) -> Iterator[tuple[Cell, int, dict[int, int]]]:
        """Histograms that change, sorted by set, histogram and the rest of the cell."""
        found = [
            (cell, histogram, {bucket: n for bucket, n in buckets.items() if n})
            for cell, spans in self.spans.items()
            for histogram, buckets in spans.items()
        ]
        found.sort(key=lambda row: (row[0].set, row[1], row[0]))
        return (row for row in found if row[2])


def fold(
    into: Deltas,
    kind: str,
    *,
    old: FactLike | None,
    new: FactLike | None,
    definition: Definition,
    since: datetime | None = None,
    until: datetime | None = None,
) -> None:
    """
    Add to `into` what the rollups of `kind` change by when a subject goes from `old` to `new`.

    Args:
        into: Takes contribution(new) - contribution(old).
        kind: Kind of the subject.
        old: Its state before; None if it was unknown or void.
        new: Its state now; None if it is void.
        definition: What the version of the rollups froze.
        since: Leave out what happened before this.
        until: Leave out what happened at this or later.
    """
    for fact, sign in ((old, -1), (new, 1)):
        if fact is None:
            continue
        for part in contribution(kind, fact, definition):
            if (since is None or part.at >= since) and (until is None or part.at < until):
                _include(into, kind, fact, part, sign, definition)


def _include(
    into: Deltas, kind: str, fact: FactLike, part: Part, sign: int, definition: Definition
) -> None:
    shape = _shape(kind)
    values = shape.values(fact)
    quarter, day = quarter_of(part.at), day_of(part.at, definition.zone)
    buckets = [(histogram, bucket_of(ms)) for histogram, ms in part.spans.items()]
    for cut in shape.cuts:
        d1, d2, d3, d4 = cut.picks
        cell = Cell(
            cut.number,
            quarter if cut.quarter else day,
            values[d1],
            values[d2],
            values[d3],
            values[d4],
        )
        counters = into.counters.get(cell)
        if counters is None:
            counters = into.counters[cell] = {}
        for name, amount in part.counters.items():
            counters[name] = counters.get(name, 0) + sign * amount
        if not (cut.histograms and buckets):
            continue
        spans = into.spans.get(cell)
        if spans is None:
            spans = into.spans[cell] = {}
        for histogram, bucket in buckets:
            counts = spans.setdefault(histogram, {})
            counts[bucket] = counts.get(bucket, 0) + sign


@cache
def fields_read(kind: str) -> tuple[str, ...]:
    """The fields of a fact that `fold` looks at."""
    return tuple(sorted({*READS[kind], *_shape(kind).names}))


class _Cut(NamedTuple):
    """A set, ready to be applied: places of d1 … d4 among the values of a fact."""

    number: int
    quarter: bool
    picks: tuple[int, int, int, int]
    histograms: bool


class _Shape(NamedTuple):
    """The sets of a kind, and how to read the dimensions that they use out of a fact."""

    names: tuple[str, ...]
    cuts: tuple[_Cut, ...]

    def values(self, fact: FactLike) -> list[str]:
        """Texts of the dimensions, '' where there is none, and one '' at the end."""
        found = [getattr(fact, name) for name in self.names]
        return ["" if value is None else str(value) for value in found] + [""]


@cache
def _shape(kind: str) -> _Shape:
    sets = sets_of(kind)
    names = tuple(sorted({name for s in sets for name in s.dimensions}))
    return _Shape(names, tuple(_cut(s, names) for s in sets))


def _cut(rollup: RollupSet, names: tuple[str, ...]) -> _Cut:
    places = [names.index(name) for name in rollup.dimensions]
    d1, d2, d3, d4 = places + [len(names)] * (MAX_DIMENSIONS - len(places))
    quarter = rollup.grain is Grain.QUARTER
    return _Cut(rollup.number, quarter, (d1, d2, d3, d4), rollup.histograms)


_K = TypeVar("_K")


def _add(mine: dict[_K, int], theirs: Mapping[_K, int]) -> None:
    for key, amount in theirs.items():
        mine[key] = mine.get(key, 0) + amount
