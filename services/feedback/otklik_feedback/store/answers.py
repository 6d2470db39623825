"""Answers, many at a time: the newest revision of each, and the bodies before it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.paging import Part, keyset
from otklik_feedback.domain.answer import Answer, Content
from otklik_feedback.store.contents import read_content, written_content
from otklik_feedback.store.readings import ANYTHING, Wanted, where
from otklik_feedback.store.sets import Row, array, given
from otklik_feedback.store.sets import add as add_rows
from otklik_feedback.store.tables import answer_versions, answers


@dataclass(frozen=True, slots=True)
class Sealed:
    """What is personal in an answer, readable by its owner's key alone."""

    comment: bytes | None = None
    words: bytes | None = None
    phone: bytes | None = None
    email: bytes | None = None
    external: bytes | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """One body of an answer; `revision` is the one that it made."""

    revision: int
    survey: UUID
    survey_version: int
    sender: str
    answered_at: datetime
    recorded_at: datetime
    content: Content
    dimensions: Mapping[str, str]
    comment: bytes | None
    words: bytes | None = None


_PLAIN: Final = (
    "id",
    "reference",
    "survey",
    "survey_version",
    "template",
    "anonymous",
    "revision",
    "digest",
    "sender",
    "answered_at",
    "recorded_at",
    "body_revision",
    "body_at",
    "contact",
    "source",
    "customer",
)
_plain: Final = attrgetter(*_PLAIN)
_COPIES: Final = ("branch", "agent", "touchpoint")
_PERSONAL: Final = ("comment", "words", "phone", "email", "external")
_personal: Final = attrgetter(*_PERSONAL)
_COLUMNS: Final = (
    *_PLAIN,
    "said",
    "dimensions",
    "own_identifiers",
    "identifiers",
    *_COPIES,
    "content",
    *_PERSONAL,
)
_VERSION: Final = (
    "tenant",
    "answer",
    "revision",
    "survey",
    "survey_version",
    "sender",
    "answered_at",
    "recorded_at",
    "content",
    "dimensions",
    "comment",
    "words",
)
_READ: Final = tuple(answers.c[name] for name in _COLUMNS if name not in {*_COPIES, *_PERSONAL})
_PLACED: Final = (
    "tenant",
    "id",
    "revision",
    "recorded_at",
    "dimensions",
    "identifiers",
    *_COPIES,
)


async def locked(tx: AsyncConnection, tenant: str, ids: Collection[UUID]) -> dict[UUID, Answer]:
    """The answers of those ids that are known, locked in the order of their ids."""
    found = await tx.execute(
        select(*_READ)
        .where(answers.c.tenant == tenant, answers.c.id == array(answers, "id", ids))
        .order_by(answers.c.id)
        .with_for_update()
    )
    return {row.id: _answer(row) for row in found}


async def add(tx: AsyncConnection, tenant: str, new: Sequence[tuple[Answer, Sealed]]) -> set[UUID]:
    """Insert answers; returns the ids of those inserted: others have just been inserted."""
    ordered = sorted(new, key=lambda pair: pair[0].id)
    names = ("tenant", *_COLUMNS)
    source = given(answers, names, [_row(tenant, *pair) for pair in ordered])
    added = await tx.execute(
        upsert(answers)
        .from_select(list(names), select(*source.c))
        .on_conflict_do_nothing()
        .returning(answers.c.id)
    )
    return set(added.scalars())


async def put(tx: AsyncConnection, tenant: str, changed: Sequence[tuple[Answer, Sealed]]) -> None:
    """Write answers that are locked."""
    source = given(answers, _COLUMNS, [_row(tenant, *pair) for pair in changed])
    await tx.execute(
        update(answers)
        .values({name: source.c[name] for name in _COLUMNS if name != "id"})
        .where(answers.c.tenant == tenant, answers.c.id == source.c.id)
    )


