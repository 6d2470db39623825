"""The facts that loyalty writes: customers, purchases, points."""

from uuid import UUID

from pydantic import Field

from otklik_common.events.envelope import Code, Currency, Fact, Instant, Pseudonym
from otklik_common.events.registry import contract

OWNER = "loyalty"


@contract("customer", version=1, owner=OWNER)
class Customer(Fact):
    """One customer and every pseudonym known to be theirs: the identity map is made of these."""

    identifiers: tuple[Pseudonym, ...] = Field(default=(), max_length=100)
    created_at: Instant
    branch: Code | None = None
    segment: Code | None = None


@contract("purchase", version=1, owner=OWNER)
class Purchase(Fact):
    """A purchase with what came back; amounts in minor units of its currency."""

    customer: UUID | None = None
    identifiers: tuple[Pseudonym, ...] = ()
    sold_at: Instant
    returned_at: Instant | None = None
    currency: Currency
    amount_minor: int = Field(ge=0)
    returned_minor: int = Field(default=0, ge=0)
    net_minor: int = Field(ge=0)
    lines: int = Field(ge=0)
    origin: Code = "sale"
    branch: Code | None = None
    agent: Code | None = None
    party: Code | None = None
    campaign: Code | None = None
    segment: Code | None = None
    attributes: dict[str, str] = Field(default_factory=dict)


@contract("points", version=1, owner=OWNER)
class Points(Fact):
    """One movement of a customer's points: issued (+) or spent (−); a reversal is a movement."""

    customer: UUID
    identifiers: tuple[Pseudonym, ...] = ()
    moved_at: Instant
    movement: Code
    points: int
    reason: Code
    reverses: UUID | None = None
    purchase: UUID | None = None
    branch: Code | None = None
