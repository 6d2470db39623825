"""Every metric by every path against its definition written down naively, on random facts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from otklik_metrics.actions.query import Answered
from otklik_metrics.actions.reading import Step
from otklik_metrics.domain.answer import Row
from otklik_metrics.domain.query import Query
from tests.integration.metrics.conftest import World
from tests.support.metrics_known import Facts, Known
from tests.support.metrics_naive_business import CENTRAL, OWN
from tests.support.metrics_oracle import TIMES, chosen, definition
from tests.support.metrics_random_facts import some_facts
from tests.support.metrics_world import (
    Wanted,
    a_company,
    a_query,
    ask_it,
    found_company,
    take_in_known,
    without_rollups,
)

SEEDS = (1, *(pytest.param(seed, marks=pytest.mark.long) for seed in (2, 3)))

CONTACTS: Sequence[Wanted] = (
    "contacts_offered",
    "contacts_answered",
    "contacts_abandoned",
    "contacts_open",
    *(
        ("service_level", {"threshold_seconds": limit, "formula": formula})
        for formula in (
            "offered_all",
            "excl_short",
            "removed_within",
            "ignore_abandoned_within",
            "short_as_success",
            "answered_only",
        )
        for limit in (20, 37.5)
    ),
    ("service_level", {"short_abandon_seconds": 7}),
    "asa_seconds",
)
MORE_CONTACTS: Sequence[Wanted] = (
    "aht_seconds",
    "patience_seconds",
    "abandonment_rate",
    ("abandonment_rate", {"short_abandon_seconds": 5}),
    "transfer_rate",
    "sla_attainment",
    "contacts_missed",
    "not_called_back",
    "fcr",
    ("fcr", {"days": 30}),
)
SPANS: Sequence[Wanted] = tuple(
    (name, {"statistic": statistic})
    for name in ("wait_seconds", "handle_seconds", "first_response_seconds", "resolution_seconds")
    for statistic in ("mean", "min", "max", "p50", "p90")
)
REPLIES: Sequence[Wanted] = tuple(
    ("next_response_seconds", {"statistic": statistic})
    for statistic in ("mean", "max", "p50", "p75", "p95", "p99")
)
CLOCKS: Sequence[Wanted] = (
    ("sla_attainment", {"target": "first_response"}),
    ("sla_attainment", {"target": "resolution"}),
    ("sla_attainment", {"target": "callback"}),
    "sla_breaches",
    ("sla_breaches", {"target": "resolution"}),
    "sla_at_risk",
    "sla_overdue",
)
OTHER_CLOCKS: Sequence[Wanted] = (
    *(("sla_attainment", {"target": target}) for target in ("claim_answer", "review_reply")),
    ("sla_attainment", {"target": "claim_term"}),
    *(
        (name, {"target": target})
        for name in ("sla_breaches", "sla_at_risk", "sla_overdue")
        for target in ("any_of_feedback", "claim_reaction")
    ),
)
FEEDBACK: Sequence[Wanted] = (
    "review_count",
    "review_rating",
    "review_reply_rate",
    "claims",
    "claims_worked_off_in_24h",
)
PROMISES: Sequence[Wanted] = ("promises_kept", "promises_broken", "promises_at_risk")
ANSWERS: Sequence[Wanted] = (
    "answers",
    "nps",
    ("nps", {"scale": "1-10"}),
    ("nps", {"basis": "latest"}),
    ("nps", {"basis": "latest", "scale": "1-10"}),
    "nps_promoters",
    "nps_detractors",
    "csat",
    ("csat", {"top": 1}),
    "ces",
    "leakage_rate",
    "csi",
    ("csi", {"variant": "rescaled"}),
    ("csi", {"variant": "mean"}),
    "enps",
    ("enps", {"answers": "named"}),
)
QUALITY: Sequence[Wanted] = ("evaluations", "qa_score", "qa_failed_rate", "qa_dispute_rate")
SCRIPTS: Sequence[Wanted] = (
    "script_runs",
    "script_kept",
    "script_kept_whole",
    "script_coverage",
)
CASES: Sequence[Wanted] = ("cases_opened", "cases_open", "cases_overdue")
MONEY: Sequence[Wanted] = (
    "purchases",
    "revenue",
    ("revenue", {"currency": "KZT"}),
    "average_check",
)
POINTS: Sequence[Wanted] = ("points_issued", "points_spent")
BUSINESS: Sequence[Wanted] = (
    *(
        (name, {"statistic": statistic, "clock": "business"})
        for name in ("first_response_seconds", "resolution_seconds", "next_response_seconds")
        for statistic in ("mean", "min", "max", "p50", "p90")
    ),
    *(
        ("process_seconds", {"between": between, "clock": "business", "statistic": "p50"})
        for between in ("created_to_contacted", "assigned_to_closed")
    ),
)
LEADS: Sequence[Wanted] = (
    "unworked_rate",
    ("unworked_rate", {"party": "seller"}),
    ("unworked_rate", {"party": None}),
    "unserved_rate",
    "leads",
    "leads_waiting",
    *(
        ("lead_conversion", {"step": step})
        for step in ("assigned", "contacted", "qualified", "showing", "deal", "closed")
    ),
    *(("speed_to_lead", {"within_minutes": minutes}) for minutes in ("5", "15", "60")),
)
DELAYS: Sequence[Wanted] = (
    *(("lead_attempt_seconds", {"statistic": statistic}) for statistic in ("mean", "max", "p50")),
    *(("lead_contact_seconds", {"statistic": statistic}) for statistic in ("mean", "min", "p95")),
    "process_kept",
    ("process_kept", {"between": "created_to_attempted", "within_seconds": 300}),
    ("process_kept", {"between": "assigned_to_contacted", "within_seconds": 86_400 * 5}),
    "process_seconds",
    ("process_seconds", {"between": "assigned_to_showing", "statistic": "p50"}),
    ("process_seconds", {"between": "contacted_to_closed", "statistic": "max"}),
    ("process_seconds", {"between": "showing_to_deal", "statistic": "p90"}),
    "lead_system_delay_seconds",
    "lead_human_delay_seconds",
)
SALES: Sequence[Wanted] = ("showings",)
DEALS: Sequence[Wanted] = ("deals", "deal_amount", ("deal_amount", {"currency": "EUR"}))
ATTRIBUTION: Sequence[Wanted] = (
    *(
        (name, {"model": model})
        for name in ("attributed_leads", "attributed_deals", "attributed_amount")
        for model in ("first", "lead", "last", "last_non_direct", "linear", "position")
    ),
    ("attributed_amount", {"model": "linear", "currency": "EUR"}),
)
ADVERTISING: Sequence[Wanted] = (
    "ad_spend",
    ("ad_spend", {"currency": "KZT"}),
    "cost_per_lead",
    ("cost_per_lead", {"currency": "KZT"}),
    "cost_per_deal",
)
ALL = (
    *(
        CONTACTS,
        MORE_CONTACTS,
        SPANS,
        REPLIES,
        CLOCKS,
        OTHER_CLOCKS,
        PROMISES,
        ANSWERS,
        CASES,
        MONEY,
        POINTS,
    ),
    *(LEADS, DELAYS, SALES, DEALS, ADVERTISING, ATTRIBUTION, QUALITY, SCRIPTS, FEEDBACK),
)

SHAPES: Mapping[str, dict[str, Any]] = {
    "total": {},
    "weeks": {"granularity": "week"},
    "what is to come": {"end": "2026-07-01T00:00:00+02:00", "granularity": "month"},
    "months by branch": {"granularity": "month", "group_by": ["branch"]},
    "ends inside a day": {
        "start": "2026-03-03T10:20:11.5+01:00",
        "end": "2026-04-21T17:05:00+02:00",
        "granularity": "month",
    },
    "another zone": {"granularity": "week", "timezone": "Asia/Kathmandu"},
    "heat map": {"group_by": ["weekday", "two_hour_slot"]},
    "all of the week's clock": {
        "group_by": ["two_hour_slot", "weekday", "hour_of_day"],
        "timezone": "Asia/Kathmandu",
    },
    "heat map by branch": {"group_by": ["hour_of_day", "branch", "weekday"]},
    "filtered": {
        "granularity": "quarter",
        "filters": [("branch", "in", ["tyumen", None]), ("weekday", "ne", [7])],
    },
    "not in": {"filters": [("branch", "not_in", ["perm"])], "group_by": ["day_of_month"]},
    "reach": {"branches": frozenset(["perm", "omsk"]), "group_by": ["branch"]},
}


@pytest.mark.asyncio
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shape", SHAPES)
async def test_rollups_facts_and_definitions_agree(world: World, seed: int, shape: str) -> None:
    known = some_facts(seed)
    await found_company(world)
    await take_in_known(world, known)
    company = a_company(world.tenant)
    # Spending is known by whole days.
    whole_days = not {"hour_of_day", "two_hour_slot"} & set(SHAPES[shape].get("group_by", ()))
    asked = [some for some in ALL if whole_days or some is not ADVERTISING]
    queries = [a_query(*some, company=company, **SHAPES[shape]) for some in asked]
    by_rollups = [await ask_it(world, query, known.now) for query in queries]
    assert {step.reads for found in by_rollups for step in _steps(found)} == {"rollup", "facts"}
    await without_rollups(world)
    for query, fast in zip(queries, by_rollups, strict=True):
        slow = await ask_it(world, query, known.now)
        assert list(fast.rows) == list(slow.rows)
        assert {step.reads for step in _steps(slow)} == {"facts"}
        for row in slow.rows:
            _check(known, query, row)


BY_ADVERTISING: Mapping[str, dict[str, Any]] = {
    "by place": {"group_by": ["ad_source"], "granularity": "month"},
    "by place and sort": {"group_by": ["ad_source", "medium", "campaign"]},
    "of one campaign": {"group_by": ["medium"], "filters": [("campaign", "eq", ["spring"])]},
    "of what nobody knows": {"group_by": ["branch"], "filters": [("ad_source", "eq", [None])]},
}


@pytest.mark.asyncio
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shape", BY_ADVERTISING)
async def test_requests_and_deals_are_cut_by_what_brought_them(
    world: World, seed: int, shape: str
) -> None:
    known = some_facts(seed)
    await found_company(world)
    await take_in_known(world, known)
    company = a_company(world.tenant)
    asked = (LEADS, SALES, DEALS, ADVERTISING, ATTRIBUTION)
    queries = [a_query(*some, company=company, **BY_ADVERTISING[shape]) for some in asked]
    by_rollups = [await ask_it(world, query, known.now) for query in queries]
    assert "rollup" in {step.reads for found in by_rollups for step in _steps(found)}
    await without_rollups(world)
    for query, fast in zip(queries, by_rollups, strict=True):
        slow = await ask_it(world, query, known.now)
        assert list(fast.rows) == list(slow.rows)
        for row in slow.rows:
            _check(known, query, row)


@pytest.mark.asyncio
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shape", SHAPES)
async def test_business_time_is_that_of_each_branch_s_wall_clock(
    world: World, seed: int, shape: str
) -> None:
    known = some_facts(seed)
    await found_company(world)
    await take_in_known(world, known)
    company = replace(
        a_company(world.tenant),
        calendar=CENTRAL.fact(default=True),
        branch_calendars={branch: office.fact() for branch, office in OWN.items()},
    )
    query = a_query(*BUSINESS, company=company, **SHAPES[shape])
    found = await ask_it(world, query, known.now)
    assert {step.reads for step in _steps(found)} == {"facts"}
    for row in found.rows:
        _check(known, query, row)


def _steps(found: Answered) -> list[Step]:
    return [step for steps in found.steps.values() for step in steps]


def _check(known: Known, query: Query, row: Row) -> None:
    for asked, cell in zip(query.asked, row.cells, strict=True):
        said = dict(asked.params)
        kind, naive = definition(asked.metric.name, said)
        beside = {other: _facts_of(known, query, other, row) for other in asked.metric.beside}
        value, n = naive(known, _facts_of(known, query, kind, row), said | beside)
        shown = (asked.metric.identity(said), row.bucket, row.key, cell, value, n)
        if cell.n is None:
            # Anonymous answers: hidden for their own number, or for that of another group.
            assert (cell.value, cell.suppressed, n > 0) == (None, True, True), shown
            continue
        if cell.suppressed:
            assert 0 < n < asked.metric.minimum_n, shown
            assert cell.value is None, shown
        elif value is None or cell.value is None:
            assert cell.value is None, shown
            assert value is None, shown
        else:
            close = 0.01 if str(said.get("statistic", "")).startswith("p") else 1e-12
            assert cell.value == pytest.approx(float(value), rel=close), shown
        assert cell.n == n, shown


def _facts_of(known: Known, query: Query, kind: str, row: Row) -> Facts:
    start, end = query.buckets.start, query.buckets.end
    if query.buckets.edges:
        edges = [*query.buckets.edges, end]
        start, end = max(start, edges[row.bucket]), edges[row.bucket + 1]

    def keep(fact: Any) -> bool:
        at = _local(fact, kind, query.zone)
        inside = all(
            (_value(fact, one.dimension, at) in one.values) is not one.negated
            for one in query.filters
        )
        mine = all(
            _value(fact, name, at) == part
            for name, part in zip(query.group_by, row.key, strict=True)
        )
        return inside and mine

    return chosen(known, kind, start, end, keep)


def _local(fact: Any, kind: str, zone: ZoneInfo) -> datetime:
    at: datetime = getattr(fact, TIMES[kind])
    return at.astimezone(zone)


CLOCK: Mapping[str, Callable[[datetime], int]] = {
    "weekday": lambda at: at.isoweekday(),
    "hour_of_day": lambda at: at.hour,
    "two_hour_slot": lambda at: at.hour // 2 * 2,
    "day_of_month": lambda at: at.day,
}


def _value(fact: Any, name: str, at: datetime) -> Any:
    return CLOCK[name](at) if name in CLOCK else getattr(fact, name)
