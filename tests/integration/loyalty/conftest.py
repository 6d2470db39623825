"""Loyalty's tables on a real PostgreSQL: migrated once, a company of its own for each test."""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx2 as httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

import otklik_loyalty
from otklik_common import keys
from otklik_common.callers import ALL_SCOPES, Caller
from otklik_common.db import Database
from otklik_common.events.access import Company, Key, KeyPurpose
from otklik_common.events.envelope import Event, Fact
from otklik_common.events.registry import decode
from otklik_common.ids import short_id
from otklik_common.migrate import Tree, migrate
from otklik_common.module import Platform
from otklik_common.pseudonym import Pseudonyms, Sealer
from otklik_common.runtime import create_app, make_platform
from otklik_common.settings import Settings
from otklik_loyalty.actions.customers import Means
from otklik_loyalty.module import MODULE
from tests.support.postgres import PostgresServer

MIGRATIONS = Path(otklik_loyalty.__file__).parent / "migrations"
DATABASE = "loyalty_tests"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


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


@dataclass
class Office:
    """A company with a key, over HTTP."""

    world: World
    http: httpx.AsyncClient
    bearer: str
    app: FastAPI

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """One request with the company's key, or with `authorization` given."""
        sent = {"authorization": f"Bearer {self.bearer}", "accept-language": "en", **headers}
        named = {name.replace("_", "-"): value for name, value in sent.items()}
        content = body if isinstance(body, bytes) else None
        if content is not None:
            named.setdefault("content-type", "application/json")
        return await self.http.request(
            method,
            "/loyalty/v1" + path,
            headers=named,
            content=content,
            json=None if content is not None else body,
        )

    async def put(self, path: str, body: Any, **headers: str) -> Any:
        """PUT."""
        return await self.call("PUT", path, body, **headers)

    async def get(self, path: str, **headers: str) -> Any:
        """GET."""
        return await self.call("GET", path, **headers)

    async def post(self, path: str, body: Any, **headers: str) -> Any:
        """POST."""
        return await self.call("POST", path, body, **headers)

    async def knows(self, kind: str, subject: UUID, fact: Fact) -> None:
        """Let loyalty hear a fact of access."""
        await self.world.admin.execute(
            "INSERT INTO loyalty.directory (tenant, kind, subject, revision, epoch, void, data)"
            " VALUES ($1, $2, $3, 1, 1, false, $4)",
            self.world.tenant,
            kind,
            subject,
            fact.model_dump_json(),
        )

    async def key(self, scopes: frozenset[str], branches: tuple[str, ...] = ()) -> str:
        """A new API key."""
        text, key_id, digest = keys.new_key(self.world.tenant)
        fact = Key(
            key_id=key_id,
            purpose=KeyPurpose.API,
            digest=digest,
            scopes=tuple(sorted(scopes)),
            branches=branches,
            created_at=LONG_AGO,
        )
        await self.knows("key", uuid4(), fact)
        self.app.state.platform.directory("loyalty").forget(self.world.tenant)
        return text


@pytest_asyncio.fixture(scope="session")
async def platform(loyalty_settings: Settings) -> AsyncIterator[Platform]:
    """What the process lends."""
    made = make_platform(loyalty_settings)
    yield made
    await made.close()


@pytest_asyncio.fixture(scope="session")
async def app(platform: Platform) -> FastAPI:
    """Loyalty alone."""
    return create_app([MODULE], platform)


@pytest_asyncio.fixture
async def office(world: World, app: FastAPI) -> AsyncIterator[Office]:
    """A company whose key may do everything."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://loyalty") as http:
        made = Office(world, http, "", app)
        await made.knows("company", uuid4(), Company(timezone="Europe/Moscow", created_at=LONG_AGO))
        made.bearer = await made.key(ALL_SCOPES)
        yield made
