"""The audit trail: only ever appended to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_access.store import tables
from otklik_common.paging import Part, keyset


@dataclass(frozen=True, slots=True)
class Entry:
    """
    Who did what to which object, and when.

    Attributes:
        principal: `key:<id>`, `member:<id>`, or `console` for the command line.
        fields: Names of what changed; never values, which may be personal.
    """

    at: datetime
    principal: str
    action: str
    object_kind: str
    object_id: str
    request_id: str | None = None
    fields: tuple[str, ...] = ()
    number: int = 0


async def append(tx: AsyncConnection, tenant: str, entries: Sequence[Entry]) -> None:
    """Write entries down."""
    if not entries:
        return
    await tx.execute(
        insert(tables.audit),
        [
            {
                "tenant": tenant,
                "at": entry.at,
                "principal": entry.principal,
                "action": entry.action,
                "object_kind": entry.object_kind,
                "object_id": entry.object_id,
                "request_id": entry.request_id,
                "fields": list(entry.fields),
            }
            for entry in entries
        ],
    )


async def put_only_by(
    tx: AsyncConnection, tenant: str, principals: frozenset[str]
) -> list[tuple[str, str]]:
    """Kinds and ids of the objects that these principals, and nobody else, have done anything to."""
    table = tables.audit
    rows = await tx.execute(
        select(table.c.object_kind, table.c.object_id)
        .where(
            table.c.tenant == tenant,
            table.c.object_kind.in_(("branch_group", "branch", "member", "calendar", "sla_policy")),
        )
        .group_by(table.c.object_kind, table.c.object_id)
        .having(func.bool_and(table.c.principal.in_(sorted(principals))))
        .order_by(table.c.object_kind, table.c.object_id)
    )
    return [(row.object_kind, row.object_id) for row in rows]


async def page(
    tx: AsyncConnection,
    tenant: str,
    part: Part,
    *,
    object_kind: str | None,
    object_id: str | None,
) -> list[Entry]:
    """Entries, the newest first."""
    table = tables.audit
    rows = select(table).where(table.c.tenant == tenant)
    if object_kind is not None:
        rows = rows.where(table.c.object_kind == object_kind)
    if object_id is not None:
        rows = rows.where(table.c.object_id == object_id)
    return [
        Entry(
            at=row.at,
            principal=row.principal,
            action=row.action,
            object_kind=row.object_kind,
            object_id=row.object_id,
            request_id=row.request_id,
            fields=tuple(row.fields),
            number=row.id,
        )
        for row in await tx.execute(keyset(rows, part, order=(table.c.id.desc(),)))
    ]
