"""Contacts as people read them: lists, one by one, found by who the customer is."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.paging import Part, keyset
from otklik_contact_center.store.folding import MOST_EVENTS
from otklik_contact_center.store.tables import contact, inbox

Reach = Collection[str] | None
"""Codes of the branches whose contacts may be seen; None: all contacts."""


@dataclass(frozen=True, slots=True)
class Kept:
    """
    A contact as last folded.

    Attributes:
        source: Id of its source, `contact` the sender's own id of it.
        at: When it began; lists are ordered by it.
        data: Its fact, as JSON.
    """

    id: UUID
    source: str
    contact: str
    at: datetime
    branch: str | None
    data: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    Which contacts a list holds; None leaves a field open.

    Attributes:
        begins, ends: Contacts that began from `begins` on and before `ends`.
    """

    branch: str | None = None
    queue: str | None = None
    agent: str | None = None
    channel: str | None = None
    direction: str | None = None
    party: str | None = None
    outcome: str | None = None
    begins: datetime | None = None
    ends: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event of a contact; `body` is sealed."""

    body: bytes
    received_at: datetime


_COLUMNS: Final = tuple(
    contact.c[name] for name in ("id", "source", "contact", "at", "branch", "data")
)
_EXACT: Final = ("branch", "queue", "agent", "channel", "direction", "party", "outcome")


async def listed(
    tx: AsyncConnection, tenant: str, wanted: Wanted, reach: Reach, part: Part
) -> list[Kept]:
    """Contacts, the newest first."""
    where = [
        contact.c[name] == value for name in _EXACT if (value := getattr(wanted, name)) is not None
    ]
    if wanted.begins is not None:
        where.append(contact.c.at >= wanted.begins)
    if wanted.ends is not None:
        where.append(contact.c.at < wanted.ends)
    return await _part(tx, _seen(tenant, reach).where(*where), part)


async def known_by(
    tx: AsyncConnection, tenant: str, identifiers: Sequence[str], reach: Reach, part: Part
) -> list[Kept]:
    """Contacts of whoever any of the pseudonyms leads to, the newest first."""
    whose = or_(
        *(
            and_(column.is_not(None), column.in_(identifiers))
            for column in (contact.c.person, contact.c.email, contact.c.external)
        )
    )
    return await _part(tx, _seen(tenant, reach).where(whose), part)


async def get(tx: AsyncConnection, tenant: str, id_: UUID, reach: Reach) -> Kept | None:
    """A contact; None if there is none, or none within reach."""
    found = await tx.execute(_seen(tenant, reach).where(contact.c.id == id_))
    row = found.one_or_none()
    return None if row is None else Kept(*row)


async def events_of(tx: AsyncConnection, tenant: str, of: Kept) -> list[StoredEvent]:
    """The events of a contact, in no order."""
    found = await tx.execute(
        select(inbox.c.body, inbox.c.received_at)
        .where(inbox.c.tenant == tenant, inbox.c.source == of.source)
        .where(inbox.c.contact == of.contact)
        .limit(MOST_EVENTS)
    )
    return [StoredEvent(*row) for row in found]


def _seen(tenant: str, reach: Reach) -> Select[Any]:
    where: list[ColumnElement[bool]] = [contact.c.tenant == tenant, ~contact.c.void]
    if reach is not None:
        where.append(contact.c.branch.in_(sorted(reach)))
    return select(*_COLUMNS).where(*where)


async def _part(tx: AsyncConnection, statement: Select[Any], part: Part) -> list[Kept]:
    ordered = keyset(statement, part, order=[contact.c.at.desc(), contact.c.id.desc()])
    return [Kept(*row) for row in await tx.execute(ordered)]
