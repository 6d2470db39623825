"""What brought requests and deals once more, written from the definitions."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from tests.support.metrics_known import Cell, Facts, Known, Naive


def _part(fact: Any, model: str, *, minor: bool) -> int:
    """What the model gives to a touch, beyond what the request's own has by itself."""
    whole = fact.amount_minor if minor else 1_000_000
    if model == "lead":
        return 0
    if model in ("linear", "position"):
        given = getattr(fact, f"{model}_{'minor' if minor else 'micro'}")
    else:
        given = whole if getattr(fact, model) else 0
    return int(given - (whole if fact.opener else 0))


def credited(*, deals: bool) -> Naive:
    """Requests, or sides of deals, by what a model gives them to."""

    def naive(_: Known, facts: Facts, said: Mapping[str, Any]) -> Cell:
        mine = [f for _, f in said["touch"] if (f.deal is not None) is deals]
        moved = sum(_part(f, said["model"], minor=False) for f in mine)
        return len(facts) + Fraction(moved, 1_000_000), len(facts) + len(mine)

    return naive


def credited_amount(_: Known, facts: Facts, said: Mapping[str, Any]) -> Cell:
    """What deals were told to be worth, in one currency, by what a model gives it to."""
    currency = said.get("currency", "RUB")
    told = [f for _, f in facts if f.currency == currency]
    mine = [f for _, f in said["touch"] if f.deal is not None and f.currency == currency]
    priced = [f for f in mine if f.amount_minor is not None]
    moved = sum(_part(f, said["model"], minor=True) for f in priced)
    return Fraction(sum(f.amount_minor for f in told) + moved, 100), len(told) + len(mine)
