"""What a purchase earns: points by a rule, line by line, returns taken back exactly."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from otklik_loyalty.domain.purchase import Purchase

EARNING = "earning"
"""Name of the effect that a purchase has on its customer's points."""


@dataclass(frozen=True, slots=True)
class Rule:
    """
    So many points for so much money, from a moment on; 0 points: nothing is earned.

    Attributes:
        starts_at: Purchases sold from here on, until the next rule starts, follow this rule.
        per_minor: Minor units of `currency` that earn `points`; purchases in another currency
            earn nothing.
    """

    starts_at: datetime
    currency: str
    points: int
    per_minor: int


def rule_at(rules: Iterable[Rule], moment: datetime) -> Rule | None:
    """The rule in force at `moment`; None before the first."""
    begun = [rule for rule in rules if rule.starts_at <= moment]
    return max(begun, key=lambda rule: rule.starts_at, default=None)


def due(purchase: Purchase, rules: Iterable[Rule]) -> int:
    """
    Points that the purchase as it now is deserves; never negative.

    The sum of all lines as sold earns, rounded down once. Each line holds its share of that by
    largest remainder, and loses of it what came back of its amount, rounded so that the rest is
    never more than deserved: a line that came back whole takes back exactly what it had earned,
    and the other lines keep theirs.
    """
    rule = rule_at(rules, purchase.sold_at)
    if purchase.customer is None or rule is None or rule.currency != purchase.currency:
        return 0
    earned = purchase.amount_minor * rule.points // rule.per_minor
    shares = largest_remainder(earned, [line.amount_minor for line in purchase.lines])
    return sum(
        share * line.net_minor // line.amount_minor
        for share, line in zip(shares, purchase.lines, strict=True)
        if line.amount_minor
    )


def largest_remainder(total: int, weights: Sequence[int]) -> list[int]:
    """
    `total` divided into whole parts in proportion to `weights`; the parts add up to it.

    What rounding down leaves goes to the largest remainders, to the first among equals. Without
    any weight every part is 0.
    """
    whole = sum(weights)
    if whole == 0:
        return [0] * len(weights)
    parts = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for index in by_remainder[: total - sum(parts)]:
        parts[index] += 1
    return parts
