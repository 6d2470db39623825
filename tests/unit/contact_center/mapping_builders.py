"""Mappings and files, valid by default: a test says only what matters."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from otklik_contact_center.domain.admission import Judge
from otklik_contact_center.domain.events import Event
from otklik_contact_center.domain.mapping import Mapping, decode_mapping
from otklik_contact_center.domain.mapping_cells import RowError
from otklik_contact_center.domain.mapping_faults import check_mapping
from otklik_contact_center.domain.mapping_rows import Translator
from otklik_contact_center.domain.reading import Table
from otklik_contact_center.domain.reading_survey import survey

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def a_mapping_as_json(**said: Any) -> dict[str, Any]:
    """Requests that are created and closed, in Moscow."""
    return {
        "version": 1,
        "key": {"columns": ["id"]},
        "clock": {"zone": "Europe/Moscow"},
        "times": {
            "created": {"column": "created", "formats": ["%Y-%m-%d %H:%M:%S"]},
            "closed": {"column": "closed", "formats": ["%Y-%m-%d %H:%M:%S"]},
        },
        "fields": {"channel": {"constant": "form"}, "direction": {"constant": "in"}},
        "events": [
            {"type": "started", "at": "created", "required": True},
            {"type": "ended", "at": "closed", "fields": {"outcome": {"constant": "resolved"}}},
        ],
        **said,
    }


def a_mapping(**said: Any) -> Mapping:
    """The same, read and checked."""
    mapping = decode_mapping(msgspec.json.encode(a_mapping_as_json(**said)))
    check_mapping(mapping)
    return mapping


HEADER = ["id", "created", "closed", "status", "extra"]


def a_row(
    id_: str = "r1",
    created: str = "2026-03-02 09:00:00",
    closed: str = "2026-03-02 10:00:00",
    status: str = "",
    extra: str = "",
) -> list[str]:
    """A request that is closed."""
    return [id_, created, closed, status, extra]


def translated(mapping: Mapping, row: Sequence[str]) -> list[Event] | None:
    """Events of a row; None if it is passed over. Raises RowError."""
    taken = Translator(mapping, HEADER).translate(row, Judge(NOW))
    return None if taken is None else [one.event for one in taken.events]


def refusal(mapping: Mapping, row: Sequence[str]) -> tuple[str | None, str]:
    """Column and code by which a row is refused."""
    with pytest.raises(RowError) as no:
        translated(mapping, row)
    shown = no.value.detail
    assert not any(len(cell) > 2 and cell in shown for cell in row), shown
    return no.value.column, no.value.code


def read_all(mapping: Mapping, chunks: Sequence[bytes]) -> Iterator[tuple[int, Any]]:
    """Line and events, or line and code, of every row that is not outranked."""
    table = Table(chunks, mapping.format)
    translator = Translator(mapping, table.header)
    found = survey(Table(chunks, mapping.format), translator)
    for row in table:
        if row.fault is not None:
            yield row.line, row.fault[0]
        elif not found.is_outranked(row.number):
            try:
                taken = translator.translate(row.cells, Judge(NOW))
            except RowError as no:
                yield row.line, no.code
            else:
                yield row.line, None if taken is None else [one.event for one in taken.events]


def a_file(*rows: Sequence[str], header: Sequence[str] = HEADER) -> bytes:
    """A file with a header; cells need no quotes."""
    return "".join(",".join(row) + "\n" for row in (header, *rows)).encode()
