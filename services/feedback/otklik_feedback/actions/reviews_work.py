"""What staff do about reviews: replies, whose work it is, and that one is gone from its source."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import outbox
from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.etags import Expected
from otklik_common.idempotency import Once
from otklik_common.idempotency import Reply as Answered
from otklik_feedback.actions.cases import Done
from otklik_feedback.actions.clocks import Book, settle
from otklik_feedback.actions.means import Means
from otklik_feedback.actions.reviews import missing, revised
from otklik_feedback.domain.happened import check_happened
from otklik_feedback.domain.review import (
    AlreadyPublished,
    Reply,
    Review,
    UnknownReply,
    check_standing,
    drafted,
    removed,
    replied,
    watched_of,
)
from otklik_feedback.domain.review_told import review_event
from otklik_feedback.store import reviews
from otklik_feedback.store.reviews import Listed, StepRow

Show = Callable[[Listed], Answered]


@dataclass(frozen=True, slots=True)
class Work:
    """
    How something is done about one review.

    Attributes:
        now: By which times are judged that the caller says.
    """

    db: Database
    means: Means
    book: Book
    caller: Caller
    now: datetime
    expected: Expected
    once: Once
    show: Show


@dataclass(frozen=True, slots=True)
class NewReply:
    """
    A reply as somebody writes it.

    Attributes:
        published_at: None: it is a draft.
        elsewhere: It stands at the source already, put there without us.
    """

    text: str | None
    published_at: datetime | None = None
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class _Taken:
    """What a step made of a review."""

    review: Review
    step: StepRow


_Move = Callable[[AsyncConnection, Review, outbox.Recorder], Awaitable[_Taken]]


async def reply(work: Work, id_: UUID, new: NewReply) -> Answered:
    """
    Draft or publish a reply.

    Raises:
        NotFound, ReviewRemoved, TooManyReplies, ReplyTooEarly, TimeInFuture, PreconditionFailed.
    """
    actor, tenant = work.caller.principal, work.caller.tenant

    async def move(tx: AsyncConnection, review: Review, recorder: outbox.Recorder) -> _Taken:
        after = drafted(review)
        at = new.published_at
        if at is not None:
            after = replied(after, after.replies, at)
        made = Reply(
            after.replies,
            recorder.now,
            actor,
            new.elsewhere,
            at,
            None if at is None else actor,
        )
        text = work.means.sealed(tenant, "reply", new.text)
        await reviews.put_reply(tx, tenant, id_, made, text)
        return _Taken(after, _step("drafted" if at is None else "replied", at, recorder, actor))

    if new.published_at is not None:
        check_happened(new.published_at, work.now)
    return await _done(work, id_, move)


async def publish(work: Work, id_: UUID, number: int, at: datetime) -> Answered:
    """
    Say that a draft stands at the source.

    Raises:
        NotFound, UnknownReply, ReviewRemoved, AlreadyPublished, ReplyTooEarly, TimeInFuture, PreconditionFailed.
    """
    actor, tenant = work.caller.principal, work.caller.tenant

    async def move(tx: AsyncConnection, review: Review, recorder: outbox.Recorder) -> _Taken:
        after = replied(review, number, at)
        known = {one.number: one for one, _ in await reviews.replies(tx, tenant, id_)}
        draft = known.get(number)
        if draft is None:
            raise UnknownReply(f"there is no reply {number}", detail_ru=f"ответа {number} нет")
        if draft.published_at is not None:
            raise AlreadyPublished("the reply is published", detail_ru="ответ уже опубликован")
        made = replace(draft, published_at=at, published_by=actor)
        await reviews.put_reply(tx, tenant, id_, made, None)
        return _Taken(after, _step("replied", at, recorder, actor))

    check_happened(at, work.now)
    return await _done(work, id_, move)


async def assign(work: Work, id_: UUID, assignee: str | None) -> Answered:
    """Say whose work a review is; None: nobody's. Raises NotFound, ReviewRemoved."""

    async def move(_: AsyncConnection, review: Review, recorder: outbox.Recorder) -> _Taken:
        check_standing(review)
        step = _step("assigned", None, recorder, work.caller.principal)
        return _Taken(replace(review, assignee=assignee), replace(step, assignee=assignee))

    return await _done(work, id_, move)


async def remove(work: Work, id_: UUID, done: Done) -> Answered:
    """
    Say that a review is gone from its source.

    Raises:
        NotFound, ReviewRemoved, TimeInFuture, PreconditionFailed.
    """

    async def move(_: AsyncConnection, review: Review, recorder: outbox.Recorder) -> _Taken:
        step = _step("removed", done.at, recorder, work.caller.principal)
        note = work.means.sealed(work.caller.tenant, "note", done.note)
        return _Taken(removed(review, done.at), replace(step, reason=done.reason, note=note))

    check_happened(done.at, work.now)
    return await _done(work, id_, move)


async def _done(work: Work, id_: UUID, move: _Move) -> Answered:
    tenant = work.caller.tenant
    async with work.db.begin(tenant) as tx:
        replayed = await work.once.replay(tx, work.caller)
        if replayed is not None:
            return replayed
        review = (await reviews.locked(tx, tenant, [id_])).get(id_)
        if review is None or not work.caller.may_see(review.branch):
            raise missing(id_)
        work.expected.check(review.revision)
        recorder = await outbox.recorder(tx, tenant)
        taken = await move(tx, review, recorder)
        after = revised(taken.review, recorder)
        await reviews.work(tx, tenant, after)
        step = replace(taken.step, revision=after.revision)
        await reviews.add_step(tx, tenant, id_, step)
        told = await settle(tx, tenant, [watched_of(after)], work.book, recorder=recorder)
        await recorder.append([review_event(tenant, after, verb=step.step, at=step.at), *told])
        found = await reviews.get(tx, tenant, id_)
        assert found is not None
        return await work.once.keep(tx, work.show(found[0]))


def _step(step: str, at: datetime | None, recorder: outbox.Recorder, actor: str) -> StepRow:
    return StepRow(0, step, at or recorder.now, recorder.now, actor)
