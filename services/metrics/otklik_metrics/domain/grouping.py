"""Rows grouped by several columns at once: columns become numbers, and the numbers one key."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_MOST = 2**62
"""Keys stay below this, within 64 bits."""


class Coded(NamedTuple):
    """
    A column as numbers.

    Attributes:
        values: What it holds, each value once, sorted.
        codes: For each row the place of its value among them, so that codes sort as values do.
    """

    values: list[Any]
    codes: NDArray[np.int64]


def coded(column: Sequence[Any]) -> Coded:
    """A column of values that can be sorted."""
    values = sorted(set(column))
    return Coded(values, _placed(column, {value: place for place, value in enumerate(values)}))


def coded_texts(column: Sequence[Any]) -> Coded:
    """A column of anything as text, '' where there is nothing. Equal values have equal texts."""
    texts = {value: str(value or "") for value in set(column)}
    values = sorted(set(texts.values()))
    places = {text: place for place, text in enumerate(values)}
    return Coded(values, _placed(column, {value: places[text] for value, text in texts.items()}))


def _placed(column: Sequence[Any], places: dict[Any, int]) -> NDArray[np.int64]:
    found = map(places.__getitem__, column)
    return np.fromiter(found, dtype=np.int64, count=len(column))


def grouped(columns: Sequence[Coded]) -> tuple[list[tuple[Any, ...]], NDArray[np.int64]]:
    """The groups, sorted by their values in the order of the columns, and the group of each row."""
    keys, most = columns[0].codes, len(columns[0].values)
    for column in columns[1:]:
        if most * len(column.values) >= _MOST:
            # No more keys than rows, in the same order.
            found, keys = np.unique(keys, return_inverse=True)
            most = len(found)
        keys = keys * len(column.values) + column.codes
        most *= len(column.values)
    _, firsts, places = np.unique(keys, return_index=True, return_inverse=True)
    groups = zip(*(_taken(column, firsts) for column in columns), strict=True)
    return list(groups), places.astype(np.int64)


def _taken(column: Coded, rows: NDArray[np.int64]) -> Iterable[Any]:
    return map(column.values.__getitem__, column.codes[rows].tolist())
