"""Promises at their time: those that are about to break, and those that are broken."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import asyncpg

from otklik_common.observability import get_logger
from otklik_common.outbox import Recorder
from otklik_contact_center.actions.outcome import TICK
from otklik_contact_center.domain import promise
from otklik_contact_center.domain.emission import Announcement
from otklik_contact_center.domain.promise_told import read, told
from otklik_contact_center.store import promises
from otklik_contact_center.store.promises import PromiseRow

log = get_logger(__name__)


class Promises:
    """Promises that nobody has kept yet."""

    async def due(self, on: asyncpg.Connection, now: datetime, most: int) -> list[PromiseRow]:
        """Those whose moment has passed, locked."""
        return await promises.due(on, now, most)

    def changed(
        self, row: PromiseRow, recorder: Recorder
    ) -> tuple[PromiseRow, Announcement | None]:
        """What one shows now; one that is broken is put aside, lest all wait for it."""
        try:
            now = promise.shown(read(row.data), recorder.now)
            at = max(recorder.now, row.recorded_at + TICK)
            found = told(row.tenant, row.id, row.emitted, now, at)
            assert found is not None, "a promise that is due shows something else"
        except Exception as broken:
            log.error("promise put aside", tenant=row.tenant, subject=row.id, exc_info=broken)
            return row._replace(next_at=None), None
        return row.with_(now, found.step.emitted, at), found.announcement

    async def step(self, on: asyncpg.Connection, rows: Sequence[PromiseRow]) -> None:
        """Write what they show."""
        await promises.step(on, rows)


PROMISES: Final = Promises()
