"""Cells of rollups and the differences that move them: adding, merging, summing."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from otklik_metrics.domain.bucket import day_of, quarter_of
from otklik_metrics.domain.fold import Definition, FactLike, Part, contribution
from otklik_metrics.domain.fold_reads import READS
from otklik_metrics.domain.grouping import Coded, coded, coded_texts, grouped
from otklik_metrics.domain.histogram import BUCKETS, PAIR, buckets_of
from otklik_metrics.domain.measures import MEASURES
from otklik_metrics.domain.sets import MAX_DIMENSIONS, Grain, RollupSet, sets_of

Cell = tuple[int, Any, str, str, str, str]
"""
Where numbers are added: number of the set, start of the cell, d1 … d4; '' is no value.

The start is a moment in sets by quarters of an hour and a date in sets by days.
"""

_NOWHERE: NDArray[np.int64] = np.empty(0, dtype=np.int64)

_SAFE = float(2**62)
"""Sums below this fit 64 bits; above, numbers are added as Python's own, without limit."""


class Deltas:
    """
    What is to be added to the cells of one kind of one company.

    Kept as a list of what single facts add, and summed once, by columns: several times faster
    than a cell at a time. So merging is writing behind, in any order.

    Attributes:
        signs: For each moment of a fact: 1 where it is added, -1 where it is taken away.
        quarters: Its quarter of an hour.
        days: Its day.
        values: Its dimensions, as the fact has them.
        counts: How many counters it has in `columns` and `amounts`.
        spans: Number of the moment, number of the histogram, milliseconds.
    """

    __slots__ = (
        "_cells",
        "_coded",
        "amounts",
        "columns",
        "counts",
        "days",
        "kind",
        "quarters",
        "shape",
        "signs",
        "spans",
        "values",
    )

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.shape = _shape(kind)
        self.signs: list[int] = []
        self.quarters: list[datetime] = []
        self.days: list[date] = []
        self.values: list[tuple[Any, ...]] = []
        self.counts: list[int] = []
        self.columns: list[int] = []
        self.amounts: list[int] = []
        self.spans: list[tuple[int, int, int]] = []
        self._coded: tuple[int, dict[str, Coded]] = (0, {})
        self._cells: dict[int, tuple[int, list[Cell], NDArray[np.int64]]] = {}

    def include(self, fact: FactLike, part: Part, sign: int, definition: Definition) -> None:
        """Add (sign 1) or take away (-1) what `fact` adds at one of its moments."""
        self.quarters.append(quarter_of(part.at))
        self.days.append(day_of(part.at, definition.zone))
        self.values.append(self.shape.read(fact))
        for histogram, milliseconds in part.spans.items():
            self.spans.append((len(self.signs), histogram, milliseconds))
        self.signs.append(sign)
        self.counts.append(len(part.counters))
        self.columns.extend(map(self.shape.columns.__getitem__, part.counters))
        self.amounts.extend(part.counters.values())

    def add(self, other: "Deltas") -> None:
        """Take in `other`, of the same kind."""
        assert other.kind == self.kind, f"{other.kind} is not {self.kind}"
        shift = len(self.signs)
        self.quarters += other.quarters
        self.days += other.days
        self.values += other.values
        self.signs += other.signs
        self.counts += other.counts
        self.columns += other.columns
        self.amounts += other.amounts
        self.spans += [(row + shift, histogram, ms) for row, histogram, ms in other.spans]

    def counters(self, grain: Grain) -> Iterator[tuple[Cell, list[int | None]]]:
        """
        The cells of a grain that change, with the amount of each counter in the order of the
        columns; None instead of 0. Sorted: writers that lock rows in one order cannot deadlock.
        """
        rows = np.repeat(np.arange(len(self.counts)), self.counts)
        columns = np.array(self.columns, dtype=np.int64)
        amounts = _exact(self.amounts) * np.array(self.signs, dtype=np.int64)[rows]
        width = len(self.shape.columns)
        for cut, rollup in zip(self.shape.cuts, self.shape.sets, strict=True):
            if rollup.grain is not grain:
                continue
            cells, places = self._grouped(cut)
            sums = np.zeros(len(cells) * width, dtype=amounts.dtype)
            np.add.at(sums, places[rows] * width + columns, amounts)
            table = sums.reshape(len(cells), width)
            moved = table != 0
            shown = table.astype(object)
            shown[~moved] = None
            changed = moved.any(axis=1)
            for cell, change, values in zip(cells, changed.tolist(), shown.tolist(), strict=True):
                if change:
                    yield cell, values

    def histograms(self, grain: Grain) -> Iterator[tuple[Cell, int, bytes]]:
        """The histograms of a grain that change, by set, histogram and cell; without zeros."""
        if not self.spans:
            return
        rows, numbers, spans = (list(column) for column in zip(*self.spans, strict=True))
        at = np.array(rows, dtype=np.int64)
        signs = np.array(self.signs, dtype=np.int64)[at]
        buckets = np.array(buckets_of(spans), dtype=np.int64)
        histograms = np.array(numbers, dtype=np.int64)
        for cut, rollup in zip(self.shape.cuts, self.shape.sets, strict=True):
            if rollup.grain is not grain or not rollup.histograms:
                continue
            cells, places = self._grouped(cut)
            # One number names histogram, cell and bucket, in the order of the key of the table.
            names = (histograms * len(cells) + places[at]) * BUCKETS + buckets
            found, inverse = np.unique(names, return_inverse=True)
            sums = np.zeros(len(found), dtype=np.int64)
            np.add.at(sums, inverse, signs)
            kept = sums != 0
            if kept.any():
                yield from _encoded(cells, found[kept], sums[kept])

    def _grouped(self, cut: "_Cut") -> tuple[list[Cell], NDArray[np.int64]]:
        """The cells of a set that are touched, sorted, and the place of each moment among them."""
        count, cells, places = self._cells.get(cut.number, (0, [], _NOWHERE))
        if count != len(self.signs):
            columns = self._columns()
            start = columns["quarter" if cut.quarter else "day"]
            groups, places = grouped([start, *(columns[name] for name in cut.dimensions)])
            none = ("",) * (MAX_DIMENSIONS - len(cut.dimensions))
            cells = [(cut.number, *group, *none) for group in groups]
            self._cells[cut.number] = (len(self.signs), cells, places)
        return cells, places

    def _columns(self) -> dict[str, Coded]:
        """What the sets are cut by: starts, and dimensions by name."""
        count, columns = self._coded
        if count != len(self.signs):
            dimensions = zip(self.shape.names, zip(*self.values, strict=True), strict=True)
            columns = {
                "quarter": coded(self.quarters),
                "day": coded(self.days),
                **{name: coded_texts(values) for name, values in dimensions},
            }
            self._coded = (len(self.signs), columns)
        return columns


