"""Pushes of Twilio, as its documentation describes them, come to exact contacts."""

import base64
import contextlib
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_contact_center.domain.contact import Contact
from otklik_contact_center.domain.providers import twilio
from otklik_contact_center.domain.providers.pushed import (
    Directions,
    Lines,
    Request,
    UnreadableError,
)
from otklik_contact_center.domain.providers.twilio.said import form_of
from tests.support import providers
from tests.support.providers import NOW

URL = "https://otklik.example/contact-center/v1/sources/7/hook"
CREDENTIALS = {"auth_token": "12345", "url": URL}
DOCUMENTED = {"auth_token": "12345", "url": "https://mycompany.com/myapp.php?foo=1&bar=2"}
BEGAN = datetime(2026, 3, 2, 9, tzinfo=UTC)
CUSTOMER = "+15551230101"
NAMES = [
    "forwarded",
    "missed",
    "outgoing",
    "programme",
    "routed",
    "queued",
    "bridged",
    "messages",
    "conversation",
]


def payloads(name: str) -> list[Any]:
    return providers.payloads(twilio, name)


def body(said: Any) -> bytes:
    """A form; or JSON, if it is a list."""
    return (json.dumps(said) if isinstance(said, list) else urlencode(said)).encode()


def signed(text: str, token: str = "12345") -> dict[str, str]:
    mac = hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()
    return {"x-twilio-signature": base64.b64encode(mac).decode()}


def pushed(said: Any, *, url: str = URL, rest: str = "", token: str = "12345") -> Request:
    """A push as Twilio makes it, which was given an address."""
    came = body(said)
    if isinstance(said, list):
        text = f"{url}?bodySHA256={hashlib.sha256(came).hexdigest()}"
    else:
        text = url + "".join(f"{name}{said[name]}" for name in sorted(said))
    return Request(signed(text, token), came, rest)


def contact(said: Sequence[Any], directions: Directions | None = None) -> Contact:
    return providers.contact_of(twilio.PROVIDER, [body(one) for one in said], directions)


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def without(said: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in said.items() if name not in names}


def test_a_call_forwarded_to_a_person_is_one_contact() -> None:
    found = contact(payloads("forwarded"))
    about, course = found.about, found.course
    assert (about.channel, about.direction, about.phone) == ("call", "in", CUSTOMER)
    assert (about.agent, found.outcome, found.recorded) == ("petrova", "answered", True)
    assert (course.offered_at, course.answered_at, course.ended_at) == (at(0), at(19), at(161))
    assert (found.waited_ms, found.handled_ms) == (19_000, 142_000)
    assert about.attributes == {"recording_id": payloads("forwarded")[-1]["RecordingSid"]}
    assert found.contradictions == ()


def test_the_ends_of_legs_alone_tell_the_whole_call() -> None:
    ends = [one for one in payloads("forwarded") if one.get("CallStatus") == "completed"]
    found = contact(ends)
    assert (found.course.offered_at, found.course.answered_at) == (at(0), at(19))
    assert (found.about.agent, found.outcome, found.waited_ms) == ("petrova", "answered", 19_000)


def test_the_end_of_a_dialled_leg_does_not_end_the_call() -> None:
    found = contact([one for one in payloads("forwarded") if "ParentCallSid" in one])
    assert (found.outcome, found.course.ended_at) == ("answered", None)


@pytest.mark.parametrize("name", NAMES)
def test_what_comes_in_any_order_and_again_is_the_same_contact(name: str) -> None:
    bodies = [body(one) for one in payloads(name)]
    once = providers.contact_of(twilio.PROVIDER, bodies)
    for shuffled in providers.in_any_order(bodies):
        assert providers.contact_of(twilio.PROVIDER, shuffled) == once


def test_a_missed_call_is_abandoned_and_a_hidden_number_is_nobody() -> None:
    found = contact(payloads("missed"))
    assert (found.outcome, found.abandoned_at, found.waited_ms) == ("abandoned", at(30), 30_000)
    assert (found.about.phone, found.about.agent) == (None, "petrova")


