"""
The queue log: what happened to callers in queues, a line each, times in whole seconds.

A line is `time|callid|queue|agent|event|data…`; a contact is a callid, the Uniqueid of the caller's
channel. The log knows nothing of a call outside its queues. So a call that leaves one, by being
handed on or because nobody answered, is over for it; if the same call comes to another queue, the
later lines move the end, and the contact bears the flag `event_after_end`.

Source: Asterisk documentation, Operation, Logging, Queue Logs. `HOLD` and `UNHOLD` are no events of
Asterisk, but dialplans write them with QueueLog(); likewise `DID`.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from otklik_contact_center.domain.providers.asterisk.moments import fixed_id, instant, span
from otklik_contact_center.domain.providers.pushed import (
    Event,
    UnreadableError,
    text_of,
)

NOBODY: Final = frozenset(("", "NONE", "REALTIME", "MANAGER"))
"""What stands for a callid in lines that are about no call."""

LONGEST_RING: Final = 24 * 3600


class Line(NamedTuple):
    """A line about a call; what it does not name is None."""

    at: datetime
    call: str
    queue: str | None
    agent: str | None
    data: list[str]

    def datum(self, place: int) -> str | None:
        """What stands at a place, from 0, behind the event."""
        return text_of(self.data[place]) if place < len(self.data) else None


def events_of(text: str) -> Iterator[Event]:
    """
    The events in a line.

    Raises:
        UnreadableError: It has less than five fields, or begins with no time.
    """
    fields = text.split("|")
    at = instant(fields[0])
    if len(fields) < 5 or at is None:
        raise UnreadableError(
            "no line of queue_log: time|callid|queue|agent|event|…",
            "не строка queue_log: время|callid|очередь|агент|событие|…",
        )
    tell = _TOLD.get(fields[4].strip().upper())
    call = text_of(fields[1])
    if tell is None or call is None or call.upper() in NOBODY:
        return
    queue, agent = (None if name == "NONE" else text_of(name) for name in fields[2:4])
    for event in tell(Line(at, call, queue, agent, fields[5:])):
        yield {
            "id": fixed_id(event["type"], *fields),
            "contact": call,
            "at": at.isoformat(),
            "channel": "call",
            "direction": "in",
            "queue": queue,
            **event,
        }


def _entered(line: Line) -> Iterator[Event]:
    yield {"type": "queued", "from": line.datum(1)}


def _dialled(line: Line) -> Iterator[Event]:
    yield {"type": "started", "to": line.datum(0)}


def _rang_in_vain(line: Line) -> Iterator[Event]:
    milliseconds = span(line.datum(0))
    if milliseconds != 0:  # 0: the telephone could not be reached
        yield from _rung(line, None if milliseconds is None else milliseconds // 1000)


def _rung(line: Line, seconds: int | None) -> Iterator[Event]:
    """
    That a telephone began to ring.

    Args:
        seconds: For how long, rounded down, as is the time of the line: so it never seems to
            have begun before the caller came.
    """
    rung = seconds if seconds is not None and seconds <= LONGEST_RING else 0
    at = line.at - timedelta(seconds=rung)
    yield {"type": "ringing", "at": at.isoformat(), "agent": line.agent}


def _connected(line: Line) -> Iterator[Event]:
    seconds = span(line.datum(2))
    if seconds is not None:
        yield from _rung(line, seconds)
    bridged = line.datum(1)
    yield {
        "type": "answered",
        "actor": "human",
        "agent": line.agent,
        "attributes": {"bridged_channel": bridged} if bridged else None,
    }


def _completed_by_agent(line: Line) -> Iterator[Event]:
    yield _ended("human", "agent", agent=line.agent)


def _completed_by_caller(line: Line) -> Iterator[Event]:
    yield _ended("customer", "caller", agent=line.agent)


def _abandoned(_line: Line) -> Iterator[Event]:
    yield _ended("customer", "caller", outcome="abandoned")


def _overflowed(_line: Line) -> Iterator[Event]:
    yield _ended("system", "queue", outcome="overflowed")


def _left_by_key(_line: Line) -> Iterator[Event]:
    yield _ended("customer", "queue", outcome="transferred")


def _incompatible(_line: Line) -> Iterator[Event]:
    yield _ended("system", "queue", outcome="unknown")


def _handed_on(line: Line) -> Iterator[Event]:
    yield {"type": "transferred", "actor": "human", "agent": line.agent}
    yield _ended("human", "agent", agent=line.agent)


def _ended(
    actor: str, ended_by: str, *, agent: str | None = None, outcome: str | None = None
) -> Event:
    return {
        "type": "ended",
        "actor": actor,
        "agent": agent,
        "outcome": outcome,
        "attributes": {"ended_by": ended_by},
    }


def _held(line: Line) -> Iterator[Event]:
    yield {"type": "held", "agent": line.agent}


def _resumed(line: Line) -> Iterator[Event]:
    yield {"type": "resumed", "agent": line.agent}


_TOLD: Final[Mapping[str, Callable[[Line], Iterator[Event]]]] = {
    "DID": _dialled,
    "ENTERQUEUE": _entered,
    "RINGNOANSWER": _rang_in_vain,
    "RINGCANCELED": _rang_in_vain,
    "CONNECT": _connected,
    "HOLD": _held,
    "UNHOLD": _resumed,
    "BLINDTRANSFER": _handed_on,
    "ATTENDEDTRANSFER": _handed_on,
    "TRANSFER": _handed_on,  # until Asterisk 11
    "COMPLETEAGENT": _completed_by_agent,
    "COMPLETECALLER": _completed_by_caller,
    "ABANDON": _abandoned,
    "EXITWITHTIMEOUT": _overflowed,
    "EXITEMPTY": _overflowed,
    "EXITWITHKEY": _left_by_key,
    "SYSCOMPAT": _incompatible,
}
