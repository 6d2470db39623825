"""Every metric once more, naively and in memory: slow, short, and written from the definitions."""

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from otklik_common.events.contact_center import Channel, Contact, Direction, Lead, Outcome, Reply
from otklik_common.events.envelope import Fact
from otklik_common.events.feedback import Answer, Case
from otklik_common.events.loyalty import Points, Purchase

Facts = list[tuple[UUID, Any]]
SPACE = UUID("00000000-0000-5000-8000-00000000000a")

TIMES = {
    "contact": "offered_at",
    "reply": "asked_at",
    "lead": "created_at",
    "answer": "answered_at",
    "case": "opened_at",
    "purchase": "sold_at",
    "points": "moved_at",
}


@dataclass
class Known:
    """
    All that there is.

    Attributes:
        identity: The customer behind each pseudonym.
        now: What "now" means.
        zone: The company's.
    """

    facts: dict[str, Facts] = field(default_factory=dict)
    identity: dict[str, UUID] = field(default_factory=dict)
    now: datetime = datetime(2026, 5, 10, 12, tzinfo=UTC)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Europe/Berlin"))

    def person(self, fact: Any) -> str | None:
        """Who a fact is about."""
        if not fact.identifiers:
            return None
        first = fact.identifiers[0]
        return str(self.identity.get(first, first))


# --- Facts ----------------------------------------------------------------------------------------

FIRST = datetime(2026, 2, 20, tzinfo=UTC)
DAYS = 75


def pseudonym(kind: str, number: int) -> str:
    """A pseudonym as they look."""
    return f"{kind}1_{number:024d}"


def some_facts(seed: int, size: int = 250) -> Known:
    """Facts of every kind over 75 days with a change of the clock, some of them contradictory."""
    dice = random.Random(seed)
    known = Known()
    for number in range(12):
        for kind in ("ph", "em"):
            known.identity[pseudonym(kind, number)] = uuid5(SPACE, f"customer{number // 2}")
    makers: dict[str, Callable[[random.Random], Fact]] = {
        "contact": _contact,
        "reply": _reply,
        "lead": _lead,
        "answer": _answer,
        "case": _case,
        "purchase": _purchase,
        "points": _points,
    }
    for kind, make in makers.items():
        known.facts[kind] = [(uuid5(SPACE, f"{kind}{n}"), make(dice)) for n in range(size)]
    return known


def _moment(dice: random.Random) -> datetime:
    # Some exactly on borders of days and quarters of an hour.
    at = FIRST + timedelta(milliseconds=dice.randrange(DAYS * 86_400_000))
    return at.replace(minute=0, second=0, microsecond=0) if dice.random() < 0.1 else at


def _maybe(dice: random.Random, value: Any, share: float = 0.85) -> Any:
    return value if dice.random() < share else None


def _dimensions(dice: random.Random, **more: Any) -> dict[str, Any]:
    return {
        "branch": dice.choice([None, "tyumen", "perm", "omsk"]),
        "agent": dice.choice([None, "petrova", "ivanov"]),
        "party": dice.choice([None, "buyer", "seller"]),
        "identifiers": _people(dice),
        **more,
    }


def _people(dice: random.Random) -> tuple[str, ...]:
    if dice.random() < 0.15:
        return ()
    number = dice.randrange(20)
    return tuple(pseudonym(kind, number) for kind in dice.choice([("ph",), ("em",), ("ph", "em")]))


