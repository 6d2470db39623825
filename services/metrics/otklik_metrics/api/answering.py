"""Bodies into queries, and answers into what callers read."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from otklik_common.callers import Caller
from otklik_common.language import Lang
from otklik_metrics.actions.query import Answered
from otklik_metrics.actions.reading import Step
from otklik_metrics.api.schemas import FilterBody, QueryBody, TimeBody, instant
from otklik_metrics.domain.answer import Row, excluded
from otklik_metrics.domain.catalogue.words import HIDDEN
from otklik_metrics.domain.closed_cells import check_closed_cells, is_closed
from otklik_metrics.domain.company import Company
from otklik_metrics.domain.dimensions import BRANCH_GROUP
from otklik_metrics.domain.indicators.cells import Cell
from otklik_metrics.domain.query import (
    Asked,
    Filter,
    Query,
    ask,
    check_dimensions,
    check_past,
    filter_of,
    range_of,
    top_of,
    within_reach,
)
from otklik_metrics.domain.readings import BUSINESS
from otklik_metrics.domain.zones import Buckets, Granularity


def query_of(body: QueryBody, company: Company, caller: Caller, now: datetime) -> Query:
    """
    The query that a body asks, kept to the caller's branches.

    Raises:
        QueryRefused: Of any kind; nothing has been read then.
    """
    asked = ask(company, [one.wanted() for one in body.metrics])
    group_by = tuple(dict.fromkeys(body.group_by))
    names = [*group_by, *(one.dimension for one in body.filters)]
    check_dimensions(asked, names)
    check_past(body.as_of, asked, names)
    query = Query(
        company=company,
        asked=asked,
        buckets=buckets_of(body.time, company),
        group_by=group_by,
        filters=filters_of(body.filters, company, caller),
        compare=body.compare is not None,
        as_of=body.as_of,
        top=None
        if body.top is None
        else top_of(asked, group_by, body.top.n, body.top.by, other=body.top.other),
    )
    check_closed_cells(query, now)
    return query


def buckets_of(time: TimeBody, company: Company) -> Buckets:
    """The buckets of a range. Raises as `range_of`."""
    return range_of(
        instant(time.from_),
        instant(time.to),
        Granularity(time.granularity),
        company.timezone if time.timezone is None else time.timezone,
    )


def filters_of(
    bodies: Iterable[FilterBody], company: Company, caller: Caller
) -> tuple[Filter, ...]:
    """The conditions asked for, and that of the caller's reach. Raises as `filter_of`."""
    asked = [filter_of(company, one.dimension, one.op, one.said()) for one in bodies]
    return within_reach(asked, caller.branches)


def answer_out(
    query: Query, found: Answered, now: datetime, language: Lang, *, explain: bool
) -> dict[str, Any]:
    """The whole answer, ready to be written as JSON."""
    labels = query.buckets.labels
    out: dict[str, Any] = {
        "columns": _columns(query),
        "rows": [_row(query, row, labels[row.bucket]) for row in found.rows],
        "receipts": receipts_out(query, found, language),
        "freshness": freshness_out(found.fresh, now),
    }
    if explain:
        out["plan"] = plan_out(query, found, language)
    return out


def receipts_out(query: Query, found: Answered, language: Lang) -> dict[str, dict[str, Any]]:
    """How each number came about, by its name in the rows."""
    return {
        one.name: _receipt(query, one, found, place, language)
        for place, one in enumerate(query.asked)
    }


def plan_out(query: Query, found: Answered, language: Lang) -> list[Mapping[str, Any]]:
    """What was read for each number."""
    return [_step(one, step, language) for one in query.asked for step in found.steps[one.name]]


def freshness_out(fresh: datetime | None, now: datetime) -> dict[str, Any]:
    """How far the numbers reach."""
    if fresh is None:
        return {"log": None, "lag_seconds": None}
    return {"log": fresh, "lag_seconds": max(0.0, round((now - fresh).total_seconds(), 3))}


def _columns(query: Query) -> list[dict[str, Any]]:
    metrics = [
        {
            "name": one.name,
            "kind": "metric",
            "metric": one.metric.name,
            "unit": one.params.get("currency", one.metric.unit),
        }
        for one in query.asked
    ]
    dimensions = [{"name": name, "kind": "dimension"} for name in query.group_by]
    return [{"name": "bucket", "kind": "bucket"}, *dimensions, *metrics]


