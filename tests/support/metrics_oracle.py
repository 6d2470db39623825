"""Every metric once more, naively and in memory, to hold the quick answers against."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from tests.support.metrics_known import Cell, Facts, Known, Naive
from tests.support.metrics_naive_attribution import credited, credited_amount
from tests.support.metrics_naive_contacts import (
    abandonment,
    attainment,
    clocks,
    conversion,
    delay,
    fcr,
    human_delay,
    missed,
    not_called_back,
    of_evaluations,
    patience,
    process,
    process_kept,
    promises_kept,
    qa_score,
    script_coverage,
    service_level,
    span,
    steps_kept,
    targets_met,
    transferred,
    tried_within,
    unserved,
    unworked,
    was_abandoned,
    was_broken,
)
from tests.support.metrics_naive_feedback import rating, replied_to, worked_off_in_a_day
from tests.support.metrics_naive_scores_and_sales import (
    amount,
    average_check,
    category,
    cost_of_each,
    csi,
    enps,
    issued,
    nps,
    revenue,
    scored,
    spent,
    spent_on_ads,
)

TIMES = {
    "contact": "offered_at",
    "reply": "asked_at",
    "sla_clock": "started_at",
    "feedback_clock": "started_at",
    "review": "written_at",
    "claim": "received_at",
    "promise": "due_at",
    "ad_spend": "spent_at",
    "lead": "created_at",
    "showing": "shown_at",
    "deal": "dealt_at",
    "touch": "credited_at",
    "evaluation": "released_at",
    "script_run": "filled_at",
    "answer": "answered_at",
    "case": "opened_at",
    "purchase": "sold_at",
    "points": "moved_at",
}


def definition(name: str, said: Mapping[str, Any]) -> tuple[str, Naive]:
    """Kind and definition of a metric with its parameters."""
    target = said.get("target")
    if target in (
        "any_of_feedback",
        "claim_reaction",
        "claim_answer",
        "claim_term",
        "review_reply",
    ):
        return NAIVE[f"{name} of feedback"]
    of_policy = name == "sla_attainment" and target != "due_at"
    return NAIVE[f"{name} of a policy" if of_policy else name]


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


def _number(holds: Callable[[Known, Any], bool]) -> Naive:
    def naive(known: Known, facts: Facts, _: Mapping[str, Any]) -> Cell:
        n = sum(holds(known, fact) for _, fact in facts)
        return n, n

    return naive


NAIVE: Mapping[str, tuple[str, Naive]] = {
    "contacts_offered": ("contact", _number(lambda _, __: True)),
    "contacts_answered": ("contact", _number(lambda _, f: f.answered_at is not None)),
    "contacts_abandoned": ("contact", _number(lambda _, f: was_abandoned(f))),
    "contacts_open": ("contact", _number(lambda _, f: f.ended_at is None)),
    "contacts_missed": ("contact", missed),
    "not_called_back": ("contact", not_called_back),
    "service_level": ("contact", service_level),
    "asa_seconds": ("contact", span("wait")),
    "aht_seconds": ("contact", span("handle")),
    "patience_seconds": ("contact", patience),
    "abandonment_rate": ("contact", abandonment),
    "transfer_rate": ("contact", transferred),
    "sla_attainment": ("contact", attainment),
    "sla_attainment of a policy": ("sla_clock", targets_met),
    "sla_breaches": ("sla_clock", clocks("breached", "breaching")),
    "sla_at_risk": ("sla_clock", clocks("imminent")),
    "sla_overdue": ("sla_clock", clocks("breaching")),
    "sla_attainment of feedback": ("feedback_clock", targets_met),
    "sla_breaches of feedback": ("feedback_clock", clocks("breached", "breaching")),
    "sla_at_risk of feedback": ("feedback_clock", clocks("imminent")),
    "sla_overdue of feedback": ("feedback_clock", clocks("breaching")),
    "evaluations": ("evaluation", _number(lambda _, __: True)),
    "qa_score": ("evaluation", qa_score),
    "qa_failed_rate": ("evaluation", of_evaluations(lambda f: f.failed)),
    "qa_dispute_rate": ("evaluation", of_evaluations(lambda f: f.disputed_at is not None)),
    "script_runs": ("script_run", _number(lambda _, __: True)),
    "script_kept": ("script_run", steps_kept),
    "script_kept_whole": ("script_run", of_evaluations(lambda f: f.asked > 0 and not f.missed)),
    "script_coverage": ("contact", script_coverage),
    "promises_kept": ("promise", promises_kept),
    "promises_broken": ("promise", _number(was_broken)),
    "promises_at_risk": (
        "promise",
        _number(
            lambda known, f: (
                f.kept_at is None and f.cancelled_at is None and f.warn_at < known.now <= f.due_at
            )
        ),
    ),
    "fcr": ("contact", fcr),
    "wait_seconds": ("contact", span("wait")),
    "handle_seconds": ("contact", span("handle")),
    "first_response_seconds": ("contact", span("first")),
    "resolution_seconds": ("contact", span("resolution")),
    "next_response_seconds": ("reply", span("next")),
    "unworked_rate": ("lead", unworked),
    "unserved_rate": ("lead", unserved),
    "leads": ("lead", _number(lambda _, __: True)),
    "leads_waiting": (
        "lead",
        _number(lambda _, f: f.attempted_at is None and f.closed_at is None),
    ),
    "lead_conversion": ("lead", conversion),
    "speed_to_lead": ("lead", tried_within),
    "lead_attempt_seconds": ("lead", span("attempt")),
    "process_kept": ("lead", process_kept),
    "process_seconds": ("lead", process),
    "lead_contact_seconds": ("lead", span("contact")),
    "lead_system_delay_seconds": ("lead", delay(lambda fact: fact.assign_ms)),
    "lead_human_delay_seconds": ("lead", delay(human_delay)),
    "showings": ("showing", _number(lambda _, __: True)),
    "deals": ("deal", _number(lambda _, __: True)),
    "deal_amount": ("deal", amount),
    "attributed_leads": ("lead", credited(deals=False)),
    "attributed_deals": ("deal", credited(deals=True)),
    "attributed_amount": ("deal", credited_amount),
    "answers": ("answer", _number(lambda _, f: not f.anonymous)),
    "nps": ("answer", nps),
    "nps_promoters": ("answer", category(9, 10)),
    "nps_detractors": ("answer", category(0, 6)),
    "csat": ("answer", scored("csat", 4)),
    "ces": ("answer", scored("ces", 5)),
    "leakage_rate": ("answer", scored("lost_deal", 1)),
    "csi": ("answer", csi),
    "enps": ("answer", enps),
    "cases_opened": ("case", _number(lambda _, __: True)),
    "cases_open": ("case", _number(lambda _, f: f.closed_at is None)),
    "cases_overdue": (
        "case",
        _number(lambda known, f: f.closed_at is None and f.due_at < known.now),
    ),
    "review_count": ("review", _number(lambda _, f: f.removed_at is None)),
    "review_rating": ("review", rating),
    "review_reply_rate": ("review", replied_to),
    "claims": ("claim", _number(lambda _, __: True)),
    "claims_worked_off_in_24h": ("claim", worked_off_in_a_day),
    "purchases": ("purchase", _number(lambda _, __: True)),
    "revenue": ("purchase", revenue),
    "average_check": ("purchase", average_check),
    "ad_spend": ("ad_spend", spent_on_ads),
    "cost_per_lead": ("lead", cost_of_each),
    "cost_per_deal": ("deal", cost_of_each),
    "points_issued": ("points", issued),
    "points_spent": ("points", spent),
}
"""Kind and definition of each metric; cases_closed counts by another time, occupancy by two kinds."""
