"""The tests' own broker: records survive its death, and it comes back on the same port."""

import asyncio
from collections.abc import Iterator

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from tests.support.kafka import KafkaBroker, running_kafka

pytestmark = [pytest.mark.kafka, pytest.mark.asyncio]


@pytest.fixture(scope="module")
def broker() -> Iterator[KafkaBroker]:
    with running_kafka() as started:
        yield started


async def produce(broker: KafkaBroker, topic: str, value: bytes) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=broker.bootstrap, enable_idempotence=True, compression_type="zstd"
    )
    await producer.start()
    try:
        await producer.send_and_wait(topic, value, key=b"one")
    finally:
        await producer.stop()


async def consume(broker: KafkaBroker, topic: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=broker.bootstrap,
        group_id=f"reader-of-{topic}",
        auto_offset_reset="earliest",
        session_timeout_ms=1500,
        heartbeat_interval_ms=300,
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            return [(await consumer.getone()).value or b"" for _ in range(count)]
    finally:
        await consumer.stop()


async def test_a_record_comes_back_as_it_was_sent(broker: KafkaBroker) -> None:
    await broker.create_topics("sent", partitions=3)
    await produce(broker, "sent", "быстро и честно".encode())
    assert await consume(broker, "sent", 1) == ["быстро и честно".encode()]


async def test_a_record_outlives_the_brokers_death(broker: KafkaBroker) -> None:
    await broker.create_topics("outlives", partitions=1)
    await produce(broker, "outlives", b"before")
    address, pid = broker.bootstrap, broker.pid
    await asyncio.to_thread(broker.restart)
    assert broker.bootstrap == address
    assert broker.pid != pid
    await produce(broker, "outlives", b"after")
    assert await consume(broker, "outlives", 2) == [b"before", b"after"]


async def test_a_paused_broker_answers_when_it_goes_on(broker: KafkaBroker) -> None:
    await broker.create_topics("paused", partitions=1)
    broker.pause()
    sending = asyncio.create_task(produce(broker, "paused", b"late"))
    await asyncio.sleep(1)
    assert not sending.done()
    broker.resume()
    async with asyncio.timeout(30):
        await sending
    assert await consume(broker, "paused", 1) == [b"late"]
