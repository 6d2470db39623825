"""
The workers that time itself gives something to do: what falls due, and clocks made anew.

A step is one transaction: any number of replicas share the rows, each of which one of them has
at a time, so that a breach is told once, also after all of them were down.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Generic, Protocol, TypeVar

import asyncpg

from otklik_common import outbox
from otklik_common.db import Database, raw
from otklik_common.failpoints import failpoint
from otklik_common.module import Platform, Worker
from otklik_common.stepping import keep_stepping
from otklik_contact_center.actions.clocks_due import CLOCKS
from otklik_contact_center.actions.promises_due import PROMISES
from otklik_contact_center.domain.admission import BULK
from otklik_contact_center.domain.emission import Announcement
from otklik_contact_center.store import folding, policies
from otklik_contact_center.store.columns import SCHEMA

R = TypeVar("R")

DUE: Final = "contact-center.due"
REDO: Final = "contact-center.promises"

TURN: Final = 25
"""Rows stepped between two looks at what else there is to do."""

AT_ONCE: Final = 500
"""Rows of one step: some 50 ms."""

LOOK_SECONDS: Final = 0.2
"""How late something may be told when nothing else is to do."""

MARKS_AT_ONCE: Final = 2_000
MOST_MARKS: Final = 20_000
"""Contacts of a company that wait to be folded behind the live ones; then marking waits too."""

IDLE_SECONDS: Final = 1.0

picked = failpoint("due.picked", "rows that are due are locked, nothing is written")
written = failpoint("due.written", "rows and their facts are written, not committed")
committed = failpoint("due.committed", "a step of what is due is committed, the next not begun")

marked = failpoint("promises.marked", "contacts are marked, how far is not committed")


def due_worker(platform: Platform) -> Worker:
    """Tells of clocks and promises at their time."""
    db = platform.prompt_database(SCHEMA)
    clocks_due, promises_due = Due(db, CLOCKS), Due(db, PROMISES)
    tracked = platform.watchdog.track(DUE)

    async def step() -> bool:
        return any([await clocks_due.step(), await promises_due.step()])

    async def run(stop: asyncio.Event) -> None:
        await keep_stepping(
            step, stop, idle_seconds=LOOK_SECONDS, said="what is due waits", tracked=tracked
        )

    return Worker(DUE, run)


def redo_worker(platform: Platform) -> Worker:
    """Has clocks made anew after what is promised has changed."""
    redoing = Redoing(platform.database(SCHEMA, "worker"))

    async def run(stop: asyncio.Event) -> None:
        await keep_stepping(
            redoing.step, stop, idle_seconds=IDLE_SECONDS, said="clocks are not made anew"
        )

    return Worker(REDO, run)


class Falling(Protocol[R]):
    """Rows that show something else by themselves, each after a moment of its own."""

    async def due(self, on: asyncpg.Connection, now: datetime, most: int) -> list[R]:
        """Those whose moment has passed, locked, the longest due first; none that others have."""
        ...

    def changed(self, row: R, recorder: outbox.Recorder) -> tuple[R, Announcement | None]:
        """What such a row shows now, and what is told of it."""
        ...

    async def step(self, on: asyncpg.Connection, rows: Sequence[R]) -> None:
        """Write what they show."""
        ...


class Due(Generic[R]):
    """Tells of whatever falls due at its time."""

    def __init__(self, db: Database, falling: Falling[R]) -> None:
        self._db = db
        self._falling = falling

    async def step(self) -> bool:
        """Some of the rows that are due; False when none is left."""
        async with self._db.begin_as_worker() as tx:
            on = await raw(tx)
            await folding.plan(on, 0)
            recorder = await outbox.recorder(tx)
            rows = await self._falling.due(on, recorder.now, AT_ONCE)
            if not rows:
                return False
            picked()
            found = []
            for place, row in enumerate(rows):
                if place % TURN == 0:
                    await asyncio.sleep(0)  # whatever else this process does goes on
                found.append(self._falling.changed(row, recorder))
            await self._falling.step(on, [row for row, _ in found])
            told = [announcement for _, announcement in found if announcement is not None]
            if told:
                tenants, keys, payloads = zip(*told, strict=True)
                await recorder.append_encoded(tenants, keys, payloads)
            written()
        committed()
        return len(rows) == AT_ONCE


class Redoing:
    """Has clocks made anew: their contacts are marked, and folded behind everything live."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def step(self) -> bool:
        """Some contacts of one company; False when nothing is asked for, or can be marked now."""
        busy: list[str] = []
        while True:
            async with self._db.begin_as_worker() as tx:
                on = await raw(tx)
                redo = await policies.take(on, busy)
                if redo is None:
                    return False
                if await folding.with_more(on, BULK, [redo.tenant], MOST_MARKS):
                    busy.append(redo.tenant)
                    continue
                after = await policies.mark(on, redo, MARKS_AT_ONCE)
                if after is None:
                    await policies.done(on, redo)
                else:
                    await policies.move(on, after)
                marked()
            return True
