"""
A row of a file turned into events, by a mapping.

The ids of its events are made of its key, so that the same row in another import, or in the same
one after a crash, gives the same events, which the inbox then knows.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from otklik_contact_center.domain.admission import Admitted, Judge, canonical
from otklik_contact_center.domain.events import MAX_ID, Event
from otklik_contact_center.domain.explaining import explain
from otklik_contact_center.domain.mapping import MAX_NAME, EventOfRow, Order
from otklik_contact_center.domain.mapping import Mapping as FileMapping
from otklik_contact_center.domain.mapping_cells import (
    Cells,
    Columns,
    MissingColumnsError,
    Reads,
    RowError,
    reader_of,
)
from otklik_contact_center.domain.mapping_moments import Moments
from otklik_contact_center.domain.mapping_targets import ATTRIBUTES, CUSTOMER

_TIME_CHARACTERS: Final = 18
MOST_KEY: Final = MAX_ID - MAX_NAME - _TIME_CHARACTERS - 2
"""Characters of a key: with an event's name and time behind it, it still is an id."""

_SPOILT: Final = re.compile("[\0\ud800-\udfff]")
_MICROSECONDS: Final = 1_000_000


class Told(NamedTuple):
    """What a row tells: events in the order of the mapping, not yet judged."""

    contact: str
    events: Sequence[Event]


class Taken(NamedTuple):
    """Events of a row that may be taken in, in the order of the mapping."""

    contact: str
    events: Sequence[Admitted]


class Entry(NamedTuple):
    """
    What a row brings into the comparison with others of its key.

    Attributes:
        rank: The row with the greatest counts; in microseconds, the least where it is not said.
    """

    key: str
    rank: int


def columns_of(mapping: FileMapping) -> Sequence[str]:
    """Names of the columns that a mapping looks at."""
    try:
        Translator(mapping, ())
    except MissingColumnsError as missing:
        return missing.columns
    raise AssertionError("a mapping has a key")


class Translator:
    """
    A mapping put to work on files with a certain header.

    Attributes:
        repeated: What happens to rows that share a key: see `mapping.Key`.
        key_columns: Names of the columns that hold it.

    Raises:
        MissingColumnsError: The header lacks columns that the mapping names.
    """

    def __init__(self, mapping: FileMapping, header: Sequence[str]) -> None:
        columns = Columns(header, mapping.format.empty)
        self._columns = columns
        self.repeated = mapping.key.repeated
        self._key = [columns.place(name) for name in mapping.key.columns]
        self.key_columns = ", ".join(mapping.key.columns)
        self._prefix = mapping.key.prefix
        self._skip = [columns.condition(one) for one in mapping.skip]
        self._moments = Moments(mapping, columns)
        self._latest_by = mapping.key.latest_by
        self._orders = mapping.orders
        self._requirements = [(columns.all_of(one.when), one.times) for one in mapping.requirements]
        self._fields = _readers(mapping.fields, columns, mapping.format.decimal)
        self._events = [_Maker(one, columns, mapping.format.decimal) for one in mapping.events]
        columns.check()

    def entry(self, row: Sequence[str]) -> Entry | None:
        """What decides which row of a key counts; None for a row that does not ask to."""
        cells = self._columns.cells(row)
        if any(holds(cells) for holds in self._skip):
            return None
        try:
            return Entry(self._contact(cells), self._rank(cells))
        except RowError:
            return None

    def _rank(self, cells: Cells) -> int:
        if self.repeated != "last" or self._latest_by is None:
            return 0
        try:
            at = self._moments.read(cells).get(self._latest_by)
        except RowError:
            return _LEAST
        return _LEAST if at is None else _microseconds(at)

    def translate(self, row: Sequence[str], judge: Judge) -> Taken | None:
        """
        What a row tells, judged; None if the mapping passes it over.

        Raises:
            RowError: It cannot be taken in.
        """
        told = self.tell(row)
        if told is None:
            return None
        judged = [_judged(event, place, judge) for place, event in enumerate(told.events)]
        return Taken(told.contact, judged)

    def tell(self, row: Sequence[str]) -> Told | None:
        """
        What a row tells; None if the mapping passes it over.

        Raises:
            RowError: It cannot be understood.
        """
        if _SPOILT.search("".join(row)):
            raise self._columns.spoilt(row, _SPOILT)
        cells = self._columns.cells(row)
        if any(holds(cells) for holds in self._skip):
            return None
        contact = self._contact(cells)
        times = self._moments.read(cells)
        self._demand(cells, times)
        self._put_in_order(times)
        events: list[Event] = []
        for maker in self._events:
            made = maker.make(cells, times, contact, {} if events else self._fields)
            if made is not None:
                events.append(made)
        if not events:
            raise RowError(None, "no_events", "tells of nothing that happened")
        return Told(contact, events)

    def _contact(self, cells: Cells) -> str:
        parts = [cells[place] for place in self._key]
        if not all(parts):
            raise RowError(self.key_columns, "missing_key", "is empty")
        key = parts[0] if len(parts) == 1 else "|".join(_escaped(part) for part in parts)
        contact = self._prefix + key
        if len(contact) > MOST_KEY:
            raise RowError(self.key_columns, "too_long", f"is longer than {MOST_KEY} characters")
        return contact

    def _demand(self, cells: Cells, times: Mapping[str, datetime | None]) -> None:
        for holds, names in self._requirements:
            if holds(cells):
                for name in names:
                    if times[name] is None:
                        raise RowError(
                            self._moments.column_of(name),
                            "missing_time",
                            f"is empty, but such a row needs the time {name}",
                        )

    def _put_in_order(self, times: dict[str, datetime | None]) -> None:
        for order in self._orders:
            self._follow(order, times)

    def _follow(self, order: Order, times: dict[str, datetime | None]) -> None:
        latest: datetime | None = None
        before = ""
        for name in order.times:
            at = times[name]
            if at is None:
                continue
            if latest is not None and at < latest:
                if order.otherwise == "refuse":
                    raise RowError(
                        self._moments.column_of(name),
                        "time_order",
                        f"the time {name} lies before the time {before}",
                    )
                times[name] = None
                continue
            latest, before = at, name


