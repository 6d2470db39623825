"""What a database that cannot do it now means to a caller: 503, come again; never a fault of ours."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from otklik_common.outages import outage
from tests.support.postgres import PostgresServer


@pytest_asyncio.fixture
async def engine(postgres: PostgresServer) -> AsyncIterator[AsyncEngine]:
    url = make_url(await postgres.create_database("outages")).set(drivername="postgresql+asyncpg")
    made = create_async_engine(url, pool_size=2, max_overflow=0, pool_timeout=0.1)
    async with made.begin() as tx:
        await tx.execute(text("CREATE TABLE thing (id integer PRIMARY KEY)"))
        await tx.execute(text("INSERT INTO thing VALUES (1)"))
    yield made
    await made.dispose()


async def code_of(engine: AsyncEngine, *statements: str) -> str | None:
    try:
        async with engine.begin() as tx:
            for statement in statements:
                await tx.execute(text(statement))
    except Exception as failed:  # noqa: BLE001 - whatever it is, the question is what it means
        known = outage(failed)
        assert known is None or "Retry-After" in known.headers
        return known.code if known else type(failed).__name__
    return None


@pytest.mark.asyncio
async def test_slow_statements_and_taken_locks_are_no_faults(engine: AsyncEngine) -> None:
    slow = ("SET LOCAL statement_timeout = 50", "SELECT pg_sleep(5)")
    assert await code_of(engine, *slow) == "too_slow"
    async with engine.begin() as holder:
        await holder.execute(text("SELECT 1 FROM thing FOR UPDATE"))
        taken = ("SET LOCAL lock_timeout = 50", "SELECT 1 FROM thing FOR UPDATE")
        assert await code_of(engine, *taken) == "try_again"


@pytest.mark.asyncio
async def test_a_full_pool_is_no_fault(engine: AsyncEngine) -> None:
    async with engine.connect(), engine.connect():
        assert await code_of(engine, "SELECT 1") == "busy"


@pytest.mark.asyncio
async def test_a_connection_ended_by_the_server_is_no_fault(engine: AsyncEngine) -> None:
    ended = await code_of(engine, "SELECT pg_terminate_backend(pg_backend_pid())", "SELECT 1")
    assert ended == "database_unavailable"
    assert await code_of(engine, "SELECT 1") is None


@pytest.mark.asyncio
@pytest.mark.parametrize("url", ["//nobody@127.0.0.1:1/x", "//nobody@/x?host=/nowhere"])
async def test_a_server_that_is_away_is_no_fault(url: str) -> None:
    away = create_async_engine(f"postgresql+asyncpg:{url}")
    assert await code_of(away, "SELECT 1") == "database_unavailable"
    await away.dispose()


@pytest.mark.asyncio
async def test_our_mistakes_stay_faults(engine: AsyncEngine) -> None:
    assert await code_of(engine, "SELECT * FROM nothing") == "ProgrammingError"
    assert await code_of(engine, "INSERT INTO thing VALUES (1)") == "IntegrityError"
