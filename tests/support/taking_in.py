"""Letting a consumer of metrics read all that is on the log."""

import asyncio

import asyncpg

from otklik_common.consumer import Consumer
from otklik_common.log.port import Log
from otklik_metrics.store.history import TOPICS


async def take_in(consumer: Consumer, log: Log, admin: asyncpg.Connection) -> None:
    """Run it until it stands at the ends that the log has now."""
    stop = asyncio.Event()
    running = asyncio.create_task(consumer.run(stop))
    ends = await log.ends(TOPICS)
    query = "SELECT topic, partition, next FROM metrics.positions WHERE consumer = $1"
    while True:
        rows = await admin.fetch(query, consumer.group)
        at = {(row["topic"], row["partition"]): row["next"] for row in rows}
        if all(at.get(place, 0) >= end for place, end in ends.items()):
            break
        assert not running.done(), running.exception()
        await asyncio.sleep(0.02)
    stop.set()
    await running
