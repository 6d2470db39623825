"""Pushes of Mango Office, as its API documents them, come to exact contacts."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_contact_center.domain.contact import Contact
from otklik_contact_center.domain.providers import mango
from otklik_contact_center.domain.providers.pushed import (
    Directions,
    Lines,
    Request,
    UnreadableError,
)
from tests.support import providers
from tests.support.providers import NOW

CREDENTIALS = {"key": "qwerty123", "salt": "pepper"}
BEGAN = 1_398_956_980


def payloads(name: str) -> list[Any]:
    return providers.payloads(mango, name)


def pushed(said: Any, *, key: str = "qwerty123", salt: str = "pepper") -> Request:
    """A push as Mango makes it."""
    text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
    sign = hashlib.sha256(f"{key}{text}{salt}".encode()).hexdigest()
    form = urlencode({"vpbx_api_key": key, "sign": sign, "json": text})
    return Request({"content-type": "application/x-www-form-urlencoded"}, form.encode())


def contact(said: Sequence[Any], directions: Directions | None = None) -> Contact:
    bodies = [pushed(one).body for one in said]
    return providers.contact_of(mango.PROVIDER, bodies, directions)


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(BEGAN + seconds, UTC)


def test_a_call_through_menu_and_queue_is_one_contact() -> None:
    found = contact(payloads("answered"))
    about, course = found.about, found.course
    assert (about.channel, about.direction, about.phone) == ("call", "in", "74955404444")
    assert (about.queue, about.agent, found.outcome) == ("10", "123", "answered")
    assert (course.started_at, course.offered_at) == (at(0), at(5))
    assert (course.answered_at, course.ended_at) == (at(19), at(160))
    assert found.waited_ms == 14_000
    assert (course.held_ms, course.transfers) == (30_000, 1)
    assert found.handled_ms == 141_000
    assert found.recorded
    assert found.contradictions == ()


def test_what_comes_in_any_order_and_again_is_the_same_contact() -> None:
    bodies = [pushed(one).body for one in payloads("answered")]
    once = contact(payloads("answered"))
    for shuffled in providers.in_any_order(bodies):
        assert providers.contact_of(mango.PROVIDER, shuffled) == once


def test_whoever_receives_summaries_alone_knows_the_call() -> None:
    summary = next(one for one in payloads("answered") if "entry_result" in one)
    found = contact([summary])
    assert (found.course.offered_at, found.course.answered_at) == (at(0), at(19))
    assert (found.about.agent, found.outcome, found.course.ended_at) == ("321", "answered", at(160))


def test_a_missed_call_is_abandoned() -> None:
    found = contact(payloads("missed"))
    assert (found.outcome, found.abandoned_at, found.waited_ms) == ("abandoned", at(34), 30_000)


def test_an_outgoing_call_is_ours() -> None:
    found = contact(payloads("outgoing"))
    assert (found.about.direction, found.about.phone) == ("out", "74955404444")
    assert (found.attempted_at, found.connected_at, found.about.agent) == (at(0), at(12), "123")


@pytest.mark.parametrize("name", ["internal", "other"])
def test_what_is_no_contact_makes_none(name: str) -> None:
    bodies = [pushed(one).body for one in payloads(name)]
    assert providers.events_of(mango.PROVIDER, bodies) == []


def test_the_company_s_words_stand_for_mango_s() -> None:
    directions = Directions(
        {"74951234567": Lines("moscow", None)}, {"123": "petrova"}, {"10": "sales"}
    )
    found = contact(payloads("answered"), directions)
    assert (found.about.branch, found.about.agent, found.about.queue) == (
        "moscow",
        "petrova",
        "sales",
    )


def test_unknown_fields_change_nothing() -> None:
    said = [{**one, "new_in_2030": {"a": [1]}} for one in payloads("answered")]
    assert contact(said) == contact(payloads("answered"))


def test_numbers_may_be_texts() -> None:
    as_texts = [
        {name: str(value) if isinstance(value, int) else value for name, value in one.items()}
        for one in payloads("answered")
    ]
    assert contact(as_texts) == contact(payloads("answered"))


@pytest.mark.parametrize("text", ["", "{", "[]", "1", '{"call_state":"Appeared"}', '"\\ud800"'])
def test_what_mango_would_not_send_is_said(text: str) -> None:
    with pytest.raises(UnreadableError):
        mango.read(pushed(text).body, Directions())


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({"entry_id": "e", "call_state": "Appeared", "timestamp": "soon"}, "timestamp"),
        ({"entry_id": "e", "call_state": "Appeared", "timestamp": "--5"}, "timestamp"),
        ({"entry_id": "e", "entry_result": 1, "call_direction": 1}, "create_time"),
        (
            {"entry_id": "e", "entry_result": 1, "call_direction": 1, "create_time": BEGAN},
            "end_time",
        ),
    ],
)
def test_a_time_that_cannot_be_read_is_no_silence(said: dict[str, Any], name: str) -> None:
    with pytest.raises(UnreadableError, match=f"{name} is missing, or no time"):
        mango.read(pushed(said).body, Directions())


def test_whoever_has_key_and_salt_is_mango_and_nobody_else() -> None:
    said = payloads("missed")[0]
    assert mango.fault(pushed(said), CREDENTIALS, NOW) is None
    for wrong in (
        pushed(said, key="another1"),
        pushed(said, salt="paprika"),
        Request({}, b""),
        Request({}, b"vpbx_api_key=qwerty123&json=%7B%7D"),
        Request({}, b"\xff\xfe"),
    ):
        assert mango.fault(wrong, CREDENTIALS, NOW) is not None


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_a_bit_that_is_changed_is_seen(place: int, bit: int) -> None:
    request = pushed(payloads("missed")[0])
    body = providers.bit_changed(request.body, place, bit)
    changed = Request(request.headers, body)
    same_words = mango._form(body) == mango._form(request.body)
    hexadecimal = mango._form(body).get("sign", "").lower() == mango._form(request.body)["sign"]
    only_sign = {**mango._form(body), "sign": ""} == {
        **mango._form(request.body),
        "sign": "",
    }
    if same_words or (hexadecimal and only_sign):
        return
    assert mango.fault(changed, CREDENTIALS, NOW) is not None
