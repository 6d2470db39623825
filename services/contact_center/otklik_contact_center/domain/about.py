"""What a contact is about: its channel, its people and places, out of all that its events name."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from otklik_common.events.contact_center import HEAD_LINE
from otklik_contact_center.domain.address import read_address
from otklik_contact_center.domain.events import SPOKEN, Customer, Event, author_of, place

OFFERS: Final = frozenset(("started", "queued", "assigned", "ringing", "transferred"))

COME: Final = frozenset(("started", "queued", "ringing", "answered"))
"""Types that show, where no direction is said, that a customer came to us."""

BEGINNERS: Final = {"customer": "in", "human": "out"}
"""By whose first words a contact is inbound or outbound; bots and systems only go along."""

AMENDABLE: Final = (
    "channel",
    "direction",
    "party",
    "from_",
    "to",
    "customer",
    "queue",
    "branch",
    "team",
    "agent",
    "campaign",
    "touchpoint",
    "stage",
    "outcome",
    "due_at",
    "waited_seconds",
    "talked_seconds",
)
"""Fields that an `amended` event overrides when it names them; it cannot take one away."""


class About(msgspec.Struct, frozen=True):
    """
    Of a contact: what does not move with time.

    Attributes:
        channel: One of CHANNELS; `head_line` where it came to the head.
        reached_by: The channel itself, also of the head's line.
        branch, team, queue, agent: Those of the first human answer, else of the last offer.
        phone, email, external_id: As the sender wrote them; never leave this service.
        ending: Why it ended, in the sender's words, if said.
        attributes: All of them; the company's allow-list decides which may leave.
        line: Our own side of it, as the sender wrote it: the number that was called.
    """

    channel: str
    direction: str
    party: str | None
    branch: str | None
    team: str | None
    queue: str | None
    agent: str | None
    campaign: str | None
    touchpoint: str | None
    stage: str | None
    phone: str | None
    email: str | None
    external_id: str | None
    due_at: datetime | None
    ending: str | None
    waited_seconds: float | None
    talked_seconds: float | None
    attributes: dict[str, str]
    line: str | None = None
    reached_by: str = "other"

    @property
    def inbound(self) -> bool:
        """Whether the customer began."""
        return self.direction == "in"

    @property
    def spoken(self) -> bool:
        """Whether people talk in it; else they write."""
        return self.reached_by in SPOKEN


Amendments = dict[str, Any]


def amendments(ordered: Sequence[Event]) -> Amendments:
    """What `amended` events override, by field: the last one that names a field wins."""
    overrides: Amendments = {}
    for event in ordered:
        if event.type == "amended":
            for name in AMENDABLE:
                value = getattr(event, name)
                if value is not None:
                    overrides[name] = value
    return overrides


class Nature(NamedTuple):
    """What sort of contact it is; `reached_by` is the channel of the head's line as well."""

    channel: str
    reached_by: str
    direction: str

    @property
    def spoken(self) -> bool:
        """Whether people talk in it; else they write."""
        return self.reached_by in SPOKEN

    @property
    def inbound(self) -> bool:
        """Whether the customer began."""
        return self.direction == "in"


def nature(lived: Sequence[Event], overrides: Amendments) -> Nature:
    """Channel and direction of a contact: as first said, else as it shows who began."""
    channel = overrides.get("channel") or _first(lived, "channel") or "other"
    direction = overrides.get("direction") or _direction(lived)
    reached_by = channel if channel != HEAD_LINE else _beside_the_head(lived)
    return Nature(channel, reached_by, direction)


def _beside_the_head(lived: Sequence[Event]) -> str:
    """The channel of what is only said to have come to the head: as its addresses show."""
    named = [event.channel for event in lived if event.channel not in (None, HEAD_LINE)]
    if named:
        return str(named[0])
    for text in (_first(lived, "from_"), _first(lived, "to")):
        address = read_address(text, spoken=False) if text else None
        if address is not None and address.kind != "external":
            return "call" if address.kind == "phone" else "email"
    return "other"


def _direction(lived: Sequence[Event]) -> str:
    """
    Who began a contact.

    On a message `direction` says who wrote it: it tells of the contact only where it begins one.
    """
    for number, event in enumerate(lived):
        if event.direction is not None and (number == 0 or event.type != "message"):
            return event.direction
    for event in lived:
        if event.type in COME:
            break
        if event.type == "message" and event.public:
            author = author_of(event)
            if author in BEGINNERS:
                return BEGINNERS[author]
    return "in"


