"""The workers that time itself gives something to do: what falls due, and clocks made anew."""

import asyncio
from typing import Final

from otklik_common.db import Database, raw
from otklik_common.due import LOOK_SECONDS, Due
from otklik_common.failpoints import failpoint
from otklik_common.module import Platform, Worker
from otklik_common.stepping import keep_stepping
from otklik_contact_center.actions.clocks_due import CLOCKS
from otklik_contact_center.actions.promises_due import PROMISES
from otklik_contact_center.domain.admission import BULK
from otklik_contact_center.store import folding, policies
from otklik_contact_center.store.columns import SCHEMA

DUE: Final = "contact-center.due"
REDO: Final = "contact-center.promises"

MARKS_AT_ONCE: Final = 2_000
MOST_MARKS: Final = 20_000
"""Contacts of a company that wait to be folded behind the live ones; then marking waits too."""

IDLE_SECONDS: Final = 1.0

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
