"""
Twilio: a call is one contact with all the legs that are dialled from it.

The leg without a parent tells when the call began and that it is over; legs dialled from it tell
who rang and who answered. A leg that Twilio dials by itself (`outbound-api`) is begun by a program,
so its answer alone is not yet a talk with a person of ours. The end of a leg says how long it was
connected, in `CallDuration` (`Duration` are minutes to be paid), so whoever receives ends alone
knows the answers, too, to the second.

Source: Twilio Docs, Voice: Call status callbacks (StatusCallbackEvent, SequenceNumber, Timestamp),
TwiML <Number> statusCallback, <Recording> recordingStatusCallback, <Enqueue> action, <Queue> url.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from otklik_contact_center.domain.providers.pushed import (
    Directions,
    Event,
    UnreadableError,
    digits,
)
from otklik_contact_center.domain.providers.twilio.said import HANDSETS, Said, before

BEGINNINGS: Final = frozenset(("queued", "initiated", "ringing", "in-progress"))
ENDS: Final = frozenset(("completed", "busy", "no-answer", "failed", "canceled"))


def of_call(
    said: Said, directions: Directions, *, told_at: datetime | None = None
) -> Iterator[Event]:
    """
    The events in the fields of a push about a call, which has a CallSid.

    Args:
        told_at: When Event Streams says it was; None: the fields must say it.
    Raises:
        UnreadableError: The fields say no time, and there is no other.
    """
    leg = said.text("CallSid") or ""
    contact = said.text("ParentCallSid") or leg
    if said.text("RecordingStatus") is not None:
        yield from _recording(contact, said)
        return
    if said.text("QueueSid") is not None or said.text("QueueResult") is not None:
        yield from _queue(contact, said, _known(said.moment("Timestamp") or told_at))
        return
    status = said.text("CallStatus")
    at = said.moment("Timestamp")
    if status is None or (at is None and told_at is not None):
        return  # who answered, a machine or not; or what a document of TwiML was asked for
    at = _known(at)
    answered_by = said.text("AnsweredBy")
    common = {
        "contact": contact,
        "channel": "call",
        "attributes": None if answered_by is None else {"answered_by": answered_by},
    }
    recording = said.text("RecordingSid")
    if recording is not None and status in ENDS:
        yield {
            "contact": contact,
            "id": f"{recording}:recorded",
            "type": "recording",
            "at": _iso(at),
            "attributes": {"recording_id": recording},
        }
    events = _first_leg if contact == leg else _dialled_leg
    for event in events(leg, status, at, said, directions):
        yield {**common, **event}


def _known(at: datetime | None) -> datetime:
    if at is None:
        raise UnreadableError(
            "Twilio says no time in this webhook: give this address as a status callback,"
            " or let it come through Event Streams",
            "в этом вебхуке Twilio нет времени: укажите этот адрес как status callback"
            " или подключите Event Streams",
        )
    return at


def _first_leg(
    leg: str, status: str, at: datetime, said: Said, directions: Directions
) -> Iterator[Event]:
    """What happened to the leg that makes the call."""
    sides = _sides(said, directions)
    connected = before(at, said.seconds("CallDuration") or 0)
    if status in BEGINNINGS:
        yield {**sides, "id": f"{leg}:{status}", "type": "started", "at": _iso(at)}
    if status in ENDS:
        yield {**sides, "id": f"{leg}:began", "type": "started", "at": _iso(connected)}
    if _is_customer_called(sides) and _was_answered(status, said):
        # Whether this or the end of the leg says it, it is the customer, not a person of ours.
        kind = "answered" if status == "in-progress" else "connected"
        when = at if status == "in-progress" else connected
        yield {
            **{name: value for name, value in sides.items() if name != "actor"},
            "id": f"{leg}:customer:{kind}",
            "type": "answered",
            "at": _iso(when),
            "actor": "customer",
        }
    if status in ENDS:
        yield {"id": f"{leg}:ended", "type": "ended", "at": _iso(at)}


def _dialled_leg(
    leg: str, status: str, at: datetime, said: Said, directions: Directions
) -> Iterator[Event]:
    """What happened to a leg that was dialled from a call: it never ends the call."""
    number = said.text("To")
    agent = _agent(number, directions)
    # Whose number it is, the customer's or a colleague's, is unknown unless a direction says it.
    side = {"to": number} if agent is None else {"agent": agent}
    if status == "ringing":
        yield {**side, "id": f"{leg}:ringing", "type": "ringing", "at": _iso(at)}
    if not _was_answered(status, said):
        return
    if status == "in-progress":
        yield {**side, "id": f"{leg}:answered", "type": "answered", "at": _iso(at)}
    else:
        connected = before(at, said.seconds("CallDuration") or 0)
        yield {**side, "id": f"{leg}:connected", "type": "answered", "at": _iso(connected)}


def _was_answered(status: str, said: Said) -> bool:
    """Whether somebody took a leg, and it was not a machine."""
    by = said.text("AnsweredBy") or ""
    taken = status == "in-progress" or (
        status == "completed" and bool(said.seconds("CallDuration"))
    )
    return taken and not by.startswith(("machine", "fax"))


def _sides(said: Said, directions: Directions) -> Event:
    """Who began a call, and who is in touch with whom."""
    from_, to = said.text("From"), said.text("To")
    direction = said.text("Direction") or ""
    if direction.startswith("outbound"):
        agent = _agent(to, directions)
        if agent is not None:  # a person of ours is called first, and dials the customer then
            return {"direction": "out", "agent": agent, "actor": "human"}
        return {"direction": "out", "from": from_, "to": to, "actor": "system"}
    agent = _agent(from_, directions)
    if agent is not None:  # a softphone dials out
        return {"direction": "out", "to": to, "agent": agent, "actor": "human"}
    return {"direction": "in", "from": from_, "to": to}


def _is_customer_called(sides: Event) -> bool:
    return sides["direction"] == "out" and sides.get("agent") is None


def _agent(address: str | None, directions: Directions) -> str | None:
    """Who of ours has an address: a softphone, a telephone, or a number named as an agent's."""
    if address is None:
        return None
    if address in directions.agents:
        return address
    number = digits(address)
    for prefix in HANDSETS:
        if address.startswith(prefix):
            name = address.removeprefix(prefix).partition("@")[0].partition(";")[0]
            return None if not name or name.lstrip("+").isdecimal() else name
    named = (one for one in directions.agents if one.lstrip("+").isdecimal())
    return next((one for one in named if number and digits(one) == number), None)


