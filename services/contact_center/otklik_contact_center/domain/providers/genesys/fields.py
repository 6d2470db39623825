"""
Fields that detail events and conversation records share, in words of ours.

Enumerations are written `webmessaging` in records and `WEBMESSAGING` in events.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from otklik_contact_center.domain.events import MAX_CODE
from otklik_contact_center.domain.providers.pushed import Event, number_of, text_of

LONGEST_ID: Final = 64
"""Ids are UUIDs; what is longer is known by its digest."""

_CHANNELS: Final = {
    "voice": "call",
    "video": "call",
    "callback": "call",
    "chat": "chat",
    "email": "email",
    "message": "messenger",
}
_DIRECTIONS: Final = {"inbound": "in", "outbound": "out"}

TRANSFERS: Final = frozenset(("transfer", "consulttransfer", "conferencetransfer"))
"""disconnectTypes by which a person hands a contact on; `noAnswerTransfer` is the routing's."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def id_of(value: object) -> str | None:
    """An id, as short as ours have to be."""
    text = text_of(value)
    if text is None or len(text) <= LONGEST_ID:
        return text
    return hashlib.sha256(text.encode()).hexdigest()


def code_of(value: object) -> str | None:
    """An id of an agent, a queue or a campaign."""
    text = text_of(value)
    return text[:MAX_CODE] if text is not None else None


def word_of(value: object) -> str:
    """One of a set of words: `CONSULT_TRANSFER` is `consultTransfer`."""
    return (text_of(value) or "").replace("_", "").lower()


def time_of(value: object) -> datetime | None:
    """Milliseconds since 1970, or a text of ISO 8601, in UTC where it names no zone."""
    milliseconds = number_of(value)
    try:
        if milliseconds is not None:
            return _EPOCH + timedelta(milliseconds=milliseconds) if milliseconds > 0 else None
        if not isinstance(value, str):
            return None
        found = datetime.fromisoformat(value.strip())
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def text_at(at: datetime | None) -> str | None:
    """A time as events of ours write it."""
    return at.isoformat() if at is not None else None


def channel_of(session: Mapping[str, Any]) -> str | None:
    """The channel of a session; None of what goes along with one, as a shared screen does."""
    if word_of(session.get("messageType")) == "webmessaging":
        return "chat"
    return _CHANNELS.get(word_of(session.get("mediaType")))


def direction_of(value: object) -> str | None:
    """Who began."""
    return _DIRECTIONS.get(word_of(value))


def sides(session: Mapping[str, Any]) -> Event:
    """From whom to whom: telephone numbers of calls, addresses of what is written."""
    return {
        "from": text_of(session.get("ani")) or text_of(session.get("addressFrom")),
        "to": text_of(session.get("dnis")) or text_of(session.get("addressTo")),
    }
