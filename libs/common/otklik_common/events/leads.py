"""The facts of requests that contact_center writes: leads, and the showings and deals they come to."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from otklik_common.events.contact_center import OWNER, Channel, Millis
from otklik_common.events.envelope import Code, Currency, Fact, Instant, Pseudonym
from otklik_common.events.registry import contract

Micro = Annotated[int, Field(ge=0, le=1_000_000)]
Minor = Annotated[int, Field(ge=0)]


@contract("lead", version=1, owner=OWNER)
class Lead(Fact):
    """
    A request of a person who wants something of us, until it is worked.

    `attempted_at` is the first human attempt to reach the person (or to answer), of whatever
    result; `contacted_at` the first conversation with a human. `requests` counts the inbound
    contacts that belong to it: a repeated call makes no second lost lead. One that comes after
    an attempt is a lead of its own, of a known person. What a sales system tells of it stands beside:
    `shown_at` is the first of its `showings`; `closed_at`, with its reason and the customer's
    objections, is None again once somebody works on it. `ad_source`, `medium` and `campaign` say what
    brought the contact that opened it, in the words of UTM.
    """

    contact: UUID
    source: UUID
    channel: Channel
    party: Code | None = None
    branch: Code | None = None
    queue: Code | None = None
    agent: Code | None = None
    campaign: Code | None = None
    identifiers: tuple[Pseudonym, ...] = ()
    known_person: bool = False
    created_at: Instant
    assigned_at: Instant | None = None
    attempted_at: Instant | None = None
    contacted_at: Instant | None = None
    closed_at: Instant | None = None
    last_requested_at: Instant
    qualified_at: Instant | None = None
    shown_at: Instant | None = None
    dealt_at: Instant | None = None
    reason: Code | None = None
    objections: tuple[Code, ...] = ()
    assign_ms: Millis | None = None
    attempt_ms: Millis | None = None
    contact_ms: Millis | None = None
    requests: int = 1
    showings: int = 0
    ad_source: Code | None = None
    medium: Code | None = None
    head_line: bool = False


class Sale(Fact):
    """
    What showings and deals have in common.

    `lead` is None while no request is known that it belongs to. Branch, agent and party are those
    that were told with it, else those of the lead; source, channel, campaign, ad_source and medium
    are the lead's.
    """

    lead: UUID | None = None
    source: UUID | None = None
    channel: Channel | None = None
    party: Code | None = None
    branch: Code | None = None
    agent: Code | None = None
    campaign: Code | None = None
    identifiers: tuple[Pseudonym, ...] = ()
    object: Code | None = None
    head_line: bool = False


@contract("showing", version=1, owner=OWNER)
class Showing(Sale):
    """Something was shown to a customer; `object` is the company's own code of it."""

    shown_at: Instant
    ad_source: Code | None = None
    medium: Code | None = None


@contract("deal", version=1, owner=OWNER)
class Deal(Sale):
    """
    One side of a deal: a buyer's and a seller's are two, with one `deal` in common.

    `deal` is made of the sender's own id. The amount is in minor units of its currency.
    """

    deal: UUID
    dealt_at: Instant
    amount_minor: int | None = Field(default=None, ge=0)
    currency: str | None = Field(default=None, pattern="^[A-Z]{3}$")
    ad_source: Code | None = None
    medium: Code | None = None


@contract("touch", version=1, owner=OWNER)
class Touch(Fact):
    """
    By which way somebody came before a request, or before a side of a deal, and what it is given.

    Told only where some model gives anything to another touch than that of the contact which opened
    the request: `opener` marks that one, and place 0 stands for it where nobody knows what brought it.
    `credited_at` is when the request, or the deal, was made; places count from 1 in the order of time.
    The model `first` gives all to the touch that is so, likewise `last` and `last_non_direct`; of
    `linear_micro` and `position_micro` the sum over a path is 10⁶, of `linear_minor` and
    `position_minor` it is the deal's `amount_minor`. `left_out` is how many touches were too many.
    """

    lead: UUID
    deal: UUID | None = None
    credited_at: Instant
    place: int = Field(ge=0)
    touches: int = Field(ge=0)
    left_out: int = Field(default=0, ge=0)
    touched_at: Instant | None = None
    certainty: Code | None = None
    ad_source: Code | None = None
    medium: Code | None = None
    campaign: Code | None = None
    source: UUID | None = None
    channel: Channel | None = None
    party: Code | None = None
    branch: Code | None = None
    agent: Code | None = None
    opener: bool = False
    first: bool = False
    last: bool = False
    last_non_direct: bool = False
    linear_micro: Micro = 0
    position_micro: Micro = 0
    amount_minor: Minor | None = None
    linear_minor: Minor = 0
    position_minor: Minor = 0
    currency: Currency | None = None
    head_line: bool = False