async def supersede(tx: AsyncConnection, tenant: str, ids: Collection[UUID]) -> None:
    """Keep the bodies of locked answers whose place others are about to take."""
    rows = select(
        answers.c.tenant,
        answers.c.id,
        answers.c.body_revision,
        answers.c.survey,
        answers.c.survey_version,
        answers.c.sender,
        answers.c.answered_at,
        answers.c.body_at,
        answers.c.content,
        answers.c.dimensions,
        answers.c.comment,
        answers.c.words,
    ).where(answers.c.tenant == tenant, answers.c.id == array(answers, "id", ids))
    await tx.execute(insert(answer_versions).from_select(_VERSION, rows))


async def add_versions(
    tx: AsyncConnection, tenant: str, passed: Sequence[tuple[Answer, Sealed]]
) -> None:
    """Keep bodies that lost their place in the very batch that brought them."""
    rows = [
        {
            "tenant": tenant,
            "answer": answer.id,
            "revision": answer.body_revision,
            "survey": answer.survey,
            "survey_version": answer.survey_version,
            "sender": answer.sender,
            "answered_at": answer.answered_at,
            "recorded_at": answer.body_at,
            "content": written_content(answer.content),
            "dimensions": dict(answer.dimensions),
            "comment": sealed.comment,
            "words": sealed.words,
        }
        for answer, sealed in passed
    ]
    await add_rows(tx, answer_versions, rows)


async def about(
    tx: AsyncConnection, contacts: Collection[tuple[str, UUID]]
) -> list[tuple[str, Answer]]:
    """Answers about any of these contacts (tenant, contact) with their tenants, locked by id."""
    rows = [{"tenant": tenant, "contact": contact} for tenant, contact in contacts]
    wanted = given(answers, ("tenant", "contact"), rows)
    found = await tx.execute(
        select(answers.c.tenant, *_READ)
        .join(
            wanted,
            (wanted.c.tenant == answers.c.tenant) & (wanted.c.contact == answers.c.contact),
        )
        .order_by(answers.c.tenant, answers.c.id)
        .with_for_update(of=answers)
    )
    return [(row.tenant, _answer(row)) for row in found]


async def place(tx: AsyncConnection, changed: Iterable[tuple[str, Answer]]) -> None:
    """Write what locked answers of any companies have learned of their contacts."""
    rows = [
        {
            "tenant": tenant,
            "id": answer.id,
            "revision": answer.revision,
            "recorded_at": answer.recorded_at,
            "dimensions": dict(answer.dimensions),
            "identifiers": list(answer.identifiers),
            **{name: answer.dimensions.get(name) for name in _COPIES},
        }
        for tenant, answer in changed
    ]
    source = given(answers, _PLACED, rows)
    await tx.execute(
        update(answers)
        .values({name: source.c[name] for name in _PLACED if name not in {"tenant", "id"}})
        .where(answers.c.tenant == source.c.tenant, answers.c.id == source.c.id)
    )


# --- Reading ------------------------------------------------------------------------------------


async def get(
    tx: AsyncConnection, tenant: str, ids: Collection[UUID]
) -> list[tuple[Answer, Sealed]]:
    """The answers of those ids, the oldest first."""
    personal = [answers.c[name] for name in _PERSONAL]
    found = await tx.execute(
        select(*_READ, *personal)
        .where(answers.c.tenant == tenant, answers.c.id == array(answers, "id", ids))
        .order_by(answers.c.answered_at, answers.c.id)
    )
    return [
        (_answer(row), Sealed(row.comment, row.words, row.phone, row.email, row.external))
        for row in found
    ]


async def held(
    tx: AsyncConnection, pairs: Collection[tuple[str, UUID]]
) -> list[tuple[str, Answer, bytes | None]]:
    """Answers of any companies (tenant, id), which are held, each with its sealed comment."""
    wanted = given(answers, ("tenant", "id"), [{"tenant": t, "id": id_} for t, id_ in pairs])
    found = await tx.execute(
        select(answers.c.tenant, answers.c.comment, *_READ).join(
            wanted, (wanted.c.tenant == answers.c.tenant) & (wanted.c.id == answers.c.id)
        )
    )
    return [(row.tenant, _answer(row), row.comment) for row in found]


