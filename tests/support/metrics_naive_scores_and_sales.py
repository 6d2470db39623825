"""Metrics of answers, purchases and points once more, written from the definitions."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from tests.support.metrics_known import Cell, Facts, Known, Naive, share_of


def nps(known: Known, facts: Facts, said: Mapping[str, Any]) -> Cell:
    """Promoters less detractors, of all answers or of each person's latest."""
    one_to_ten = said.get("scale") == "1-10"
    scores = [
        (fact.nps_1_10 if one_to_ten else fact.nps, fact.weight_micro, subject, fact)
        for subject, fact in facts
        if not fact.anonymous
    ]
    answered = [one for one in scores if one[0] is not None]
    if said.get("basis") == "latest":
        latest: dict[Any, Any] = {}
        for one in sorted(answered, key=lambda one: (one[3].answered_at, one[2])):
            latest[known.person(one[3]) or one[2]] = one
        answered = list(latest.values())
    if not answered:
        return None, 0
    weight = sum(1 if one_to_ten else w for _, w, _, _ in answered)
    signed = sum((1 if one_to_ten else w) * ((s >= 9) - (s <= 6)) for s, w, _, _ in answered)
    return Fraction(100 * signed, weight), len(answered)


def scored(column: str, low: int, scale: int = 1) -> Naive:
    """How many of those who scored gave so much or more."""

    def naive(_: Known, facts: Facts, said: Mapping[str, Any]) -> Cell:
        given = [getattr(f, column) for _, f in facts if not f.anonymous]
        scores = [score for score in given if score is not None]
        least = 6 - said["top"] if "top" in said else low
        return share_of(sum(score >= least for score in scores), len(scores))

    return naive


def category(low: int, high: int) -> Naive:
    """How many scored from low to high."""

    def naive(_: Known, facts: Facts, __: Mapping[str, Any]) -> Cell:
        scores = [f.nps for _, f in facts if not f.anonymous and f.nps is not None]
        return sum(low <= score <= high for score in scores), len(scores)

    return naive


def csi(_: Known, facts: Facts, said: Mapping[str, Any]) -> Cell:
    """Satisfaction weighed by importance, in any of three forms."""
    rated = [f for _, f in facts if not f.anonymous and f.csi_score_micro is not None]
    score, most = sum(f.csi_score_micro for f in rated), sum(f.csi_most_micro for f in rated)
    least = sum(f.csi_least_micro for f in rated)
    weight = sum(f.csi_importance_micro for f in rated)
    if not rated:
        return None, 0
    return {
        "raw": Fraction(100 * score, most),
        "rescaled": Fraction(100 * (score - least), most - least),
        "mean": Fraction(score, weight),
    }[said.get("variant", "raw")], len(rated)


def enps(_: Known, facts: Facts, said: Mapping[str, Any]) -> Cell:
    """Promoters less detractors among those who work here."""
    anonymous = said["answers"] == "anonymous"
    scores = [f.enps for _, f in facts if f.anonymous is anonymous and f.enps is not None]
    net = sum((s >= 9) - (s <= 6) for s in scores)
    return (Fraction(100 * net, len(scores)), len(scores)) if scores else (None, 0)


def revenue(_: Known, facts: Facts, said: Mapping[str, Any]) -> Cell:
    """What was sold and kept, in one currency."""
    mine = [f for _, f in facts if f.currency == said.get("currency", "RUB")]
    return Fraction(sum(f.net_minor for f in mine), 100), len(mine)


def amount(_: Known, facts: Facts, said: Mapping[str, Any]) -> Cell:
    """What deals were told to be worth, in one currency."""
    mine = [f for _, f in facts if f.currency == said.get("currency", "RUB")]
    return Fraction(sum(f.amount_minor for f in mine), 100), len(mine)


def average_check(known: Known, facts: Facts, said: Mapping[str, Any]) -> Cell:
    """What was sold and kept, by purchase."""
    amount, n = revenue(known, facts, said)
    return (Fraction(amount or 0, n), n) if n else (None, 0)


def spent_on_ads(_: Known, facts: Facts, said: Mapping[str, Any]) -> Cell:
    """What was spent on advertising, in one currency."""
    mine = [f for _, f in facts if f.currency == said["currency"]]
    return Fraction(sum(f.amount_minor for f in mine), 100), len(mine)


def cost_of_each(known: Known, facts: Facts, said: Mapping[str, Any]) -> Cell:
    """What was spent on advertising in the same place, by whatever is counted."""
    amount, _ = spent_on_ads(known, said["ad_spend"], said)
    return (Fraction(amount or 0, len(facts)), len(facts)) if facts else (None, 0)


def issued(_: Known, facts: Facts, __: Mapping[str, Any]) -> Cell:
    """Points given, less what was taken back of them."""
    moved = [
        f.points
        for _, f in facts
        if (f.points > 0 and f.reverses is None)
        or (f.points < 0 and (f.reverses is not None or f.movement == "taken_back"))
    ]
    return sum(moved), len(moved)


def spent(_: Known, facts: Facts, __: Mapping[str, Any]) -> Cell:
    """Points spent, less what was given back of them."""
    moved = [
        f.points
        for _, f in facts
        if (f.points < 0 and f.reverses is None and f.movement != "taken_back")
        or (f.points > 0 and f.reverses is not None)
    ]
    return -sum(moved), len(moved)
