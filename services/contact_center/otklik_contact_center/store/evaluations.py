"""Evaluations of contacts, and what was done with each."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.paging import Part, keyset
from otklik_contact_center.domain.quality.evaluation import (
    About,
    Evaluation,
    State,
    Verdict,
)
from otklik_contact_center.store.quality_tables import evaluation, evaluation_step
from otklik_contact_center.store.tables import contact


@dataclass(frozen=True, slots=True)
class Row:
    """An evaluation without its comments, and these as they are sealed."""

    value: Evaluation
    comments: bytes


@dataclass(frozen=True, slots=True)
class StepRow:
    """Something that was done; `note` is sealed."""

    number: int
    step: str
    at: datetime
    by: str
    verdict: str | None = None
    score_micro: int | None = None
    note: bytes | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    Which evaluations a list holds; None leaves a field open.

    Attributes:
        begins, ends: Made from `begins` on and before `ends`.
        shown_to: Only those of this agent, from their release on.
    """

    contact: UUID | None = None
    form: str | None = None
    state: str | None = None
    agent: str | None = None
    branch: str | None = None
    begins: datetime | None = None
    ends: datetime | None = None
    shown_to: str | None = None
    reach: Collection[str] | None = None


_ABOUT: Final = ("source", "channel", "agent", "branch", "team", "queue", "party")
_PLAIN: Final = [
    "id",
    "contact",
    "form",
    "form_version",
    "evaluator",
    "made_at",
    "evaluated_at",
    "state",
    "answers",
    "score_micro",
    "failed",
    "verdict",
    "revision",
    "released_at",
    "acknowledged_at",
    "disputed_at",
    "resolved_at",
    "told",
    "told_at",
]
_COLUMNS: Final = [evaluation.c[name] for name in (*_PLAIN, *_ABOUT, "comments")]
_HIDDEN: Final = (State.DRAFT.value, State.WITHDRAWN.value)


async def add(tx: AsyncConnection, tenant: str, row: Row) -> bool:
    """Keep a new one; False if the contact has one by the form already."""
    written = await tx.execute(
        upsert(evaluation)
        .values(tenant=tenant, **_columns(row))
        .on_conflict_do_nothing(
            index_elements=["tenant", "contact", "form"],
            index_where=text("state <> 'withdrawn'"),
        )
        .returning(evaluation.c.id)
    )
    return written.one_or_none() is not None


async def put(tx: AsyncConnection, tenant: str, row: Row) -> None:
    """Write one that is locked."""
    await tx.execute(
        update(evaluation)
        .where(evaluation.c.tenant == tenant, evaluation.c.id == row.value.id)
        .values(_columns(row))
    )


async def get(tx: AsyncConnection, tenant: str, id_: UUID, *, locked: bool = False) -> Row | None:
    """An evaluation; its row locked if something is to be done with it."""
    rows = select(*_COLUMNS).where(evaluation.c.tenant == tenant, evaluation.c.id == id_)
    found = await tx.execute(rows.with_for_update() if locked else rows)
    row = found.mappings().one_or_none()
    return None if row is None else _row(row)


async def standing(tx: AsyncConnection, tenant: str, contact: UUID, form: str) -> UUID | None:
    """The evaluation of a contact by a form that was not withdrawn."""
    found = await tx.execute(
        select(evaluation.c.id).where(
            evaluation.c.tenant == tenant,
            evaluation.c.contact == contact,
            evaluation.c.form == form,
            evaluation.c.state != State.WITHDRAWN.value,
        )
    )
    return found.scalar_one_or_none()


async def listed(tx: AsyncConnection, tenant: str, wanted: Wanted, part: Part) -> list[Row]:
    """Evaluations, the newest first."""
    where: list[ColumnElement[bool]] = [evaluation.c.tenant == tenant]
    where += [
        evaluation.c[name] == value
        for name in ("contact", "form", "state", "agent", "branch")
        if (value := getattr(wanted, name)) is not None
    ]
    if wanted.begins is not None:
        where.append(evaluation.c.made_at >= wanted.begins)
    if wanted.ends is not None:
        where.append(evaluation.c.made_at < wanted.ends)
    if wanted.shown_to is not None:
        where += [evaluation.c.agent == wanted.shown_to, evaluation.c.state.not_in(_HIDDEN)]
    if wanted.reach is not None:
        where.append(evaluation.c.branch.in_(sorted(wanted.reach)))
    ordered = keyset(
        select(*_COLUMNS).where(*where),
        part,
        order=[evaluation.c.made_at.desc(), evaluation.c.id.desc()],
    )
    return [_row(row) for row in (await tx.execute(ordered)).mappings()]


async def of_gone(
    tx: AsyncConnection, tenant: str, most: int, of: Collection[UUID] | None = None
) -> list[Row]:
    """Standing evaluations of contacts that are void, locked; `of` these only."""
    of_it = and_(contact.c.tenant == evaluation.c.tenant, contact.c.id == evaluation.c.contact)
    rows = (
        select(*_COLUMNS)
        .join_from(evaluation, contact, of_it)
        .where(
            evaluation.c.tenant == tenant,
            evaluation.c.state != State.WITHDRAWN.value,
            contact.c.void,
        )
        .order_by(evaluation.c.id)
        .limit(most)
        .with_for_update(of=evaluation)
    )
    if of is not None:
        rows = rows.where(evaluation.c.contact.in_(of))
    return [_row(row) for row in (await tx.execute(rows)).mappings()]


async def add_step(tx: AsyncConnection, tenant: str, id_: UUID, row: StepRow) -> None:
    """Remember what was done with an evaluation that is locked."""
    said = {name: getattr(row, name) for name in StepRow.__dataclass_fields__}
    await tx.execute(insert(evaluation_step).values(tenant=tenant, evaluation=id_, **said))


async def steps(tx: AsyncConnection, tenant: str, id_: UUID) -> list[StepRow]:
    """What was done with an evaluation, in order."""
    table = evaluation_step
    columns = [table.c[name] for name in StepRow.__dataclass_fields__]
    rows = select(*columns).where(table.c.tenant == tenant, table.c.evaluation == id_)
    return [StepRow(*row) for row in await tx.execute(rows.order_by(table.c.number))]


def _columns(row: Row) -> dict[str, Any]:
    value = row.value
    plain = {name: getattr(value, name) for name in _PLAIN}
    about = {name: getattr(value.about, name) for name in _ABOUT}
    return {**plain, **about, "answers": dict(value.answers), "comments": row.comments}


def _row(found: Mapping[Any, Any]) -> Row:
    said = {name: found[name] for name in _PLAIN}
    verdict = said["verdict"]
    said |= {
        "state": State(said["state"]),
        "verdict": None if verdict is None else Verdict(verdict),
    }
    about = About(**{name: found[name] for name in _ABOUT})
    return Row(Evaluation(about=about, **said), bytes(found["comments"]))
