"""What each counter of the measures means, said once more in SQL: for facts that no rollup covers."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, Numeric, Text, and_, case, cast, func, literal

from otklik_common.events.staff import PromiseState
from otklik_metrics.domain.bucket import GRACE, worked_until
from otklik_metrics.domain.lead_steps import PROCESSES
from otklik_metrics.domain.measures import (
    BANDS_MINUTES,
    MEASURES,
    MICRO,
    MODELS,
    NPS_CATEGORIES,
)
from otklik_metrics.domain.readings import Op, Sum
from otklik_metrics.store.query_measures_feedback import FEEDBACK, in_state
from otklik_metrics.store.query_measures_feedback import if_ as _if

Column = ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class Moment:
    """
    What a measure may depend on besides the fact.

    Attributes:
        now: The moment that "now" means.
        zone: The company's zone, in which the month of a request ends.
        start, end: The range that the facts are read for.
    """

    now: datetime
    zone: ZoneInfo
    start: datetime
    end: datetime


Facts = Any
"""The columns of a table of facts, or of a subquery like one."""

SCORES: Mapping[str, str] = {"nps10": "nps_1_10"}
SCORE = re.compile(r"^(nps|nps10|enps|csat|ces|lost_deal)_(\d+)$")
EXTRA = re.compile(r"^nps_(\d+)_extra$")
EXTRA_SQUARE = re.compile(r"^nps_(\w+)_extra2$")

_BIG = frozenset(
    counter.name for one in MEASURES.values() for counter in one.counters if counter.big
)
"""Counters whose sums may outgrow 64 bits."""


def term(kind: str, wanted: Sum, facts: Facts, moment: Moment) -> Column:
    """What one fact adds: NULL where it is not counted."""
    measures = _CONTACT if kind == "contact" else _OTHERS.get(kind, {})
    if wanted.argument is not None:
        found = _up_to(kind, wanted.measure, wanted.argument, facts, moment)
    elif wanted.op is not Op.SUM:
        found = span(kind, wanted.measure, facts)
    elif wanted.measure in measures:
        found = measures[wanted.measure](facts, moment)
    elif kind == "answer":
        found = _score(wanted.measure, facts)
    else:
        found = _of_span(kind, wanted.measure, facts)
    if wanted.where is None:
        return found
    column = cast(facts[wanted.where.dimension], Text)
    same = column == wanted.where.value
    return _if(same if wanted.where.equal else column.is_distinct_from(wanted.where.value), found)


def gathered(wanted: Sum, found: Column) -> Column:
    """The terms of many facts as one number."""
    if wanted.op is Op.LEAST:
        return func.min(found)
    if wanted.op is Op.MOST:
        return func.max(found)
    total = func.sum(found)
    return total if wanted.measure in _BIG else cast(total, BigInteger)


def span(kind: str, name: str, facts: Facts) -> Column:
    """The span called `name` of one fact in milliseconds; NULL where it is not over."""
    found: Column = _SPANS[kind, name](facts)
    return found


def still_open(kind: str, name: str, facts: Facts, now: datetime) -> Column:
    """How long a span that is not over has lasted, in milliseconds; NULL where it is over."""
    begun, ended, over = _GOING_ON[kind, name](facts)
    until = func.least(ended, literal(now))
    lasted = func.floor(func.extract("epoch", until - begun) * 1000)
    return _if(and_(begun.is_not(None), over.is_(None)), cast(func.greatest(lasted, 0), BigInteger))


def begun(kind: str, name: str, facts: Facts) -> Column:
    """When the span called `name` of one fact began, if it is over; in microseconds since 1970."""
    found: Column = _BEGAN[kind, name](facts)
    return _micros(found)


def begun_and_open(kind: str, name: str, facts: Facts) -> Column:
    """The same of a span that is not over."""
    found, _, _ = _GOING_ON[kind, name](facts)
    return _micros(found)


def _micros(moment: Column) -> Column:
    return cast(func.extract("epoch", moment) * 1_000_000, BigInteger)


def _answered(facts: Facts) -> Column:
    found: Column = facts.answered_at.is_not(None)
    return found


def _abandoned(facts: Facts) -> Column:
    return and_(facts.answered_at.is_(None), facts.outcome == "abandoned")


_WAITERS: Mapping[str, Callable[[Facts], Column]] = {
    "answered": _answered,
    "abandoned": _abandoned,
    "callback": lambda f: and_(f.answered_at.is_(None), f.outcome == "callback_requested"),
}


def _within(prefix: str, milliseconds: int, facts: Facts) -> Column:
    return _if(and_(_WAITERS[prefix](facts), facts.waited_ms <= milliseconds))


def _up_to(kind: str, measure: str, milliseconds: int, facts: Facts, moment: Moment) -> Column:
    """Of a limit: who was within it, or (of steps) who was or is already beyond it."""
    name, _, which = measure.rpartition("_")
    if name in _WAITERS:
        return _within(name, milliseconds, facts)
    lasted = span(kind, name, facts)
    if which == "within":
        return _if(lasted <= milliseconds)
    return _if(func.coalesce(lasted, still_open(kind, name, facts, moment.now)) > milliseconds)


def _milliseconds(start: Column, end: Column) -> Column:
    lasted = func.floor(func.extract("epoch", end - start) * 1000)
    return cast(func.greatest(lasted, 0), BigInteger)


def _between(first: str, then: str) -> Callable[[Facts], Column]:
    return lambda f: _if(
        and_(f[first].is_not(None), f[then].is_not(None)), _milliseconds(f[first], f[then])
    )


def _not_there_yet(first: str, then: str) -> Callable[[Facts], tuple[Column, Column, Column]]:
    return lambda f: (f[first], f.closed_at, f[then])


def _from(first: str) -> Callable[[Facts], Column]:
    return lambda f: f[first]


_SPANS: Mapping[tuple[str, str], Callable[[Facts], Column]] = {
    ("contact", "wait"): lambda f: _if(_answered(f), f.waited_ms),
    ("contact", "handle"): lambda f: _if(_answered(f), f.handled_ms),
    ("contact", "first_response"): lambda f: f.first_response_ms,
    ("contact", "resolution"): lambda f: _if(f.closed_at.is_not(None), f.resolution_ms),
    ("reply", "wait"): lambda f: _if(f.replied_at.is_not(None), f.waited_ms),
    ("lead", "assign"): lambda f: f.assign_ms,
    ("lead", "human"): lambda f: _if(
        and_(f.assign_ms.is_not(None), f.attempt_ms.is_not(None)),
        func.greatest(f.attempt_ms - f.assign_ms, 0),
    ),
    ("lead", "attempt"): lambda f: _if(f.attempted_at.is_not(None), f.attempt_ms),
    ("lead", "contact"): lambda f: _if(f.contacted_at.is_not(None), f.contact_ms),
    **{("lead", name): _between(*columns) for name, columns in PROCESSES.items()},
}

_GOING_ON: Mapping[tuple[str, str], Callable[[Facts], tuple[Column, Column, Column]]] = {
    # Begun, ended without being over, over.
    ("contact", "first_response"): lambda f: (f.first_asked_at, f.ended_at, f.first_response_ms),
    # What was solved once and is open again waits anew, as its resolution will be counted.
    ("contact", "resolution"): lambda f: (
        func.coalesce(f.open_since, f.offered_at),
        f.closed_at,
        f.closed_at,
    ),
    ("reply", "wait"): lambda f: (f.asked_at, f.replied_at, f.replied_at),
    ("lead", "attempt"): lambda f: (f.created_at, f.closed_at, f.attempted_at),
    ("lead", "contact"): lambda f: (f.created_at, f.closed_at, f.contacted_at),
    **{("lead", name): _not_there_yet(*columns) for name, columns in PROCESSES.items()},
}


_BEGAN: Mapping[tuple[str, str], Callable[[Facts], Column]] = {
    ("contact", "first_response"): lambda f: f.first_asked_at,
    # From the creation or the last reopening, which the fact does not tell once it is over.
    ("contact", "resolution"): lambda f: (
        f.closed_at - func.make_interval(0, 0, 0, 0, 0, 0, f.resolution_ms / literal(1000.0))
    ),
    ("reply", "wait"): lambda f: f.asked_at,
    ("lead", "attempt"): lambda f: f.created_at,
    ("lead", "contact"): lambda f: f.created_at,
    **{("lead", name): _from(first) for name, (first, _) in PROCESSES.items()},
}


def _of_span(kind: str, measure: str, facts: Facts) -> Column:
    name, _, what = measure.rpartition("_")
    found = span(kind, name, facts)
    return found if what == "ms" else _if(found.is_not(None))


Term = Callable[[Facts, Moment], Column]


def _outcome(name: str) -> Term:
    return lambda f, _: _if(f.outcome == name)


_CONTACT: Mapping[str, Term] = {
    "offered": lambda f, _: _if(f.offered_at.is_not(None)),
    "answered": lambda f, _: _if(_answered(f)),
    "abandoned": lambda f, _: _if(_abandoned(f)),
    "abandon_wait_ms": lambda f, _: _if(_abandoned(f), f.waited_ms),
    "abandon_wait_n": lambda f, _: _if(and_(_abandoned(f), f.waited_ms.is_not(None))),
    "ended": lambda f, _: _if(f.ended_at.is_not(None)),
    "closed": lambda f, _: _if(f.closed_at.is_not(None)),
    "asked": lambda f, _: _if(f.first_asked_at.is_not(None)),
    "due": lambda f, _: _if(f.due_at.is_not(None)),
    "due_met": lambda f, _: _if(f.closed_at <= f.due_at),
    "due_missed": lambda f, _: _if(f.closed_at > f.due_at),
    "transferred": lambda f, _: _if(and_(_answered(f), f.transfers > 0)),
    "past_due": lambda f, m: _if(and_(f.closed_at.is_(None), f.due_at < m.now)),
    **{f"outcome_{name}": _outcome(name) for name in ("overflowed", "callback_requested", "open")},
}


def _given(model: str, part: str, whole: Callable[[Facts], Column]) -> Callable[[Facts], Column]:
    """What a model gives to a touch, less what the request's own touch had."""

    def given(f: Facts) -> Column:
        mine = f[f"{model}_{part}"] if model in SHARED else case((f[model], whole(f)), else_=0)
        return mine - case((f.opener, whole(f)), else_=0)

    return given


