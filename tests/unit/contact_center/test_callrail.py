"""Pushes of CallRail, as its documentation describes them, come to exact contacts."""

import base64
import contextlib
import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_contact_center.domain.contact import Contact
from otklik_contact_center.domain.providers import callrail
from otklik_contact_center.domain.providers.pushed import (
    Directions,
    Lines,
    Request,
    UnreadableError,
)
from tests.support import providers
from tests.support.providers import NOW, as_json

CREDENTIALS = {"signing_key": "0123456789abcdef"}
BEGAN = datetime(2026, 3, 2, 9, 0, 0, 236_000, tzinfo=UTC)
CUSTOMER = "+15551230101"
NAMES = ["answered", "voicemail", "missed", "outgoing", "texts"]


def payloads(name: str) -> list[Any]:
    return providers.payloads(callrail, name)


def pushed(body: bytes, key: str = "0123456789abcdef") -> Request:
    """A push as CallRail makes it."""
    mac = hmac.new(key.encode(), body, hashlib.sha1)
    return Request({"signature": base64.b64encode(mac.digest()).decode()}, body)


def contact(said: Sequence[Any], directions: Directions | None = None) -> Contact:
    return providers.contact_of(callrail.PROVIDER, as_json(said), directions)


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def test_an_answered_call_is_one_contact_of_all_its_records() -> None:
    found = contact(payloads("answered"))
    about, course = found.about, found.course
    assert (about.channel, about.direction, about.phone) == ("call", "in", CUSTOMER)
    assert (about.agent, about.campaign) == ("petrova@example.com", "spring")
    assert (found.outcome, found.recorded) == ("answered", True)
    assert (course.offered_at, course.ended_at) == (at(0), at(141))
    assert found.contradictions == ()


def test_when_it_was_answered_is_not_told_and_said_to_be_unknown() -> None:
    found = contact(payloads("answered"))
    assert found.course.answered_at == at(0)
    assert found.about.waited_seconds is None
    assert found.about.attributes["answer_time"] == "unknown"


def test_of_several_records_the_fullest_is_right() -> None:
    attributes = contact(payloads("answered")).about.attributes
    assert attributes["tags"] == "booked, new patient"
    assert (attributes["lead_status"], attributes["source_name"]) == ("good_lead", "Google Ads")
    assert not any("morning" in value for value in attributes.values())


def test_what_was_modified_stands_above_what_was_told_after_the_call() -> None:
    after = payloads("answered")[2] | {"tags": [{"name": "a long name of a tag"}], "value": "100"}
    modified = after | {"tags": [{"name": "new"}], "value": "7", "changes": ["tags", "value"]}
    for said in ([after, modified], [modified, after]):
        attributes = contact(said).about.attributes
        assert (attributes["tags"], attributes["value"]) == ("new", "7")


def test_records_that_grow_leave_the_greatest() -> None:
    last = payloads("answered")[-1]
    said = [last | {"tags": [f"tag {one}" for one in range(count)]} for count in range(20)]
    expected = ", ".join(f"tag {one}" for one in range(19))
    for bodies in providers.in_any_order(as_json(said), rounds=10):
        found = providers.contact_of(callrail.PROVIDER, bodies)
        assert found.about.attributes["tags"] == expected


def test_where_records_tell_when_they_were_made_the_later_is_right() -> None:
    last = payloads("answered")[-1]
    longer = last | {"tags": ["a long name of a tag"], "timestamp": "2026-03-02T10:00:00-05:00"}
    later = last | {"tags": ["new"], "timestamp": "2026-03-02T11:00:00-05:00"}
    assert contact([later, longer]).about.attributes["tags"] == "new"


@pytest.mark.parametrize("name", NAMES)
def test_what_comes_in_any_order_and_again_is_the_same_contact(name: str) -> None:
    bodies = as_json(payloads(name))
    once = providers.contact_of(callrail.PROVIDER, bodies)
    for shuffled in providers.in_any_order(bodies):
        assert providers.contact_of(callrail.PROVIDER, shuffled) == once


