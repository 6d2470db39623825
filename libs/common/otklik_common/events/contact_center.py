"""The facts that contact_center writes; those of requests and deals are in `leads`."""

from enum import StrEnum
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import Field

from otklik_common.events.envelope import Code, Currency, Fact, Instant, Pseudonym
from otklik_common.events.registry import contract

OWNER = "contact-center"

Millis = Annotated[int, Field(ge=0)]


HEAD_LINE: Final = "head_line"
"""
The channel of what came to the head's own phone or mailbox.

Facts say `head_line` beside a channel of `other`, so that readers of builds before read them; who
counts by channel counts them as a channel of their own: see `channel_of`.
"""


class Channel(StrEnum):
    """How the customer reached us, or we them."""

    CALL = "call"
    CHAT = "chat"
    EMAIL = "email"
    FORM = "form"
    VISIT = "visit"
    MESSENGER = "messenger"
    SOCIAL = "social"
    OTHER = "other"


ChannelName = Literal[
    "call", "chat", "email", "form", "visit", "messenger", "social", "head_line", "other"
]
"""What people and programs say of a channel."""

CHANNEL_NAMES: Final[tuple[str, ...]] = ChannelName.__args__  # type: ignore[attr-defined]


def channel_of(fact: Any) -> str:
    """The channel that a fact counts as: one of `Channel`, or `head_line`."""
    return HEAD_LINE if fact.head_line else str(fact.channel)


def said_of(channel: str) -> tuple[Channel, bool]:
    """How facts say a channel: as `channel` and `head_line`."""
    return (Channel.OTHER, True) if channel == HEAD_LINE else (Channel(channel), False)


class Direction(StrEnum):
    """Who began: the customer (in) or we (out)."""

    IN = "in"
    OUT = "out"


class Outcome(StrEnum):
    """
    What became of a contact; `open` until it is answered, abandoned or closed.

    `resolved`: we closed it without a conversation, as a service request is.
    """

    OPEN = "open"
    ANSWERED = "answered"
    ABANDONED = "abandoned"
    OVERFLOWED = "overflowed"
    CALLBACK_REQUESTED = "callback_requested"
    TRANSFERRED = "transferred"
    VOICEMAIL = "voicemail"
    NOT_REACHED = "not_reached"
    RESOLVED = "resolved"
    UNKNOWN = "unknown"


@contract("contact", version=1, owner=OWNER)
class Contact(Fact):
    """
    One conversation with a customer over one channel, as the fold of its events.

    Times are None until they happen. Durations are whole milliseconds. An outbound contact
    is never offered: its `offered_at` is None and `started_at` says when we tried. `answered_at`
    is the first answer of a person of ours; where a person of ours calls, the customer's counts
    as well. Bots and systems never answer. While it is open again, `open_since` is since when.
    Of the head's line `reached_by` says whether it was a call, a letter, …
    """

    source: UUID
    channel: Channel
    direction: Direction
    party: Code | None = None
    branch: Code | None = None
    team: Code | None = None
    queue: Code | None = None
    agent: Code | None = None
    campaign: Code | None = None
    touchpoint: Code | None = None
    stage: Code | None = None
    segment: Code | None = None
    identifiers: tuple[Pseudonym, ...] = ()
    started_at: Instant | None = None
    offered_at: Instant | None = None
    answered_at: Instant | None = None
    abandoned_at: Instant | None = None
    first_asked_at: Instant | None = None
    first_replied_at: Instant | None = None
    ended_at: Instant | None = None
    closed_at: Instant | None = None
    open_since: Instant | None = None
    due_at: Instant | None = None
    outcome: Outcome = Outcome.OPEN
    waited_ms: Millis | None = None
    talked_ms: Millis | None = None
    held_ms: Millis | None = None
    wrapped_ms: Millis | None = None
    handled_ms: Millis | None = None
    first_response_ms: Millis | None = None
    resolution_ms: Millis | None = None
    customer_messages: int = 0
    agent_messages: int = 0
    bot_messages: int = 0
    transfers: int = 0
    reopenings: int = 0
    recorded: bool = False
    contradictions: tuple[Code, ...] = ()
    attributes: dict[str, str] = Field(default_factory=dict)
    truncated: bool = False
    head_line: bool = False
    reached_by: Channel | None = None


