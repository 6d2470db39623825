"""Cells of a row: found by the name of their column, asked, and turned into values."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from msgspec import UNSET

from otklik_contact_center.domain.events import MAX_SECONDS
from otklik_contact_center.domain.mapping import Condition, Value
from otklik_contact_center.domain.mapping_targets import Target, target_of

Cells = list[str]
"""The cells of a row without blanks around them; what means nothing is the empty text."""

Times = Mapping[str, datetime | None]
Holds = Callable[[Cells], bool]
Reads = Callable[[Cells, Times], object]
"""A value out of a row; None: it is left out. Raises RowError."""


class RowError(Exception):
    """
    A row cannot be taken in.

    Attributes:
        column: Where it is wrong; None: in no column of its own.
        detail: Why, without what the row holds.
    """

    def __init__(self, column: str | None, code: str, detail: str) -> None:
        super().__init__(detail)
        self.column = column
        self.code = code
        self.detail = detail


class MissingColumnsError(Exception):
    """A header lacks columns, or names them twice; `columns` says which."""

    def __init__(self, columns: Sequence[str]) -> None:
        super().__init__(", ".join(columns))
        self.columns = list(columns)


class Columns:
    """Where the columns of a file stand; remembers which were asked for and are not there."""

    def __init__(self, header: Sequence[str], empty: Sequence[str]) -> None:
        names = [name.strip() for name in header]
        self._names = names
        self._places = {name: place for place, name in enumerate(names)}
        self._twice = {name for name in names if names.count(name) > 1}
        self._empty = frozenset(text.strip() for text in empty)
        self._missing: list[str] = []

    def place(self, name: str) -> int:
        """The place of a column in the row."""
        found = self._places.get(name)
        if (found is None or name in self._twice) and name not in self._missing:
            self._missing.append(name)
        return 0 if found is None else found

    def check(self) -> None:
        """Return if every column asked for is there once. Raises MissingColumnsError."""
        if self._missing:
            raise MissingColumnsError(self._missing)

    def cells(self, row: Sequence[str]) -> Cells:
        """The cells of a row, bare."""
        cells = [cell.strip() for cell in row]
        if self._empty:
            return ["" if cell in self._empty else cell for cell in cells]
        return cells

    def spoilt(self, row: Sequence[str], spoilt: re.Pattern[str]) -> RowError:
        """What is wrong with a row of which a cell cannot be read."""
        for name, cell in zip(self._names, row, strict=True):
            found = spoilt.search(cell)
            if found is not None:
                if found[0] == "\0":
                    return RowError(name, "malformed", "holds the character U+0000")
                return RowError(name, "invalid_encoding", "is not in the declared encoding")
        raise AssertionError("no cell is spoilt")

    def condition(self, condition: Condition) -> Holds:
        """Says of cells whether a condition holds."""
        place = self.place(condition.column)
        if condition.empty is not None:
            wanted = condition.empty
            return lambda cells: (not cells[place]) is wanted
        if condition.in_ is not None:
            among = frozenset(text.strip() for text in condition.in_)
            return lambda cells: cells[place] in among
        assert condition.not_in is not None
        others = frozenset(text.strip() for text in condition.not_in)
        return lambda cells: cells[place] not in others

    def all_of(self, conditions: Sequence[Condition]) -> Holds:
        """Says of cells whether all conditions hold; none always do."""
        holds = [self.condition(one) for one in conditions]
        if not holds:
            return lambda _: True
        return lambda cells: all(one(cells) for one in holds)


def reader_of(name: str, value: Value, columns: Columns, decimal: str) -> Reads:
    """What reads the field of that name; the mapping was found sound before."""
    target = target_of(name)
    assert target is not None, name
    if value.constant is not None:
        constant = value.constant
        return lambda _, __: constant
    if value.time is not None:
        time = value.time
        return lambda _, times: times[time]
    assert value.column is not None
    if target.kind == "seconds":
        return _seconds(value, value.column, columns, decimal)
    return _text(value, value.column, target, columns)


def _text(value: Value, column: str, target: Target, columns: Columns) -> Reads:
    place = columns.place(column)
    table = None
    if value.values is not None:
        table = {cell.strip(): text for cell, text in value.values.items()}
    listed = None if table is not None or not target.among else frozenset(target.among)
    default = value.default
    other = None if default is UNSET else default
    most = target.most

    def read(cells: Cells, _: Times) -> str | None:
        cell = cells[place]
        if not cell:
            if value.required:
                raise RowError(column, "missing", "is empty")
            return other
        if table is not None:
            found = table.get(cell)
            if found is None and default is UNSET:
                raise RowError(column, "unknown_value", "holds a value the mapping does not list")
            return found or other
        if listed is not None and cell not in listed:
            if default is UNSET:
                raise RowError(column, "not_one_of", "holds a value that is not in the list")
            return other
        if len(cell) > most:
            raise RowError(column, "too_long", f"is longer than {most} characters")
        return cell

    return read


_NUMBER: Final = re.compile(r"\d{1,12}(?:\.\d{1,9})?", re.ASCII)
_CLOCK: Final = re.compile(r"(?:(\d{1,5}):)?(\d{1,2}):(\d{2}(?:\.\d{1,9})?)", re.ASCII)
_PARTS: Final = {"seconds": 1.0, "milliseconds": 0.001, "minutes": 60.0}


def _seconds(value: Value, column: str, columns: Columns, decimal: str) -> Reads:
    place = columns.place(column)
    factor = _PARTS.get(value.convert)

    def read(cells: Cells, _: Times) -> float | None:
        cell = cells[place]
        if not cell:
            if value.required:
                raise RowError(column, "missing", "is empty")
            return None
        if decimal == ",":
            cell = cell.replace(",", ".")
        seconds = _of_clock(cell) if factor is None else _of_number(cell, factor)
        if seconds is None:
            raise RowError(column, "not_a_span", f"is no span in {value.convert}")
        if seconds > MAX_SECONDS:
            raise RowError(column, "out_of_range", f"is longer than {MAX_SECONDS} seconds")
        return seconds

    return read


def _of_number(cell: str, factor: float) -> float | None:
    if _NUMBER.fullmatch(cell) is None:
        return None
    return round(float(cell) * factor, 3)


def _of_clock(cell: str) -> float | None:
    """Hours, minutes and seconds: 1:02:03, 02:03."""
    found = _CLOCK.fullmatch(cell)
    if found is None or float(found[3]) >= 60 or (found[1] is not None and int(found[2]) >= 60):
        return None
    return round(int(found[1] or 0) * 3600 + int(found[2]) * 60 + float(found[3]), 3)