def test_a_softphone_that_dials_out_is_our_call() -> None:
    found = contact(payloads("outgoing"))
    about = found.about
    assert (about.direction, about.phone, about.agent) == ("out", CUSTOMER, "petrova")
    assert (found.attempted_at, found.connected_at) == (at(0), at(12))
    assert (found.outcome, found.course.ended_at) == ("answered", at(90))


def test_a_programme_that_calls_is_no_person() -> None:
    found = contact(payloads("programme"))
    assert (found.about.direction, found.about.phone) == ("out", CUSTOMER)
    assert (found.attempted_at, found.connected_at, found.outcome) == (None, None, "not_reached")
    assert (found.course.started_at, found.course.ended_at) == (at(0), at(48))
    assert found.about.attributes["answered_by"] == "human"
    assert found.recorded


def test_who_is_called_first_and_dials_then_is_named_by_the_directions() -> None:
    first = [one | {"To": "+15551230300"} for one in payloads("programme")]
    dialled = [one for one in payloads("outgoing") if "ParentCallSid" in one]
    found = contact([*first, *dialled], Directions(agents={"15551230300": "petrova"}))
    assert (found.about.direction, found.about.phone) == ("out", CUSTOMER)
    assert (found.about.agent, found.connected_at) == ("petrova", at(12))


def test_an_answering_machine_is_no_answer() -> None:
    said = [
        one | {"AnsweredBy": "machine_end_beep"} if "ParentCallSid" in one else one
        for one in payloads("forwarded")
    ]
    found = contact(said)
    assert (found.outcome, found.course.answered_at) == ("abandoned", None)


def test_a_number_that_nobody_is_named_by_is_no_agent() -> None:
    said = [
        one | {"To": "+15551230300"} if "ParentCallSid" in one else one
        for one in payloads("forwarded")
    ]
    assert contact(said).about.agent is None
    named = Directions(agents={"+15551230300": "petrova"})
    assert contact(said, named).about.agent == "petrova"


def test_a_task_tells_queue_and_worker() -> None:
    found = contact(payloads("routed"))
    assert (found.about.queue, found.about.agent) == ("sales", "petrova")
    assert (found.course.offered_at, found.course.answered_at) == (at(10), at(25))
    assert (found.waited_ms, found.outcome, found.contradictions) == (15_000, "answered", ())


def test_whoever_hangs_up_in_a_queue_has_waited_there() -> None:
    found = contact(payloads("queued"))
    (events,) = payloads("queued")
    queue = events[0]["data"]["request"]["parameters"]["QueueSid"]
    assert (found.about.queue, found.outcome) == (queue, "abandoned")
    assert (found.course.offered_at, found.waited_ms) == (at(105), 56_000)


def test_a_bridge_out_of_a_queue_is_an_answer_after_the_wait_it_says() -> None:
    found = contact(payloads("bridged"))
    assert (found.outcome, found.waited_ms) == ("answered", 45_000)


def test_who_is_taken_out_of_a_queue_is_answered_then() -> None:
    events, end = payloads("bridged")
    (event,) = events
    taken = json.loads(json.dumps(event))
    taken["data"]["timestamp"] = at(60).isoformat()
    parameters = taken["data"]["request"]["parameters"]
    del parameters["QueueResult"]
    parameters["DequeingCallSid"] = "CA" + "7" * 32
    found = contact([[taken], events, end])
    assert (found.course.offered_at, found.course.answered_at) == (at(15), at(60))
    assert (found.waited_ms, found.handled_ms, found.contradictions) == (45_000, 101_000, ())


def test_messages_between_two_addresses_are_one_contact_without_end() -> None:
    found = contact(payloads("messages"))
    about = found.about
    assert (about.channel, about.direction, about.phone) == ("messenger", "in", CUSTOMER)
    assert (found.first_asked_at, found.first_response_ms) == (at(0.25), 120_000)
    assert (found.outcome, found.course.ended_at) == ("answered", None)
    names = {one.text for one in events("messages")}
    assert names == {"Is it open on Sunday?", "Yes, from ten."}


