"""Phones and mailboxes of the head."""

from collections.abc import Iterable

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_contact_center.store.source_tables import head_line


async def listed(tx: AsyncConnection, tenant: str) -> list[str]:
    """Those of a company, in order."""
    rows = select(head_line.c.line).where(head_line.c.tenant == tenant).order_by(head_line.c.line)
    return list((await tx.execute(rows)).scalars())


async def put(tx: AsyncConnection, tenant: str, lines: Iterable[str]) -> None:
    """Have these and no others; two who say so at once come one after the other."""
    lock = func.hashtextextended(f"head-lines/{tenant}", 0)
    await tx.execute(select(func.pg_advisory_xact_lock(lock)))
    await tx.execute(delete(head_line).where(head_line.c.tenant == tenant))
    rows = [{"tenant": tenant, "line": line} for line in sorted(set(lines))]
    if rows:
        await tx.execute(insert(head_line), rows)
