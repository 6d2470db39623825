"""How sources do."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends

from otklik_common.callers import Caller, require, require_everywhere
from otklik_common.http import PROBLEMS, Language, Now, Page
from otklik_common.module import Platform
from otklik_contact_center.actions import doctor
from otklik_contact_center.api.doctor_schemas import SourceBrief, SourceHealth
from otklik_contact_center.api.sources import PREFIX, SourceId
from otklik_contact_center.store.columns import SCHEMA

REPLAY: Final = f"{PREFIX}/events/refused:replay"

Looks = Annotated[Caller, Depends(require_everywhere("sources:write"))]
# Whoever looks at numbers has to know that something is missing in them.
Sees = Annotated[Caller, Depends(require("sources:write", "contacts:read"))]


def router(platform: Platform) -> APIRouter:
    """The routes."""
    db, sealer = platform.database(SCHEMA, "api"), platform.sealer
    directory = platform.directory(SCHEMA)
    made = APIRouter(prefix=PREFIX, tags=["sources"])

    @made.get(
        "/sources:health",
        operation_id="list_source_health",
        summary="Which sources are heard, and which are silent",
        responses=PROBLEMS(401, 403),
    )
    async def list_all(caller: Sees, now: Now) -> Page[SourceBrief]:
        """
        Every source of the company (at most 500) on one page, by id; some seconds late.

        Callers limited to branches see those of their branches, and those of no branch.
        """
        found = [
            one
            for one in await doctor.of_all(db, sealer, caller.tenant, now)
            if caller.branches is None or one.source.branch in (None, *caller.branches)
        ]
        return Page[SourceBrief](items=[SourceBrief.of(one) for one in found], next_cursor=None)

    @made.get(
        "/sources/{source_id}/health",
        operation_id="get_source_health",
        summary="How a source does, what is wrong with it, and what to do",
        responses=PROBLEMS(401, 403, 404, 422),
    )
    async def look(
        source_id: SourceId, caller: Looks, now: Now, language: Language
    ) -> SourceHealth:
        """
        What comes from it, what usually comes, and since when it is silent if it is.

        A source is silent when, by the same hours of up to eight former weeks, so long without a
        new event is no chance any more: at a level of one false alarm a year if events come
        independently. Its fact then says so, within half a minute, and metrics alerts. Hours in
        which Otklik itself was not there to hear do not count.
        """
        found = await doctor.of_one(
            db, sealer, directory, tenant=caller.tenant, source_id=source_id, now=now
        )
        return SourceHealth.seen(found, REPLAY, language)

    return made