@contract("reply", version=1, owner=OWNER)
class Reply(Fact):
    """The gap between a customer's first unanswered message and a person's answer to it."""

    contact: UUID
    source: UUID
    channel: Channel
    party: Code | None = None
    branch: Code | None = None
    queue: Code | None = None
    agent: Code | None = None
    identifiers: tuple[Pseudonym, ...] = ()
    first: bool
    asked_at: Instant
    replied_at: Instant | None = None
    waited_ms: Millis | None = None
    head_line: bool = False


class ClockState(StrEnum):
    """What the clock of a policy's target shows: the first three while it runs or is held."""

    PENDING = "pending"
    IMMINENT = "imminent"
    BREACHING = "breaching"
    ACHIEVED = "achieved"
    BREACHED = "breached"
    CANCELLED = "cancelled"


@contract("sla_clock", version=1, owner=OWNER)
class SlaClock(Fact):
    """
    The clock of one target for a contact, by the policy that held when it began.

    `matched` names the conditions by which the policy is limited, all of which fitted; `calendar`
    is null where elapsed time counts. `due_at` is the earliest moment by which the target is, or
    would have been, used up: null while a pause holds it back. `breached_at` is when more than the
    target was used, if that has come. `used_ms` is what it had used when it ended, in its own time.
    """

    contact: UUID
    source: UUID
    channel: Channel
    party: Code | None = None
    branch: Code | None = None
    team: Code | None = None
    queue: Code | None = None
    agent: Code | None = None
    segment: Code | None = None
    identifiers: tuple[Pseudonym, ...] = ()
    target: Code
    policy: Code
    priority: int
    matched: tuple[Code, ...] = ()
    calendar: Code | None = None
    target_ms: Millis
    warning_ms: Millis = 0
    state: ClockState = ClockState.PENDING
    paused: bool = False
    started_at: Instant
    due_at: Instant | None = None
    breached_at: Instant | None = None
    ended_at: Instant | None = None
    used_ms: Millis | None = None
    head_line: bool = False


class EvaluationState(StrEnum):
    """How far an evaluation is; the agent sees it from its release on."""

    RELEASED = "released"
    ACKNOWLEDGED = "acknowledged"
    DISPUTED = "disputed"
    RESOLVED = "resolved"


@contract("evaluation", version=1, owner=OWNER)
class Evaluation(Fact):
    """
    What an evaluator gave a contact by one version of a form, from its release on.

    Whose contact it was is said as it was known at the release. `score_micro` is the share of what
    could be had × 10⁶, 0 where an answer failed the whole. `changed` is whether a dispute changed
    it. A withdrawn one is void.
    """

    contact: UUID
    source: UUID
    channel: Channel
    party: Code | None = None
    branch: Code | None = None
    team: Code | None = None
    queue: Code | None = None
    agent: Code
    form: Code
    form_version: int
    state: EvaluationState = EvaluationState.RELEASED
    score_micro: Annotated[int, Field(ge=0, le=1_000_000)]
    failed: bool = False
    changed: bool = False
    evaluated_at: Instant
    released_at: Instant
    acknowledged_at: Instant | None = None
    disputed_at: Instant | None = None
    resolved_at: Instant | None = None
    head_line: bool = False


@contract("ad_spend", version=1, owner=OWNER)
class AdSpend(Fact):
    """
    What was spent on advertising in one day, in minor units of its currency.

    `spent_at` is the beginning of the day in the company's zone. `ad_source` and `medium` are the
    words of UTM: where the advertising stood, and of which sort it was.
    """

    spent_at: Instant
    ad_source: Code
    medium: Code | None = None
    campaign: Code | None = None
    agency: Code | None = None
    branch: Code | None = None
    currency: Currency
    amount_minor: int = Field(ge=0)


@contract("agent_state", version=1, owner=OWNER)
class AgentState(Fact):
    """A stretch of time that an agent spent in one state; `to_at` is None while it lasts."""

    agent: Code
    state: Code
    branch: Code | None = None
    team: Code | None = None
    queue: Code | None = None
    from_at: Instant
    to_at: Instant | None = None
    lasted_ms: Millis | None = None


@contract("source", version=1, owner=OWNER)
class Source(Fact):
    """
    Something that sends us events: a telephone exchange, a chat, a form, an import.

    `silent`: by its own past, nothing should not have come for so long; `silent_since` is its last
    event, and `usual_gap_ms` after it silence stopped being a chance. After 14 days it is no longer
    `active`, until it is heard again. `last_event_at` is as of the last change of any of these.
    """

    name: str = Field(max_length=200)
    product: Code
    created_at: Instant
    last_event_at: Instant | None = None
    active: bool = True
    silent: bool = False
    silent_since: Instant | None = None
    usual_gap_ms: Millis | None = None
