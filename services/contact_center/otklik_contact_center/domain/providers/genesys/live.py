"""
Detail events: what happens in a conversation, one by one, as it happens.

Their times are those of the segments in the record: what both tell is told alike.

Source: Genesys Cloud, available notification topics, v2.detail.events.conversation.{id}.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

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
from otklik_contact_center.domain.providers.pushed import Event, UnreadableError, number_of

_TOPIC: Final = re.compile(r"v2\.detail\.events\.conversation\.[^.]+\.(.+)", re.DOTALL)


def kind_of(topic: str) -> str | None:
    """What a detail event is about, as `acd.start`; None of other topics."""
    found = _TOPIC.fullmatch(topic)
    return found[1] if found is not None and found[1] in _READERS else None


def events_of(kind: str, body: Mapping[str, Any]) -> Iterator[Event]:
    """The events in a detail event. Raises UnreadableError."""
    conversation = id_of(body.get("conversationId"))
    if conversation is None:
        raise UnreadableError(
            "conversationId is missing: of which conversation?",
            "нет conversationId: о каком разговоре?",
        )
    channel, at = channel_of(body), time_of(body.get("eventTime"))
    if channel is None or at is None:
        return
    session = id_of(body.get("sessionId")) or "0"
    for event in _READERS[kind](body, at):
        name = event.pop("name", event["type"])
        yield {**event, "contact": conversation, "id": f"{conversation}:{session}:{name}"}


def _customer_start(body: Mapping[str, Any], at: datetime) -> Iterator[Event]:
    direction = direction_of(body.get("direction"))
    yield {
        "type": "started",
        "at": text_at(at),
        "channel": channel_of(body),
        "direction": direction,
        "actor": "human" if direction == "out" else "customer",
        **sides(body),
    }


def _customer_end(body: Mapping[str, Any], at: datetime) -> Iterator[Event]:
    if word_of(body.get("mediaType")) == "callback":
        return  # the call back has an end of its own
    if direction_of(body.get("direction")) == "out":
        yield {**_talked(body, at), "actor": "customer"}
    yield {"type": "ended", "at": text_at(at)}


def _acd_start(body: Mapping[str, Any], at: datetime) -> Iterator[Event]:
    if direction_of(body.get("direction")) != "out":
        yield {"type": "queued", "at": text_at(at)}
    yield {
        "name": "acd.start",
        "type": "ringing",
        "at": text_at(at),
        "channel": channel_of(body),
        "queue": code_of(body.get("queueId")),
    }


def _acd_end(body: Mapping[str, Any], at: datetime) -> Iterator[Event]:
    if word_of(body.get("acdOutcome")) != "answered":
        return
    if word_of(body.get("mediaType")) == "callback":
        return  # somebody has taken it on, and will call
    yield {
        "type": "answered",
        "at": text_at(at),
        "agent": code_of(body.get("answeredUserId")),
        "queue": code_of(body.get("queueId")),
        "actor": "human",
    }


def _user_start(body: Mapping[str, Any], at: datetime) -> Iterator[Event]:
    yield {
        "name": "user.start",
        "type": "ringing",
        "at": text_at(at),
        "channel": channel_of(body),
        "agent": code_of(body.get("userId")),
        "queue": code_of(body.get("queueId")),
    }


def _user_end(body: Mapping[str, Any], at: datetime) -> Iterator[Event]:
    if word_of(body.get("mediaType")) == "callback":
        return
    if direction_of(body.get("direction")) != "out":
        yield {**_talked(body, at), "agent": code_of(body.get("userId")), "actor": "human"}
    if word_of(body.get("disconnectType")) in TRANSFERS:
        yield {"type": "transferred", "at": text_at(at)}


def _acw(_body: Mapping[str, Any], at: datetime) -> Iterator[Event]:
    yield {"name": "acw", "type": "wrapped", "at": text_at(at)}


def _talked(body: Mapping[str, Any], at: datetime) -> Event:
    """An answer as long before the end as the talk was; without time where there was none."""
    duration = number_of(body.get("interactingDurationMs")) or 0
    try:
        since = at - timedelta(milliseconds=duration) if duration > 0 else None
    except OverflowError:
        since = None
    return {"name": "talked", "type": "answered", "at": text_at(since)}


_READERS: Final[Mapping[str, Callable[[Mapping[str, Any], datetime], Iterator[Event]]]] = {
    "customer.start": _customer_start,
    "customer.end": _customer_end,
    "acd.start": _acd_start,
    "acd.end": _acd_end,
    "user.start": _user_start,
    "user.end": _user_end,
    "acw": _acw,
}
