"""
What a fact adds to the rollups, and what a new revision of it changes.

A contribution depends on the fact, this code (FOLD_VERSIONS) and the frozen definition of the
company's rollups; never on settings, policies or identity as they are at run time. All numbers
are whole, so a revision takes its predecessor out exactly and puts itself in.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from otklik_common.events.contact_center import Outcome
from otklik_metrics.domain.bucket import worked_until
from otklik_metrics.domain.measures import (
    BANDS_MINUTES,
    MEASURES,
    MICRO,
    MODELS,
    NPS_CATEGORIES,
    OWN_THRESHOLDS,
    THRESHOLDS_SECONDS,
    WAITERS,
    owns,
    slots,
)
from otklik_metrics.domain.measures_feedback import NORM

FactLike = Any
"""The state of a subject: the contract's class, or a row with the same attributes."""


@dataclass(frozen=True, slots=True)
class Definition:
    """
    What a version of a company's rollups froze.

    Attributes:
        zone: The zone of its days.
        thresholds: Its own thresholds in seconds, sorted, without the declared ones, at most 12.
    """

    zone: ZoneInfo
    thresholds: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.thresholds != own_thresholds(self.thresholds):
            raise ValueError(f"{self.thresholds} are not at most 12 sorted thresholds of its own")


def own_thresholds(declared: tuple[int, ...]) -> tuple[int, ...]:
    """What a company declared, sorted and without what everybody has; the 12 smallest."""
    return tuple(sorted(set(declared) - set(THRESHOLDS_SECONDS)))[:OWN_THRESHOLDS]


class Part(NamedTuple):
    """What a fact adds at one of its moments: counters by name, spans in ms by histogram."""

    at: datetime
    counters: dict[str, int]
    spans: dict[int, int]


def contribution(kind: str, fact: FactLike, definition: Definition) -> list[Part]:
    """Everything that the state `fact` of a subject that is not void adds to its rollups."""
    return list(_FOLDS[kind](fact, definition))


def _contact(fact: FactLike, definition: Definition) -> Iterator[Part]:
    if fact.offered_at is None:
        return
    counters = {"offered": 1, f"outcome_{fact.outcome}": 1}
    spans: dict[int, int] = {}
    if fact.answered_at is not None:
        _answered(fact, counters, spans, definition)
    elif fact.outcome == Outcome.ABANDONED:
        _abandoned(fact, counters, definition)
    elif fact.outcome == Outcome.CALLBACK_REQUESTED and fact.waited_ms is not None:
        _waited(counters, "callback", fact.waited_ms, definition)
    if fact.first_response_ms is not None:
        _span(counters, spans, "first_response", fact.first_response_ms, _FIRST_RESPONSE)
    if fact.closed_at is not None:
        counters["closed"] = 1
        if fact.resolution_ms is not None:
            _span(counters, spans, "resolution", fact.resolution_ms, _RESOLUTION)
    if fact.transfers:
        counters["transfers"] = fact.transfers
    closed_at, due_at = fact.closed_at, fact.due_at
    _flags(
        counters,
        due=due_at is not None,
        due_met=None not in (due_at, closed_at) and closed_at <= due_at,
        due_missed=None not in (due_at, closed_at) and closed_at > due_at,
        ended=fact.ended_at is not None,
        asked=fact.first_asked_at is not None,
        reopened=fact.reopenings > 0,
        known=bool(fact.identifiers),
        transferred=fact.transfers > 0 and fact.answered_at is not None,
    )
    yield Part(fact.offered_at, counters, spans)


def _answered(
    fact: FactLike, counters: dict[str, int], spans: dict[int, int], definition: Definition
) -> None:
    counters["answered"] = 1
    if fact.waited_ms is not None:
        _waited(counters, "answered", fact.waited_ms, definition)
        _span(counters, spans, "wait", fact.waited_ms, _WAIT)
    if fact.handled_ms is not None:
        counters["talk_ms"] = fact.talked_ms or 0
        counters["hold_ms"] = fact.held_ms or 0
        counters["wrap_ms"] = fact.wrapped_ms or 0
        _span(counters, spans, "handle", fact.handled_ms, _HANDLE)


