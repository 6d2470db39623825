"""Scripts of conversations, and what all checklists of one come to."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Response

from otklik_common.callers import Caller, require, require_everywhere
from otklik_common.http import PROBLEMS, AwareTime, IfMatch, Now, Page, Pages, etag
from otklik_common.module import Platform
from otklik_contact_center.actions.script_reports import Asked, ScriptReports
from otklik_contact_center.actions.scripts import Scripts
from otklik_contact_center.api.schemas import Code
from otklik_contact_center.api.script_reports_schemas import EndingsOut, SkippedOut
from otklik_contact_center.api.scripts_schemas import (
    PresetOut,
    PresetsOut,
    ScriptBody,
    ScriptOut,
)
from otklik_contact_center.domain.script.presets import PRESETS
from otklik_contact_center.store.columns import SCHEMA

PREFIX: Final = "/contact-center/v1"

Reads = Annotated[Caller, Depends(require("contacts:read"))]
Manages = Annotated[Caller, Depends(require_everywhere("quality:write"))]
ScriptCode = Annotated[Code, Path()]
Version = Annotated[
    int | None, Query(ge=1, le=1_000_000, description="without it the one that holds now")
]


async def _asked(
    begins: Annotated[
        AwareTime | None,
        Query(
            alias="from", description="first written from then on; left out: 28 days before `to`"
        ),
    ] = None,
    ends: Annotated[
        AwareTime | None, Query(alias="to", description="written before; left out: now")
    ] = None,
    version: Annotated[int | None, Query(ge=1, le=1_000_000)] = None,
    branch: Annotated[Code | None, Query()] = None,
    agent: Annotated[Code | None, Query()] = None,
) -> Asked:
    return Asked(begins, ends, version, branch, agent)


Question = Annotated[Asked, Depends(_asked)]


def router(platform: Platform) -> APIRouter:
    """The routes."""
    scripts = Scripts(platform.database(SCHEMA, "api"))
    made = APIRouter(prefix=PREFIX, tags=["scripts"])

    @made.get(
        "/script-presets",
        operation_id="list_script_presets",
        summary="Scripts to start from",
        responses=PROBLEMS(401, 403),
    )
    async def presets(_: Reads) -> PresetsOut:
        """The first call of a buyer and of a seller; nothing holds until it is put."""
        return PresetsOut(items=[PresetOut.of(one) for one in PRESETS])

    @made.get(
        "/scripts",
        operation_id="list_scripts",
        summary="What conversations must contain",
        responses=PROBLEMS(400, 401, 403, 422),
    )
    async def list_all(caller: Reads, paging: Pages) -> Page[ScriptOut]:
        """Scripts that are not retired, by code, each in the version that holds now."""
        part = paging.part(caller.tenant)
        found = await scripts.listed(caller.tenant, part)
        return part.page(found, key=lambda one: (one.value.code,), item=ScriptOut.of)

    @made.get(
        "/scripts/{code}",
        operation_id="get_script",
        summary="One script",
        responses=PROBLEMS(401, 403, 404, 422),
    )
    async def get(
        code: ScriptCode, caller: Reads, response: Response, version: Version = None
    ) -> ScriptOut:
        """Any version of it, also when it is retired."""
        kept = await scripts.get(caller.tenant, code, version)
        response.headers["ETag"] = etag(kept.revision)
        return ScriptOut.of(kept)

    @made.put(
        "/scripts/{code}",
        operation_id="put_script",
        summary="Make a script, or a new version of it",
        responses=PROBLEMS(400, 401, 403, 412, 413, 422),
    )
    async def put(
        code: ScriptCode,
        body: ScriptBody,
        caller: Manages,
        expected: IfMatch,
        now: Now,
        response: Response,
    ) -> ScriptOut:
        """Checklists keep the version that they were made with. At most 60 items and 200 scripts."""
        kept = await scripts.put(caller, body.script(code), expected=expected, now=now)
        response.headers["ETag"] = etag(kept.revision)
        return ScriptOut.of(kept)

    @made.delete(
        "/scripts/{code}",
        status_code=204,
        operation_id="retire_script",
        summary="Retire a script",
        responses=PROBLEMS(400, 401, 403, 404, 412, 422),
    )
    async def retire(code: ScriptCode, caller: Manages, expected: IfMatch, now: Now) -> None:
        """It is meant for no contact any more; checklists made of it stay, and may be put right."""
        await scripts.retire(caller, code, expected=expected, now=now)

    _reports(made, ScriptReports(platform.database(SCHEMA, "api")))
    return made


def _reports(made: APIRouter, reports: ScriptReports) -> None:
    @made.get(
        "/scripts/{code}/skipped",
        operation_id="list_skipped_items",
        summary="What of a script is skipped, and by whom",
        responses=PROBLEMS(401, 403, 404, 422),
    )
    async def skipped(code: ScriptCode, caller: Reads, asked: Question, now: Now) -> SkippedOut:
        """
        By version, the newest 20 first; compulsory items before advice, the most skipped first, each
        with the five agents who skip it most. 100 days at most. Agents see their own.
        """
        return SkippedOut.of(await reports.skipped(caller, code, asked, now))

    @made.get(
        "/scripts/{code}/endings",
        operation_id="get_script_endings",
        summary="Whether conversations that kept a script end better",
        responses=PROBLEMS(401, 403, 404, 422),
    )
    async def endings(code: ScriptCode, caller: Reads, asked: Question, now: Now) -> EndingsOut:
        """
        What became of the requests that these contacts opened: where nothing was missed, and where
        something was. Who keeps a script may differ in other ways: it is no experiment.
        """
        return EndingsOut.of(await reports.endings(caller, code, asked, now))
