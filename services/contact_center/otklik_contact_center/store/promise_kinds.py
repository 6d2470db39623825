"""What agents of a company may promise."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.paging import Part, keyset
from otklik_contact_center.domain.promise import Kind
from otklik_contact_center.store.promise_tables import promise_kind as table


@dataclass(frozen=True, slots=True)
class KeptKind:
    """A kind of promises as it is kept."""

    value: Kind
    revision: int


async def get(
    tx: AsyncConnection, tenant: str, code: str, *, locked: bool = False
) -> KeptKind | None:
    """A kind; its row locked if it is to be changed."""
    rows = select(table.c.code, table.c.body, table.c.revision).where(
        table.c.tenant == tenant, table.c.code == code
    )
    row = (await tx.execute(rows.with_for_update() if locked else rows)).one_or_none()
    return None if row is None else KeptKind(Kind(row.code, **row.body), row.revision)


async def listed(tx: AsyncConnection, tenant: str, part: Part) -> list[KeptKind]:
    """Kinds by their codes."""
    rows = select(table.c.code, table.c.body, table.c.revision).where(table.c.tenant == tenant)
    found = await tx.execute(keyset(rows, part, order=[table.c.code]))
    return [KeptKind(Kind(row.code, **row.body), row.revision) for row in found]


async def count(tx: AsyncConnection, tenant: str) -> int:
    """How many kinds a company has."""
    rows = select(func.count()).where(table.c.tenant == tenant)
    return int((await tx.execute(rows)).scalar_one())


async def put(tx: AsyncConnection, tenant: str, kept: KeptKind, now: datetime) -> None:
    """Write a kind."""
    kind = kept.value
    body = {"names": dict(kind.names), "warning_seconds": kind.warning_seconds}
    row = {
        "tenant": tenant,
        "code": kind.code,
        "body": body,
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


async def remove(tx: AsyncConnection, tenant: str, code: str) -> None:
    """Take a kind out of the list."""
    await tx.execute(delete(table).where(table.c.tenant == tenant, table.c.code == code))
