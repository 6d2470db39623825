"""
Amazon Connect: contact records, and contact events through EventBridge.

A contact of theirs is a leg of ours: each transfer makes a new one with the same InitialContactId.
A record comes at least once and again whenever it changes. What never changes (that something
happened, and when) has the id of its leg; what may (queue, agent, numbers, attributes) is told once
for every version of the record, so that the latest wins. Events and records of the same moment say
the same, and only a record without a next leg ends a contact.

Source: Amazon Connect, administrator guide, contact records data model (format 2017-03-10) and
contact events data model; Amazon Data Firehose, developer guide, HTTP endpoint delivery request
and response specifications.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from otklik_contact_center.domain.providers.amazon_connect import leg as legs
from otklik_contact_center.domain.providers.amazon_connect.bodies import objects
from otklik_contact_center.domain.providers.amazon_connect.leg import Leg
from otklik_contact_center.domain.providers.pushed import (
    MOST_CHARACTERS,
    WRONG,
    Directions,
    Event,
    Provider,
    Request,
    UnreadableError,
    inside,
    same,
    without_nothing,
)
from otklik_contact_center.domain.signature import Fault

ACCESS_KEY: Final = "access_key"

CHANNELS: Final = {"VOICE": "call", "CHAT": "chat", "EMAIL": "email"}
"""By Channel; a task, and what is not known yet, is some other one."""

BY_AGENTS: Final = frozenset(("OUTBOUND", "AGENT_REPLY"))
"""InitiationMethods of what an agent begins."""

DIALLED: Final = frozenset(("OUTBOUND", "CALLBACK", "API"))
"""InitiationMethods of calls in which the customer's side has to answer."""

HANDED_ON: Final = frozenset(("TRANSFER", "EXTERNAL_OUTBOUND"))
"""InitiationMethods of legs that an agent makes of another one; QUEUE_TRANSFER is a flow's."""


def fault(request: Request, credentials: Mapping[str, str], _now: datetime) -> Fault | None:
    """What is wrong with a push; None if it brings the key, as Firehose or EventBridge do."""
    key = credentials[ACCESS_KEY]
    right = (
        same(request.headers.get("x-amz-firehose-access-key", ""), key),
        same(request.headers.get("authorization", ""), f"Bearer {key}"),
    )
    return None if key and any(right) else WRONG


def read(body: bytes, _directions: Directions) -> Sequence[Event]:
    """
    The events in a body; none in those about agents, flows and rules.

    Raises:
        UnreadableError: It holds no JSON, or something that names no contact.
    """
    return without_nothing(event for said in objects(body) for event in _told(said))


def _told(said: Mapping[str, Any]) -> Iterator[Event]:
    from_bus = "detail-type" in said
    detail = inside(said, "detail") if from_bus else said
    leg = legs.of_record(said) or legs.of_event(detail)
    if leg is None:
        if "AgentARN" in said or (from_bus and "eventType" not in detail):
            return  # what an agent does, what a rule has found
        raise UnreadableError(
            "ContactId is missing: of which contact?", "нет ContactId: о каком обращении?"
        )
    if leg.method == "MONITOR":
        return  # a supervisor listens
    if leg.method == "AGENT_REPLY" and leg.follows:
        yield _reply(leg)
    else:
        yield from _of_leg(leg)


def _reply(leg: Leg) -> Event:
    """A letter that answers the customer's."""
    return {
        **_fixed(leg, "message"),
        "contact": leg.contact,
        "at": _text(leg.initiated_at),
        "channel": CHANNELS.get(leg.channel, "other"),
        "direction": "out",
        "actor": "human",
    }


def _of_leg(leg: Leg) -> Iterator[Event]:
    direction = _direction(leg)
    whole = {"contact": leg.contact, "channel": CHANNELS.get(leg.channel, "other")}
    yield _beginning(leg, whole, direction)
    if leg.follows and leg.method in HANDED_ON:
        yield {**whole, **_fixed(leg, "transferred"), "at": _text(leg.initiated_at)}
    if not leg.follows and direction == "in":
        yield {**whole, **_fixed(leg, "queued"), "at": _text(leg.queued_at)}
    answered_at, by_customer = _answered(leg)
    if leg.agent is not None:
        at = _text(leg.connected_at)
        words = {**whole, "at": at, "agent": leg.agent, "queue": leg.queue}
        yield _changing(leg, "ringing", words)
    actor = "customer" if by_customer else "human"
    yield {**whole, **_fixed(leg, "answered"), "at": _text(answered_at), "actor": actor}
    if leg.over_at is not None:
        yield from _held(leg, whole, answered_at)
        yield from _over(leg, whole, direction, answered_at)


def _fixed(leg: Leg, kind: str) -> Event:
    """What of a leg is told alike by each record and event."""
    return {"id": f"{leg.id}:{kind}", "type": kind}


