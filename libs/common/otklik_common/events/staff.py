"""The facts of contact_center about its own people: what they promised, what they are to learn."""

from enum import StrEnum
from uuid import UUID

from pydantic import Field

from otklik_common.events.contact_center import OWNER, Channel
from otklik_common.events.envelope import Code, Fact, Instant
from otklik_common.events.registry import contract


class PromiseState(StrEnum):
    """What became of a promise; the first two while it can still be kept in time."""

    OPEN = "open"
    AT_RISK = "at_risk"
    BROKEN = "broken"
    KEPT = "kept"
    KEPT_LATE = "kept_late"
    CANCELLED = "cancelled"


@contract("promise", version=1, owner=OWNER)
class Promise(Fact):
    """
    What an agent promised to somebody: what, and by when.

    `promise_kind` is of the company's own list; what was said stays where it was said. Between
    `warn_at` and `due_at` it is at risk, after `due_at` broken; kept then, it is kept late.
    `postponed` counts how often it was put off before it was due.
    """

    promise_kind: Code
    agent: Code
    branch: Code | None = None
    contact: UUID | None = None
    channel: Channel | None = None
    party: Code | None = None
    state: PromiseState = PromiseState.OPEN
    made_at: Instant
    warn_at: Instant
    due_at: Instant
    kept_at: Instant | None = None
    cancelled_at: Instant | None = None
    postponed: int = Field(default=0, ge=0)
    head_line: bool = False


@contract("coaching_item", version=1, owner=OWNER)
class CoachingItem(Fact):
    """
    One thing that an agent is to learn, from a conversation or a request of theirs.

    `skill` is the company's own code; the task itself stays where it was given.
    """

    agent: Code
    skill: Code
    branch: Code | None = None
    contact: UUID | None = None
    lead: UUID | None = None
    created_at: Instant
    due_at: Instant | None = None
    done_at: Instant | None = None
