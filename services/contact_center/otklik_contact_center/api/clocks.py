"""Clocks of promises, and what would have come of others."""

from datetime import datetime
from typing import Annotated, Final, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, Field

from otklik_common.callers import Caller, require
from otklik_common.events.access import TargetName
from otklik_common.events.contact_center import ChannelName, ClockState, SlaClock, channel_of
from otklik_common.http import PROBLEMS, AwareTime, Now, Page, Pages, Paging
from otklik_common.module import Platform
from otklik_contact_center.actions import clocks_shown
from otklik_contact_center.actions.backtest import Backtests
from otklik_contact_center.api.backtest_schemas import BacktestBody, BacktestOut, FlipOut
from otklik_contact_center.api.schemas import Code
from otklik_contact_center.domain.backtest import Flip
from otklik_contact_center.store.clocks_read import Kept, Wanted
from otklik_contact_center.store.columns import SCHEMA

PREFIX: Final = "/contact-center/v1"

Reads = Annotated[Caller, Depends(require("contacts:read"))]


class ClockView(BaseModel):
    """A clock of a promise; times are null until they happen, spans are milliseconds."""

    id: UUID = Field(description="its subject in facts and metrics")
    contact: UUID
    target: str
    policy: str
    priority: int
    matched: tuple[str, ...] = Field(
        description="the conditions by which the policy is limited: all of them fit the contact"
    )
    calendar: str | None = Field(description="whose business time counts; null: elapsed time")
    state: ClockState
    paused: bool
    target_ms: int
    warning_ms: int
    started_at: datetime
    due_at: datetime | None = Field(description="null while a pause holds it back")
    breached_at: datetime | None
    ended_at: datetime | None
    used_ms: int | None = Field(description="what it had used when it ended")
    channel: ChannelName
    branch: str | None
    queue: str | None
    agent: str | None

    @classmethod
    def of(cls, id_: UUID, data: str) -> Self:
        """The answer for a clock."""
        told = SlaClock.model_validate_json(data)
        fact = told.model_dump() | {"channel": channel_of(told)}
        return cls(id=id_, **{name: fact[name] for name in cls.model_fields if name in fact})


class ClocksOut(BaseModel):
    """The clocks of a contact."""

    items: list[ClockView]


def _key(kept: Kept) -> tuple[datetime, UUID]:
    return kept.due_at, kept.id


def _flip_key(flip: Flip) -> tuple[datetime, UUID, str, str]:
    return flip.place


async def _wanted(
    state: Annotated[Literal["pending", "imminent", "breaching"] | None, Query()] = None,
    target: Annotated[TargetName | None, Query()] = None,
    branch: Annotated[Code | None, Query()] = None,
    due_before: Annotated[AwareTime | None, Query()] = None,
) -> Wanted:
    return Wanted(state, None if target is None else target.value, branch, due_before)


def router(platform: Platform) -> APIRouter:
    """The routes."""
    db, directory = platform.database(SCHEMA, "api"), platform.directory(SCHEMA)
    backtests = Backtests(db, directory)
    made = APIRouter(prefix=PREFIX, tags=["clocks"])

    @made.get(
        "/clocks",
        operation_id="list_clocks",
        summary="Promises that are to be kept",
        responses=PROBLEMS(400, 401, 403, 422),
    )
    async def list_running(
        caller: Reads, wanted: Annotated[Wanted, Depends(_wanted)], paging: Pages
    ) -> Page[ClockView]:
        """
        Clocks that run, of branches within reach, whatever is due first before the others; those
        that a pause holds back are not among them. `imminent`: about to break; `breaching`: broken,
        and the customer still waits.
        """
        part = paging.part(caller.tenant)
        rows = await clocks_shown.running(db, caller, wanted, part)
        return part.page(rows, key=_key, item=lambda one: ClockView.of(one.id, one.data))

    @made.get(
        "/contacts/{contact_id}/clocks",
        operation_id="list_clocks_of_contact",
        summary="What was promised about a contact",
        responses=PROBLEMS(401, 403, 404, 422),
    )
    async def of_contact(contact_id: Annotated[UUID, Path()], caller: Reads) -> ClocksOut:
        """Every promise about it, kept, broken or still to be kept, and by which policy."""
        rows = await clocks_shown.of_contact(db, caller, contact_id)
        return ClocksOut(items=[ClockView.of(*row) for row in rows])

    @made.post(
        "/sla-policies:backtest",
        operation_id="backtest_sla_policies",
        summary="The past under other promises",
        responses=PROBLEMS(400, 401, 403, 422, 429),
    )
    async def backtest(
        body: BacktestBody, caller: Reads, now: Now, request: Request
    ) -> BacktestOut:
        """
        What would have come of the contacts of a period under another policy, calendar, threshold or
        lunch break, and which of their clocks come out differently. Nothing is changed by it.

        Other terms and hours hold for the whole period; what is not sent holds as it did. Up to
        200,000 contacts at once, and one back-test of a company at a time.
        """
        query = body.model_dump(mode="json", exclude={"limit", "cursor"})
        paging = Paging.of(request, limit=body.limit, cursor=body.cursor, query=query)
        part = paging.part(caller.tenant)
        tried = await backtests.run(caller, body.asked(), part, now=now)
        page = part.page(tried.flips, key=_flip_key, item=FlipOut.of)
        return BacktestOut.of(tried, page.items, page.next_cursor)

    return made
