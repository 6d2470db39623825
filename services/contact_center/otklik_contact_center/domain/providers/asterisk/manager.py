"""
The manager interface (AMI): events of queues, holds and hangups, as JSON objects.

A contact is a `Linkedid`, the Uniqueid of the first channel of a call. Each event has a `Timestamp`,
seconds since 1970 with a fraction, once `timestampevents` is on in manager.conf. Only the hangup of
that first channel ends a contact.

Source: Asterisk documentation, API Documentation, AMI Events; manager.conf.sample.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from otklik_contact_center.domain.providers.asterisk.moments import fixed_id, instant
from otklik_contact_center.domain.providers.pushed import Event, UnreadableError, text_of

Said = Mapping[str, Any]
"""An event; its names are in lower case."""

WEAKER: Final = timedelta(minutes=1)
"""
By so much the leaving of a queue is dated back: of several words on why a contact ended the last
one counts, and whoever gives up in a queue also leaves it.
"""


def events_of(said: Said) -> Iterator[Event]:
    """
    Our events in one of AMI.

    Raises:
        UnreadableError: It matters, but names no call or no time.
    """
    kind = (text_of(said.get("event")) or "").lower()
    tell = _TOLD.get(kind)
    if tell is None:
        return
    channel = text_of(said.get("uniqueid"))
    call = text_of(said.get("linkedid")) or channel
    if call is None:
        raise UnreadableError(
            "Linkedid and Uniqueid are missing: which call?",
            "нет Linkedid и Uniqueid: какой звонок?",
        )
    at = instant(said.get("timestamp"))
    if at is None:
        raise UnreadableError(
            "Timestamp is missing: set timestampevents = yes in manager.conf",
            "нет Timestamp: включите timestampevents = yes в manager.conf",
        )
    agent = text_of(said.get("membername")) or text_of(said.get("interface"))
    first = channel in {None, call}
    for event in tell(said, at, first):
        yield {
            "id": fixed_id(event["type"], kind, channel, call, at.isoformat(), agent),
            "contact": call,
            "at": at.isoformat(),
            "channel": "call",
            "direction": "in",
            "queue": text_of(said.get("queue")),
            "agent": agent,
            **event,
        }


def _joined(said: Said, _at: datetime, _first: bool) -> Iterator[Event]:
    yield {"type": "queued", "from": text_of(said.get("calleridnum"))}


def _called(_said: Said, _at: datetime, _first: bool) -> Iterator[Event]:
    yield {"type": "ringing"}


def _connected(_said: Said, _at: datetime, _first: bool) -> Iterator[Event]:
    yield {"type": "answered", "actor": "human"}


def _completed(said: Said, _at: datetime, _first: bool) -> Iterator[Event]:
    """How an agent's part ended; the call may go on."""
    reason = (text_of(said.get("reason")) or "").lower()
    if reason == "transfer":
        yield {"type": "transferred", "actor": "human"}
    elif reason in {"agent", "caller"}:
        # An amendment would also correct agent and queue, which are those of the first answer.
        yield {
            "type": "amended",
            "agent": None,
            "queue": None,
            "attributes": {"ended_by": reason},
        }


def _abandoned(_said: Said, _at: datetime, _first: bool) -> Iterator[Event]:
    yield {
        "type": "amended",
        "queue": None,
        "outcome": "abandoned",
        "attributes": {"ended_by": "caller"},
    }


def _left(_said: Said, at: datetime, _first: bool) -> Iterator[Event]:
    yield {
        "type": "amended",
        "at": (at - WEAKER).isoformat(),
        "queue": None,
        "outcome": "overflowed",
    }


def _held(_said: Said, _at: datetime, first: bool) -> Iterator[Event]:
    if not first:  # the caller's own hold is none of ours
        yield {"type": "held"}


def _resumed(_said: Said, _at: datetime, first: bool) -> Iterator[Event]:
    if not first:
        yield {"type": "resumed"}


def _hung_up(said: Said, _at: datetime, first: bool) -> Iterator[Event]:
    if first:
        cause = text_of(said.get("cause-txt"))
        yield {
            "type": "ended",
            "actor": "system",
            "attributes": {"hangup_cause": cause} if cause else None,
        }


_TOLD: Final[Mapping[str, Callable[[Said, datetime, bool], Iterator[Event]]]] = {
    "queuecallerjoin": _joined,
    "agentcalled": _called,
    "agentconnect": _connected,
    "agentcomplete": _completed,
    "queuecallerabandon": _abandoned,
    "queuecallerleave": _left,
    "hold": _held,
    "unhold": _resumed,
    "hangup": _hung_up,
}
