"""What is done with bodies of hooks without being asked: the late are read, the old forgotten."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from otklik_common.db import Database, raw
from otklik_common.module import Platform, Worker
from otklik_common.pseudonym import Sealer
from otklik_common.stepping import keep_stepping
from otklik_contact_center.actions.bodies import Bodies, code_of
from otklik_contact_center.domain.admission import BULK
from otklik_contact_center.store import hooks, imports, sources
from otklik_contact_center.store.columns import SCHEMA

NAME: Final = "contact-center.hooks"

KEPT: Final = timedelta(days=30)
PATIENCE: Final = timedelta(minutes=1)
"""So long a body may wait for whoever took it in; then it is read here."""

SWEPT_AT_ONCE: Final = 1_000
SWEEP_SECONDS: Final = 600.0
LOOK_SECONDS: Final = 20.0


class LateBodies:
    """Reads bodies whose push broke off before their events were kept."""

    def __init__(
        self, db: Database, sealer: Sealer, master: bytes, now: Callable[[], datetime]
    ) -> None:
        self._db = db
        self._sealer = sealer
        self._bodies = Bodies(sealer, master)
        self._now = now

    async def step(self) -> bool:
        """Read one; whether there was any."""
        now = self._now()
        async with self._db.begin_as_worker() as tx:
            found = await hooks.oldest_waiting(tx, now - PATIENCE)
            if found is None:
                return False
            tenant, body = found
            source = await sources.one(tx, self._sealer, tenant, body.source)
            if source is None or source.provider is None:
                await hooks.forget(tx, tenant, body.number)
                return True
            opened = self._bodies.opened(tenant, body.body)
            trial = self._bodies.read(source, source.directions, opened, now)
            rows = self._bodies.rows(source, [trial], now=now, lane=BULK)
            if rows:
                await imports.append(await raw(tx), tenant, rows)
            await hooks.judged(
                tx,
                tenant,
                body.number,
                code=code_of(trial),
                detail=self._bodies.sealed_detail(tenant, trial.why),
                version=source.version,
            )
        return True


def hooks_worker(platform: Platform) -> Worker:
    """Reads late bodies, and forgets all after their 30 days."""
    db = platform.database(SCHEMA, "worker")
    late = LateBodies(db, platform.sealer, platform.settings.master, platform.now)

    async def sweep() -> bool:
        async with db.begin_as_worker() as tx:
            gone = await hooks.sweep(tx, platform.now() - KEPT, SWEPT_AT_ONCE)
        return gone == SWEPT_AT_ONCE

    async def run(stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            for step, seconds, said in (
                (late.step, LOOK_SECONDS, "bodies of hooks are not read that wait"),
                (sweep, SWEEP_SECONDS, "bodies of hooks are not forgotten"),
            ):
                group.create_task(keep_stepping(step, stop, idle_seconds=seconds, said=said))

    return Worker(NAME, run)
