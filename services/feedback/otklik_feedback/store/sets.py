"""Rows given to a statement as arrays, one for each column: one plan for one row or 5,000."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Table, Text, bindparam, cast, column, func, insert, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.selectable import Subquery

Row = Mapping[str, Any]


def given(table: Table, names: Sequence[str], rows: Iterable[Row]) -> Subquery:
    """`rows` as a table of the columns `names`, typed as they are in `table`."""
    kept = list(rows)
    arrays, columns = [], []
    for name in names:
        kind = table.c[name].type
        values = [row[name] for row in kept]
        if isinstance(kind, JSONB):
            # As text: an array of jsonb is written value by value, at ten times the price.
            values = [orjson.dumps(value).decode() for value in values]
        sent = Text() if isinstance(kind, JSONB) else kind
        arrays.append(bindparam(None, values, type_=ARRAY(sent, dimensions=1)))
        columns.append(column(name, sent))
    table_of = func.unnest(*arrays).table_valued(*columns, name="sent").render_derived()
    typed = [
        cast(table_of.c[name], JSONB).label(name)
        if isinstance(table.c[name].type, JSONB)
        else table_of.c[name]
        for name in names
    ]
    return select(*typed).subquery("given")


def array(table: Table, name: str, values: Iterable[Any]) -> Any:
    """`values` as one array parameter of a column's type, for `column = ANY (…)`."""
    return func.any(bindparam(None, list(values), type_=ARRAY(table.c[name].type, dimensions=1)))


async def add(tx: AsyncConnection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows that all have the same columns."""
    if rows:
        source = given(table, list(rows[0]), rows)
        await tx.execute(insert(table).from_select(source.c.keys(), select(*source.c)))
