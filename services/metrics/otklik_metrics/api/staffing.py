"""The staffing route: how many agents each half hour of a week needs."""

import asyncio
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter
from pydantic import BaseModel, Field

from otklik_common.clocks.told import windows_of
from otklik_common.errors import Unprocessable
from otklik_common.hours_words import WEEKDAYS, Day, Weekday
from otklik_common.http import PROBLEMS, Now, StrictModel
from otklik_metrics.actions.query import Answered, answer
from otklik_metrics.api.answering import query_of
from otklik_metrics.api.context import PREFIX, Db, Lent, MayRead, company_asking
from otklik_metrics.api.refusals import counted_refusals
from otklik_metrics.api.schemas import (
    FilterBody,
    MetricBody,
    QueryBody,
    RangeBody,
    TimeBody,
    instant,
)
from otklik_metrics.domain.limits import MOST_FILTERS
from otklik_metrics.domain.query import Query
from otklik_metrics.domain.staffing import Plan, Wanted, plan

MOST_DAYS: Final = 100
"""Of the past: some three months tell a week, and a year would hide its seasons."""

CALLS: Final = "contacts_offered"
MEANS: Final = ("aht_seconds", "patience_seconds")

router = APIRouter(prefix=PREFIX, tags=["metrics"])


def _calls() -> list[FilterBody]:
    return [FilterBody(dimension="channel", op="eq", value="call")]


class StaffingBody(StrictModel):
    """Which calls of the past are looked at, what is promised, and what agents are like."""

    time: RangeBody = Field(description="at most 100 days of the past")
    filters: list[FilterBody] = Field(
        default_factory=_calls,
        max_length=MOST_FILTERS,
        description="left out: the channel is call; an empty list: every contact",
    )
    answered: float = Field(
        default=0.8, gt=0, lt=1, description="share of calls to be answered within the threshold"
    )
    threshold_seconds: float = Field(default=20, ge=0, le=3_600)
    handle_seconds: float | None = Field(
        default=None, gt=0, le=86_400, description="null: as it was in that time"
    )
    patience_seconds: float | None = Field(
        default=None, gt=0, le=86_400, description="null: as it was; nobody gave up: for ever"
    )
    most_occupied: float = Field(
        default=0.85, gt=0, le=1, description="no agent is to be taken for more of the time"
    )
    shrinkage: float = Field(
        default=0.3,
        ge=0,
        lt=1,
        description="share of rostered time in which people are not at work: leave, training, breaks",
    )
    hours: dict[Weekday, Day] | None = Field(
        default=None,
        description="what if it were open then? Days left out are closed; null: whenever calls came",
        examples=[{"mon": ["08:00-20:00"]}],
    )


class SlotOut(BaseModel):
    """A half hour of the week."""

    weekday: Weekday
    begins: str = Field(description="on the clock of the range's zone", examples=["09:30"])
    calls: float = Field(description="that come in it, on the average")
    agents: int | None = Field(description="at work; null: more than can be worked out")
    rostered: int | None = Field(description="on the roster, for so many to be at work")
    answered_in_time: float | None = Field(description="share, with these agents")
    asa_seconds: float | None
    abandoned: float | None = Field(description="share who give up")
    occupancy: float | None


class StaffingOut(BaseModel):
    """Agents by half hours of a week."""

    timezone: str
    handle_seconds: float
    patience_seconds: float | None = Field(description="null: nobody gives up")
    slots: list[SlotOut]
    calls_a_week: float
    calls_outside: float = Field(description="a week, outside the hours that were asked for")
    agent_hours_a_week: float
    rostered_hours_a_week: float
    most_agents: int
    notes: Annotated[list[str], Field(description="what the figures assume")]


@router.post(
    "/staffing",
    operation_id="plan_staffing",
    summary="How many agents each half hour of a week needs",
    response_model=StaffingOut,
    responses=PROBLEMS(401, 403, 409, 422, 503),
)
async def plan_staffing(
    body: StaffingBody, caller: MayRead, platform: Lent, db: Db, now: Now
) -> StaffingOut:
    """
    From the calls that came: their mean by half hours of the week, the agents that a promise takes
    by Erlang A (Erlang C where nobody gives up), and what callers meet then. With `hours` other
    opening hours are tried.
    """
    _check_range(body.time, now)
    with counted_refusals(platform):
        company = await company_asking(platform, db, caller, None)
        flow, means = (query_of(one, company, caller, now) for one in _questions(body))
        calls, told = await answer(db, flow, now), await answer(db, means, now)
    return await asyncio.to_thread(_planned, body, flow, calls, told)


