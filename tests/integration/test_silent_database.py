"""A database host that falls silent: requests end, connections are given up, the next ones work."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from otklik_common.db import Database, connect_arguments
from otklik_common.outages import outage
from otklik_common.settings import Settings
from tests.support.log_probe.probe import TENANT, probe_database
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.asyncio

DATABASE = "silent_database"


class Proxy:
    """A socket in the way; while it is silent it takes everything and hands on nothing."""

    def __init__(self, theirs: str) -> None:
        self._theirs = theirs
        self.speaks = asyncio.Event()
        self.speaks.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hand on what comes, both ways."""
        from_server, to_server = await asyncio.open_unix_connection(self._theirs)
        try:
            await asyncio.gather(self._pipe(reader, to_server), self._pipe(from_server, writer))
        finally:
            to_server.close()
            writer.close()

    async def _pipe(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while chunk := await source.read(65536):
            await self.speaks.wait()
            sink.write(chunk)
        sink.close()


@asynccontextmanager
async def in_the_way(folder: Path, theirs: str) -> AsyncIterator[Proxy]:
    """A proxy behind `folder`, as a PostgreSQL would listen there."""
    proxy = Proxy(theirs)
    server = await asyncio.start_unix_server(proxy.serve, str(folder / ".s.PGSQL.5432"))
    try:
        yield proxy
    finally:
        proxy.speaks.set()
        server.close()


async def test_requests_end_and_the_pool_recovers(postgres: PostgresServer, tmp_path: Path) -> None:
    settings = await probe_database(postgres, DATABASE)
    socket = f"{connect_arguments(make_url(settings.database_url))['host']}/.s.PGSQL.5432"
    async with in_the_way(tmp_path, socket) as proxy:
        through = Settings(
            database_url=f"postgresql:///{DATABASE}?host={tmp_path}",
            master_key=base64.b64encode(b"k" * 32).decode(),
            environment="test",
            pool_size=2,
        )
        db = Database(through, "probe", "api", answer_seconds=1.0)

        async def ask() -> str | None:
            try:
                async with db.begin(TENANT) as tx:
                    await tx.execute(text("SELECT 1"))
            except Exception as broken:  # noqa: BLE001 - what it means is the question
                known = outage(broken)
                return known.code if known else repr(broken)
            return None

        assert await ask() is None
        proxy.speaks.clear()
        began = time.monotonic()
        assert set(await asyncio.gather(ask(), ask())) == {"database_unavailable"}
        assert time.monotonic() - began < 20
        proxy.speaks.set()
        assert await ask() is None
        await db.ready()
        await db.close()
