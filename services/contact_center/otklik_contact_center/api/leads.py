"""Leads, and what sales systems tell of them."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request

from otklik_common.callers import Caller, require
from otklik_common.http import PROBLEMS, AwareTime, Now, Page, Pages, edge
from otklik_common.module import Platform
from otklik_contact_center.actions import leads_shown
from otklik_contact_center.actions.lead_steps import Customers, push_steps
from otklik_contact_center.api.agent_states import Pushes, answer, items_body
from otklik_contact_center.api.lead_schemas import (
    LeadDetail,
    LeadView,
    PushedStep,
    State,
    StepView,
)
from otklik_contact_center.api.pace_schemas import PaceView
from otklik_contact_center.api.schemas import Code, PushAnswer
from otklik_contact_center.api.touch_schemas import SplitView, TouchView
from otklik_contact_center.domain.admission import MAX_BYTES
from otklik_contact_center.domain.facts import lead_id
from otklik_contact_center.store.columns import SCHEMA
from otklik_contact_center.store.leads_read import Kept, KeptStep, Wanted

PREFIX: Final = "/contact-center/v1"

Reads = Annotated[Caller, Depends(require("contacts:read"))]


def _key(kept: Kept) -> tuple[datetime, UUID]:
    return kept.created_at, kept.contact


def _step_key(kept: KeptStep) -> tuple[datetime, str]:
    return kept.received_at, kept.told.id


async def _wanted(
    state: Annotated[State | None, Query()] = None,
    party: Annotated[Code | None, Query()] = None,
    branch: Annotated[Code | None, Query()] = None,
    agent: Annotated[Code | None, Query()] = None,
    begins: Annotated[
        AwareTime | None, Query(alias="from", description="created from then on")
    ] = None,
    ends: Annotated[AwareTime | None, Query(alias="to", description="created before")] = None,
) -> Wanted:
    return Wanted(state, party, branch, agent, begins, ends)


def router(platform: Platform) -> APIRouter:
    """The routes."""
    db, directory = platform.database(SCHEMA, "api"), platform.directory(SCHEMA)
    made = APIRouter(prefix=PREFIX, tags=["leads"])

    async def customers(tenant: str) -> Customers:
        return Customers(platform.pseudonyms, await directory.region(tenant))

    @made.post(
        "/lead-steps",
        status_code=202,
        operation_id="push_lead_steps",
        summary="Tell what became of requests",
        responses=PROBLEMS(400, 401, 403, 413, 422, 503),
        openapi_extra=items_body(PushedStep),
    )
    @edge(body_limit=MAX_BYTES, quiet=True)
    async def push(request: Request, caller: Pushes, now: Now) -> PushAnswer:
        """
        Tell steps of requests: one, an array, or NDJSON; up to 5,000 and 5 MiB.

        A step belongs to the request that the first step of its `lead` belonged to; else to that of
        the contact it names; else to the customer's newest one of its party that is open. Order and
        lateness make no difference: a step may come before the contact that opened the request.
        The same step again is a duplicate; with other content it replaces what was told, and
        `withdrawn` takes it back. Good ones are kept when others are refused; refused ones are not
        stored.
        """
        lines = "ndjson" in request.headers.get("content-type", "")
        body, who = await request.body(), await customers(caller.tenant)
        return answer(await push_steps(db, who, caller, body, now=now, lines=lines))

    @made.get(
        "/lead-steps",
        operation_id="list_waiting_lead_steps",
        summary="Steps that no request is known for",
        responses=PROBLEMS(400, 401, 403, 422),
    )
    async def list_waiting(caller: Reads, paging: Pages) -> Page[StepView]:
        """
        Steps that wait for their request, the newest first: nobody has told of a contact of this
        customer by then. As soon as one comes they belong to it.
        """
        part = paging.part(caller.tenant)
        rows = await leads_shown.list_waiting(db, caller, part)
        return part.page(rows, key=_step_key, item=StepView.of)

    @made.get(
        "/leads",
        operation_id="list_leads",
        summary="List requests",
        responses=PROBLEMS(400, 401, 403, 422),
    )
    async def list_all(
        caller: Reads, wanted: Annotated[Wanted, Depends(_wanted)], paging: Pages
    ) -> Page[LeadView]:
        """
        Requests of the branches within reach, the newest first; `state=waiting`: those that nobody
        has worked on.
        """
        tenant = caller.tenant
        part = paging.part(tenant)
        rows = await leads_shown.list_leads(db, caller, wanted, part)
        return part.page(
            rows, key=_key, item=lambda one: LeadView.of(one, lead_id(tenant, one.contact))
        )

    @made.get(
        "/leads/{contact_id}",
        operation_id="get_lead",
        summary="Read a request",
        responses=PROBLEMS(401, 403, 404, 422),
    )
    async def get(contact_id: Annotated[UUID, Path()], caller: Reads, now: Now) -> LeadDetail:
        """
        The request that a contact opened, its steps, what brought it, and whether it keeps pace.

        Touches are the visits of whoever is known to have called, and the person's contacts whose
        source is known, in the order of time; what came by the same way as the time before is one
        touch. `splits` gives the request, and each of its deals, to the touches before it by six models:
        `first`, `lead` (that of the contact that opened it), `last`, `last_non_direct`, `linear` and
        `position` (40 % to the first, 40 % to the last, 20 % to those between; of two a half each).
        Parts add up exactly; where they cannot be equal the earlier touch has more. Where several may
        have called nobody is named, and nothing is guessed: `unattributed`.
        """
        found = await leads_shown.read_lead(db, directory, caller, contact_id, now)
        more: dict[str, Any] = {
            "steps": [StepView.of(one) for one in found.steps],
            "touches": [TouchView.of(one) for one in found.touched.path.touches],
            "splits": [SplitView.of(one) for one in found.touched.splits],
            "pace": None if found.pace is None else PaceView.of(found.pace),
        }
        return LeadDetail.of(found.kept, lead_id(caller.tenant, contact_id), **more)

    return made