def _changing(leg: Leg, kind: str, words: Event) -> Event:
    """What a record may tell otherwise later: the last id of those of one time has the last word."""
    digest = hashlib.sha256(msgspec.json.encode(words, order="sorted")).hexdigest()[:16]
    return {**words, "id": f"{leg.id}:{kind}:{leg.version}:{digest}", "type": kind}


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None


def _direction(leg: Leg) -> str | None:
    """Who began; None of a leg that follows: the first one says it."""
    if leg.follows:
        return None
    ours = leg.method in BY_AGENTS or leg.method == "CALLBACK"
    # Chats and tasks that are made through the API come from customers and their forms.
    return "out" if ours or (leg.method == "API" and leg.channel == "VOICE") else "in"


def _beginning(leg: Leg, whole: Event, direction: str | None) -> Event:
    if leg.follows:
        # No second beginning, and no transfer by an agent, yet another queue.
        words = {**whole, "at": _text(leg.initiated_at), "queue": leg.queue}
        return _changing(leg, "ringing", words)
    by_agent = leg.method in BY_AGENTS
    from_, to = (leg.customer, leg.ours) if direction == "in" else (leg.ours, leg.customer)
    words = {
        **whole,
        "at": _text(leg.initiated_at),
        "direction": direction,
        "actor": "human" if by_agent else "customer" if direction == "in" else "system",
        "from": from_,
        "to": to,
        "queue": leg.queue,
        "agent": leg.agent if by_agent else None,
    }
    return _changing(leg, "started", words)


def _answered(leg: Leg) -> tuple[datetime | None, bool]:
    """When agent and customer were first in touch, and whether it was the customer who answered."""
    if leg.channel != "VOICE" or leg.method not in DIALLED:
        return (None if leg.method in BY_AGENTS else leg.connected_at), False
    if leg.reached_at is None or leg.connected_at is None or _by_machine(leg):
        return None, False
    return max(leg.reached_at, leg.connected_at), leg.method in BY_AGENTS


def _by_machine(leg: Leg) -> bool:
    return leg.machine.startswith("VOICEMAIL")


def _held(leg: Leg, whole: Event, answered_at: datetime | None) -> Iterator[Event]:
    """All holds of a leg as one, behind the answer: only their sum is told."""
    if answered_at is None or leg.over_at is None or not leg.held_seconds:
        return
    until = answered_at + timedelta(
        seconds=min(leg.held_seconds, max(0, int((leg.over_at - answered_at).total_seconds())))
    )
    yield {**whole, **_fixed(leg, "held"), "at": _text(answered_at)}
    yield {**whole, **_fixed(leg, "resumed"), "at": _text(until)}


def _over(
    leg: Leg, whole: Event, direction: str | None, answered_at: datetime | None
) -> Iterator[Event]:
    """What only a record knows of a leg that is over."""
    if not leg.followed:
        yield {**whole, **_fixed(leg, "left"), "type": "transferred", "at": _text(leg.left_at)}
        yield {**whole, **_fixed(leg, "ended"), "at": _text(leg.over_at)}
    wrapped = {"contact": leg.contact, "at": _text(leg.wrapped_at)}
    yield _changing(leg._replace(version=legs.UNVERSIONED), "wrapped", wrapped)
    for place in leg.recordings:
        yield {
            "contact": leg.contact,
            "id": f"{leg.id}:recording:{hashlib.sha256(place.encode()).hexdigest()}",
            "type": "recording",
            "at": _text(leg.over_at),
            "attributes": {"recording_id": place},
        }
    alone = answered_at is None and not leg.followed
    outcome = _outcome(leg, direction) if alone else None
    if outcome is not None or leg.attributes:
        amended = {
            "contact": leg.contact,
            "at": _text(leg.over_at) if leg.version == legs.UNVERSIONED else leg.version,
            "outcome": outcome,
            "attributes": dict(leg.attributes) or None,
        }
        yield _changing(leg, "amended", amended)


def _outcome(leg: Leg, direction: str | None) -> str | None:
    """How a leg ended that no agent answered, where a record knows better than the rules."""
    if _by_machine(leg):
        return "voicemail"
    if leg.left_at is not None:
        return "transferred"
    if leg.follows:
        return "callback_requested" if leg.method == "CALLBACK" else None
    if direction == "out":
        return "resolved" if leg.channel == "EMAIL" else None
    # Who never came to a queue did not wait for a person, and could not give up waiting.
    return "unknown" if leg.queued_at is None else None


def receipt(request: Request, now: datetime) -> bytes | None:
    """What Firehose wants to read, lest it push again; others want nothing."""
    asked = request.headers.get("x-amz-firehose-request-id")
    if asked is None:
        return None
    return msgspec.json.encode(
        {"requestId": asked[:MOST_CHARACTERS], "timestamp": round(now.timestamp() * 1000)}
    )


PROVIDER: Final = Provider("amazon_connect", (ACCESS_KEY,), fault, read, receipt=receipt)
