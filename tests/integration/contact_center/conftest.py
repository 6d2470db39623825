"""The contact centre's tables on a real PostgreSQL: migrated once, a company for each test."""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

import otklik_contact_center
from otklik_common.callers import ALL_SCOPES, Caller
from otklik_common.db import Database
from otklik_common.directory import Directory
from otklik_common.events.access import Company, Key, KeyPurpose
from otklik_common.events.envelope import Event, Fact
from otklik_common.events.registry import decode
from otklik_common.ids import short_id, subject_id
from otklik_common.keys import new_key
from otklik_common.migrate import Tree, migrate
from otklik_common.module import Platform
from otklik_common.pseudonym import Pseudonyms, Sealer
from otklik_common.runtime import create_app, make_platform
from otklik_common.settings import Settings
from otklik_contact_center.actions.fold import Folder
from otklik_contact_center.actions.intake import Intake
from otklik_contact_center.actions.meters import Meters
from otklik_contact_center.actions.push import Door
from otklik_contact_center.domain.admission import BULK, LIVE, canonical
from otklik_contact_center.domain.events import Event as Pushed
from otklik_contact_center.domain.source import default_source
from otklik_contact_center.module import MODULE
from tests.integration.contact_center.importing import Office
from tests.support.postgres import PostgresServer

MIGRATIONS = Path(otklik_contact_center.__file__).parent / "migrations"
DATABASE = "contact_center_tests"
MASTER = b"k" * 32


@dataclass
class World:
    """
    A company of its own.

    Attributes:
        admin: Superuser, to look behind the row policies.
    """

    tenant: str
    settings: Settings
    api: Database
    worker: Database
    pusher: Database
    admin: asyncpg.Connection
    sealer: Sealer
    pseudonyms: Pseudonyms

    @property
    def caller(self) -> Caller:
        """Somebody who may do everything in the company."""
        return Caller(self.tenant, "key:test", ALL_SCOPES)

    async def facts(self, kind: str | None = None) -> list[Event[Fact]]:
        """What the company has told the others, in order."""
        rows = await self.admin.fetch(
            "SELECT payload FROM contact_center.outbox WHERE tenant = $1 ORDER BY id", self.tenant
        )
        events = [decode(row["payload"]) for row in rows]
        return [event for event in events if kind in (None, event.data.kind)]

    async def latest(self, kind: str) -> dict[str, Any]:
        """The newest state of each subject of a kind that is not void, by subject."""
        newest: dict[str, Any] = {}
        for event in await self.facts(kind):
            newest[str(event.subject)] = None if event.void else event.data
        return {subject: data for subject, data in newest.items() if data is not None}

    async def count(self, table: str) -> int:
        """Rows of the company in a table."""
        found = await self.admin.fetchval(
            f'SELECT count(*) FROM contact_center."{table}" WHERE tenant = $1', self.tenant
        )
        return int(found)

    async def enrol(self, *, region: str = "RU") -> None:
        """Let the company be known, as access would."""
        company = Company(timezone="Europe/Moscow", region=region, created_at=now())
        await self.tell("company", self.tenant, company)

    async def key(
        self,
        *scopes: str,
        purpose: KeyPurpose = KeyPurpose.API,
        branches: tuple[str, ...] = (),
    ) -> str:
        """The text of a fresh key; without scopes it has all of them."""
        text, key_id, digest = new_key(self.tenant)
        key = Key(
            key_id=key_id,
            purpose=purpose,
            digest=digest,
            scopes=scopes or tuple(sorted(ALL_SCOPES)),
            branches=branches,
            created_at=now(),
        )
        await self.tell("key", key_id, key)
        return text

    async def tell(self, kind: str, code: str, fact: Fact) -> None:
        """Let a fact of access be known."""
        await self.admin.execute(
            "INSERT INTO contact_center.directory"
            " (tenant, kind, subject, code, revision, epoch, void, data)"
            " VALUES ($1, $2, $3, $4, 1, 1, false, $5)",
            self.tenant,
            kind,
            subject_id(self.tenant, kind, code),
            code,
            fact.model_dump_json(),
        )


