"""Reviews: how they come in, and what is done about them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from otklik_common.batches import BatchOut, items_of, parsed, refusals
from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.errors import Refused
from otklik_common.events.reviews import ReviewState
from otklik_common.http import (
    MIB,
    PROBLEMS,
    IfMatch,
    Now,
    OnceIfKeyed,
    Page,
    Pages,
    Reply,
    edge,
    etag,
)
from otklik_feedback.actions import reviews as actions
from otklik_feedback.actions import reviews_work as work
from otklik_feedback.actions.answers import Fate
from otklik_feedback.actions.clocks import Book
from otklik_feedback.actions.means import Means
from otklik_feedback.actions.reviews_work import Show, Work
from otklik_feedback.api.cases import StepBody
from otklik_feedback.api.context import (
    PREFIX,
    Code,
    Db,
    Keys,
    MayReadCases,
    MayWriteCases,
    Promised,
)
from otklik_feedback.api.reviews_schemas import (
    AssignBody,
    PublishBody,
    ReplyBody,
    ReviewBody,
    ReviewDetail,
    ReviewOut,
    SourceCode,
)
from otklik_feedback.domain.review import NewReview
from otklik_feedback.domain.review_file import MOST_ROWS, TooManyRows, rows_of
from otklik_feedback.store.reviews import Filters, place_of

ReviewPath = Annotated[UUID, Path(alias="review", description="id of the review")]

_BATCH = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "array",
                    "maxItems": MOST_ROWS,
                    "items": {"$ref": "#/components/schemas/ReviewBody"},
                }
            },
            "application/x-ndjson": {"schema": {"type": "string"}},
        },
    }
}
_FILE = {"requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}}}


router = APIRouter(prefix=PREFIX, tags=["feedback: reviews"])


async def _doing(
    caller: MayWriteCases,
    db: Db,
    means: Keys,
    book: Promised,
    now: Now,
    expected: IfMatch,
    once: OnceIfKeyed,
) -> Work:
    return Work(db, means, book, caller, now, expected, once, _show(now))


def _show(now: datetime) -> Show:
    return lambda listed: Reply.json(
        200, ReviewOut.of(listed, now), etag=etag(listed.review.revision)
    )


Doing = Annotated[Work, Depends(_doing)]


@dataclass(frozen=True, slots=True)
class Keeping:
    """Who keeps reviews, when, and with what."""

    caller: Caller
    db: Database
    means: Means
    book: Book
    now: datetime

    async def keep(self, items: Sequence[Any]) -> BatchOut:
        """What became of items; good ones are kept where others are refused."""
        sent, refused = await asyncio.to_thread(_read, items, self.caller.tenant, self.now)
        fates = await self.kept([one for _, one in sent])
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

    async def kept(self, new: Sequence[NewReview]) -> list[Fate | Refused]:
        """What became of reviews."""
        return await actions.keep_reviews(self.db, self.means, self.book, self.caller, new)


async def _keeping(caller: MayWriteCases, db: Db, means: Keys, book: Promised, now: Now) -> Keeping:
    return Keeping(caller, db, means, book, now)


Keeps = Annotated[Keeping, Depends(_keeping)]


@router.post(
    "/reviews",
    operation_id="post_review",
    summary="Keep a review",
    responses=PROBLEMS(400, 401, 403, 404, 413, 422),
)
async def post_review(body: ReviewBody, keeping: Keeps, response: Response) -> ReviewDetail:
    """
    Keep one review; its source and its id there make it safe to send again.

    The same body again changes nothing; another one is an edit at the source: a new revision,
    and both are kept. Two stars or fewer open a case in the same transaction.
    """
    caller, now = keeping.caller, keeping.now
    new = body.new(caller.tenant, now)
    [fate] = await keeping.kept([new])
    if isinstance(fate, Refused):
        raise fate
    shown = await actions.read_review(keeping.db, keeping.means, caller, new.id)
    response.headers["ETag"] = etag(shown.listed.review.revision)
    return ReviewDetail.shown(shown, now)


@router.post(
    "/reviews:batch",
    status_code=202,
    operation_id="post_reviews",
    summary="Keep up to 1,000 reviews",
    responses=PROBLEMS(400, 401, 403, 413, 422),
    openapi_extra=_BATCH,
)
@edge(body_limit=5 * MIB)
async def post_reviews(request: Request, keeping: Keeps) -> BatchOut:
    """
    Keep reviews from an array or from NDJSON, at most 1,000 or 5 MiB, in one transaction.

    Good ones are kept where others are refused; a refused one is named by its index.
    """
    items = await asyncio.to_thread(items_of, await request.body())
    if len(items) > MOST_ROWS:
        raise TooManyRows(
            f"{len(items)} reviews; one batch takes {MOST_ROWS}",
            detail_ru=f"{len(items)} отзывов; в одном запросе до {MOST_ROWS}",
        )
    return await keeping.keep(items)


@router.post(
    "/reviews:import",
    status_code=202,
    operation_id="import_reviews",
    summary="Keep the reviews of a file",
    responses=PROBLEMS(400, 401, 403, 413, 422),
    openapi_extra=_FILE,
)
@edge(body_limit=5 * MIB)
async def import_reviews(request: Request, keeping: Keeps) -> BatchOut:
    """
    Keep reviews from a CSV file, at most 1,000 or 5 MiB; the first line names the fields.

    `source`, `id` and `written_at` are needed; `stars`, `text`, `author`, `branch`, `agent` and
    `url` may follow. A formula or HTML is text like any other. A refused row is named by its
    index, from 0 after the first line.
    """
    return await keeping.keep(await asyncio.to_thread(rows_of, await request.body()))


@router.get(
    "/reviews",
    operation_id="list_reviews",
    summary="List reviews",
    responses=PROBLEMS(400, 401, 403, 422),
)
async def list_reviews(
    caller: MayReadCases,
    db: Db,
    pages: Pages,
    now: Now,
    *,
    order: Annotated[
        Literal["newest", "due"],
        Query(description="due: those that wait for a reply, the longest overdue first"),
    ] = "newest",
    state: ReviewState | None = None,
    overdue: Annotated[
        bool | None, Query(description="true: only those whose reply is overdue")
    ] = None,
    source: Annotated[SourceCode | None, Query()] = None,
    stars: Annotated[int | None, Query(ge=1, le=5)] = None,
    branch: Annotated[Code | None, Query()] = None,
    agent: Annotated[Code | None, Query()] = None,
    assignee: Annotated[Code | None, Query()] = None,
) -> Page[ReviewOut]:
    """Reviews within reach."""
    part = pages.part(caller.tenant)
    filters = Filters(
        state=state,
        source=source,
        stars=stars,
        branch=branch,
        agent=agent,
        assignee=assignee,
        overdue_at=now if overdue else None,
        due_first=order == "due",
    )
    found = await actions.list_reviews(db, caller, filters, part)
    return part.page(
        found,
        key=lambda one: place_of(one, due_first=filters.due_first),
        item=lambda one: ReviewOut.of(one, now),
    )


@router.get(
    "/reviews/{review}",
    operation_id="get_review",
    summary="Read a review",
    responses=PROBLEMS(401, 403, 404, 422),
)
async def get_review(
    review: ReviewPath, caller: MayReadCases, db: Db, means: Keys, now: Now, response: Response
) -> ReviewDetail:
    """A review with its words, our replies, and others that may be the same."""
    shown = await actions.read_review(db, means, caller, review)
    response.headers["ETag"] = etag(shown.listed.review.revision)
    return ReviewDetail.shown(shown, now)


@router.post(
    "/reviews/{review}/replies",
    operation_id="reply_to_review",
    summary="Reply to a review",
    response_model=ReviewOut,
    responses=PROBLEMS(400, 401, 403, 404, 409, 412, 413, 422),
)
async def reply_to(review: ReviewPath, body: ReplyBody, doing: Doing) -> Response:
    """
    Draft a reply, say that it is published, or that one was published elsewhere.

    A published reply ends the waiting; nothing is sent to the source. Nobody writes there but
    staff: a machine that answers for us would be one more thing to apologise for.
    """
    return (await work.reply(doing, review, body.new(doing.now))).response()


@router.post(
    "/reviews/{review}/replies/{number}/publish",
    operation_id="publish_reply",
    summary="Say that a draft is published",
    response_model=ReviewOut,
    responses=PROBLEMS(400, 401, 403, 404, 409, 412, 413, 422),
)
async def publish(
    review: ReviewPath,
    number: Annotated[int, Path(ge=0, le=1_000)],
    body: PublishBody,
    doing: Doing,
) -> Response:
    """The draft stands at the source from then on."""
    return (await work.publish(doing, review, number, body.at or doing.now)).response()


@router.put(
    "/reviews/{review}/assignee",
    operation_id="assign_review",
    summary="Say whose work a review is",
    response_model=ReviewOut,
    responses=PROBLEMS(400, 401, 403, 404, 409, 412, 413, 422),
)
async def assign(review: ReviewPath, body: AssignBody, doing: Doing) -> Response:
    """Who is to reply; null takes it away."""
    return (await work.assign(doing, review, body.assignee)).response()


@router.post(
    "/reviews/{review}/removed",
    operation_id="remove_review",
    summary="Say that a review is gone from its source",
    response_model=ReviewOut,
    responses=PROBLEMS(400, 401, 403, 404, 409, 412, 413, 422),
)
async def remove(review: ReviewPath, body: StepBody, doing: Doing) -> Response:
    """Nobody waits for a reply any more, and no number counts it; it is kept."""
    return (await work.remove(doing, review, body.done(doing.now))).response()


def _read(
    items: Sequence[Any], tenant: str, now: datetime
) -> tuple[list[tuple[int, NewReview]], list[tuple[int, Refused]]]:
    sent: list[tuple[int, NewReview]] = []
    refused: list[tuple[int, Refused]] = []
    for index, item in enumerate(items):
        try:
            sent.append((index, parsed(ReviewBody, item).new(tenant, now)))
        except Refused as no:
            refused.append((index, no))
    return sent, refused
