"""What a contact is about: its channel, its people and places, out of all that its events name."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from otklik_contact_center.domain.address import read_address
from otklik_contact_center.domain.events import SPOKEN, Customer, Event, author_of

OFFERS: Final = frozenset(("started", "queued", "assigned", "ringing", "transferred"))

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
        branch, team, queue, agent: Those of the first human answer, else of the last offer.
        phone, email, external_id: As the sender wrote them; never leave this service.
        ending: Why it ended, in the sender's words, if said.
        attributes: All of them; the company's allow-list decides which may leave.
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

    @property
    def inbound(self) -> bool:
        """Whether the customer began."""
        return self.direction == "in"

    @property
    def spoken(self) -> bool:
        """Whether people talk in it; else they write."""
        return self.channel in SPOKEN


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


def nature(lived: Sequence[Event], overrides: Amendments) -> tuple[str, str]:
    """Channel and direction of a contact: as first said."""
    channel = overrides.get("channel") or _first(lived, "channel") or "other"
    direction = overrides.get("direction") or _first(lived, "direction") or "in"
    return channel, direction


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
    channel, direction = nature(lived, overrides)
    places = {
        name: overrides.get(name) or _told(lived, answer, name)
        for name in ("branch", "team", "queue")
    }
    by_people = [event for event in lived if event.agent and author_of(event) == "human"]
    latest = {
        name: overrides.get(name) or _last(lived, name)
        for name in (
            "party",
            "campaign",
            "touchpoint",
            "stage",
            "due_at",
            "waited_seconds",
            "talked_seconds",
        )
    }
    phone, email, external_id = _addresses(
        lived, overrides, spoken=channel in SPOKEN, inbound=direction == "in"
    )
    return About(
        channel=channel,
        direction=direction,
        agent=overrides.get("agent") or _told(by_people, answer, "agent"),
        phone=phone,
        email=email,
        external_id=external_id,
        ending=overrides.get("outcome") or _last(lived, "outcome"),
        attributes=_attributes(ordered),
        **places,
        **latest,
    )


def _first(events: Sequence[Event], name: str) -> Any:
    for event in events:
        value = getattr(event, name)
        if value is not None:
            return value
    return None


def _last(events: Sequence[Event], name: str) -> Any:
    for event in reversed(events):
        value = getattr(event, name)
        if value is not None:
            return value
    return None


def _told(lived: Sequence[Event], answer: Event | None, name: str) -> Any:
    """A code as the answer names it, else as last named before it, else as named at all."""
    if answer is None:
        offers = [event for event in lived if event.type in OFFERS]
        return _last(offers, name) or _last(lived, name)
    value = getattr(answer, name)
    if value is not None:
        return value
    answered = False
    for event in lived:
        if answered and value is not None:
            break
        answered = answered or event is answer
        named = getattr(event, name)
        if named is not None:
            value = named
    return value


def _addresses(
    lived: Sequence[Event], overrides: Amendments, *, spoken: bool, inbound: bool
) -> tuple[str | None, str | None, str | None]:
    found: dict[str, str] = {}
    corrected: Customer | None = overrides.get("customer")
    side = "from_" if inbound else "to"
    if corrected is not None:
        _named(found, corrected)
    _written(found, overrides.get(side), spoken=spoken)
    for event in lived:
        if event.customer is not None:
            _named(found, event.customer)
        if event.type == "message" and author_of(event) != "customer":
            # From and to of an answer may be turned round.
            continue
        _written(found, getattr(event, side), spoken=spoken)
    return found.get("phone"), found.get("email"), found.get("external")


def _named(found: dict[str, str], customer: Customer) -> None:
    for kind, value in (
        ("phone", customer.phone),
        ("email", customer.email),
        ("external", customer.external_id),
    ):
        if value is not None:
            found.setdefault(kind, value)


def _written(found: dict[str, str], text: str | None, *, spoken: bool) -> None:
    if text is None:
        return
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
