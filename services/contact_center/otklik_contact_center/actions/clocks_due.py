"""Clocks at their time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import asyncpg

from otklik_common.clocks.shown import Shown, stepped
from otklik_common.observability import get_logger
from otklik_common.outbox import Recorder
from otklik_contact_center.actions.clocks import change
from otklik_contact_center.actions.outcome import TICK
from otklik_contact_center.domain.clock import read
from otklik_contact_center.domain.emission import Announcement, Emitted
from otklik_contact_center.store import clocks
from otklik_contact_center.store.clocks import ClockRow

log = get_logger(__name__)


class Clocks:
    """Clocks that warn, and clocks that break."""

    async def due(self, on: asyncpg.Connection, now: datetime, most: int) -> list[ClockRow]:
        """Those whose moment has passed, locked."""
        return await clocks.due(on, now, most)

    def changed(self, row: ClockRow, recorder: Recorder) -> tuple[ClockRow, Announcement | None]:
        """What one shows now; one that is broken is put aside, lest all wait for it."""
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

    async def step(self, on: asyncpg.Connection, rows: Sequence[ClockRow]) -> None:
        """Write what they show."""
        await clocks.step(on, rows)


CLOCKS: Final = Clocks()
