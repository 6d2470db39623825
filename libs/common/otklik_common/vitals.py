"""
What a process finds out about itself on a timer: its clock, its event loop, its checks.

Nothing here is asked for at a scrape: a database that is away must not hold one up. A number that
could not be found out is NaN, which no alert takes for good or bad.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, Histogram

from otklik_common import horizon
from otklik_common.db import Database, Role
from otklik_common.module import Platform
from otklik_common.observability import get_logger
from otklik_common.resting import finish, rest

EVERY_SECONDS: Final = 10.0
BEAT_SECONDS: Final = 0.5
TRIES: Final = 3

_LATE: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0)

Failing = Callable[[Platform], Awaitable[Mapping[str, str]]]
"""Which of a platform's checks fail now, and why."""

_log = get_logger(__name__)


class Vitals:
    """
    The gauges of one process.

    Args:
        schemas: Whose tables the process works on; it asks their databases for the time.
        role: As whom it asks.
    """

    def __init__(
        self, platform: Platform, schemas: Sequence[str], role: Role, failing: Failing
    ) -> None:
        registry = platform.registry
        self._platform = platform
        self._failing = failing
        urls = {platform.settings.database_url_of(schema): schema for schema in schemas}
        self._clocks = [platform.database(schema, role) for schema in sorted(urls.values())]
        self._skew = Gauge("otklik_clock_skew_seconds", _SKEW, registry=registry)
        self._skew.set(math.nan)
        self._late = Histogram(
            "otklik_event_loop_late_seconds", _LATENESS, buckets=_LATE, registry=registry
        )
        self._checks = Gauge("otklik_check_failing", _CHECK, ("check",), registry=registry)
        self._tables = _TableVitals(registry, platform, schemas) if role == "worker" else None
        self._running: list[asyncio.Task[None]] = []
        self._stop = asyncio.Event()

    async def start(self) -> None:
        """Find out from now on; call it in the event loop to be watched."""
        self._stop.clear()
        self._running = [
            asyncio.create_task(self._keep_looking(), name="vitals"),
            asyncio.create_task(self._feel_the_loop(), name="vitals.loop"),
        ]

    async def stop(self) -> None:
        """Find out no more."""
        await finish(self._running, self._stop)

    async def look(self) -> None:
        """Find everything out once."""
        failing = await self._failing(self._platform)
        for check in self._platform.checks:
            self._checks.labels(check).set(check in failing)
        await self._tell_skew()
        if self._tables is not None:
            await self._tables.look()

    async def _keep_looking(self) -> None:
        while not self._stop.is_set():
            try:
                await self.look()
            except Exception as broken:  # noqa: BLE001 - who only watches must not end the work
                _log.warning("vitals not read", exc_info=broken)
            await rest(self._stop, EVERY_SECONDS)

    async def _feel_the_loop(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._stop.is_set():
            due = loop.time() + BEAT_SECONDS
            await asyncio.sleep(BEAT_SECONDS)
            self._late.observe(max(0.0, loop.time() - due))

    async def _tell_skew(self) -> None:
        skews: list[float] = []
        try:
            skews = [await skew_of(database) for database in self._clocks]
        except Exception as broken:  # noqa: BLE001 - its readiness check says why
            _log.info("clock of the database not read", exc_info=broken)
        self._skew.set(max(skews, key=abs) if skews else math.nan)


async def skew_of(database: Database, clock: Callable[[], float] = time.time) -> float:
    """
    Seconds that a database's clock is ahead of `clock`.

    Of some answers the quickest counts: the moment lies somewhere between question and answer.
    """
    best, skew = math.inf, 0.0
    for _ in range(TRIES):
        asked = time.monotonic()
        told: datetime = await database.moment()
        took = time.monotonic() - asked
        if took < best:
            best, skew = took, told.timestamp() - (clock() - took / 2)
    return skew


class _TableVitals:
    """What a worker finds out about the tables that it works on."""

    def __init__(
        self, registry: CollectorRegistry, platform: Platform, schemas: Sequence[str]
    ) -> None:
        self._databases = [platform.database(schema, "worker") for schema in schemas]
        self._snapshots = {one.schema: horizon.Snapshots() for one in self._databases}
        by = ("schema",)
        self._dead_rows = Gauge("otklik_outbox_dead_rows", _DEAD_ROWS, by, registry=registry)
        self._oldest = Gauge("otklik_oldest_snapshot_seconds", _SNAPSHOT, by, registry=registry)
        self._letters = Gauge("otklik_dead_letters_open", _LETTERS, by, registry=registry)

    async def look(self) -> None:
        """Ask every service's database once."""
        for database in self._databases:
            async with database.begin_as_worker() as tx:
                seen = await horizon.look(tx, database.schema)
            age = self._snapshots[database.schema].oldest(seen.snapshots, time.monotonic())
            self._oldest.labels(database.schema).set(age)
            self._dead_rows.labels(database.schema).set(seen.dead_rows)
            self._letters.labels(database.schema).set(seen.dead_letters)


def keep_vitals(platform: Platform, schemas: Iterable[str], role: Role, failing: Failing) -> None:
    """Let a process show its vitals from its start to its end."""
    vitals = Vitals(platform, list(schemas), role, failing)
    platform.on_start.append(vitals.start)
    platform.on_stop.append(vitals.stop)


_SKEW = (
    "How far the database's clock is ahead of this process's; of several databases the one that "
    "differs most"
)
_LATENESS = "How late the event loop woke a task that slept for half a second"
_CHECK = "1 while a check of readiness fails: a database, a relay, a consumer"
_DEAD_ROWS = "Rows of the outbox that are deleted and not yet vacuumed, as PostgreSQL estimates"
_SNAPSHOT = (
    "How long the oldest snapshot of the database has been seen held: nothing newer is vacuumed"
)
_LETTERS = "Records that no consumer of the service has taken in and nobody has given up"
