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


class TallyFrame:
    """
    Numbers that add up, and spans, each with the place that it was read for.

    The same place may come several times: from days, quarters of an hour and facts.
    """

    def __init__(self, ops: Mapping[str, Op]) -> None:
        self._ops = ops
        self._rows: list[tuple[Place, Values]] = []

    def add(self, bucket: int, key: Key, values: Values) -> None:
        """Put what was read into its place."""
        self._rows.append(((bucket, key), values))

    def __len__(self) -> int:
        return len(self._rows)

    def total(self, name: str) -> int:
        """A sum over all places."""
        return sum(values[name] for _, values in self._rows)

    def gather(self, places: Places) -> Mapping[Place, Values]:
        """The values of every place that holds anything."""
        alone: dict[Place, Values] = {}
        gathered: dict[Place, _Gathered] = {}
        for read, values in self._rows:
            for place in places(read):
                known = gathered.get(place)
                if known is None and place not in alone:
                    alone[place] = values
                    continue
                if known is None:
                    known = gathered[place] = _Gathered()
                    known.add(alone[place], self._ops)
                known.add(values, self._ops)
        return {**alone, **{place: found.values() for place, found in gathered.items()}}


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
