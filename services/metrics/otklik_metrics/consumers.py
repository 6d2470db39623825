"""What metrics does with the log: counts it, and remembers it."""

from collections.abc import Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter
from sqlalchemy.event import listen
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.db import Database, raw
from otklik_common.log.port import Log, Place, reached
from otklik_common.reading import ReadEvent
from otklik_metrics.actions import counting
from otklik_metrics.actions.counting import Counted
from otklik_metrics.store import history

FACTS_GROUP = "metrics.facts"
SOURCES = ("contact-center", "feedback", "loyalty")
"""Services whose facts are counted; what access says goes into the directory."""


class KeepFacts:
    """Keeps the newest revision of every fact, and moves the rollups by what it changed."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self._facts = Counter(
            "otklik_metrics_facts_total",
            "Facts taken in: first seen, or corrected by a newer revision",
            ["kind", "change"],
            registry=registry,
        )

    async def apply(self, tx: AsyncConnection, events: Sequence[ReadEvent]) -> None:
        """Take events in, in the transaction of their position."""
        done = await counting.take_in(await raw(tx), events)
        # What is rolled back comes again: only a commit is counted.
        listen(tx.sync_connection, "commit", lambda _: self._count(done), once=True)

    def _count(self, done: Counted) -> None:
        for change, facts in (("first", done.first), ("correction", done.corrected)):
            for kind, n in facts.items():
                self._facts.labels(kind, change).inc(n)


class KeepHistory:
    """Keeps every revision, and notes up to which moment nothing is missing."""

    def __init__(self, db: Database, log: Log) -> None:
        self._db = db
        self._log = log

    async def apply(self, tx: AsyncConnection, events: Sequence[ReadEvent]) -> None:
        """Add events, in the transaction of their position."""
        await history.keep(await raw(tx), events)

    async def caught_up(self, _: Mapping[Place, int]) -> None:
        """Note what the relays promised and the group, all its replicas, has read."""
        marks = await self._log.watermarks(history.TOPICS)
        async with self._db.begin_as_worker() as tx:
            positions = await history.positions(tx)
            found = {
                topic: reached(marks, positions, topic, self._log.partitions)
                for topic in history.TOPICS
            }
            await history.reach(tx, {topic: at for topic, at in found.items() if at is not None})
