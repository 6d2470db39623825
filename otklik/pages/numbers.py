"""What the first page shows: a few queries, turned into plain numbers."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from otklik.pages.gateway import Visit, if_allowed
from otklik.pages.periods import Period

CALLS = {"dimension": "channel", "op": "in", "values": ["call"]}
SERVICE = {
    "name": "service_level",
    "threshold_seconds": 20,
    "short_abandon_seconds": 5,
    "as": "sl20",
}
OFFERED = {"name": "contacts_offered", "as": "calls"}
NOT_CALLED_BACK = {"name": "not_called_back", "as": "waiting"}
NPS = {"name": "nps", "as": "nps"}
OPENED = {"name": "cases_open", "as": "cases"}
OVERDUE = {"name": "cases_overdue", "as": "overdue"}

AT_RISK = {"name": "sla_at_risk", "as": "at_risk"}
BROKEN = {"name": "sla_overdue", "as": "broken"}
WORDS_LATE = {"name": "sla_overdue", "target": "any_of_feedback", "as": "words_late"}
"""Of reviews and claims."""

PROMISES_AT_RISK = {"name": "promises_at_risk", "as": "promises_at_risk"}
PROMISES_BROKEN = {"name": "promises_broken", "as": "promises_broken"}
RESPONSE = {"name": "first_response_seconds", "clock": "business", "as": "response"}
"""Not on the first page: business time is counted contact by contact."""

UNWORKED = {"name": "leads_waiting", "as": "unworked"}

METRICS: dict[str, dict[str, Any]] = {
    "calls": OFFERED,
    "sl20": SERVICE,
    "waiting": NOT_CALLED_BACK,
    "nps": NPS,
    "cases": OPENED,
    "overdue": OVERDUE,
    "at_risk": AT_RISK,
    "broken": BROKEN,
    "words_late": WORDS_LATE,
    "unworked": UNWORKED,
    "promises_at_risk": PROMISES_AT_RISK,
    "promises_broken": PROMISES_BROKEN,
    "response": RESPONSE,
}
"""Name on the page → metric of the query API; what a number links to."""

ABOUT_CALLS = frozenset(("calls", "sl20", "waiting"))

NOW = ("cases", "overdue", "at_risk", "broken", "words_late", "unworked")
"""What somebody is to do something about now."""

PROMISED = ("promises_at_risk", "promises_broken")
"""What agents promised."""

AHEAD = timedelta(days=2)
"""A promise warns so long before it is due at most: those of the next days are looked at too."""

CASES_SHOWN = 8

MOST_AGENTS = 30
"""Shown at once; the others are folded away, so that all add up to the total."""

CLOCK = ("weekday", "two_hour_slot", "day_of_month")
"""What the company's clock shows."""

PLACE = ("branch", "agent", *CLOCK)
"""What a number may be limited to, in its address as in a query."""

LONG_AGO = timedelta(days=3650)
"""A company that has had no call since has never had one."""


@dataclass(slots=True)
class Line:
    """
    The numbers of the company, of one branch, or of one realtor there.

    Attributes:
        place: What the numbers are limited to, by dimension; None is a value like any other:
            that of calls without a branch, or assigned to nobody.
    """

    place: dict[str, str | None]
    cells: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def branch(self) -> str | None:
        """Code of the branch, if it is about one."""
        return self.place.get("branch")

    @property
    def agent(self) -> str | None:
        """Code of the realtor, if it is about one."""
        return self.place.get("agent")

    @property
    def asked(self) -> dict[str, str]:
        """Its place in an address: what is missing stands there empty, as `body` reads it."""
        return {dimension: value or "" for dimension, value in self.place.items()}

    def value(self, name: str) -> Any:
        """The value of a cell; None if it has none."""
        return self.cells.get(name, {}).get("value")


@dataclass(frozen=True, slots=True)
class Case:
    """A customer to call; times as the API writes them."""

    id: str
    branch: str | None
    reason: str
    state: str
    opened_at: str
    due_at: str
    overdue: bool


@dataclass(slots=True)
class Numbers:
    """
    The whole first page.

    Attributes:
        ever_called: Whether anybody ever called this company, in whatever period and branch.
    """

    total: Line
    branches: list[Line]
    realtors: list[Line]
    lag_seconds: float | None
    ever_called: bool


def body(
    names: list[str], period: Period, place: Mapping[str, str], *, by: Sequence[str] = ()
) -> dict[str, Any]:
    """
    A metric query; numbers about calls are filtered to calls, promises count by when they are due.

    Args:
        place: What it is limited to, by the dimensions of `PLACE`; empty means those without one.
    """
    filters: list[dict[str, Any]] = []
    if ABOUT_CALLS.issuperset(names):
        filters.append(CALLS)
    for dimension, text in place.items():
        filters.append({"dimension": dimension, "op": "in", "values": [_said(dimension, text)]})
    ahead = AHEAD if names[0] in PROMISED else timedelta()
    return {
        "metrics": [METRICS[name] for name in names],
        "time": replace(period, ends=period.ends + ahead).query(),
        "group_by": list(by),
        "filters": filters,
    }


