"""Surveys: made from templates, edited into new versions."""

from fastapi import APIRouter, Response

from otklik_common.http import (
    PROBLEMS,
    MustMatch,
    Now,
    OnceIfKeyed,
    Page,
    Pages,
    Reply,
    etag,
)
from otklik_feedback.actions import surveys as actions
from otklik_feedback.api.context import PREFIX, Db, MayReadSurveys, MayWriteSurveys, SurveyPath
from otklik_feedback.api.schemas import SurveyBody, SurveyEdit, SurveyOut
from otklik_feedback.domain.survey import Survey

router = APIRouter(prefix=f"{PREFIX}/surveys", tags=["feedback: surveys"])


@router.post(
    "",
    status_code=201,
    operation_id="create_survey",
    summary="Make a survey",
    response_model=SurveyOut,
    responses=PROBLEMS(400, 401, 403, 409, 413, 422),
)
async def create_survey(
    body: SurveyBody, caller: MayWriteSurveys, db: Db, now: Now, once: OnceIfKeyed
) -> Response:
    """
    Make a survey from a template: `nps tnps csat ces csi enps forces ladder attachment lost_deal`.

    The template decides the questions; a `csi` survey also asks for its weighted attributes.
    Under an id of your own, or with an Idempotency-Key, a repeated request makes one survey.
    Surveys are the whole company's: who is limited to branches is refused.
    """
    reply = await actions.create_survey(
        db, caller, body.draft(), now=now, once=once, show=_shown_new
    )
    return reply.response()


@router.get(
    "",
    operation_id="list_surveys",
    summary="List surveys",
    responses=PROBLEMS(400, 401, 403, 422),
)
async def list_surveys(caller: MayReadSurveys, db: Db, pages: Pages) -> Page[SurveyOut]:
    """Surveys in their newest versions, the oldest first."""
    wanted = pages.part(caller.tenant)
    found = await actions.list_surveys(db, caller, wanted)
    return wanted.page(found, key=lambda one: (one.created_at, one.id), item=SurveyOut.of)


@router.get(
    "/{survey}",
    operation_id="get_survey",
    summary="Read a survey",
    responses=PROBLEMS(401, 403, 404, 422),
)
async def get_survey(
    survey: SurveyPath, caller: MayReadSurveys, db: Db, response: Response
) -> SurveyOut:
    """A survey in its newest version; its ETag goes into If-Match of an edit."""
    found = await actions.read_survey(db, caller, survey)
    response.headers["ETag"] = etag(found.version)
    return SurveyOut.of(found)


@router.patch(
    "/{survey}",
    operation_id="change_survey",
    summary="Make a new version of a survey",
    responses=PROBLEMS(400, 401, 403, 404, 412, 413, 422, 428),
)
async def change_survey(
    survey: SurveyPath,
    body: SurveyEdit,
    caller: MayWriteSurveys,
    db: Db,
    expected: MustMatch,
    response: Response,
) -> SurveyOut:
    """
    Change title, attributes, or whether new answers are taken.

    Answers remember the version under which they were given, with its weights. Surveys are the
    whole company's: who is limited to branches is refused.
    """
    changed = await actions.change_survey(db, caller, survey, body.edit(), expected=expected)
    response.headers["ETag"] = etag(changed.version)
    return SurveyOut.of(changed)


def _shown_new(survey: Survey) -> Reply:
    return Reply.json(
        201,
        SurveyOut.of(survey),
        etag=etag(survey.version),
        location=f"{PREFIX}/surveys/{survey.id}",
    )
