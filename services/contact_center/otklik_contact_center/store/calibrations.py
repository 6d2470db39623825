"""Calibrations, and what each evaluator gave."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, and_, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.paging import Part, keyset
from otklik_contact_center.domain.quality.score import Answers
from otklik_contact_center.store.quality_tables import calibration, calibration_answers


@dataclass(frozen=True, slots=True)
class Calibration:
    """
    One contact that several evaluate.

    Attributes:
        agreed: What they agreed on; None while it is open.
        branch, agent: Of the contact, when it was opened.
        given: How many have evaluated it.
    """

    id: UUID
    contact: UUID
    form: str
    form_version: int
    agent: str
    branch: str | None
    opened_by: str
    opened_at: datetime
    revision: int = 1
    agreed: Answers | None = None
    closed_by: str | None = None
    closed_at: datetime | None = None
    given: int = 0


class Given(NamedTuple):
    """What an evaluator gave; `comments` are sealed."""

    evaluator: str
    answers: Answers
    comments: bytes
    at: datetime


_FIELDS = [name for name in Calibration.__dataclass_fields__ if name != "given"]


async def add(tx: AsyncConnection, tenant: str, one: Calibration) -> None:
    """Open a calibration."""
    said = {name: getattr(one, name) for name in _FIELDS}
    await tx.execute(insert(calibration).values(tenant=tenant, **said))


async def get(
    tx: AsyncConnection, tenant: str, id_: UUID, *, locked: bool = False
) -> Calibration | None:
    """A calibration; its row locked if something is to be done with it."""
    if locked:
        mine = and_(calibration.c.tenant == tenant, calibration.c.id == id_)
        await tx.execute(select(calibration.c.id).where(mine).with_for_update())
    row = (await tx.execute(_all(tenant).where(calibration.c.id == id_))).one_or_none()
    return None if row is None else Calibration(*row)


async def listed(
    tx: AsyncConnection, tenant: str, reach: Collection[str] | None, part: Part
) -> list[Calibration]:
    """Calibrations, those opened last first."""
    rows = _all(tenant)
    if reach is not None:
        rows = rows.where(calibration.c.branch.in_(sorted(reach)))
    ordered = keyset(rows, part, order=[calibration.c.opened_at.desc(), calibration.c.id.desc()])
    return [Calibration(*row) for row in await tx.execute(ordered)]


async def close(tx: AsyncConnection, tenant: str, one: Calibration) -> None:
    """Write what was agreed on in a calibration that is locked."""
    said = {name: getattr(one, name) for name in ("agreed", "closed_by", "closed_at", "revision")}
    mine = and_(calibration.c.tenant == tenant, calibration.c.id == one.id)
    await tx.execute(update(calibration).where(mine).values(said))


async def put_answers(tx: AsyncConnection, tenant: str, id_: UUID, given: Given) -> None:
    """Write what an evaluator gave, anew if they did before."""
    written = upsert(calibration_answers).values(
        tenant=tenant, calibration=id_, **given._asdict() | {"answers": dict(given.answers)}
    )
    await tx.execute(
        written.on_conflict_do_update(
            index_elements=["tenant", "calibration", "evaluator"],
            set_={name: written.excluded[name] for name in ("answers", "comments", "at")},
        )
    )


async def given(tx: AsyncConnection, tenant: str, id_: UUID) -> list[Given]:
    """What evaluators gave, by evaluator."""
    table = calibration_answers
    rows = select(table.c.evaluator, table.c.answers, table.c.comments, table.c.at).where(
        table.c.tenant == tenant, table.c.calibration == id_
    )
    return [Given(*row) for row in await tx.execute(rows.order_by(table.c.evaluator))]


def _all(tenant: str) -> Select[Any]:
    table = calibration_answers
    many = (
        select(func.count())
        .where(table.c.tenant == calibration.c.tenant, table.c.calibration == calibration.c.id)
        .scalar_subquery()
    )
    columns = [calibration.c[name] for name in _FIELDS]
    return select(*columns, many).where(calibration.c.tenant == tenant)