def test_a_conversation_ends_when_it_is_closed_and_no_automat_answers() -> None:
    found = contact(payloads("conversation"))
    assert (found.about.channel, found.about.phone) == ("messenger", CUSTOMER)
    assert (found.about.agent, found.first_response_ms) == ("petrova", 70_000)
    assert (found.outcome, found.course.ended_at) == ("answered", at(600))


def events(name: str) -> list[Any]:
    return providers.events_of(twilio.PROVIDER, [body(one) for one in payloads(name)])


def test_what_is_no_contact_makes_none() -> None:
    assert events("other") == []


def test_a_status_callback_says_the_same_through_event_streams() -> None:
    (streamed,) = payloads("queued")
    (form,) = (one["data"]["request"]["parameters"] for one in streamed[1:])
    through = providers.events_of(twilio.PROVIDER, [body(streamed[1:])])
    assert through == providers.events_of(twilio.PROVIDER, [body(form)])


@pytest.mark.parametrize("name", NAMES)
def test_no_event_is_told_twice_in_other_words(name: str) -> None:
    told: dict[str, Any] = {}
    for event in [*events(name), *events(name)]:
        assert told.setdefault(event.id, event) == event


def test_the_company_s_words_stand_for_twilio_s() -> None:
    directions = Directions({"15551230200": Lines("moscow", "sales")}, {"petrova": "agent-7"}, {})
    about = contact(payloads("forwarded"), directions).about
    assert (about.branch, about.queue, about.agent) == ("moscow", "sales", "agent-7")


@pytest.mark.parametrize("name", ["forwarded", "missed", "outgoing", "routed", "conversation"])
def test_unknown_fields_change_nothing(name: str) -> None:
    said = [{**one, "NewIn2030": "x"} for one in payloads(name)]
    assert contact(said) == contact(payloads(name))


@pytest.mark.parametrize(
    "came",
    [
        b"",
        b"a=1",
        b"\xff\xfe",
        b"[1]",
        b"{",
        b"{}",
        b'[{"type":"com.twilio.messaging.inbound-message.received","data":{}}]',
        b"MessageSid=SM1&From=%2B15551230101&To=%2B15551230200&Body=hello&SmsStatus=received",
        b"CallSid=CA1&CallStatus=ringing&Direction=inbound&From=%2B1&To=%2B2",
        b"CallSid=CA1&CallStatus=in-progress&QueueSid=QU1&QueueTime=3&QueueResult=bridged",
        b"&".join(b"a%d=1" % one for one in range(600)),
        b"[" * 100_000,
    ],
)
def test_what_twilio_would_not_send_or_says_no_time_is_said(came: bytes) -> None:
    with pytest.raises(UnreadableError):
        twilio.read(came, Directions())


def test_the_documented_signature_is_right() -> None:
    form = {
        "CallSid": "CA1234567890ABCDE",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
        "Caller": "+14158675309",
    }
    headers = {"x-twilio-signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8="}
    right = Request(headers, body(form))
    assert twilio.fault(right, DOCUMENTED, NOW) is None
    for one in (
        right._replace(body=body(form | {"Digits": "1235"})),
        right._replace(body=body(without(form, "Digits"))),
        right._replace(headers={}),
    ):
        assert twilio.fault(one, DOCUMENTED, NOW) is not None
    for credentials in (
        DOCUMENTED | {"auth_token": "12346"},
        DOCUMENTED | {"url": "https://mycompany.com/myapp.php?foo=1"},
    ):
        assert twilio.fault(right, credentials, NOW) is not None


def test_a_field_that_comes_twice_is_signed_once_for_each_of_its_values() -> None:
    headers = {"x-twilio-signature": "IK+Dwps556ElfBT0I3Rgjkr1wJU="}
    came = b"Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234"
    assert twilio.fault(Request(headers, came), DOCUMENTED, NOW) is None


def test_of_json_the_hash_of_the_body_stands_in_the_address() -> None:
    headers = {"x-twilio-signature": "a9nBmqA0ju/hNViExpshrM61xv4="}
    right = Request(headers, b'{"property": "value", "boolean": true}')
    assert twilio.fault(right, DOCUMENTED, NOW) is None
    wrong = right._replace(body=b'{"property": "value", "boolean": false}')
    assert twilio.fault(wrong, DOCUMENTED, NOW) is not None


