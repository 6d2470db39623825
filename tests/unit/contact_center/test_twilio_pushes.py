"""Whom we believe to be Twilio, and that no body of its pushes breaks reading."""

import base64
import contextlib
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_contact_center.domain.providers import twilio
from otklik_contact_center.domain.providers.pushed import Directions, Request, UnreadableError
from otklik_contact_center.domain.providers.twilio.said import form_of
from tests.support import providers
from tests.support.providers import NOW
from tests.unit.contact_center.twilio_bodies import NAMES, body, payloads

URL = "https://otklik.example/contact-center/v1/sources/7/hook"
CREDENTIALS = {"auth_token": "12345", "url": URL}
DOCUMENTED = {"auth_token": "12345", "url": "https://mycompany.com/myapp.php?foo=1&bar=2"}


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


def without(said: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in said.items() if name not in names}


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


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_unreadable(came: bytes) -> None:
    assert twilio.fault(Request({}, came), CREDENTIALS, NOW) is not None
    with contextlib.suppress(UnreadableError):
        twilio.read(came, Directions())
