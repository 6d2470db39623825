"""Writing a revision of an aggregate; its company's row is locked by whoever calls."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_access.domain.kept import Kept


async def put(
    tx: AsyncConnection, table: Table, kept: Kept[Any], columns: Mapping[str, Any]
) -> None:
    """Insert or replace the row that `columns`, primary key included, describe."""
    values = {**columns, "revision": kept.revision, "recorded_at": kept.recorded_at}
    if "void" in table.c:
        values["void"] = kept.void
    new = insert(table).values(values)
    key = [column.name for column in table.primary_key]
    changed = {name: new.excluded[name] for name in values if name not in key}
    await tx.execute(new.on_conflict_do_update(index_elements=key, set_=changed))
