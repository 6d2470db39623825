"""
What agents are doing: changes of their states as pushed, and the stretches of time between them.

A stretch lasts from one change of an agent to the next. It belongs to the change that began it,
so a change that is heard of late shortens the stretch before it and takes nothing else away.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final, NamedTuple

import msgspec

from otklik_common.events.contact_center import AgentState
from otklik_contact_center.domain.admission import (
    MalformedError,
    Refusal,
    check_utf8,
    neither,
    split_array,
    split_lines,
)
from otklik_contact_center.domain.course import ms
from otklik_contact_center.domain.events import AHEAD_REFUSED, OLDEST, Code, Id, Moment
from otklik_contact_center.domain.explaining import explain

DEMO_PREFIX: Final = "demo-"
"""
How the ids of the simulation's changes begin: they belong to no source.

They go when the demo is taken out, so nobody else may choose such an id.
"""


class StateChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    An agent entered a state.

    Attributes:
        id: The sender's own id of the change, unique in the company for ever.
        state: The company's own code; `available` is what occupancy takes for idle.
    """

    id: Id
    agent: Code
    state: Code
    at: Moment
    branch: Code | None = None
    team: Code | None = None
    queue: Code | None = None


class Stretch(NamedTuple):
    """The time that a change began, as others may know it."""

    change: StateChange
    fact: AgentState


def place(change: StateChange) -> tuple[datetime, str]:
    """Where a change stands among the others of its agent."""
    return change.at, change.id


def stretches(changes: Iterable[StateChange]) -> list[Stretch]:
    """
    The stretches that changes of one agent divide time into, the last one without an end.

    Of changes at one moment the last by id holds; the others last no time at all.

    Args:
        changes: In any order; the same one may come again.
    """
    ordered = sorted({change.id: change for change in changes}.values(), key=place)
    return [
        Stretch(change, _fact(change, None if following is None else following.at))
        for change, following in pairwise((*ordered, None))
        if change is not None
    ]


def _fact(change: StateChange, end: datetime | None) -> AgentState:
    return AgentState(
        agent=change.agent,
        state=change.state,
        branch=change.branch,
        team=change.team,
        queue=change.queue,
        from_at=change.at,
        to_at=end,
        lasted_ms=None if end is None else ms(end - change.at),
    )


# --- What of a push is let in -------------------------------------------------------------------


class Taken(msgspec.Struct, frozen=True):
    """A change that is let in, and its place in the push."""

    index: int
    change: StateChange


class StatePush(NamedTuple):
    """A push as read, both in the order of the push."""

    taken: list[Taken]
    refused: list[Refusal]


_one: Final = msgspec.json.Decoder(StateChange)
_raw: Final = msgspec.json.Decoder(msgspec.Raw)

_BROKEN: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_SPACE: Final = b" \t\r\n"


def read_states(body: bytes, now: datetime, *, lines: bool = False) -> StatePush:
    """
    The changes in a body: one object, an array, or objects on lines of their own.

    Args:
        lines: The sender says it is NDJSON; one object on a line is recognised anyhow.
    Raises:
        MalformedError: It cannot be read at all, or holds more than `MAX_EVENTS`.
    """
    pieces = _split(body, lines=lines)
    taken: list[Taken] = []
    refused: list[Refusal] = []
    for index, piece in enumerate(pieces):
        found = _read(piece, now)
        if isinstance(found, StateChange):
            taken.append(Taken(index, found))
        else:
            refused.append(Refusal(index, *found, piece))
    return StatePush(taken, refused)


def _split(body: bytes, *, lines: bool) -> list[bytes]:
    if not lines:
        check_utf8(body)
        start = body.lstrip(_SPACE)[:1]
        if start == b"[":
            return split_array(body)
        if start != b"{":
            raise neither()
        try:
            return [bytes(_raw.decode(body))]
        except _BROKEN:
            pass
    pieces = split_lines(body)
    if len(pieces) < 2 and not lines:
        raise MalformedError(
            "malformed_json", "the body is not valid JSON", "в теле запроса ошибка JSON"
        )
    return pieces


def _read(piece: bytes, now: datetime) -> StateChange | tuple[str, str]:
    """A change with its time in UTC; or code and detail of what is wrong with it."""
    try:
        change = _one.decode(piece)
    except msgspec.ValidationError as wrong:
        return explain(wrong, StateChange)
    except UnicodeDecodeError:
        return "invalid_utf8", "the change is not valid UTF-8"
    except _BROKEN:
        return "malformed_json", "the change is not valid JSON"
    if change.at > now + AHEAD_REFUSED:
        return "time_in_future", "at lies more than 24 hours in the future"
    if change.at < OLDEST:
        return "time_too_old", "at lies before 1990"
    texts = (change.id, change.agent, change.state, change.branch, change.team, change.queue)
    if any("\0" in text for text in texts if text is not None):
        return "malformed", "texts may not hold the character U+0000"
    return msgspec.structs.replace(change, at=change.at.astimezone(UTC))