@pytest_asyncio.fixture(scope="session")
async def contact_center_settings(postgres: PostgresServer) -> Settings:
    """Settings of a migrated database."""
    url = await postgres.create_database(DATABASE)
    settings = Settings(
        database_url=url,
        admin_database_url=url,
        master_key=base64.b64encode(MASTER).decode(),
        environment="test",
    )
    await migrate(settings, [Tree("contact_center", MIGRATIONS)])
    return settings


Databases = tuple[Database, Database, Database, asyncpg.Connection]


@pytest_asyncio.fixture(scope="session")
async def contact_center_databases(
    contact_center_settings: Settings,
) -> AsyncIterator[Databases]:
    """The tables as each role, and a superuser's connection."""
    roles = [
        Database(contact_center_settings, "contact_center", role)
        for role in ("api", "worker", "pusher")
    ]
    admin = await asyncpg.connect(contact_center_settings.admin_database_url)
    yield roles[0], roles[1], roles[2], admin
    await admin.close()
    for role in roles:
        await role.close()


@pytest.fixture
def world(contact_center_settings: Settings, contact_center_databases: Databases) -> World:
    """A new company."""
    api, worker, pusher, admin = contact_center_databases
    return World(
        tenant=short_id(),
        settings=contact_center_settings,
        api=api,
        worker=worker,
        pusher=pusher,
        admin=admin,
        sealer=Sealer(MASTER),
        pseudonyms=Pseudonyms(MASTER),
    )


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


@pytest_asyncio.fixture(scope="session")
async def contact_center_app(contact_center_settings: Settings) -> AsyncIterator[FastAPI]:
    """The service's API, as its process runs it."""
    platform = make_platform(contact_center_settings)
    app = create_app([MODULE], platform)
    async with app.router.lifespan_context(app):
        yield app


@pytest_asyncio.fixture
async def client(world: World, contact_center_app: FastAPI) -> AsyncIterator[AsyncClient]:
    """A client with a key of the new company that may do everything."""
    await world.enrol()
    headers = {"Authorization": f"Bearer {await world.key()}", "Accept-Language": "en"}
    transport = ASGITransport(app=contact_center_app)
    async with AsyncClient(transport=transport, base_url="http://test", headers=headers) as made:
        yield made


class Pusher:
    """Pushes events as the API does, without HTTP."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def push(self, *events: Pushed) -> None:
        """Every one is taken in."""
        intake = Intake(self.world.pusher, Meters(None))
        await intake.start()
        try:
            door = Door(intake, self.world.sealer, MASTER)
            body = b"[" + b",".join(canonical(event) for event in events) + b"]"
            source = default_source(self.world.tenant, now())
            answer = await door.push(source, body, now=now())
            assert not answer.refused, answer
        finally:
            await intake.stop()


@pytest.fixture
def door(world: World) -> Pusher:
    """Where events of the new company are pushed."""
    return Pusher(world)


@pytest.fixture
def folder(world: World) -> Folder:
    """Folds what is waiting, of this and other tests."""
    return a_folder(world)


def a_folder(world: World, **more: int) -> Folder:
    """A folder of its own, with another idea of how much is too much."""
    return Folder(
        world.worker,
        Directory(world.api),
        sealer=world.sealer,
        pseudonyms=world.pseudonyms,
        meters=Meters(None),
        **more,
    )


async def fold_all(folder: Folder) -> None:
    """Fold until nothing waits."""
    for lane in (LIVE, BULK):
        while (await folder.fold_some(lane)).marks:
            pass


def only(found: dict[str, Any]) -> Any:
    """The one thing that was found."""
    assert len(found) == 1, found
    return next(iter(found.values()))


@pytest_asyncio.fixture(scope="session")
async def importing_platform(contact_center_settings: Settings) -> AsyncIterator[Platform]:
    """What a process of workers lends."""
    platform = make_platform(contact_center_settings)
    yield platform
    await platform.close()


@pytest_asyncio.fixture
async def office(world: World, client: AsyncClient, importing_platform: Platform) -> Office:
    """A company that imports files."""
    return Office(world.tenant, world.admin, client, importing_platform)