def _abandoned(fact: FactLike, counters: dict[str, int], definition: Definition) -> None:
    counters["abandoned"] = 1
    if fact.waited_ms is not None:
        _waited(counters, "abandoned", fact.waited_ms, definition)
        counters["abandon_wait_n"], counters["abandon_wait_ms"] = 1, fact.waited_ms


def _reply(fact: FactLike, _: Definition) -> Iterator[Part]:
    counters, spans = {"asked": 1}, dict[int, int]()
    _flags(counters, next_asked=not fact.first, replied=fact.replied_at is not None)
    if fact.replied_at is not None and fact.waited_ms is not None:
        _span(counters, spans, "wait", fact.waited_ms, _GAP)
        if not fact.first:
            _span(counters, spans, "next", fact.waited_ms, _NEXT)
    yield Part(fact.asked_at, counters, spans)


def _sla_clock(fact: FactLike, _: Definition) -> Iterator[Part]:
    yield Part(fact.started_at, {"started": 1, str(fact.state): 1}, {})


def _review(fact: FactLike, _: Definition) -> Iterator[Part]:
    if fact.removed_at is not None:
        yield Part(fact.written_at, {"removed": 1}, {})
        return
    counters = {"reviews": 1}
    if fact.stars is not None:
        counters |= {"rated": 1, "stars": fact.stars, "stars_squared": fact.stars**2}
    _flags(counters, replied=fact.replied_at is not None)
    yield Part(fact.written_at, counters, {})


def _claim(fact: FactLike, _: Definition) -> Iterator[Part]:
    counters, worked_off_at = {"claims": 1}, fact.worked_off_at
    _flags(
        counters,
        worked_off=worked_off_at is not None,
        worked_off_24h=worked_off_at is not None and worked_off_at - fact.received_at <= NORM,
        reopened=fact.reopenings > 0,
    )
    yield Part(fact.received_at, counters, {})


def _evaluation(fact: FactLike, _: Definition) -> Iterator[Part]:
    counters = {"evaluations": 1, "score_micro": fact.score_micro}
    disputed = fact.disputed_at is not None
    _flags(counters, failed=fact.failed, disputed=disputed, changed=fact.changed)
    yield Part(fact.released_at, counters, {})


def _script_run(fact: FactLike, _: Definition) -> Iterator[Part]:
    counters = {"runs": 1, "asked": fact.asked, "done": fact.done}
    _flags(counters, whole=0 < fact.asked <= fact.done)
    yield Part(fact.filled_at, counters, {})


def _promise(fact: FactLike, _: Definition) -> Iterator[Part]:
    yield Part(fact.due_at, {"due": 1, str(fact.state): 1}, {})


def _ad_spend(fact: FactLike, _: Definition) -> Iterator[Part]:
    yield Part(fact.spent_at, {"rows": 1, "amount_minor": fact.amount_minor}, {})


