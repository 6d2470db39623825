"""Background work of metrics: versions of rollups, partitions, what Prometheus reads."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from otklik_common.background import directory_worker, idempotency_worker, relay_worker
from otklik_common.db import Database
from otklik_common.module import Platform, Worker
from otklik_common.observability import get_logger
from otklik_common.outages import outage
from otklik_common.resting import rest
from otklik_metrics.actions import exposition, versions
from otklik_metrics.store import history
from otklik_metrics.store.tables import SCHEMA

SERVICE: Final = "metrics"

MONTHS_AHEAD: Final = 3
PARTITION_SECONDS: Final = 6 * 3600.0
RETRY_SECONDS: Final = 10.0

log = get_logger(__name__)


def workers(platform: Platform) -> list[Worker]:
    """What metrics does without being asked, its consumers apart."""
    db = platform.database(SCHEMA, "worker")
    return [
        relay_worker(platform, SERVICE, SCHEMA),
        directory_worker(platform, SERVICE, SCHEMA),
        idempotency_worker(platform, SERVICE, SCHEMA),
        Worker("metrics.versions", partial(again, partial(versions.keep_versions, db))),
        Worker("metrics.partitions", partial(again, partial(keep_partitions, db))),
        Worker("metrics.exposition", partial(again, partial(exposition.refresh, platform))),
    ]


async def again(work: Callable[[asyncio.Event], Awaitable[None]], stop: asyncio.Event) -> None:
    """Do `work` until `stop`; what only the database is to blame for is waited out."""
    while not stop.is_set():
        try:
            await work(stop)
        except Exception as failed:
            if outage(failed) is None:
                raise
            log.warning("background work put off", exc_info=failed)
            await rest(stop, RETRY_SECONDS)


async def keep_partitions(db: Database, stop: asyncio.Event) -> None:
    """Keep the partitions of the history ahead of the calendar."""
    while not stop.is_set():
        async with db.begin_as_worker() as tx:
            added = await history.add_partitions(tx, MONTHS_AHEAD)
        if added:
            log.info("partitions added", inserted=added)
        await rest(stop, PARTITION_SECONDS)
