"""Keeping reviews, one or a thousand at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import outbox
from otklik_common.callers import Caller
from otklik_common.db import Database, raw
from otklik_common.errors import NotFound, Refused
from otklik_common.events.envelope import Event
from otklik_common.ids import subject_id
from otklik_common.paging import Part
from otklik_feedback.actions.answers import Fate, OutOfReach
from otklik_feedback.actions.clocks import Book, settle
from otklik_feedback.actions.means import Means
from otklik_feedback.actions.opening import Unhappy, open_cases
from otklik_feedback.actions.undisturbed import Raced, undisturbed
from otklik_feedback.domain.clock import ClockFact, read
from otklik_feedback.domain.facts import next_moment
from otklik_feedback.domain.review import (
    NewReview,
    Reply,
    Review,
    accept,
    case_of,
    opens_case,
    waits_since,
    watched_of,
)
from otklik_feedback.domain.review_told import review_event
from otklik_feedback.store import cases, clocks, contacts, reviews
from otklik_feedback.store.reviews import Filters, Listed, Sealed, StepRow, Version


def review_id(tenant: str, source: str, reference: str) -> UUID:
    """Subject id of a review, from its source and its id there."""
    return subject_id(tenant, "review", source, reference)


async def keep_reviews(
    db: Database, means: Means, book: Book, caller: Caller, sent: Sequence[NewReview]
) -> list[Fate | Refused]:
    """
    Keep reviews, run their clocks, open the cases they ask for and announce all, in one transaction.

    Good ones are kept where others are refused. A body that is known changes nothing; another body
    of the same source and id is a new revision, also within one batch.

    Returns:
        What became of each, in the order sent.
    Raises:
        Unavailable: Others kept writing the same reviews.
    """
    if not sent:
        return []
    return await undisturbed(
        db,
        caller.tenant,
        lambda tx: _keep(tx, means, book, caller, sent),
        detail="others are writing the same reviews",
        detail_ru="те же отзывы сейчас записывают другие",
    )


async def _keep(
    tx: AsyncConnection, means: Means, book: Book, caller: Caller, sent: Sequence[NewReview]
) -> list[Fate | Refused]:
    tenant = caller.tenant
    before = await reviews.locked(tx, tenant, {each.id for each in sent})
    gone = await contacts.last_of(tx, tenant, {each.id for each in sent} - before.keys())
    recorder = await outbox.recorder(tx, tenant)
    now = dict(before)
    told: list[Event[Any]] = []
    unhappy: list[Unhappy] = []
    bodies: dict[UUID, list[tuple[Review, Sealed]]] = {}
    fates: list[Fate | Refused] = []
    for each in sent:
        known = now.get(each.id)
        try:
            _check_reach(caller, each, known)
            after = accept(
                each,
                known,
                key=means.digest_key(tenant),
                sender=caller.principal,
                now=recorder.now,
            )
        except Refused as no:
            fates.append(no)
            continue
        if after is None:
            fates.append(Fate.DUPLICATE)
            continue
        last = gone.get(each.id) if known is None else None
        if last is not None:
            after = replace(after, revision=last.revision, recorded_at=last.recorded_at)
        after = revised(after, recorder)
        after = replace(after, body_revision=after.revision, body_at=after.recorded_at)
        now[each.id] = after
        bodies.setdefault(each.id, []).append((after, _sealed(means, tenant, each)))
        verb, at = ("received", after.written_at) if known is None else ("changed", recorder.now)
        told.append(review_event(tenant, after, verb=verb, at=at))
        if opens_case(known, after):
            id_ = subject_id(tenant, "case", str(after.id), str(after.revision))
            since = waits_since(after) if known is None else recorder.now
            unhappy.append(Unhappy(case_of(id_, after, since), since))
        fates.append(Fate.NEW if known is None else Fate.CHANGED)
    if not bodies:
        return fates
    await _write(tx, tenant, bodies, before.keys())
    watched = [watched_of(now[id_]) for id_ in bodies]
    told += await settle(tx, tenant, watched, book, recorder=recorder)
    told += await open_cases(tx, tenant, unhappy, recorder=recorder, actor=caller.principal)
    await recorder.append(told)
    return fates


async def _write(
    tx: AsyncConnection,
    tenant: str,
    bodies: dict[UUID, list[tuple[Review, Sealed]]],
    known: Any,
) -> None:
    """Each body takes the place of the one before, also within one batch."""
    first = [pairs[0] for id_, pairs in bodies.items() if id_ not in known]
    if first and await reviews.add(tx, tenant, first) != len(first):
        raise Raced
    rest = [pairs if id_ in known else pairs[1:] for id_, pairs in bodies.items()]
    while any(rest):
        changed = [pairs[0] for pairs in rest if pairs]
        await reviews.supersede(tx, tenant, [review.id for review, _ in changed])
        await reviews.put(tx, tenant, changed)
        rest = [pairs[1:] for pairs in rest]


def revised(review: Review, recorder: outbox.Recorder) -> Review:
    """The review as its next revision."""
    return replace(
        review,
        revision=review.revision + 1,
        recorded_at=next_moment(recorder.now, review.recorded_at),
    )


def _sealed(means: Means, tenant: str, new: NewReview) -> Sealed:
    return Sealed(
        means.sealed(tenant, "review", new.text),
        means.sealed(tenant, "author", new.author),
        means.sealed(tenant, "url", new.url),
    )


def _check_reach(caller: Caller, new: NewReview, before: Review | None) -> None:
    if before is not None and not caller.may_see(before.branch):
        raise NotFound("there is no such review", detail_ru="такого отзыва нет")
    if not caller.may_see(new.branch):
        raise OutOfReach(
            f"branch {new.branch!r} is out of your reach",
            detail_ru=f"филиал {new.branch!r} вам недоступен",
        )


# --- Reading ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Words:
    """What is written in a review, in the clear."""

    text: str | None
    author: str | None
    url: str | None


@dataclass(frozen=True, slots=True)
class Shown:
    """
    A review with all that is known of it, in the clear.

    Attributes:
        alike: Other reviews in the same words, written within a day of it.
        case: The newest case that it opened.
    """

    listed: Listed
    words: Words
    versions: list[tuple[Version, str | None]]
    replies: list[tuple[Reply, str | None]]
    steps: list[tuple[StepRow, str | None]]
    alike: list[UUID]
    clocks: list[tuple[UUID, ClockFact]]
    case: UUID | None


async def read_review(db: Database, means: Means, caller: Caller, id_: UUID) -> Shown:
    """A review with its words, bodies before, replies and steps. Raises NotFound."""
    tenant = caller.tenant
    async with db.begin(tenant) as tx:
        found = await reviews.get(tx, tenant, id_)
        if found is None or not caller.may_see(found[0].review.branch):
            raise missing(id_)
        listed, sealed = found
        versions = await reviews.versions(tx, tenant, id_)
        replies = await reviews.replies(tx, tenant, id_)
        steps = await reviews.steps(tx, tenant, id_)
        alike = await reviews.alike(tx, tenant, listed.review, caller.branches)
        running = await clocks.standing(await raw(tx), tenant, [id_])
        case = await cases.opened_for(tx, tenant, "review", id_)
    return Shown(
        listed,
        Words(
            means.opened(tenant, "review", sealed.text),
            means.opened(tenant, "author", sealed.author),
            means.opened(tenant, "url", sealed.url),
        ),
        [(one, means.opened(tenant, "review", one.text)) for one in versions],
        [(one, means.opened(tenant, "reply", text)) for one, text in replies],
        [(one, means.opened(tenant, "note", one.note)) for one in steps],
        alike,
        [(row.id, read(row.data)) for row in running],
        case,
    )


async def list_reviews(
    db: Database, caller: Caller, filters: Filters, wanted: Part
) -> list[Listed]:
    """A part of the reviews within reach, and one more."""
    within = replace(filters, branches=caller.branches)
    async with db.begin(caller.tenant) as tx:
        return await reviews.part(tx, caller.tenant, within, wanted)


def missing(id_: UUID) -> NotFound:
    """There is none, or none within reach."""
    return NotFound(f"there is no review {id_}", detail_ru=f"отзыва {id_} нет")
