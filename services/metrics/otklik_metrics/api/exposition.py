"""Business numbers for Prometheus: what the worker computed last, with its age."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from otklik_common.module import Platform
from otklik_common.observability import get_logger
from otklik_common.outages import outage
from otklik_common.resting import finish, rest
from otklik_metrics.store import exposition
from otklik_metrics.store.tables import SCHEMA

EVERY_SECONDS: Final = 5.0

log = get_logger(__name__)


@dataclass(slots=True, eq=False)
class Gauges(Collector):
    """
    The samples as they were read last; a scrape never waits for the database.

    Old numbers are served with their age rather than none: whoever alerts looks at both.
    """

    platform: Platform
    families: list[dict[str, Any]]
    refreshed_at: datetime | None = None

    def collect(self) -> Iterable[Metric]:
        """The gauges, how old they are, and how many groups were cut into `other`."""
        for family in self.families:
            gauge = GaugeMetricFamily(family["name"], family["help"], labels=family["labels"])
            for labels, value in family["samples"]:
                gauge.add_metric(labels, value)
            yield gauge
        if self.refreshed_at is not None:
            age = (self.platform.now() - self.refreshed_at).total_seconds()
            yield GaugeMetricFamily(
                "otklik_exposition_age_seconds",
                "how long ago the business numbers were computed",
                value=max(0.0, age),
            )
            yield GaugeMetricFamily(
                "otklik_exposition_cut_groups",
                "groups that were put into `other` to keep the number of series bounded",
                value=sum(family["cut"] for family in self.families),
            )

    def describe(self) -> Iterable[Metric]:
        """Nothing in advance: what there is stands in the table."""
        return ()


def serve_gauges(platform: Platform) -> None:
    """Let this process's /metrics show the business numbers."""
    gauges = Gauges(platform, [])
    platform.registry.register(gauges)
    reading: list[asyncio.Task[None]] = []
    stop = asyncio.Event()

    async def start() -> None:
        reading.append(asyncio.create_task(_keep_reading(gauges, stop), name="metrics.gauges"))

    async def end() -> None:
        await finish(reading, stop)

    platform.on_start.append(start)
    platform.on_stop.append(end)


async def _keep_reading(gauges: Gauges, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await read_once(gauges)
        except Exception as failed:
            if outage(failed) is None:
                raise
            log.warning("gauges not read", exc_info=failed)
        await rest(stop, EVERY_SECONDS)


async def read_once(gauges: Gauges) -> None:
    """Take over what the worker computed last."""
    async with gauges.platform.database(SCHEMA, "api").begin("") as tx:
        found = await exposition.read(tx)
    if found is not None:
        gauges.families, gauges.refreshed_at = found
