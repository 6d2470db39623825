"""The workers of clocks: those at their time, and those that another promise makes anew."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import outbox
from otklik_common.clocks.heard import KeepPolicies
from otklik_common.clocks.policies import CLAIM, REVIEW
from otklik_common.clocks.policy_change import EVERYBODY
from otklik_common.clocks.shown import Shown, stepped
from otklik_common.db import Database, by_index, raw
from otklik_common.due import LOOK_SECONDS, Due, Told
from otklik_common.events.registry import encode
from otklik_common.failpoints import failpoint
from otklik_common.module import Platform, Worker
from otklik_common.observability import get_logger
from otklik_common.outbox import Recorder
from otklik_common.stepping import keep_stepping
from otklik_feedback.actions.clocks import Book, change, remade
from otklik_feedback.domain.clock import Watched, read, unpacked
from otklik_feedback.store import clocks, policies
from otklik_feedback.store.clocks import ClockRow, WatchedRow
from otklik_feedback.store.columns import SCHEMA

DUE: Final = "feedback.due"
REDO: Final = "feedback.promises"

REMADE_AT_ONCE: Final = 200
"""Claims and reviews whose clocks are made anew in one transaction."""

IDLE_SECONDS: Final = 1.0

redone = failpoint("feedback_promises.redone", "clocks are made anew, how far is not committed")

log = get_logger(__name__)


def keep_policies() -> KeepPolicies:
    """The consumer of access's facts."""
    return KeepPolicies(SCHEMA, policies.LOCK, (CLAIM, REVIEW), policies.changed)


def due_worker(platform: Platform) -> Worker:
    """Tells of clocks at their time."""
    due = Due(platform.prompt_database(SCHEMA), CLOCKS)
    tracked = platform.watchdog.track(DUE)

    async def run(stop: asyncio.Event) -> None:
        await keep_stepping(
            due.step, stop, idle_seconds=LOOK_SECONDS, said="what is due waits", tracked=tracked
        )

    return Worker(DUE, run)


def redo_worker(platform: Platform) -> Worker:
    """Makes clocks anew after what is promised has changed."""
    redoing = Redoing(platform.database(SCHEMA, "worker"))

    async def run(stop: asyncio.Event) -> None:
        await keep_stepping(
            redoing.step, stop, idle_seconds=IDLE_SECONDS, said="clocks are not made anew"
        )

    return Worker(REDO, run)


class Clocks:
    """Clocks that warn, and clocks that break."""

    async def due(self, on: asyncpg.Connection, now: datetime, most: int) -> list[ClockRow]:
        """Those whose moment has passed, locked."""
        return await clocks.due(on, now, most)

    def changed(self, row: ClockRow, recorder: Recorder) -> tuple[ClockRow, Told | None]:
        """What one shows now; one that is broken is put aside, lest all wait for it."""
        try:
            shown = stepped(Shown(read(row.data), row.warn_at, row.breaches_at), recorder.now)
            found = change((row.tenant, row.id), row, shown, recorder.now)
            assert found is not None, "a clock that is due shows something else"
            told = row.tenant, found.event.key, encode(found.event)
        except Exception as broken:
            log.error("clock put aside", tenant=row.tenant, subject=row.id, exc_info=broken)
            return row._replace(warn_at=None, breaches_at=None), None
        return found.row, told

    async def step(self, on: asyncpg.Connection, rows: Sequence[ClockRow]) -> None:
        """Write what they show."""
        await clocks.step(on, rows)


CLOCKS: Final = Clocks()


class Redoing:
    """Makes clocks anew of whatever still ran since an edit."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._book = Book()

    async def step(self) -> bool:
        """
        Some claims and reviews of one company; False when nothing is asked for, or can be made now.

        A company that another worker is at, or whose clocks cannot be made, keeps no other waiting.

        Raises:
            Exception: Why those of a company cannot be made, when there is no other left.
        """
        busy: list[str] = []
        failed: Exception | None = None
        while True:
            tenant = None
            try:
                async with self._db.begin_as_worker() as tx:
                    tenant = await policies.waiting(await raw(tx), busy)
                    if tenant is None:
                        break
                    taken = await self._remake(tx, tenant)
            except Exception as broken:
                if tenant is None:
                    raise
                log.error("clocks are not made anew", tenant=tenant, exc_info=broken)
                taken, failed = False, broken
            if taken:
                return True
            busy.append(tenant)
        if failed is not None:
            raise failed
        return False

    async def _remake(self, tx: AsyncConnection, tenant: str) -> bool:
        on = await raw(tx)
        await by_index(on)
        # Before its row is locked: who changes what is promised takes them in this order.
        promises = await self._book.of(on, tenant)
        redo = await policies.take(on, tenant)
        if redo is None:
            return False
        recorder = await outbox.recorder(tx)
        found = await clocks.some_watched(
            on,
            tenant,
            after=redo.place,
            since=redo.since,
            branch=None if redo.branch == EVERYBODY else redo.branch,
            most=REMADE_AT_ONCE,
        )
        told = await remade(
            on, tenant, _readable(tenant, found), promises, now=recorder.now, aside=_put_aside
        )
        await recorder.append(told)
        if len(found) < REMADE_AT_ONCE:
            await policies.done(on, redo)
        else:
            await policies.move(on, redo._replace(place=found[-1].matter))
        redone()
        return True


def _readable(tenant: str, rows: Sequence[WatchedRow]) -> list[Watched]:
    found: list[Watched] = []
    for row in rows:
        try:
            found.append(unpacked(row.data))
        except msgspec.DecodeError as broken:
            _put_aside(tenant, row.matter, broken)
    return found


def _put_aside(tenant: str, matter: UUID, broken: Exception) -> None:
    """One whose clocks cannot be made stays as it is, lest all wait for it."""
    log.error("clocks of a matter put aside", tenant=tenant, subject=matter, exc_info=broken)
