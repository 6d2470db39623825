"""
Steps of a request that are no contacts: what a sales system knows of it from its first hour to the deal.

A step tells that something happened: assigned, attempted, contacted, qualified, showing, deal,
closed; or a step of the company's own, such as photos made of what a seller sells. Which request it
belongs to is for the fold of the person's leads to find.
"""

from datetime import UTC, datetime
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from otklik_common.errors import Refused
from otklik_common.money import minor_units
from otklik_contact_center.domain.events import Code, Customer, Id, Moment
from otklik_contact_center.domain.items import Fault, Items, read_items, wrong_text, wrong_time

StepName = Literal[
    "assigned", "attempted", "contacted", "qualified", "showing", "deal", "own", "closed"
]

STEPS: tuple[str, ...] = StepName.__args__  # type: ignore[attr-defined]

RANK: Final = {name: rank for rank, name in enumerate(STEPS)}
"""Steps of one moment are taken in this order."""

MOST_OBJECTIONS: Final = 8

Amount = Annotated[str, Meta(max_length=40)]
Currency = Annotated[str, Meta(min_length=3, max_length=3)]


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """
    A step as its sender tells it.

    Attributes:
        id: The sender's own id of the step, unique in the company; told again, the newest holds.
        lead: The sender's own id of the request: steps of one `lead` belong together.
        source, contact: A contact of the request, by the source's id and the sender's.
        customer: Whose request it is; leaves this service as pseudonyms only.
        reason: Of `closed`: why, as the company's own code.
        objections: Of `closed`: what the customer held against it, as codes.
        object: Of `showing` and `deal`: the company's own code of what it is about.
        deal: Of `deal`: the sender's own id; both sides of a deal name the same.
        own: Of `own`: the company's own code of what happened.
        withdrawn: It did not happen after all.
    """

    id: Id
    lead: Id
    step: StepName
    at: Moment
    source: Id | None = None
    contact: Id | None = None
    customer: Customer | None = None
    party: Code | None = None
    branch: Code | None = None
    agent: Code | None = None
    reason: Code | None = None
    objections: Annotated[tuple[Code, ...], Meta(max_length=MOST_OBJECTIONS)] = ()
    object: Code | None = None
    deal: Id | None = None
    amount: Amount | None = None
    currency: Currency | None = None
    withdrawn: bool = False
    own: Code | None = None


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    A step as it is kept: nothing in it names a person.

    Attributes:
        id, lead: The sender's own.
        contact: Subject of the contact that it names.
        confined: Told by somebody who reaches only `branch`: it belongs to a request there or none.
    """

    id: str
    lead: str
    step: StepName
    at: datetime
    contact: UUID | None = None
    party: str | None = None
    branch: str | None = None
    agent: str | None = None
    reason: str | None = None
    objections: tuple[str, ...] = ()
    object: str | None = None
    deal: str | None = None
    amount_minor: int | None = None
    currency: str | None = None
    confined: bool = False
    own: str | None = None

    @property
    def place(self) -> tuple[datetime, int, str]:
        """Where it stands among the steps of a person."""
        return self.at, RANK[self.step], self.id


ONLY_OF: Final = {
    "reason": ("closed",),
    "objections": ("closed",),
    "object": ("showing", "deal"),
    "deal": ("deal",),
    "amount": ("deal",),
    "currency": ("deal",),
    "own": ("own",),
}
"""Fields that say something of some steps only."""

_one: Final = msgspec.json.Decoder(Step)


def read_steps(body: bytes, now: datetime, *, lines: bool = False) -> Items[Step]:
    """The steps in a body, with their times in UTC; see `read_items`."""

    def checked(step: Step) -> Step | Fault:
        wrong = wrong_time(step.at, now) or wrong_text(*_texts(step)) or _wrong_parts(step)
        return wrong or msgspec.structs.replace(step, at=step.at.astimezone(UTC))

    return read_items(body, _one, checked, lines=lines)


def told(step: Step, contact: UUID | None, *, confined: bool = False) -> Told:
    """A step that was let in, as it is kept."""
    amount = None if step.amount is None else minor_units(step.amount, step.currency or "")
    return Told(
        id=step.id,
        lead=step.lead,
        step=step.step,
        at=step.at,
        contact=contact,
        party=step.party,
        branch=step.branch,
        agent=step.agent,
        reason=step.reason,
        objections=tuple(sorted(set(step.objections))),
        object=step.object,
        deal=step.deal,
        amount_minor=amount,
        currency=step.currency,
        confined=confined,
        own=step.own,
    )


def _texts(step: Step) -> tuple[str | None, ...]:
    return (
        step.id,
        step.lead,
        step.source,
        step.contact,
        step.party,
        step.branch,
        step.agent,
        step.reason,
        step.object,
        step.deal,
        step.own,
        *step.objections,
    )


def _wrong_parts(step: Step) -> Fault | None:
    if step.contact is None and step.customer is None:
        return "no_subject", "name the customer, or a contact of the request"
    if step.source is not None and step.contact is None:
        return "no_subject", "source says whose id contact is: name the contact, too"
    for name, steps in ONLY_OF.items():
        if getattr(step, name) and step.step not in steps:
            return "out_of_place", f"{name} is said of {' and '.join(steps)} only"
    if step.step == "deal" and step.deal is None:
        return "missing", "deal is missing: the id that both sides of the deal have in common"
    if step.step == "own" and step.own is None:
        return "missing", "own is missing: the company's own code of what happened"
    if (step.amount is None) != (step.currency is None):
        return "out_of_place", "amount and currency go together"
    if step.amount is not None:
        try:
            minor_units(step.amount, step.currency or "")
        except Refused as wrong:
            return wrong.code, wrong.detail
    return None
