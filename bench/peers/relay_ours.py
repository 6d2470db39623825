"""
The real relay of the contact centre, until its outbox is empty.

Settings come from OTKLIK_*; it prints what it took, from its start to the last deletion.
"""

import asyncio
import json
import time

import uvloop

from otklik_common import observability
from otklik_common.db import Database, raw
from otklik_common.log.kafka import KafkaLog
from otklik_common.module import topic_of
from otklik_common.relay import Relay
from otklik_common.runtime import MANY_OBJECTS, make_platform, settle_memory
from otklik_common.settings import load_settings

SCHEMA = "contact_center"
LOOK_SECONDS = 0.02


async def relay() -> dict[str, float]:
    """Move everything, oldest first."""
    settings = load_settings()
    observability.configure(settings, process="worker")
    settle_memory(MANY_OBJECTS)
    platform = make_platform(settings)
    assert isinstance(platform.log, KafkaLog)
    db = platform.database(SCHEMA, "worker")
    waiting = await _waiting(db)
    stop = asyncio.Event()
    began, worked = time.perf_counter(), time.process_time()
    running = asyncio.create_task(Relay(db, platform.log, topic_of("contact-center")).run(stop))
    while await _oldest(db) is not None:
        assert not running.done(), running
        await asyncio.sleep(LOOK_SECONDS)
    took, worked = time.perf_counter() - began, time.process_time() - worked
    stop.set()
    await running
    await platform.close()
    return {"moved": waiting, "seconds": took, "cpu": worked}


async def _waiting(db: Database) -> int:
    async with db.begin_as_worker() as tx:
        found: int = await (await raw(tx)).fetchval(f"SELECT count(*) FROM {SCHEMA}.outbox")
        return found


async def _oldest(db: Database) -> int | None:
    async with db.begin_as_worker() as tx:
        found: int | None = await (await raw(tx)).fetchval(
            f"SELECT id FROM {SCHEMA}.outbox ORDER BY id LIMIT 1"
        )
        return found


if __name__ == "__main__":
    print(json.dumps(uvloop.run(relay())))