def about(
    ordered: Sequence[Event],
    lived: Sequence[Event],
    overrides: Amendments,
    *,
    answer: Event | None,
) -> About:
    """
    What a contact is about.

    Args:
        ordered: Its events, in order.
        lived: Those of them that are neither `amended` nor `recording`.
        overrides: See `amendments`.
        answer: The first human answer, if any.
    """
    kind = nature(lived, overrides)
    split = 0 if answer is None else lived.index(answer) + 1
    until_answer = _merged(lived[:split])
    latest = _merged(lived[split:], until_answer)
    offered = until_answer if split else _merged([e for e in lived if e.type in OFFERS])
    after = lived[split:]

    def told(name: str) -> Any:
        named = overrides.get(name) or offered[_AT[name]]
        return named or (_first(after, name) if split else latest[_AT[name]])

    def last(name: str) -> Any:
        return overrides.get(name, latest[_AT[name]])

    phone, email, external_id = _addresses(
        lived, overrides, spoken=kind.spoken, inbound=kind.inbound
    )
    return About(
        channel=kind.channel,
        direction=kind.direction,
        party=last("party"),
        branch=told("branch"),
        team=told("team"),
        queue=told("queue"),
        agent=overrides.get("agent") or _agent(lived, split),
        campaign=last("campaign"),
        touchpoint=last("touchpoint"),
        stage=last("stage"),
        phone=phone,
        email=email,
        external_id=external_id,
        due_at=last("due_at"),
        ending=last("outcome"),
        waited_seconds=last("waited_seconds"),
        talked_seconds=last("talked_seconds"),
        attributes=_attributes(ordered),
        line=_line(lived, overrides, inbound=kind.inbound),
        reached_by=kind.reached_by,
    )


def _line(lived: Sequence[Event], overrides: Amendments, *, inbound: bool) -> str | None:
    side = "to" if inbound else "from_"
    found: str | None = overrides.get(side)
    if found is None:
        # From and to of an answer may be turned round.
        found = _first([event for event in lived if event.type != "message"], side)
    return found


_AT: Final = {name: place for place, name in enumerate(Event.__struct_fields__)}
_NOTHING: Final = (None,) * len(_AT)


def _merged(events: Sequence[Event], before: Sequence[Any] = _NOTHING) -> Sequence[Any]:
    """The last value named of each field, by its place in an event; None where there is none."""
    merged = before
    for event in events:
        merged = [
            old if new is None else new
            for new, old in zip(msgspec.structs.astuple(event), merged, strict=True)
        ]
    return merged


def _first(events: Sequence[Event], name: str) -> Any:
    for event in events:
        value = getattr(event, name)
        if value is not None:
            return value
    return None


def _agent(lived: Sequence[Event], split: int) -> str | None:
    """Who answered; else the last one whom it was offered to, else the last one named."""
    mine = [
        event
        for number, event in enumerate(lived, 1)
        # The answer of a customer whom we call may name who called.
        if event.agent is not None and (author_of(event) == "human" or number == split)
    ]
    if not split:
        mine.sort(key=lambda event: event.type in OFFERS)
        return mine[-1].agent if mine else None
    answer = place(lived[split - 1])
    by_then = [event for event in mine if place(event) <= answer]
    return by_then[-1].agent if by_then else mine[0].agent if mine else None


def _addresses(
    lived: Sequence[Event], overrides: Amendments, *, spoken: bool, inbound: bool
) -> tuple[str | None, str | None, str | None]:
    found: dict[str, str] = {}
    corrected: Customer | None = overrides.get("customer")
    side = "from_" if inbound else "to"
    if corrected is not None:
        _named(found, corrected)
    if side in overrides:
        _written(found, overrides[side], spoken=spoken)
    seen = None
    for event in lived:
        if event.customer is not None:
            _named(found, event.customer)
        if event.type == "message" and author_of(event) != "customer":
            # From and to of an answer may be turned round.
            continue
        text = event.from_ if inbound else event.to
        if text is not None and text != seen:
            _written(found, text, spoken=spoken)
            seen = text
    return found.get("phone"), found.get("email"), found.get("external")


def _named(found: dict[str, str], customer: Customer) -> None:
    for kind, value in (
        ("phone", customer.phone),
        ("email", customer.email),
        ("external", customer.external_id),
    ):
        if value is not None:
            found.setdefault(kind, value)


def _written(found: dict[str, str], text: str, *, spoken: bool) -> None:
    address = read_address(text, spoken=spoken)
    if address is not None:
        found.setdefault(address.kind, address.value)


def _attributes(ordered: Sequence[Event]) -> dict[str, str]:
    """Each attribute as last said; what an `amended` event says stands above the rest."""
    attributes: dict[str, str] = {}
    for corrections in (False, True):
        for event in ordered:
            if event.attributes and (event.type == "amended") is corrections:
                attributes.update(event.attributes)
    return attributes