def _said(dimension: str, text: str) -> str | int | None:
    """A value of an address as a query says it; what is no number there is refused by the query."""
    if dimension in CLOCK and text.isascii() and text.isdecimal():
        return int(text[:9])
    return text or None


def records(question: dict[str, Any], *, limit: int, cursor: str | None = None) -> dict[str, Any]:
    """The query of the records behind a question of one metric."""
    (metric,) = question["metrics"]
    return {
        "metric": metric,
        "time": question["time"],
        "filters": question["filters"],
        "limit": limit,
        "cursor": cursor,
    }


async def cases_to_call(visit: Visit, period: Period, branch: str | None) -> list[Case]:
    """
    Some of the cases that the first page counts as open, the overdue ones first.

    The records of those very numbers, not a list of feedback's: its `open` knows no period, and
    leaves out whom somebody has called already.
    """
    overdue, cases = await asyncio.gather(
        *(
            visit.post(
                "/metrics/v1/query/records",
                records(body([name], period, _in(branch)), limit=CASES_SHOWN),
            )
            for name in ("overdue", "cases")
        )
    )
    late = {record["subject"] for record in overdue["items"]}
    found = {record["subject"]: record for record in overdue["items"] + cases["items"]}
    shown = [
        Case(
            id=subject,
            branch=record["dimensions"]["branch"],
            reason=record["dimensions"]["reason"],
            state=record["values"]["state"],
            opened_at=record["at"],
            due_at=record["values"]["due_at"],
            overdue=subject in late,
        )
        for subject, record in found.items()
    ]
    return sorted(shown, key=lambda case: (not case.overdue, case.due_at))[:CASES_SHOWN]


async def first_page(visit: Visit, period: Period, branch: str | None) -> Numbers:
    """All numbers of the first page."""
    about_calls, place = sorted(ABOUT_CALLS), _in(branch)
    asked = [
        body(about_calls, period, place),
        body(["nps"], period, place),
        body([*NOW], period, place),
        body([*PROMISED], period, place),
        body(about_calls, period, place, by=["branch"]),
        body(["nps"], period, place, by=["branch"]),
        body([*NOW], period, place, by=["branch"]),
        body(["waiting"], period, place, by=["branch", "agent"]),
    ]
    answers = await asyncio.gather(
        *(visit.post("/metrics/v1/query", question) for question in asked)
    )
    total = Line({**place})
    for answer in answers[:4]:
        for row in answer["rows"]:
            total.cells |= _cells(row)
    lines: dict[str | None, Line] = {}
    for answer in answers[4:7]:
        for row in answer["rows"]:
            line = lines.setdefault(row["branch"], Line({"branch": row["branch"]}))
            line.cells |= _cells(row)
    realtors = [
        Line({"branch": row["branch"], "agent": row["agent"]}, _cells(row))
        for row in answers[7]["rows"]
    ]
    freshness = answers[0].get("freshness") or {}
    return Numbers(
        total,
        sorted(lines.values(), key=lambda line: (-(line.value("waiting") or 0), line.branch or "")),
        sorted(
            (line for line in realtors if line.value("waiting")),
            key=lambda line: (-line.value("waiting"), line.branch or "", line.agent or ""),
        ),
        freshness.get("lag_seconds"),
        ever_called=bool(total.value("calls")) or await _ever_called(visit, period),
    )


def _in(branch: str | None) -> dict[str, str]:
    return {} if branch is None else {"branch": branch}


async def _ever_called(visit: Visit, period: Period) -> bool:
    long = replace(period, begins=period.ends - LONG_AGO)
    question = body(["calls"], long, {})
    answer = await visit.post("/metrics/v1/query", question)
    return bool(answer["rows"][0]["calls"]["value"])


def _cells(row: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: row[name] for name in METRICS if name in row}


async def has_calendar(visit: Visit) -> bool:
    """Whether business time can be told; not for those who may not read calendars."""
    found = await if_allowed(visit.get("/access/v1/calendars", limit=1))
    return bool(found and found["items"])


async def names_of(visit: Visit, path: str, language: str) -> dict[str, str]:
    """Display names by code; empty for those who may not read them: codes do then."""
    return {one["code"]: name_of(one, language) for one in await listed(visit, path)}


def name_of(one: dict[str, Any], language: str) -> str:
    """What something of the company's directory is called."""
    names = one.get("names") or {}
    return str(names.get(language) or one.get("name") or one["code"])


async def listed(visit: Visit, path: str) -> list[dict[str, Any]]:
    """Everything that a path lists, page by page; nothing for those who may not read it."""
    found: list[dict[str, Any]] = []
    more: dict[str, str] = {}
    while page := await if_allowed(visit.get(path, limit=200, **more)):
        found += page["items"]
        if page["next_cursor"] is None:
            break
        more = {"cursor": page["next_cursor"]}
    return found
