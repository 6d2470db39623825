"""Replicas of one consumer side by side: each knows how far all of them are."""

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from prometheus_client import CollectorRegistry

from otklik_common.consumer import Consumer
from otklik_common.db import Database
from otklik_common.log import open_log
from otklik_common.meters import ConsumerMeters
from otklik_common.watchdog import Watchdog
from tests.support.log_probe.probe import (
    Seen,
    a_value,
    fresh_topic,
    group_of,
    probe_database,
    running,
    seen,
    until,
)
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.asyncio

NOW = datetime(2026, 3, 2, tzinfo=UTC)


async def test_what_another_replica_has_taken_in_waits_for_nobody(postgres: PostgresServer) -> None:
    settings = await probe_database(postgres, "consumer_replicas")
    log, topic = open_log(settings), fresh_topic()
    await log.ensure_topics([topic])
    worker = Database(settings, "probe", "worker")
    group = group_of(topic)
    registries = [CollectorRegistry(), CollectorRegistry()]
    watchdogs = [Watchdog(progress_seconds=8.0), Watchdog(progress_seconds=8.0)]
    replicas = [
        Consumer(group, [topic], Seen(), worker, log, registry=registry, watchdog=watchdog)
        for registry, watchdog in zip(registries, watchdogs, strict=True)
    ]
    publisher = await log.publisher(topic)
    async with running(*(replica.run for replica in replicas)):
        for _ in range(30):
            keys, values = zip(*(a_value(uuid4(), 1, NOW) for _ in range(40)), strict=True)
            await publisher.send(keys, values)
            await asyncio.sleep(0.02)

        async def all_came() -> bool:
            return len(await seen(worker, topic)) == 1_200

        await until(all_came)

        async def nobody_lags() -> bool:
            return all(
                registry.get_sample_value("otklik_consumer_lag_records", {"consumer": group}) == 0
                for registry in registries
            )

        await until(nobody_lags, seconds=15)
        await asyncio.sleep(6)
        assert await nobody_lags()
        assert [watchdog._tracked[0].waiting for watchdog in watchdogs] == [False, False]
    await log.close()
    await worker.close()


class Told(ConsumerMeters):
    """Meters that keep what they were told."""

    def __init__(self) -> None:
        super().__init__(None, "told")
        self.lags: list[int] = []

    def lag(self, records: int, newest: datetime | None) -> None:
        """Keep it."""
        self.lags.append(records)
        super().lag(records, newest)


async def test_a_look_from_outside_tells_the_lag_once(postgres: PostgresServer) -> None:
    settings = await probe_database(postgres, "consumer_replicas")
    log, topic = open_log(settings), fresh_topic()
    await log.ensure_topics([topic])
    worker = Database(settings, "probe", "worker")
    consumer = Consumer(group_of(topic), [topic], Seen(), worker, log)
    consumer._meters = told = Told()
    reader = await log.reader(consumer.group, [topic], consumer._where)
    key, value = a_value(uuid4(), 1, NOW)
    await (await log.publisher(topic)).send([key], [value])
    await consumer._ask(reader)
    assert told.lags == [1]
    # Another replica takes it in; what this one says meanwhile must not jump.
    async with running(Consumer(consumer.group, [topic], Seen(), worker, log).run):

        async def taken_in() -> bool:
            return len(await seen(worker, topic)) == 1

        await until(taken_in)
    await consumer._ask(reader)
    assert told.lags == [1, 0]
    await log.close()
    await worker.close()
