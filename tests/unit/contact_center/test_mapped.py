"""Bodies of any product, read by a mapping of the company's own."""

import base64
import hashlib
import hmac
import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_contact_center.domain.mapping import Mapping, decode_mapping
from otklik_contact_center.domain.mapping_faults import check_mapping
from otklik_contact_center.domain.providers import mapped
from otklik_contact_center.domain.providers.pushed import (
    BadCredentialsError,
    Directions,
    Lines,
    Request,
    UnreadableError,
)
from otklik_contact_center.domain.providers.rows import value_of
from tests.support import providers
from tests.support.providers import NOW

BODY = {
    "event": "call.finished",
    "call": {
        "id": 812,
        "began": "2026-03-02 09:00:05",
        "legs": [{"number": "+74950000001", "up": 1772431225.5, "by": "petrova"}],
        "over": "2026-03-02T06:02:05Z",
    },
    "line": "+7 (495) 123-45-67",
    "recorded": True,
}


def a_mapping(**more: Any) -> Mapping:
    said = {
        "version": 1,
        "key": {"columns": ["call.id"]},
        "clock": {"zone": "Europe/Moscow"},
        "times": {
            "began": {"column": "call.began", "formats": ["%Y-%m-%d %H:%M:%S"]},
            "up": {"column": "call.legs.0.up", "formats": ["epoch"]},
            "over": {"column": "call.over", "formats": ["iso"]},
        },
        "fields": {
            "channel": {"constant": "call"},
            "direction": {"constant": "in"},
            "from": {"column": "call.legs.0.number"},
            "to": {"column": "line"},
            "attributes.recorded": {"column": "recorded"},
        },
        "events": [
            {"type": "queued", "at": "began"},
            {
                "type": "answered",
                "at": "up",
                "fields": {"agent": {"column": "call.legs.0.by"}, "actor": {"constant": "human"}},
            },
            {"type": "ended", "at": "over"},
        ],
        **more,
    }
    found = decode_mapping(json.dumps(said).encode())
    check_mapping(found)
    return found


def directions(mapping: Mapping | None = None, **more: Any) -> Directions:
    return Directions(mapping=mapping or a_mapping(), **more)


def test_paths_into_a_body_are_columns() -> None:
    found = providers.contact_of(
        mapped.PROVIDER,
        providers.as_json([BODY]),
        directions(lines={"74951234567": Lines("moscow")}, agents={"petrova": "101"}),
    )
    about, course = found.about, found.course
    assert (about.channel, about.direction, about.branch, about.agent) == (
        "call",
        "in",
        "moscow",
        "101",
    )
    assert course.offered_at == datetime(2026, 3, 2, 6, 0, 5, tzinfo=UTC)
    assert course.answered_at == datetime(2026, 3, 2, 6, 0, 25, 500_000, tzinfo=UTC)
    assert (course.ended_at, found.waited_ms) == (datetime(2026, 3, 2, 6, 2, 5, tzinfo=UTC), 20_500)
    assert (found.outcome, about.attributes) == ("answered", {"recorded": "true"})


def test_a_form_is_read_like_json() -> None:
    mapping = a_mapping(
        key={"columns": ["id"]},
        times={"at": {"column": "when", "formats": ["epoch_ms"]}},
        fields={"channel": {"constant": "form"}, "text": {"column": "Комментарий"}},
        events=[{"type": "started", "at": "at"}],
    )
    body = urlencode({"id": "7", "when": "1772431205000", "Комментарий": "Перезвоните"}).encode()
    (event,) = providers.events_of(mapped.PROVIDER, [body], directions(mapping))
    assert (event.id, event.text) == ("7:started", "Перезвоните")
    assert event.at == datetime(2026, 3, 2, 6, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(("each", "wrap"), [("", lambda rows: rows), ("a.rows", None)])
def test_each_element_of_a_list_is_a_row(each: str, wrap: Any) -> None:
    prefix = f"{each}." if each else ""
    mapping = a_mapping(
        format={"each": each},
        key={"columns": [f"{prefix}id"]},
        times={"at": {"column": f"{prefix}at", "formats": ["iso"]}},
        fields={"channel": {"constant": "chat"}, "queue": {"column": "site"}},
        events=[{"type": "started", "at": "at"}],
    )
    rows = [{"id": n, "at": "2026-03-02T06:00:05Z"} for n in range(3)]
    body = wrap(rows) if wrap else {"site": "main", "a": {"rows": rows}}
    events = providers.events_of(mapped.PROVIDER, providers.as_json([body]), directions(mapping))
    assert [event.id for event in events] == ["0:started", "1:started", "2:started"]
    assert {event.queue for event in events} == ({None} if wrap else {"main"})


def test_the_zone_of_the_source_outranks_the_mapping_s() -> None:
    told = directions(zone="Asia/Yekaterinburg")
    found = providers.contact_of(mapped.PROVIDER, providers.as_json([BODY]), told)
    assert found.course.offered_at == datetime(2026, 3, 2, 4, 0, 5, tzinfo=UTC)


def test_bodies_of_any_order_and_again_are_the_same_contacts() -> None:
    bodies = providers.as_json([{**BODY, "call": {**BODY["call"], "id": n}} for n in range(4)])  # type: ignore[dict-item]
    once = providers.contacts_of(mapped.PROVIDER, bodies, directions())
    assert len(once) == 4
    for shuffled in providers.in_any_order(bodies, rounds=5):
        assert providers.contacts_of(mapped.PROVIDER, shuffled, directions()) == once


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"\xff", "the body is neither JSON nor a form"),
        (b"[]", "call.id is empty"),
        (b'{"call":{"id":1}}', "tells of nothing that happened"),
        (b'{"call":{"id":1,"began":"soon"}}', "call.began is not a time of the declared format"),
        (b'{"call":{"id":{"a":1}}}', "call.id is empty"),
    ],
)
def test_what_the_mapping_does_not_understand_is_said(body: bytes, why: str) -> None:
    with pytest.raises(UnreadableError) as wrong:
        mapped.read(body, directions())
    assert str(wrong.value) == why


