"""Whom we believe to be Chatwoot, and that no body of its pushes breaks reading."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_contact_center.domain.providers import chatwoot
from otklik_contact_center.domain.providers.pushed import Directions, Request, UnreadableError
from tests.support import providers
from tests.support.providers import NOW
from tests.unit.contact_center.chatwoot_bodies import CONTACTS, payloads

CREDENTIALS = {"secret": "hushhush"}


def signed(said: Any, *, secret: str = "hushhush", aside: int = 0, rest: str = "") -> Request:
    """A push as a Chatwoot makes it that signs, by a clock that is `aside` seconds ahead."""
    body = json.dumps(said, ensure_ascii=False).encode()
    stamp = str(int(NOW.timestamp()) + aside)
    proof = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {chatwoot.SIGNATURE: f"sha256={proof}", chatwoot.TIMESTAMP: stamp}
    return Request(headers, body, rest)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"1",
        b"{}",
        b"\xff",
        b'{"event":"message_created"}',
        b'{"event":"message_created","conversation":{"id":1}}',
        b'{"event":"message_created","id":1,"conversation":{}}',
        b'{"event":"conversation_status_changed","status":"open"}',
        b'{"event":"conversation_updated","id":null}',
    ],
)
def test_what_chatwoot_would_not_send_is_said(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        chatwoot.read(body, Directions())


def test_whoever_has_the_secret_is_chatwoot_and_nobody_else() -> None:
    said = payloads("answered")[1]
    right = signed(said)
    assert chatwoot.fault(right, CREDENTIALS, NOW) is None
    for wrong in (
        signed(said, secret="hushhusi"),
        Request({}, right.body),
        Request({**right.headers, chatwoot.SIGNATURE: ""}, right.body),
        Request({**right.headers, chatwoot.SIGNATURE: "sha256="}, right.body),
        Request({**right.headers, chatwoot.TIMESTAMP: ""}, right.body),
        Request({**right.headers, chatwoot.TIMESTAMP: "\udcff"}, right.body),
        Request({chatwoot.SIGNATURE: right.headers[chatwoot.SIGNATURE]}, right.body),
        Request(right.headers, right.body + b" "),
    ):
        assert chatwoot.fault(wrong, CREDENTIALS, NOW) is not None


def test_older_versions_show_the_secret_in_the_address() -> None:
    body = signed(payloads("answered")[1]).body
    for rest in ("hushhush", "/hushhush", "hushhush/"):
        assert chatwoot.fault(Request({}, body, rest), CREDENTIALS, NOW) is None
    for rest in ("", "hushhus", "hushhush/x", "HUSHHUSH"):
        assert chatwoot.fault(Request({}, body, rest), CREDENTIALS, NOW) is not None


def test_no_secret_proves_nothing() -> None:
    said = payloads("answered")[1]
    assert chatwoot.fault(signed(said, secret=""), {"secret": ""}, NOW) is not None
    assert chatwoot.fault(Request({}, b"{}"), {"secret": ""}, NOW) is not None


@pytest.mark.parametrize(
    ("aside", "right"), [(-301, False), (-300, True), (300, True), (301, False)]
)
def test_a_stale_push_is_refused(aside: int, *, right: bool) -> None:
    fault = chatwoot.fault(signed(payloads("answered")[1], aside=aside), CREDENTIALS, NOW)
    assert fault == (None if right else chatwoot.STALE)


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_a_bit_that_is_changed_is_seen(place: int, bit: int) -> None:
    right = signed(payloads("answered")[1])
    body = providers.bit_changed(right.body, place, bit)
    assert chatwoot.fault(Request(right.headers, body), CREDENTIALS, NOW) is not None
    for name in (chatwoot.SIGNATURE, chatwoot.TIMESTAMP):
        shown = providers.bit_changed(right.headers[name].encode(), place, bit).decode("latin-1")
        changed = Request({**right.headers, name: shown}, right.body)
        assert chatwoot.fault(changed, CREDENTIALS, NOW) is not None


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each value inside a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for name, part in inner:
        yield (*path, name)
        if isinstance(part, dict | list):
            yield from places(part, (*path, name))


ALL = [one for name in (*CONTACTS, "other") for one in payloads(name)]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.data())
def test_whatever_stands_in_a_field_it_is_read_or_unreadable(data: st.DataObject) -> None:
    said = json.loads(json.dumps(data.draw(st.sampled_from(ALL))))
    *way, last = data.draw(st.sampled_from(list(places(said))))
    part = said
    for name in way:
        part = part[name]
    part[last] = data.draw(JSON)
    body = json.dumps(said).encode("utf-8", "surrogatepass")
    try:
        chatwoot.read(body, Directions())
    except UnreadableError:
        return


@pytest.mark.parametrize("digits", [25, 400, 5000])
def test_a_number_beyond_all_measure_breaks_nothing(digits: int) -> None:
    huge = b"9" * digits
    body = (
        b'{"event":"conversation_status_changed","id":%b,"inbox_id":%b,"status":%b,'
        b'"updated_at":%b,"timestamp":%b}' % (huge, huge, huge, huge, huge)
    )
    try:
        assert not chatwoot.read(body, Directions())
    except UnreadableError:
        return


@given(st.binary())
def test_whatever_comes_is_read_or_unreadable(body: bytes) -> None:
    try:
        chatwoot.read(body, Directions())
    except UnreadableError:
        return