def _row(query: Query, row: Row, label: str | None) -> dict[str, Any]:
    out: dict[str, Any] = {"bucket": label}
    if row.is_other:
        out |= dict.fromkeys(query.group_by)
        out["other"] = True
    else:
        out |= zip(query.group_by, row.key, strict=True)
    for one, cell, previous in zip(query.asked, row.cells, row.previous, strict=True):
        out[one.name] = {
            **_cell(one, cell),
            "previous": None if previous is None else _cell(one, previous),
        }
    return out


def _cell(one: Asked, cell: Cell) -> dict[str, Any]:
    return {
        "value": cell.value,
        "numerator": cell.numerator,
        "denominator": cell.denominator,
        "n": cell.n,
        "n_effective": cell.n_effective,
        "low_base": one.metric.is_low(cell),
        "interval": cell.interval,
        "excluded": cell.excluded,
        "suppressed": cell.suppressed,
        "reason": cell.reason,
        "open": cell.open,
    }


def _receipt(
    query: Query, one: Asked, found: Answered, place: int, language: Lang
) -> dict[str, Any]:
    metric = one.metric
    receipt = {
        "metric": metric.name,
        "definition": metric.identity(one.params),
        "formula": metric.formula_of(one.params).in_(language),
        "version": metric.version,
        "source": metric.source.in_(language),
        "unit": one.params.get("currency", metric.unit),
        "timezone": query.zone.key,
        "numerator": metric.numerator and metric.numerator.in_(language),
        "denominator": metric.denominator and metric.denominator.in_(language),
        "computation": metric.computation,
        "minimum_n": metric.minimum_n,
        "interval": metric.interval,
        "excluded": excluded(found.rows, place),
        "notes": _notes(query, one, found.calendars.get(one.name), language),
    }
    if one.params.get("clock") == BUSINESS:
        receipt["calendars"] = sorted(found.calendars.get(one.name, ()))
    going_on = [row.cells[place] for row in found.rows if row.cells[place].open is not None]
    if going_on:
        still_open = sum(cell.open or 0 for cell in going_on)
        receipt |= {
            "closed": sum(cell.n or 0 for cell in going_on) - still_open,
            "open": still_open,
        }
    return receipt


def _notes(query: Query, one: Asked, told_by: frozenset[str] | None, language: Lang) -> list[str]:
    notes = []
    if one.metric.shape in HIDDEN:
        notes.append(
            (
                f"fewer than {one.metric.minimum_n} answers are not shown: a rule of display",
                f"меньше {one.metric.minimum_n} ответов не показываем: правило показа",
            )
        )
    if BRANCH_GROUP in query.group_by:
        notes.append(
            (
                "a branch counts in each of its groups, so groups do not add up to the total",
                "филиал считается в каждой своей группе, поэтому группы не складываются в итог",
            )
        )
    if one.params.get("clock") == BUSINESS and query.company.calendar is not None:
        notes.append(_by_calendars(query.company.calendar.code, told_by or frozenset()))
    if is_closed(one):
        notes.append(
            (
                "anonymous answers; where a group is hidden, so are the next smallest, until at "
                f"least two are and have {one.metric.minimum_n} answers together",
                "анонимные ответы; если скрыта группа, скрываются и следующие по величине, пока "
                f"их не станет две и в них вместе не наберётся {one.metric.minimum_n} ответов",
            )
        )
    return [ru if language == "ru" else en for en, ru in notes]


def _by_calendars(default: str, told_by: frozenset[str]) -> tuple[str, str]:
    if told_by <= {default}:
        return (
            f"business time of the calendar {default}, the company's default, as it is now",
            f"рабочее время по календарю {default}, основному у компании, каков он сейчас",
        )
    codes = ", ".join(sorted(told_by))
    return (
        f"business time of the calendars {codes}, as they are now: of each branch its own, else "
        f"{default}, the company's default",
        f"рабочее время по календарям {codes}, каковы они сейчас: у филиала по его собственному, "
        f"иначе по {default}, основному у компании",
    )


def _step(one: Asked, step: Step, language: Lang) -> Mapping[str, Any]:
    rollup = step.piece.rollup
    return {
        "metric": one.name,
        "reads": step.reads,
        "kind": step.kind,
        "grain": None if rollup is None else rollup.grain,
        "dimensions": None if rollup is None else rollup.dimensions,
        "from": step.piece.start,
        "to": step.piece.end,
        # The number of anonymous answers may be the very thing that is withheld.
        "rows": None if is_closed(one) else step.rows,
        "because": None if step.because is None else step.because.in_(language),
    }
