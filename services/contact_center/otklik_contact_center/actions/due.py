"""
The workers that time itself gives something to do: clocks that fall due, and clocks made anew.

A step is one transaction: any number of replicas share the clocks, each of which one of them has
at a time, so that a breach is told once, also after all of them were down.
"""

import asyncio
from typing import Final

from otklik_common import outbox
from otklik_common.db import Database, raw
from otklik_common.failpoints import failpoint
from otklik_common.module import Platform, Worker
from otklik_common.observability import get_logger
from otklik_common.stepping import keep_stepping
from otklik_contact_center.actions.clocks import change
from otklik_contact_center.actions.outcome import TICK
from otklik_contact_center.domain.admission import BULK
from otklik_contact_center.domain.clock import Shown, read, stepped
from otklik_contact_center.domain.emission import Announcement, Emitted
from otklik_contact_center.store import clocks, folding, policies
from otklik_contact_center.store.clocks import ClockRow
from otklik_contact_center.store.columns import SCHEMA

DUE: Final = "contact-center.due"
REDO: Final = "contact-center.promises"

TURN: Final = 25
"""Clocks stepped between two looks at what else there is to do."""

AT_ONCE: Final = 500
"""Clocks of one step: some 50 ms."""

LOOK_SECONDS: Final = 0.2
"""How late a clock may be told when nothing else is to do."""

MARKS_AT_ONCE: Final = 2_000
MOST_MARKS: Final = 20_000
"""Contacts of a company that wait to be folded behind the live ones; then marking waits too."""

IDLE_SECONDS: Final = 1.0

picked = failpoint("due.picked", "clocks that are due are locked, nothing is written")
written = failpoint("due.written", "clocks and their facts are written, not committed")
committed = failpoint("due.committed", "a step of clocks is committed, the next not begun")
log = get_logger(__name__)

marked = failpoint("promises.marked", "contacts are marked, how far is not committed")


def due_worker(platform: Platform) -> Worker:
    """Tells of clocks at their time."""
    due = Due(platform.prompt_database(SCHEMA))
    tracked = platform.watchdog.track(DUE)

    async def run(stop: asyncio.Event) -> None:
        await keep_stepping(
            due.step, stop, idle_seconds=LOOK_SECONDS, said="clocks wait", tracked=tracked
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


class Due:
    """Tells of clocks at their time."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def step(self) -> bool:
        """Some of the clocks that are due; False when none is left."""
        async with self._db.begin_as_worker() as tx:
            on = await raw(tx)
            await folding.plan(on, 0)
            recorder = await outbox.recorder(tx)
            rows = await clocks.due(on, recorder.now, AT_ONCE)
            if not rows:
                return False
            picked()
            found = []
            for place, row in enumerate(rows):
                if place % TURN == 0:
                    await asyncio.sleep(0)  # whatever else this process does goes on
                found.append(_changed(row, recorder))
            await clocks.step(on, [row for row, _ in found])
            told = [announcement for _, announcement in found if announcement is not None]
            if told:
                tenants, keys, payloads = zip(*told, strict=True)
                await recorder.append_encoded(tenants, keys, payloads)
            written()
        committed()
        return len(rows) == AT_ONCE


def _changed(row: ClockRow, recorder: outbox.Recorder) -> tuple[ClockRow, Announcement | None]:
    """What a clock that is due shows now; one that is broken is put aside, lest all wait for it."""
    try:
        shown = stepped(Shown(read(row.data), row.warn_at, row.breaches_at), recorder.now)
        known = Emitted(row.revision, row.hash, row.void, row.data.encode())
        at = max(recorder.now, row.recorded_at + TICK)
        found = change((row.tenant, row.id), known, shown, at)
        assert found is not None, "a clock that is due shows something else"
    except Exception as broken:
        log.error("clock put aside", tenant=row.tenant, subject=row.id, exc_info=broken)
        return row._replace(warn_at=None, breaches_at=None), None
    return found


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
