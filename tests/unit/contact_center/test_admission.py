"""What of a push is let in; and that both descriptions of an event say the same."""

import json
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from otklik_common.http import field_errors
from otklik_contact_center.api.schemas import PushedEvent
from otklik_contact_center.domain.admission import (
    BULK,
    LIVE,
    MAX_BYTES,
    MAX_EVENTS,
    MalformedError,
    canonical,
    decode_stored,
    is_ahead,
    lane_of,
    read_push,
)
from otklik_contact_center.domain.agent_state import read_states
from otklik_contact_center.domain.events import (
    ACTORS,
    CHANNELS,
    DIRECTIONS,
    ENDINGS,
    MAX_ATTRIBUTES,
    TYPES,
    Event,
)
from tests.unit.contact_center.builders import an_event

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "id": "pbx1-883-answered",
    "contact": "pbx1-883",
    "type": "answered",
    "at": "2026-03-02T09:14:05+03:00",
}
FULL: dict[str, Any] = {
    **GOOD,
    "channel": "call",
    "direction": "in",
    "party": "buyer",
    "from": "+79991234567",
    "to": "+73452000001",
    "customer": {"phone": "+79991234567", "email": "a@b.test", "external_id": "7"},
    "queue": "sales",
    "branch": "tyumen",
    "team": "a",
    "agent": "petrova",
    "campaign": "autumn",
    "touchpoint": "viewing",
    "stage": "search",
    "actor": "human",
    "public": False,
    "outcome": "voicemail",
    "due_at": "2026-03-03T00:00:00Z",
    "waited_seconds": 9.6,
    "talked_seconds": 0,
    "text": "добрый день",
    "attributes": {"utm_source": "x"},
}

ACCEPTED: list[dict[str, Any]] = [
    GOOD,
    FULL,
    *({**GOOD, name: None} for name in FULL if name not in {*GOOD, "public"}),
    *({**GOOD, "type": value} for value in TYPES),
    *({**GOOD, "channel": value} for value in CHANNELS),
    *({**GOOD, "direction": value} for value in DIRECTIONS),
    *({**GOOD, "actor": value} for value in ACTORS),
    *({**GOOD, "outcome": value} for value in ENDINGS),
    {**GOOD, "at": "2026-03-02T09:14:05Z"},
    {**GOOD, "at": "2026-03-02t09:14:05.123456-05:30"},
    {**GOOD, "id": "я" * 200},
    {**GOOD, "waited_seconds": 0},
    {**GOOD, "attributes": {}},
    {**GOOD, "attributes": {f"n{n}": "v" for n in range(MAX_ATTRIBUTES)}},
    {**GOOD, "customer": {}},
]

REFUSED: list[tuple[Any, str]] = [
    ({**GOOD, "unheard": 1}, "unknown_field"),
    ({**GOOD, "customer": {"name": "Анна"}}, "unknown_field"),
    *(({key: GOOD[key] for key in GOOD if key != name}, "missing") for name in GOOD),
    *(({**GOOD, name: 7}, "wrong_type") for name in ("id", "contact", "queue", "from", "text")),
    ({**GOOD, "id": None}, "wrong_type"),
    ({**GOOD, "public": "yes"}, "wrong_type"),
    ({**GOOD, "public": 1}, "wrong_type"),
    ({**GOOD, "waited_seconds": "9"}, "wrong_type"),
    ({**GOOD, "attributes": ["x"]}, "wrong_type"),
    ({**GOOD, "attributes": {"x": 1}}, "wrong_type"),
    ({**GOOD, "customer": "Анна"}, "wrong_type"),
    ({**GOOD, "at": "2026-03-02T09:14:05"}, "time_without_zone"),
    ({**GOOD, "due_at": "2026-03-02T09:14:05"}, "time_without_zone"),
    ({**GOOD, "at": "yesterday"}, "malformed"),
    ({**GOOD, "at": "2026-13-02T09:14:05Z"}, "malformed"),
    ({**GOOD, "at": 1772432045}, "wrong_type|malformed"),
    ({**GOOD, "type": "exploded"}, "not_one_of"),
    ({**GOOD, "channel": "pigeon"}, "not_one_of"),
    ({**GOOD, "actor": "cat"}, "not_one_of"),
    ({**GOOD, "outcome": "answered"}, "not_one_of"),
    ({**GOOD, "id": ""}, "too_short"),
    ({**GOOD, "id": "x" * 201}, "too_long"),
    ({**GOOD, "branch": "x" * 101}, "too_long"),
    ({**GOOD, "from": "x" * 321}, "too_long"),
    ({**GOOD, "text": "x" * 10_001}, "too_long"),
    ({**GOOD, "attributes": {"x" * 101: "v"}}, "too_long"),
    ({**GOOD, "attributes": {"x": "v" * 1001}}, "too_long"),
    ({**GOOD, "attributes": {f"n{n}": "v" for n in range(65)}}, "too_long"),
    ({**GOOD, "waited_seconds": -1}, "out_of_range"),
    ({**GOOD, "waited_seconds": 1e9}, "out_of_range"),
    ({**GOOD, "text": "a\0b"}, "malformed"),
    ({**GOOD, "attributes": {"x": "\0"}}, "malformed"),
    (7, "wrong_type"),
    ("event", "wrong_type"),
    (None, "wrong_type"),
    ([], "wrong_type"),
]


