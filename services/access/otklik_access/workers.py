"""Background work of access: its relay, its directory, new signing keys, what has expired."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

from otklik_access.actions import housekeeping
from otklik_common.background import directory_worker, idempotency_worker, relay_worker
from otklik_common.module import Platform, Worker
from otklik_common.observability import get_logger
from otklik_common.outages import outage
from otklik_common.resting import rest

SERVICE: Final = "access"

EVERY: Final = timedelta(minutes=10)

log = get_logger(__name__)


def workers(platform: Platform) -> list[Worker]:
    """Everything that access does without being asked."""
    return [
        relay_worker(platform, SERVICE, SERVICE),
        directory_worker(platform, SERVICE, SERVICE),
        idempotency_worker(platform, SERVICE, SERVICE),
        Worker("access.housekeeping", Housekeeping(platform).run),
    ]


class Housekeeping:
    """Renews signing keys and forgets what has expired, every ten minutes."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`; a database that is away is tried again the next time."""
        while not stop.is_set():
            try:
                await self._once(self._platform.now())
            except Exception as failed:
                if outage(failed) is None:
                    raise
                log.warning("housekeeping put off", exc_info=failed)
            await rest(stop, EVERY.total_seconds())

    async def _once(self, now: datetime) -> None:
        made = await housekeeping.renew_signers(self._platform, now)
        gone = await housekeeping.forget_expired(self._platform, now)
        if made or gone:
            log.info("housekeeping done", inserted=made, deleted=gone)
