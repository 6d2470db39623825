"""The API of metrics for tests: a company with keys, facts let in, and history that reaches."""

import json
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
from fastapi import FastAPI

from otklik_common import http
from otklik_common.db import raw
from otklik_common.events.access import Branch, Company, Key, KeyPurpose
from otklik_common.events.contact_center import Contact, Outcome
from otklik_common.events.envelope import Event, Fact
from otklik_common.ids import short_id
from otklik_common.keys import new_key
from otklik_common.module import Platform
from otklik_common.runtime import create_app, make_platform
from otklik_common.settings import Settings
from otklik_metrics.actions import counting
from otklik_metrics.module import MODULE
from otklik_metrics.store import history, reached
from otklik_metrics.store.tables import FACTS_REACHED, REACHED, SCHEMA
from tests.support.facts import a_contact, an_answered_contact, heard
from tests.support.metrics_world import GROUPS, subject

EARLY = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 5, 10, 12, tzinfo=UTC)
READER = ("metrics:read", "records:read", "operations:read")

TEN = datetime(2026, 3, 10, 7, tzinfo=UTC)
"""10 March, 10:00 in Moscow."""


def metrics_app(platform: Platform) -> FastAPI:
    """The API of metrics alone, at a time of ours."""
    app = create_app([MODULE], platform)
    app.dependency_overrides[http.now] = lambda: NOW
    return app


@dataclass
class Office:
    """One company that asks for its numbers."""

    platform: Platform
    admin: asyncpg.Connection
    app: FastAPI
    tenant: str = field(default_factory=short_id)
    key: str = ""

    async def found(self, timezone: str = "Europe/Moscow", **said: Any) -> "Office":
        """Make the company, its branches and a key that reads everything."""
        company = Company(timezone=timezone, created_at=EARLY, **said)
        await self.access_says("company", None, company)
        for code, groups in GROUPS.items():
            await self.access_says("branch", code, Branch(code=code, groups=groups))
        self.key = await self.new_key(READER)
        return self

    async def access_says(self, kind: str, code: str | None, fact: Fact) -> None:
        """What the directory would have learned from the log."""
        await self.admin.execute(
            "INSERT INTO metrics.directory"
            " (tenant, kind, subject, code, revision, epoch, void, data)"
            " VALUES ($1, $2, $3, $4, 1, 1, false, $5::text::jsonb)",
            self.tenant,
            kind,
            uuid4(),
            code,
            fact.model_dump_json(),
        )
        self.platform.directory(SCHEMA).forget(self.tenant)

    async def new_key(self, scopes: Collection[str], *, branches: tuple[str, ...] = ()) -> str:
        """A key of the company."""
        text, key_id, digest = new_key(self.tenant)
        key = Key(
            key_id=key_id,
            purpose=KeyPurpose.API,
            digest=digest,
            scopes=tuple(sorted(scopes)),
            branches=branches,
            created_at=EARLY,
        )
        await self.access_says("key", key_id, key)
        return text

    async def hear(
        self,
        facts: Mapping[str, Fact],
        *,
        revision: int = 1,
        recorded_at: datetime = EARLY,
        void: bool = False,
    ) -> None:
        """Let metrics hear facts by their names, for the numbers and for the history."""
        events: list[Event[Fact]] = [
            Event(
                tenant=self.tenant,
                subject=subject(name),
                revision=revision,
                verb="changed",
                time=recorded_at,
                recorded_at=recorded_at,
                data=fact,
                void=void,
            )
            for name, fact in facts.items()
        ]
        worker = self.platform.database(SCHEMA, "worker")
        async with worker.begin_as_worker() as tx:
            connection = await raw(tx)
            await counting.take_in(connection, heard(*events))
            await history.keep(connection, heard(*events))

    async def history_reaches(self, until: datetime) -> None:
        """The history has heard of everything before a moment."""
        worker = self.platform.database(SCHEMA, "worker")
        async with worker.begin_as_worker() as tx:
            await reached.note(tx, REACHED, dict.fromkeys(history.TOPICS, until))

    async def numbers_reach(self, until: datetime) -> None:
        """The numbers have counted everything recorded before a moment."""
        worker = self.platform.database(SCHEMA, "worker")
        async with worker.begin_as_worker() as tx:
            await reached.note(tx, FACTS_REACHED, dict.fromkeys(history.TOPICS, until))

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        language: str = "en",
        accept: str = "*/*",
        content: bytes | None = None,
    ) -> httpx.Response:
        """Ask the API; with the company's own key unless another is named."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            send = {
                "Authorization": f"Bearer {self.key if key is None else key}",
                "Accept-Language": language,
                "Accept": accept,
            }
            if content is not None:
                send["Content-Type"] = "application/json"
                return await client.request(
                    method, f"/metrics/v1{path}", headers=send, content=content
                )
            return await client.request(method, f"/metrics/v1{path}", headers=send, json=body)

    async def query(self, *metrics: Any, key: str | None = None, **said: Any) -> dict[str, Any]:
        """The answer to a query about March 2026 in Moscow, unless said otherwise."""
        answered = await self.call("POST", "/query", a_body(*metrics, **said), key=key)
        assert answered.status_code == 200, answered.text
        found: dict[str, Any] = answered.json()
        return found

    async def cells(self, *metrics: Any, **said: Any) -> dict[Any, Any]:
        """The first metric's cells by bucket (or by group, where there is one)."""
        found = await self.query(*metrics, **said)
        name = found["columns"][-1]["name"]
        groups = [column["name"] for column in found["columns"] if column["kind"] == "dimension"]
        by = groups or ["bucket"]
        return {
            tuple(row[one] for one in by) if len(by) > 1 else row[by[0]]: row[name]
            for row in found["rows"]
        }

    async def refusal(self, body: Any, path: str = "/query") -> tuple[int, str]:
        """Status and code of a refused request."""
        # Escaped, so that what is no text at all can be said too.
        answered = await self.call("POST", path, content=json.dumps(body).encode())
        return answered.status_code, answered.json().get("code", "")


