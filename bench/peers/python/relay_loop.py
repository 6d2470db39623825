"""
What anybody would write first between an outbox and Kafka: read rows, send each, delete them.

    python relay_loop.py aiokafka|confluent-kafka

Runs with nothing of Otklik. DSN, BOOTSTRAP, TOPIC and OUTBOX come from the environment. It ends
when the outbox is empty and prints what it took, from the first read to the last deletion.
"""

import asyncio
import json
import os
import resource
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

BATCH = 5_000
LINGER_MS = 5
BATCH_BYTES = 512 * 1024
Rows = Sequence[Any]
Send = Callable[[Rows], Awaitable[None]]


@asynccontextmanager
async def by_aiokafka() -> AsyncIterator[Send]:
    """`send()` record by record, all answers waited for at the end of a batch."""
    from aiokafka import AIOKafkaProducer

    producer = AIOKafkaProducer(
        bootstrap_servers=os.environ["BOOTSTRAP"],
        enable_idempotence=True,
        acks="all",
        compression_type="zstd",
        linger_ms=LINGER_MS,
        max_batch_size=BATCH_BYTES,
    )
    await producer.start()

    async def send(rows: Rows) -> None:
        topic = os.environ["TOPIC"]
        answers = [await producer.send(topic, row[2], row[1].encode()) for row in rows]
        await asyncio.gather(*answers)

    yield send
    await producer.stop()


@asynccontextmanager
async def by_confluent_kafka() -> AsyncIterator[Send]:
    """librdkafka: `produce()` record by record, flushed in a thread at the end of a batch."""
    from confluent_kafka import Producer

    producer = Producer(
        {
            "bootstrap.servers": os.environ["BOOTSTRAP"],
            "enable.idempotence": True,
            "acks": "all",
            "compression.type": "zstd",
            "partitioner": "murmur2_random",
            "linger.ms": LINGER_MS,
            "batch.size": BATCH_BYTES,
        }
    )
    failed: list[Any] = []

    def delivered(error: Any, _: Any) -> None:
        if error is not None:
            failed.append(error)

    async def send(rows: Rows) -> None:
        topic = os.environ["TOPIC"]
        for row in rows:
            producer.produce(topic, row[2], row[1], on_delivery=delivered)
        await asyncio.to_thread(producer.flush)
        assert not failed, failed[0]

    yield send


SENDERS = {"aiokafka": by_aiokafka, "confluent-kafka": by_confluent_kafka}


async def relay(name: str) -> dict[str, float]:
    """Move everything, oldest first."""
    outbox = os.environ["OUTBOX"]
    connection = await asyncpg.connect(os.environ["DSN"])
    async with SENDERS[name]() as send:
        began, worked, moved = time.perf_counter(), _cpu(), 0
        while rows := await connection.fetch(
            f"SELECT id, key, payload FROM {outbox} ORDER BY id LIMIT $1", BATCH
        ):
            await send(rows)
            await connection.execute(
                f"DELETE FROM {outbox} WHERE id = ANY ($1)", [row[0] for row in rows]
            )
            moved += len(rows)
        told = {"moved": moved, "seconds": time.perf_counter() - began, "cpu": _cpu() - worked}
    await connection.close()
    return told


def _cpu() -> float:
    return sum(resource.getrusage(resource.RUSAGE_SELF)[:2])


if __name__ == "__main__":
    print(json.dumps(asyncio.run(relay(sys.argv[1]))))
