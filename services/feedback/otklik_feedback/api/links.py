"""Links to surveys: made and taken back; looked at, followed, and answered by."""

from typing import Annotated

from fastapi import APIRouter, Path, Request

from otklik_common.errors import Unprocessable
from otklik_common.http import PROBLEMS, Now, Page, Pages, check_time
from otklik_feedback.actions import links as actions
from otklik_feedback.actions.means import Person
from otklik_feedback.api.context import (
    PREFIX,
    Db,
    Keys,
    Lent,
    MayAnswer,
    MayReadSurveys,
    MayWriteSurveys,
    Reference,
    region_of,
    sender_of,
)
from otklik_feedback.api.link_schemas import (
    AskedOut,
    LinkedAnswerBody,
    LinkedAnswerOut,
    MadeLinkOut,
    SurveyLinkBody,
    SurveyLinkOut,
)
from otklik_feedback.domain.asking.invitation import Step
from otklik_feedback.domain.asking.link import LinkKind
from otklik_feedback.store.columns import SCHEMA

router = APIRouter(prefix=PREFIX, tags=["feedback: links"])

LinkPath = Annotated[Reference, Path(alias="code", description="the company's own name of it")]
TokenPath = Annotated[
    str,
    Path(
        alias="token",
        max_length=500,
        description="what is no token is answered as one that is no good",
    ),
]


class NobodysLink(Unprocessable):
    """A link for anybody names a person, or one for a person says how often."""

    code = "bad_link"


@router.get(
    "/links",
    operation_id="list_links",
    summary="List links",
    responses=PROBLEMS(400, 401, 403, 422),
)
async def list_links(caller: MayReadSurveys, db: Db, pages: Pages) -> Page[SurveyLinkOut]:
    """Those that were made here, not those of invitations; the oldest first, without tokens."""
    wanted = pages.part(caller.tenant)
    found = await actions.list_links(db, caller, wanted)
    return wanted.page(found, key=lambda one: (one.made_at, one.link.id), item=SurveyLinkOut.of)


@router.put(
    "/links/{code}",
    operation_id="put_link",
    summary="Make a link, or change how long and how often it may be used",
    responses=PROBLEMS(400, 401, 403, 404, 409, 413, 422),
)
async def put_link(
    link: LinkPath,
    body: SurveyLinkBody,
    caller: MayWriteSurveys,
    platform: Lent,
    db: Db,
    means: Keys,
    now: Now,
) -> MadeLinkOut:
    """
    The same name always has the same token, also after it was taken back and is put again.

    A token has 168 bits and is kept only as a hash. A link's kind, survey and person stay as they
    are; take another name for another.
    """
    if body.kind is LinkKind.ANONYMOUS and body.customer is not None:
        raise NobodysLink(
            "customer: a link for anybody is nobody's", detail_ru="customer: общая ссылка ничья"
        )
    if body.kind is not LinkKind.ANONYMOUS and body.most is not None:
        raise NobodysLink(
            f"most: a {body.kind} link brings one answer",
            detail_ru=f"most: ссылка вида {body.kind} приносит один ответ",
        )
    identifiers: tuple[str, ...] = ()
    if body.customer is not None:
        named = Person(body.customer.phone, body.customer.email, body.customer.external_id)
        region = await region_of(platform, caller.tenant)
        identifiers = means.identifiers(caller.tenant, named, region)
    made = await actions.put_link(
        db, means, caller, link, body.link(identifiers), survey=body.survey, now=now
    )
    return MadeLinkOut.made(made)


@router.delete(
    "/links/{code}",
    status_code=204,
    operation_id="withdraw_link",
    summary="Take a link back",
    responses=PROBLEMS(401, 403, 404, 422),
)
async def withdraw_link(link: LinkPath, caller: MayWriteSurveys, db: Db, means: Keys) -> None:
    """From now on it is answered as one that never was; what was answered by it stays."""
    await actions.withdraw_link(db, means, caller, link)


@router.get(
    "/asked/{token}",
    operation_id="read_link",
    summary="Read what a link asks",
    responses=PROBLEMS(401, 403, 404, 422, 429),
)
async def read_link(
    token: TokenPath, request: Request, caller: MayAnswer, platform: Lent, db: Db, now: Now
) -> AskedOut:
    """
    Looking changes nothing, however often: previews and mail scanners spend no link.

    One that is wrong, has ended, was used or was taken back is answered alike.
    """
    await sender_of(request, platform, caller)
    link, survey = await actions.read_link(db, caller.tenant, token, now)
    return AskedOut.of(link, survey)


@router.post(
    "/asked/{token}:opened",
    status_code=204,
    operation_id="open_link",
    summary="Say that a person has opened a link",
    responses=PROBLEMS(401, 403, 404, 422, 429),
)
async def open_link(
    token: TokenPath, request: Request, caller: MayAnswer, platform: Lent, db: Db, now: Now
) -> None:
    """Told by the page when it is seen; nothing is spent."""
    await sender_of(request, platform, caller)
    await actions.follow_link(db, caller.tenant, token, Step.OPENED, now)


@router.post(
    "/asked/{token}:started",
    status_code=204,
    operation_id="start_link",
    summary="Say that a person has begun to answer",
    responses=PROBLEMS(401, 403, 404, 422, 429),
)
async def start_link(
    token: TokenPath, request: Request, caller: MayAnswer, platform: Lent, db: Db, now: Now
) -> None:
    """Told by the page at the first question that is touched; nothing is spent."""
    await sender_of(request, platform, caller)
    await actions.follow_link(db, caller.tenant, token, Step.STARTED, now)


@router.post(
    "/answers",
    operation_id="post_linked_answer",
    summary="Keep an answer by a link",
    responses=PROBLEMS(400, 401, 403, 404, 409, 413, 422, 429),
)
async def post_linked_answer(
    body: LinkedAnswerBody,
    request: Request,
    caller: MayAnswer,
    platform: Lent,
    db: Db,
    means: Keys,
    now: Now,
) -> LinkedAnswerOut:
    """
    The link says which survey is answered, by whom, and about what.

    An answer that is complete spends a link for one answer, in the transaction that keeps it: of
    many who send at once one is kept. The same body again is answered as before. Until it is
    complete, what is sent takes the place of what was sent. A link that is wrong, has ended, was
    used or was taken back is answered alike; where enough have answered, `quota_full`.
    """
    await sender_of(request, platform, caller)
    check_time(body.at, now)
    company = await platform.directory(SCHEMA).company(caller.tenant)
    zone = "UTC" if company is None else company.timezone
    taken = await actions.answer_by_link(db, means, caller, body.submitted(), zone, now)
    return LinkedAnswerOut.of(taken)
