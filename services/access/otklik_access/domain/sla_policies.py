"""Policies of service: what one may promise, and how an edit leaves past promises as they were."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Final

from otklik_common.errors import Conflict, Unprocessable
from otklik_common.events import access as events
from otklik_common.events.envelope import MAX_FACT_BYTES

Names = dict[str, str]

MOST_TERMS: Final = 24
"""How often a policy may change, from the first to the last."""

MOST_BYTES: Final = MAX_FACT_BYTES - 512
"""Of what others are told; the rest is for the policy's end."""

MOST_POLICIES: Final = 100
"""Of a company, those that have ended apart."""


@dataclass(frozen=True, slots=True)
class Policy:
    """
    A policy, with all that it ever promised.

    Attributes:
        terms: The first without a moment where it has always been so, then by the moment since when
            they are true.
    """

    code: str
    terms: tuple[events.SlaTerms, ...]
    names: Names = field(default_factory=dict)

    @property
    def last(self) -> events.SlaTerms:
        """What it promises once all its terms have begun."""
        return self.terms[-1]

    def fact(self) -> events.SlaPolicy:
        """What other services learn of it."""
        return events.SlaPolicy(code=self.code, names=self.names, terms=self.terms)


def edited(
    known: Policy | None, code: str, terms: events.SlaTerms, *, names: Names, since: datetime
) -> Policy:
    """
    The policy after an edit that is true from a moment on.

    What was promised before stays promised, whatever becomes of it later; what was to be promised
    after that moment gives way.

    Raises:
        Unprocessable: The policy is larger than others can be told of.
    """
    earlier = (
        ()
        if known is None
        else tuple(t for t in known.terms if t.since is not None and t.since < since)
    )
    said = terms.model_copy(update={"since": since})
    same = bool(earlier) and _alike(earlier[-1], said)
    made = Policy(code, earlier if same else (*earlier, said), names)
    _check(made)
    return made


def ended(known: Policy, now: datetime) -> Policy:
    """The policy that promises nothing any more from now on; it may be as large as it likes."""
    if not known.last.active:
        return known
    earlier = [one for one in known.terms if one.since is None or one.since < now]
    end = events.SlaTerms(since=now, active=False, priority=known.last.priority)
    return Policy(known.code, (*earlier, end), known.names)


def _alike(one: events.SlaTerms, other: events.SlaTerms) -> bool:
    return one.model_copy(update={"since": other.since}) == other


def check_priority(made: Policy, others: Iterable[Policy]) -> None:
    """
    Raise for a priority that another policy has, and for more policies than there may be.

    A priority is another's from when its terms begin until others take their place, be it later.

    Raises:
        Conflict: Nobody could tell which of the two holds.
        Unprocessable: There are too many.
    """
    if not made.last.active:
        return
    rivals = [one for one in others if one.code != made.code]
    taken = dict(_taken(rivals, made.last.since))
    if made.last.priority in taken:
        holder, free = taken[made.last.priority], _free(made.last.priority, set(taken))
        raise Conflict(
            f"the policy {holder} has priority {made.last.priority} already, and nobody could"
            f" tell which of the two holds: {free} is free",
            code="priority_taken",
            detail_ru=f"приоритет {made.last.priority} уже у правила {holder}, и было бы неясно,"
            f" какое из двух действует: свободен {free}",
        )
    active = [one for one in rivals if one.last.active]
    if len(active) >= MOST_POLICIES:
        raise Unprocessable(
            f"{MOST_POLICIES} policies hold already: end one first",
            code="too_many_policies",
            detail_ru=f"действуют уже {MOST_POLICIES} правил: сначала завершите одно",
        )


def _taken(rivals: Iterable[Policy], since: datetime | None) -> Iterator[tuple[int, str]]:
    """Priorities that policies have at a moment or later, and whose they are."""
    for one in rivals:
        for terms, later in pairwise((*one.terms, None)):
            over = later is not None and since is not None and _until(later) <= since
            if terms is not None and terms.active and not over:
                yield terms.priority, one.code


def _until(later: events.SlaTerms) -> datetime:
    assert later.since is not None, "only the first terms have always been true"
    return later.since


def _free(wanted: int, taken: set[int]) -> int:
    """The nearest priority after the wanted one that nobody has."""
    return next(number for number in range(wanted, wanted + len(taken) + 1) if number not in taken)


def _check(made: Policy) -> None:
    if len(made.terms) > MOST_TERMS:
        raise Unprocessable(
            f"the policy has changed {len(made.terms) - 1} times, {MOST_TERMS - 1} can be kept: end"
            " it and make a new one",
            code="too_many_terms",
            detail_ru=f"правило менялось {len(made.terms) - 1} раз, хранится {MOST_TERMS - 1}:"
            " завершите его и заведите новое",
        )
    size = len(made.fact().said().encode())
    if size > MOST_BYTES:
        raise Unprocessable(
            f"the policy takes {size} bytes, {MOST_BYTES} can be told to others: name groups"
            " instead of branches, or make a new policy",
            code="policy_too_large",
            detail_ru=f"правило занимает {size} байт, можно {MOST_BYTES}: назовите группы вместо"
            " филиалов или заведите новое правило",
        )


def check_calendar(terms: events.SlaTerms, known: Iterable[str], *, default: str | None) -> None:
    """
    Raise Unprocessable where business time is promised and nobody could tell it.

    Args:
        known: Codes of the calendars that there are.
        default: That of the company's own.
    """
    if terms.calendar is not None and terms.calendar not in set(known):
        raise Unprocessable(
            f"no calendar has the code {terms.calendar}",
            code="unknown_calendar",
            detail_ru=f"нет календаря с кодом {terms.calendar}",
        )
    promised = [one.business for one in terms.targets]
    promised += [one.business for one in terms.other_targets]
    if default is None and any(promised):
        raise Unprocessable(
            "business time is promised and there is no calendar: make one, or promise elapsed time",
            code="no_calendar",
            detail_ru="обещано рабочее время, а календаря нет: заведите его или обещайте время"
            " по часам",
        )


def names_calendar(policies: Iterable[Policy], code: str) -> str | None:
    """Code of a policy that counts by a calendar, now or by terms of the past; None if none does."""
    return next(
        (one.code for one in policies if any(terms.calendar == code for terms in one.terms)), None
    )
