"""Background work of loyalty: its relay, its directory, the audit of the ledger."""

import asyncio
from functools import partial
from typing import Final

from prometheus_client import Gauge

from otklik_common.background import directory_worker, relay_worker
from otklik_common.idempotency import keep_swept
from otklik_common.module import Platform, Worker
from otklik_common.observability import get_logger
from otklik_common.outages import outage
from otklik_common.resting import rest
from otklik_loyalty.actions.points import audit
from otklik_loyalty.store.tables import SCHEMA

SERVICE: Final = "loyalty"
AUDIT_SECONDS: Final = 6 * 3600
"""A full pass over all entries: often enough to find a fault on the day it was made."""

RETRY_SECONDS: Final = 60

log = get_logger(__name__)


def workers(platform: Platform) -> list[Worker]:
    """Everything that loyalty does without being asked."""
    return [
        relay_worker(platform, SERVICE, SCHEMA),
        directory_worker(platform, SERVICE, SCHEMA),
        Worker("loyalty.idempotency", partial(keep_swept, platform.database(SCHEMA, "worker"))),
        Worker("loyalty.audit", Auditor(platform).run),
    ]


class Auditor:
    """Compares the ledger's balances with its entries, again and again."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._db = platform.database(SCHEMA, "worker")
        self._faults = Gauge(
            "otklik_loyalty_ledger_faults",
            "Balances that are not the sum of their entries, and transfers that do not add up to 0",
            registry=platform.registry,
        )
        self._checked = Gauge(
            "otklik_loyalty_ledger_checked_timestamp_seconds",
            "When the ledger was last compared with itself",
            registry=platform.registry,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Audit until `stop`; a database that is away is tried again soon."""
        while not stop.is_set():
            wait: float = AUDIT_SECONDS
            try:
                await self.once()
            except Exception as failed:
                if outage(failed) is None:
                    raise
                log.warning("ledger audit put off", exc_info=failed)
                wait = RETRY_SECONDS
            await rest(stop, wait)

    async def once(self) -> int:
        """One audit; returns the number of faults."""
        found = await audit(self._db)
        self._faults.set(found.faults)
        self._checked.set(self._platform.now().timestamp())
        for fault in found.mismatches:
            log.error("balance differs from its entries", tenant=fault.tenant)
        for tenant, transfer in found.unbalanced:
            log.error("transfer does not add up", tenant=tenant, transfer_id=transfer)
        return found.faults