async def versions(tx: AsyncConnection, tenant: str, id_: UUID) -> list[Version]:
    """The bodies of an answer before the present one, the oldest first."""
    found = await tx.execute(
        select(answer_versions)
        .where(answer_versions.c.tenant == tenant, answer_versions.c.answer == id_)
        .order_by(answer_versions.c.revision)
    )
    return [
        Version(
            row.revision,
            row.survey,
            row.survey_version,
            row.sender,
            row.answered_at,
            row.recorded_at,
            read_content(row.content),
            row.dimensions,
            row.comment,
            row.words,
        )
        for row in found
    ]


@dataclass(frozen=True, slots=True)
class Filters:
    """Which answers are wanted; None means any."""

    survey: UUID | None = None
    branch: str | None = None
    agent: str | None = None
    touchpoint: str | None = None
    contact: UUID | None = None
    since: datetime | None = None
    before: datetime | None = None
    branches: frozenset[str] | None = None
    words: Wanted = ANYTHING


async def part(tx: AsyncConnection, tenant: str, filters: Filters, wanted: Part) -> list[Answer]:
    """A part of the list, the newest first, and one more; never those given in confidence."""
    rows = select(*_READ).where(answers.c.tenant == tenant, ~answers.c.anonymous, *_where(filters))
    order = (answers.c.answered_at.desc(), answers.c.id.desc())
    return [_answer(row) for row in await tx.execute(keyset(rows, wanted, order=order))]


def _where(filters: Filters) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [
        answers.c[name] == value
        for name in ("survey", "branch", "agent", "touchpoint", "contact")
        if (value := getattr(filters, name)) is not None
    ]
    wanted += where(filters.words)
    if filters.since is not None:
        wanted.append(answers.c.answered_at >= filters.since)
    if filters.before is not None:
        wanted.append(answers.c.answered_at < filters.before)
    if filters.branches is not None:
        wanted.append(answers.c.branch == array(answers, "branch", filters.branches))
    return wanted


def present(answer: Answer, sealed: Sealed) -> Version:
    """The body that stands now."""
    assert answer.body_at is not None
    return Version(
        answer.body_revision,
        answer.survey,
        answer.survey_version,
        answer.sender,
        answer.answered_at,
        answer.body_at,
        answer.content,
        answer.dimensions,
        sealed.comment,
        sealed.words,
    )


# --- Taking out ---------------------------------------------------------------------------------


async def demo(tx: AsyncConnection, tenant: str, most: int) -> list[Answer]:
    """Some answers of the demo, locked."""
    found = await tx.execute(
        select(*_READ)
        .where(answers.c.tenant == tenant, text("starts_with(reference, 'demo-')"))
        .order_by(answers.c.id)
        .limit(most)
        .with_for_update()
    )
    return [_answer(row) for row in found]


async def remove(tx: AsyncConnection, tenant: str, ids: Collection[UUID]) -> None:
    """Delete answers with all versions."""
    for table, column in ((answer_versions, "answer"), (answers, "id")):
        await tx.execute(
            delete(table).where(
                table.c.tenant == tenant, table.c[column] == array(table, column, ids)
            )
        )


# --- Rows ---------------------------------------------------------------------------------------


def _row(tenant: str, answer: Answer, sealed: Sealed) -> Row:
    dimensions = answer.dimensions
    return {
        "tenant": tenant,
        **dict(zip(_PLAIN, _plain(answer), strict=True)),
        "said": dict(answer.said),
        "dimensions": dict(dimensions),
        "own_identifiers": list(answer.own_identifiers),
        "identifiers": list(answer.identifiers),
        **{name: dimensions.get(name) for name in _COPIES},
        "content": written_content(answer.content),
        **dict(zip(_PERSONAL, _personal(sealed), strict=True)),
    }


def _answer(row: Any) -> Answer:
    plain = {name: getattr(row, name) for name in _PLAIN}
    return Answer(
        **plain,
        said=row.said,
        dimensions=row.dimensions,
        own_identifiers=tuple(row.own_identifiers),
        identifiers=tuple(row.identifiers),
        content=read_content(row.content),
    )
