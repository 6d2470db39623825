"""
The real consumers of metrics until the end of the log: what `otklik work metrics` runs of them.

    python -m bench.peers.consumer_ours GROUP...

Settings come from OTKLIK_*. It ends when every named group stands at the end of every topic.
"""

import asyncio
import sys
from collections.abc import Collection

import uvloop

from otklik_common import observability
from otklik_common.db import raw
from otklik_common.module import Platform
from otklik_common.runtime import MANY_OBJECTS, make_platform, run_side_by_side, settle_memory
from otklik_common.settings import load_settings
from otklik_metrics.consumers import facts_consumer, history_consumer
from otklik_metrics.store.history import TOPICS
from otklik_metrics.store.tables import SCHEMA

LOOK_SECONDS = 0.1


async def work(groups: Collection[str]) -> None:
    """Run the consumers of these groups side by side until they have everything."""
    settings = load_settings()
    observability.configure(settings, process="worker")
    settle_memory(MANY_OBJECTS)
    platform = make_platform(settings)
    ends = await platform.log.ends(TOPICS)
    consumers = facts_consumer(platform), history_consumer(platform)
    chosen = [worker for worker in consumers if worker.name in groups]
    assert len(chosen) == len(groups), groups
    stop = asyncio.Event()
    watching = asyncio.create_task(_watch(platform, groups, sum(ends.values()), stop))
    await run_side_by_side(chosen, stop)
    await watching
    await platform.close()


async def _watch(
    platform: Platform, groups: Collection[str], end: int, stop: asyncio.Event
) -> None:
    reached = 0
    while reached < len(groups):
        await asyncio.sleep(LOOK_SECONDS)
        async with platform.database(SCHEMA, "worker").begin_as_worker() as tx:
            reached = await (await raw(tx)).fetchval(
                "SELECT count(*) FROM (SELECT sum(next) AS at FROM metrics.positions"
                " WHERE consumer = ANY ($1) GROUP BY consumer) AS known WHERE at >= $2",
                list(groups),
                end,
            )
    stop.set()


if __name__ == "__main__":
    uvloop.run(work(sys.argv[1:]))
