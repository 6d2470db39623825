"""Access on a real PostgreSQL: migrated once, a company of its own for each test."""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import pytest_asyncio

from otklik_access import actions
from otklik_access.actions.change import Actor
from otklik_access.module import MODULE
from otklik_common.callers import ALL_SCOPES
from otklik_common.events.envelope import Event, Fact
from otklik_common.events.registry import decode
from otklik_common.migrate import Tree, migrate
from otklik_common.module import Platform
from otklik_common.runtime import make_platform
from otklik_common.settings import Settings
from tests.support.postgres import PostgresServer

DATABASE = "access_tests"


@dataclass
class World:
    """
    One company right after its first start.

    Attributes:
        made: Its admin's login and password, and its key.
        admin: Superuser, to look behind the row policies.
    """

    platform: Platform
    made: actions.FirstStart
    admin: asyncpg.Connection

    @property
    def tenant(self) -> str:
        """The company."""
        return self.made.tenant

    @property
    def actor(self) -> Actor:
        """Somebody who may do everything in the company."""
        return Actor(self.tenant, "key:test", ALL_SCOPES, request_id="r1")

    async def facts(self, kind: str | None = None) -> list[Event[Fact]]:
        """What the company has told the others, in order."""
        rows = await self.admin.fetch(
            "SELECT payload FROM access.outbox WHERE tenant = $1 ORDER BY id", self.tenant
        )
        events = [decode(row["payload"]) for row in rows]
        return [event for event in events if kind in (None, event.data.kind)]

    async def trail(self) -> list[str]:
        """Actions in the audit trail, in order."""
        rows = await self.admin.fetch(
            "SELECT action FROM access.audit WHERE tenant = $1 ORDER BY id", self.tenant
        )
        return [row["action"] for row in rows]


@pytest_asyncio.fixture(scope="session")
async def access_settings(postgres: PostgresServer) -> Settings:
    """Settings of a migrated database."""
    url = await postgres.create_database(DATABASE)
    settings = Settings(
        database_url=url,
        admin_database_url=url,
        master_key=base64.b64encode(b"k" * 32).decode(),
        environment="test",
        pool_size=16,
    )
    await migrate(settings, [Tree(MODULE.schema, MODULE.migrations)])
    return settings


@pytest_asyncio.fixture(scope="session")
async def access_platform(access_settings: Settings) -> AsyncIterator[Platform]:
    """What a process lends to access."""
    platform = make_platform(access_settings)
    yield platform
    await platform.close()


@pytest_asyncio.fixture(scope="session")
async def access_admin(access_settings: Settings) -> AsyncIterator[asyncpg.Connection]:
    """A superuser's connection."""
    connection = await asyncpg.connect(access_settings.admin_database_url)
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def world(access_platform: Platform, access_admin: asyncpg.Connection) -> World:
    """A new company."""
    made = await actions.make_company(access_platform, actions.NewCompany())
    return World(access_platform, made, access_admin)
