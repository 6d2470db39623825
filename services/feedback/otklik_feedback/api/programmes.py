"""Programmes of asking, rules of quarantine, and what became of the invitations."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from otklik_common.http import PROBLEMS, IfMatch, Now, Page, Pages, etag
from otklik_feedback.actions import programmes as actions
from otklik_feedback.api.context import (
    PREFIX,
    Db,
    Keys,
    MayReadSurveys,
    MayWriteSurveys,
    Word,
)
from otklik_feedback.api.programme_schemas import (
    AskingProgrammeBody,
    AskingProgrammeOut,
    QuarantineBody,
    TestBody,
    TestOut,
)

router = APIRouter(prefix=PREFIX, tags=["feedback: programmes"])

ProgrammePath = Annotated[Word, Path(alias="code", description="the company's own code")]


# --- Programmes ---------------------------------------------------------------------------------


@router.get(
    "/programmes",
    operation_id="list_asking_programmes",
    summary="List programmes of asking",
    responses=PROBLEMS(400, 401, 403, 422),
)
async def list_programmes(caller: MayReadSurveys, db: Db, pages: Pages) -> Page[AskingProgrammeOut]:
    """By code; those that are switched off too."""
    wanted = pages.part(caller.tenant)
    found = await actions.list_programmes(db, caller, wanted)
    return wanted.page(found, key=lambda one: (one.programme.code,), item=AskingProgrammeOut.of)


@router.get(
    "/programmes/{code}",
    operation_id="get_asking_programme",
    summary="Read a programme",
    responses=PROBLEMS(401, 403, 404, 422),
)
async def get_programme(
    programme: ProgrammePath, caller: MayReadSurveys, db: Db, response: Response
) -> AskingProgrammeOut:
    """After what people are asked, who of them, and how."""
    kept = await actions.read_programme(db, caller, programme)
    response.headers["ETag"] = etag(kept.revision)
    return AskingProgrammeOut.of(kept)


@router.put(
    "/programmes/{code}",
    operation_id="put_asking_programme",
    summary="Make a programme, or change it",
    responses=PROBLEMS(400, 401, 403, 404, 412, 413, 422),
)
async def put_programme(
    programme: ProgrammePath,
    body: AskingProgrammeBody,
    caller: MayWriteSurveys,
    db: Db,
    expected: IfMatch,
    now: Now,
    response: Response,
) -> AskingProgrammeOut:
    """
    From then on its trigger plans an invitation each time, which is decided on at its moment.

    What has happened before is no occasion. A change holds for all that is not decided yet. A
    company has at most 100 programmes. They are the whole company's: who is limited to branches is
    refused.
    """
    draft = body.draft(programme, now)
    kept = await actions.put_programme(db, caller, draft, expected=expected, now=now)
    response.headers["ETag"] = etag(kept.revision)
    return AskingProgrammeOut.of(kept)


@router.post(
    "/programmes/{code}:test",
    status_code=201,
    operation_id="test_asking_programme",
    summary="Try a programme oneself",
    responses=PROBLEMS(400, 401, 403, 404, 413, 422),
)
async def test_programme(
    programme: ProgrammePath, body: TestBody, caller: MayWriteSurveys, db: Db, means: Keys, now: Now
) -> TestOut:
    """
    A link that asks what the programme asks, for 24 hours. What is answered by it is checked as
    everywhere and kept nowhere: no answer, no case, no quota, no quarantine, no rate.
    """
    made = await actions.test_programme(
        db, means, caller, programme, language=body.language, now=now
    )
    return TestOut.of(made)


@router.get(
    "/quarantine",
    operation_id="get_quarantine",
    summary="Read how often one person may be asked",
    responses=PROBLEMS(401, 403),
)
async def get_quarantine(caller: MayReadSurveys, db: Db, response: Response) -> QuarantineBody:
    """The company's own rules, or the usual ones before it has said any."""
    kept = await actions.read_quarantine(db, caller)
    response.headers["ETag"] = etag(kept.revision)
    return QuarantineBody.of(kept)


@router.put(
    "/quarantine",
    operation_id="put_quarantine",
    summary="Change how often one person may be asked",
    responses=PROBLEMS(400, 401, 403, 412, 413, 422),
)
async def put_quarantine(
    body: QuarantineBody,
    caller: MayWriteSurveys,
    db: Db,
    expected: IfMatch,
    now: Now,
    response: Response,
) -> QuarantineBody:
    """They hold over all programmes, for every invitation that is decided from now on."""
    kept = await actions.put_quarantine(db, caller, body.rules(), expected=expected, now=now)
    response.headers["ETag"] = etag(kept.revision)
    return QuarantineBody.of(kept)