SHARED = ("linear", "position")
"""Models that give parts of the whole to several touches."""


def _credit(model: str, *, of_deals: bool) -> Term:
    given = _given(model, "micro", lambda _: literal(MICRO, BigInteger))
    return lambda f, _: _if(f.deal.is_not(None) if of_deals else f.deal.is_(None), given(f))


def _amount(model: str) -> Term:
    given = _given(model, "minor", lambda f: f.amount_minor)
    return lambda f, _: _if(and_(f.deal.is_not(None), f.amount_minor.is_not(None)), given(f))


def _unkept(facts: Facts) -> Column:
    return and_(facts.kept_at.is_(None), facts.cancelled_at.is_(None))


def _when(step: str) -> Term:
    return lambda f, _: _if(f[f"{step}_at"].is_not(None))


def _tried_within(minutes: int) -> Term:
    return lambda f, _: _if(f.attempt_ms <= minutes * 60_000)


_OTHERS: Mapping[str, Mapping[str, Term]] = {
    "reply": {
        "asked": lambda f, _: _if(f.asked_at.is_not(None)),
        "replied": lambda f, _: _if(f.replied_at.is_not(None)),
    },
    **FEEDBACK,
    "evaluation": {
        "evaluations": lambda f, _: _if(f.released_at.is_not(None)),
        "score_micro": lambda f, _: f.score_micro,
        "failed": lambda f, _: _if(f.failed),
        "disputed": lambda f, _: _if(f.disputed_at.is_not(None)),
        "changed": lambda f, _: _if(f.changed),
    },
    "script_run": {
        "runs": lambda f, _: _if(f.filled_at.is_not(None)),
        "whole": lambda f, _: _if(and_(f.asked > 0, f.done >= f.asked)),
        "asked": lambda f, _: f.asked,
        "done": lambda f, _: f.done,
    },
    "promise": {
        "due": lambda f, _: _if(f.due_at.is_not(None)),
        **{state.value: in_state(state) for state in PromiseState},
        "past_due": lambda f, m: _if(
            and_(f.state.in_((PromiseState.OPEN, PromiseState.AT_RISK)), f.due_at < m.now)
        ),
        "at_risk_now": lambda f, m: _if(and_(_unkept(f), f.warn_at < m.now, f.due_at >= m.now)),
    },
    "ad_spend": {
        "rows": lambda f, _: _if(f.spent_at.is_not(None)),
        "amount_minor": lambda f, _: f.amount_minor,
    },
    "lead": {
        "created": lambda f, _: _if(f.created_at.is_not(None)),
        "worked": lambda f, m: _if(f.attempted_at <= _worked_until(f, m)),
        "waiting": lambda f, _: _if(and_(f.attempted_at.is_(None), f.closed_at.is_(None))),
        "served": lambda f, m: _if(f.contacted_at <= _worked_until(f, m)),
        **{name: _when(name) for name in ("assigned", "attempted", "contacted", "qualified")},
        **{name: _when(name) for name in ("shown", "dealt", "closed")},
        **{f"attempted_{minutes}m": _tried_within(minutes) for minutes in BANDS_MINUTES},
    },
    "showing": {"shown": lambda f, _: _if(f.shown_at.is_not(None))},
    "deal": {
        "deals": lambda f, _: _if(f.dealt_at.is_not(None)),
        "priced": lambda f, _: _if(f.amount_minor.is_not(None)),
        "amount_minor": lambda f, _: f.amount_minor,
    },
    "touch": {
        "lead_touches": lambda f, _: _if(f.deal.is_(None)),
        "deal_touches": lambda f, _: _if(f.deal.is_not(None)),
        **{f"lead_{model}": _credit(model, of_deals=False) for model in MODELS},
        **{f"deal_{model}": _credit(model, of_deals=True) for model in MODELS},
        **{f"amount_{model}": _amount(model) for model in MODELS},
    },
    "case": {
        "opened": lambda f, _: _if(f.opened_at.is_not(None)),
        "closed": lambda f, _: _if(f.closed_at.is_not(None)),
        "finished": lambda f, _: _if(f.closed_at.is_not(None)),
        "open": lambda f, _: _if(and_(f.opened_at.is_not(None), f.closed_at.is_(None))),
        "overdue": lambda f, m: _if(and_(f.closed_at.is_(None), f.due_at < m.now)),
    },
    "purchase": {
        "purchases": lambda f, _: _if(f.sold_at.is_not(None)),
        "net_minor": lambda f, _: f.net_minor,
    },
    "points": {
        "movements": lambda f, _: _if(f.moved_at.is_not(None)),
        "issued": lambda f, _: _if(and_(f.reverses.is_(None), f.points > 0), f.points),
        "spent": lambda f, _: _if(and_(f.reverses.is_(None), f.points <= 0), -f.points),
        "spendings": lambda f, _: _if(and_(f.reverses.is_(None), f.points <= 0)),
        "spendings_reversed": lambda f, _: _if(and_(f.reverses.is_not(None), f.points > 0)),
        "issue_reversed": lambda f, _: _if(and_(f.reverses.is_not(None), f.points <= 0), -f.points),
        "spend_reversed": lambda f, _: _if(and_(f.reverses.is_not(None), f.points > 0), f.points),
    },
    "answer": {
        "answers": lambda f, _: _if(f.answered_at.is_not(None)),
        "csi_n": lambda f, _: _if(f.csi_score_micro.is_not(None)),
        "csi_score": lambda f, _: f.csi_score_micro,
        "csi_most": lambda f, _: _if(f.csi_score_micro.is_not(None), f.csi_most_micro),
        "csi_least": lambda f, _: _if(f.csi_score_micro.is_not(None), f.csi_least_micro),
        "csi_importance": lambda f, _: _if(f.csi_score_micro.is_not(None), f.csi_importance_micro),
    },
}


def _score(measure: str, facts: Facts) -> Column:
    if found := SCORE.match(measure):
        column = facts[SCORES.get(found[1], found[1])]
        return _if(column == int(found[2]))
    if found := EXTRA.match(measure):
        return _if(facts.nps == int(found[1]), facts.weight_micro - MICRO)
    found = EXTRA_SQUARE.match(measure)
    assert found is not None, measure
    scores = [int(column.removeprefix("nps_")) for column in NPS_CATEGORIES[found[1]]]
    weight = cast(facts.weight_micro, Numeric(38, 0))
    return _if(facts.nps.between(min(scores), max(scores)), weight * weight - MICRO * MICRO)


def _worked_until(facts: Facts, moment: Moment) -> Column:
    """The last moment for a first attempt: a ladder over the months of the range."""
    bound = worked_until(moment.start, moment.zone)
    ladder: list[tuple[Column, Column]] = []
    while bound - GRACE < moment.end:
        ladder.append((facts.created_at < bound - GRACE, literal(bound)))
        bound = worked_until(bound - GRACE, moment.zone)
    return case(*ladder, else_=literal(bound)) if ladder else literal(bound)
