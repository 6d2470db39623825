"""Leads as people read them, with their steps, and steps that no lead is known for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.paging import Part, keyset
from otklik_contact_center.domain.lead_step import Told
from otklik_contact_center.store.contacts_read import Reach
from otklik_contact_center.store.lead_tables import lead, lead_step


class Kept(NamedTuple):
    """A lead, by the contact that opened it; `data` is its fact, as JSON."""

    contact: UUID
    created_at: datetime
    state: str
    branch: str | None
    data: str


class KeptStep(NamedTuple):
    """A step as it was told, and when we heard of it."""

    told: Told
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    Which leads a list holds; None leaves a field open.

    Attributes:
        begins, ends: Leads that were created from `begins` on and before `ends`.
    """

    state: str | None = None
    party: str | None = None
    branch: str | None = None
    agent: str | None = None
    begins: datetime | None = None
    ends: datetime | None = None


MOST_STEPS: Final = 500
"""Of one lead that are shown: the latest."""

_COLUMNS: Final = tuple(
    lead.c[name] for name in ("contact", "created_at", "state", "branch", "data")
)
_decoder: Final = msgspec.json.Decoder(Told)


async def listed(
    tx: AsyncConnection, tenant: str, wanted: Wanted, reach: Reach, part: Part
) -> list[Kept]:
    """Leads, the newest first."""
    where = [
        lead.c[name] == value
        for name in ("state", "party", "branch", "agent")
        if (value := getattr(wanted, name)) is not None
    ]
    if wanted.begins is not None:
        where.append(lead.c.created_at >= wanted.begins)
    if wanted.ends is not None:
        where.append(lead.c.created_at < wanted.ends)
    rows = _seen(tenant, reach).where(*where)
    ordered = keyset(rows, part, order=[lead.c.created_at.desc(), lead.c.contact.desc()])
    return [Kept(*row) for row in await tx.execute(ordered)]


async def get(tx: AsyncConnection, tenant: str, contact: UUID, reach: Reach) -> Kept | None:
    """The lead that a contact opened; None if there is none, or none within reach."""
    found = await tx.execute(_seen(tenant, reach).where(lead.c.contact == contact))
    row = found.one_or_none()
    return None if row is None else Kept(*row)


async def steps_of(tx: AsyncConnection, tenant: str, subject: UUID, reach: Reach) -> list[KeptStep]:
    """
    The steps of a lead, the latest of them, in the order of time.

    Those that were told of another branch are that branch's.
    """
    rows = (
        select(lead_step.c.told, lead_step.c.received_at)
        .where(lead_step.c.tenant == tenant, lead_step.c.lead == subject)
        .where(~lead_step.c.withdrawn)
        .order_by(lead_step.c.at.desc(), lead_step.c.id.desc())
        .limit(MOST_STEPS)
    )
    if reach is not None:
        theirs = lead_step.c.branch.in_(sorted(reach))
        rows = rows.where(or_(lead_step.c.branch.is_(None), theirs))
    found = [_step(row) for row in await tx.execute(rows)]
    return sorted(found, key=lambda one: one.told.place)


async def waiting(tx: AsyncConnection, tenant: str, reach: Reach, part: Part) -> list[KeptStep]:
    """Steps that belong to no lead that is known, the newest first."""
    table = lead_step
    rows = select(table.c.told, table.c.received_at).where(
        table.c.tenant == tenant, table.c.lead.is_(None), ~table.c.withdrawn
    )
    if reach is not None:
        rows = rows.where(table.c.branch.in_(sorted(reach)))
    ordered = keyset(rows, part, order=[table.c.received_at.desc(), table.c.id.desc()])
    return [_step(row) for row in await tx.execute(ordered)]


def _seen(tenant: str, reach: Reach) -> Select[Any]:
    where: list[ColumnElement[bool]] = [
        lead.c.tenant == tenant,
        ~lead.c.void,
        lead.c.created_at.is_not(None),
    ]
    if reach is not None:
        where.append(lead.c.branch.in_(sorted(reach)))
    return select(*_COLUMNS).where(*where)


def _step(row: Any) -> KeptStep:
    return KeptStep(_decoder.decode(row.told), row.received_at)
