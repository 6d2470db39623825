"""Answers, one or many, and what was said before."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from otklik_common.batches import MOST_ITEMS, BatchOut, items_of, parsed, refusals
from otklik_common.errors import Refused
from otklik_common.events.feedback import Sentiment
from otklik_common.http import (
    MIB,
    PROBLEMS,
    AwareTime,
    Now,
    Page,
    Pages,
    Unprocessable,
    edge,
    etag,
)
from otklik_feedback.actions import answers as actions
from otklik_feedback.actions.answers import Fate, Sent, Shown
from otklik_feedback.actions.surveys import survey_id
from otklik_feedback.api.context import (
    PREFIX,
    AnswerPath,
    Db,
    Keys,
    Lent,
    MayAnswer,
    MayPushAnswers,
    MayReadAnswers,
    charge,
    region_of,
    sender_of,
)
from otklik_feedback.api.reading import Reader
from otklik_feedback.api.schemas import (
    AnswerBody,
    AnswerDetail,
    AnswerItem,
    AnswerOut,
    VersionOut,
    shown_answer,
)
from otklik_feedback.api.schemas_readings import ReadingDetail, ReadingOut, TopicCode
from otklik_feedback.domain.enrichment import State
from otklik_feedback.store.answers import Filters
from otklik_feedback.store.readings import Wanted

router = APIRouter(prefix=PREFIX, tags=["feedback: answers"])

Filter = Annotated[str | None, Query(min_length=1, max_length=200)]


class OtherId(Unprocessable):
    """Address and body name different ids."""

    code = "id_differs"


@router.put(
    "/answers/{answer}",
    status_code=204,
    operation_id="put_answer",
    summary="Keep an answer",
    responses=PROBLEMS(400, 401, 403, 404, 409, 413, 422, 429),
)
async def put_answer(
    answer: AnswerPath,
    body: AnswerBody,
    request: Request,
    caller: MayAnswer,
    platform: Lent,
    db: Db,
    means: Keys,
    now: Now,
) -> None:
    """
    Keep one answer; the id makes it safe to send again.

    The same body again changes nothing; another body is a new revision, and both are kept. An
    NPS of 6 or less, a CSAT of 2 or less or a CES of 3 or less opens a case in the same
    transaction. Keys in public pages and customers may correct only what they sent themselves.
    """
    if body.id is not None and body.id != answer:
        raise OtherId(
            "address and body name different ids", detail_ru="в адресе и в теле разные id"
        )
    sender = await sender_of(request, platform, caller)
    region = await region_of(platform, caller.tenant)
    sent = Reader(caller, means, region, now).read(answer, body)
    [fate] = await actions.keep_answers(db, means, sender, [sent])
    if isinstance(fate, Refused):
        raise fate


@router.post(
    "/answers:batch",
    status_code=202,
    operation_id="post_answers",
    summary="Keep up to 5,000 answers",
    responses=PROBLEMS(400, 401, 403, 413, 422, 429),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "array",
                        "maxItems": MOST_ITEMS,
                        "items": {"$ref": "#/components/schemas/AnswerBody"},
                    }
                },
                "application/x-ndjson": {"schema": {"type": "string"}},
            },
        }
    },
)
@edge(body_limit=5 * MIB)
async def post_answers(
    request: Request, caller: MayPushAnswers, platform: Lent, db: Db, means: Keys, now: Now
) -> BatchOut:
    """
    Keep answers from an array or from NDJSON, at most 5,000 or 5 MiB, in one transaction.

    Here each answer names its own `id`. Good ones are kept where others are refused; a refused
    one is named by its index. Each is treated as in `PUT /feedback/v1/answers/{answer}`. A key in
    a public page sends at most 60 at once, each counted towards its limit.
    """
    sender = await sender_of(request, platform, caller)
    region = await region_of(platform, caller.tenant)
    items = await asyncio.to_thread(list, items_of(await request.body()))
    charge(request, platform, sender, len(items))
    reader = Reader(caller, means, region, now)
    sent, refused = await asyncio.to_thread(_read, items, reader)
    fates = await actions.keep_answers(db, means, sender, [answer for _, answer in sent])
    refused += [
        (index, fate)
        for (index, _), fate in zip(sent, fates, strict=True)
        if isinstance(fate, Refused)
    ]
    return BatchOut(
        accepted=sum(fate in (Fate.NEW, Fate.CHANGED) for fate in fates),
        duplicates=sum(fate is Fate.DUPLICATE for fate in fates),
        refused=refusals(refused),
    )


def _read(
    items: Sequence[Any], reader: Reader
) -> tuple[list[tuple[int, Sent]], list[tuple[int, Refused]]]:
    sent: list[tuple[int, Sent]] = []
    refused: list[tuple[int, Refused]] = []
    for index, item in enumerate(items):
        try:
            answer = parsed(AnswerItem, item)
            sent.append((index, reader.read(answer.id, answer)))
        except Refused as no:
            refused.append((index, no))
    return sent, refused


@router.get(
    "/answers/{answer}",
    operation_id="get_answer",
    summary="Read an answer",
    responses=PROBLEMS(401, 403, 404, 422),
)
async def get_answer(
    answer: AnswerPath, caller: MayReadAnswers, db: Db, means: Keys, response: Response
) -> AnswerDetail:
    """An answer with its words and every body it came in; never one given in confidence."""
    shown = await actions.read_answer(db, means, caller, answer)
    response.headers["ETag"] = etag(shown.answer.revision)
    return _detail(shown)


@router.get(
    "/answers",
    operation_id="list_answers",
    summary="List answers",
    responses=PROBLEMS(400, 401, 403, 422),
)
async def list_answers(
    caller: MayReadAnswers,
    db: Db,
    pages: Pages,
    *,
    survey: Filter = None,
    branch: Filter = None,
    agent: Filter = None,
    touchpoint: Filter = None,
    contact: Annotated[UUID | None, Query(description="subject of the contact")] = None,
    since: Annotated[AwareTime | None, Query(alias="from", description="inclusive")] = None,
    before: Annotated[AwareTime | None, Query(alias="to", description="exclusive")] = None,
    reading: Annotated[
        State | None, Query(description="of answers with words: whether it is known what they say")
    ] = None,
    sentiment: Annotated[Sentiment | None, Query(description="what the words tell")] = None,
    topic: Annotated[TopicCode | None, Query(description="what the words speak of")] = None,
) -> Page[AnswerOut]:
    """Answers within reach, the newest first; never those given in confidence."""
    wanted = pages.part(caller.tenant)
    filters = Filters(
        survey=None if survey is None else survey_id(caller.tenant, survey),
        branch=branch,
        agent=agent,
        touchpoint=touchpoint,
        contact=contact,
        since=since,
        before=before,
        words=Wanted(reading, sentiment, topic),
    )
    found, known = await actions.list_answers(db, caller, filters, wanted)
    return wanted.page(
        found,
        key=lambda one: (one.answered_at, one.id),
        item=lambda one: AnswerOut.of(one, ReadingOut.of(one, known.get(one.id))),
    )


def _detail(shown: Shown) -> AnswerDetail:
    return AnswerDetail(
        **shown_answer(shown.answer),
        comment=shown.comment,
        reading=ReadingDetail.with_words(shown.answer, shown.known, shown.comment),
        texts=shown.texts,
        versions=[
            VersionOut(
                revision=version.revision,
                survey=version.survey,
                survey_version=version.survey_version,
                at=version.answered_at,
                recorded_at=version.recorded_at,
                sender=version.sender,
                scores=dict(version.content.scores),
                not_applicable=list(version.content.not_applicable),
                choices={name: list(ids) for name, ids in version.content.choices.items()},
                not_shown=list(version.content.not_shown),
                comment=comment,
                texts=texts,
            )
            for version, comment, texts in shown.versions
        ],
        cases=shown.cases,
    )
