"""Access on a real PostgreSQL: migrated once, a company of its own for each test."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from otklik_access import actions
from otklik_access.actions.change import Actor
from otklik_access.api.sessions import FAILURES, GUESSES, REFRESHES, SIGN_IN
from otklik_access.module import MODULE
from otklik_common.callers import ALL_SCOPES
from otklik_common.events.envelope import Event, Fact
from otklik_common.events.registry import decode
from otklik_common.migrate import Tree, migrate
from otklik_common.module import Platform
from otklik_common.runtime import create_app, make_platform, run_side_by_side
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


@dataclass
class Http:
    """
    A company, and requests to the routes of access.

    Attributes:
        key: Its first key, which has every scope.
    """

    world: World
    app: FastAPI
    client: httpx.AsyncClient
    key: str

    def at(self, address: str) -> "Http":
        """The same, asked from another address."""
        transport = httpx.ASGITransport(app=self.app, client=(address, 1))
        client = httpx.AsyncClient(transport=transport, base_url="http://access")
        return replace(self, client=client)

    async def ask(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, **headers: str
    ) -> httpx.Response:
        """A request with the company's first key, or another credential; "" for none."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        bearer = self.key if key is None else key
        if bearer:
            sent["Authorization"] = f"Bearer {bearer}"
        return await self.client.request(method, f"/access/v1{path}", json=body, headers=sent)

    async def good(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """What such a request answers; it must not be refused."""
        answer = await self.ask(method, path, body, **headers)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def until(self, status: int, path: str, *, key: str) -> float:
        """Seconds until a GET with that credential is answered so."""
        began = time.monotonic()
        while (await self.ask("GET", path, key=key)).status_code != status:
            assert time.monotonic() - began < 15, f"{path} is not answered {status}"
            await asyncio.sleep(0.05)
        return time.monotonic() - began

    async def sign_in(self, login: str, password: str) -> Any:
        """A session whose token every reader of the directory believes."""
        session = await self.good(
            "POST", "/sign-in", {"login": login, "password": password}, key=""
        )
        await self.until(200, "/me", key=session["token"])
        return session

    async def employ(self, code: str, role: str, **more: Any) -> Any:
        """A session of a new member of staff."""
        await self.good("PUT", f"/staff/{code}", {"role": role, **more})
        shown = await self.good("POST", f"/staff/{code}/password")
        await asyncio.sleep(1)  # tokens of the second in which the password was reset are void
        return await self.sign_in(shown["login"], shown["password"])


@pytest_asyncio.fixture(scope="session")
async def access_at_work(access_platform: Platform) -> AsyncIterator[None]:
    """The workers of access: relay, directory, housekeeping."""
    await access_platform.log.ensure_topics([MODULE.topic])
    stop = asyncio.Event()
    running = asyncio.create_task(run_side_by_side(MODULE.workers(access_platform), stop))
    yield
    stop.set()
    await running


@pytest.fixture(scope="session")
def access_app(access_platform: Platform) -> FastAPI:
    """The routes of access."""
    return create_app([MODULE], access_platform)


@pytest_asyncio.fixture
async def http(world: World, access_app: FastAPI, access_at_work: None) -> AsyncIterator[Http]:
    """The routes of access for a new company, whose key works already."""
    for limit in (SIGN_IN, GUESSES, FAILURES, REFRESHES):
        limit._buckets.clear()
    transport = httpx.ASGITransport(app=access_app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://access") as client:
        assert world.made.key is not None
        one = Http(world, access_app, client, world.made.key)
        await one.until(200, "/me", key=one.key)
        yield one