def _lead(fact: FactLike, definition: Definition) -> Iterator[Part]:
    counters, spans = {"created": 1, "requests": fact.requests}, dict[int, int]()
    attempted_at, contacted_at = fact.attempted_at, fact.contacted_at
    until = worked_until(fact.created_at, definition.zone)
    _flags(
        counters,
        assigned=fact.assigned_at is not None,
        attempted=attempted_at is not None,
        worked=attempted_at is not None and attempted_at <= until,
        contacted=contacted_at is not None,
        served=contacted_at is not None and contacted_at <= until,
        qualified=fact.qualified_at is not None,
        shown=fact.shown_at is not None,
        dealt=fact.dealt_at is not None,
        closed=fact.closed_at is not None,
        known=fact.known_person,
    )
    if fact.assign_ms is not None:
        counters["assign_n"], counters["assign_ms"] = 1, fact.assign_ms
        if fact.attempt_ms is not None:
            counters["human_n"] = 1
            counters["human_ms"] = max(0, fact.attempt_ms - fact.assign_ms)
    if fact.attempt_ms is not None:
        for minutes in BANDS_MINUTES:
            if fact.attempt_ms <= minutes * 60_000:
                counters[f"attempted_{minutes}m"] = 1
    if attempted_at is not None and fact.attempt_ms is not None:
        _span(counters, spans, "attempt", fact.attempt_ms, _ATTEMPT)
    if fact.contacted_at is not None and fact.contact_ms is not None:
        _span(counters, spans, "contact", fact.contact_ms, _CONTACTED)
    yield Part(fact.created_at, counters, spans)


def _showing(fact: FactLike, _: Definition) -> Iterator[Part]:
    yield Part(fact.shown_at, {"shown": 1}, {})


def _deal(fact: FactLike, _: Definition) -> Iterator[Part]:
    counters = {"deals": 1}
    if fact.amount_minor is not None:
        counters |= {"priced": 1, "amount_minor": fact.amount_minor}
    yield Part(fact.dealt_at, counters, {})


def _touch(fact: FactLike, _: Definition) -> Iterator[Part]:
    """What models take from the touch of the request itself, and give to this one."""
    of = "lead" if fact.deal is None else "deal"
    counters = {f"{of}_touches": 1}
    for model in MODELS:
        if model in ("linear", "position"):
            micro, minor = getattr(fact, f"{model}_micro"), getattr(fact, f"{model}_minor")
        else:
            chosen = getattr(fact, model)
            micro, minor = MICRO * chosen, (fact.amount_minor or 0) * chosen
        counters[f"{of}_{model}"] = micro - MICRO * fact.opener
        if fact.deal is not None and fact.amount_minor is not None:
            counters[f"amount_{model}"] = minor - fact.amount_minor * fact.opener
    yield Part(fact.credited_at, counters, {})


def _answer(fact: FactLike, _: Definition) -> Iterator[Part]:
    if fact.anonymous:
        # Readable only in closed cells that are released once, never in numbers that move.
        return
    counters = {"answers": 1}
    _flags(counters, with_text=fact.has_text, with_contact=fact.contact is not None)
    if fact.nps is not None:
        counters[f"nps_{fact.nps}"] = 1
        if fact.weight_micro != MICRO:
            counters[f"nps_{fact.nps}_extra"] = fact.weight_micro - MICRO
            square = fact.weight_micro * fact.weight_micro - MICRO * MICRO
            counters[f"nps_{_CATEGORY[fact.nps]}_extra2"] = square
    for prefix, score in (
        ("nps10", fact.nps_1_10),
        ("enps", fact.enps),
        ("csat", fact.csat),
        ("ces", fact.ces),
        ("lost_deal", fact.lost_deal),
    ):
        if score is not None:
            counters[f"{prefix}_{score}"] = 1
    if fact.csi_score_micro is not None:
        counters["csi_n"] = 1
        counters["csi_score"] = fact.csi_score_micro
        counters["csi_most"] = fact.csi_most_micro or 0
        counters["csi_least"] = fact.csi_least_micro or 0
        counters["csi_importance"] = fact.csi_importance_micro or 0
    yield Part(fact.answered_at, counters, {})


