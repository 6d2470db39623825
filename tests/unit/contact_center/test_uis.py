"""Notifications of UIS, as our page has their bodies written, come to exact contacts."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_contact_center.domain.contact import Contact
from otklik_contact_center.domain.providers import uis
from otklik_contact_center.domain.providers.pushed import (
    Directions,
    Lines,
    Request,
    UnreadableError,
)
from tests.support import providers
from tests.support.providers import NOW

BEGAN = datetime(2026, 3, 2, 9, tzinfo=UTC)
CREDENTIALS = {"token": "t0ken-of-ours"}


def bodies(name: str) -> list[bytes]:
    return providers.as_json(providers.payloads(uis, name))


def contact(name: str, directions: Directions | None = None) -> Contact:
    return providers.contact_of(uis.PROVIDER, bodies(name), directions)


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def test_a_call_that_two_phones_rang_for_is_one_contact() -> None:
    found = contact("answered")
    about, course = found.about, found.course
    assert (about.channel, about.direction, about.phone) == ("call", "in", "79161230002")
    assert (about.agent, found.outcome, found.recorded) == ("302", "answered", True)
    assert (course.offered_at, course.answered_at, course.ended_at) == (
        at(0.12),
        at(25.62),
        at(205.62),
    )
    assert (found.waited_ms, found.handled_ms) == (25_500, 180_000)
    assert found.contradictions == ()


def test_a_missed_call_is_abandoned() -> None:
    found = contact("missed")
    assert (found.outcome, found.abandoned_at, found.waited_ms) == ("abandoned", at(40.12), 40_000)


def test_an_outgoing_call_is_ours() -> None:
    found = contact("outgoing")
    assert (found.about.direction, found.about.phone) == ("out", "79161230002")
    assert (found.attempted_at, found.connected_at, found.about.agent) == (at(0), at(12), "301")


@pytest.mark.parametrize("name", ["answered", "missed", "outgoing"])
def test_what_comes_in_any_order_and_again_is_the_same_contact(name: str) -> None:
    once = contact(name)
    for shuffled in providers.in_any_order(bodies(name)):
        assert providers.contact_of(uis.PROVIDER, shuffled) == once


def test_the_zone_of_the_account_and_the_company_s_words() -> None:
    directions = Directions(
        {"74951230001": Lines("perm")}, {"302": "petrova"}, zone="Asia/Yekaterinburg"
    )
    found = contact("answered", directions)
    assert (found.about.branch, found.about.agent) == ("perm", "petrova")
    assert found.course.offered_at == at(0.12) - timedelta(hours=2)


def test_unknown_fields_and_texts_for_numbers_change_nothing() -> None:
    said = [
        {**{k: str(v) if isinstance(v, int) else v for k, v in one.items()}, "new": {"a": [1]}}
        for one in providers.payloads(uis, "answered")
    ]
    found = providers.contact_of(uis.PROVIDER, providers.as_json(said))
    assert found == contact("answered")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({}, "event is missing"),
        ({"event": "incoming"}, "call_session_id is missing"),
        ({"event": "incoming", "call_session_id": 1}, "notification_time is missing"),
        (
            {"event": "ended", "call_session_id": 1, "notification_time": "2026-02-30 10:00:00"},
            "notification_time is missing, or no time",
        ),
    ],
)
def test_what_is_missing_is_said(said: dict[str, Any], why: str) -> None:
    with pytest.raises(UnreadableError, match=why):
        uis.read(json.dumps(said).encode(), Directions())


def test_other_notifications_tell_of_no_contact() -> None:
    assert uis.read(b'{"event":"sip_lost"}', Directions()) == ()


def test_whoever_knows_the_token_is_uis_and_nobody_else() -> None:
    body = bodies("missed")[0]
    assert uis.fault(Request({}, body), CREDENTIALS, NOW) is None
    for wrong in (b"", b"[]", b"\xff", b"{}", b'{"token":"other"}', b'{"token":null}'):
        assert uis.fault(Request({}, wrong), CREDENTIALS, NOW) is not None


@given(st.integers(0, 12), st.integers(0, 7))
def test_a_bit_of_the_token_that_is_changed_is_seen(place: int, bit: int) -> None:
    body = bodies("missed")[0]
    where = body.index(b"t0ken-of-ours") + place
    changed = providers.bit_changed(body, where, bit)
    assert uis.fault(Request({}, changed), CREDENTIALS, NOW) is not None


JSON = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
FIELDS = sorted(
    {
        name
        for one in ("answered", "outgoing")
        for body in providers.payloads(uis, one)
        for name in body
    }
)


@given(st.sampled_from(["answered", "outgoing"]), st.integers(0, 5), st.sampled_from(FIELDS), JSON)
def test_nothing_else_is_ever_raised(name: str, place: int, field: str, value: Any) -> None:
    said = providers.payloads(uis, name)
    with suppress(UnreadableError):
        uis.read(json.dumps({**said[place % len(said)], field: value}).encode(), Directions())
