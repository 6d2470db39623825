"""Holding readers of the metrics tables up, to see what happens meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from otklik_common.settings import Settings

_WAITING = (
    "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted AND relation = $1::text::regclass"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@asynccontextmanager
async def nobody_reads(settings: Settings, table: str) -> AsyncIterator[asyncpg.Connection]:
    """Readers of a table wait; gives the connection that holds them up."""
    holder = await asyncpg.connect(settings.admin_database_url)
    try:
        async with holder.transaction():
            await holder.execute(f"LOCK TABLE metrics.{table} IN ACCESS EXCLUSIVE MODE")
            yield holder
    finally:
        await holder.close()


async def waiting(connection: asyncpg.Connection, table: str) -> int:
    """How many wait for the table."""
    found: int = await connection.fetchval(_WAITING, f"metrics.{table}")
    return found


async def somebody_waits(connection: asyncpg.Connection, table: str) -> None:
    """Return as soon as a reader waits for the table."""
    async with asyncio.timeout(10):
        while not await waiting(connection, table):  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.02)
