"""What access says of companies, as each service keeps it: one reading for all who ask."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from sqlalchemy import event
from sqlalchemy.engine import Engine

from otklik_common.db import Database
from otklik_common.directory import Directory, KeepDirectory
from otklik_common.events.access import Company, Member, Role
from otklik_common.events.envelope import Event, Fact
from otklik_common.events.registry import encode
from otklik_common.log.port import Record
from otklik_common.reading import read
from otklik_common.settings import Settings
from tests.support.log_probe.probe import TENANT, probe_database
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.asyncio

NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest_asyncio.fixture
async def settings(postgres: PostgresServer) -> Settings:
    """A database with an empty directory."""
    return await probe_database(postgres, "directory")


@pytest_asyncio.fixture
async def api(settings: Settings) -> AsyncIterator[Database]:
    """The directory as request handlers read it."""
    db = Database(settings, "probe", "api")
    yield db
    await db.close()


async def say(settings: Settings, *facts: Fact, revision: int = 1) -> None:
    """Let the service hear facts of access."""
    records = []
    for number, fact in enumerate(facts):
        said = Event(
            tenant=TENANT,
            subject=uuid4(),
            revision=revision,
            verb="changed",
            time=NOW,
            recorded_at=NOW,
            data=fact,
        )
        records.append(Record("otklik.access", 0, number, said.key, encode(said)))
    events, unread = read(records)
    assert unread == []
    worker = Database(settings, "probe", "worker")
    async with worker.begin_as_worker() as tx:
        await KeepDirectory("probe").apply(tx, events)
    await worker.close()


@contextmanager
def readings() -> Iterator[list[str]]:
    """Statements that read a directory."""
    seen: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        if ".directory" in statement:
            seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def test_a_batch_of_a_large_company_is_kept_at_once(
    settings: Settings, api: Database
) -> None:
    company = Company(timezone="Europe/Moscow", created_at=NOW)
    staff = [Member(code=f"agent-{n}", role=Role.AGENT, branches=()) for n in range(6_000)]
    await say(settings, company, *staff)
    known = await Directory(api).known(TENANT)
    assert known.company == company
    assert len(known.members) == 6_000


async def test_all_who_ask_at_once_wait_for_one_reading(settings: Settings, api: Database) -> None:
    await say(settings, Company(timezone="Europe/Moscow", created_at=NOW))
    directory = Directory(api)
    with readings() as seen:
        found = await asyncio.gather(*(directory.company(TENANT) for _ in range(50)))
        assert len(seen) == 1
        directory.forget(TENANT)
        assert await directory.company(TENANT) == found[0]
        assert len(seen) == 2
    assert found[0] is not None
    assert set(map(id, found)) == {id(found[0])}


async def test_who_goes_away_takes_nobody_elses_answer(settings: Settings, api: Database) -> None:
    await say(settings, Company(timezone="Europe/Moscow", created_at=NOW))
    directory = Directory(api)
    impatient = asyncio.create_task(directory.company(TENANT))
    patient = asyncio.create_task(directory.company(TENANT))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient is not None


async def test_a_company_is_known_as_soon_as_it_was_heard_of(
    settings: Settings, api: Database
) -> None:
    directory = Directory(api)
    assert await directory.company(TENANT) is None
    await say(settings, Company(timezone="Europe/Moscow", created_at=NOW))
    assert await directory.company(TENANT) is not None
