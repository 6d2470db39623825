"""
Twilio TaskRouter: a call or conversation waits in a queue and is given to a worker.

A task belongs to the call or conversation that its attributes name; any other is no contact here.

Source: Twilio Docs, TaskRouter Events reference: Event Callbacks.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from otklik_contact_center.domain.providers.pushed import (
    Event,
    UnreadableError,
    a_mapping,
    moment_of,
)
from otklik_contact_center.domain.providers.twilio.said import Said

TYPES: Final = {
    "task.created": "queued",
    "reservation.created": "ringing",
    "reservation.accepted": "answered",
}


def of_task(event_type: str, said: Said) -> Iterator[Event]:
    """The events in a callback of a workspace."""
    kind = TYPES.get(event_type)
    attributes = Said(_attributes(said))
    call = attributes.text("call_sid")
    contact = call or attributes.text("conversationSid")
    at = _time(said)
    if kind is None or contact is None or at is None:
        return
    outbound = (attributes.text("direction") or "").startswith("outbound")
    if kind == "queued" and outbound:
        return  # it asks for nobody: whoever takes it has made it
    subject = said.text("TaskSid") if kind == "queued" else said.text("ReservationSid")
    yield {
        "contact": contact,
        "id": f"{subject}:{event_type}",
        "type": kind,
        "at": at,
        "channel": None if call is None else "call",
        "queue": said.text("TaskQueueName"),
        "agent": None if kind == "queued" else said.text("WorkerName"),
    }


def _time(said: Said) -> str | None:
    """When it was: seconds since 1970, or a date."""
    text = said.text("Timestamp")
    if text is not None and text.isdecimal():
        return moment_of(text)
    at = said.moment("Timestamp")
    return None if at is None else at.isoformat()


def _attributes(said: Said) -> Mapping[str, Any]:
    """The attributes of a task, which are JSON within the form."""
    try:
        return a_mapping(said.words("TaskAttributes") or "{}")
    except UnreadableError:
        return {}
