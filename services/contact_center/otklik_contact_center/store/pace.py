"""Pace programmes, and what happened to requests that they are for."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.paging import Part, keyset
from otklik_contact_center.domain.lead_step import Told
from otklik_contact_center.domain.pace.programme import Programme
from otklik_contact_center.store.contacts_read import Reach
from otklik_contact_center.store.lead_tables import lead, lead_step
from otklik_contact_center.store.pace_table import pace_programme as table


@dataclass(frozen=True, slots=True)
class Kept:
    """A programme as it is kept."""

    value: Programme
    revision: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    Which requests are looked at.

    Attributes:
        begins, ends: Created from `begins` on and before `ends`.
        open_only: Leave out what is closed.
    """

    begins: datetime
    ends: datetime
    branch: str | None = None
    agent: str | None = None
    open_only: bool = False


class Row(NamedTuple):
    """A request, by the contact that opened it; `data` is its fact, as JSON."""

    created_at: datetime
    contact: UUID
    state: str
    agent: str | None
    data: str


Place = tuple[datetime, UUID]
"""Where a request stands among others."""

_COLUMNS: Final = tuple(lead.c[name] for name in Row._fields)
_told: Final = msgspec.json.Decoder(Told)


# --- Programmes ---------------------------------------------------------------------------------


async def alone(tx: AsyncConnection, tenant: str) -> None:
    """Let nobody else change programmes of the company beside this transaction."""
    lock = func.hashtextextended(f"{table.name}/{tenant}", 0)
    await tx.execute(select(func.pg_advisory_xact_lock(lock)))


async def get(tx: AsyncConnection, tenant: str, code: str) -> Kept | None:
    """A programme, also one that has ended."""
    rows = select(table.c.body, table.c.revision).where(
        table.c.tenant == tenant, table.c.code == code
    )
    row = (await tx.execute(rows)).one_or_none()
    return None if row is None else _kept(row)


async def every(tx: AsyncConnection, tenant: str) -> list[Programme]:
    """All programmes of a company."""
    rows = select(table.c.body, table.c.revision).where(table.c.tenant == tenant)
    return [_kept(row).value for row in await tx.execute(rows.order_by(table.c.code))]


async def listed(tx: AsyncConnection, tenant: str, part: Part) -> list[Kept]:
    """Programmes by their codes, those that have ended included."""
    rows = select(table.c.body, table.c.revision).where(table.c.tenant == tenant)
    found = await tx.execute(keyset(rows, part, order=[table.c.code]))
    return [_kept(row) for row in found]


async def put(tx: AsyncConnection, tenant: str, kept: Kept, now: datetime) -> None:
    """Write a programme."""
    row = {
        "tenant": tenant,
        "code": kept.value.code,
        "body": msgspec.to_builtins(kept.value),
        "revision": kept.revision,
        "changed_at": now,
    }
    written = insert(table).values(row)
    await tx.execute(
        written.on_conflict_do_update(
            index_elements=[table.c.tenant, table.c.code],
            set_={name: written.excluded[name] for name in ("body", "revision", "changed_at")},
        )
    )


async def remove_begun_with(tx: AsyncConnection, tenant: str, prefix: str) -> None:
    """Take out programmes whose codes begin so."""
    mine = table.c.code.startswith(prefix, autoescape=True)
    await tx.execute(delete(table).where(table.c.tenant == tenant, mine))


def _kept(row: Any) -> Kept:
    return Kept(msgspec.convert(row.body, Programme), row.revision)


# --- Requests -----------------------------------------------------------------------------------


async def count(tx: AsyncConnection, tenant: str, wanted: Wanted, reach: Reach, most: int) -> int:
    """How many requests are to be looked at; no more than `most` are counted."""
    some = select(lead.c.contact).where(*_where(tenant, wanted, reach)).limit(most)
    return int((await tx.execute(select(func.count()).select_from(some.subquery()))).scalar_one())


async def requests(
    tx: AsyncConnection,
    tenant: str,
    wanted: Wanted,
    reach: Reach,
    *,
    after: Place | None,
    most: int,
) -> list[Row]:
    """Requests, the newest first, behind a place."""
    order = lead.c.created_at, lead.c.contact
    rows = select(*_COLUMNS).where(*_where(tenant, wanted, reach))
    if after is not None:
        rows = rows.where(tuple_(*order) < tuple_(*after))
    ordered = rows.order_by(*(one.desc() for one in order)).limit(most)
    return [Row(*row) for row in await tx.execute(ordered)]


async def own_steps(
    tx: AsyncConnection, tenant: str, subjects: Collection[UUID]
) -> Mapping[UUID, Mapping[str, datetime]]:
    """When each of the company's own steps was first made, by its code, of leads by their subjects."""
    rows = select(lead_step.c.lead, lead_step.c.told).where(
        lead_step.c.tenant == tenant,
        lead_step.c.lead == func.any(list(subjects)),
        lead_step.c.step == "own",
        ~lead_step.c.withdrawn,
    )
    found: dict[UUID, dict[str, datetime]] = {}
    for subject, text in await tx.execute(rows):
        told = _told.decode(text)
        mine = found.setdefault(subject, {})
        if told.own is not None:
            mine[told.own] = min(told.at, mine.get(told.own, told.at))
    return found


def _where(tenant: str, wanted: Wanted, reach: Reach) -> Sequence[ColumnElement[bool]]:
    where = [
        lead.c.tenant == tenant,
        ~lead.c.void,
        lead.c.created_at >= wanted.begins,
        lead.c.created_at < wanted.ends,
    ]
    where += [
        lead.c[name] == value
        for name in ("branch", "agent")
        if (value := getattr(wanted, name)) is not None
    ]
    if wanted.open_only:
        where.append(lead.c.state != "closed")
    if reach is not None:
        where.append(lead.c.branch.in_(sorted(reach)))
    return where
