"""A pushed body as rows of cells, so that a mapping reads it as it reads files."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs

import msgspec

from otklik_contact_center.domain.mapping import Mapping as Mapped
from otklik_contact_center.domain.mapping import decode_mapping, encode_mapping
from otklik_contact_center.domain.mapping_cells import RowError
from otklik_contact_center.domain.mapping_rows import Translator, columns_of
from otklik_contact_center.domain.providers.pushed import Directions, Event, UnreadableError

MOST_ROWS: Final = 1_000
"""Of one body."""

MOST_FIELDS: Final = 200
"""Of a form."""


class _Reader(NamedTuple):
    """A mapping at work on bodies."""

    columns: Sequence[str]
    translator: Translator


@lru_cache(maxsize=500)
def _reader(encoded: bytes) -> _Reader:
    mapping = decode_mapping(encoded)
    columns = columns_of(mapping)
    return _Reader(columns, Translator(mapping, columns))


def events_of(mapping: Mapped, body: bytes, directions: Directions) -> list[Event]:
    """
    The events in a body: JSON or a form.

    A column is the path of a value in it, `call.legs.0.number`, or the name of a form's field.
    What is not there is an empty cell, as are null, lists and objects; true and false are texts.

    Raises:
        UnreadableError: It is neither, or the mapping does not understand it.
    """
    zone = directions.zone
    if zone is not None:
        clock = msgspec.structs.replace(mapping.clock, zone=zone)
        mapping = msgspec.structs.replace(mapping, clock=clock)
    reader = _reader(encode_mapping(mapping))
    events: list[Event] = []
    for row in _rows(value_of(body), mapping.format.each):
        cells = [cell_of(row, name) for name in reader.columns]
        try:
            told = reader.translator.tell(cells)
        except RowError as no:
            where = "" if no.column is None else f"{no.column} "
            raise UnreadableError(f"{where}{no.detail}", f"{where}{no.detail}") from None
        if told is not None:
            events += [msgspec.to_builtins(event) for event in told.events]
    return events


def value_of(body: bytes) -> Any:
    """What a body holds: JSON, else a form's fields. Raises UnreadableError."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        fields = parse_qs(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            max_num_fields=MOST_FIELDS,
        )
    except (UnicodeDecodeError, ValueError):
        raise UnreadableError(
            "the body is neither JSON nor a form", "тело – не JSON и не форма"
        ) from None
    return {name: values[-1] for name, values in fields.items()}


def _rows(value: Any, each: str | None) -> Iterator[Any]:
    if each is None:
        yield value
        return
    elements = value if each == "" else _found(value, each)
    if not isinstance(elements, list):
        raise UnreadableError(
            f"there is no list at {each or 'the top'}", f"нет списка: {each or 'всё тело'}"
        )
    if len(elements) > MOST_ROWS:
        raise UnreadableError(
            f"the body has more than {MOST_ROWS} rows", f"в теле больше строк: {MOST_ROWS}"
        )
    for element in elements:
        yield _Row(value, each, element)


class _Row(NamedTuple):
    """An element of a list, and the body around it."""

    body: Any
    each: str
    element: Any


def cell_of(value: Any, path: str) -> str:
    """The text at a path of a body; empty where there is none."""
    if isinstance(value, _Row):
        inner = path if value.each == "" else path.removeprefix(f"{value.each}.")
        outer = value.each != "" and inner == path
        return _text(_found(value.body, path) if outer else _found(value.element, inner))
    return _text(_found(value, path))


def _found(value: Any, path: str) -> Any:
    """The value at a path; None where there is none. A name that holds dots is found whole."""
    while True:
        if isinstance(value, Mapping) and path in value:
            return value[path]
        head, dot, path = path.partition(".")
        if not dot:
            return value[int(head)] if _is_place(value, head) else None
        if isinstance(value, Mapping):
            value = value.get(head)
        else:
            value = value[int(head)] if _is_place(value, head) else None


def _is_place(value: Any, text: str) -> bool:
    return (
        isinstance(value, list)
        and text.isascii()
        and text.isdecimal()
        and len(text) < 6
        and int(text) < len(value)
    )


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    return ""
