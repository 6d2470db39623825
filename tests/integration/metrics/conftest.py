"""Metrics' tables on a real PostgreSQL: migrated once, a company of its own for each test."""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

import otklik_metrics
from otklik_common.db import Database
from otklik_common.ids import short_id
from otklik_common.migrate import Tree, migrate
from otklik_common.settings import Settings
from tests.support.metrics_api import Office, an_office
from tests.support.postgres import PostgresServer

MIGRATIONS = Path(otklik_metrics.__file__).parent / "migrations"
DATABASE = "metrics_tests"


@dataclass
class World:
    """
    One company of which nothing was heard.

    Attributes:
        admin: Superuser, to look behind the row policies.
    """

    settings: Settings
    api: Database
    worker: Database
    admin: asyncpg.Connection
    tenant: str = field(default_factory=short_id)

    async def count(self, table: str) -> int:
        """Rows of the company in a table."""
        return int(
            await self.admin.fetchval(
                f'SELECT count(*) FROM metrics."{table}" WHERE tenant = $1', self.tenant
            )
        )


@pytest_asyncio.fixture(scope="session")
async def metrics_settings(postgres: PostgresServer) -> Settings:
    """Settings of a migrated database."""
    url = await postgres.create_database(DATABASE)
    settings = Settings(
        database_url=url,
        admin_database_url=url,
        master_key=base64.b64encode(b"k" * 32).decode(),
        environment="test",
        pool_size=16,
    )
    await migrate(settings, [Tree("metrics", MIGRATIONS)])
    return settings


@pytest_asyncio.fixture(scope="session")
async def metrics_databases(
    metrics_settings: Settings,
) -> AsyncIterator[tuple[Database, Database, asyncpg.Connection]]:
    """The tables as api and as worker, and a superuser's connection."""
    api = Database(metrics_settings, "metrics", "api")
    worker = Database(metrics_settings, "metrics", "worker")
    admin = await asyncpg.connect(metrics_settings.admin_database_url)
    yield api, worker, admin
    await admin.close()
    await api.close()
    await worker.close()


@pytest.fixture
def world(
    metrics_settings: Settings,
    metrics_databases: tuple[Database, Database, asyncpg.Connection],
) -> World:
    """A new company."""
    api, worker, admin = metrics_databases
    return World(metrics_settings, api, worker, admin)


@pytest_asyncio.fixture
async def office(metrics_settings: Settings) -> AsyncIterator[Office]:
    """A company in Moscow that asks over HTTP and of which nothing was heard."""
    async with an_office(metrics_settings) as made:
        yield made
