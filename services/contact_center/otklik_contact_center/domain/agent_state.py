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
from otklik_contact_center.domain.course import ms
from otklik_contact_center.domain.events import Code, Id, Moment
from otklik_contact_center.domain.items import Fault, Items, read_items, wrong_text, wrong_time

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

_one: Final = msgspec.json.Decoder(StateChange)


def read_states(body: bytes, now: datetime, *, lines: bool = False) -> Items[StateChange]:
    """The changes in a body, with their times in UTC; see `read_items`."""

    def checked(change: StateChange) -> StateChange | Fault:
        texts = (change.id, change.agent, change.state, change.branch, change.team, change.queue)
        wrong = wrong_time(change.at, now) or wrong_text(*texts)
        return wrong or msgspec.structs.replace(change, at=change.at.astimezone(UTC))

    return read_items(body, _one, checked, lines=lines)
