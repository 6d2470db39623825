"""Purchases and returns as they come in and go out."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, TypeVar
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints, field_validator

from otklik_common.http import AwareTime, StrictModel, bad_value, check_time
from otklik_common.money import decimal_text, exponent, minor_units
from otklik_loyalty.actions.customers import Means, said
from otklik_loyalty.actions.purchases import NewPurchase, purchase_id
from otklik_loyalty.api.context import Code, Currency, Reference, Word
from otklik_loyalty.domain.body import purchase_digest
from otklik_loyalty.domain.identity import Person
from otklik_loyalty.domain.purchase import (
    MOST_LINES,
    THOUSANDTHS,
    Line,
    NewReturn,
    Purchase,
    Return,
    quantity_of,
    quantity_text,
)

MOST_ATTRIBUTES = 32

LineId = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=200)]
AttributeName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,49}$")]
AttributeValue = Annotated[str, StringConstraints(max_length=200)]
Quantity = int | str
"""A whole number, or decimal text with at most three decimals: `1`, `"0.350"`."""


class PersonBody(StrictModel):
    """Who bought: any of the three finds the customer, or makes them."""

    phone: Label | None = None
    email: Label | None = None
    external_id: Reference | None = None


class LineBody(StrictModel):
    """One line of a purchase."""

    id: LineId
    product: Label | None = None
    category: Label | None = None
    quantity: Quantity = Field(default=1, examples=[1, "0.350"])
    amount: str = Field(
        max_length=40, description="of the whole line, as decimal text", examples=["57000.00"]
    )

    def line(self, currency: str) -> Line:
        """The line in minor units and thousandths. Raises Refused."""
        return Line(
            self.id,
            quantity_of(str(self.quantity)),
            minor_units(self.amount, currency),
            self.product,
            self.category,
        )


class ReturnLineBody(StrictModel):
    """How much came back of a line."""

    id: LineId
    quantity: Quantity | None = Field(default=None, description="left out: the whole line")


L = TypeVar("L", LineBody, ReturnLineBody)


class PurchaseBody(StrictModel):
    """A purchase as its seller knows it."""

    id: Reference
    customer: PersonBody | None = None
    at: AwareTime = Field(description="when it was sold")
    branch: Code | None = None
    agent: Code | None = None
    party: Code | None = None
    campaign: Code | None = None
    currency: Currency = Field(description="ISO 4217", examples=["RUB"])
    origin: Word = "sale"
    lines: list[LineBody] = Field(min_length=1, max_length=MOST_LINES)
    attributes: dict[AttributeName, AttributeValue] = Field(
        default_factory=dict, max_length=MOST_ATTRIBUTES
    )

    @field_validator("lines")
    @classmethod
    def _lines_differ(cls, lines: list[LineBody]) -> list[LineBody]:
        return _distinct(lines)

    def sent(self, tenant: str, means: Means, now: datetime) -> NewPurchase:
        """
        The purchase for the action.

        Raises:
            Refused: A time, currency, amount, quantity, phone or e-mail that is none.
        """
        check_time(self.at, now)
        exponent(self.currency)
        body = Purchase(
            id=purchase_id(tenant, self.id),
            reference=self.id,
            sold_at=self.at,
            currency=self.currency,
            lines=tuple(line.line(self.currency) for line in self.lines),
            origin=self.origin,
            branch=self.branch,
            agent=self.agent,
            party=self.party,
            campaign=self.campaign,
            attributes=self.attributes,
        )
        named = None
        if self.customer is not None:
            named = said(means, tenant, **self.customer.model_dump(), at=self.at)
        return NewPurchase(body, named, purchase_digest(body, named.person if named else Person()))


class ReturnBody(StrictModel):
    """What came back of a purchase at one moment."""

    id: LineId
    at: AwareTime
    lines: list[ReturnLineBody] = Field(min_length=1, max_length=MOST_LINES)

    @field_validator("lines")
    @classmethod
    def _lines_differ(cls, lines: list[ReturnLineBody]) -> list[ReturnLineBody]:
        return _distinct(lines)

    def sent(self, now: datetime) -> NewReturn:
        """The return for the action. Raises Refused."""
        check_time(self.at, now)
        return NewReturn(
            self.id,
            self.at,
            {
                line.id: None if line.quantity is None else quantity_of(str(line.quantity))
                for line in self.lines
            },
        )


def _distinct(lines: list[L]) -> list[L]:
    ids = [line.id for line in lines]
    if len(set(ids)) != len(ids):
        raise bad_value(
            "line_id_twice", "a line's id stands twice", "номер строки встречается дважды"
        )
    return lines


class LineOut(BaseModel):
    """A line with what came back of it."""

    id: str
    product: str | None
    category: str | None
    quantity: int | str
    returned: int | str
    amount: str
    returned_amount: str


class ReturnOut(BaseModel):
    """A return: quantity by line."""

    id: str
    at: datetime
    lines: dict[str, int | str]


class PurchaseOut(BaseModel):
    """A purchase as it now is; amounts as decimal text in its currency."""

    id: str
    subject: UUID = Field(description="id of the purchase in facts and metrics")
    customer: UUID | None
    at: datetime
    returned_at: datetime | None
    branch: str | None
    agent: str | None
    party: str | None
    campaign: str | None
    currency: str
    origin: str
    amount: str
    returned: str
    net: str
    lines: list[LineOut]
    attributes: dict[str, str]

    @classmethod
    def of(cls, bought: Purchase) -> "PurchaseOut":
        """The purchase for those who may read it."""
        plain = ("customer", "returned_at", "branch", "agent", "party", "campaign", "origin")
        return cls(
            id=bought.reference,
            subject=bought.id,
            at=bought.sold_at,
            currency=bought.currency,
            amount=decimal_text(bought.amount_minor, bought.currency),
            returned=decimal_text(bought.returned_minor, bought.currency),
            net=decimal_text(bought.net_minor, bought.currency),
            lines=[_line_out(line, bought.currency) for line in bought.lines],
            attributes=dict(bought.attributes),
            **{name: getattr(bought, name) for name in plain},
        )


class PurchaseDetail(PurchaseOut):
    """A purchase with its returns."""

    returns: list[ReturnOut]

    @classmethod
    def with_returns(cls, bought: Purchase, returns: Sequence[Return]) -> "PurchaseDetail":
        """The purchase and everything that came back of it."""
        return cls(**dict(PurchaseOut.of(bought)), returns=list(_returns_out(returns)))


def _line_out(line: Line, currency: str) -> LineOut:
    return LineOut(
        id=line.id,
        product=line.product,
        category=line.category,
        quantity=_quantity_out(line.quantity),
        returned=_quantity_out(line.returned),
        amount=decimal_text(line.amount_minor, currency),
        returned_amount=decimal_text(line.returned_minor, currency),
    )


def _returns_out(returns: Iterable[Return]) -> Iterable[ReturnOut]:
    for each in returns:
        lines = {line: _quantity_out(quantity) for line, quantity in each.lines.items()}
        yield ReturnOut(id=each.id, at=each.at, lines=lines)


def _quantity_out(thousandths: int) -> int | str:
    whole, part = divmod(thousandths, THOUSANDTHS)
    return quantity_text(thousandths) if part else whole
