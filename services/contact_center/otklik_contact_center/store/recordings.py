"""Links to recordings, and each time that they were used."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.paging import Part, keyset
from otklik_contact_center.store.recording_tables import (
    recording_link,
    recording_play,
)
from otklik_contact_center.store.tables import contact, inbox


class LinkRow(NamedTuple):
    """
    A link.

    Attributes:
        source, event: Where the sender says where the recording lies.
        branch, agent: Of the contact, when the link was made.
    """

    id: UUID
    contact: UUID
    branch: str | None
    agent: str | None
    source: str
    event: str
    made_by: str
    made_at: datetime
    expires_at: datetime


class Play(NamedTuple):
    """A time that a recording was asked for; `outcome` is `played` or the code of a refusal."""

    number: int
    at: datetime
    outcome: str
    link: UUID
    contact: UUID
    branch: str | None
    agent: str | None
    made_by: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which plays a list holds; None leaves a field open."""

    contact: UUID | None = None
    agent: str | None = None
    made_by: str | None = None
    begins: datetime | None = None
    ends: datetime | None = None


async def add_link(tx: AsyncConnection, tenant: str, row: LinkRow) -> None:
    """Keep a link."""
    await tx.execute(insert(recording_link).values(tenant=tenant, **row._asdict()))


async def link(tx: AsyncConnection, tenant: str, id_: UUID) -> LinkRow | None:
    """A link, as long as its contact is there."""
    columns = [recording_link.c[name] for name in LinkRow._fields]
    of_it = and_(
        contact.c.tenant == recording_link.c.tenant, contact.c.id == recording_link.c.contact
    )
    found = await tx.execute(
        select(*columns)
        .join_from(recording_link, contact, of_it)
        .where(recording_link.c.tenant == tenant, recording_link.c.id == id_, ~contact.c.void)
    )
    row = found.one_or_none()
    return None if row is None else LinkRow(*row)


async def event(tx: AsyncConnection, tenant: str, source: str, id_: str) -> bytes | None:
    """The sealed body of an event."""
    found = await tx.execute(
        select(inbox.c.body).where(
            inbox.c.tenant == tenant, inbox.c.source == source, inbox.c.id == id_
        )
    )
    return found.scalar_one_or_none()


async def count_plays(tx: AsyncConnection, tenant: str, id_: UUID) -> int:
    """How often a link was used."""
    table = recording_play
    rows = select(func.count()).where(table.c.tenant == tenant, table.c.link == id_)
    return int((await tx.execute(rows)).scalar_one())


async def add_play(
    tx: AsyncConnection, tenant: str, id_: UUID, *, at: datetime, outcome: str
) -> None:
    """Remember that a link was used."""
    await tx.execute(insert(recording_play).values(tenant=tenant, link=id_, at=at, outcome=outcome))


async def plays(
    tx: AsyncConnection, tenant: str, wanted: Wanted, reach: Collection[str] | None, part: Part
) -> list[Play]:
    """When recordings were asked for, the last first."""
    play, made = recording_play, recording_link
    where: list[ColumnElement[bool]] = [play.c.tenant == tenant]
    where += [
        made.c[name] == value
        for name in ("contact", "agent", "made_by")
        if (value := getattr(wanted, name)) is not None
    ]
    if wanted.begins is not None:
        where.append(play.c.at >= wanted.begins)
    if wanted.ends is not None:
        where.append(play.c.at < wanted.ends)
    if reach is not None:
        where.append(made.c.branch.in_(sorted(reach)))
    rows = (
        select(
            play.c.number,
            play.c.at,
            play.c.outcome,
            play.c.link,
            made.c.contact,
            made.c.branch,
            made.c.agent,
            made.c.made_by,
            made.c.made_at,
        )
        .join_from(play, made, and_(made.c.tenant == play.c.tenant, made.c.id == play.c.link))
        .where(*where)
    )
    return [
        Play(*row) for row in await tx.execute(keyset(rows, part, order=[play.c.number.desc()]))
    ]