def judged(event: Any) -> list[str]:
    """Codes with which the hot decoder refuses an event, inside of an array."""
    push = read_push(json.dumps([event]).encode(), NOW)
    assert len(push.admitted) + len(push.refused) == 1
    return [refusal.code for refusal in push.refused]


def documented(event: Any) -> set[str]:
    """Codes with which the documented model refuses it."""
    try:
        PushedEvent.model_validate_json(json.dumps(event))
    except ValidationError as wrong:
        return {error.code for error in field_errors(wrong)}
    return set()


@pytest.mark.parametrize("event", ACCEPTED)
def test_both_decoders_accept(event: dict[str, Any]) -> None:
    assert judged(event) == []
    assert documented(event) == set()


@pytest.mark.parametrize(("event", "codes"), REFUSED)
def test_both_decoders_refuse_with_the_same_code(event: Any, codes: str) -> None:
    (code,) = judged(event)
    assert code in codes.split("|")
    assert documented(event) & set(codes.split("|"))


def test_both_decoders_read_the_same() -> None:
    (one,) = read_push(json.dumps(FULL).encode(), NOW).admitted
    model = PushedEvent.model_validate(FULL)
    for name in Event.__struct_fields__:
        ours = getattr(one.event, name)
        theirs = getattr(model, "type_" if name == "type" else name)
        if name == "customer":
            assert theirs.model_dump() == {
                "phone": ours.phone,
                "email": ours.email,
                "external_id": ours.external_id,
            }
        else:
            assert ours == theirs, name


def test_the_model_has_every_field_of_the_event() -> None:
    names = {field.alias or name for name, field in PushedEvent.model_fields.items()}
    assert names == set(Event.__struct_encode_fields__)


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (NOW + timedelta(hours=24), None),
        (NOW + timedelta(hours=24, seconds=1), "time_in_future"),
        (datetime(1990, 1, 1, tzinfo=UTC), None),
        (datetime(1989, 12, 31, 23, 59, 59, tzinfo=UTC), "time_too_old"),
    ],
)
def test_times_have_limits(at: datetime, code: str | None) -> None:
    assert judged({**GOOD, "at": at.isoformat()}) == ([] if code is None else [code])


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"])
def test_times_at_the_end_of_the_calendar_are_refused(at: str) -> None:
    assert judged({**GOOD, "at": at})[0].startswith("time_")
    assert judged({**GOOD, "due_at": at}) == ["out_of_range"]


def test_a_clock_ten_minutes_ahead_is_flagged() -> None:
    assert not is_ahead(an_event(at=NOW + timedelta(minutes=10)), NOW)
    assert is_ahead(an_event(at=NOW + timedelta(minutes=10, seconds=1)), NOW)


def test_what_is_a_day_old_goes_to_the_bulk_lane() -> None:
    assert lane_of(an_event(at=NOW - timedelta(hours=24)), NOW) == LIVE
    assert lane_of(an_event(at=NOW - timedelta(hours=24, seconds=1)), NOW) == BULK


def test_spaces_and_order_of_fields_make_no_other_body() -> None:
    spaced = json.dumps({**FULL, "attributes": {"b": "2", "a": "1"}}, indent=3).encode()
    turned = json.dumps(
        dict(reversed({**FULL, "attributes": {"a": "1", "b": "2"}}.items()))
    ).encode()
    bodies = {read_push(body, NOW).admitted[0].body for body in (spaced, turned)}
    assert len(bodies) == 1
    assert decode_stored(bodies.pop()) == read_push(spaced, NOW).admitted[0].event


