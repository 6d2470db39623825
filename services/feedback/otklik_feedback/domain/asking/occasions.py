"""What happened, as others tell it, read as an occasion to ask somebody."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from otklik_common.events.contact_center import Contact, channel_of
from otklik_common.events.envelope import Fact
from otklik_common.events.feedback import Case
from otklik_common.events.leads import Deal, Lead
from otklik_feedback.domain.asking.programme import Trigger

DIMENSIONS: Final = (
    "channel",
    "direction",
    "branch",
    "team",
    "queue",
    "agent",
    "party",
    "touchpoint",
)


@dataclass(frozen=True, slots=True)
class Occasion:
    """
    Something that people may be asked about.

    Attributes:
        subject: Of the fact that tells it.
        at: When it happened; None if it has not, or not any more.
        dimensions: Its codes, those of DIMENSIONS that are known.
        identifiers: Pseudonyms of the customer, strongest first.
    """

    trigger: Trigger
    subject: UUID
    at: datetime | None
    contact: UUID | None = None
    dimensions: Mapping[str, str] = field(default_factory=dict)
    identifiers: tuple[str, ...] = ()


KINDS: Final[Mapping[str, Trigger]] = {
    Contact.kind: Trigger.CONTACT_ENDED,
    Deal.kind: Trigger.DEAL_CLOSED,
    Lead.kind: Trigger.REQUEST_CLOSED,
    Case.kind: Trigger.CASE_CLOSED,
}
"""Facts that tell of occasions, by their kinds."""


def occasion_of(subject: UUID, fact: Fact, *, void: bool) -> Occasion:
    """
    What a fact of one of KINDS is an occasion of.

    What came by the head's own line is none: who writes there is not sent surveys.
    """
    trigger = KINDS[fact.kind]
    happened = None if void or getattr(fact, "head_line", False) else _happened(fact)
    return Occasion(
        trigger,
        subject,
        happened,
        contact=subject if isinstance(fact, Contact) else getattr(fact, "contact", None),
        dimensions=_dimensions(fact),
        identifiers=getattr(fact, "identifiers", ()),
    )


def _happened(fact: Fact) -> datetime | None:
    match fact:
        case Contact():
            return None if fact.open_since is not None else fact.ended_at or fact.closed_at
        case Deal():
            return fact.dealt_at
        case Lead():
            return fact.closed_at if fact.dealt_at is None else None
        case Case():
            return fact.closed_at
    raise AssertionError(f"{fact.kind} tells of no occasion")


def _dimensions(fact: Fact) -> dict[str, str]:
    values: dict[str, Any] = {name: getattr(fact, name, None) for name in DIMENSIONS}
    if isinstance(fact, Contact):
        values["channel"] = channel_of(fact)
    return {name: str(value) for name, value in values.items() if value is not None}
