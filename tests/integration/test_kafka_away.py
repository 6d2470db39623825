"""A broker that is killed, frozen or restarted: writers notice nothing, nothing is lost."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from otklik_common.db import Database
from otklik_common.endings import SEND_FAILED
from otklik_common.log import open_log
from otklik_common.log.kafka_reader import HEARTBEAT_SECONDS, SESSION_SECONDS
from otklik_common.settings import Settings
from tests.support.kafka import KafkaBroker, running_kafka
from tests.support.log_probe.probe import (
    a_value,
    fresh_topic,
    outbox_is_empty,
    probe_database,
    seen,
    state_fact,
    until,
)
from tests.support.log_processes import a_process, said
from tests.support.log_worlds import kafka_settings
from tests.support.postgres import PostgresServer

pytestmark = [pytest.mark.asyncio, pytest.mark.kafka]

NOW = datetime(2026, 3, 2, tzinfo=UTC)
RESTARTS = int(os.environ.get("OTKLIK_TEST_RESTARTS", "1"))


@dataclass
class World:
    """A probe whose broker may be hurt."""

    broker: KafkaBroker
    settings: Settings
    topic: str
    api: Database
    worker: Database

    async def has_heard(self, subjects: list[UUID]) -> bool:
        """Whether the consumer knows all of them."""
        known = {subject for subject, _, _, _ in await seen(self.worker, self.topic)}
        return known >= set(subjects)

    async def has_promised(self, records: int) -> bool:
        """Whether the relay's promise covers so many records; then the next is seconds away."""
        log = open_log(self.settings)
        marks = await log.watermarks([self.topic])
        await log.close()
        return sum(mark.offset for mark in marks.values()) >= records


@pytest_asyncio.fixture
async def world(postgres: PostgresServer) -> AsyncIterator[World]:
    """A broker and a database of its own."""
    with running_kafka() as broker:
        settings = kafka_settings(await probe_database(postgres, "kafka_away"), broker.bootstrap)
        topic = fresh_topic()
        log = open_log(settings)
        await log.ensure_topics([topic])
        await log.close()
        api, worker = Database(settings, "probe", "api"), Database(settings, "probe", "worker")
        yield World(broker, settings, topic, api, worker)
        await api.close()
        await worker.close()


@pytest.mark.parametrize("how", ["kill", pytest.param("pause", marks=pytest.mark.long)])
async def test_writers_go_on_while_kafka_is_away_and_nothing_is_lost(
    world: World, how: str
) -> None:
    subjects = [uuid4() for _ in range(30)]
    async with (
        a_process("consumer", world.topic, world.settings),
        a_process("relay", world.topic, world.settings) as relay,
    ):
        await state_fact(world.api, subjects[0])
        await until(lambda: world.has_heard(subjects[:1]))
        # A promise that finds nobody may be made again; so facts must be what is sent next.
        await until(lambda: world.has_promised(1))
        await asyncio.to_thread(getattr(world.broker, how))
        began = time.monotonic()
        for subject in subjects[1:15]:
            await state_fact(world.api, subject)
        assert time.monotonic() - began < 5
        # What was sent and never answered must not be sent again by the same process.
        assert await asyncio.wait_for(relay.wait(), 20) == SEND_FAILED
        assert "did not answer in 10 s" in await said(relay)
        # Its successor finds nobody to talk to; it waits, and the facts with it.
        async with a_process("relay", world.topic, world.settings) as successor:
            for subject in subjects[15:]:
                await state_fact(world.api, subject)
            await asyncio.sleep(5)
            assert successor.returncode is None
            assert not await outbox_is_empty(world.worker)
            back = world.broker.start if how == "kill" else world.broker.resume
            await asyncio.to_thread(back)
            await until(lambda: world.has_heard(subjects), seconds=60)
            await until(lambda: outbox_is_empty(world.worker))


@pytest.mark.parametrize("role", ["relay", "consumer"])
async def test_a_process_told_to_stop_ends_soon_although_kafka_is_dead(
    world: World, role: str
) -> None:
    async with a_process(role, world.topic, world.settings) as process:
        await state_fact(world.api, uuid4())
        if role == "relay":
            await until(lambda: outbox_is_empty(world.worker))
        else:
            await asyncio.sleep(2)
        await asyncio.to_thread(world.broker.kill)
        await state_fact(world.api, uuid4())
        await asyncio.sleep(1)
        began = time.monotonic()
        process.terminate()
        status = await asyncio.wait_for(process.wait(), 15)
        assert time.monotonic() - began < 9
        assert status == 0, await said(process)


async def test_a_consumer_killed_and_started_again_reads_on_at_once(world: World) -> None:
    log = open_log(world.settings)
    publisher = await log.publisher(world.topic)

    async def put() -> UUID:
        subject = uuid4()
        key, value = a_value(subject, 1, NOW)
        await publisher.send([key], [value])
        return subject

    async with a_process("consumer", world.topic, world.settings):
        first = await put()
        await until(lambda: world.has_heard([first]))
    for _ in range(RESTARTS):
        began = time.monotonic()
        waiting = await put()
        async with a_process("consumer", world.topic, world.settings):
            ready = time.monotonic()
            await until(lambda: world.has_heard([waiting]))  # noqa: B023 - awaited here
            heard = time.monotonic()
        print(f"first record {heard - ready:.2f} s after run, {heard - began:.2f} s after exec")
        # A member without a name of its own would wait for its own ghost, which lives so long;
        # how long a loaded machine takes to start Python is not what is asked here.
        assert heard - ready < SESSION_SECONDS - HEARTBEAT_SECONDS
    await log.close()
