"""A purchase with its lines, and what came back of it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from otklik_common.errors import Unprocessable

THOUSANDTHS = 1000
"""Quantities are kept in thousandths: pieces, kilograms, metres."""

QUANTITY = re.compile(r"^(0|[1-9][0-9]{0,8})(?:\.([0-9]{1,3}))?$")
MOST_LINES = 500


class BadQuantity(Unprocessable):
    """The quantity is not a positive number with at most three decimals."""

    code = "bad_quantity"

    def __init__(self, text: str) -> None:
        super().__init__(
            f"quantity {text[:40]!r} is not a number above 0 with at most 9 digits and 3 decimals",
            detail_ru=f"количество {text[:40]!r} – не число больше 0 до 9 цифр и 3 знаков после точки",
        )


class UnknownLine(Unprocessable):
    """A return names a line that the purchase does not have."""

    code = "unknown_line"

    def __init__(self, line: str) -> None:
        super().__init__(
            f"the purchase has no line {line!r}", detail_ru=f"в покупке нет строки {line!r}"
        )


class ReturnedMoreThanSold(Unprocessable):
    """More would have come back of a line than was sold."""

    code = "returned_more_than_sold"

    def __init__(self, line: str, *, sold: int, returned: int) -> None:
        back, out = quantity_text(returned), quantity_text(sold)
        super().__init__(
            f"line {line!r}: {back} came back of {out} sold",
            detail_ru=f"строка {line!r}: возвращено {back} из проданных {out}",
        )


class ReturnedBeforeSold(Unprocessable):
    """A return happened before its purchase."""

    code = "returned_before_sold"

    def __init__(self, at: datetime, sold_at: datetime) -> None:
        super().__init__(
            f"returned at {at.isoformat()}, sold at {sold_at.isoformat()}",
            detail_ru=f"возвращено {at.isoformat()}, продано {sold_at.isoformat()}",
        )


@dataclass(frozen=True, slots=True)
class Line:
    """
    One line of a purchase.

    Attributes:
        quantity: In thousandths, above 0.
        amount_minor: Of the whole line, in minor units of the purchase's currency.
        returned: How much of `quantity` came back, in thousandths.
    """

    id: str
    quantity: int
    amount_minor: int
    product: str | None = None
    category: str | None = None
    returned: int = 0

    @property
    def returned_minor(self) -> int:
        """
        The part of the amount that came back with `returned`.

        The amount is divided between what came back and what was kept by largest remainder (a
        tie goes to what came back), so that any sequence of returns of the whole line adds up
        to its amount, in whatever order they are heard of.
        """
        return (2 * self.amount_minor * self.returned + self.quantity) // (2 * self.quantity)

    @property
    def net_minor(self) -> int:
        """What the customer kept and paid for."""
        return self.amount_minor - self.returned_minor


@dataclass(frozen=True, slots=True)
class Purchase:
    """
    A purchase as it is now known.

    Attributes:
        id: Subject id.
        reference: The seller's own id.
        customer: None for somebody who left no identifier.
        identifiers: Pseudonyms the purchase was born with.
        returned_at: Of the latest return.
    """

    id: UUID
    reference: str
    sold_at: datetime
    currency: str
    lines: tuple[Line, ...]
    origin: str = "sale"
    customer: UUID | None = None
    identifiers: tuple[str, ...] = ()
    branch: str | None = None
    agent: str | None = None
    party: str | None = None
    campaign: str | None = None
    segment: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    returned_at: datetime | None = None

    @property
    def amount_minor(self) -> int:
        """What was sold."""
        return sum(line.amount_minor for line in self.lines)

    @property
    def returned_minor(self) -> int:
        """What came back."""
        return sum(line.returned_minor for line in self.lines)

    @property
    def net_minor(self) -> int:
        """What stayed sold."""
        return self.amount_minor - self.returned_minor


@dataclass(frozen=True, slots=True)
class Return:
    """Goods that came back at one moment: quantity in thousandths by line."""

    id: str
    at: datetime
    lines: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class NewReturn:
    """A return as it was sent; None instead of a quantity: the whole line."""

    id: str
    at: datetime
    lines: Mapping[str, int | None]

    def of(self, purchase: Purchase) -> Return:
        """The return with every quantity known. Raises UnknownLine."""
        sold = {line.id: line.quantity for line in purchase.lines}
        for line in self.lines:
            if line not in sold:
                raise UnknownLine(line)
        return Return(self.id, self.at, {line: q or sold[line] for line, q in self.lines.items()})

    def repeats(self, known: Return) -> bool:
        """Whether it says the same as a return that is known."""
        return (
            self.at == known.at
            and self.lines.keys() == known.lines.keys()
            and all(q in (None, known.lines[line]) for line, q in self.lines.items())
        )


def with_returns(purchase: Purchase, returns: Sequence[Return]) -> Purchase:
    """
    The purchase after all of its returns, whatever stood in it of returns before.

    Raises:
        UnknownLine: A return names a line that is not there (any more).
        ReturnedMoreThanSold: The returns of a line exceed what was sold.
        ReturnedBeforeSold: A return lies before the sale.
    """
    back: dict[str, int] = {}
    for each in returns:
        if each.at < purchase.sold_at:
            raise ReturnedBeforeSold(each.at, purchase.sold_at)
        for line, quantity in each.lines.items():
            back[line] = back.get(line, 0) + quantity
    sold = {line.id: line.quantity for line in purchase.lines}
    for line, quantity in back.items():
        if line not in sold:
            raise UnknownLine(line)
        if quantity > sold[line]:
            raise ReturnedMoreThanSold(line, sold=sold[line], returned=quantity)
    return replace(
        purchase,
        lines=tuple(replace(line, returned=back.get(line.id, 0)) for line in purchase.lines),
        returned_at=max((each.at for each in returns), default=None),
    )


def quantity_of(text: str) -> int:
    """Thousandths of a quantity like `1`, `2.5`, `0.350`. Raises BadQuantity, for 0 too."""
    found = QUANTITY.fullmatch(text)
    if found is None:
        raise BadQuantity(text)
    quantity = int(found[1]) * THOUSANDTHS + int((found[2] or "").ljust(3, "0"))
    if quantity == 0:
        raise BadQuantity(text)
    return quantity


def quantity_text(thousandths: int) -> str:
    """The quantity as people write it, without needless zeros."""
    whole, part = divmod(thousandths, THOUSANDTHS)
    return f"{whole}.{part:03}".rstrip("0") if part else str(whole)
