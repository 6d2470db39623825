"""Points as double entry: every movement takes from one account what it gives to another."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from otklik_common.errors import Conflict
from otklik_common.ids import subject_id

MOST_POINTS = 10**12
"""Of one movement; a balance of a million such still fits a bigint."""


class Holder(StrEnum):
    """
    What an account is.

    A customer's balance is never below 0, a debt's never above: it holds what had to be taken
    back but was spent already, and is withheld from the next earnings. The programme gives what
    customers get, and may stand anywhere.
    """

    CUSTOMER = "customer"
    DEBT = "debt"
    PROGRAMME = "programme"


class Movement(StrEnum):
    """Why points moved: by hand, by a purchase, or to undo a movement by hand."""

    ISSUED = "issued"
    SPENT = "spent"
    EARNED = "earned"
    TAKEN_BACK = "taken_back"
    REVERSED = "reversed"


BY_HAND = frozenset({Movement.ISSUED, Movement.SPENT})


class NotEnoughPoints(Conflict):
    """The balance does not cover the movement."""

    code = "not_enough_points"

    def __init__(self, *, wanted: int, balance: int) -> None:
        super().__init__(
            f"{wanted} points wanted, the balance is {balance}",
            detail_ru=f"нужно {wanted} баллов, на счёте {balance}",
        )


class NotReversible(Conflict):
    """The movement belongs to a purchase, or is itself a reversal."""

    code = "not_reversible"

    def __init__(self, movement: "Movement") -> None:
        super().__init__(
            f"a movement that was {movement.value} is not reversed by hand; "
            "points of a purchase follow its returns",
            detail_ru=f"движение {movement.value} не отменяют вручную; "
            "баллы за покупку следуют за её возвратами",
        )


@dataclass(frozen=True, slots=True)
class Account:
    """One account; its id is made of the company, the holder and the customer."""

    id: UUID
    holder: Holder
    customer: UUID | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """Points that an account got (+) or gave (−), never 0."""

    account: Account
    amount: int

    def __post_init__(self) -> None:
        assert self.amount != 0, "an entry moves something"


@dataclass(frozen=True, slots=True)
class Transfer:
    """
    A movement of one customer's points with its entries, which add up to 0.

    Attributes:
        moved_at: When it took effect.
        reason: A code, such as `goodwill`.
        reverses: The movement that this one undoes.
        purchase: The purchase that earned it or took it back.
    """

    id: UUID
    customer: UUID
    movement: Movement
    reason: str
    moved_at: datetime
    entries: tuple[Entry, ...]
    reverses: UUID | None = None
    purchase: UUID | None = None

    def __post_init__(self) -> None:
        assert len(self.entries) >= 2, "points come from somewhere and go somewhere"
        assert sum(entry.amount for entry in self.entries) == 0, "entries add up to 0"

    @property
    def points(self) -> int:
        """What the customer got (+) or gave (−), debts included."""
        return -sum(e.amount for e in self.entries if e.account.holder is Holder.PROGRAMME)


class Balance(NamedTuple):
    """What a customer has, and what they owe; both 0 or more."""

    points: int
    owed: int

    def after(self, moved: Transfer) -> "Balance":
        """The balance once `moved`, a movement of the same customer, is counted."""
        change = {entry.account.holder: entry.amount for entry in moved.entries}
        return Balance(
            self.points + change.get(Holder.CUSTOMER, 0), self.owed - change.get(Holder.DEBT, 0)
        )


def programme(tenant: str) -> Account:
    """The account that points come from and go back to."""
    return Account(subject_id(tenant, "account", Holder.PROGRAMME.value), Holder.PROGRAMME)


def account_of(tenant: str, customer: UUID) -> Account:
    """A customer's points."""
    holder = Holder.CUSTOMER
    return Account(subject_id(tenant, "account", holder.value, str(customer)), holder, customer)


def debt_of(tenant: str, customer: UUID) -> Account:
    """What a customer owes in points."""
    holder = Holder.DEBT
    return Account(subject_id(tenant, "account", holder.value, str(customer)), holder, customer)


def by_hand(tenant: str, customer: UUID, points: int) -> tuple[Entry, ...]:
    """Entries of points issued (+) or spent (−) by somebody's decision; debts are left alone."""
    return (Entry(account_of(tenant, customer), points), Entry(programme(tenant), -points))


def by_purchase(tenant: str, customer: UUID, points: int, balance: Balance) -> tuple[Entry, ...]:
    """
    Entries of points earned (+) or taken back (−) as a purchase changed.

    Earnings first pay what is owed. What is taken back beyond the balance was spent already: it
    is owed from now on, so the balance never falls below 0 and the return is never refused.
    """
    debt = min(points, balance.owed) if points > 0 else min(points + balance.points, 0)
    parts = (
        (account_of(tenant, customer), points - debt),
        (debt_of(tenant, customer), debt),
        (programme(tenant), -points),
    )
    return tuple(Entry(account, amount) for account, amount in parts if amount)


def closing(tenant: str, customer: UUID, balance: Balance) -> tuple[Entry, ...]:
    """Entries after which a customer has nothing and owes nothing; none where that is so."""
    parts = (
        (account_of(tenant, customer), -balance.points),
        (debt_of(tenant, customer), balance.owed),
        (programme(tenant), balance.points - balance.owed),
    )
    return tuple(Entry(account, amount) for account, amount in parts if amount)


def reversed_entries(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The entries that undo `entries`."""
    return tuple(Entry(entry.account, -entry.amount) for entry in entries)


def check_reversible(movement: Movement) -> None:
    """Only what was done by hand is undone by hand. Raises NotReversible."""
    if movement not in BY_HAND:
        raise NotReversible(movement)