def _case(fact: FactLike, _: Definition) -> Iterator[Part]:
    closed_at = fact.closed_at
    in_time = closed_at is not None and closed_at <= fact.due_at
    counters, spans = {"opened": 1}, dict[int, int]()
    _flags(
        counters,
        contacted=fact.contacted_at is not None,
        finished=closed_at is not None,
        finished_in_time=in_time,
    )
    if fact.contacted_at is not None:
        _span(counters, spans, "contact", _between(fact.opened_at, fact.contacted_at), _CALLED)
    yield Part(fact.opened_at, counters, spans)
    if closed_at is not None:
        counters, spans = {"closed": 1, "closed_in_time": int(in_time)}, {}
        _span(counters, spans, "resolution", _between(fact.opened_at, closed_at), _SOLVED)
        yield Part(closed_at, counters, spans)


def _purchase(fact: FactLike, _: Definition) -> Iterator[Part]:
    sold = {
        "purchases": 1,
        "amount_minor": fact.amount_minor,
        "returned_minor": fact.returned_minor,
        "net_minor": fact.net_minor,
        "lines": fact.lines,
    }
    yield Part(fact.sold_at, sold, {})
    if fact.returned_at is not None:
        back = {"returns": 1, "given_back_minor": fact.returned_minor}
        yield Part(fact.returned_at, back, {})


def _points(fact: FactLike, _: Definition) -> Iterator[Part]:
    amount = abs(fact.points)
    counters = {"movements": 1}
    if fact.reverses is None:
        counters |= {"issued": amount} if fact.points > 0 else {"spent": amount, "spendings": 1}
    elif fact.points > 0:
        counters |= {"spend_reversed": amount, "spendings_reversed": 1}
    else:
        counters["issue_reversed"] = amount
    yield Part(fact.moved_at, counters, {})


def _flags(counters: dict[str, int], **flags: bool) -> None:
    for name, raised in flags.items():
        if raised:
            counters[name] = 1


def _span(
    counters: dict[str, int], spans: dict[int, int], name: str, milliseconds: int, histogram: int
) -> None:
    counters[f"{name}_n"], counters[f"{name}_ms"] = 1, milliseconds
    spans[histogram] = milliseconds


def _waited(counters: dict[str, int], prefix: str, waited_ms: int, definition: Definition) -> None:
    slot = bisect_left(_THRESHOLDS_MS, waited_ms)
    if slot < len(_THRESHOLDS_MS):
        counters[_SLOTS[prefix][slot]] = 1
    for column, seconds in zip(_OWNS[prefix], definition.thresholds, strict=False):
        if waited_ms <= seconds * 1000:
            counters[column] = 1


def _between(start: datetime, end: datetime) -> int:
    """Milliseconds; 0 where contradictory times would make it negative."""
    return max(0, (end - start) // timedelta(milliseconds=1))


_THRESHOLDS_MS = tuple(seconds * 1000 for seconds in THRESHOLDS_SECONDS)
_SLOTS = {prefix: slots(prefix) for prefix in WAITERS}
_OWNS = {prefix: owns(prefix) for prefix in WAITERS}
_CATEGORY = {
    int(column.removeprefix("nps_")): category
    for category, columns in NPS_CATEGORIES.items()
    for column in columns
}

_WAIT, _HANDLE, _FIRST_RESPONSE, _RESOLUTION = (h.number for h in MEASURES["contact"].histograms)
_GAP, _NEXT = (h.number for h in MEASURES["reply"].histograms)
_ATTEMPT, _CONTACTED = (h.number for h in MEASURES["lead"].histograms)
_CALLED, _SOLVED = (h.number for h in MEASURES["case"].histograms)

_FOLDS: Mapping[str, Callable[[FactLike, Definition], Iterator[Part]]] = {
    "contact": _contact,
    "reply": _reply,
    "sla_clock": _sla_clock,
    "feedback_clock": _sla_clock,
    "evaluation": _evaluation,
    "review": _review,
    "claim": _claim,
    "script_run": _script_run,
    "promise": _promise,
    "ad_spend": _ad_spend,
    "lead": _lead,
    "showing": _showing,
    "deal": _deal,
    "touch": _touch,
    "answer": _answer,
    "case": _case,
    "purchase": _purchase,
    "points": _points,
}
