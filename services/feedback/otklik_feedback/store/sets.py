"""Rows given to a statement as arrays, one for each column: one plan for one row or 5,000."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Table, bindparam, column, func, insert, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.selectable import TableValuedAlias

Row = Mapping[str, Any]


def given(table: Table, names: Sequence[str], rows: Iterable[Row]) -> TableValuedAlias:
    """`rows` as a table of the columns `names`, typed as they are in `table`."""
    kept = list(rows)
    arrays = [
        bindparam(None, [row[name] for row in kept], type_=ARRAY(table.c[name].type, dimensions=1))
        for name in names
    ]
    columns = [column(name, table.c[name].type) for name in names]
    return func.unnest(*arrays).table_valued(*columns, name="given").render_derived()


def array(table: Table, name: str, values: Iterable[Any]) -> Any:
    """`values` as one array parameter of a column's type, for `column = ANY (…)`."""
    return func.any(bindparam(None, list(values), type_=ARRAY(table.c[name].type, dimensions=1)))


async def add(tx: AsyncConnection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows that all have the same columns."""
    if rows:
        source = given(table, list(rows[0]), rows)
        await tx.execute(insert(table).from_select(source.c.keys(), select(*source.c)))
