"""Pushes of agents' states."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from otklik_common.callers import Caller, require
from otklik_common.http import PROBLEMS, AwareTime, Now, StrictModel, edge
from otklik_common.module import Platform
from otklik_contact_center.actions.agent_states import push_states
from otklik_contact_center.actions.push import Pushed
from otklik_contact_center.api.schemas import Code, Id, PushAnswer, RefusedItem
from otklik_contact_center.domain.admission import MAX_BYTES
from otklik_contact_center.store.columns import SCHEMA

PREFIX: Final = "/contact-center/v1"

Pushes = Annotated[Caller, Depends(require("events:push"))]


class PushedState(StrictModel):
    """An agent entered a state; it lasts until the agent's next change."""

    id: Id = Field(description="the sender's own id of the change, unique in the company for ever")
    agent: Code
    state: Code = Field(
        description="the company's own code; occupancy takes `available` for idle",
        examples=["available", "break", "offline"],
    )
    at: AwareTime = Field(description="when they entered it, with offset")
    branch: Code | None = None
    team: Code | None = None
    queue: Code | None = None


def items_body(kind: type[BaseModel]) -> dict[str, Any]:
    """
    The description of a body with one of `kind`, an array, or NDJSON.

    It is read piece by piece, so that a bad piece spoils none of the others. What `kind` is made of
    stands in the document already.
    """
    one = kind.model_json_schema(ref_template="#/components/schemas/{model}")
    one.pop("$defs", None)
    schema = {"anyOf": [one, {"type": "array", "items": one}]}
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": schema},
                "application/x-ndjson": {"schema": {"type": "string"}},
            },
        }
    }


def answer(pushed: Pushed) -> PushAnswer:
    """What became of a push, for its sender."""
    return PushAnswer(
        accepted=pushed.accepted,
        duplicates=pushed.duplicates,
        refused=[
            RefusedItem(index=one.index, code=one.code, detail=one.detail) for one in pushed.refused
        ],
    )


def router(platform: Platform) -> APIRouter:
    """The routes."""
    db = platform.database(SCHEMA, "api")
    made = APIRouter(prefix=PREFIX, tags=["pushes"])

    @made.post(
        "/agent-states",
        status_code=202,
        operation_id="push_agent_states",
        summary="Push what agents are doing",
        responses=PROBLEMS(400, 401, 403, 413, 422, 503),
        openapi_extra=items_body(PushedState),
    )
    @edge(body_limit=MAX_BYTES, quiet=True)
    async def push(request: Request, caller: Pushes, now: Now) -> PushAnswer:
        """
        Push changes of agents' states: one, an array, or NDJSON; up to 5,000 and 5 MiB.

        Each change begins a stretch of time that lasts until the agent's next one. Order does
        not matter, nor does lateness: a change heard of late divides the stretch that it falls
        into. The same change again is a duplicate; its id with other content is refused. Good
        ones are kept when others are refused; refused ones are not stored.
        """
        lines = "ndjson" in request.headers.get("content-type", "")
        return answer(await push_states(db, caller, await request.body(), now=now, lines=lines))

    return made
