"""Lists that a company declares as a whole: what is not named any more is none of it."""

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Column, Table, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_contact_center.store.recording_tables import recording_host
from otklik_contact_center.store.source_tables import head_line
from otklik_contact_center.store.tables import attribute_allow


class DeclaredList:
    """One of these lists, kept as rows of a company and a text."""

    def __init__(self, table: Table, column: Column[Any]) -> None:
        self._table = table
        self._column = column

    async def listed(self, tx: AsyncConnection, tenant: str) -> list[str]:
        """What a company has declared, in order."""
        rows = select(self._column).where(self._table.c.tenant == tenant).order_by(self._column)
        return list((await tx.execute(rows)).scalars())

    async def put(self, tx: AsyncConnection, tenant: str, values: Iterable[str]) -> None:
        """Have these and no others; two who say so at once come one after the other."""
        lock = func.hashtextextended(f"{self._table.name}/{tenant}", 0)
        await tx.execute(select(func.pg_advisory_xact_lock(lock)))
        await tx.execute(delete(self._table).where(self._table.c.tenant == tenant))
        rows = [{"tenant": tenant, self._column.name: value} for value in sorted(set(values))]
        if rows:
            await tx.execute(insert(self._table), rows)


ATTRIBUTES: Final = DeclaredList(attribute_allow, attribute_allow.c.name)
"""Names of the attributes that may leave in facts."""

HEAD_LINES: Final = DeclaredList(head_line, head_line.c.line)
"""Phones and mailboxes of the head, as they are compared."""

RECORDING_HOSTS: Final = DeclaredList(recording_host, recording_host.c.host)
"""Hosts that recordings may be fetched from."""