def test_details_show_no_values() -> None:
    secret = "+79005550101"
    for event in (
        {**GOOD, "type": secret},
        {**GOOD, "at": secret},
        {**GOOD, "from": secret * 100},
        {**GOOD, "public": secret},
    ):
        (refusal,) = read_push(json.dumps([event]).encode(), NOW).refused
        assert secret not in refusal.detail
        assert refusal.detail.isascii()


def test_a_body_cut_anywhere_is_refused_whole_or_read_whole() -> None:
    whole = json.dumps([FULL, GOOD], ensure_ascii=False).encode()
    for end in range(len(whole)):
        with pytest.raises(MalformedError):
            read_push(whole[:end], NOW)


def test_a_line_too_many_is_too_many() -> None:
    line = json.dumps(GOOD).encode() + b"\n"
    assert len(read_push(line * MAX_EVENTS, NOW).admitted) == MAX_EVENTS
    with pytest.raises(MalformedError, match="more than 5000"):
        read_push(line * (MAX_EVENTS + 1), NOW)


SMALL = json.dumps({"id": "1", "contact": "1", "type": "held", "at": "2026-03-02T09:00:00Z"})


@pytest.mark.parametrize("read", [read_push, read_states])
@pytest.mark.parametrize(
    "body",
    [
        b"[" + b"1," * (MAX_BYTES // 2 - 2) + b"1]",
        b"[" + b"{}," * (MAX_BYTES // 3 - 1) + b"{}]",
        b"[" + b",".join([SMALL.encode()] * (MAX_BYTES // len(SMALL) - 5_000)) + b"]",
        b"1\n" * (MAX_BYTES // 2),
    ],
)
def test_of_too_many_elements_only_so_many_are_read(read: Any, body: bytes) -> None:
    assert len(body) <= MAX_BYTES
    lines = not body.startswith(b"[")
    tracemalloc.start()
    try:
        with pytest.raises(MalformedError, match="more than 5000"):
            read(body, NOW, lines=lines)
        # A text of the body, to see that it is UTF-8, and some thousand elements.
        assert tracemalloc.get_traced_memory()[1] < 4 * MAX_BYTES
    finally:
        tracemalloc.stop()


def test_as_many_as_are_allowed_are_read_however_large_the_body() -> None:
    event = GOOD | {"text": "x" * 100}
    events = [event | {"id": f"e{n}"} for n in range(MAX_EVENTS)]
    push = read_push(json.dumps(events).encode(), NOW)
    assert [one.event.id for one in push.admitted] == [one["id"] for one in events]
    with pytest.raises(MalformedError, match="more than 5000"):
        read_push(json.dumps([*events, event]).encode(), NOW)


# JSON knows no infinity and no NaN, although Python writes them.
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)

JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*FULL, "x"]), JSON | st.sampled_from(list(FULL.values()))))
def test_both_decoders_agree_on_anything(changes: dict[str, Any]) -> None:
    event = {**GOOD, **changes}
    refused = judged(event)
    # Times of the wrong year are the only thing that the model does not know of.
    if not any(code.startswith("time_") or code == "out_of_range" for code in refused):
        assert bool(refused) == bool(documented(event)), (refused, documented(event))


@given(st.binary(max_size=200))
def test_no_body_breaks_the_reader(body: bytes) -> None:
    try:
        push = read_push(body, NOW)
    except MalformedError:
        return
    for one in push.admitted:
        assert canonical(one.event) == one.body


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        ({"phone": "+79991234567"}, "phone is unknown; fields: id, contact, type, at, channel,"),
        ({"type": "rung"}, "type has a value that is not in the list: amended, answered,"),
        ({"channel": "fax"}, "channel has a value that is not in the list: call, "),
    ],
)
def test_a_refusal_says_what_would_have_been_right(said: dict[str, str], detail: str) -> None:
    body = {"id": "1", "contact": "c", "type": "queued", "at": "2026-03-02T09:14:00+03:00", **said}
    (refused,) = read_push(json.dumps(body).encode(), NOW).refused
    assert refused.detail.startswith(detail)
    assert "+7999" not in refused.detail
