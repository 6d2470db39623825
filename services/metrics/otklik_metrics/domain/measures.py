"""What a rollup counts: the counter columns and histograms of every kind, declared once."""

from collections.abc import Mapping

from otklik_common.events.contact_center import ClockState, Outcome
from otklik_common.events.staff import PromiseState
from otklik_metrics.domain.counters import Counter, Histogram, Measures
from otklik_metrics.domain.measures_feedback import CLAIM, REVIEW

MICRO = 1_000_000

THRESHOLDS_SECONDS = (5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300)
"""Waits are counted exactly at these; companies may declare more of their own."""

OWN_THRESHOLDS = 12
"""How many thresholds of its own a company may have."""

WAITERS = ("answered", "abandoned", "callback")
"""Prefixes of the columns that count waits at thresholds."""


def slots(prefix: str) -> tuple[str, ...]:
    """Columns of the waits of `prefix` (one of WAITERS), one a declared threshold."""
    return tuple(f"{prefix}_w{seconds}" for seconds in THRESHOLDS_SECONDS)


def owns(prefix: str) -> tuple[str, ...]:
    """Columns of the waits of `prefix` at the company's own thresholds, by their position."""
    return tuple(f"{prefix}_own{position}" for position in range(1, OWN_THRESHOLDS + 1))


def within(prefix: str, seconds: int, own: tuple[int, ...] = ()) -> tuple[str, ...] | None:
    """
    The columns whose sum is the exact number of waits ≤ `seconds`.

    Args:
        prefix: `answered`, `abandoned` or `callback`.
        seconds: The threshold.
        own: The company's own thresholds, as the version of the rollups froze them.
    Returns:
        The columns to add, or None if the threshold was not counted: read the facts then.
    """
    if seconds in THRESHOLDS_SECONDS:
        return slots(prefix)[: THRESHOLDS_SECONDS.index(seconds) + 1]
    if seconds in own:
        return (owns(prefix)[own.index(seconds)],)
    return None


def weighted(column: str) -> Mapping[str, int]:
    """
    Factors whose linear combination is the weight of the answers of `column`, times 10⁶.

    Rollups keep Σ (weight − 1) beside each count, so that a company without weights
    pays nothing for them.
    """
    return {column: MICRO, f"{column}_extra": 1}


def weighted_square(category: str) -> Mapping[str, int]:
    """Factors whose combination is Σ weight² of an NPS category (promoters …), times 10¹²."""
    return {**dict.fromkeys(NPS_CATEGORIES[category], MICRO * MICRO), f"nps_{category}_extra2": 1}


def scale(prefix: str, lowest: int, highest: int) -> tuple[str, ...]:
    """Columns of the counts per score."""
    return tuple(f"{prefix}_{score}" for score in range(lowest, highest + 1))


NPS = scale("nps", 0, 10)
NPS_CATEGORIES = {"detractors": NPS[:7], "passives": NPS[7:9], "promoters": NPS[9:]}
ENPS = scale("enps", 0, 10)
NPS_1_10 = scale("nps10", 1, 10)
CSAT = scale("csat", 1, 5)
CES = scale("ces", 1, 7)
LOST_DEAL = scale("lost_deal", 0, 2)


def _each(names: tuple[str, ...], meaning: str) -> tuple[Counter, ...]:
    return tuple(Counter(name, meaning) for name in names)


CONTACT = Measures(
    heads=("offered",),
    counters=(
        Counter("offered", "contacts offered (they have an offered_at); all below are among these"),
        Counter("answered", "first answered by a human (answered_at is set)"),
        Counter("abandoned", "outcome abandoned and never answered"),
        Counter("ended", "ended_at is set; open = offered - ended"),
        Counter("closed", "closed_at is set"),
        *_each(slots("answered"), "answered, previous threshold < wait <= this one; add them up"),
        *_each(slots("abandoned"), "abandoned, previous threshold < wait <= this one; add them up"),
        *_each(
            slots("callback"), "asked in the queue to be called back, wait likewise; add them up"
        ),
        *_each(owns("answered"), "answered, wait <= own threshold number n (cumulative)"),
        *_each(owns("abandoned"), "abandoned, wait <= own threshold number n (cumulative)"),
        *_each(owns("callback"), "callback asked for, wait <= own threshold number n (cumulative)"),
        *(Counter(f"outcome_{outcome.value}", "contacts of this outcome") for outcome in Outcome),
        Counter("wait_n", "answered with a known wait"),
        Counter("wait_ms", "their waits"),
        Counter("abandon_wait_n", "abandoned with a known wait"),
        Counter("abandon_wait_ms", "their waits"),
        Counter("talk_ms", "talk of answered contacts with handled_ms"),
        Counter("hold_ms", "hold of answered contacts with handled_ms"),
        Counter("wrap_ms", "after-contact work of answered contacts with handled_ms"),
        Counter("handle_n", "answered with handled_ms: the handled contacts of AHT"),
        Counter("handle_ms", "their handled_ms"),
        Counter("asked", "first_asked_at is set; open first responses = asked - first_response_n"),
        Counter("first_response_n", "with first_response_ms"),
        Counter("first_response_ms", "its sum"),
        Counter("resolution_n", "closed, with resolution_ms"),
        Counter("resolution_ms", "its sum"),
        Counter("due", "with a due_at"),
        Counter("due_met", "due_at set and closed_at <= due_at"),
        Counter(
            "due_missed", "due_at set and closed_at > due_at; due - met - missed are not closed"
        ),
        Counter("transfers", "transfers, all contacts together"),
        Counter("transferred", "answered contacts with a transfer"),
        Counter("reopened", "contacts with a reopening"),
        Counter("known", "contacts with an identifier of the person"),
    ),
    histograms=(
        Histogram(1, "wait", "waited_ms of answered contacts"),
        Histogram(2, "handle", "handled_ms of answered contacts"),
        Histogram(3, "first_response", "first_response_ms"),
        Histogram(4, "resolution", "resolution_ms of closed contacts"),
    ),
)

