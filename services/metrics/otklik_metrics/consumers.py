"""What metrics does with the log: counts it, and remembers it."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter
from sqlalchemy import Table
from sqlalchemy.event import listen
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import dead_letters
from otklik_common.background import consumer_worker
from otklik_common.db import Database, raw
from otklik_common.failpoints import failpoint
from otklik_common.log.port import Log, Place, Promised
from otklik_common.module import Platform, Worker
from otklik_common.reading import ReadEvent, recorded_at
from otklik_metrics.actions import counting
from otklik_metrics.actions.counting import Counted
from otklik_metrics.store import history, reached
from otklik_metrics.store.tables import FACTS_REACHED, REACHED, SCHEMA

FACTS_GROUP = "metrics.facts"
SOURCES = ("contact-center", "feedback", "loyalty")
"""Services whose facts are counted; what access says goes into the directory."""


FACTS_BATCH = 20_000
"""The larger the batch, the more revisions of one subject fall into it and are written once."""

history_kept = failpoint("history.kept", "revisions are written, their position is not moved")
reach_known = failpoint("reached.known", "it is known what is complete, no moment is noted")
reach_noted = failpoint("reached.noted", "moments are noted, not committed")


def facts_consumer(platform: Platform) -> Worker:
    """The group that counts."""
    db, log = platform.prompt_database(SCHEMA), platform.log
    facts = KeepFacts(db, log, platform.registry)
    return consumer_worker(platform, FACTS_GROUP, SCHEMA, SOURCES, facts, max_records=FACTS_BATCH)


def history_consumer(platform: Platform) -> Worker:
    """The group that remembers."""
    histories = KeepHistory(platform.prompt_database(SCHEMA), platform.log)
    return consumer_worker(platform, history.GROUP, SCHEMA, SOURCES, histories)


class Reaching:
    """Notes up to which moment a group, all its replicas together, has taken everything in."""

    def __init__(self, group: str, table: Table, db: Database, log: Log) -> None:
        self._group = group
        self._table = table
        self._db = db
        self._log = log
        # A group that lags steadily never stands at the newest promise, but has passed older ones.
        self._promised = Promised(log.partitions)

    async def caught_up(self, _: Mapping[Place, int]) -> None:
        """Compare where the group stands with what the relays promised; about once a second."""
        marks = await self._log.watermarks(history.TOPICS)
        async with self._db.begin_as_worker() as tx:
            at = await reached.positions(tx, self._group)
            found = {topic: self._promised.reached(marks, at, topic) for topic in history.TOPICS}
            known = {topic: moment for topic, moment in found.items() if moment is not None}
            lasting = await self.lasting(tx, known)
            reach_known()
            await reached.note(tx, self._table, lasting)
            reach_noted()

    async def lasting(
        self, _: AsyncConnection, moments: Mapping[str, datetime]
    ) -> Mapping[str, datetime]:
        """The moments by topic that nothing can come before any more; positions were read before."""
        return moments


class KeepFacts(Reaching):
    """Keeps the newest revision of every fact, and moves the rollups by what it changed."""

    def __init__(self, db: Database, log: Log, registry: CollectorRegistry | None = None) -> None:
        super().__init__(FACTS_GROUP, FACTS_REACHED, db, log)
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


class KeepHistory(Reaching):
    """Keeps every revision."""

    def __init__(self, db: Database, log: Log) -> None:
        super().__init__(history.GROUP, REACHED, db, log)
        self._letters: Mapping[int, datetime | None] = {}

    async def apply(self, tx: AsyncConnection, events: Sequence[ReadEvent]) -> None:
        """Add events, in the transaction of their position."""
        await history.keep(await raw(tx), events)
        history_kept()

    async def lasting(
        self, tx: AsyncConnection, moments: Mapping[str, datetime]
    ) -> Mapping[str, datetime]:
        """
        The moments, held back by dead letters: taken up again, a letter must not change the past.

        A letter holds its topic at the moment it was recorded at; one that does not tell that, at
        what was reached before it.
        """
        letters = await dead_letters.still_open(tx, SCHEMA, history.GROUP)
        new = [letter for letter in letters if letter not in self._letters]
        told = await dead_letters.values(tx, SCHEMA, new) if new else {}
        known = {**self._letters, **{one: recorded_at(value) for one, value in told.items()}}
        self._letters = {letter: known.get(letter) for letter in letters}
        held = dict(moments)
        for letter, topic in letters.items():
            least = self._letters[letter]
            if least is None:
                held.pop(topic, None)
            elif topic in held:
                held[topic] = min(held[topic], least)
        return held
