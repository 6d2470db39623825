"""
What time itself gives something to do: rows that show something else after a moment of their own.

A step is one transaction: any number of replicas share the rows, each of which one of them has
at a time, so that a breach is told once, also after all of them were down.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Generic, Protocol, TypeVar

import asyncpg

from otklik_common import outbox
from otklik_common.db import Database, by_index, raw
from otklik_common.failpoints import failpoint

R = TypeVar("R")

Told = tuple[str, str, bytes]
"""A fact on its way to the outbox: its company, and the key and payload of its message."""

TURN: Final = 25
"""Rows stepped between two looks at what else there is to do."""

AT_ONCE: Final = 500
"""Rows of one step: some 50 ms."""

LOOK_SECONDS: Final = 0.2
"""How late something may be told when nothing else is to do."""

picked = failpoint("due.picked", "rows that are due are locked, nothing is written")
written = failpoint("due.written", "rows and their facts are written, not committed")
committed = failpoint("due.committed", "a step of what is due is committed, the next not begun")


class Falling(Protocol[R]):
    """Rows that show something else by themselves, each after a moment of its own."""

    async def due(self, on: asyncpg.Connection, now: datetime, most: int) -> list[R]:
        """Those whose moment has passed, locked, the longest due first; none that others have."""
        ...

    def changed(self, row: R, recorder: outbox.Recorder) -> tuple[R, Told | None]:
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
            await by_index(on)
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
            told = [one for _, one in found if one is not None]
            if told:
                tenants, keys, payloads = zip(*told, strict=True)
                await recorder.append_encoded(tenants, keys, payloads)
            written()
        committed()
        return len(rows) == AT_ONCE
