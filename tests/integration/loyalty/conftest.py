"""Loyalty's tables on a real PostgreSQL: migrated once, a company of its own for each test."""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

import otklik_loyalty
from otklik_common.callers import ALL_SCOPES, Caller
from otklik_common.db import Database
from otklik_common.events.envelope import Event, Fact
from otklik_common.events.registry import decode
from otklik_common.ids import short_id
from otklik_common.migrate import Tree, migrate
from otklik_common.pseudonym import Pseudonyms, Sealer
from otklik_common.settings import Settings
from otklik_loyalty.actions.customers import Means
from tests.support.postgres import PostgresServer

MIGRATIONS = Path(otklik_loyalty.__file__).parent / "migrations"
DATABASE = "loyalty_tests"


@dataclass
class World:
    """
    One company with an empty programme.

    Attributes:
        admin: Superuser, to look behind the row policies.
    """

    tenant: str
    settings: Settings
    api: Database
    worker: Database
    admin: asyncpg.Connection
    means: Means

    @property
    def caller(self) -> Caller:
        """Somebody who may do everything in the company."""
        return Caller(self.tenant, "key:test", ALL_SCOPES)

    async def facts(self, kind: str | None = None) -> list[Event[Fact]]:
        """What the company has told the others, in order."""
        rows = await self.admin.fetch(
            "SELECT payload FROM loyalty.outbox WHERE tenant = $1 ORDER BY id", self.tenant
        )
        events = [decode(row["payload"]) for row in rows]
        return [event for event in events if kind in (None, event.data.kind)]

    async def count(self, table: str) -> int:
        """Rows of the company in a table."""
        found = await self.admin.fetchval(
            f'SELECT count(*) FROM loyalty."{table}" WHERE tenant = $1', self.tenant
        )
        return int(found)


@pytest_asyncio.fixture(scope="session")
async def loyalty_settings(postgres: PostgresServer) -> Settings:
    """Settings of a migrated database."""
    url = await postgres.create_database(DATABASE)
    settings = Settings(
        database_url=url,
        admin_database_url=url,
        master_key=base64.b64encode(b"k" * 32).decode(),
        environment="test",
        pool_size=16,
    )
    await migrate(settings, [Tree("loyalty", MIGRATIONS)])
    return settings


@pytest_asyncio.fixture(scope="session")
async def loyalty_databases(
    loyalty_settings: Settings,
) -> AsyncIterator[tuple[Database, Database, asyncpg.Connection]]:
    """The tables as api and as worker, and a superuser's connection."""
    api = Database(loyalty_settings, "loyalty", "api")
    worker = Database(loyalty_settings, "loyalty", "worker")
    admin = await asyncpg.connect(loyalty_settings.admin_database_url)
    yield api, worker, admin
    await admin.close()
    await api.close()
    await worker.close()


@pytest.fixture
def world(
    loyalty_settings: Settings,
    loyalty_databases: tuple[Database, Database, asyncpg.Connection],
) -> World:
    """A new company."""
    api, worker, admin = loyalty_databases
    master = loyalty_settings.master
    means = Means(Pseudonyms(master), Sealer(master))
    return World(short_id(), loyalty_settings, api, worker, admin, means)