_LEAST: Final = -(2**62)


def _microseconds(at: datetime) -> int:
    return round(at.timestamp() * _MICROSECONDS)


def _escaped(part: str) -> str:
    """So that no two lists of parts make the same key."""
    return part.replace("%", "%25").replace("|", "%7C")


Readers = dict[str, Reads]


def _readers(fields: Mapping[str, Any], columns: Columns, decimal: str) -> Readers:
    return {name: reader_of(name, value, columns, decimal) for name, value in fields.items()}


class _Maker:
    """Makes one of the events of a row."""

    def __init__(self, event: EventOfRow, columns: Columns, decimal: str) -> None:
        self._event = event
        self._holds: Callable[[Cells], bool] = columns.all_of(event.when)
        self._fields = _readers(event.fields, columns, decimal)

    def make(
        self,
        cells: Cells,
        times: Mapping[str, datetime | None],
        contact: str,
        common: Readers,
    ) -> Event | None:
        """The event, if the row tells of it."""
        event = self._event
        if not self._holds(cells):
            return None
        at = times[event.at]
        if at is None:
            if event.required:
                raise RowError(event.at, "missing_time", f"the time {event.at} is empty")
            return None
        id_ = f"{contact}:{event.label}"
        if event.repeats:
            id_ += f":{_microseconds(at)}"
        body: dict[str, Any] = {"id": id_, "contact": contact, "type": event.type, "at": at}
        if not event.public:
            body["public"] = False
        for name, reads in (*common.items(), *self._fields.items()):
            value = reads(cells, times)
            if value is not None:
                _put(body, name, value)
        return _converted(body)


def _put(body: dict[str, Any], name: str, value: object) -> None:
    if name.startswith(ATTRIBUTES):
        body.setdefault("attributes", {})[name.removeprefix(ATTRIBUTES)] = value
    elif name.startswith(CUSTOMER):
        body.setdefault("customer", {})[name.removeprefix(CUSTOMER)] = value
    else:
        body[name] = value


def _converted(body: dict[str, Any]) -> Event:
    try:
        return msgspec.convert(body, Event)
    except msgspec.ValidationError as wrong:
        raise RowError(None, *explain(wrong, Event)) from None


def _judged(event: Event, place: int, judge: Judge) -> Admitted:
    body = canonical(event)
    fault = judge.fault(event, body)
    if fault is not None:
        raise RowError(None, *fault)
    return Admitted(place, event, body)
