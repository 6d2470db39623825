"""A consumer that sleeps through its session, and wakes while another does its work, counts nothing."""

import asyncio
import os
import signal
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from otklik_common.db import Database
from otklik_common.log import open_log
from otklik_common.log.kafka_reader import SESSION_SECONDS
from tests.support.kafka import KafkaBroker
from tests.support.log_probe.probe import a_value, fresh_topic, probe_database, seen, until
from tests.support.log_processes import a_process
from tests.support.log_worlds import kafka_settings
from tests.support.postgres import PostgresServer

pytestmark = [pytest.mark.asyncio, pytest.mark.kafka]

NOW = datetime(2026, 3, 2, tzinfo=UTC)
PAUSES = int(os.environ.get("OTKLIK_TEST_PAUSES", "2"))


async def test_each_record_is_counted_once_whoever_sleeps(
    postgres: PostgresServer, kafka: KafkaBroker
) -> None:
    settings = kafka_settings(await probe_database(postgres, "paused"), kafka.bootstrap)
    log, topic, worker = open_log(settings), fresh_topic(), Database(settings, "probe", "worker")
    await log.ensure_topics([topic])
    publisher = await log.publisher(topic)
    stop = asyncio.Event()
    sent = 0

    async def keep_sending() -> None:
        nonlocal sent
        while not stop.is_set():
            rows = [a_value(uuid4(), 1, NOW) for _ in range(20)]
            await publisher.send([key for key, _ in rows], [value for _, value in rows])
            sent += len(rows)
            await asyncio.sleep(0.05)

    async def until_all_heard(count: int) -> None:
        async def enough() -> bool:
            return len(await seen(worker, topic)) >= count

        await until(enough, seconds=90)

    instances = [settings.model_copy(update={"instance": name}) for name in "ab"]
    async with (
        a_process("consumer", topic, instances[0]) as one,
        a_process("consumer", topic, instances[1]) as other,
    ):
        sending = asyncio.create_task(keep_sending())
        await until_all_heard(300)
        for number in range(PAUSES):
            sleeper = (one, other)[number % 2]
            sleeper.send_signal(signal.SIGSTOP)
            await asyncio.sleep(SESSION_SECONDS + 1)
            # All of it, the sleeper's partitions included: somebody else has taken over.
            await until_all_heard(sent)
            sleeper.send_signal(signal.SIGCONT)
            await asyncio.sleep(1)
            await until_all_heard(sent)
            rows = await seen(worker, topic)
            assert len(rows) == len({(partition, offset) for _, _, partition, offset in rows})
            assert (one.returncode, other.returncode) == (None, None)
        stop.set()
        await sending
        await until_all_heard(sent)
    rows = await seen(worker, topic)
    places = {(partition, offset) for _, _, partition, offset in rows}
    assert len(rows) == len(places) == sent
    ends = await log.ends([topic])
    assert places == {(at[1], offset) for at, end in ends.items() for offset in range(end)}
    print(f"{PAUSES} pauses, {sent} records, 0 counted twice, 0 not counted")
    await log.close()
    await worker.close()
