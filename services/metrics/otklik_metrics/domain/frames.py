"""What was read, by bucket and group, before anybody decides which groups are shown."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from otklik_metrics.domain.indicators.cells import Values
from otklik_metrics.domain.readings import Op

Key = tuple[Any, ...]
"""One value for each dimension of `group_by`, in its order."""

Place = tuple[int, Key]
"""A bucket's number and a group."""

Places = Callable[[Place], Iterable[Place]]
"""Where in the answer something that was read is counted: nowhere, once, or in several groups."""


class Frame(Protocol):
    """Anything that was read and can be gathered by group."""

    def keys(self) -> set[Key]:
        """The groups that were read."""
        ...

    def gather(self, places: Places) -> Mapping[Place, Values]:
        """The values of every place that holds anything."""
        ...


@dataclass(slots=True)
class _Gathered:
    numbers: dict[str, int] = field(default_factory=dict)
    histograms: list[bytes] = field(default_factory=list)
    ended: list[NDArray[np.int64]] = field(default_factory=list)
    still_open: list[NDArray[np.int64]] = field(default_factory=list)

    def add(self, values: Values, ops: Mapping[str, Op]) -> None:
        for name, number in values.numbers.items():
            known = self.numbers.get(name)
            self.numbers[name] = number if known is None else _OPS[ops[name]](known, number)
        if values.histogram:
            self.histograms.append(values.histogram)
        if values.ended is not None and values.still_open is not None:
            self.ended.append(values.ended)
            self.still_open.append(values.still_open)

    def values(self) -> Values:
        spans = bool(self.ended)
        return Values(
            self.numbers,
            b"".join(self.histograms),
            np.concatenate(self.ended) if spans else None,
            np.concatenate(self.still_open) if spans else None,
        )


_OPS: Mapping[Op, Callable[[int, int], int]] = {
    Op.SUM: lambda one, other: one + other,
    Op.LEAST: min,
    Op.MOST: max,
}


Row = tuple[int, Key, Any]
"""Bucket, group, and what was read for them: whatever a select gave."""

Reader = Callable[[Any], Values]
"""The values of one metric out of what a select gave."""


class TallyFrame:
    """
    Numbers that add up, and spans, each with the place that it was read for.

    The same place may come several times: from days, quarters of an hour and facts. Rows are kept
    as they were read, so that all metrics of a select share them, and are made into values only
    when they are gathered.
    """

    def __init__(self, ops: Mapping[str, Op]) -> None:
        self._ops = ops
        self._parts: list[tuple[Sequence[Row], Reader]] = []

    def take(self, rows: Sequence[Row], reader: Reader) -> None:
        """Put what was read into its places; the rows are not copied, and must not change."""
        self._parts.append((rows, reader))

    def take_columns(self, rows: Sequence[Row], columns: Mapping[str, int]) -> None:
        """The same of rows of numbers: in which column each of ours stands."""
        wanted = [(name, column, self._ops[name]) for name, column in columns.items()]

        def values(read: Sequence[Any]) -> Values:
            return Values(
                {
                    name: int(value or 0)
                    for name, column, op in wanted
                    if (value := read[column]) is not None or op is Op.SUM
                }
            )

        self.take(rows, values)

    def take_values(self, rows: Sequence[Row]) -> None:
        """The same of rows that hold values already."""
        self.take(rows, _as_it_is)

    def add(self, bucket: int, key: Key, values: Values) -> None:
        """Put one value into its place."""
        self.take_values([(bucket, key, values)])

    def total(self, name: str) -> int:
        """A sum over all places."""
        return sum(reader(read)[name] for rows, reader in self._parts for _, _, read in rows)

    def keys(self) -> set[Key]:
        """The groups that were read."""
        return {key for rows, _ in self._parts for _, key, _ in rows}

    def places(self) -> set[Place]:
        """The buckets and groups that were read."""
        return {(bucket, key) for rows, _ in self._parts for bucket, key, _ in rows}

    def gather(self, places: Places) -> Mapping[Place, Values]:
        """The values of every place that holds anything."""
        alone: dict[Place, Values] = {}
        gathered: dict[Place, _Gathered] = {}
        for rows, reader in self._parts:
            for bucket, key, read in rows:
                values = reader(read)
                for place in places((bucket, key)):
                    known = gathered.get(place)
                    if known is None and place not in alone:
                        alone[place] = values
                        continue
                    if known is None:
                        known = gathered[place] = _Gathered()
                        known.add(alone[place], self._ops)
                    known.add(values, self._ops)
        return {**alone, **{place: found.values() for place, found in gathered.items()}}


def _as_it_is(values: Values) -> Values:
    return values


class HistoryFrame:
    """
    Rows of facts that are judged only once it is known which groups they belong to.

    Args:
        rows: The bucket and group of each fact.
        judge: What the facts of one place, given by their row numbers, come to.
    """

    def __init__(
        self, rows: Sequence[Place], judge: Callable[[NDArray[np.int64]], Mapping[str, int]]
    ) -> None:
        self._rows = rows
        self._judge = judge

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self) -> set[Key]:
        """The groups that were read."""
        return {key for _, key in self._rows}

    def gather(self, places: Places) -> Mapping[Place, Values]:
        """The values of every place that holds anything."""
        held: defaultdict[Place, list[int]] = defaultdict(list)
        for row, read in enumerate(self._rows):
            for place in places(read):
                held[place].append(row)
        return {
            place: Values(self._judge(np.array(rows, dtype=np.int64)))
            for place, rows in held.items()
        }
