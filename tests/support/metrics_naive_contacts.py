"""Metrics of contacts, replies and leads once more: slow, short, written from the definitions."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

from otklik_common.events.contact_center import Contact, Outcome, Promise
from tests.support.metrics_known import Cell, Facts, Known, Naive, share_of


def _answered_in(fact: Contact, seconds: float) -> bool:
    return fact.answered_at is not None and _in(fact, seconds)


def _in(fact: Contact, seconds: float) -> bool:
    return fact.waited_ms is not None and fact.waited_ms <= seconds * 1000


def was_abandoned(fact: Contact) -> bool:
    """Whether who called gave up before anybody answered."""
    return fact.answered_at is None and fact.outcome is Outcome.ABANDONED


def service_level(_: Known, facts: Facts, said: Mapping[str, Any]) -> Cell:
    """Answered soon enough, by any of six formulas."""
    limit, short = said.get("threshold_seconds", 20), said.get("short_abandon_seconds", 5)
    contacts = [fact for _, fact in facts]
    quick = sum(_answered_in(c, limit) for c in contacts)
    answered = sum(c.answered_at is not None for c in contacts)
    abandoned = [c for c in contacts if was_abandoned(c)]
    base = answered + len(abandoned) + sum(c.outcome is Outcome.OVERFLOWED for c in contacts)
    soon, early = sum(_in(c, short) for c in abandoned), sum(_in(c, limit) for c in abandoned)
    callbacks = sum(
        c.answered_at is None and c.outcome is Outcome.CALLBACK_REQUESTED and _in(c, limit)
        for c in contacts
    )
    queued = sum(c.outcome is not Outcome.OPEN for c in contacts)
    return {
        "offered_all": lambda: share_of(quick, base),
        "excl_short": lambda: share_of(quick, base - soon),
        "removed_within": lambda: share_of(quick + early + callbacks, queued),
        "ignore_abandoned_within": lambda: share_of(quick, base - early),
        "short_as_success": lambda: share_of(quick + soon, base),
        "answered_only": lambda: share_of(quick, answered),
    }[said.get("formula", "excl_short")]()


def abandonment(_: Known, facts: Facts, said: Mapping[str, Any]) -> Cell:
    """Given up, of all; those who hung up at once may be left out."""
    short = said.get("short_abandon_seconds")
    left = [f for _, f in facts if was_abandoned(f)]
    soon = sum(_in(f, short) for f in left) if short is not None else 0
    return share_of(len(left) - soon, len(facts) - soon)


def attainment(known: Known, facts: Facts, _: Mapping[str, Any]) -> Cell:
    """Closed by when they were due, of those that are closed or past due."""
    due = [f for _, f in facts if f.due_at is not None]
    base = [f for f in due if f.closed_at is not None or f.due_at < known.now]
    return share_of(
        sum(f.closed_at is not None and f.closed_at <= f.due_at for f in base), len(base)
    )


def targets_met(_: Known, facts: Facts, said: Mapping[str, Any]) -> Cell:
    """Achieved, of those that came to anything or are past due."""
    states = [fact.state.value for _, fact in facts if fact.target == said["target"]]
    kept = states.count("achieved")
    return share_of(kept, kept + states.count("breached") + states.count("breaching"))


def was_broken(known: Known, fact: Promise) -> bool:
    """Whether an agent has not kept a promise in time, whatever came after."""
    if fact.cancelled_at is not None:
        return False
    return (fact.kept_at or known.now) > fact.due_at


def promises_kept(known: Known, facts: Facts, _: Mapping[str, Any]) -> Cell:
    """Kept in time, of those that are kept or past due."""
    promises = [fact for _, fact in facts if fact.cancelled_at is None]
    kept = sum(f.kept_at is not None and f.kept_at <= f.due_at for f in promises)
    return share_of(kept, kept + sum(was_broken(known, f) for f in promises))


def clocks(*states: str) -> Naive:
    """How many clocks are in some states."""

    def naive(_: Known, facts: Facts, said: Mapping[str, Any]) -> Cell:
        asked = [f for _, f in facts if said["target"] in ("any", f.target)]
        n = sum(fact.state.value in states for fact in asked)
        return n, n

    return naive


def _spans(known: Known, facts: Facts, which: str) -> tuple[list[int], list[int]]:
    """Those that are over, and how long the others have lasted."""

    def lasted(since: datetime | None, until: datetime | None) -> int:
        end = min(until or known.now, known.now)
        return max(0, (end - (since or end)) // timedelta(milliseconds=1))

    ended, going_on = list[int](), list[int]()
    for _, fact in facts:
        if which == "wait":
            over = fact.waited_ms if fact.answered_at else None
            open_ = None
        elif which == "handle":
            over = fact.handled_ms if fact.answered_at else None
            open_ = None
        elif which == "first":
            over = fact.first_response_ms
            open_ = (fact.first_asked_at, fact.ended_at) if fact.first_asked_at else None
        elif which == "resolution":
            over = fact.resolution_ms if fact.closed_at else None
            open_ = None if fact.closed_at else (fact.open_since or fact.offered_at, None)
        else:
            over = fact.waited_ms if fact.replied_at else None
            open_ = None if fact.replied_at else (fact.asked_at, None)
        if over is not None:
            ended.append(over)
        elif open_ is not None:
            going_on.append(lasted(*open_))
    return ended, going_on


def span(which: str) -> Naive:
    """Any statistic of a span."""

    def naive(known: Known, facts: Facts, said: Mapping[str, Any]) -> Cell:
        statistic = said.get("statistic", "mean")
        ended, going_on = _spans(known, facts, which)
        if statistic.startswith("p"):
            return _quantile(ended, going_on, Fraction(int(statistic[1:]), 100))
        if not ended:
            return None, 0
        mean = Fraction(sum(ended), len(ended))
        value = {"mean": mean, "min": Fraction(min(ended)), "max": Fraction(max(ended))}
        return value[statistic] / 1000, len(ended)

    return naive


def _quantile(ended: list[int], going_on: list[int], share: Fraction) -> Cell:
    left, n = Fraction(1), len(ended) + len(going_on)
    for moment in sorted(set(ended)):
        at_risk = sum(t >= moment for t in (*ended, *going_on))
        left *= 1 - Fraction(ended.count(moment), at_risk)
        if left <= 1 - share:
            return Fraction(moment, 1000), n
    return None, n


def _talks(known: Known, person: str | None) -> list[datetime]:
    return [
        fact.answered_at
        for _, fact in known.facts["contact"]
        if person is not None and known.person(fact) == person and fact.answered_at is not None
    ]


def missed(known: Known, facts: Facts, __: Mapping[str, Any]) -> Cell:
    """Given up, and not talked with within a day."""
    n = 0
    for _, fact in facts:
        if was_abandoned(fact):
            until = (fact.abandoned_at or fact.offered_at) + timedelta(hours=24)
            talks = _talks(known, known.person(fact))
            n += not any(fact.offered_at <= at <= until for at in talks)
    return n, n


def not_called_back(known: Known, facts: Facts, __: Mapping[str, Any]) -> Cell:
    """People who gave up and were not talked with since."""
    people = set()
    for _, fact in facts:
        person = known.person(fact)
        talks = _talks(known, person)
        if person and was_abandoned(fact) and not any(at >= fact.offered_at for at in talks):
            people.add(person)
    return len(people), len(people)


def fcr(known: Known, facts: Facts, said: Mapping[str, Any]) -> Cell:
    """Talked with, and not heard of again for some days."""
    window = timedelta(days=said.get("days", 7))
    mine = {subject for subject, _ in facts}
    by_person: dict[str, list[tuple[datetime, str, UUID, bool]]] = {}
    for subject, fact in known.facts["contact"]:
        person = known.person(fact)
        if person is not None and fact.offered_at is not None:
            spoke = fact.answered_at is not None
            by_person.setdefault(person, []).append((fact.offered_at, str(subject), subject, spoke))
    first = solved = 0
    for contacts in by_person.values():
        anchor: tuple[datetime, UUID] | None = None
        repeated: Counter[UUID] = Counter()
        anchors = []
        for at, _, subject, spoke in sorted(contacts):
            if anchor is not None and at - anchor[0] <= window:
                repeated[anchor[1]] += 1
            elif spoke:
                anchor = (at, subject)
                anchors.append(anchor)
        for at, subject in anchors:
            if subject in mine and at + window <= known.now:
                first += 1
                solved += not repeated[subject]
    return share_of(solved, first)


def unworked(known: Known, facts: Facts, said: Mapping[str, Any]) -> Cell:
    """Leads that nobody tried until a day after their month ended."""
    party = said.get("party", "buyer")
    mine = [f for _, f in facts if party is None or f.party == party]
    late = 0
    for fact in mine:
        local = fact.created_at.astimezone(known.zone)
        month = (local.replace(day=28) + timedelta(days=4)).replace(day=1)
        end = month.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(0)
        limit = end.astimezone(UTC) + timedelta(hours=24)
        late += fact.attempted_at is None or fact.attempted_at > limit
    return share_of(late, len(mine))
