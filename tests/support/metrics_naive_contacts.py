"""Metrics of contacts, replies and leads once more: slow, short, written from the definitions."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

from otklik_common.events.contact_center import Contact, Outcome
from otklik_common.events.leads import Lead
from otklik_common.events.staff import Promise
from tests.support.metrics_known import Cell, Facts, Known, Naive, share_of
from tests.support.metrics_naive_business import MILLISECOND, milliseconds, office_of


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


def transferred(_: Known, facts: Facts, __: Mapping[str, Any]) -> Cell:
    """Passed on by a person, once or oftener, of those answered."""
    answered = [f for _, f in facts if f.answered_at is not None]
    return share_of(sum(f.transfers >= 1 for f in answered), len(answered))


def patience(_: Known, facts: Facts, __: Mapping[str, Any]) -> Cell:
    """Time waited by everybody, for each who gave up."""
    waits = [f for _, f in facts if f.waited_ms is not None]
    gone = [f.waited_ms for f in waits if was_abandoned(f)]
    answered = [f.waited_ms for f in waits if f.answered_at is not None]
    if not gone:
        return None, 0
    return Fraction(sum(gone) + sum(answered), 1000 * len(gone)), len(gone)


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
        asked = [f for _, f in facts if said["target"] in ("any", "any_of_feedback", f.target)]
        n = sum(fact.state.value in states for fact in asked)
        return n, n

    return naive


def qa_score(_: Known, facts: Facts, __: Mapping[str, Any]) -> Cell:
    """The mean of what was given."""
    given = [Fraction(fact.score_micro, 1_000_000) for _, fact in facts]
    return (sum(given, Fraction()) / len(given), len(given)) if given else (None, 0)


def of_evaluations(holds: Callable[[Any], bool]) -> Naive:
    """The share of those of which something holds."""

    def naive(_: Known, facts: Facts, __: Mapping[str, Any]) -> Cell:
        return share_of(sum(holds(fact) for _, fact in facts), len(facts))

    return naive


def steps_kept(_: Known, facts: Facts, __: Mapping[str, Any]) -> Cell:
    """Steps done, of those asked, one by one."""
    done = sum(fact.done for _, fact in facts)
    asked = done + sum(len(fact.missed) for _, fact in facts)
    return (Fraction(done, asked) if asked else None), len(facts)


def script_coverage(_: Known, facts: Facts, said: Mapping[str, Any]) -> Cell:
    """Checklists of inbound contacts beside inbound contacts that were answered."""
    filled = sum(fact.direction == "in" for _, fact in said["script_run"])
    return share_of(filled, sum(fact.answered_at is not None for _, fact in facts))


def _spans(
    known: Known, facts: Facts, which: str, *, business: bool
) -> tuple[list[int], list[int]]:
    """Those that are over, and how long the others have lasted."""
    ended, going_on = list[int](), list[int]()
    for _, fact in facts:
        begun, over, open_ = (_between if " " in which else _span)(fact, which)
        if over is not None and business:
            ended.append(milliseconds(office_of(fact), begun, begun + over * MILLISECOND))
        elif over is not None:
            ended.append(over)
        elif open_ is not None:
            since, until = open_[0], min(open_[1] or known.now, known.now)
            lasted = max(0, (until - since) // MILLISECOND)
            if business:
                lasted = milliseconds(office_of(fact), since, since + lasted * MILLISECOND)
            going_on.append(lasted)
    return ended, going_on


Open = tuple[datetime, datetime | None]


STEPS = {"showing": "shown_at", "deal": "dealt_at"}


def process(known: Known, facts: Facts, said: Mapping[str, Any]) -> Cell:
    """Any statistic of the time between two steps of a lead."""
    first, then = (
        STEPS.get(step, f"{step}_at")
        for step in said.get("between", "created_to_deal").split("_to_")
    )
    return span(f"{first} {then}")(known, facts, said)


def process_kept(known: Known, facts: Facts, said: Mapping[str, Any]) -> Cell:
    """Leads that went from one step to another in time, of those that did or have had longer."""
    first, then = (
        STEPS.get(step, f"{step}_at")
        for step in said.get("between", "created_to_deal").split("_to_")
    )
    most = said.get("within_seconds", 86_400) * 1000
    ended, going_on = _spans(known, facts, f"{first} {then}", business=False)
    within = sum(lasted <= most for lasted in ended)
    return share_of(within, within + sum(lasted > most for lasted in (*ended, *going_on)))


def _between(lead: Lead, which: str) -> tuple[Any, int | None, Open | None]:
    begun, then = (getattr(lead, column) for column in which.split(" "))
    if begun is None:
        return None, None, None
    if then is None:
        return begun, None, (begun, lead.closed_at)
    return begun, max(0, (then - begun) // MILLISECOND), None


def _span(fact: Any, which: str) -> tuple[Any, int | None, Open | None]:
    """When it began, how long it lasted if it is over; since and until when else."""
    if which == "wait":
        return None, fact.waited_ms if fact.answered_at else None, None
    if which == "handle":
        return None, fact.handled_ms if fact.answered_at else None, None
    if which == "first":
        asked = fact.first_asked_at
        return asked, fact.first_response_ms, (asked, fact.ended_at) if asked else None
    if which in ("attempt", "contact"):
        since = fact.created_at
        return since, getattr(fact, f"{which}_ms"), (since, fact.closed_at)
    if which == "resolution" and fact.closed_at:
        over = fact.resolution_ms
        begun = None if over is None else fact.closed_at - over * MILLISECOND
        return begun, over, None
    if which == "resolution":
        since = fact.open_since or fact.offered_at
        return None, None, None if since is None else (since, None)
    if fact.replied_at:
        return fact.asked_at, fact.waited_ms, None
    return None, None, (fact.asked_at, None)


def span(which: str) -> Naive:
    """Any statistic of a span."""

    def naive(known: Known, facts: Facts, said: Mapping[str, Any]) -> Cell:
        statistic = said.get("statistic", "mean")
        business = said.get("clock") == "business"
        ended, going_on = _spans(known, facts, which, business=business)
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
    return _too_late(known, mine, "attempted_at")


def unserved(known: Known, facts: Facts, _: Mapping[str, Any]) -> Cell:
    """The same of talks, whoever asked."""
    return _too_late(known, [fact for _, fact in facts], "contacted_at")


def conversion(_: Known, facts: Facts, said: Mapping[str, Any]) -> Cell:
    """Leads that came to a step, of all."""
    step = said.get("step", "deal")
    column = {"showing": "shown_at", "deal": "dealt_at"}.get(step, f"{step}_at")
    return share_of(sum(getattr(f, column) is not None for _, f in facts), len(facts))


def tried_within(_: Known, facts: Facts, said: Mapping[str, Any]) -> Cell:
    """Leads that were tried within some minutes, of all."""
    most = 60_000 * int(said.get("within_minutes", 5))
    soon = sum(f.attempt_ms is not None and f.attempt_ms <= most for _, f in facts)
    return share_of(soon, len(facts))


def delay(of: Callable[[Lead], int | None]) -> Naive:
    """The mean of what some leads have, in seconds."""

    def naive(_: Known, facts: Facts, __: Mapping[str, Any]) -> Cell:
        found = [ms for _, fact in facts if (ms := of(fact)) is not None]
        return (Fraction(sum(found), 1000 * len(found)) if found else None), len(found)

    return naive


def human_delay(lead: Lead) -> int | None:
    """From when a lead was somebody's to the first attempt."""
    if lead.assign_ms is None or lead.attempt_ms is None:
        return None
    return max(0, lead.attempt_ms - lead.assign_ms)


def _too_late(known: Known, mine: Sequence[Lead], column: str) -> Cell:
    late = 0
    for fact in mine:
        local = fact.created_at.astimezone(known.zone)
        month = (local.replace(day=28) + timedelta(days=4)).replace(day=1)
        end = month.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(0)
        limit = end.astimezone(UTC) + timedelta(hours=24)
        at = getattr(fact, column)
        late += at is None or at > limit
    return share_of(late, len(mine))
