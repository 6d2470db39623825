"""Feedback on a real PostgreSQL: migrated once, a company of its own for each test."""

import base64
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest_asyncio
from fastapi import FastAPI

from otklik_common.callers import ALL_SCOPES, ROLE_SCOPES
from otklik_common.db import Database
from otklik_common.events.access import Company, Key, KeyPurpose, Member, Role
from otklik_common.events.contact_center import Channel, Contact, Direction
from otklik_common.events.envelope import Event, Fact
from otklik_common.events.registry import decode
from otklik_common.ids import contact_subject, short_id, subject_id
from otklik_common.keys import new_key, new_signer, sign_token
from otklik_common.migrate import Tree, migrate
from otklik_common.module import Platform
from otklik_common.reading import ReadEvent
from otklik_common.runtime import create_app, make_platform
from otklik_common.settings import Settings
from otklik_feedback.module import MODULE
from otklik_feedback.workers import LearnContacts
from tests.support.postgres import PostgresServer

DATABASE = "feedback_tests"
EARLY = datetime(2026, 1, 1, tzinfo=UTC)
AT = "2026-03-02T18:00:00+03:00"
PHONE = "+79991234567"


@dataclass
class World:
    """
    One company with a key that may do everything.

    Attributes:
        admin: Superuser, to look behind the row policies.
    """

    platform: Platform
    admin: asyncpg.Connection
    app: FastAPI
    tenant: str = field(default_factory=short_id)
    key: str = ""
    number: int = 0

    @property
    def api(self) -> Database:
        """The tables as a request handler sees them."""
        return self.platform.database("feedback", "api")

    @property
    def worker(self) -> Database:
        """The tables as background work sees them."""
        return self.platform.database("feedback", "worker")

    async def access_says(self, kind: str, subject: UUID, code: str | None, fact: Fact) -> None:
        """What the directory would have learned from the log."""
        await self.admin.execute(
            "INSERT INTO feedback.directory"
            " (tenant, kind, subject, code, revision, epoch, void, data)"
            " VALUES ($1, $2, $3, $4, 1, 1, false, $5::text::jsonb)",
            self.tenant,
            kind,
            subject,
            code,
            fact.model_dump_json(),
        )
        self.platform.directory("feedback").forget(self.tenant)

    async def found(self) -> None:
        """Make the company and its first key."""
        await self.access_says(
            "company", uuid4(), None, Company(timezone="Europe/Moscow", created_at=EARLY)
        )
        self.key = await self.new_key(ALL_SCOPES)

    async def new_key(
        self,
        scopes: Collection[str],
        *,
        branches: tuple[str, ...] = (),
        purpose: KeyPurpose = KeyPurpose.API,
    ) -> str:
        """A key of the company."""
        text, key_id, digest = new_key(self.tenant)
        key = Key(
            key_id=key_id,
            purpose=purpose,
            digest=digest,
            scopes=tuple(sorted(scopes)),
            branches=branches,
            created_at=EARLY,
        )
        await self.access_says("key", uuid4(), key_id, key)
        return text

    async def token(
        self, purpose: KeyPurpose, subject: UUID, life: timedelta = timedelta(minutes=10)
    ) -> str:
        """A token of a member or a customer, signed by a key of the company."""
        private, public = new_signer()
        key_id = f"signer{self.number}"
        self.number += 1
        key = Key(key_id=key_id, purpose=purpose, public_key=public, created_at=EARLY)
        await self.access_says("key", uuid4(), key_id, key)
        return sign_token(
            private,
            tenant=self.tenant,
            key_id=key_id,
            purpose=purpose,
            subject=subject,
            now=datetime.now(UTC),
            life=life,
        )

    async def member(self, role: Role, *branches: str, groups: tuple[str, ...] = ()) -> str:
        """A session of somebody of the staff."""
        assert role in ROLE_SCOPES
        subject = uuid4()
        member = Member(code=f"{role}-{self.number}", role=role, branches=branches, groups=groups)
        await self.access_says("member", subject, member.code, member)
        return await self.token(KeyPurpose.SESSION, subject)

    async def customer(self, external_id: str) -> str:
        """A token of a customer of the company's app."""
        pseudonym = self.platform.pseudonyms.external(self.tenant, external_id)
        assert pseudonym is not None
        return await self.token(KeyPurpose.CUSTOMER, subject_id(self.tenant, "customer", pseudonym))

    async def call(
        self,
        method: str,
        path: str,
        json: Any = None,
        *,
        key: str | None = None,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> httpx.Response:
        """Ask the API; with the company's own key unless another is named."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            send = {"Authorization": f"Bearer {key or self.key}", "Accept-Language": "en"}
            if json is not None:
                more["json"] = json
            return await client.request(
                method, f"/feedback/v1{path}", headers=send | (headers or {}), **more
            )

    async def survey(self, template: str = "nps", **more: Any) -> str:
        """Id of a new survey."""
        body = {"template": template, "title": {"ru": "Опрос", "en": "Survey"}, **more}
        made = await self.call("POST", "/surveys", body)
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    async def answer(self, reference: str, survey: str, values: Any, **more: Any) -> None:
        """Keep an answer of a buyer in Tyumen."""
        done = await self.put(reference, survey, values, **more)
        assert done.status_code == 204, done.text

    async def put(
        self, reference: str, survey: str, values: Any, key: str | None = None, **more: Any
    ) -> httpx.Response:
        """Send an answer of a buyer in Tyumen."""
        body = {
            "survey": survey,
            "at": AT,
            "customer": {"phone": PHONE},
            "branch": "tyumen",
            "touchpoint": "viewing",
            "values": values,
        } | more
        return await self.call("PUT", f"/answers/{reference}", body, key=key)

    async def facts(self, kind: str | None = None) -> list[Event[Any]]:
        """What the company has told the others, in order."""
        rows = await self.admin.fetch(
            "SELECT payload FROM feedback.outbox WHERE tenant = $1 ORDER BY id", self.tenant
        )
        events = [decode(row["payload"]) for row in rows]
        return [event for event in events if kind in (None, event.data.kind)]

    async def count(self, table: str) -> int:
        """Rows of the company in a table."""
        found = await self.admin.fetchval(
            f'SELECT count(*) FROM feedback."{table}" WHERE tenant = $1', self.tenant
        )
        return int(found)

    def contact_id(self, name: str, source: str | None = None) -> UUID:
        """Subject of a contact, from its sender's id."""
        return contact_subject(self.tenant, source or f"{self.tenant}.default", name)

    async def hear(self, name: str, revision: int = 1, *, void: bool = False, **said: Any) -> None:
        """Let feedback hear of a contact, as its consumer would."""
        default: dict[str, Any] = {
            "source": subject_id(self.tenant, "source", f"{self.tenant}.default"),
            "channel": Channel.CALL,
            "direction": Direction.IN,
        }
        fact = Contact(**default | said)
        event = ReadEvent(
            tenant=self.tenant,
            kind="contact",
            verb="changed",
            version=1,
            subject=self.contact_id(name),
            epoch=1,
            revision=revision,
            void=void,
            time=EARLY,
            recorded_at=EARLY,
            raw=fact.model_dump_json().encode(),
            topic="otklik.contact-center",
            partition=0,
            offset=revision,
        )
        async with self.worker.begin_as_worker() as tx:
            await LearnContacts().apply(tx, [event])


@pytest_asyncio.fixture(scope="session")
async def feedback_settings(postgres: PostgresServer) -> Settings:
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
async def feedback_platform(feedback_settings: Settings) -> AsyncIterator[Platform]:
    """What a process lends to feedback."""
    platform = make_platform(feedback_settings)
    yield platform
    await platform.close()


@pytest_asyncio.fixture(scope="session")
async def feedback_app(feedback_platform: Platform) -> FastAPI:
    """The API of feedback alone."""
    return create_app([MODULE], feedback_platform)


@pytest_asyncio.fixture(scope="session")
async def feedback_admin(feedback_settings: Settings) -> AsyncIterator[asyncpg.Connection]:
    """A superuser's connection."""
    connection = await asyncpg.connect(feedback_settings.admin_database_url)
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def world(
    feedback_platform: Platform, feedback_admin: asyncpg.Connection, feedback_app: FastAPI
) -> World:
    """A new company."""
    made = World(feedback_platform, feedback_admin, feedback_app)
    await made.found()
    return made


@pytest_asyncio.fixture
async def other(
    feedback_platform: Platform, feedback_admin: asyncpg.Connection, feedback_app: FastAPI
) -> World:
    """Another company in the same tables."""
    made = World(feedback_platform, feedback_admin, feedback_app)
    await made.found()
    return made