def a_body(*metrics: Any, **said: Any) -> dict[str, Any]:
    """A query about March 2026 in Moscow, unless said otherwise."""
    time = {
        "from": "2026-03-01T00:00:00+03:00",
        "to": "2026-04-01T00:00:00+03:00",
        "granularity": "total",
        "timezone": "Europe/Moscow",
    }
    named = [{"name": one} if isinstance(one, str) else one for one in metrics]
    return {"metrics": named, "time": time | said.pop("time", {}), **said}


def numbered(prefix: str, facts: Sequence[Fact]) -> dict[str, Fact]:
    """Facts with names, so that they have ids of their own."""
    return {f"{prefix}{number}": fact for number, fact in enumerate(facts)}


def id_of(name: str) -> UUID:
    """The subject of a fact by its name."""
    return subject(name)


def abandoned(wait_ms: int = 60_000, **said: Any) -> Contact:
    """A call at ten that nobody took."""
    at = said.pop("offered_at", TEN)
    gone = at + timedelta(milliseconds=wait_ms)
    default: dict[str, Any] = {
        "offered_at": at,
        "abandoned_at": gone,
        "ended_at": gone,
        "closed_at": gone,
        "outcome": Outcome.ABANDONED,
        "waited_ms": wait_ms,
    }
    return a_contact(**default | said)


def answered(wait_ms: int = 10_000, **said: Any) -> Contact:
    """A call at ten that somebody took."""
    return an_answered_contact(wait_ms, **{"offered_at": TEN} | said)


@asynccontextmanager
async def an_office(settings: Settings) -> AsyncIterator[Office]:
    """A company in Moscow of which nothing was heard."""
    platform = make_platform(settings)
    admin = await asyncpg.connect(settings.admin_database_url)
    try:
        yield await Office(platform, admin, metrics_app(platform)).found()
    finally:
        await admin.close()
        await platform.close()
