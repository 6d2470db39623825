"""
The REST interface (ARI): a call as an application of Stasis sees it; the least that tells of one.

A contact is the id of the caller's channel: ARI has no Linkedid, so the forwarder passes on the
events of callers' channels alone. Holds are left out: they happen on the agent's channel, and
nothing says to which call that belongs. For ARI a call is over when it leaves the application.

Source: Asterisk documentation, API Documentation, Asterisk REST Interface, Events REST API: Event,
StasisStart, StasisEnd, Dial, Channel.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from otklik_contact_center.domain.providers.asterisk.moments import fixed_id
from otklik_contact_center.domain.providers.pushed import (
    Event,
    UnreadableError,
    inside,
    text_of,
)

_OF_CHANNEL: Final = {"stasisstart": "started", "stasisend": "ended"}
_OF_DIAL: Final = {"ringing": "ringing", "answer": "answered"}

_UNIQUE: Final = re.compile(r"-[0-9a-f]{8}(?:;[12])?$")
"""What makes the name of a channel unique, behind the name of its telephone."""


def events_of(said: Mapping[str, Any]) -> Iterator[Event]:
    """
    Our events in one of ARI, whose names are in lower case.

    Raises:
        UnreadableError: It matters, but names no channel or no time.
    """
    kind = (text_of(said.get("type")) or "").lower()
    if kind == "dial":
        told, channel = _of_dial(said), inside(said, "caller")
    else:
        told, channel = _of_channel(kind, said), inside(said, "channel")
    if told is None:
        return
    call = text_of(channel.get("id"))
    if call is None:
        raise UnreadableError("channel.id is missing: which call?", "нет channel.id: какой звонок?")
    at = _moment(said.get("timestamp"))
    if at is None:
        raise UnreadableError("timestamp is no time", "timestamp – не время")
    yield {
        "id": fixed_id(told["type"], kind, call, at, told.get("agent")),
        "contact": call,
        "at": at,
        "channel": "call",
        "direction": "in",
        **told,
    }


def _of_channel(kind: str, said: Mapping[str, Any]) -> Event | None:
    told = _OF_CHANNEL.get(kind)
    if told != "started":
        return None if told is None else {"type": told, "actor": "system"}
    channel = inside(said, "channel")
    event: Event = {
        "type": told,
        "actor": "customer",
        "from": text_of(inside(channel, "caller").get("number")),
        "to": text_of(inside(channel, "dialplan").get("exten")),
    }
    created = _moment(channel.get("creationtime"))
    return event if created is None else {**event, "at": created}


def _of_dial(said: Mapping[str, Any]) -> Event | None:
    """How a telephone was called for a caller; a dial without one is no caller's."""
    told = _OF_DIAL.get((text_of(said.get("dialstatus")) or "").lower())
    if told is None or not inside(said, "caller"):
        return None
    agent = _UNIQUE.sub("", text_of(inside(said, "peer").get("name")) or "") or None
    return {"type": told, "agent": agent, "actor": "human"}


def _moment(value: object) -> str | None:
    """A time as ARI writes it: 2026-03-02T12:00:00.123+0000."""
    try:
        at = datetime.fromisoformat(text_of(value) or "")
    except ValueError:
        return None
    return None if at.tzinfo is None else at.isoformat()
