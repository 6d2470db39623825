"""What Prometheus is shown of pools of tracked numbers."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final
from weakref import WeakKeyDictionary

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from otklik_contact_center.domain.tracking.pools_shown import PoolShown

LABELS: Final = ("company", "tracker", "pool")

BELIEVED_SECONDS: Final = 300.0
"""So long a reading is shown; of pools that nobody can read any more nothing is said."""


class PoolMeters(Collector):
    """
    Pools as they were last read.

    All at once: a pool that is gone leaves no series behind, and no scrape sees a half of them.
    """

    def __init__(
        self, registry: CollectorRegistry | None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._read_at = clock()
        self._pools: Sequence[PoolShown] = ()
        if registry is not None:
            registry.register(self)

    def show(self, pools: Sequence[PoolShown]) -> None:
        """From now on these are scraped."""
        self._pools, self._read_at = pools, self._clock()

    def collect(self) -> Iterator[Metric]:
        """The families of a scrape."""
        old = self._clock() - self._read_at > BELIEVED_SECONDS
        pools: Sequence[PoolShown] = () if old else self._pools
        numbers = GaugeMetricFamily(
            "otklik_number_pool_numbers",
            "Numbers of a pool by what they are: leased, at rest, free",
            labels=(*LABELS, "state"),
        )
        visitors = GaugeMetricFamily(
            "otklik_number_pool_visitors",
            "Visitors of the last 24 hours by what they found in a pool: a number, none",
            labels=(*LABELS, "found"),
        )
        advised = GaugeMetricFamily(
            "otklik_number_pool_advised",
            "Numbers with which at most 1 of 100 visitors of the busiest hour of 28 days finds none",
            labels=LABELS,
        )
        missing = GaugeMetricFamily(
            "otklik_number_pool_missing",
            "Numbers that a pool should have more by that, 0 where it has enough",
            labels=LABELS,
        )
        for pool in pools:
            place = [pool.company, pool.tracker, pool.pool]
            numbers.add_metric([*place, "held"], pool.held)
            numbers.add_metric([*place, "resting"], pool.resting)
            numbers.add_metric([*place, "free"], pool.free)
            visitors.add_metric([*place, "number"], pool.given)
            visitors.add_metric([*place, "none"], pool.lost)
            missing.add_metric(place, pool.missing)
            if pool.advised is not None:
                advised.add_metric(place, pool.advised)
        yield numbers
        yield visitors
        yield advised
        yield missing


_made: "WeakKeyDictionary[CollectorRegistry, PoolMeters]" = WeakKeyDictionary()


def pool_meters_of(registry: CollectorRegistry) -> PoolMeters:
    """The meters on a registry; it refuses a second metric of one name."""
    made = _made.get(registry)
    if made is None:
        made = _made[registry] = PoolMeters(registry)
    return made