def _contact(dice: random.Random) -> Contact:
    at = _moment(dice)
    wait = timedelta(
        milliseconds=dice.choice([0, 4999, 5000, 5001, 20_000, dice.randrange(400_000)])
    )
    outcome = dice.choice(list(Outcome))
    answered = at + wait if outcome is Outcome.ANSWERED or dice.random() < 0.3 else None
    ended = _maybe(dice, at + wait + timedelta(seconds=dice.randrange(4000)), 0.8)
    asked = _maybe(dice, at, 0.6)
    return Contact(
        source=uuid5(SPACE, dice.choice("ab")),
        channel=dice.choice([Channel.CALL, Channel.CHAT, Channel.FORM]),
        direction=Direction.IN,
        queue=dice.choice(["sales", "rent", None]),
        team=dice.choice(["first", None]),
        offered_at=None if dice.random() < 0.1 else at,
        started_at=at,
        answered_at=answered,
        abandoned_at=ended if outcome is Outcome.ABANDONED else None,
        first_asked_at=asked,
        ended_at=ended,
        closed_at=ended,
        due_at=_maybe(dice, at + timedelta(days=dice.randrange(60)), 0.5),
        outcome=outcome,
        waited_ms=_maybe(dice, wait // timedelta(milliseconds=1), 0.95),
        handled_ms=_maybe(dice, dice.randrange(2_000_000)) if ended else None,
        first_response_ms=_maybe(dice, dice.randrange(9_000_000), 0.7) if asked else None,
        resolution_ms=_maybe(dice, dice.randrange(900_000_000), 0.95) if ended else None,
        **_dimensions(dice),
    )


def _reply(dice: random.Random) -> Reply:
    at, wait = _moment(dice), dice.randrange(9_000_000)
    replied = _maybe(dice, at + timedelta(milliseconds=wait))
    return Reply(
        contact=SPACE,
        source=SPACE,
        channel=Channel.CHAT,
        queue="sales",
        first=dice.random() < 0.5,
        asked_at=at,
        replied_at=replied,
        waited_ms=wait if replied else None,
        **_dimensions(dice),
    )


def _lead(dice: random.Random) -> Lead:
    at = _moment(dice)
    attempted = _maybe(dice, at + timedelta(days=dice.choice([0, 0, 3, 30])), 0.7)
    return Lead(
        contact=SPACE,
        source=SPACE,
        channel=Channel.FORM,
        created_at=at,
        attempted_at=attempted,
        last_requested_at=at,
        **_dimensions(dice),
    )


def _answer(dice: random.Random) -> Answer:
    most = dice.randrange(1, 9) * 1_000_000
    return Answer(
        survey=uuid5(SPACE, "survey"),
        template="nps",
        channel=dice.choice(["call", "chat"]),
        answered_at=_moment(dice),
        anonymous=dice.random() < 0.15,
        weight_micro=dice.choice([1_000_000, 1_000_000, dice.randrange(1, 5_000_000)]),
        nps=_maybe(dice, dice.randrange(11)),
        nps_1_10=_maybe(dice, dice.randrange(1, 11), 0.4),
        enps=_maybe(dice, dice.randrange(11), 0.6),
        csat=_maybe(dice, dice.randrange(1, 6)),
        ces=_maybe(dice, dice.randrange(1, 8)),
        csi_score_micro=_maybe(dice, most * dice.randrange(1, 6), 0.8),
        csi_most_micro=most * 5,
        csi_least_micro=most,
        csi_importance_micro=most,
        **_dimensions(dice),
    )


def _case(dice: random.Random) -> Case:
    at = _moment(dice)
    return Case(
        reason=dice.choice(["nps", "csat"]),
        opened_at=at,
        due_at=at + timedelta(days=dice.choice([2, 40])),
        closed_at=_maybe(dice, at + timedelta(hours=dice.randrange(600)), 0.6),
        **_dimensions(dice),
    )


def _purchase(dice: random.Random) -> Purchase:
    amount = dice.randrange(10_000_000)
    return Purchase(
        sold_at=_moment(dice),
        currency=dice.choice(["RUB", "RUB", "KZT"]),
        amount_minor=amount,
        net_minor=dice.choice([amount, 0, amount // 2]),
        lines=1,
        **_dimensions(dice),
    )


def _points(dice: random.Random) -> Points:
    movement = dice.choice(["issued", "earned", "spent", "taken_back", "reversed"])
    amount = dice.randrange(1, 1000)
    down = movement in ("spent", "taken_back") or (movement == "reversed" and dice.random() < 0.5)
    return Points(
        customer=SPACE,
        moved_at=_moment(dice),
        movement=movement,
        points=-amount if down else amount,
        reason="gift",
        reverses=SPACE if movement == "reversed" else None,
        branch=dice.choice([None, "tyumen", "perm"]),
    )


# --- Definitions ----------------------------------------------------------------------------------

Number = Fraction | int
Cell = tuple[Number | None, int]
"""A value, and how many facts it rests on."""

Naive = Callable[[Known, Facts, Mapping[str, Any]], Cell]


def _share(inside: int, of: int) -> Cell:
    return (Fraction(inside, of), of) if of else (None, 0)


def _answered_in(fact: Contact, seconds: float) -> bool:
    return fact.answered_at is not None and _in(fact, seconds)


def _in(fact: Contact, seconds: float) -> bool:
    return fact.waited_ms is not None and fact.waited_ms <= seconds * 1000


def _abandoned(fact: Contact) -> bool:
    return fact.answered_at is None and fact.outcome is Outcome.ABANDONED


def _service_level(_: Known, facts: Facts, said: Mapping[str, Any]) -> Cell:
    limit, short = said.get("threshold_seconds", 20), said.get("short_abandon_seconds", 5)
    contacts = [fact for _, fact in facts]
    quick = sum(_answered_in(c, limit) for c in contacts)
    answered = sum(c.answered_at is not None for c in contacts)
    abandoned = [c for c in contacts if _abandoned(c)]
    base = answered + len(abandoned) + sum(c.outcome is Outcome.OVERFLOWED for c in contacts)
    soon, early = sum(_in(c, short) for c in abandoned), sum(_in(c, limit) for c in abandoned)
    callbacks = sum(
        c.answered_at is None and c.outcome is Outcome.CALLBACK_REQUESTED and _in(c, limit)
        for c in contacts
    )
    queued = sum(c.outcome is not Outcome.OPEN for c in contacts)
    return {
        "offered_all": lambda: _share(quick, base),
        "excl_short": lambda: _share(quick, base - soon),
        "removed_within": lambda: _share(quick + early + callbacks, queued),
        "ignore_abandoned_within": lambda: _share(quick, base - early),
        "short_as_success": lambda: _share(quick + soon, base),
        "answered_only": lambda: _share(quick, answered),
    }[said.get("formula", "excl_short")]()


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
            open_ = None if fact.closed_at else (fact.offered_at, None)
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


def _missed(known: Known, facts: Facts, __: Mapping[str, Any]) -> Cell:
    n = 0
    for _, fact in facts:
        if _abandoned(fact):
            until = (fact.abandoned_at or fact.offered_at) + timedelta(hours=24)
            talks = _talks(known, known.person(fact))
            n += not any(fact.offered_at <= at <= until for at in talks)
    return n, n


def _not_called_back(known: Known, facts: Facts, __: Mapping[str, Any]) -> Cell:
    people = set()
    for _, fact in facts:
        person = known.person(fact)
        talks = _talks(known, person)
        if person and _abandoned(fact) and not any(at >= fact.offered_at for at in talks):
            people.add(person)
    return len(people), len(people)


def _fcr(known: Known, facts: Facts, said: Mapping[str, Any]) -> Cell:
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
    return _share(solved, first)


def _nps(known: Known, facts: Facts, said: Mapping[str, Any]) -> Cell:
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


def _scored(column: str, low: int, scale: int = 1) -> Naive:
    def naive(_: Known, facts: Facts, said: Mapping[str, Any]) -> Cell:
        given = [getattr(f, column) for _, f in facts if not f.anonymous]
        scores = [score for score in given if score is not None]
        least = 6 - said["top"] if "top" in said else low
        return _share(sum(score >= least for score in scores), len(scores))

    return naive


def _csi(_: Known, facts: Facts, said: Mapping[str, Any]) -> Cell:
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


def _enps(_: Known, facts: Facts, said: Mapping[str, Any]) -> Cell:
    anonymous = said["answers"] == "anonymous"
    scores = [f.enps for _, f in facts if f.anonymous is anonymous and f.enps is not None]
    net = sum((s >= 9) - (s <= 6) for s in scores)
    return (Fraction(100 * net, len(scores)), len(scores)) if scores else (None, 0)


def _unworked(known: Known, facts: Facts, said: Mapping[str, Any]) -> Cell:
    party = said.get("party", "buyer")
    mine = [f for _, f in facts if party is None or f.party == party]
    late = 0
    for fact in mine:
        local = fact.created_at.astimezone(known.zone)
        month = (local.replace(day=28) + timedelta(days=4)).replace(day=1)
        end = month.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(0)
        limit = end.astimezone(UTC) + timedelta(hours=24)
        late += fact.attempted_at is None or fact.attempted_at > limit
    return _share(late, len(mine))


def _attainment(known: Known, facts: Facts, _: Mapping[str, Any]) -> Cell:
    due = [f for _, f in facts if f.due_at is not None]
    base = [f for f in due if f.closed_at is not None or f.due_at < known.now]
    return _share(sum(f.closed_at is not None and f.closed_at <= f.due_at for f in base), len(base))


def _abandonment(_: Known, facts: Facts, said: Mapping[str, Any]) -> Cell:
    short = said.get("short_abandon_seconds")
    left = [f for _, f in facts if _abandoned(f)]
    soon = sum(_in(f, short) for f in left) if short is not None else 0
    return _share(len(left) - soon, len(facts) - soon)


def _revenue(_: Known, facts: Facts, said: Mapping[str, Any]) -> Cell:
    mine = [f for _, f in facts if f.currency == said.get("currency", "RUB")]
    return Fraction(sum(f.net_minor for f in mine), 100), len(mine)


def _check(known: Known, facts: Facts, said: Mapping[str, Any]) -> Cell:
    amount, n = _revenue(known, facts, said)
    return (Fraction(amount or 0, n), n) if n else (None, 0)


def _issued(_: Known, facts: Facts, __: Mapping[str, Any]) -> Cell:
    value = sum(
        f.points
        for _, f in facts
        if (f.points > 0 and f.reverses is None)
        or (f.points < 0 and (f.reverses is not None or f.movement == "taken_back"))
    )
    return value, len(facts)


def _spent(_: Known, facts: Facts, __: Mapping[str, Any]) -> Cell:
    value = -sum(
        f.points
        for _, f in facts
        if (f.points < 0 and f.reverses is None and f.movement != "taken_back")
        or (f.points > 0 and f.reverses is not None)
    )
    return value, len(facts)


def _number(holds: Callable[[Known, Any], bool]) -> Naive:
    def naive(known: Known, facts: Facts, _: Mapping[str, Any]) -> Cell:
        n = sum(holds(known, fact) for _, fact in facts)
        return n, n

    return naive


def _category(low: int, high: int) -> Naive:
    def naive(_: Known, facts: Facts, __: Mapping[str, Any]) -> Cell:
        scores = [f.nps for _, f in facts if not f.anonymous and f.nps is not None]
        return sum(low <= score <= high for score in scores), len(scores)

    return naive


NAIVE: Mapping[str, tuple[str, Naive]] = {
    "contacts_offered": ("contact", _number(lambda _, __: True)),
    "contacts_answered": ("contact", _number(lambda _, f: f.answered_at is not None)),
    "contacts_abandoned": ("contact", _number(lambda _, f: _abandoned(f))),
    "contacts_open": ("contact", _number(lambda _, f: f.ended_at is None)),
    "contacts_missed": ("contact", _missed),
    "not_called_back": ("contact", _not_called_back),
    "service_level": ("contact", _service_level),
    "asa_seconds": ("contact", span("wait")),
    "aht_seconds": ("contact", span("handle")),
    "abandonment_rate": ("contact", _abandonment),
    "sla_attainment": ("contact", _attainment),
    "fcr": ("contact", _fcr),
    "wait_seconds": ("contact", span("wait")),
    "handle_seconds": ("contact", span("handle")),
    "first_response_seconds": ("contact", span("first")),
    "resolution_seconds": ("contact", span("resolution")),
    "next_response_seconds": ("reply", span("next")),
    "unworked_rate": ("lead", _unworked),
    "answers": ("answer", _number(lambda _, f: not f.anonymous)),
    "nps": ("answer", _nps),
    "nps_promoters": ("answer", _category(9, 10)),
    "nps_detractors": ("answer", _category(0, 6)),
    "csat": ("answer", _scored("csat", 4)),
    "ces": ("answer", _scored("ces", 5)),
    "csi": ("answer", _csi),
    "enps": ("answer", _enps),
    "cases_opened": ("case", _number(lambda _, __: True)),
    "cases_open": ("case", _number(lambda _, f: f.closed_at is None)),
    "cases_overdue": (
        "case",
        _number(lambda known, f: f.closed_at is None and f.due_at < known.now),
    ),
    "purchases": ("purchase", _number(lambda _, __: True)),
    "revenue": ("purchase", _revenue),
    "average_check": ("purchase", _check),
    "points_issued": ("points", _issued),
    "points_spent": ("points", _spent),
}
"""Kind and definition of each metric; cases_closed counts by another time, occupancy by two kinds."""


def chosen(
    known: Known, kind: str, start: datetime, end: datetime, keep: Callable[[Any], bool]
) -> Facts:
    """The facts of a kind that a cell is about."""
    column = TIMES[kind]
    return [
        (subject, fact)
        for subject, fact in known.facts[kind]
        if (at := getattr(fact, column)) is not None and start <= at < end and keep(fact)
    ]


def events_of(known: Known) -> Sequence[tuple[UUID, Fact]]:
    """Every fact with its subject."""
    return [pair for facts in known.facts.values() for pair in facts]
