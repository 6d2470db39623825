"""The moments in a row, each read once, whoever asks for it."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from otklik_contact_center.domain.mapping import Mapping, Time
from otklik_contact_center.domain.mapping_cells import Cells, Columns, Holds, RowError
from otklik_contact_center.domain.mapping_times import (
    AmbiguousError,
    NonexistentError,
    NotATimeError,
    Reader,
    WallClock,
    compile_format,
    joined,
    read_any,
    zone_of,
)


class _Place(NamedTuple):
    """Where a half of a time, or a whole one, stands in a row."""

    column: str
    cell: int
    readers: Sequence[Reader]

    def read(self, cells: Cells) -> datetime | None:
        """What the clock showed; None if the cell is empty. Raises RowError."""
        text = cells[self.cell]
        if not text:
            return None
        try:
            return read_any(self.readers, text)
        except NotATimeError as no:
            raise RowError(self.column, "not_a_time", str(no)) from None


class _Way(NamedTuple):
    """How one of the times is found."""

    name: str
    whole: _Place
    clock: _Place | None
    not_before: str | None
    instead: str | None
    instead_when: Holds

    @property
    def column(self) -> str:
        """The column to look at when it is wrong."""
        return self.whole.column if self.clock is None else self.clock.column


class Moments:
    """Reads all times that a mapping names."""

    def __init__(self, mapping: Mapping, columns: Columns) -> None:
        zone = zone_of(mapping.clock.zone)
        assert zone is not None, mapping.clock.zone
        self._clock = WallClock(
            zone, ambiguous=mapping.clock.ambiguous, nonexistent=mapping.clock.nonexistent
        )
        made = {name: _way(name, time, columns) for name, time in mapping.times.items()}
        self._ways = [made[name] for name in _in_order(mapping.times)]
        self._columns = {name: way.column for name, way in made.items()}

    def column_of(self, name: str) -> str:
        """The column to look at when that time is wrong."""
        return self._columns[name]

    def read(self, cells: Cells) -> dict[str, datetime | None]:
        """Every time of a row in UTC, by name; None where it is empty. Raises RowError."""
        times: dict[str, datetime | None] = {}
        for way in self._ways:
            times[way.name] = self._one(way, cells, times)
        return times

    def _one(self, way: _Way, cells: Cells, times: dict[str, datetime | None]) -> datetime | None:
        shown = way.whole.read(cells)
        if shown is not None and way.clock is not None:
            clock = way.clock.read(cells)
            shown = None if clock is None else joined(shown, clock)
        if shown is None:
            if way.instead is not None and way.instead_when(cells):
                return times[way.instead]
            return None
        floor = None if way.not_before is None else times[way.not_before]
        try:
            if floor is not None:
                return self._clock.moment_after(shown, floor)
            return self._clock.moment(shown)
        except AmbiguousError as no:
            raise RowError(way.column, "ambiguous_time", str(no)) from None
        except NonexistentError as no:
            raise RowError(way.column, "nonexistent_time", str(no)) from None
        except (NotATimeError, OverflowError) as no:
            raise RowError(way.column, "not_a_time", "lies outside what can be told") from no


def _way(name: str, time: Time, columns: Columns) -> _Way:
    def place(column: str, formats: Sequence[str]) -> _Place:
        readers = [compile_format(one) for one in formats]
        return _Place(column, columns.place(column), readers)

    return _Way(
        name,
        place(time.column, time.formats),
        None if time.time_column is None else place(time.time_column, time.time_formats or ()),
        time.not_before,
        time.instead,
        columns.all_of(time.instead_when),
    )


def _in_order(times: dict[str, Time]) -> list[str]:
    """Names so that each comes after those it looks at; they were found free of circles."""
    ordered: list[str] = []

    def visit(name: str) -> None:
        if name in ordered:
            return
        for other in (times[name].not_before, times[name].instead):
            if other is not None:
                visit(other)
        ordered.append(name)

    for name in times:
        visit(name)
    return ordered