def test_without_a_mapping_nothing_is_understood_yet() -> None:
    with pytest.raises(UnreadableError, match="no mapping yet"):
        mapped.read(b"{}", Directions())


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, JSON, JSON)
def test_nothing_else_is_ever_raised(call: Any, began: Any, number: Any) -> None:
    for body in (
        {**BODY, "call": call},
        {"call": {"id": 1, "began": began, "legs": number}},
        {"call": {"id": number, "began": "2026-03-02 09:00:05", "legs": [began]}},
    ):
        with suppress(UnreadableError):
            mapped.read(json.dumps(body).encode(), directions())


def signature(body: bytes, name: str, secret: str = "s3cret") -> "hmac.HMAC":
    return hmac.new(secret.encode(), body, getattr(hashlib, name))


def test_a_push_is_proved_as_the_credentials_say() -> None:
    body = json.dumps({"a": {"token": "s3cret"}}).encode()
    hexed = signature(body, "sha256").hexdigest()
    based = base64.b64encode(signature(body, "sha1").digest()).decode()
    for said, request in (
        ({"by": "header", "name": "X-Token"}, Request({"x-token": "s3cret"}, body)),
        ({"by": "field", "name": "a.token"}, Request({}, body)),
        ({"by": "address"}, Request({}, body, "s3cret")),
        (
            {"by": "hmac", "name": "X-Sign", "prefix": "sha256="},
            Request({"x-sign": f"sha256={hexed}"}, body),
        ),
        (
            {"by": "hmac", "name": "Signature", "hash": "sha1", "encoding": "base64"},
            Request({"signature": based}, body),
        ),
    ):
        right = {**said, "secret": "s3cret"}
        assert mapped.PROVIDER.check is not None
        mapped.PROVIDER.check(right)
        assert mapped.fault(request, right, NOW) is None
        assert mapped.fault(request, {**right, "secret": "other"}, NOW) is not None
        assert mapped.fault(Request({}, b"\xff"), right, NOW) is not None


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_a_bit_that_is_changed_is_seen(place: int, bit: int) -> None:
    body = json.dumps(BODY).encode()
    headers = {"x-sign": signature(body, "sha512").hexdigest()}
    said = {"by": "hmac", "name": "X-Sign", "hash": "sha512", "secret": "s3cret"}
    changed = providers.bit_changed(body, place, bit)
    assert mapped.fault(Request(headers, body), said, NOW) is None
    assert mapped.fault(Request(headers, changed), said, NOW) is not None


@pytest.mark.parametrize(
    "said",
    [
        {"by": "magic"},
        {"by": "header"},
        {"by": "hmac", "name": "x", "hash": "md5"},
        {"by": "hmac", "name": "x", "encoding": "morse"},
    ],
)
def test_credentials_that_prove_nothing_are_refused(said: dict[str, str]) -> None:
    assert mapped.PROVIDER.check is not None
    with pytest.raises(BadCredentialsError):
        mapped.PROVIDER.check({**said, "secret": "s"})


@given(JSON)
def test_any_json_is_a_value(value: Any) -> None:
    text = json.dumps(value)
    assert value_of(text.encode()) == json.loads(text)
