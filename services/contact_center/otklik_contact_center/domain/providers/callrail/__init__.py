"""
CallRail: calls to tracking numbers, and text messages.

A push is a JSON object, of older webhooks a form; `Signature` is the Base64 of the HMAC-SHA1 of the
body by the company's signing key. Every push about a call is its whole record as known then: before
the call, when it is routed, after it, and whenever it is modified. A record bears no version, and
its `timestamp` is the call's own, which lies far back when the record comes: it is no proof of
freshness, and a push that is refused is lost, as CallRail never sends one again.

So what never changes makes events with ids of their own; what may change is said by `amended`
events, of which the fullest record stands last. When a call was answered CallRail does not tell.

Source: CallRail API v3 documentation: Webhooks (Events, Security), Calls (response fields).
"""

import base64
import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from otklik_contact_center.domain.providers.callrail.record import Record, record_of
from otklik_contact_center.domain.providers.pushed import (
    WRONG,
    Directions,
    Event,
    Provider,
    Request,
    UnreadableError,
    digits,
    same,
)
from otklik_contact_center.domain.signature import Fault

KEY = "signing_key"

RUNNING: Final = "in_progress"
OVER: Final = frozenset(
    ("abandoned", "abandonded", "answered", "voicemail", "voicemail_transcription")
)
"""Types that a call has only when it is over; `missed` is also what it is called before."""

TOLD: Final = (
    "source_name",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_term",
    "utm_content",
    "medium",
    "device_type",
    "lead_status",
    "value",
)
"""Fields that are passed on as attributes; no names, no notes, no words of the customer."""


def fault(request: Request, credentials: Mapping[str, str], _now: datetime) -> Fault | None:
    """What is wrong with a push; None if it is signed by the signing key."""
    mac = hmac.new(credentials[KEY].encode(), request.body, hashlib.sha1)
    expected = base64.b64encode(mac.digest()).decode()
    return None if same(request.headers.get("signature", ""), expected) else WRONG


def read(body: bytes, directions: Directions) -> Sequence[Event]:
    """
    The events in a body; none in those about forms and about what was made of a call.

    Raises:
        UnreadableError: It is neither JSON nor a form, names no call or message, or no time.
    """
    record = record_of(body, directions.zone)
    if "form_data" in record.fields or "last_interaction_resource_id" in record.fields:
        return ()
    if "message_type" in record.fields or "content" in record.fields:
        return list(_message(record))
    return list(_call(record, directions))


def _call(record: Record, directions: Directions) -> Iterator[Event]:
    contact = record.text("resource_id", "id")
    if contact is None:
        raise UnreadableError(
            "resource_id is missing: of which call?", "нет resource_id: о каком звонке?"
        )
    began = record.moment("start_time", "created_at") or record.utc("datetime")
    if began is None:
        raise UnreadableError(
            "start_time is missing: when was it?", "нет start_time: когда это было?"
        )
    outbound = record.text("direction") == "outbound" or record.text("call_type") == "outbound"
    customer = record.text("customer_phone_number", "callernum")
    line = record.text("tracking_phone_number", "trackingnum")
    common = {"contact": contact, "channel": "call", "at": began.isoformat()}
    sides: Event = {
        "direction": "out" if outbound else "in",
        "from": line if outbound else customer,
        "to": customer if outbound else line,
        "actor": "human" if outbound else None,
    }
    # A record that says less of it is another event, which changes nothing.
    yield {**common, **sides, "id": f"{contact}:began:{_hash(sides)}", "type": "started"}
    yield from _answer(record, common, outbound=outbound)
    if _is_over(record, outbound=outbound):
        ended = record.after(began, "duration")
        yield {
            "contact": contact,
            "id": f"{contact}:ended:{record.seconds('duration')}",
            "type": "ended",
            "at": ended.isoformat(),
        }
    if record.text("recording", "recording_player") is not None:
        yield {
            "contact": contact,
            "id": f"{contact}:recording",
            "type": "recording",
            "at": began.isoformat(),
            "attributes": {"recording_id": contact},
        }
    yield from _told(record, contact, record.moment("timestamp") or began, directions)


def _answer(record: Record, common: Event, *, outbound: bool) -> Iterator[Event]:
    """
    That somebody answered, a person or CallRail's Voice Assist, at a time that is not told.

    It stands at the beginning: the wait is then none, and said to be unknown.
    """
    if not record.is_true("answered") or _left_voicemail(record):
        return
    assisted = bool(record.fields.get("voice_assist_message"))
    actor = "bot" if assisted else "customer" if outbound else "human"
    yield {
        **common,
        "id": f"{common['contact']}:answered:{actor}",
        "type": "answered",
        "actor": actor,
        "attributes": {"answer_time": "unknown"},
    }


def _left_voicemail(record: Record) -> bool:
    kind = record.text("call_type") or ""
    return record.is_true("voicemail") or kind.startswith("voicemail")


def _is_over(record: Record, *, outbound: bool) -> bool:
    """
    Whether a record is of a call that is over.

    Before it has a duration a call to us cannot be told from one that ended in its first second,
    unless its type or a change says so; calls from us are told of only when they are over.
    """
    kind = record.text("call_type")
    if kind == RUNNING:
        return False
    modified = "changes" in record.fields
    return outbound or modified or kind in OVER or record.seconds("duration") > 0


def _told(record: Record, contact: str, at: datetime, directions: Directions) -> Iterator[Event]:
    """What a record says of what may change; of several the fullest is understood last."""
    attributes = {name: value for name in TOLD if (value := record.text(name)) is not None}
    tags = record.names("tags")
    if tags:
        attributes["tags"] = tags
    told: Event = {
        "agent": record.text("agent_email") or _named(record, directions),
        "campaign": record.text("campaign", "utm_campaign"),
        "outcome": "voicemail" if _left_voicemail(record) else None,
        "attributes": attributes or None,
    }
    told = {name: value for name, value in told.items() if value is not None}
    if not told:
        return
    stage = 2 if "changes" in record.fields else 1 if record.seconds("duration") else 0
    yield {
        **told,
        "contact": contact,
        "id": f"{contact}:told:{stage}:{len(repr(sorted(told.items()))):06d}:{_hash(told)}",
        "type": "amended",
        "at": at.isoformat(),
    }


def _named(record: Record, directions: Directions) -> str | None:
    """The number that answered, if a direction says whose it is."""
    number = digits(record.text("business_phone_number", "destinationnum") or "")
    return next((one for one in directions.agents if number and digits(one) == number), None)


def _message(record: Record) -> Iterator[Event]:
    """A text message; only what we sent names an agent."""
    sid, at = record.text("resource_id", "id"), record.moment("timestamp")
    contact = record.text("conversation_id")
    if sid is None or contact is None or at is None:
        raise UnreadableError(
            "resource_id, conversation_id or timestamp is missing: of which message?",
            "нет resource_id, conversation_id или timestamp: о каком сообщении?",
        )
    sent = "agent" in record.fields
    yield {
        "contact": contact,
        "id": f"{sid}:message",
        "type": "message",
        "at": at.isoformat(),
        "channel": "messenger",
        "direction": "out" if sent else "in",
        "from": record.text("source_number"),
        "to": record.text("destination_number"),
        "agent": record.text("agent"),
        "actor": "human" if sent else "customer",
        "text": record.words("content"),
    }


def _hash(said: Mapping[str, Any]) -> str:
    return hashlib.sha256(repr(sorted(said.items())).encode("utf-8", "replace")).hexdigest()[:16]


PROVIDER: Final = Provider("callrail", (KEY,), fault, read)
