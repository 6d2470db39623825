"""Rows turned into events, and the rows that are refused instead."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from otklik_contact_center.domain.contact import fold
from otklik_contact_center.domain.mapping_cells import MissingColumnsError
from otklik_contact_center.domain.mapping_rows import MOST_KEY, Translator
from tests.unit.contact_center.mapping_builders import HEADER, a_mapping, a_row, refusal, translated

CREATED = datetime(2026, 3, 2, 6, tzinfo=UTC)


def told(row: list[str], **said: Any) -> Any:
    found = translated(a_mapping(**said), row)
    assert found is not None
    return found


def test_a_row_tells_its_events() -> None:
    started, ended = told(a_row())
    assert (started.id, started.contact, started.type) == ("r1:started", "r1", "started")
    assert (started.at, started.channel, started.direction) == (CREATED, "form", "in")
    assert (ended.id, ended.at) == ("r1:ended", CREATED + timedelta(hours=1))
    assert (ended.outcome, ended.channel) == ("resolved", None)
    contact = fold([ended, started])
    assert contact is not None
    assert contact.course.resolution_ms == 3_600_000


def test_an_event_whose_time_is_empty_has_not_happened() -> None:
    (started,) = told(a_row(closed=" "))
    assert started.type == "started"


def test_words_that_mean_nothing() -> None:
    assert len(told(a_row(closed="NULL"), format={"empty": ["NULL", "-"]})) == 1


def test_the_first_event_carries_the_fields_of_the_mapping() -> None:
    events = [
        {"type": "queued", "at": "closed", "when": [{"column": "status", "in": ["q"]}]},
        {"type": "started", "at": "created"},
    ]
    assert [event.channel for event in told(a_row(), events=events)] == ["form"]
    assert [event.channel for event in told(a_row(status="q"), events=events)] == ["form", None]


@pytest.mark.parametrize(
    ("condition", "status", "happens"),
    [
        ({"in": ["Closed", "Done"]}, "Done", True),
        ({"in": ["Closed"]}, "Open", False),
        ({"not_in": ["Open"]}, "Closed", True),
        ({"not_in": ["Open"]}, "Open", False),
        ({"empty": True}, " ", True),
        ({"empty": False}, "", False),
        ({"empty": False}, "x", True),
    ],
)
def test_conditions(condition: dict[str, Any], status: str, happens: bool) -> None:
    events = [
        {"type": "started", "at": "created"},
        {"type": "ended", "at": "closed", "when": [{"column": "status", **condition}]},
    ]
    assert (len(told(a_row(status=status), events=events)) == 2) is happens


def test_rows_that_are_passed_over() -> None:
    mapping = a_mapping(skip=[{"column": "status", "in": ["Duplicate"]}])
    assert translated(mapping, a_row(status="Duplicate")) is None
    assert translated(mapping, a_row())


def test_a_key_of_several_columns_is_never_that_of_another_row() -> None:
    mapping = a_mapping(key={"columns": ["id", "extra"], "prefix": "x-"})
    keys = set()
    for id_, extra in (("a", "b|c"), ("a|b", "c"), ("a%7Cb", "c"), ("a", "b%7Cc")):
        found = translated(mapping, a_row(id_, extra=extra))
        assert found
        keys.add(found[0].contact)
    assert len(keys) == 4
    assert all(key.startswith("x-a") for key in keys)


def test_events_that_repeat_have_their_time_in_their_ids() -> None:
    events = [
        {"type": "message", "at": "created", "name": "note", "repeats": True, "public": False}
    ]
    (note,) = told(a_row(), events=events)
    assert note.id == f"r1:note:{round(CREATED.timestamp() * 1_000_000)}"
    assert not note.public


def test_values() -> None:
    fields = {
        "channel": {"column": "status", "values": {"Phone": "call", "API": "form"}},
        "queue": {"column": "extra", "default": "none"},
        "from": {"column": "id"},
        "customer.external_id": {"column": "id"},
        "attributes.status": {"column": "status"},
        "due_at": {"time": "closed"},
    }
    started, _ = told(a_row(status="Phone"), fields=fields)
    assert (started.channel, started.queue, started.from_) == ("call", "none", "r1")
    assert started.customer is not None
    assert started.customer.external_id == "r1"
    assert started.attributes == {"status": "Phone"}
    assert started.due_at == CREATED + timedelta(hours=1)


def test_cells_that_no_table_lists() -> None:
    table = {"column": "status", "values": {"Phone": "call"}}
    mapping = a_mapping(fields={"channel": table})
    assert refusal(mapping, a_row(status="Pigeon")) == ("status", "unknown_value")
    assert told(a_row(), fields={"channel": table})[0].channel is None
    for default, channel in (("other", "other"), (None, None)):
        fields = {"channel": {**table, "default": default}}
        assert told(a_row(status="Pigeon"), fields=fields)[0].channel == channel
        assert told(a_row(), fields=fields)[0].channel == channel


def test_lists_of_the_contract_hold_for_cells_too() -> None:
    mapping = a_mapping(fields={"channel": {"column": "status"}})
    assert refusal(mapping, a_row(status="pigeon")) == ("status", "not_one_of")
    assert (
        told(a_row(status="visit"), fields={"channel": {"column": "status"}})[0].channel == "visit"
    )
    lenient = {"channel": {"column": "status", "default": "other"}}
    assert told(a_row(status="pigeon"), fields=lenient)[0].channel == "other"


@pytest.mark.parametrize(
    ("convert", "cell", "seconds"),
    [
        ("seconds", "12", 12.0),
        ("seconds", "12.3456", 12.346),
        ("milliseconds", "1500", 1.5),
        ("minutes", "1.5", 90.0),
        ("clock", "1:02:03", 3723.0),
        ("clock", "02:03", 123.0),
        ("clock", "90:00", 5400.0),
        ("seconds", "", None),
    ],
)
def test_spans(convert: str, cell: str, seconds: float | None) -> None:
    fields = {"waited_seconds": {"column": "extra", "convert": convert}}
    assert told(a_row(extra=cell), fields=fields)[0].waited_seconds == seconds


def test_a_decimal_comma() -> None:
    fields = {"waited_seconds": {"column": "extra", "convert": "seconds"}}
    assert told(a_row(extra="1,5"), fields=fields, format={"decimal": ","})[0].waited_seconds == 1.5
    assert refusal(a_mapping(fields=fields), a_row(extra="1,5")) == ("extra", "not_a_span")


@pytest.mark.parametrize(
    ("cell", "code"),
    [("-1", "not_a_span"), ("soon", "not_a_span"), ("99999999", "out_of_range")],
)
def test_spans_that_cannot_be(cell: str, code: str) -> None:
    fields = {"talked_seconds": {"column": "extra", "convert": "seconds"}}
    assert refusal(a_mapping(fields=fields), a_row(extra=cell)) == ("extra", code)


@pytest.mark.parametrize("cell", ["1:60:00", "00:60", "12", "a:b"])
def test_clocks_that_cannot_be(cell: str) -> None:
    fields = {"talked_seconds": {"column": "extra", "convert": "clock"}}
    assert refusal(a_mapping(fields=fields), a_row(extra=cell)) == ("extra", "not_a_span")


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        (a_row(id_=" "), "id", "missing_key"),
        (a_row(id_="x" * (MOST_KEY + 1)), "id", "too_long"),
        (a_row(created=""), "created", "missing_time"),
        (a_row(created="soon"), "created", "not_a_time"),
        (a_row(created="2026-02-30 09:00:00"), "created", "not_a_time"),
        (a_row(created="1960-03-02 09:00:00"), None, "time_too_old"),
        (a_row(closed="2026-07-02 09:00:00"), None, "time_in_future"),
        (a_row(status="a\0b"), "status", "malformed"),
        (a_row(status="a\udcffb"), "status", "invalid_encoding"),
    ],
)
def test_rows_that_are_refused(row: list[str], column: str | None, code: str) -> None:
    assert refusal(a_mapping(), row) == (column, code)


def test_required_and_too_long_cells() -> None:
    fields = {
        "queue": {"column": "status", "required": True},
        "waited_seconds": {"column": "extra", "convert": "seconds", "required": True},
    }
    mapping = a_mapping(fields=fields)
    assert refusal(mapping, a_row(extra="1")) == ("status", "missing")
    assert refusal(mapping, a_row(status="q")) == ("extra", "missing")
    assert refusal(mapping, a_row(status="q" * 101, extra="1")) == ("status", "too_long")


def test_what_only_the_whole_event_shows_is_found_as_well() -> None:
    fields = {f"attributes.a{n}": {"column": "id"} for n in range(50)}
    events = [
        {
            "type": "started",
            "at": "created",
            "fields": {f"attributes.b{n}": {"column": "id"} for n in range(50)},
        }
    ]
    assert refusal(a_mapping(fields=fields, events=events), a_row()) == (None, "too_long")


def test_a_row_that_tells_of_nothing() -> None:
    events = [{"type": "started", "at": "created"}]
    assert refusal(a_mapping(events=events), a_row(created="")) == (None, "no_events")


def test_a_closing_before_the_creation() -> None:
    row = a_row(closed="2026-03-02 08:59:59")
    orders = [{"times": ["created", "closed"]}]
    assert refusal(a_mapping(orders=orders), row) == ("closed", "time_order")
    left_out = [{"times": ["created", "closed"], "otherwise": "leave_out"}]
    assert [event.type for event in told(row, orders=left_out)] == ["started"]
    assert len(told(row)) == 2
    assert len(told(a_row(closed=""), orders=orders)) == 1
    assert len(told(a_row(closed="2026-03-02 09:00:00"), orders=orders)) == 2


def test_a_closed_request_without_a_time_of_closing() -> None:
    when = [{"column": "status", "in": ["Closed"]}]
    requirements = [{"when": when, "times": ["closed"]}]
    row = a_row(closed="", status="Closed")
    assert refusal(a_mapping(requirements=requirements), row) == ("closed", "missing_time")
    assert len(told(a_row(closed="", status="Open"), requirements=requirements)) == 1
    assert len(told(a_row(status="Closed"), requirements=requirements)) == 2
    instead = {
        "created": {"column": "created", "formats": ["iso"]},
        "status": {"column": "extra", "formats": ["iso"]},
        "closed": {
            "column": "closed",
            "formats": ["iso"],
            "instead": "status",
            "instead_when": when,
        },
    }
    row = a_row(closed="", status="Closed", extra="2026-03-02 11:00:00")
    _, ended = told(row, times=instead, requirements=requirements)
    assert ended.at == CREATED + timedelta(hours=2)
    row = a_row(closed="", status="Open", extra="2026-03-02 11:00:00")
    assert len(told(row, times=instead)) == 1


def test_a_date_and_times_of_a_twelve_hour_clock() -> None:
    def part(column: str, **more: Any) -> dict[str, Any]:
        return {
            "column": "id",
            "formats": ["%Y-%m-%d"],
            "time_column": column,
            "time_formats": ["%I:%M:%S %p"],
            **more,
        }

    mapping = a_mapping(
        clock={"zone": "UTC"},
        times={"ended": part("closed", not_before="queued"), "queued": part("created")},
        events=[{"type": "queued", "at": "queued"}, {"type": "ended", "at": "ended"}],
    )
    found = translated(mapping, ["2026-03-02", "11:59:30 PM", "12:00:10 AM", "", ""])
    assert found is not None
    assert found[0].at == datetime(2026, 3, 2, 23, 59, 30, tzinfo=UTC)
    assert found[1].at - found[0].at == timedelta(seconds=40)
    found = translated(mapping, ["2026-03-02", "11:59:30 PM", "", "", ""])
    assert found is not None
    assert len(found) == 1


def test_nights_of_changing_clocks() -> None:
    autumn = a_row(created="2025-11-02 01:30:00", closed="")
    spring = a_row(created="2025-03-09 02:30:00", closed="")
    zone = "America/New_York"
    assert told(autumn, clock={"zone": zone})[0].at == datetime(2025, 11, 2, 5, 30, tzinfo=UTC)
    assert told(spring, clock={"zone": zone})[0].at == datetime(2025, 3, 9, 7, 30, tzinfo=UTC)
    strict = a_mapping(clock={"zone": zone, "ambiguous": "refuse", "nonexistent": "refuse"})
    assert refusal(strict, autumn) == ("created", "ambiguous_time")
    assert refusal(strict, spring) == ("created", "nonexistent_time")


def test_times_at_the_end_of_the_calendar() -> None:
    mapping = a_mapping(clock={"zone": "Asia/Tokyo"})
    assert refusal(mapping, a_row(created="0001-01-01 00:00:00")) == ("created", "not_a_time")


def test_a_header_that_lacks_columns_or_has_them_twice() -> None:
    mapping = a_mapping(fields={"queue": {"column": "status"}})
    with pytest.raises(MissingColumnsError) as missing:
        Translator(mapping, ["id", "created", "created"])
    assert missing.value.columns == ["created", "closed", "status"]
    Translator(mapping, [f" {name} " for name in (*HEADER, "more", "more")])
