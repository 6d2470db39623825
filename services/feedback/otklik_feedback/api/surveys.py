"""Surveys: made from templates, edited into new versions."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

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
from otklik_feedback.actions import importing
from otklik_feedback.actions import surveys as actions
from otklik_feedback.api.context import PREFIX, Db, MayReadSurveys, MayWriteSurveys, SurveyPath
from otklik_feedback.api.import_schemas import ImportBody, ImportOut
from otklik_feedback.api.survey_schemas import (
    ShownBody,
    ShownOut,
    SurveyBody,
    SurveyEdit,
    SurveyOut,
    SurveyVersionOut,
    SurveyVersionsOut,
)
from otklik_feedback.domain.survey import Survey
from otklik_feedback.domain.surveyjs.reading import Imported

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
    Make a survey from a template: `nps tnps csat ces csi enps forces ladder attachment lost_deal
    preference mystery_shopper maturity`, or `own`.

    The template decides the questions; a `csi` survey also asks for its weighted attributes.
    `questions` of your own take their place: a question with the id `nps`, `enps`, `csat` or `ces`
    is that metric. Questions are shown by `visible_if`, which looks at those before them.
    Under an id of your own, or with an Idempotency-Key, a repeated request makes one survey.
    Surveys are the whole company's: who is limited to branches is refused.
    """
    reply = await actions.create_survey(
        db, caller, body.draft(), now=now, once=once, show=_shown_new
    )
    return reply.response()


@router.post(
    ":import",
    status_code=201,
    operation_id="import_survey",
    summary="Take a survey of SurveyJS over",
    response_model=ImportOut,
    responses={
        200: {"model": ImportOut, "description": "What would be made: a dry run"},
        **PROBLEMS(400, 401, 403, 409, 413, 422),
    },
)
async def import_survey(
    body: ImportBody, caller: MayWriteSurveys, db: Db, now: Now, once: OnceIfKeyed
) -> Response:
    """
    Make a survey of the JSON of SurveyJS, as far as we read it.

    Read are `rating`, `radiogroup`, `dropdown`, `buttongroup`, `checkbox`, `tagbox`, `boolean`,
    `matrix` with whole numbers as columns, `text`, `comment`, panels and pages, and `visibleIf`
    without functions and sums. Everything else is named in the reply. A question that is left out
    refuses the whole, unless `accept_losses` is sent; `dry_run` only tells (and replies 200).
    """
    wanted = importing.Wanted(
        said=body.survey,
        title=body.title_of,
        reference=body.id,
        anonymous=body.anonymous,
        dry_run=body.dry_run,
        accept_losses=body.accept_losses,
    )
    reply = await importing.import_survey(
        db, caller, wanted, now=now, once=once, show=_shown_import
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


@router.get(
    "/{survey}/versions",
    operation_id="list_survey_versions",
    summary="List the versions of a survey",
    responses=PROBLEMS(401, 403, 404, 422),
)
async def list_survey_versions(
    survey: SurveyPath, caller: MayReadSurveys, db: Db
) -> SurveyVersionsOut:
    """Every version, the newest first: what was asked, since when, and who made it."""
    found = await actions.read_versions(db, caller, survey)
    return SurveyVersionsOut(items=[SurveyVersionOut.of(each) for each in found])


@router.get(
    "/{survey}/versions/{version}",
    operation_id="get_survey_version",
    summary="Read a version of a survey",
    responses=PROBLEMS(401, 403, 404, 422),
)
async def get_survey_version(
    survey: SurveyPath,
    version: Annotated[int, Path(ge=1, le=2**31, description="from 1 upwards")],
    caller: MayReadSurveys,
    db: Db,
) -> SurveyOut:
    """A version as it was, for answers that were begun with it."""
    return SurveyOut.of(await actions.read_version(db, caller, survey, version))


@router.post(
    "/{survey}/shown",
    operation_id="show_survey",
    summary="Ask what is shown next",
    responses=PROBLEMS(400, 401, 403, 404, 413, 422),
)
async def show_survey(
    survey: SurveyPath, body: ShownBody, caller: MayReadSurveys, db: Db
) -> ShownOut:
    """
    The questions that are asked after what was said so far, with it put into their words.

    Nothing is kept. Send `survey_version` of the first reply from then on, and with the answer: who
    has begun a survey goes on with the questions it had.
    """
    shown = await actions.show_survey(
        db, caller, survey, body.survey_version, body.values, body.names()
    )
    return ShownOut.of(*shown)


@router.patch(
    "/{survey}",
    operation_id="change_survey",
    summary="Make a new version of a survey",
    responses=PROBLEMS(400, 401, 403, 404, 409, 412, 413, 422, 428),
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
    Change title, attributes, questions, look, or whether new answers are taken.

    `questions` replaces all of them. Under an id of an earlier version only the same kind of
    question on the same scale may be asked: two scales under one name would make one mean.

    Answers remember the version under which they were given, with its weights. Surveys are the
    whole company's: who is limited to branches is refused.
    """
    changed = await actions.change_survey(db, caller, survey, body.edit(), expected=expected)
    response.headers["ETag"] = etag(changed.version)
    return SurveyOut.of(changed)


def _shown_import(read: Imported, survey: Survey | None) -> Reply:
    shown = ImportOut.of(read, survey)
    if survey is None:
        return Reply.json(200, shown)
    return Reply.json(
        201, shown, etag=etag(survey.version), location=f"{PREFIX}/surveys/{survey.id}"
    )


def _shown_new(survey: Survey) -> Reply:
    return Reply.json(
        201,
        SurveyOut.of(survey),
        etag=etag(survey.version),
        location=f"{PREFIX}/surveys/{survey.id}",
    )
