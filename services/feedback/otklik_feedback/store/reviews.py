"""Reviews, their bodies before, replies, and what was done about them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    delete,
    func,
    insert,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.events.reviews import ReviewState
from otklik_common.paging import Part, keyset
from otklik_feedback.domain.review import SAME_DAY, Reply, Review
from otklik_feedback.store.clock_tables import clock
from otklik_feedback.store.review_tables import (
    review_replies,
    review_steps,
    review_versions,
    reviews,
)
from otklik_feedback.store.sets import add as add_rows
from otklik_feedback.store.sets import array, given


@dataclass(frozen=True, slots=True)
class Sealed:
    """What is written in a review, readable by its company's key alone."""

    text: bytes | None = None
    author: bytes | None = None
    url: bytes | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """A body of a review that a later one has taken the place of."""

    revision: int
    sender: str
    written_at: datetime
    recorded_at: datetime
    stars: int | None
    text: bytes | None


@dataclass(frozen=True, slots=True)
class StepRow:
    """
    Something that was done about a review.

    Attributes:
        revision: The one that it made.
        note: Sealed.
    """

    revision: int
    step: str
    at: datetime
    recorded_at: datetime
    actor: str
    assignee: str | None = None
    reason: str | None = None
    note: bytes | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A review in a list; `due_at` is by when a reply is promised, None where none is awaited."""

    review: Review
    due_at: datetime | None


_PLAIN: Final = (
    "id",
    "source",
    "reference",
    "revision",
    "digest",
    "sender",
    "written_at",
    "received_at",
    "stars",
    "has_text",
    "alike",
    "branch",
    "agent",
    "assignee",
    "replies",
    "replied_at",
    "removed_at",
    "recorded_at",
    "body_revision",
    "body_at",
)
_PERSONAL: Final = ("text", "author", "url")
_COLUMNS: Final = (*_PLAIN, "state", *_PERSONAL)
_READ: Final = tuple(reviews.c[name] for name in _PLAIN)
_WORK: Final = (
    "revision",
    "recorded_at",
    "assignee",
    "replies",
    "replied_at",
    "removed_at",
    "state",
)

_NEVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""After everything that is due."""


async def locked(tx: AsyncConnection, tenant: str, ids: Collection[UUID]) -> dict[UUID, Review]:
    """Those of the reviews that are known, locked in the order of their ids."""
    found = await tx.execute(
        select(*_READ)
        .where(reviews.c.tenant == tenant, reviews.c.id == array(reviews, "id", ids))
        .order_by(reviews.c.id)
        .with_for_update()
    )
    return {row.id: _review(row) for row in found}


async def add(tx: AsyncConnection, tenant: str, new: Sequence[tuple[Review, Sealed]]) -> int:
    """Insert reviews; returns how many were: others may just have been inserted."""
    ordered = sorted(new, key=lambda pair: pair[0].id)
    names = ("tenant", *_COLUMNS)
    source = given(reviews, names, [_row(tenant, *pair) for pair in ordered])
    added = await tx.execute(
        upsert(reviews)
        .from_select(list(names), select(*source.c))
        .on_conflict_do_nothing()
        .returning(reviews.c.id)
    )
    return len(added.all())


async def supersede(tx: AsyncConnection, tenant: str, ids: Collection[UUID]) -> None:
    """Keep the bodies of locked reviews whose place others are about to take."""
    names = ("tenant", "review", "revision", "sender", "written_at", "recorded_at", "stars", "text")
    rows = select(
        reviews.c.tenant,
        reviews.c.id,
        reviews.c.body_revision,
        reviews.c.sender,
        reviews.c.written_at,
        reviews.c.body_at,
        reviews.c.stars,
        reviews.c.text,
    ).where(reviews.c.tenant == tenant, reviews.c.id == array(reviews, "id", ids))
    await tx.execute(insert(review_versions).from_select(names, rows))


