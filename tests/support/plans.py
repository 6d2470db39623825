"""What PostgreSQL says it did for a statement."""

from typing import Any

from sqlalchemy import SelectBase
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import ClauseElement, Executable


class _Explained(Executable, ClauseElement):
    inherit_cache = False

    def __init__(self, statement: SelectBase) -> None:
        self.statement = statement


@compiles(_Explained)
def _explain(element: _Explained, compiler: Any, **more: Any) -> str:
    inner = compiler.process(element.statement, **more)
    return f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {inner}"


async def rows_read(tx: AsyncConnection, statement: SelectBase) -> int:
    """How many rows all scans of tables and indexes looked at, those they threw away included."""
    plan = (await tx.execute(_Explained(statement))).scalar_one()
    return _rows(plan[0]["Plan"])


def _rows(node: dict[str, Any]) -> int:
    own = 0
    if "Scan" in node["Node Type"] and "Subquery" not in node["Node Type"]:
        thrown = sum(node.get(why, 0) for why in node if why.startswith("Rows Removed"))
        own = round((node["Actual Rows"] + thrown) * node["Actual Loops"])
    return own + sum(_rows(inner) for inner in node.get("Plans", ()))
