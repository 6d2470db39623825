"""
A leg: what Amazon Connect calls a contact, as its contact record or a contact event tells it.

Source: Amazon Connect, administrator guide, contact records data model (format 2017-03-10) and
contact events data model.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from otklik_contact_center.domain.events import (
    MAX_ATTRIBUTE_LENGTH,
    MAX_ATTRIBUTES,
    MAX_CODE,
)
from otklik_contact_center.domain.providers.pushed import inside, text_of

DISCONNECT_REASON: Final = "disconnect_reason"


UNVERSIONED: Final = "0"
"""Stands before every time: what a record says is later than what an event does."""


class Leg(NamedTuple):
    """
    A leg of a contact so far. Times are in UTC, to the second.

    Attributes:
        contact: The first leg of all; a transfer is a new leg of the same.
        version: When the record was last changed; contact events have none.
        follows, followed: There is a leg before this one, after it.
        reached_at: When the customer's side was connected: of a call that we make, answered.
        connected_at: When an agent was.
        held_seconds: The sum of all holds; when each of them was is not told.
        left_at: When somebody outside Amazon Connect took the contact over.
        over_at: When the customer's side was disconnected, where the record says so.
        machine: What the detection of answering machines has found.
    """

    id: str
    contact: str
    version: str
    method: str
    channel: str
    follows: bool
    followed: bool
    customer: str | None
    ours: str | None
    queue: str | None
    agent: str | None
    initiated_at: datetime | None
    reached_at: datetime | None
    queued_at: datetime | None
    connected_at: datetime | None
    held_seconds: int
    left_at: datetime | None
    over_at: datetime | None
    wrapped_at: datetime | None
    machine: str
    attributes: Mapping[str, str]
    recordings: tuple[str, ...]


def of_record(said: Mapping[str, Any]) -> Leg | None:
    """The leg of a contact record; None where it names none."""
    id_ = _id(said.get("ContactId"))
    if id_ is None:
        return None
    first = _id(said.get("InitialContactId")) or _id(said.get("PreviousContactId")) or id_
    agent, queue = inside(said, "Agent"), inside(said, "Queue")
    over_at = time_of(said.get("DisconnectTimestamp"))
    held = agent.get("CustomerHoldDuration")
    updated_at = time_of(said.get("LastUpdateTimestamp")) or over_at
    return Leg(
        id=id_,
        contact=first,
        version=updated_at.isoformat() if updated_at is not None else UNVERSIONED,
        method=_word(said.get("InitiationMethod")),
        channel=_word(said.get("Channel")),
        follows=first != id_,
        followed=_id(said.get("NextContactId")) is not None,
        customer=text_of(inside(said, "CustomerEndpoint").get("Address")),
        ours=text_of(inside(said, "SystemEndpoint").get("Address")),
        queue=_code(queue.get("Name")) or _last_of_arn(queue.get("ARN")),
        agent=_code(agent.get("Username")) or _last_of_arn(agent.get("ARN")),
        initiated_at=time_of(said.get("InitiationTimestamp")),
        reached_at=time_of(said.get("ConnectedToSystemTimestamp")),
        queued_at=time_of(queue.get("EnqueueTimestamp")),
        connected_at=time_of(agent.get("ConnectedToAgentTimestamp")),
        held_seconds=held if type(held) is int and held > 0 else 0,
        left_at=time_of(said.get("TransferCompletedTimestamp")),
        over_at=over_at,
        wrapped_at=time_of(agent.get("AfterContactWorkEndTimestamp")),
        machine=_word(said.get("AnsweringMachineDetectionStatus")),
        attributes=_attributes(said),
        recordings=_recordings(said),
    )


def of_event(detail: Mapping[str, Any]) -> Leg | None:
    """
    The leg of the detail of a contact event; None where it names none.

    It says neither whether another leg follows nor who is in touch: it never ends a contact.
    """
    id_ = _id(detail.get("contactId"))
    if id_ is None:
        return None
    first = _id(detail.get("initialContactId")) or _id(detail.get("previousContactId")) or id_
    agent, queue = inside(detail, "agentInfo"), inside(detail, "queueInfo")
    return Leg(
        id=id_,
        contact=first,
        version=UNVERSIONED,
        method=_word(detail.get("initiationMethod")),
        channel=_word(detail.get("channel")),
        follows=first != id_,
        followed=False,
        customer=None,
        ours=None,
        queue=_last_of_arn(queue.get("queueArn")),
        agent=_last_of_arn(agent.get("agentArn")),
        initiated_at=time_of(detail.get("initiationTimestamp")),
        reached_at=time_of(detail.get("connectedToSystemTimestamp")),
        queued_at=time_of(queue.get("enqueueTimestamp")),
        connected_at=time_of(agent.get("connectedToAgentTimestamp")),
        held_seconds=0,
        left_at=None,
        over_at=None,
        wrapped_at=None,
        machine=_word(detail.get("answeringMachineDetectionStatus")),
        attributes={},
        recordings=(),
    )


def time_of(value: object) -> datetime | None:
    """
    A time written as ISO 8601, in UTC where it says no zone, to the second below.

    Records have whole seconds and events write milliseconds: of one moment both tell the same.
    """
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value.strip())
        aware = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return aware.replace(microsecond=0)


LONGEST_ID: Final = 100
"""Ids are UUIDs; what may be longer, as documented, is known by its digest."""


def _id(value: object) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return None
    text = value.strip()
    return text if len(text) <= LONGEST_ID else hashlib.sha256(text.encode()).hexdigest()


def _word(value: object) -> str:
    """One of a set of words, which events write as `Voice` and records as `VOICE`."""
    return (text_of(value) or "").upper()


def _code(value: object) -> str | None:
    text = text_of(value)
    return text[:MAX_CODE] if text is not None else None


def _last_of_arn(value: object) -> str | None:
    text = text_of(value)
    return _code(text.rpartition("/")[2]) if text is not None else None


def _attributes(said: Mapping[str, Any]) -> Mapping[str, str]:
    """The attributes of a flow, and who or what ended the leg."""
    found = {
        name: value[:MAX_ATTRIBUTE_LENGTH]
        for name, value in inside(said, "Attributes").items()
        if isinstance(value, str) and 0 < len(name) <= MAX_CODE
    }
    kept = dict(sorted(found.items())[: MAX_ATTRIBUTES // 2])
    reason = text_of(said.get("DisconnectReason"))
    return {**kept, DISCONNECT_REASON: reason} if reason is not None else kept


SOUND: Final = frozenset(("AUDIO", "VIDEO", ""))


def _recordings(said: Mapping[str, Any]) -> tuple[str, ...]:
    """Where recordings lie; the transcript of a chat is none."""
    several = said.get("Recordings")
    found = [inside(said, "Recording"), *(several if isinstance(several, list) else ())]
    places = {
        one["Location"].strip()[:MAX_ATTRIBUTE_LENGTH]
        for one in found
        if isinstance(one, dict)
        and isinstance(one.get("Location"), str)
        and _word(one.get("Status")) != "DELETED"
        and _word(one.get("MediaStreamType")) in SOUND
    }
    return tuple(sorted(places - {""}))