async def put(tx: AsyncConnection, tenant: str, changed: Sequence[tuple[Review, Sealed]]) -> None:
    """Write reviews that are locked, with new bodies."""
    source = given(reviews, _COLUMNS, [_row(tenant, *pair) for pair in changed])
    await tx.execute(
        update(reviews)
        .values({name: source.c[name] for name in _COLUMNS if name != "id"})
        .where(reviews.c.tenant == tenant, reviews.c.id == source.c.id)
    )


async def work(tx: AsyncConnection, tenant: str, review: Review) -> None:
    """Write what was done about a review that is locked."""
    row = _row(tenant, review, Sealed())
    await tx.execute(
        update(reviews)
        .values({name: row[name] for name in _WORK})
        .where(reviews.c.tenant == tenant, reviews.c.id == review.id)
    )


async def add_step(tx: AsyncConnection, tenant: str, review: UUID, step: StepRow) -> None:
    """Keep what was done."""
    row = {name: getattr(step, name) for name in StepRow.__dataclass_fields__}
    await add_rows(tx, review_steps, [{"tenant": tenant, "review": review, **row}])


async def put_reply(
    tx: AsyncConnection, tenant: str, review: UUID, reply: Reply, sealed: bytes | None
) -> None:
    """Write a reply of a review that is locked."""
    row = {
        "tenant": tenant,
        "review": review,
        "number": reply.number,
        "elsewhere": reply.elsewhere,
        "drafted_at": reply.drafted_at,
        "drafted_by": reply.drafted_by,
        "published_at": reply.published_at,
        "published_by": reply.published_by,
        "text": sealed,
    }
    new = upsert(review_replies).values(row)
    await tx.execute(
        new.on_conflict_do_update(
            index_elements=["tenant", "review", "number"],
            set_={name: new.excluded[name] for name in ("published_at", "published_by")},
        )
    )


# --- Reading ------------------------------------------------------------------------------------


async def get(tx: AsyncConnection, tenant: str, id_: UUID) -> tuple[Listed, Sealed] | None:
    """A review with its words."""
    personal = [reviews.c[name] for name in _PERSONAL]
    row = (await tx.execute(_listed(tenant, *personal).where(reviews.c.id == id_))).one_or_none()
    if row is None:
        return None
    return Listed(_review(row), row.due_at), Sealed(row.text, row.author, row.url)


async def versions(tx: AsyncConnection, tenant: str, id_: UUID) -> list[Version]:
    """The bodies of a review before the present one, the oldest first."""
    found = await tx.execute(
        select(review_versions)
        .where(review_versions.c.tenant == tenant, review_versions.c.review == id_)
        .order_by(review_versions.c.revision)
    )
    return [
        Version(row.revision, row.sender, row.written_at, row.recorded_at, row.stars, row.text)
        for row in found
    ]


async def replies(tx: AsyncConnection, tenant: str, id_: UUID) -> list[tuple[Reply, bytes | None]]:
    """The replies to a review, by their numbers."""
    found = await tx.execute(
        select(review_replies)
        .where(review_replies.c.tenant == tenant, review_replies.c.review == id_)
        .order_by(review_replies.c.number)
    )
    return [
        (
            Reply(
                row.number,
                row.drafted_at,
                row.drafted_by,
                row.elsewhere,
                row.published_at,
                row.published_by,
            ),
            row.text,
        )
        for row in found
    ]


async def steps(tx: AsyncConnection, tenant: str, id_: UUID) -> list[StepRow]:
    """What was done about a review, in order."""
    columns = [review_steps.c[name] for name in StepRow.__dataclass_fields__]
    found = await tx.execute(
        select(*columns)
        .where(review_steps.c.tenant == tenant, review_steps.c.review == id_)
        .order_by(review_steps.c.revision)
    )
    return [StepRow(*row) for row in found]


async def alike(
    tx: AsyncConnection, tenant: str, review: Review, branches: frozenset[str] | None
) -> list[UUID]:
    """Other reviews in the same words, written within a day of it; at most 20, the oldest first."""
    if review.alike is None:
        return []
    wanted = select(reviews.c.id).where(
        reviews.c.tenant == tenant,
        reviews.c.alike == review.alike,
        reviews.c.id != review.id,
        reviews.c.written_at.between(review.written_at - SAME_DAY, review.written_at + SAME_DAY),
    )
    if branches is not None:
        wanted = wanted.where(reviews.c.branch == array(reviews, "branch", branches))
    found = await tx.scalars(wanted.order_by(reviews.c.written_at, reviews.c.id).limit(20))
    return list(found)


