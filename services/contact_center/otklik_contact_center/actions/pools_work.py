"""
The worker that shows Prometheus how pools of tracked numbers do.

How many numbers are in use and who found none is read every half a minute; what the last 28 days took, by
which the need is told, once an hour for each site. Each worker process reads for itself: a process
that shows nothing would be taken for one without pools.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from otklik_common.db import Database
from otklik_common.erlang import MOST_AGENTS
from otklik_common.faults import TOO_LONG, sqlstate_of
from otklik_common.module import Platform, Worker
from otklik_common.observability import get_logger
from otklik_common.stepping import keep_stepping
from otklik_contact_center.actions.pool_meters import PoolMeters, pool_meters_of
from otklik_contact_center.domain.tracking.health import DAYS, Traffic, advice
from otklik_contact_center.domain.tracking.pools_shown import PoolShown, shown
from otklik_contact_center.domain.tracking.tracker import Tracker
from otklik_contact_center.store import leases, pools_read
from otklik_contact_center.store.columns import SCHEMA
from otklik_contact_center.store.leases import PoolPast
from otklik_contact_center.store.pools_read import Came, PoolNumbers

NAME: Final = "contact-center.pools"

LOOK_SECONDS: Final = 30.0
DAY: Final = timedelta(hours=24)

PAST_KEPT: Final = timedelta(hours=1)
"""So long the past of a site is believed; the busiest hour of 28 days hardly moves."""

PASTS_AT_ONCE: Final = 20
"""Sites whose past is read in one step."""

log = get_logger(__name__)

Site = tuple[str, str]
"""Company and code."""


class Past(NamedTuple):
    """
    What came to the pools of a site.

    Attributes:
        whole: False where the last reading took too long: then it is what was known before.
    """

    read_at: datetime
    pools: Mapping[str, PoolPast]
    whole: bool = True


NEVER: Final = Past(datetime.min.replace(tzinfo=UTC), {})


class Pools:
    """Reads how the pools of all companies do."""

    def __init__(self, db: Database, meters: PoolMeters, now: Callable[[], datetime]) -> None:
        self._db = db
        self._meters = meters
        self._now = now
        self._past: dict[Site, Past] = {}

    async def step(self) -> bool:
        """Show every pool; True if the past of some sites is left for the next step."""
        now = self._now()
        async with self._db.begin_as_worker() as tx:
            numbers = await pools_read.numbers(tx, now)
            came = await pools_read.came(tx, now - DAY)
        sites = {one[:2] for one in numbers}
        for gone in self._past.keys() - sites:
            del self._past[gone]
        visited = {pool[:2] for pool in came}
        old = sorted(site for site in sites if self._is_old(site, now, visited=site in visited))
        for tenant, tracker in old[:PASTS_AT_ONCE]:
            self._past[tenant, tracker] = await self._read(tenant, tracker, now)
        self._meters.show(shown(self._shown(one, came.get(one[:3])) for one in numbers))
        return len(old) > PASTS_AT_ONCE

    async def _read(self, tenant: str, tracker: str, now: datetime) -> Past:
        since = now - timedelta(days=DAYS)
        try:
            async with self._db.begin_as_worker() as tx:
                return Past(now, await leases.pools_past(tx, tenant, tracker, since))
        except Exception as broken:
            if sqlstate_of(broken) not in TOO_LONG:
                raise
            log.warning("past of a site not read", tenant=tenant, exc_info=broken)
            known = self._past.get((tenant, tracker), NEVER)
            return known._replace(read_at=now, whole=False)

    def _is_old(self, site: Site, now: datetime, *, visited: bool) -> bool:
        """Whether its past is to be read: an hour after the last time, or with its first visitors."""
        known = self._past.get(site, NEVER)
        return now - known.read_at >= PAST_KEPT or (visited and known.whole and not known.pools)

    def _shown(self, one: PoolNumbers, came: Came | None) -> PoolShown:
        given, lost = came or Came(0, 0)
        advised = self._advised(one)
        numbers = one.held + one.resting + one.free
        return PoolShown(
            one.tenant,
            one.tracker,
            one.pool,
            held=one.held,
            resting=one.resting,
            free=one.free,
            given=given,
            lost=lost,
            advised=advised,
            missing=max(0, (advised or 0) - numbers),
        )

    def _advised(self, one: PoolNumbers) -> int | None:
        """As `GET …/health` says it; where that says too many to tell, the most it would say."""
        past = self._past.get((one.tenant, one.tracker), NEVER).pools.get(one.pool)
        if past is None:
            return None
        stay = timedelta(seconds=past.stay_seconds)
        traffic = Traffic(past.visitors, past.lost, past.busiest, stay)
        grace = Tracker(code=one.tracker).grace
        if one.grace_seconds is not None:
            grace = timedelta(seconds=one.grace_seconds)
        found = advice(traffic, one.held + one.resting + one.free, grace)
        if found is None:
            return None
        return MOST_AGENTS if found.numbers is None else found.numbers


def pools_worker(platform: Platform) -> Worker:
    """Shows pools every half a minute."""
    looking = Pools(
        platform.database(SCHEMA, "worker"), pool_meters_of(platform.registry), platform.now
    )

    async def run(stop: asyncio.Event) -> None:
        await keep_stepping(
            looking.step, stop, idle_seconds=LOOK_SECONDS, said="nobody looks at pools of numbers"
        )

    return Worker(NAME, run)