REPLY = Measures(
    heads=("asked",),
    counters=(
        Counter("asked", "gaps: a customer's first unanswered message"),
        Counter("replied", "gaps that a person ended"),
        Counter("wait_n", "replied, with waited_ms"),
        Counter("wait_ms", "its sum"),
        Counter("next_asked", "gaps after the first of their contact"),
        Counter("next_n", "of these, replied with waited_ms"),
        Counter("next_ms", "its sum"),
    ),
    histograms=(
        Histogram(1, "wait", "waited_ms of every replied gap"),
        Histogram(2, "next", "waited_ms of replied gaps after the first of their contact"),
    ),
)

SLA_CLOCK = Measures(
    heads=("started",),
    counters=(
        Counter("started", "clocks of targets; all below are among these"),
        *(Counter(state.value, "of these, clocks in this state") for state in ClockState),
    ),
)

PROMISE = Measures(
    heads=("due",),
    counters=(
        Counter("due", "promises of agents by due_at; all below are among these"),
        *(Counter(state.value, "of these, promises in this state") for state in PromiseState),
    ),
)

AD_SPEND = Measures(
    heads=("rows",),
    counters=(
        Counter("rows", "amounts of a day, of whatever is told apart"),
        Counter("amount_minor", "what was spent, in minor units of each currency", big=True),
    ),
)

BANDS_MINUTES = (5, 15, 60)
"""Requests that were tried within so many minutes are counted, exactly."""

EVALUATION = Measures(
    heads=("evaluations",),
    counters=(
        Counter("evaluations", "released evaluations; all below are among these"),
        Counter("score_micro", "sum of their scores, times 10^6"),
        Counter("failed", "of these, failed by an answer"),
        Counter("disputed", "of these, disputed by the agent, whatever came of it"),
        Counter("changed", "of these, changed by a dispute"),
    ),
)

SCRIPT_RUN = Measures(
    heads=("runs",),
    counters=(
        Counter("runs", "checklists by filled_at; all below are of these"),
        Counter("whole", "nothing compulsory was missed of what was asked"),
        *_each(("asked", "done"), "compulsory steps: asked and applied; of these, done"),
    ),
)

LEAD = Measures(
    heads=("created",),
    counters=(
        Counter("created", "leads; all below are among these"),
        Counter("assigned", "assigned_at is set"),
        Counter(
            "attempted", "a human attempt was made, whenever; not called back = created - this"
        ),
        Counter(
            "worked",
            "attempted by the end of the month of created_at in the company's zone plus 24 h; "
            "unworked = created - this",
        ),
        Counter("contacted", "somebody talked with the person"),
        Counter(
            "served", "talked with by the end of the month plus 24 h; unserved = created - this"
        ),
        Counter("qualified", "qualified_at is set"),
        Counter("shown", "with a showing"),
        Counter("dealt", "with a deal"),
        *(
            Counter(f"attempted_{minutes}m", f"attempted within {minutes} minutes")
            for minutes in BANDS_MINUTES
        ),
        Counter("closed", "closed_at is set"),
        Counter("known", "the person was known before"),
        Counter("requests", "inbound contacts that belong to them"),
        Counter("assign_n", "with assign_ms"),
        Counter("assign_ms", "its sum: created_at until it was somebody's"),
        Counter("human_n", "with assign_ms and attempt_ms"),
        Counter("human_ms", "attempt_ms - assign_ms, at least 0"),
        Counter("attempt_n", "with attempt_ms"),
        Counter("attempt_ms", "its sum: created_at to first attempt"),
        Counter("contact_n", "with contact_ms"),
        Counter("contact_ms", "its sum: created_at to first conversation"),
    ),
    histograms=(Histogram(1, "attempt", "attempt_ms"), Histogram(2, "contact", "contact_ms")),
)

SHOWING = Measures(heads=("shown",), counters=(Counter("shown", "showings by shown_at"),))

