"""The whole product in one process of the test: every schema migrated, every route over ASGI."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import asyncpg
import httpx
from fastapi import FastAPI

from otklik.pages import add_pages
from otklik.targets import ALL, modules
from otklik_access import actions
from otklik_access.api.sessions import FAILURES, GUESSES, REFRESHES, SIGN_IN
from otklik_common.limits import RateLimit
from otklik_common.migrate import Tree, migrate
from otklik_common.module import Module, Platform
from otklik_common.runtime import create_app, make_platform, run_side_by_side
from otklik_common.settings import Settings
from otklik_feedback.api.context import FROM_ONE_PLACE
from tests.support.postgres import PostgresServer

MIGRATED = "everything_migrated"
SETTLE_SECONDS = 60

LIMITS: Sequence[RateLimit] = (SIGN_IN, GUESSES, FAILURES, REFRESHES, FROM_ONE_PLACE)


def all_modules() -> list[Module]:
    """Every service."""
    return modules(ALL)


def settings_of(url: str, *, pool_size: int = 4) -> Settings:
    """Settings of a process over that database."""
    return Settings(
        database_url=url,
        admin_database_url=url,
        master_key=base64.b64encode(b"k" * 32).decode(),
        environment="test",
        pool_size=pool_size,
    )


async def migrated_database(postgres: PostgresServer, name: str) -> str:
    """Address of a new database with every schema; migrated once, then copied."""
    admin = await asyncpg.connect(postgres.admin_url)
    known = await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", MIGRATED)
    await admin.close()
    if not known:
        url = await postgres.create_database(MIGRATED)
        trees = [Tree(module.schema, module.migrations) for module in all_modules()]
        await migrate(settings_of(url), trees)
    return await postgres.create_database(name, template=MIGRATED)


@dataclass
class Running:
    """
    Every route, and a superuser's connection to look behind the row policies.

    Attributes:
        url: Address of the database.
    """

    url: str
    platform: Platform
    app: FastAPI
    admin: asyncpg.Connection
    client: httpx.AsyncClient

    async def company(self) -> actions.FirstStart:
        """A new company with an administrator and a key."""
        return await actions.make_company(self.platform, actions.NewCompany())

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Inside, every service's workers run; on the way out all they were told is taken in."""
        chosen = all_modules()
        await self.platform.log.ensure_topics([one.topic for one in chosen if one.writes])
        stop = asyncio.Event()
        workers = [worker for module in chosen for worker in module.workers(self.platform)]
        running = asyncio.create_task(run_side_by_side(workers, stop))
        try:
            yield
            await self.until_settled()
        finally:
            stop.set()
            await running

    async def until_settled(self) -> None:
        """Wait until no fact is under way: none in an outbox, none unread on the log."""
        began = time.monotonic()
        quiet = 0
        while quiet < 3:
            under_way = await self._under_way()
            quiet = quiet + 1 if not under_way else 0
            assert time.monotonic() - began < SETTLE_SECONDS, f"still under way: {under_way}"
            await asyncio.sleep(0.1)

    async def _under_way(self) -> list[str]:
        ends = {
            row["topic"]: list(row["next"])
            for row in await self.admin.fetch("SELECT topic, next FROM log.topics")
        }
        found: list[str] = []
        for module in all_modules():
            for table in ("outbox", "dirty"):
                place = f"{module.schema}.{table}"
                if await self.admin.fetchval("SELECT to_regclass($1)", place) is None:
                    continue
                if await self.admin.fetchval(f"SELECT count(*) FROM {place}"):
                    found.append(place)
            reached = {(f"{module.name}.directory", "otklik.access"): dict[int, int]()}
            for row in await self.admin.fetch(f"SELECT * FROM {module.schema}.positions"):
                at = reached.setdefault((row["consumer"], row["topic"]), {})
                at[row["partition"]] = row["next"]
            found += [
                f"{consumer} {topic}/{partition}"
                for (consumer, topic), places in reached.items()
                for partition, end in enumerate(ends.get(topic, []))
                if places.get(partition, 0) < end
            ]
        return found


@asynccontextmanager
async def running_app(
    postgres: PostgresServer, name: str, *, pool_size: int = 4
) -> AsyncIterator[Running]:
    """Every service and the pages, as one application over a new database."""
    url = await migrated_database(postgres, name)
    platform = make_platform(settings_of(url, pool_size=pool_size))
    app = create_app(all_modules(), platform)
    add_pages(app, platform)
    admin = await asyncpg.connect(url)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    try:
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://otklik", timeout=60) as client,
        ):
            yield Running(url, platform, app, admin, client)
    finally:
        with suppress(Exception):
            await admin.close()


def forget_limits() -> None:
    """Tests ask more often than people."""
    for limit in LIMITS:
        limit._buckets.clear()