@pytest.mark.parametrize("name", NAMES)
def test_no_event_is_told_twice_in_other_words(name: str) -> None:
    told: dict[str, Any] = {}
    said = payloads(name)
    fewer = [
        {
            key: value
            for key, value in one.items()
            if key not in {"tracking_phone_number", "direction"}
        }
        for one in said
    ]
    for event in providers.events_of(callrail.PROVIDER, as_json([*said, *fewer])):
        assert told.setdefault(event.id, event) == event


def test_the_last_record_alone_tells_the_whole_call() -> None:
    last = contact(payloads("answered")[-1:])
    assert last == contact(payloads("answered"))


def test_a_call_that_goes_on_has_no_end() -> None:
    for count in (1, 2):
        found = contact(payloads("answered")[:count])
        assert (found.outcome, found.course.started_at) == ("open", at(0))
    running = payloads("answered")[1] | {"duration": 9, "answered": True}
    assert contact([running]).course.ended_at is None


def test_a_call_left_on_voicemail_is_not_answered_and_a_hidden_number_nobody() -> None:
    found = contact(payloads("voicemail"))
    assert (found.outcome, found.about.phone) == ("voicemail", None)
    assert (found.course.answered_at, found.course.ended_at) == (None, at(43))
    flagged = [one | {"answered": True} for one in payloads("voicemail")[1:]]
    assert contact(flagged).outcome == "voicemail"


def test_a_missed_call_is_abandoned() -> None:
    found = contact(payloads("missed"))
    assert (found.outcome, found.abandoned_at, found.waited_ms) == ("abandoned", at(25), 25_000)


def test_an_outgoing_call_is_ours() -> None:
    found = contact(payloads("outgoing"))
    about = found.about
    assert (about.direction, about.phone, about.agent) == ("out", CUSTOMER, "petrova@example.com")
    assert (found.attempted_at, found.connected_at, found.course.ended_at) == (at(0), at(0), at(90))
    assert (found.outcome, found.waited_ms) == ("answered", None)
    missed = [one | {"answered": False, "duration": 0} for one in payloads("outgoing")]
    assert contact(missed).outcome == "not_reached"


def test_a_call_that_ended_at_once_is_over_when_its_type_says_so() -> None:
    found = contact([payloads("missed")[1] | {"duration": 0}])
    assert (found.outcome, found.course.ended_at) == ("abandoned", at(0))


def test_who_called_whom_follows_the_direction() -> None:
    for name, sides in (
        ("missed", (CUSTOMER, "+15551230200")),
        ("outgoing", ("+15551230200", CUSTOMER)),
    ):
        told = providers.events_of(callrail.PROVIDER, as_json(payloads(name)))
        assert {(one.from_, one.to) for one in told if one.type == "started"} == {sides}


def test_voice_assist_is_no_person() -> None:
    said = payloads("answered")[2] | {"voice_assist_message": {"urgency": "low"}}
    found = contact([said])
    assert (found.outcome, found.course.answered_at) == ("abandoned", None)


def test_text_messages_are_contacts_by_conversation() -> None:
    found = contact(payloads("texts"))
    assert (found.about.channel, found.about.phone) == ("messenger", "555-123-0101")
    assert (found.about.agent, found.first_response_ms) == ("Petrova", 120_000)
    assert (found.outcome, found.course.ended_at) == ("answered", None)


def test_what_is_no_contact_makes_none() -> None:
    assert providers.events_of(callrail.PROVIDER, as_json(payloads("other"))) == []


def test_an_older_form_is_read_too() -> None:
    (said,) = payloads("form")
    directions = Directions(agents={"15551230300": "petrova"})
    found = providers.contact_of(callrail.PROVIDER, [urlencode(said).encode()], directions)
    assert (found.about.direction, found.about.phone) == ("in", CUSTOMER)
    assert (found.about.agent, found.outcome) == ("petrova", "answered")
    began = datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert (found.course.offered_at, found.course.ended_at) == (began, began + timedelta(0, 141))


def test_a_time_without_a_zone_is_of_the_zone_of_the_directions() -> None:
    said = payloads("missed")[1] | {"start_time": "2026-03-02T12:00:00.236"}
    assert contact([said], Directions(zone="Europe/Moscow")).at == at(0)
    assert contact([said]).at == at(3 * 3600)
    assert contact([said], Directions(zone="No/Where")).at == at(3 * 3600)