def _check_range(time: RangeBody, now: datetime) -> None:
    if instant(time.to) > now:
        raise Unprocessable(
            "the time is not over: hours to come would count as hours without calls",
            code="range_not_over",
            detail_ru="период ещё не закончился: будущие часы сошли бы за часы без звонков",
        )
    if instant(time.to) - instant(time.from_) > timedelta(days=MOST_DAYS):
        raise Unprocessable(
            f"at most {MOST_DAYS} days are looked at: a longer time hides its seasons",
            code="range_too_long",
            detail_ru=f"не больше {MOST_DAYS} дней: за больший срок не видно сезонов",
        )


def _questions(body: StaffingBody) -> tuple[QueryBody, QueryBody]:
    def asked(granularity: str, *names: str) -> QueryBody:
        time = TimeBody.model_validate(
            {**body.time.model_dump(by_alias=True), "granularity": granularity}
        )
        metrics = [MetricBody(name=name) for name in names]
        return QueryBody(metrics=metrics, time=time, filters=body.filters)

    return asked("15m", CALLS), asked("total", *MEANS)


def _planned(body: StaffingBody, flow: Query, calls: Answered, told: Answered) -> StaffingOut:
    handle, patience = (cell.value for cell in told.rows[0].cells)
    handle_seconds = body.handle_seconds or handle
    if not handle_seconds:
        raise Unprocessable(
            "no call of that time tells how long one takes: say handle_seconds",
            code="no_handle_time",
            detail_ru="за это время не известна длительность обработки: задайте handle_seconds",
        )
    wanted = Wanted(
        body.answered,
        body.threshold_seconds,
        float(handle_seconds),
        body.patience_seconds or (None if not patience else float(patience)),
        body.most_occupied,
        body.shrinkage,
    )
    labels = flow.buckets.labels
    quarters = (
        (datetime.fromisoformat(labels[row.bucket] or ""), int(row.cells[0].value or 0))
        for row in calls.rows
    )
    hours = None
    if body.hours is not None:
        hours = {WEEKDAYS.index(day): windows_of(told_) for day, told_ in body.hours.items()}
    return _out(plan(quarters, wanted, hours), wanted, flow.zone.key)


def _out(found: Plan, wanted: Wanted, timezone: str) -> StaffingOut:
    slots = [_slot(one) for one in found.slots]
    agents = [one.agents or 0 for one in slots]
    notes = ["each half hour is taken for itself, as if its calls came evenly in it"]
    if wanted.patience_seconds is None:
        notes.append("nobody gives up: waits are overstated where agents are few")
    return StaffingOut(
        timezone=timezone,
        handle_seconds=round(wanted.handle_seconds, 3),
        patience_seconds=wanted.patience_seconds and round(wanted.patience_seconds, 3),
        slots=slots,
        calls_a_week=round(sum(one.calls for one in found.slots), 2),
        calls_outside=round(found.outside, 2),
        agent_hours_a_week=sum(agents) / 2,
        rostered_hours_a_week=sum(one.rostered or 0 for one in slots) / 2,
        most_agents=max(agents, default=0),
        notes=notes,
    )


def _slot(one: Any) -> SlotOut:
    day, minute = one.place
    met = None if one.need is None else one.need.meets
    return SlotOut(
        weekday=WEEKDAYS[day],
        begins=f"{minute // 60:02}:{minute % 60:02}",
        calls=round(one.calls, 3),
        agents=None if one.need is None else one.need.agents,
        rostered=None if one.need is None else one.need.rostered,
        answered_in_time=None if met is None else round(met.answered_in_time, 4),
        asa_seconds=None if met is None or met.asa_seconds is None else round(met.asa_seconds, 1),
        abandoned=None if met is None else round(met.abandoned, 4),
        occupancy=None if met is None else round(met.occupancy, 4),
    )
