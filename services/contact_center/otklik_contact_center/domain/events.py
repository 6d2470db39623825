"""A pushed event: what senders tell us, and the order in which it is understood."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from otklik_common.events.contact_center import CHANNEL_NAMES, ChannelName

Type = Literal[
    "started",
    "queued",
    "assigned",
    "ringing",
    "answered",
    "message",
    "held",
    "resumed",
    "transferred",
    "paused",
    "unpaused",
    "ended",
    "wrapped",
    "reopened",
    "recording",
    "amended",
]
Channel = ChannelName
Direction = Literal["in", "out"]
Actor = Literal["customer", "human", "bot", "system"]
Ending = Literal[
    "abandoned",
    "overflowed",
    "callback_requested",
    "transferred",
    "voicemail",
    "not_reached",
    "resolved",
    "unknown",
]

TYPES: tuple[str, ...] = Type.__args__  # type: ignore[attr-defined]
CHANNELS = CHANNEL_NAMES
DIRECTIONS: tuple[str, ...] = Direction.__args__  # type: ignore[attr-defined]
ACTORS: tuple[str, ...] = Actor.__args__  # type: ignore[attr-defined]
ENDINGS: tuple[str, ...] = Ending.__args__  # type: ignore[attr-defined]

RANK = {name: rank for rank, name in enumerate(TYPES)}
"""Events of one moment are taken in this order: queued before answered, answered before ended."""

SPOKEN = frozenset(("call", "visit"))
"""Channels in which people talk; in all others they write."""

MAX_ID = 200
MAX_CODE = 100
MAX_ADDRESS = 320
MAX_ATTRIBUTES = 64
MAX_ATTRIBUTE_LENGTH = 1000
MAX_TEXT = 10_000
MAX_SECONDS = 366 * 24 * 3600

OLDEST = datetime(1990, 1, 1, tzinfo=UTC)
AHEAD_REFUSED = timedelta(hours=24)
AHEAD_FLAGGED = timedelta(minutes=10)
LATE = timedelta(hours=24)
"""Older events are folded in the bulk lane, so that history never delays what happens now."""

Id = Annotated[str, Meta(min_length=1, max_length=MAX_ID)]
Code = Annotated[str, Meta(min_length=1, max_length=MAX_CODE)]
Address = Annotated[str, Meta(min_length=1, max_length=MAX_ADDRESS)]
Moment = Annotated[datetime, Meta(tz=True)]
Seconds = Annotated[float, Meta(ge=0, le=MAX_SECONDS)]


class Customer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """By what a customer can be known again; never leaves this service."""

    phone: Address | None = None
    email: Address | None = None
    external_id: Address | None = None


class Event(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename={"from_": "from"},
    gc=False,
):
    """
    Something that happened to a contact, as its sender tells it.

    Attributes:
        id: The sender's own id of this event; with company and source it is unique for ever.
        contact: The sender's own id of the contact.
        at: When it happened, with its offset from UTC.
        direction: Of the contact; on messages, the first event apart, only who wrote.
        from_: Who called or wrote: a phone, an e-mail, an id in a messenger.
        actor: Who did it; see `author_of` where it is absent.
        public: Whether the customer can see a message; notes are not public.
        outcome: On `ended`: why it ended, where the sender knows better than the rules.
        due_at: By when the sender promised to be done.
        waited_seconds: The wait as the sender's own clock measured it; outranks the difference
            of times, which may be rounded. The same holds for `talked_seconds`.
        text: What was said; stays in this service.
    """

    id: Id
    contact: Id
    type: Type
    at: Moment
    channel: Channel | None = None
    direction: Direction | None = None
    party: Code | None = None
    from_: Address | None = None
    to: Address | None = None
    customer: Customer | None = None
    queue: Code | None = None
    branch: Code | None = None
    team: Code | None = None
    agent: Code | None = None
    campaign: Code | None = None
    touchpoint: Code | None = None
    stage: Code | None = None
    actor: Actor | None = None
    public: bool = True
    outcome: Ending | None = None
    due_at: Moment | None = None
    waited_seconds: Seconds | None = None
    talked_seconds: Seconds | None = None
    text: Annotated[str, Meta(max_length=MAX_TEXT)] | None = None
    attributes: (
        Annotated[
            dict[
                Annotated[str, Meta(min_length=1, max_length=MAX_CODE)],
                Annotated[str, Meta(max_length=MAX_ATTRIBUTE_LENGTH)],
            ],
            Meta(max_length=MAX_ATTRIBUTES),
        ]
        | None
    ) = None


def place(event: Event) -> tuple[datetime, int, str]:
    """Where an event stands among the others of its contact."""
    return event.at, RANK[event.type], event.id


def in_order(events: Iterable[Event]) -> list[Event]:
    """Events once each, in the order in which they are understood, however they arrived."""
    return sorted({event.id: event for event in events}.values(), key=place)


def author_of(event: Event) -> Actor:
    """
    Who is behind an event.

    A sender without bots need not name the actor: whoever answers is a person; a message is
    an agent's if an agent is named or it goes out, else the customer's.
    """
    if event.actor is not None:
        return event.actor
    if event.type != "message" or event.agent is not None or event.direction == "out":
        return "human"
    return "customer"