@dataclass(frozen=True, slots=True)
class Filters:
    """
    Which reviews are wanted; None means any.

    Attributes:
        due_first: Those that wait for a reply, whatever is due first before the others; else all,
            the newest first.
        overdue_at: Only those whose reply was due by then.
    """

    state: ReviewState | None = None
    source: str | None = None
    stars: int | None = None
    branch: str | None = None
    agent: str | None = None
    assignee: str | None = None
    overdue_at: datetime | None = None
    due_first: bool = False
    branches: frozenset[str] | None = None


async def part(tx: AsyncConnection, tenant: str, filters: Filters, wanted: Part) -> list[Listed]:
    """A part of the list, and one more."""
    rows = _listed(tenant).where(*_where(filters))
    if filters.due_first:
        rows = rows.where(reviews.c.state == ReviewState.OPEN.value)
        due = func.coalesce(clock.c.due_at, literal(_NEVER, clock.c.due_at.type))
        found = await tx.execute(keyset(rows, wanted, order=(due, reviews.c.id)))
    else:
        order = (reviews.c.written_at.desc(), reviews.c.id.desc())
        found = await tx.execute(keyset(rows, wanted, order=order))
    return [Listed(_review(row), row.due_at) for row in found]


def place_of(listed: Listed, *, due_first: bool) -> tuple[datetime, UUID]:
    """Where a review stands in the list."""
    if due_first:
        return listed.due_at or _NEVER, listed.review.id
    return listed.review.written_at, listed.review.id


def _listed(tenant: str, *more: ColumnElement[Any]) -> Select[Any]:
    running = and_(
        clock.c.tenant == reviews.c.tenant,
        clock.c.matter == reviews.c.id,
        clock.c.target == "review_reply",
        ~clock.c.void,
        clock.c.state.in_(("pending", "imminent", "breaching")),
    )
    return (
        select(*_READ, clock.c.due_at, *more)
        .select_from(reviews.outerjoin(clock, running))
        .where(reviews.c.tenant == tenant)
    )


def _where(filters: Filters) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [
        reviews.c[name] == value
        for name in ("source", "stars", "branch", "agent", "assignee")
        if (value := getattr(filters, name)) is not None
    ]
    if filters.state is not None:
        wanted.append(reviews.c.state == filters.state.value)
    if filters.overdue_at is not None:
        wanted.append(clock.c.due_at < filters.overdue_at)
    if filters.branches is not None:
        wanted.append(reviews.c.branch == array(reviews, "branch", filters.branches))
    return wanted


# --- Taking out ---------------------------------------------------------------------------------


async def demo(tx: AsyncConnection, tenant: str, most: int) -> list[Review]:
    """Some reviews of the demo, locked."""
    found = await tx.execute(
        select(*_READ)
        .where(reviews.c.tenant == tenant, text("starts_with(reference, 'demo-')"))
        .order_by(reviews.c.id)
        .limit(most)
        .with_for_update()
    )
    return [_review(row) for row in found]


async def remove(tx: AsyncConnection, tenant: str, ids: Collection[UUID]) -> None:
    """Delete reviews with all bodies before, replies and steps."""
    for table, column in ((review_versions, "review"), (reviews, "id")):
        gone = table.c[column] == array(table, column, ids)
        await tx.execute(delete(table).where(table.c.tenant == tenant, gone))


def _row(tenant: str, review: Review, sealed: Sealed) -> dict[str, Any]:
    return {
        "tenant": tenant,
        **{name: getattr(review, name) for name in _PLAIN},
        "state": review.state.value,
        **{name: getattr(sealed, name) for name in _PERSONAL},
    }


def _review(row: Any) -> Review:
    return Review(**{name: getattr(row, name) for name in _PLAIN})