DEAL = Measures(
    heads=("deals",),
    counters=(
        Counter("deals", "sides of deals by dealt_at"),
        Counter("priced", "of these, with an amount"),
        Counter("amount_minor", "their amounts, in minor units of the currency", big=True),
    ),
)

MODELS = ("first", "last", "last_non_direct", "linear", "position")
"""Models of attribution under which another touch may be given what the request's own has."""

TOUCH = Measures(
    heads=("lead_touches", "deal_touches"),
    counters=(
        Counter("lead_touches", "touches of requests"),
        Counter("deal_touches", "touches of sides of deals"),
        *_each(tuple(f"lead_{m}" for m in MODELS), "of requests given less taken, times 10^6"),
        *_each(tuple(f"deal_{m}" for m in MODELS), "of deals given less taken, times 10^6"),
        *(Counter(f"amount_{m}", "of their amounts, in minor units", big=True) for m in MODELS),
    ),
)

ANSWER = Measures(
    heads=("answers",),
    counters=(
        Counter("answers", "answers of surveys that are not anonymous"),
        Counter("with_text", "answers with a comment"),
        Counter("with_contact", "answers tied to a contact"),
        *_each(NPS, "answers of this score, 0-10"),
        *_each(tuple(f"{column}_extra" for column in NPS), "sum of (weight - 1), times 10^6"),
        *(
            Counter(f"nps_{category}_extra2", "sum of (weight^2 - 1), times 10^12", big=True)
            for category in NPS_CATEGORIES
        ),
        *_each(NPS_1_10, "answers of this score on the scale 1-10"),
        *_each(ENPS, "answers of this score, employees"),
        *_each(CSAT, "answers of this score, 1-5"),
        *_each(CES, "answers of this score, 1-7"),
        Counter("csi_n", "answers with importance-weighted attributes"),
        Counter("csi_score", "sum of importance * score, times 10^6"),
        Counter("csi_most", "sum of importance * highest score, times 10^6"),
        Counter("csi_least", "sum of importance * lowest score, times 10^6"),
        Counter("csi_importance", "sum of importance, times 10^6"),
        *_each(LOST_DEAL, "of those who made no deal with us: none yet, alone, with others"),
    ),
)

CASE = Measures(
    heads=("opened", "closed"),
    counters=(
        Counter("opened", "cases by opened_at"),
        Counter("contacted", "of the opened: somebody reached the customer"),
        Counter("finished", "of the opened: closed by now; open = opened - this"),
        Counter("finished_in_time", "of the opened: closed_at <= due_at"),
        Counter("contact_n", "of the opened: contacted"),
        Counter("contact_ms", "opened_at to contacted_at"),
        Counter("closed", "cases by closed_at"),
        Counter("closed_in_time", "of the closed: closed_at <= due_at"),
        Counter("resolution_n", "the closed again, with their span"),
        Counter("resolution_ms", "opened_at to closed_at, by closed_at"),
    ),
    histograms=(
        Histogram(1, "contact", "opened_at to contacted_at, by opened_at"),
        Histogram(2, "resolution", "opened_at to closed_at, by closed_at"),
    ),
)

PURCHASE = Measures(
    heads=("purchases", "returns"),
    counters=(
        Counter("purchases", "purchases by sold_at"),
        Counter("amount_minor", "what was sold, by sold_at"),
        Counter("returned_minor", "what of it came back, by sold_at"),
        Counter("net_minor", "what is left, by sold_at: the revenue"),
        Counter("lines", "lines sold"),
        Counter("returns", "purchases by returned_at"),
        Counter("given_back_minor", "what came back, by returned_at"),
    ),
)

POINTS = Measures(
    heads=("movements",),
    counters=(
        Counter("movements", "movements of points by moved_at"),
        Counter("issued", "points of movements > 0 that reverse nothing"),
        Counter("spent", "points of movements < 0 that reverse nothing, as a positive number"),
        Counter("issue_reversed", "points of movements < 0 that reverse one, as a positive number"),
        Counter("spend_reversed", "points of movements > 0 that reverse one"),
        Counter("spendings", "movements <= 0 that reverse nothing"),
        Counter("spendings_reversed", "movements > 0 that reverse one"),
    ),
)

MEASURES: Mapping[str, Measures] = {
    "contact": CONTACT,
    "reply": REPLY,
    "sla_clock": SLA_CLOCK,
    "feedback_clock": SLA_CLOCK,
    "promise": PROMISE,
    "ad_spend": AD_SPEND,
    "lead": LEAD,
    "showing": SHOWING,
    "deal": DEAL,
    "touch": TOUCH,
    "evaluation": EVALUATION,
    "script_run": SCRIPT_RUN,
    "answer": ANSWER,
    "case": CASE,
    "review": REVIEW,
    "claim": CLAIM,
    "purchase": PURCHASE,
    "points": POINTS,
}
"""The kinds that have rollups, and what these count."""
