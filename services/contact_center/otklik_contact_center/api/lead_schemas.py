"""Bodies of leads and their steps."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from otklik_common.events.contact_center import ChannelName, channel_of
from otklik_common.events.leads import Lead as LeadFact
from otklik_common.http import AwareTime, StrictModel
from otklik_common.money import decimal_text
from otklik_contact_center.api.pace_schemas import PaceView
from otklik_contact_center.api.schemas import Code, Id, PushedCustomer
from otklik_contact_center.api.touch_schemas import SplitView, TouchView
from otklik_contact_center.domain.lead_step import MOST_OBJECTIONS, StepName
from otklik_contact_center.store.leads_read import Kept, KeptStep

State = Literal["waiting", "attempted", "contacted", "qualified", "showing", "deal", "closed"]


class PushedStep(StrictModel):
    """A step of a request, as a sales system tells it: what happened, when, and of whose request."""

    id: Id = Field(
        description="the sender's own id of the step, unique in the company; told again, the newest"
        " holds"
    )
    lead: Id = Field(
        description="the sender's own id of the request: steps of one belong together",
        examples=["crm-881"],
    )
    step: StepName = Field(
        description="attempted: tried to reach the customer; contacted: talked; qualified: it is"
        " known what they want; showing: something was shown; deal: one side of a deal was made;"
        " own: a step of the company's own, named by `own`;"
        " closed: nobody goes on with it"
    )
    at: AwareTime = Field(description="when it happened, with offset")
    source: Id | None = Field(
        default=None, description="whose id `contact` is; by default the company's default source"
    )
    contact: Id | None = Field(
        default=None, description="a contact of the request, by its sender's id"
    )
    customer: PushedCustomer | None = Field(
        default=None, description="whose request it is; needed where no contact is named"
    )
    party: Code | None = Field(default=None, examples=["buyer", "seller"])
    branch: Code | None = None
    agent: Code | None = None
    reason: Code | None = Field(
        default=None,
        description="of closed: the company's own code",
        examples=["advice", "lost", "duplicate"],
    )
    objections: Annotated[list[Code], Field(max_length=MOST_OBJECTIONS)] = Field(
        default_factory=list, description="of closed: codes of what the customer held against it"
    )
    object: Code | None = Field(
        default=None, description="of showing and deal: the company's own code of what it is about"
    )
    deal: Id | None = Field(
        default=None, description="of deal: the sender's id; both sides of a deal name the same"
    )
    amount: Annotated[str, StringConstraints(max_length=40)] | None = Field(
        default=None, description="of deal, with currency", examples=["57000.00"]
    )
    currency: Annotated[str, StringConstraints(min_length=3, max_length=3)] | None = Field(
        default=None, description="ISO 4217", examples=["RUB"]
    )
    withdrawn: bool = Field(default=False, description="it did not happen after all")
    own: Code | None = Field(
        default=None,
        description="of own: the company's own code of what happened; nobody need have talked to the"
        " customer",
        examples=["photo", "published"],
    )


class LeadView(BaseModel):
    """A request of a person; times are null until they happen, spans are milliseconds."""

    id: UUID = Field(description="its subject in facts and metrics")
    contact: UUID = Field(description="the contact that opened it")
    state: State = Field(description="how far it has come; waiting: nobody has worked on it")
    created_at: datetime
    source: UUID = Field(description="subject of the source of that contact")
    channel: ChannelName
    party: str | None
    branch: str | None
    queue: str | None
    agent: str | None
    campaign: str | None
    ad_source: str | None = Field(description="what brought that contact: utm_source")
    medium: str | None = Field(description="utm_medium")
    known_person: bool = Field(description="they had been in contact before")
    requests: int = Field(description="how often they asked before anybody worked on it")
    last_requested_at: datetime
    assigned_at: datetime | None
    attempted_at: datetime | None
    contacted_at: datetime | None
    qualified_at: datetime | None
    shown_at: datetime | None = Field(description="the first showing")
    showings: int
    dealt_at: datetime | None
    closed_at: datetime | None
    reason: str | None = Field(description="why it was closed")
    objections: tuple[str, ...]
    assign_ms: int | None = Field(description="from the request until it was somebody's")
    attempt_ms: int | None = Field(description="from the request to the first attempt")
    contact_ms: int | None = Field(description="from the request to the first conversation")

    @classmethod
    def of(cls, kept: Kept, id_: UUID, **more: Any) -> Self:
        """The answer for a lead."""
        told = LeadFact.model_validate_json(kept.data)
        fact = told.model_dump() | {"channel": channel_of(told)}
        said = {name: fact[name] for name in cls.model_fields if name in fact}
        return cls(**said | {"id": id_, "state": kept.state} | more)


class StepView(BaseModel):
    """A step as it was told."""

    id: str
    lead: str
    step: StepName
    at: datetime
    received_at: datetime
    contact: UUID | None
    party: str | None
    branch: str | None
    agent: str | None
    reason: str | None
    objections: tuple[str, ...]
    object: str | None
    deal: str | None
    amount: str | None
    currency: str | None
    own: str | None

    @classmethod
    def of(cls, kept: KeptStep) -> Self:
        """The answer for a step."""
        told = kept.told
        amount = None
        if told.amount_minor is not None and told.currency is not None:
            amount = decimal_text(told.amount_minor, told.currency)
        return cls(
            id=told.id,
            lead=told.lead,
            step=told.step,
            at=told.at,
            received_at=kept.received_at,
            contact=told.contact,
            party=told.party,
            branch=told.branch,
            agent=told.agent,
            reason=told.reason,
            objections=told.objections,
            object=told.object,
            deal=told.deal,
            amount=amount,
            currency=told.currency,
            own=told.own,
        )


class LeadDetail(LeadView):
    """A lead with what a sales system told of it, what brought it, and the pace it keeps."""

    steps: list[StepView] = Field(description="the latest 500, in the order of time")
    touches: list[TouchView] = Field(
        description="by which ways they came since 90 days before the request, until now"
    )
    splits: list[SplitView] = Field(
        description="what models of attribution give to the touches: of the request, then of its deals,"
        " at most 20"
    )
    pace: PaceView | None = Field(
        description="the pace programme that it is in, and what each step shows now; null: none"
    )