def test_the_company_s_words_stand_for_callrail_s() -> None:
    directions = Directions(
        {"15551230200": Lines("moscow", "sales")}, {"petrova@example.com": "petrova"}, {}
    )
    about = contact(payloads("answered"), directions).about
    assert (about.branch, about.queue, about.agent) == ("moscow", "sales", "petrova")


@pytest.mark.parametrize("name", NAMES)
def test_unknown_fields_change_nothing(name: str) -> None:
    said = [{**one, "new_in_2030": {"a": [1]}} for one in payloads(name)]
    assert contact(said) == contact(payloads(name))


def test_numbers_may_be_texts_and_missing_fields_break_nothing() -> None:
    as_texts = [one | {"duration": str(one["duration"])} for one in payloads("missed")]
    assert contact(as_texts) == contact(payloads("missed"))
    assert contact([{"id": 7, "start_time": "2026-03-02T09:00:00Z"}]).outcome == "open"


@pytest.mark.parametrize(
    "came",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b"a=1",
        b'{"start_time":"2026-03-02T09:00:00Z"}',
        b'{"resource_id":"CAL1"}',
        b'{"resource_id":"CAL1","start_time":"yesterday"}',
        b'{"resource_id":"SCI1","content":"hello"}',
        b'{"a":' * 50_000,
    ],
)
def test_what_callrail_would_not_send_is_said(came: bytes) -> None:
    with pytest.raises(UnreadableError):
        callrail.read(came, Directions())


def test_whoever_has_the_signing_key_is_callrail_and_nobody_else() -> None:
    # Made by: openssl dgst -sha1 -hmac 0123456789abcdef -binary | base64
    body = b'{"resource_id":"CAL1","duration":3}'
    right = Request({"signature": "Y6Hx6Wd4M2O7AW10HVLEEzjJvRg="}, body)
    assert callrail.fault(right, CREDENTIALS, NOW) is None
    for wrong in (
        right._replace(body=body + b"\n"),
        right._replace(headers={}),
        right._replace(headers={"signature": ""}),
        pushed(body, key="another"),
    ):
        assert callrail.fault(wrong, CREDENTIALS, NOW) is not None


def test_a_call_of_long_ago_may_be_modified() -> None:
    (body,) = as_json([payloads("answered")[-1]])
    assert callrail.fault(pushed(body), CREDENTIALS, NOW + timedelta(days=9)) is None


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_a_bit_that_is_changed_is_seen(place: int, bit: int) -> None:
    request = pushed(as_json(payloads("answered"))[2])
    changed = request._replace(body=providers.bit_changed(request.body, place, bit))
    assert callrail.fault(changed, CREDENTIALS, NOW) is not None


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=9)
    | st.sampled_from(["--5", "²", "9" * 400, "0001-01-01", "9999-12-31T23:59:59Z", "\x00"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@pytest.mark.parametrize("name", [*NAMES, "form", "other"])
@given(data=st.data())
def test_any_value_in_the_place_of_any_other_is_read_or_unreadable(
    name: str, data: st.DataObject
) -> None:
    said = dict(data.draw(st.sampled_from(payloads(name))))
    for field in data.draw(st.lists(st.sampled_from(sorted(said)), min_size=1, max_size=3)):
        said[field] = data.draw(JSON)
    with contextlib.suppress(UnreadableError):
        callrail.read(json.dumps(said).encode(), Directions())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "value", [None, "", "--5", "²", -1, 10**30, 1.5, [[]], {"name": []}, "0001-01-01", "\ud800"]
)
def test_no_value_in_the_place_of_a_field_breaks_reading(name: str, value: Any) -> None:
    for said in payloads(name):
        for field in said:
            with contextlib.suppress(UnreadableError):
                callrail.read(json.dumps({**said, field: value}).encode(), Directions())


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_unreadable(came: bytes) -> None:
    assert callrail.fault(Request({}, came), CREDENTIALS, NOW) is not None
    with contextlib.suppress(UnreadableError):
        callrail.read(came, Directions())
