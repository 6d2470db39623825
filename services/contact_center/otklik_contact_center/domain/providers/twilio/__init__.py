"""
Twilio: status callbacks of calls, recordings, queues, task routing, messages, conversations.

A push is a form, or, from Event Streams, a JSON array of events. `X-Twilio-Signature` is the Base64
of the HMAC-SHA1, by the auth token, of the address as given to Twilio and, behind it, the names and
values of the form, sorted; of JSON the address ends in `bodySHA256`. No time is signed.

Some webhooks say no time of what they tell, plain messages and queues among them: they are
unreadable here, and come with a time through Event Streams.

Source: Twilio Docs, Webhooks Security; Event Streams, Webhook Quickstart.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from otklik_contact_center.domain.providers.pushed import (
    WRONG,
    Directions,
    Event,
    Provider,
    Request,
    UnreadableError,
    inside,
    same,
)
from otklik_contact_center.domain.providers.twilio import calls, routing, writing
from otklik_contact_center.domain.providers.twilio.said import (
    Said,
    form_of,
    is_json,
    json_of,
    moment,
    only_values,
)
from otklik_contact_center.domain.signature import Fault

TOKEN, URL = "auth_token", "url"

_ADDRESS: Final = re.compile(r"(https?)://([^/:?#]+)(?::(\d+))?(.*)", re.IGNORECASE | re.DOTALL)
_PORTS: Final = {"http": "80", "https": "443"}


def fault(request: Request, credentials: Mapping[str, str], _now: datetime) -> Fault | None:
    """What is wrong with a push; None if it is signed by the auth token for the address."""
    shown = request.headers.get("x-twilio-signature", "")
    if is_json(request.body):
        added = f"bodySHA256={hashlib.sha256(request.body).hexdigest()}"
        signed = [
            f"{one}{'&' if '?' in one else '?'}{added}"
            for one in _addresses(credentials[URL], request.rest)
        ]
    else:
        form = form_of(request.body)
        if form is None:
            return WRONG
        words = "".join(f"{name}{value}" for name in sorted(form) for value in sorted(form[name]))
        signed = [f"{one}{words}" for one in _addresses(credentials[URL], request.rest)]
    # All of them, whatever the first says: the time of the answer tells nothing.
    right = [same(shown, _signature(credentials[TOKEN], one)) for one in signed]
    return None if any(right) else WRONG


def _signature(token: str, text: str) -> str:
    mac = hmac.new(token.encode(), text.encode("utf-8", "surrogateescape"), hashlib.sha1)
    return base64.b64encode(mac.digest()).decode()


def _addresses(url: str, rest: str) -> list[str]:
    """
    The addresses that Twilio may have signed.

    As given, or with what was pushed to behind it; with and without the port, as proxies differ;
    without the fragment, which only tells Twilio how to try again.
    """
    path, mark, query = url.partition("#")[0].partition("?")
    given = [f"{path}{mark}{query}"]
    if rest:
        given.append(f"{path.rstrip('/')}/{rest}{mark}{query}")
    found = []
    for one in given:
        parts = _ADDRESS.fullmatch(one)
        found.append(one)
        if parts is not None and parts[3] is None:
            found.append(f"{parts[1]}://{parts[2]}:{_PORTS[parts[1].lower()]}{parts[4]}")
        elif parts is not None:
            found.append(f"{parts[1]}://{parts[2]}{parts[4]}")
    return found


def read(body: bytes, directions: Directions) -> Sequence[Event]:
    """
    The events in a body; none in those about what is no contact.

    Raises:
        UnreadableError: It is neither a form nor events, names no contact, or says no time.
    """
    if is_json(body):
        streamed = list(_streamed(json_of(body), directions))
        return [event for events in streamed for event in events]
    form = form_of(body)
    if form is None:
        raise UnreadableError("the body is neither a form nor JSON", "тело – не форма и не JSON")
    said = Said(only_values(form))
    event_type = said.text("EventType")
    if event_type is not None and said.text("ConversationSid") is not None:
        return list(writing.of_conversation(event_type, said))
    if event_type is not None:
        return list(routing.of_task(event_type, said))
    if said.text("CallSid") is not None:
        return list(calls.of_call(said, directions))
    if said.text("ConferenceSid") is not None:
        return ()
    if said.text("MessageSid") is not None or said.text("SmsSid") is not None:
        raise UnreadableError(
            "Twilio says no time in this webhook: let messages come through Event Streams",
            "в этом вебхуке Twilio нет времени: подключите сообщения через Event Streams",
        )
    raise UnreadableError(
        "CallSid, MessageSid and EventType are missing: what is it about?",
        "нет ни CallSid, ни MessageSid, ни EventType: о чём это?",
    )


def _streamed(found: Sequence[Any], directions: Directions) -> Iterator[Sequence[Event]]:
    """Of Event Streams: events in an envelope of CloudEvents."""
    for one in found:
        if not isinstance(one, dict) or not isinstance(one.get("type"), str):
            raise UnreadableError(
                "the JSON holds no events of Event Streams", "в JSON нет событий Event Streams"
            )
        kind, data = one["type"], inside(one, "data")
        if kind.startswith("com.twilio.voice."):
            fields = inside(inside(data, "request"), "parameters")
            told_at = moment(data.get("timestamp")) or moment(one.get("time"))
            if ".status-callback." in kind:
                fields = {"Timestamp": data.get("timestamp"), **fields}
            said = Said(fields)
            if said.text("CallSid") is not None:
                yield list(calls.of_call(said, directions, told_at=told_at))
        elif kind.startswith("com.twilio.messaging."):
            yield list(writing.of_message(kind, Said(data)))
        elif kind == "com.twilio.conversations.message.added":
            yield list(writing.of_conversation("onMessageAdded", Said(data)))


PROVIDER: Final = Provider("twilio", (TOKEN, URL), fault, read)
