"""A probe with each kind of log: what it put there, and what its consumer noted."""

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from otklik_common import outbox
from otklik_common.db import Database
from otklik_common.events.registry import decode
from otklik_common.log import open_log
from otklik_common.log.port import Log, Place, Record
from otklik_common.settings import Settings
from tests.support.kafka import KafkaBroker
from tests.support.log_probe.probe import TENANT, a_branch, fresh_topic, probe_database, seen, until
from tests.support.log_worlds import fetch_all, kafka_settings, records_of
from tests.support.postgres import PostgresServer

NOW = datetime(2026, 3, 2, 9, 14, 6, tzinfo=UTC)


@dataclass
class World:
    """A probe with its own database, and a topic for each test."""

    settings: Settings
    log: Log
    worker: Database
    api: Database
    admin: asyncpg.Connection
    topic: str = field(default_factory=fresh_topic)


@pytest_asyncio.fixture(
    scope="session", params=["table", pytest.param("kafka", marks=pytest.mark.kafka)]
)
async def base(request: pytest.FixtureRequest, postgres: PostgresServer) -> AsyncIterator[World]:
    """One database for each kind of log."""
    name = f"spine_{request.param}"
    settings = await probe_database(postgres, name)
    if request.param == "kafka":
        broker: KafkaBroker = request.getfixturevalue("kafka")
        settings = kafka_settings(settings, broker.bootstrap)
    world = World(
        settings,
        open_log(settings),
        Database(settings, "probe", "worker"),
        Database(settings, "probe", "api"),
        await asyncpg.connect(postgres.url(name)),
    )
    yield world
    await world.log.close()
    await world.worker.close()
    await world.api.close()
    await world.admin.close()


@pytest_asyncio.fixture
async def world(base: World) -> World:
    """An empty outbox and a fresh topic."""
    await base.admin.execute("TRUNCATE probe.outbox, probe.dead_letter, probe.seen, probe.subject")
    made = World(base.settings, base.log, base.worker, base.api, base.admin)
    await made.log.ensure_topics([made.topic])
    return made


async def revisions(world: World) -> dict[UUID, list[int]]:
    """Revisions of each subject in the order in which the log has them."""
    found: dict[UUID, list[int]] = {}
    for record in await everything(world):
        event = decode(record.value)
        found.setdefault(event.subject, []).append(event.revision)
    return found


async def everything(world: World) -> list[Record]:
    """All records of this test's topic."""
    ends = await world.log.ends([world.topic])
    reader = await world.log.reader(f"check-{secrets.token_hex(4)}", [world.topic], _nowhere)
    records = records_of(await fetch_all(reader, sum(ends.values())))
    await reader.close()
    return records


async def _nowhere(places: object) -> Mapping[Place, int]:
    del places
    return {}


async def put(world: World, rows: list[tuple[str, bytes]]) -> None:
    """Write records without an outbox."""
    publisher = await world.log.publisher(world.topic)
    await publisher.send([key for key, _ in rows], [value for _, value in rows])


async def heard(world: World, count: int, *, seconds: float = 30) -> None:
    """Wait until the consumer has noted so many events."""

    async def enough() -> bool:
        return len(await seen(world.worker, world.topic)) >= count

    await until(enough, seconds=seconds)


async def dead_letters(world: World) -> list[asyncpg.Record]:
    """All dead letters of this test's topic."""
    rows: list[asyncpg.Record] = await world.admin.fetch(
        "SELECT * FROM probe.dead_letter WHERE topic = $1 ORDER BY id", world.topic
    )
    return rows


async def positions(world: World) -> dict[int, int]:
    """Where the consumer is, by partition."""
    rows = await world.admin.fetch(
        "SELECT partition, next FROM probe.positions WHERE topic = $1", world.topic
    )
    return {partition: following for partition, following in rows if following}


async def break_off(world: World, subject: UUID) -> None:
    """State a fact in a transaction that is rolled back."""
    with suppress(ZeroDivisionError):
        async with world.api.begin(TENANT) as tx:
            recorder = await outbox.recorder(tx, TENANT)
            await recorder.append([a_branch(subject, 999, recorder.now)])
            raise ZeroDivisionError
