"""
The record of a conversation: participants, their sessions, and the segments of these.

It grows while the conversation goes on and names no version. So only what never changes any more
is told, each under the id of its session: that a segment has begun, that it is over, that the
conversation has an end.

Source: Genesys Cloud Platform API, analytics, AnalyticsConversation, AnalyticsParticipant,
AnalyticsSession and AnalyticsConversationSegment.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from otklik_contact_center.domain.providers.genesys.fields import (
    TRANSFERS,
    channel_of,
    code_of,
    direction_of,
    id_of,
    sides,
    text_at,
    time_of,
    word_of,
)
from otklik_contact_center.domain.providers.pushed import Event

CUSTOMERS: Final = frozenset(("customer", "external"))
PEOPLE: Final = frozenset(("agent", "user"))

LISTENING: Final = ("monitoredParticipantId", "coachedParticipantId", "bargedParticipantId")
"""Fields of sessions in which a supervisor takes part in those of another."""


class Segment(NamedTuple):
    """What a session was busy with for a while; `until` is None while it goes on."""

    kind: str
    since: datetime
    until: datetime | None
    queue: str | None
    disconnect: str
    code: str | None


class Session(NamedTuple):
    """A participant in a medium, the segments in their order; there is at least one."""

    id: str
    purpose: str
    agent: str | None
    media: str
    said: Mapping[str, Any]
    segments: tuple[Segment, ...]

    @property
    def since(self) -> datetime:
        """When it began."""
        return self.segments[0].since

    def first(self, kind: str) -> Segment | None:
        """The first segment of a kind."""
        return next((one for one in self.segments if one.kind == kind), None)


def events_of(conversation: str, said: Mapping[str, Any]) -> Iterator[Event]:
    """The events in a record; none of what goes on among employees."""
    sessions = sorted(_sessions(said), key=lambda one: (one.since, one.id))
    customers = [one for one in sessions if one.purpose in CUSTOMERS]
    if not customers:
        return
    direction = direction_of(said.get("originatingDirection"))
    yield _started(conversation, said, customers[0], direction)
    yield from _in_queues(conversation, sessions, inbound=direction != "out")
    for session in sessions:
        if session.purpose in PEOPLE:
            yield from _of_person(conversation, session, customers, inbound=direction != "out")
    if any(one.said.get("recording") is True for one in sessions):
        at = text_at(time_of(said.get("conversationStart")) or sessions[0].since)
        yield {**_named(conversation, "recording"), "at": at}
    ended_at = time_of(said.get("conversationEnd"))
    if ended_at is not None:
        yield from _over(conversation, sessions, ended_at, inbound=direction != "out")


def _sessions(said: Mapping[str, Any]) -> Iterator[Session]:
    for number, participant in enumerate(_objects(said.get("participants"))):
        for place, one in enumerate(_objects(participant.get("sessions"))):
            segments = tuple(sorted(_segments(one), key=lambda segment: segment.since))
            if not segments or channel_of(one) is None or any(one.get(n) for n in LISTENING):
                continue
            yield Session(
                id_of(one.get("sessionId")) or f"{number}.{place}",
                word_of(participant.get("purpose")),
                code_of(participant.get("userId")),
                word_of(one.get("mediaType")),
                one,
                segments,
            )


def _segments(session: Mapping[str, Any]) -> Iterator[Segment]:
    for one in _objects(session.get("segments")):
        since = time_of(one.get("segmentStart"))
        if since is not None:
            yield Segment(
                word_of(one.get("segmentType")),
                since,
                time_of(one.get("segmentEnd")),
                code_of(one.get("queueId")),
                word_of(one.get("disconnectType")),
                code_of(one.get("wrapUpCode")),
            )


def _objects(value: object) -> Sequence[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else ()


def _named(conversation: str, kind: str, session: str | None = None) -> Event:
    of = conversation if session is None else f"{conversation}:{session}"
    return {"contact": conversation, "id": f"{of}:{kind}", "type": kind}


def _started(
    conversation: str, said: Mapping[str, Any], customer: Session, direction: str | None
) -> Event:
    campaign = code_of(customer.said.get("outboundCampaignId"))
    by_us = "human" if campaign is None else "system"
    words = {
        "type": "started",
        "contact": conversation,
        "at": text_at(time_of(said.get("conversationStart")) or customer.since),
        "channel": channel_of(customer.said),
        "direction": direction,
        "actor": by_us if direction == "out" else "customer",
        "campaign": campaign,
        **sides(customer.said),
    }
    # Numbers may be told later than the beginning: each wording is an event of its own.
    digest = hashlib.sha256(msgspec.json.encode(words, order="sorted")).hexdigest()[:16]
    return {**words, "id": f"{conversation}:started:{digest}"}


def _in_queues(conversation: str, sessions: Sequence[Session], *, inbound: bool) -> Iterator[Event]:
    """The first queue is where the wait begins; others, by transfer or overflow, only follow."""
    queues = [one for one in sessions if one.purpose == "acd"]
    if queues and inbound:
        yield {
            **_named(conversation, "queued", queues[0].id),
            "at": text_at(queues[0].since),
        }
    for one in queues:
        yield {
            **_named(conversation, "ringing", one.id),
            "at": text_at(one.since),
            "queue": one.segments[0].queue,
        }


def _of_person(
    conversation: str, session: Session, customers: Sequence[Session], *, inbound: bool
) -> Iterator[Event]:
    yield {
        **_named(conversation, "ringing", session.id),
        "at": text_at(session.since),
        "agent": session.agent,
        "queue": session.segments[0].queue,
    }
    talk = session.first("interact")
    # Who takes a request for a callback has not yet called back.
    if talk is not None and session.media != "callback":
        by_campaign = any(one.said.get("outboundCampaignId") for one in customers)
        yield {
            **_named(conversation, "answered", session.id),
            "at": text_at(_in_touch_at(talk.since, session, customers, inbound=inbound)),
            "agent": session.agent,
            "queue": talk.queue,
            "actor": "human" if inbound or by_campaign else "customer",
        }
        handed_on = [one for one in session.segments if one.disconnect in TRANSFERS][:1]
        for one in handed_on:
            until = text_at(one.until)
            yield {**_named(conversation, "transferred", session.id), "at": until}
    for segment in session.segments:
        yield from _of_segment(conversation, session, segment)


def _in_touch_at(
    since: datetime, session: Session, customers: Sequence[Session], *, inbound: bool
) -> datetime | None:
    """When who talks from `since` on has a customer to talk to, whom a person may have to call."""
    called = [one for one in customers if direction_of(one.said.get("direction")) == "out"]
    if inbound and not (called and direction_of(session.said.get("direction")) == "out"):
        return since
    talks = [one.first("interact") for one in called or customers if one.media != "callback"]
    picked_up = [one.since for one in talks if one is not None]
    return max(since, min(picked_up)) if picked_up else None


def _of_segment(conversation: str, session: Session, segment: Segment) -> Iterator[Event]:
    of = f"{session.id}:{segment.since.isoformat()}"
    until = text_at(segment.until)
    if segment.kind == "hold" and session.media in {"voice", "video"}:
        yield {**_named(conversation, "held", of), "at": text_at(segment.since)}
        yield {**_named(conversation, "resumed", of), "at": until}
    if segment.kind == "wrapup":
        yield {**_named(conversation, "wrapped", of), "at": until}
        if segment.code is not None:
            digest = hashlib.sha256(segment.code.encode()).hexdigest()[:16]
            yield {
                **_named(conversation, "amended", f"{of}:{digest}"),
                "at": until,
                "attributes": {"wrap_up_code": segment.code},
            }


def _over(
    conversation: str, sessions: Sequence[Session], ended_at: datetime, *, inbound: bool
) -> Iterator[Event]:
    """The end: that of the customer, where it is told, for agents may be busy a little longer."""
    own = [one for one in sessions if one.purpose == "customer" and one.media != "callback"]
    others = [one for one in sessions if one.purpose == "external"]
    last = max(own or others, key=_end_of, default=None)
    until = last.segments[-1].until if last is not None else None
    yield {
        **_named(conversation, "ended", last.id if last is not None and until else None),
        "at": text_at(until or ended_at),
    }
    outcome = _outcome(sessions) if inbound else None
    reason = last.segments[-1].disconnect if last is not None else ""
    if outcome is not None or reason:
        yield {
            **_named(conversation, "amended", f"{outcome}.{reason}"),
            "at": text_at(ended_at),
            "outcome": outcome,
            "attributes": {"disconnect_type": reason} if reason else None,
        }


def _end_of(session: Session) -> tuple[datetime, str]:
    last = session.segments[-1]
    return last.until or last.since, session.id


def _outcome(sessions: Sequence[Session]) -> str | None:
    """How a contact ended that nobody answered, where the record knows better than the rules."""
    people = [one for one in sessions if one.purpose in PEOPLE]
    if any(one.first("interact") for one in people if one.media != "callback"):
        return None
    if any(one.purpose == "voicemail" for one in sessions):
        return "voicemail"
    if any(one.media == "callback" for one in sessions):
        return "callback_requested"
    queues = [one for one in sessions if one.purpose == "acd"]
    metrics = {
        one.get("name")
        for queue in queues
        for one in _objects(queue.said.get("metrics"))
        if isinstance(one.get("name"), str)
    }
    if "tFlowOut" in metrics and "tAbandon" not in metrics:
        return "overflowed"
    # Who met only menus and bots did not wait for a person, and could not give up waiting.
    return None if queues or people else "unknown"
