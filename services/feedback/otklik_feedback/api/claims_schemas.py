"""Claims as they come in and go out."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints, model_validator

from otklik_common.events.claims import ClaimState, Severity, Wish
from otklik_common.events.contact_center import ChannelName
from otklik_common.events.envelope import Currency
from otklik_common.http import AwareTime, StrictModel, bad_value
from otklik_common.ids import contact_subject
from otklik_common.money import decimal_text, minor_units
from otklik_feedback.actions.claims import COPIED, Shown, claim_id
from otklik_feedback.actions.means import NOBODY, Means, Person
from otklik_feedback.api.cases import StepBody
from otklik_feedback.api.clock_schemas import FeedbackClockOut, shown_clocks
from otklik_feedback.api.context import Code, Reference, Word
from otklik_feedback.api.reading import UnknownSource
from otklik_feedback.api.schemas import CustomerBody, CustomerOut
from otklik_feedback.domain.claim import CONSUMER, MOST_DAYS, MOST_TEXT, Change, NewClaim
from otklik_feedback.store.claims import Listed


class ClaimBody(StrictModel):
    """What somebody demands of us."""

    id: Reference = Field(description="the sender's own id; the same claim again under it is once")
    received_at: AwareTime = Field(description="when it reached us: the term runs from then")
    text: Annotated[str, StringConstraints(min_length=1, max_length=MOST_TEXT)]
    claim_kind: Word = Field(default=CONSUMER, description="decides the legal term")
    topic: Word | None = Field(default=None, examples=["deposit", "manners"])
    severity: Severity = Severity.MEDIUM
    wish: Wish | None = Field(default=None, description="what is asked for")
    amount: Annotated[str, StringConstraints(min_length=1, max_length=30)] | None = Field(
        default=None, description="a plain decimal number; with a currency", examples=["50000.00"]
    )
    currency: Currency | None = Field(default=None, examples=["RUB"])
    customer: CustomerBody | None = None
    contact: Reference | None = Field(default=None, description="the sender's id of the contact")
    source: Reference | None = Field(
        default=None, description="source of the contact; left out: the company's default source"
    )
    channel: ChannelName | None = None
    party: Code | None = None
    branch: Code | None = Field(default=None, description="left out: the contact's, or nobody's")
    team: Code | None = None
    queue: Code | None = None
    agent: Code | None = None

    @model_validator(mode="after")
    def _amount_of_a_currency(self) -> "ClaimBody":
        if (self.amount is None) != (self.currency is None):
            raise bad_value(
                "amount_and_currency",
                "an amount and a currency go together",
                "сумма и валюта указываются вместе",
            )
        return self

    def person(self) -> Person:
        """Who claims, in the clear."""
        named = self.customer
        return NOBODY if named is None else Person(named.phone, named.email, named.external_id)

    def new(self, tenant: str, means: Means, region: str) -> NewClaim:
        """The same for the action. Raises UnknownSource, and Refused: an amount that is none."""
        if self.source is not None and not self.source.startswith(f"{tenant}."):
            raise UnknownSource(
                f"there is no source {self.source[:100]!r}",
                detail_ru=f"источника {self.source[:100]!r} нет",
            )
        contact = None
        if self.contact is not None:
            contact = contact_subject(tenant, self.source or f"{tenant}.default", self.contact)
        amount = None
        if self.amount is not None and self.currency is not None:
            amount = minor_units(self.amount, self.currency)
        return NewClaim(
            id=claim_id(tenant, self.id),
            reference=self.id,
            received_at=self.received_at,
            text=self.text.strip(),
            claim_kind=self.claim_kind,
            topic=self.topic,
            severity=self.severity,
            wish=self.wish,
            currency=self.currency,
            amount_minor=amount,
            said={
                name: str(value)
                for name in COPIED
                if (value := getattr(self, name, None)) is not None
            },
            contact=contact,
            identifiers=means.identifiers(tenant, self.person(), region),
        )


class WorkOffBody(StepBody):
    """How a claim was worked off."""

    reason: Word = Field(description="outcome code", examples=["refunded", "refused", "withdrawn"])


class ChangeBody(StepBody):
    """What of a claim becomes different; what is left out stays."""

    severity: Severity | None = None
    topic: Word | None = None
    branch: Code | None = None
    agent: Code | None = None

    def change(self) -> Change:
        """The same for the rule."""
        return Change(self.severity, self.topic, self.branch, self.agent)


class ClaimOut(BaseModel):
    """A claim without anything personal."""

    id: UUID = Field(description="its subject in facts and metrics")
    reference: str = Field(description="the sender's own id")
    state: ClaimState
    claim_kind: str
    topic: str | None
    severity: Severity
    wish: Wish | None
    amount: str | None
    currency: str | None
    contact: UUID | None
    channel: str | None = None
    party: str | None = None
    branch: str | None = None
    team: str | None = None
    queue: str | None = None
    agent: str | None = None
    segment: str | None = None
    received_at: datetime
    term_at: datetime | None = Field(description="the end of the legal term; null: there is none")
    due_at: datetime | None = Field(description="the first moment by which something is promised")
    overdue: bool
    reacted_at: datetime | None
    worked_off_at: datetime | None
    outcome: str | None
    reopenings: int
    revision: int

    @classmethod
    def of(cls, listed: Listed, now: datetime) -> "ClaimOut":
        """What the caller sees of a claim."""
        return cls.model_validate(shown_claim(listed, now))


def shown_claim(listed: Listed, now: datetime) -> dict[str, Any]:
    """Fields of a claim, for either model."""
    claim, due_at = listed.claim, listed.due_at
    amount, currency = claim.amount_minor, claim.currency
    plain = (
        *("id", "reference", "state", "claim_kind", "topic", "severity", "wish", "currency"),
        *("contact", "received_at", "reacted_at", "worked_off_at", "outcome", "reopenings"),
        "revision",
    )
    return {
        **{name: getattr(claim, name) for name in plain},
        **claim.dimensions,
        "amount": None if amount is None or currency is None else decimal_text(amount, currency),
        "term_at": claim.openings[-1].term_at,
        "due_at": due_at,
        "overdue": due_at is not None and due_at < now,
    }


class ClaimStepOut(BaseModel):
    """Something that happened to a claim."""

    number: int
    step: str
    at: datetime
    recorded_at: datetime
    actor: str
    reason: str | None
    note: str | None


class ClaimDetail(ClaimOut):
    """A claim with its words, whoever claims, its clocks and its history."""

    text: str | None
    customer: CustomerOut
    identified: bool = Field(
        description="false: it is nobody's; a phone that is none or hidden identifies nobody"
    )
    case: UUID | None = Field(description="the case that it opened; null: it joined an open one")
    clocks: list[FeedbackClockOut]
    history: list[ClaimStepOut]

    @classmethod
    def shown(cls, shown: Shown, now: datetime) -> "ClaimDetail":
        """What the caller sees of a claim with all that is known of it."""
        person = shown.person
        steps = ClaimStepOut.model_fields.keys() - {"note"}
        return cls.model_validate(
            {
                **shown_claim(shown.listed, now),
                "text": shown.text,
                "customer": CustomerOut(
                    phone=person.phone, email=person.email, external_id=person.external_id
                ),
                "identified": bool(shown.listed.claim.identifiers),
                "case": shown.case,
                "clocks": shown_clocks(shown.clocks),
                "history": [
                    {**{name: getattr(one, name) for name in steps}, "note": note}
                    for one, note in shown.steps
                ],
            }
        )


class KindBody(StrictModel):
    """The legal term of a kind of claims."""

    days: int | None = Field(
        ge=1, le=MOST_DAYS, description="calendar days; null: there is no legal term"
    )


class KindOut(BaseModel):
    """A kind of claims."""

    code: str
    days: int | None = Field(description="calendar days of the legal term; null: there is none")
    shipped_days: int | None = Field(description="as Otklik ships it: a default, no legal advice")


class KindsOut(BaseModel):
    """The kinds of claims that a company knows."""

    items: list[KindOut]