def fold(
    into: Deltas,
    *,
    old: FactLike | None,
    new: FactLike | None,
    definition: Definition,
    since: datetime | None = None,
    until: datetime | None = None,
) -> None:
    """
    Add to `into` what the rollups change by when a subject goes from `old` to `new`.

    Args:
        into: Takes contribution(new) - contribution(old).
        old: State of the subject before; None if it was unknown or void.
        new: Its state now; None if it is void.
        definition: What the version of the rollups froze.
        since: Leave out what happened before this.
        until: Leave out what happened at this or later.
    """
    for fact, sign in ((old, -1), (new, 1)):
        if fact is None:
            continue
        for part in contribution(into.kind, fact, definition):
            if (since is None or part.at >= since) and (until is None or part.at < until):
                into.include(fact, part, sign, definition)


@cache
def fields_read(kind: str) -> tuple[str, ...]:
    """The fields of a fact that `fold` looks at."""
    return tuple(sorted({*READS[kind], *_shape(kind).names}))


def _exact(amounts: list[int]) -> NDArray[Any]:
    """Amounts as an array in which no sum can overflow."""
    try:
        exact = np.array(amounts, dtype=np.int64)
        if float(np.abs(exact.astype(np.float64)).sum()) < _SAFE:
            return exact
    except OverflowError:
        pass
    return np.array(amounts, dtype=object)


def _encoded(
    cells: list[Cell], names: NDArray[np.int64], sums: NDArray[np.int64]
) -> Iterator[tuple[Cell, int, bytes]]:
    """Histograms out of sorted (histogram, cell, bucket) numbers and their counts."""
    owners, buckets = np.divmod(names, BUCKETS)
    pairs = np.empty(len(names), dtype=PAIR)
    pairs["bucket"] = buckets
    # A batch holds far fewer facts than fit a pair.
    pairs["n"] = sums
    firsts = np.flatnonzero(np.diff(owners, prepend=-1))
    ends = np.append(firsts[1:], len(names))
    histograms, places = np.divmod(owners[firsts], len(cells))
    for histogram, place, first, end in zip(
        histograms.tolist(), places.tolist(), firsts.tolist(), ends.tolist(), strict=True
    ):
        yield cells[place], histogram, pairs[first:end].tobytes()


class _Cut(NamedTuple):
    """A set, ready to be applied: which start it takes, and the dimensions of d1 … d4."""

    number: int
    quarter: bool
    dimensions: tuple[str, ...]


class _Shape(NamedTuple):
    """The sets of a kind, and how to read the dimensions that they use out of a fact."""

    names: tuple[str, ...]
    read: Callable[[FactLike], tuple[Any, ...]]
    sets: tuple[RollupSet, ...]
    cuts: tuple[_Cut, ...]
    columns: Mapping[str, int]


@cache
def _shape(kind: str) -> _Shape:
    sets = sets_of(kind)
    names = tuple(sorted({name for s in sets for name in s.dimensions}))
    columns = {name: place for place, name in enumerate(MEASURES[kind].names)}
    cuts = tuple(_Cut(s.number, s.grain is Grain.QUARTER, s.dimensions) for s in sets)
    return _Shape(names, attrgetter(*names), sets, cuts, columns)
