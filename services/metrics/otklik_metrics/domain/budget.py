"""What one query may still read: all its metrics and both its periods together."""

from collections.abc import Iterable

from otklik_metrics.domain.answer import check_cells, spread_of
from otklik_metrics.domain.dimensions import BRANCH_GROUP
from otklik_metrics.domain.frames import Key
from otklik_metrics.domain.limits import (
    MOST_CELLS,
    MOST_HISTORIES,
    MOST_READ,
    MOST_SPANS,
    MOST_TAKEN,
)
from otklik_metrics.domain.query import Query
from otklik_metrics.domain.refusals import TooManyCells, TooMuchRead


class Budget:
    """
    Limits of one query, spent while it is read: it is refused as soon as it is sure to be.

    Attributes:
        histories: Facts that may still be read person by person.
        spans: Spans that may still be read one by one.

    Raises:
        TooManyCells: The buckets of its metrics alone are too many.
    """

    def __init__(self, query: Query) -> None:
        self.histories = MOST_HISTORIES
        self.spans = MOST_SPANS
        self._query = query
        self._spread = spread_of(query)
        self._taken = 0
        self._read: set[Key] = set()
        self._groups: set[Key] = set()
        if not query.group_by:
            check_cells(query, 1)

    def rows(self, period: Query, metrics: int) -> int:
        """How many rows a select of a period may have, for so many metrics."""
        most = min(MOST_READ, (MOST_TAKEN - self._taken) // metrics)
        if self._query.top is None and BRANCH_GROUP not in self._query.group_by:
            groups = MOST_CELLS // (len(self._query.buckets) * len(self._query.asked))
            most = min(most, groups * len(period.buckets))
        return most

    def too_many(self) -> TooManyCells | TooMuchRead:
        """Why a select that has more rows is refused."""
        return TooManyCells(MOST_CELLS) if self._query.top is None else TooMuchRead(MOST_TAKEN)

    def took(self, rows: int, metrics: int, keys: Iterable[Key]) -> None:
        """
        So many rows were read, each for so many metrics, of these groups.

        Raises:
            TooManyCells.
        """
        self._taken += rows * metrics
        new = set(keys) - self._read
        self._read |= new
        # Which groups are shown with `top` is known only in the end.
        if self._query.top is None:
            self._groups.update(group for key in new for _, group in self._spread((0, key)))
            check_cells(self._query, len(self._groups))