@pytest.mark.parametrize(
    ("given", "signed_for", "rest"),
    [
        (URL, URL, ""),
        (URL, f"{URL}/voice", "voice"),
        (f"{URL}/voice", f"{URL}/voice", "voice"),
        (URL, URL.replace(".example", ".example:443"), ""),
        (URL.replace(".example", ".example:443"), URL, ""),
        (f"{URL}#rc=3", URL, ""),
    ],
)
@pytest.mark.parametrize("name", ["missed", "queued"])
def test_the_address_is_the_one_given_to_twilio(
    name: str, given: str, signed_for: str, rest: str
) -> None:
    credentials = CREDENTIALS | {"url": given}
    said = payloads(name)[0]
    request = pushed(said, url=signed_for, rest=rest)
    assert twilio.fault(request, credentials, NOW) is None
    other = pushed(said, url="https://other.example/hook", rest=rest)
    assert twilio.fault(other, credentials, NOW) is not None
    foreign = pushed(said, url=signed_for, rest=rest, token="54321")
    assert twilio.fault(foreign, credentials, NOW) is not None


@given(st.sampled_from(["missed", "messages"]), st.integers(0, 10_000), st.integers(0, 7))
def test_a_bit_that_is_changed_is_seen(name: str, place: int, bit: int) -> None:
    request = pushed(payloads(name)[0])
    changed = providers.bit_changed(request.body, place, bit)
    if name == "missed" and form_of(changed) == form_of(request.body):
        return  # other letters of the same words
    assert twilio.fault(request._replace(body=changed), CREDENTIALS, NOW) is not None


FIELDS = sorted(
    {
        name
        for said in [*NAMES, "other"]
        for one in payloads(said)
        if isinstance(one, dict)
        for name in one
    }
)
VALUES = st.one_of(
    st.text(max_size=20),
    st.integers().map(str),
    st.sampled_from(
        ["completed", "in-progress", "bridged", "onMessageAdded", "task.created", "--5", "1" * 300]
    ),
)


@given(st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=12))
def test_any_form_is_read_or_unreadable(said: dict[str, str]) -> None:
    with contextlib.suppress(UnreadableError):
        twilio.read(urlencode(said).encode("utf-8", "surrogateescape"), Directions())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@pytest.mark.parametrize("name", ["queued", "bridged", "messages"])
@given(data=st.data())
def test_any_value_in_the_place_of_any_other_is_read_or_unreadable(
    name: str, data: st.DataObject
) -> None:
    said = json.loads(json.dumps(data.draw(st.sampled_from(payloads(name)))))
    part = said[0] if isinstance(said, list) else said
    while True:
        key = data.draw(st.sampled_from(sorted(part)))
        if isinstance(part[key], dict) and data.draw(st.booleans()):
            part = part[key]
            continue
        part[key] = data.draw(JSON)
        break
    with contextlib.suppress(UnreadableError):
        twilio.read(json.dumps(said if isinstance(said, list) else [said]).encode(), Directions())


@pytest.mark.parametrize("name", [*NAMES[:5], "conversation"])
@pytest.mark.parametrize(
    "value", ["", " ", "--5", "²", "-1", "9" * 400, "x" * 400, "\x00", "0001-01-01", "\ud800"]
)
def test_no_text_in_the_place_of_a_field_breaks_reading(name: str, value: str) -> None:
    for said in payloads(name):
        for field in said:
            with contextlib.suppress(UnreadableError):
                twilio.read(
                    urlencode({**said, field: value}, errors="surrogatepass").encode(),
                    Directions(),
                )


def test_a_time_that_says_no_zone_is_utc() -> None:
    said = [
        {**one, "Timestamp": one["Timestamp"].replace("+0000", "-0000")}
        for one in payloads("missed")
    ]
    assert contact(said) == contact(payloads("missed"))


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_unreadable(came: bytes) -> None:
    assert twilio.fault(Request({}, came), CREDENTIALS, NOW) is not None
    with contextlib.suppress(UnreadableError):
        twilio.read(came, Directions())
