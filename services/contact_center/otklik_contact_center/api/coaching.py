"""What agents are to learn, and how they do before and after."""

from datetime import datetime
from typing import Annotated, Any, Final, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, Field, StringConstraints

from otklik_common.callers import Caller, require
from otklik_common.http import (
    PROBLEMS,
    AwareTime,
    IfMatch,
    Now,
    Page,
    Pages,
    StrictModel,
    etag,
)
from otklik_common.module import Platform
from otklik_contact_center.actions.coaching import Coaching, Given, Shown
from otklik_contact_center.api.schemas import Code, Id
from otklik_contact_center.domain import coaching as rules
from otklik_contact_center.store.coaching import Wanted
from otklik_contact_center.store.columns import SCHEMA

PREFIX: Final = "/contact-center/v1"
USUAL: Final = "csat,promises_kept,first_response_seconds"
"""Metrics that carry the agent, where nobody names others."""

Coaches = Annotated[Caller, Depends(require("coaching:write"))]
ItemId = Annotated[Id, Path(alias="item", description="the sender's own id of it")]
MetricNames = Annotated[
    str,
    Query(
        pattern=r"^[a-z][a-z0-9_]{0,63}(,[a-z][a-z0-9_]{0,63}){0,9}$",
        description="names in the catalogue of metrics, by commas, ten at most",
    ),
]


class ItemBody(StrictModel):
    """Something that an agent is to learn; it comes from a contact or a lead."""

    agent: Code
    skill: Code = Field(description="the company's own code", examples=["needs", "objections"])
    task: Annotated[str, StringConstraints(min_length=1, max_length=rules.MOST_TASK)] = Field(
        description="what is to be done; it never leaves this service"
    )
    branch: Code | None = None
    created_at: AwareTime | None = Field(default=None, description="left out: now")
    due_at: AwareTime | None = None
    contact: Id | None = Field(default=None, description="the sender's own id of the contact")
    source: Id | None = Field(
        default=None, description="of the contact; left out: the company's default one"
    )
    lead: UUID | None = Field(default=None, description="subject of the lead")

    def given(self) -> Given:
        """As it was sent."""
        return Given(**self.model_dump())


class DoneBody(StrictModel):
    """When a task was done."""

    at: AwareTime | None = Field(default=None, description="left out: now")


class ItemOut(BaseModel):
    """Something that an agent is to learn."""

    id: str
    subject: UUID = Field(description="its subject in facts")
    agent: str
    skill: str
    task: str
    branch: str | None
    contact: UUID | None
    lead: UUID | None
    created_at: datetime
    due_at: datetime | None
    done_at: datetime | None

    @classmethod
    def of(cls, shown: Shown) -> Self:
        """The answer for an item."""
        row = shown.row
        return cls(id=row.name, subject=row.id, task=shown.task, **shown.fact.model_dump())


class EffectOut(BaseModel):
    """How to see what came of a task: two queries about the same agent."""

    agent: str
    days: int
    complete: bool = Field(description="all of the days after are over")
    before: dict[str, Any] = Field(description="body for POST /metrics/v1/query")
    after: dict[str, Any] = Field(description="the same of the days after")


async def _wanted(
    agent: Annotated[Code | None, Query()] = None,
    skill: Annotated[Code | None, Query()] = None,
    branch: Annotated[Code | None, Query()] = None,
    done: Annotated[bool | None, Query()] = None,
) -> Wanted:
    return Wanted(agent, skill, branch, done)


def router(platform: Platform) -> APIRouter:
    """The routes."""
    items = Coaching(platform.database(SCHEMA, "api"), platform.directory(SCHEMA), platform.sealer)
    made = APIRouter(prefix=PREFIX, tags=["coaching"])

    @made.get(
        "/coaching-items",
        operation_id="list_coaching_items",
        summary="What agents are to learn",
        responses=PROBLEMS(400, 401, 403, 422),
    )
    async def list_items(
        caller: Coaches, wanted: Annotated[Wanted, Depends(_wanted)], paging: Pages
    ) -> Page[ItemOut]:
        """Of branches within reach, the newest first."""
        part = paging.part(caller.tenant)
        found = await items.listed(caller, wanted, part)
        return part.page(found, key=lambda one: (one.row.created_at, one.row.id), item=ItemOut.of)

    @made.get(
        "/coaching-items/{item}",
        operation_id="get_coaching_item",
        summary="One coaching item",
        responses=PROBLEMS(401, 403, 404, 422),
    )
    async def get(item: ItemId, caller: Coaches, response: Response) -> ItemOut:
        """What is to be learnt, and whether it was."""
        return _answer(await items.get(caller, item), response)

    @made.put(
        "/coaching-items/{item}",
        operation_id="put_coaching_item",
        summary="Give an agent something to learn",
        responses=PROBLEMS(401, 403, 404, 412, 422),
    )
    async def put(
        item: ItemId,
        body: ItemBody,
        caller: Coaches,
        expected: IfMatch,
        now: Now,
        response: Response,
    ) -> ItemOut:
        """The same again changes nothing; what is done stays done."""
        shown = await items.put(caller, item, body.given(), expected=expected, now=now)
        return _answer(shown, response)

    @made.post(
        "/coaching-items/{item}/done",
        operation_id="finish_coaching_item",
        summary="Say that a task is done",
        responses=PROBLEMS(401, 403, 404, 412, 422),
    )
    async def done(
        item: ItemId,
        body: DoneBody,
        caller: Coaches,
        expected: IfMatch,
        now: Now,
        response: Response,
    ) -> ItemOut:
        """Said once more with another time, the last word holds."""
        shown = await items.done(caller, item, body.at, expected=expected, now=now)
        return _answer(shown, response)

    @made.get(
        "/coaching-items/{item}/effect",
        operation_id="get_coaching_effect",
        summary="The same agent before and after",
        responses=PROBLEMS(401, 403, 404, 409, 422),
    )
    async def effect(
        item: ItemId,
        caller: Coaches,
        now: Now,
        days: Annotated[int, Query(ge=7, le=180)] = rules.DAYS,
        metrics: MetricNames = USUAL,
    ) -> EffectOut:
        """
        Two queries for `/metrics/v1/query`: whole days before the task was given, and after it was
        done. What changed may have other reasons: one agent before and after is no experiment.
        """
        shown, found, zone = await items.effect(caller, item, days, now)

        def query(of: rules.Range) -> dict[str, Any]:
            agent = {"dimension": "agent", "op": "in", "values": [shown.fact.agent]}
            return {
                "metrics": [{"name": name} for name in metrics.split(",")],
                "time": {
                    "from": of.start.isoformat(),
                    "to": of.end.isoformat(),
                    "granularity": "total",
                    "timezone": zone,
                },
                "filters": [agent],
            }

        return EffectOut(
            agent=shown.fact.agent,
            days=days,
            complete=found.complete,
            before=query(found.before),
            after=query(found.after),
        )

    return made


def _answer(shown: Shown, response: Response) -> ItemOut:
    response.headers["ETag"] = etag(shown.row.revision)
    return ItemOut.of(shown)
