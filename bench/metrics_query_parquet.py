"""The same raw rows in one Parquet file, asked by DuckDB."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import duckdb

# `at` is a word of DuckDB's own.
COLUMNS = {
    "company": "SMALLINT",
    "channel": "SMALLINT",
    "branch": "SMALLINT",
    "what": "SMALLINT",
    "moment": "TIMESTAMP",
    "wait_ms": "INT",
    "score": "SMALLINT",
}


class Parquet:
    """
    Raw rows by company and time; `moment` is their time, without a zone and in UTC.

    DuckDB has its own threads, one a core, unless told otherwise.
    """

    def __init__(self, path: Path) -> None:
        self._connection = duckdb.connect()
        self._path = path

    @classmethod
    async def of(cls, admin: asyncpg.Connection, folder: Path) -> "Parquet":
        """Everything in the table `raw`."""
        rows, path = folder / "raw.csv", folder / "raw.parquet"
        names = ", ".join("at AT TIME ZONE 'UTC'" if n == "moment" else n for n in COLUMNS)
        await admin.copy_from_query(
            f"SELECT {names} FROM raw ORDER BY company, at",
            output=rows,
            format="csv",
            timeout=3600,
        )
        made = cls(path)
        await asyncio.to_thread(
            made._connection.execute,
            f"COPY (FROM read_csv('{rows}', header = false, columns = {COLUMNS}))"
            f" TO '{path}' (FORMAT parquet, COMPRESSION zstd)",
        )
        rows.unlink()
        return made

    async def ask(self, sql: str, company: int, since: datetime, until: datetime) -> list[Any]:
        """Rows of a query over `raw`; $1 is the company, $2 and $3 the range."""
        given = [company, since.replace(tzinfo=None), until.replace(tzinfo=None)]
        query = sql.replace("FROM raw", f"FROM '{self._path}'")
        found = await asyncio.to_thread(lambda: self._connection.execute(query, given).fetchall())
        return list(found)

    def use_threads(self, count: int) -> None:
        """From now on."""
        self._connection.execute(f"SET threads = {count}")

    def close(self) -> None:
        """Give everything back."""
        self._connection.close()