def _queue(contact: str, said: Said, at: datetime) -> Iterator[Event]:
    """
    A call has left a queue: taken out of it by a person, or otherwise.

    What tells of it says how long it had waited; a result `bridged` alone comes after the talk, so
    that it proves the answer and the wait, but not when it was.
    """
    queue, waited = said.text("QueueSid"), said.seconds("QueueTime")
    result, taken = said.text("QueueResult"), said.text("DequeingCallSid") is not None
    if queue is None or waited is None or not (taken or result):
        return  # it was not let in, or still waits
    common = {"contact": contact, "channel": "call", "queue": queue}
    if result == "bridged":
        yield {
            **common,
            "id": f"{contact}:{queue}:bridged",
            "type": "answered",
            "at": _iso(at),
            "waited_seconds": waited,
        }
        return
    way = "taken" if taken else "left"
    since = _iso(before(at, waited))
    yield {**common, "id": f"{contact}:{queue}:{way}:queued", "type": "queued", "at": since}
    if taken:
        yield {
            **common,
            "id": f"{contact}:{queue}:taken",
            "type": "answered",
            "at": _iso(at),
        }


def _recording(contact: str, said: Said) -> Iterator[Event]:
    """A recording that is complete."""
    at = said.moment("RecordingStartTime")
    recording = said.text("RecordingSid")
    if at is None or recording is None or said.text("RecordingStatus") != "completed":
        return
    yield {
        "contact": contact,
        "id": f"{recording}:recording",
        "type": "recording",
        "at": _iso(at),
        "attributes": {"recording_id": recording},
    }


def _iso(at: datetime) -> str:
    return at.isoformat()
