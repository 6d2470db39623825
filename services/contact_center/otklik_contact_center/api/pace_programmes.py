"""Pace programmes: by when requests are to come from step to step, and who is behind."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Response

from otklik_common.callers import Caller, require, require_everywhere
from otklik_common.http import PROBLEMS, AwareTime, IfMatch, Now, Page, Pages, etag
from otklik_common.module import Platform
from otklik_contact_center.actions.pace_programmes import PaceProgrammes
from otklik_contact_center.actions.paces import Asked, Paces
from otklik_contact_center.api.pace_schemas import (
    BehindOut,
    PresetOut,
    PresetsOut,
    ProgrammeBody,
    ProgrammeOut,
    SharesOut,
)
from otklik_contact_center.api.schemas import Code
from otklik_contact_center.domain.facts import lead_id
from otklik_contact_center.domain.pace.presets import PRESETS
from otklik_contact_center.domain.pace.programme import MOST_STEPS
from otklik_contact_center.domain.pace.shares import By
from otklik_contact_center.store.columns import SCHEMA

PREFIX: Final = "/contact-center/v1"

Reads = Annotated[Caller, Depends(require("contacts:read"))]
Manages = Annotated[Caller, Depends(require_everywhere("sources:write"))]
ProgrammeCode = Annotated[Code, Path()]
StepNumber = Annotated[int | None, Query(ge=1, le=MOST_STEPS, description="only those late in it")]


async def _asked(
    begins: Annotated[
        AwareTime | None,
        Query(alias="from", description="requests created from then on"),
    ] = None,
    ends: Annotated[
        AwareTime | None, Query(alias="to", description="created before; left out: now")
    ] = None,
    branch: Annotated[Code | None, Query()] = None,
    agent: Annotated[Code | None, Query()] = None,
    step: StepNumber = None,
) -> Asked:
    return Asked(begins, ends, branch, agent, step)


async def _period(
    begins: Annotated[
        AwareTime | None,
        Query(
            alias="from",
            description="requests created from then on; left out: 28 days before `to`",
        ),
    ] = None,
    ends: Annotated[
        AwareTime | None, Query(alias="to", description="created before; left out: now")
    ] = None,
    branch: Annotated[Code | None, Query()] = None,
    agent: Annotated[Code | None, Query()] = None,
) -> Asked:
    return Asked(begins, ends, branch, agent)


def router(platform: Platform) -> APIRouter:
    """The routes."""
    db, directory = platform.database(SCHEMA, "api"), platform.directory(SCHEMA)
    programmes = PaceProgrammes(db, directory)
    made = APIRouter(prefix=PREFIX, tags=["pace-programmes"])

    @made.get(
        "/pace-programme-presets",
        operation_id="list_pace_programme_presets",
        summary="Pace programmes to start from",
        responses=PROBLEMS(401, 403),
    )
    async def presets(_: Reads) -> PresetsOut:
        """A buyer's, a seller's, and "6/12" as we read it; nothing holds until it is put."""
        return PresetsOut(items=[PresetOut.of(one) for one in PRESETS])

    @made.get(
        "/pace-programmes",
        operation_id="list_pace_programmes",
        summary="By when requests are to come from step to step",
        responses=PROBLEMS(400, 401, 403, 422),
    )
    async def list_all(caller: Reads, paging: Pages) -> Page[ProgrammeOut]:
        """In the order of their codes, those that have ended included."""
        part = paging.part(caller.tenant)
        found = await programmes.listed(caller.tenant, part)
        return part.page(found, key=lambda one: (one.value.code,), item=ProgrammeOut.of)

    @made.get(
        "/pace-programmes/{code}",
        operation_id="get_pace_programme",
        summary="One pace programme",
        responses=PROBLEMS(401, 403, 404, 422),
    )
    async def get(code: ProgrammeCode, caller: Reads, response: Response) -> ProgrammeOut:
        """All that it ever said, by the moment since when."""
        kept = await programmes.get(caller.tenant, code)
        response.headers["ETag"] = etag(kept.revision)
        return ProgrammeOut.of(kept)

    @made.put(
        "/pace-programmes/{code}",
        operation_id="put_pace_programme",
        summary="Make a pace programme, or change it from a moment on",
        responses=PROBLEMS(400, 401, 403, 409, 412, 413, 422),
    )
    async def put(
        code: ProgrammeCode,
        body: ProgrammeBody,
        caller: Manages,
        expected: IfMatch,
        now: Now,
        response: Response,
    ) -> ProgrammeOut:
        """
        Of each request that begins while it holds, and for which it is, every step has a time. The
        same body again changes nothing. At most 20 steps, 24 changes and 50 programmes.
        """
        edit = body.edit(code, now)
        kept = await programmes.put(caller, code, edit, expected=expected, now=now)
        response.headers["ETag"] = etag(kept.revision)
        return ProgrammeOut.of(kept)

    @made.delete(
        "/pace-programmes/{code}",
        status_code=204,
        operation_id="end_pace_programme",
        summary="End a pace programme",
        responses=PROBLEMS(400, 401, 403, 404, 412, 422),
    )
    async def end(code: ProgrammeCode, caller: Manages, expected: IfMatch, now: Now) -> None:
        """
        It is for no request that begins from now on; those that began before keep their times. Its
        priority is free again, and a PUT makes it hold anew.
        """
        await programmes.end(caller, code, expected=expected, now=now)

    _reports(made, Paces(db, directory))
    return made


def _reports(made: APIRouter, paces: Paces) -> None:
    @made.get(
        "/pace-programmes/{code}/late",
        operation_id="list_requests_behind_pace",
        summary="Who is behind the pace",
        responses=PROBLEMS(400, 401, 403, 404, 422),
    )
    async def late(
        code: ProgrammeCode,
        caller: Reads,
        asked: Annotated[Asked, Depends(_asked)],
        paging: Pages,
        now: Now,
    ) -> Page[BehindOut]:
        """
        Requests of the branches within reach that are past the time of a step and go on without it,
        the newest first. Of those created in the last 92 days where nobody says; 366 days and
        200,000 requests at most.
        """
        part = paging.part(caller.tenant)
        rows = await paces.behind(caller, code, asked, part, now)
        return part.page(
            rows,
            key=lambda one: one.place,
            item=lambda one: BehindOut.of(one, lead_id(caller.tenant, one.row.contact)),
        )

    @made.get(
        "/pace-programmes/{code}/shares",
        operation_id="get_pace_shares",
        summary="How many requests kept each step",
        responses=PROBLEMS(401, 403, 404, 422),
    )
    async def shares(
        code: ProgrammeCode,
        caller: Reads,
        asked: Annotated[Asked, Depends(_period)],
        now: Now,
        by: By = By.BRANCH,
    ) -> SharesOut:
        """
        Requests of the branches within reach, by version of the programme: kept of kept and late.
        Who is not there yet and still has time, and who was closed in time, is in neither part. 366
        days and 200,000 requests at most.
        """
        return SharesOut.of(await paces.shares(caller, code, asked, by, now))
