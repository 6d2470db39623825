"""
A consumer that is stuck ends itself, and its successor takes in what waited.

Soon in any case, and within 45 s in `make test-long`.
"""

import asyncio
import time
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
import pytest

from otklik_common.db import Database
from otklik_common.endings import STUCK
from otklik_common.log import open_log
from otklik_common.log.port import Log
from otklik_common.settings import Settings
from tests.support.kafka import KafkaBroker, running_kafka
from tests.support.log_probe.probe import a_value, fresh_topic, probe_database, seen, until
from tests.support.log_processes import a_process, said
from tests.support.log_worlds import kafka_settings
from tests.support.postgres import PostgresServer
from tests.support.silent_fetches import fetch_proxy
from tests.system.scenario import REPLACED_SECONDS, STUCK_SECONDS

pytestmark = [pytest.mark.asyncio, pytest.mark.kafka]

NOW = datetime(2026, 3, 2, tzinfo=UTC)


class World:
    """A topic, what puts facts there, and what was heard of them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.topic = fresh_topic()
        self.log: Log = open_log(settings)
        self.worker = Database(settings, "probe", "worker")

    async def put(self) -> UUID:
        """One more fact; returns its subject."""
        subject = uuid4()
        key, value = a_value(subject, 1, NOW)
        await (await self.log.publisher(self.topic)).send([key], [value])
        return subject

    async def until_heard(self, subject: UUID, *, seconds: float = 30) -> None:
        """Wait until a fact is taken in."""

        async def heard() -> bool:
            return subject in {one for one, _, _, _ in await seen(self.worker, self.topic)}

        await until(heard, seconds=seconds)

    async def replaced(self, stuck: asyncio.subprocess.Process, waits: UUID, why: str) -> None:
        """Once the stuck process has ended for that reason, another takes in what waits."""
        began = time.monotonic()
        assert await asyncio.wait_for(stuck.wait(), STUCK_SECONDS) == STUCK
        ended = time.monotonic()
        assert why in await said(stuck)
        async with a_process("consumer", self.topic, self.settings):
            await self.until_heard(waits)
        took = time.monotonic() - began
        print(f"{why}: ended after {ended - began:.1f} s, replaced after {took:.1f} s")
        assert took < REPLACED_SECONDS

    async def close(self) -> None:
        """Give everything back."""
        await self.log.close()
        await self.worker.close()


async def a_world(postgres: PostgresServer, bootstrap: str) -> World:
    """A database and a topic of its own."""
    world = World(kafka_settings(await probe_database(postgres, "stuck_workers"), bootstrap))
    await world.log.ensure_topics([world.topic])
    return world


async def test_a_loop_that_stands_still_is_replaced(
    postgres: PostgresServer, kafka: KafkaBroker
) -> None:
    world = await a_world(postgres, kafka.bootstrap)
    blocks = "consumer.fetched=sleep:600@2"
    async with a_process("consumer", world.topic, world.settings, blocks) as stuck:
        await world.until_heard(await world.put())
        await world.replaced(stuck, await world.put(), "the event loop stood still")
    await world.close()


async def test_a_reader_that_is_never_answered_is_replaced(postgres: PostgresServer) -> None:
    async with fetch_proxy() as proxy:
        with running_kafka(advertised_port=proxy.port) as broker:
            proxy.broker_port = broker.port
            world = await a_world(postgres, broker.bootstrap)
            async with a_process("consumer", world.topic, world.settings) as stuck:
                await world.until_heard(await world.put())
                assert proxy.silence_readers() == 1
                await world.replaced(stuck, await world.put(), f"{world.topic} got nowhere")
            await world.close()


async def test_a_consumer_that_waits_for_a_lock_is_left_alone(
    postgres: PostgresServer, kafka: KafkaBroker
) -> None:
    world = await a_world(postgres, kafka.bootstrap)
    async with a_process("consumer", world.topic, world.settings) as waiting:
        await world.until_heard(await world.put())
        admin = await asyncpg.connect(postgres.url("stuck_workers"))
        await admin.execute("SET idle_in_transaction_session_timeout = 0")
        async with admin.transaction():
            await admin.execute("LOCK TABLE probe.seen IN ACCESS EXCLUSIVE MODE")
            subject = await world.put()
            # Longer than the watchdog's patience and its look.
            await asyncio.sleep(35)
            assert waiting.returncode is None, await said(waiting)
        await admin.close()
        await world.until_heard(subject)
    await world.close()
