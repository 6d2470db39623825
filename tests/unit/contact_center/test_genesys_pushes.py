"""Whom we believe to be Genesys Cloud, and that no body of its pushes breaks reading."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otklik_contact_center.domain.providers import genesys
from otklik_contact_center.domain.providers.pushed import Directions, Request, UnreadableError
from tests.support import providers
from tests.support.providers import NOW
from tests.unit.contact_center.genesys_bodies import NAMES, payloads

CREDENTIALS = {"token": "genesys-secret-1"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"1",
        b"[1]",
        b"\xff\xfe",
        b"{}",
        b'{"conversationId": ""}',
        b'{"conversationId": "\\ud800"}',
        b'{"topicName": "v2.detail.events.conversation.1.acd.start"}',
        b'{"conversations": [1]}',
        b"[" * 100_000,
    ],
)
def test_what_genesys_would_not_send_is_said(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        genesys.read(body, Directions())


def test_whoever_bears_the_token_is_believed() -> None:
    request = Request({"authorization": "Bearer genesys-secret-1"}, b"")
    assert genesys.fault(request, CREDENTIALS, NOW) is None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer "},
        {"authorization": "genesys-secret-1"},
        {"authorization": "Bearer genesys-secret-2"},
        {"authorization": "Bearer \udcff"},
    ],
)
def test_nobody_else_is_believed(headers: dict[str, str]) -> None:
    assert genesys.fault(Request(headers, b""), CREDENTIALS, NOW) is not None


def test_a_token_that_is_empty_opens_nothing() -> None:
    request = Request({"authorization": "Bearer "}, b"")
    assert genesys.fault(request, {"token": ""}, NOW) is not None


@given(st.integers(0, 200), st.integers(0, 6))
def test_a_bit_of_the_token_that_is_changed_is_seen(place: int, bit: int) -> None:
    changed = providers.bit_changed(b"genesys-secret-1", place, bit).decode("latin-1")
    request = Request({"authorization": f"Bearer {changed}"}, b"")
    assert genesys.fault(request, CREDENTIALS, NOW) is not None


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=300)
    | st.just("2026-03-02T09:00:00Z")
    | st.just("0001-01-01T00:00:00+14:00")
    | st.just(10**18),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
WHOLE = [one for name in (*NAMES, "other") for one in payloads(name)]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner: list[Any] = list(value.items()) if isinstance(value, dict) else []
    inner = list(enumerate(value)) if isinstance(value, list) else inner
    return [*([path] if path else []), *(p for k, v in inner for p in places(v, (*path, k)))]


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_any_value_in_any_place_is_read_or_said_to_be_unreadable(data: st.DataObject) -> None:
    said = copy.deepcopy(data.draw(st.sampled_from(WHOLE)))
    *path, name = data.draw(st.sampled_from(places(said)))
    within = said
    for step in path:
        within = within[step]
    value = data.draw(VALUES)
    within[name] = value
    try:
        read = genesys.read(json.dumps(said).encode(), Directions())
    except UnreadableError:
        return
    assert all({"id", "contact", "type", "at"} <= event.keys() for event in read)
    if not isinstance(value, int) and value != "0001-01-01T00:00:00+14:00":
        providers.events_of(genesys.PROVIDER, [json.dumps(said).encode()])


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_said_to_be_unreadable(body: bytes) -> None:
    try:
        genesys.read(body, Directions())
    except UnreadableError:
        return
