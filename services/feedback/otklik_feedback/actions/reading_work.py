"""
The worker that reads words: what came in just now first, then what is read again.

A step is one transaction: any number of replicas share the marks, each of which one of them has at a
time. A reading that is done twice is the same reading.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import outbox
from otklik_common.db import Database
from otklik_common.module import Platform, Worker
from otklik_common.stepping import keep_stepping
from otklik_feedback.actions.means import Means
from otklik_feedback.actions.telling import Change, tell
from otklik_feedback.domain.answer import Answer
from otklik_feedback.domain.enrichment import Known, Machine, digest_of
from otklik_feedback.domain.text.lexicon import version
from otklik_feedback.domain.text.reading import read
from otklik_feedback.domain.text.topics import Tree, default_tree
from otklik_feedback.store import answers, readings, sweeps, topics
from otklik_feedback.store.columns import SCHEMA
from otklik_feedback.store.readings import Pair

READING: Final = "feedback.reading"

AT_ONCE: Final = 100
"""Answers of one step: some 0.1 s, and two seconds where all are as long as can be."""

MARKED_AT_ONCE: Final = 500
MOST_MARKED: Final = 2_000
"""Answers that wait to be read again; then marking waits too."""

MOST_TREES: Final = 64
"""Companies whose phrases are kept ready, about 2 MB each."""

LOOK_SECONDS: Final = 0.5
"""How late words may be read when nothing else is to do."""


def reading_worker(platform: Platform) -> Worker:
    """Reads the words of answers."""
    reading = ReadWords(platform.database(SCHEMA, "worker"), Means.of(platform))
    tracked = platform.watchdog.track(READING)

    async def run(stop: asyncio.Event) -> None:
        await keep_stepping(
            reading.step, stop, idle_seconds=LOOK_SECONDS, said="words wait", tracked=tracked
        )

    return Worker(READING, run)


class ReadWords:
    """Reads words; the dictionary is loaded with the first of them."""

    def __init__(self, db: Database, means: Means) -> None:
        self._db = db
        self._means = means
        self._trees: OrderedDict[tuple[str, int], Tree] = OrderedDict()
        self._swept = False

    async def step(self) -> bool:
        """Some answers read, or marked to be read again; False when nothing is left."""
        if not self._swept:
            await self._sweep_all()
        return await self._read_some() or await self._mark_some()

    async def _sweep_all(self) -> None:
        """Once in a process: whatever a build before has read by other words."""
        async with self._db.begin_as_worker() as tx:
            now = (await outbox.recorder(tx)).now
            await sweeps.begin_all(tx, lexicon=version(), now=now)
        self._swept = True

    async def _read_some(self) -> bool:
        async with self._db.begin_as_worker() as tx:
            taken = await readings.take(tx, AT_ONCE) if await readings.any_unread(tx) else []
            if not taken:
                return False
            recorder = await outbox.recorder(tx)
            found = await answers.held(tx, taken)
            before = await readings.of_any(tx, taken)
            trees = await self._trees_of(tx, {tenant for tenant, _ in taken})
            changes = await asyncio.to_thread(self._read, found, before, trees, recorder.now)
            await tell(tx, changes, recorder=recorder, verb="read")
            await readings.done(tx, taken)
        return True

    async def _mark_some(self) -> bool:
        async with self._db.begin_as_worker() as tx:
            if await sweeps.crowded(tx, MOST_MARKED):
                return False
            sweep = await sweeps.take(tx)
            if sweep is None:
                return False
            now = (await outbox.recorder(tx)).now
            await sweeps.step(tx, sweep, MARKED_AT_ONCE, now)
        return True

    def _read(
        self,
        found: Sequence[tuple[str, Answer, bytes | None]],
        before: Mapping[Pair, Known],
        trees: Mapping[str, tuple[Tree, int]],
        now: datetime,
    ) -> list[Change]:
        changes = []
        for tenant, answer, comment in found:
            words = self._means.opened(tenant, "comment", comment)
            if words is None:
                continue
            tree, number = trees[tenant]
            known = before.get((tenant, answer.id))
            after = Known(
                0,
                answer.body_revision,
                digest_of(self._means.digest_key(tenant), words),
                Machine(read(words, tree), version(), number, now),
                None if known is None else known.correction,
            )
            changes.append(Change(tenant, answer, known, after))
        return changes

    async def _trees_of(
        self, tx: AsyncConnection, tenants: set[str]
    ) -> dict[str, tuple[Tree, int]]:
        versions = await topics.versions(tx, tenants)
        found = {}
        for tenant in sorted(tenants):
            number = versions.get(tenant, 0)
            found[tenant] = (await self._tree(tx, tenant, number), number)
        return found

    async def _tree(self, tx: AsyncConnection, tenant: str, number: int) -> Tree:
        if number == 0:
            return default_tree()
        known = self._trees.pop((tenant, number), None)
        if known is None:
            known = await topics.version(tx, tenant, number)
        self._trees[tenant, number] = known
        while len(self._trees) > MOST_TREES:
            self._trees.popitem(last=False)
        return known
