"""What agents promise: rows, and those that fall due."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple, Self
from uuid import UUID

import asyncpg
from sqlalchemy import ColumnElement, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.events.staff import Promise
from otklik_common.paging import Part, keyset
from otklik_contact_center.domain.emission import Emitted
from otklik_contact_center.domain.promise import next_at
from otklik_contact_center.store.columns import SCHEMA
from otklik_contact_center.store.contacts_read import Reach
from otklik_contact_center.store.folding import columns
from otklik_contact_center.store.promise_tables import promise as table


class PromiseRow(NamedTuple):
    """
    A promise as it is kept.

    Attributes:
        name: The sender's own id.
        text: What was said, sealed.
    """

    tenant: str
    id: UUID
    name: str
    revision: int
    hash: bytes
    void: bool
    recorded_at: datetime
    data: str
    kind: str
    agent: str
    branch: str | None
    contact: UUID | None
    state: str
    due_at: datetime
    next_at: datetime | None
    text: bytes | None

    @property
    def emitted(self) -> Emitted:
        """What was last published of it."""
        return Emitted(self.revision, self.hash, self.void, self.data.encode())

    @classmethod
    def of(
        cls,
        key: tuple[str, UUID, str],
        fact: Promise,
        emitted: Emitted,
        recorded_at: datetime,
        text: bytes | None,
    ) -> Self:
        """
        The row of a promise.

        Args:
            key: Company, subject, and the sender's own id.
            emitted: What is published of it now.
        """
        return cls(
            *key,
            emitted.revision,
            emitted.hash,
            emitted.void,
            recorded_at,
            emitted.data.decode(),
            fact.promise_kind,
            fact.agent,
            fact.branch,
            fact.contact,
            fact.state.value,
            fact.due_at,
            next_at(fact),
            text,
        )

    def with_(self, fact: Promise, emitted: Emitted, recorded_at: datetime) -> Self:
        """The row after its next revision."""
        return self.of((self.tenant, self.id, self.name), fact, emitted, recorded_at, self.text)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which promises a list holds; None leaves a field open."""

    state: str | None = None
    kind: str | None = None
    agent: str | None = None
    branch: str | None = None
    contact: UUID | None = None
    due_from: datetime | None = None
    due_before: datetime | None = None


_COLUMNS: Final = ", ".join(PromiseRow._fields)
_EXACT: Final = ("state", "kind", "agent", "branch", "contact")

_DUE: Final = f"""
SELECT {_COLUMNS} FROM {SCHEMA}.promise
WHERE next_at IS NOT NULL AND next_at < $1 ORDER BY next_at LIMIT $2 FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - a name of our own

_STEP: Final = f"""
UPDATE {SCHEMA}.promise p SET revision = n.revision, hash = n.hash, recorded_at = n.recorded_at,
  data = n.data, state = n.state, next_at = n.next_at
FROM unnest($1::text[], $2::uuid[], $3::integer[], $4::bytea[], $5::timestamptz[], $6::text[],
  $7::text[], $8::timestamptz[])
  AS n(tenant, id, revision, hash, recorded_at, data, state, next_at)
WHERE p.tenant = n.tenant AND p.id = n.id
"""  # noqa: S608 - a name of our own


async def get(
    tx: AsyncConnection, tenant: str, id_: UUID, *, locked: bool = False
) -> PromiseRow | None:
    """A promise; its row locked if it is to be changed."""
    rows = select(*_selected()).where(table.c.tenant == tenant, table.c.id == id_)
    row = (await tx.execute(rows.with_for_update() if locked else rows)).one_or_none()
    return None if row is None else PromiseRow(*row)


async def add(tx: AsyncConnection, row: PromiseRow) -> bool:
    """Add a promise; False if somebody has just added it."""
    added = insert(table).values(row._asdict()).on_conflict_do_nothing()
    return (await tx.execute(added)).rowcount == 1


async def put(tx: AsyncConnection, row: PromiseRow) -> None:
    """Write a promise that is locked."""
    changed = {name: value for name, value in row._asdict().items() if name not in _KEY}
    where = table.c.tenant == row.tenant, table.c.id == row.id
    await tx.execute(table.update().where(*where).values(changed))


async def listed(
    tx: AsyncConnection, tenant: str, wanted: Wanted, reach: Reach, part: Part
) -> list[PromiseRow]:
    """Promises, whatever is due first before the others."""
    where: list[ColumnElement[bool]] = [table.c.tenant == tenant]
    where += [
        table.c[name] == value for name in _EXACT if (value := getattr(wanted, name)) is not None
    ]
    if wanted.due_from is not None:
        where.append(table.c.due_at >= wanted.due_from)
    if wanted.due_before is not None:
        where.append(table.c.due_at < wanted.due_before)
    if reach is not None:
        where.append(table.c.branch.in_(sorted(reach)))
    rows = select(*_selected()).where(*where)
    found = await tx.execute(keyset(rows, part, order=[table.c.due_at, table.c.id]))
    return [PromiseRow(*row) for row in found]


async def due(on: asyncpg.Connection, now: datetime, most: int) -> list[PromiseRow]:
    """
    Promises that show something else by now, the longest due first, not those another worker has.

    Bare asyncpg, as for clocks: whatever falls due is looked for five times a second.
    """
    return [PromiseRow(*row) for row in await on.fetch(_DUE, now, most)]


async def step(on: asyncpg.Connection, rows: Sequence[PromiseRow]) -> None:
    """Write what locked promises show now."""
    changed = [
        (
            row.tenant,
            row.id,
            row.revision,
            row.hash,
            row.recorded_at,
            row.data,
            row.state,
            row.next_at,
        )
        for row in rows
    ]
    await on.execute(_STEP, *columns(changed, 8))


_KEY: Final = frozenset(("tenant", "id", "name"))


def _selected() -> list[Any]:
    return [table.c[name] for name in PromiseRow._fields]
