"""What is spent on advertising: uploads, and lists."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg
from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.paging import Part, keyset
from otklik_contact_center.domain.emission import Emitted
from otklik_contact_center.store.ad_spend_table import ad_spend as table
from otklik_contact_center.store.columns import SCHEMA
from otklik_contact_center.store.contacts_read import Reach
from otklik_contact_center.store.folding import columns

LOCK: Final = 5_101
"""Class of the advisory locks between uploads of a company."""


class SpendRow(NamedTuple):
    """A row as it is kept."""

    tenant: str
    id: UUID
    revision: int
    hash: bytes
    void: bool
    recorded_at: datetime
    data: str
    day: date
    ad_source: str
    medium: str | None
    campaign: str | None
    agency: str | None
    branch: str | None
    currency: str
    amount_minor: int

    @property
    def emitted(self) -> Emitted:
        """What was last published of it."""
        return Emitted(self.revision, self.hash, self.void, self.data.encode())


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows a list holds; None leaves a field open, `until` is not in it."""

    since: date | None = None
    until: date | None = None
    ad_source: str | None = None
    campaign: str | None = None
    branch: str | None = None


_COLUMNS: Final = ", ".join(SpendRow._fields)
_CHANGED: Final = SpendRow._fields[2:7] + SpendRow._fields[14:]

_ALONE: Final = "SELECT pg_advisory_xact_lock($1, hashtext($2))"

_KNOWN: Final = f"SELECT {_COLUMNS} FROM {SCHEMA}.ad_spend WHERE tenant = $1 AND id = ANY ($2)"  # noqa: S608

_PUT: Final = f"""
INSERT INTO {SCHEMA}.ad_spend ({_COLUMNS}) SELECT * FROM unnest(
  $1::text[], $2::uuid[], $3::integer[], $4::bytea[], $5::boolean[], $6::timestamptz[],
  $7::text[], $8::date[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[],
  $14::text[], $15::bigint[])
ON CONFLICT (tenant, id) DO UPDATE SET
  {", ".join(f"{name} = excluded.{name}" for name in _CHANGED)}
"""  # noqa: S608 - a name of our own


async def alone(on: asyncpg.Connection, tenant_id: str) -> None:
    """Let no other upload of this company run beside this transaction."""
    await on.fetch(_ALONE, LOCK, tenant_id)


async def known(
    on: asyncpg.Connection, tenant_id: str, ids: Collection[UUID]
) -> dict[UUID, SpendRow]:
    """Rows of those ids, those taken out included."""
    rows = await on.fetch(_KNOWN, tenant_id, list(ids))
    return {row["id"]: SpendRow(*row) for row in rows}


async def put(on: asyncpg.Connection, rows: Sequence[SpendRow]) -> None:
    """Write rows."""
    await on.execute(_PUT, *columns(rows, len(SpendRow._fields)))


async def listed(
    tx: AsyncConnection, tenant_id: str, wanted: Wanted, reach: Reach, part: Part
) -> list[SpendRow]:
    """Rows that stand, the newest day first."""
    where: list[ColumnElement[bool]] = [table.c.tenant == tenant_id, ~table.c.void]
    where += [
        table.c[name] == value
        for name in ("ad_source", "campaign", "branch")
        if (value := getattr(wanted, name)) is not None
    ]
    if wanted.since is not None:
        where.append(table.c.day >= wanted.since)
    if wanted.until is not None:
        where.append(table.c.day < wanted.until)
    if reach is not None:
        where.append(table.c.branch.in_(sorted(reach)))
    rows = select(*(table.c[name] for name in SpendRow._fields)).where(*where)
    found = await tx.execute(keyset(rows, part, order=[table.c.day.desc(), table.c.id.desc()]))
    return [SpendRow(*row) for row in found]
