"""Forms by which contacts are evaluated, in all their versions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Select, and_, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.paging import Part, keyset
from otklik_contact_center.domain.quality.form import Form
from otklik_contact_center.store.quality_tables import evaluation_form, evaluation_form_version


@dataclass(frozen=True, slots=True)
class Head:
    """Which version of a form holds; 0: there was never any."""

    version: int
    retired: bool
    revision: int


@dataclass(frozen=True, slots=True)
class Kept:
    """
    One version of a form.

    Attributes:
        revision: Of the form: grows with each version, and with its retiring.
        latest: The number of the version that holds now.
        retired: Nothing is evaluated by it any more.
    """

    value: Form
    version: int
    latest: int
    retired: bool
    revision: int
    made_at: datetime


async def lock(tx: AsyncConnection, tenant: str, code: str, now: datetime) -> Head:
    """A form's head, locked; made if there is none, so that two who make it wait for each other."""
    blank = {"tenant": tenant, "code": code, "version": 0, "retired": True, "revision": 0}
    await tx.execute(
        upsert(evaluation_form).values({**blank, "changed_at": now}).on_conflict_do_nothing()
    )
    table = evaluation_form
    rows = select(table.c.version, table.c.retired, table.c.revision).where(
        table.c.tenant == tenant, table.c.code == code
    )
    return Head(*(await tx.execute(rows.with_for_update())).one())


async def put_head(tx: AsyncConnection, tenant: str, code: str, head: Head, now: datetime) -> None:
    """Write the head of a form that is locked."""
    table = evaluation_form
    await tx.execute(
        update(table)
        .where(table.c.tenant == tenant, table.c.code == code)
        .values(version=head.version, retired=head.retired, revision=head.revision, changed_at=now)
    )


async def add(
    tx: AsyncConnection, tenant: str, form: Form, *, version: int, now: datetime, by: str
) -> None:
    """Keep a version for ever."""
    await tx.execute(
        insert(evaluation_form_version).values(
            tenant=tenant,
            code=form.code,
            version=version,
            body=msgspec.to_builtins(form),
            made_at=now,
            made_by=by,
        )
    )


async def get(
    tx: AsyncConnection, tenant: str, code: str, version: int | None = None
) -> Kept | None:
    """A form; without a version the one that holds now."""
    wanted = evaluation_form.c.version if version is None else version
    rows = _forms(tenant).where(
        evaluation_form.c.code == code, evaluation_form_version.c.version == wanted
    )
    row = (await tx.execute(rows)).one_or_none()
    return None if row is None else _kept(row)


async def listed(tx: AsyncConnection, tenant: str, part: Part) -> list[Kept]:
    """The forms that are not retired, as they are now, by code."""
    rows = _forms(tenant).where(
        evaluation_form_version.c.version == evaluation_form.c.version, ~evaluation_form.c.retired
    )
    found = await tx.execute(keyset(rows, part, order=[evaluation_form.c.code]))
    return [_kept(row) for row in found]


async def count(tx: AsyncConnection, tenant: str) -> int:
    """How many forms a company has that are not retired."""
    rows = select(func.count()).where(
        evaluation_form.c.tenant == tenant, ~evaluation_form.c.retired
    )
    return int((await tx.execute(rows)).scalar_one())


def _forms(tenant: str) -> Select[Any]:
    head, version = evaluation_form, evaluation_form_version
    return (
        select(
            version.c.body,
            version.c.version,
            version.c.made_at,
            head.c.version.label("latest"),
            head.c.retired,
            head.c.revision,
        )
        .join_from(
            head, version, and_(head.c.tenant == version.c.tenant, head.c.code == version.c.code)
        )
        .where(head.c.tenant == tenant)
    )


def _kept(row: Any) -> Kept:
    return Kept(
        value=msgspec.convert(row.body, Form),
        version=row.version,
        latest=row.latest,
        retired=row.retired,
        revision=row.revision,
        made_at=row.made_at,
    )
