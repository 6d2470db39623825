"""
Whose events are not folded as fast as they come.

A worker notes the companies with too many contacts waiting; a process that takes pushes asks
about those that push much, and sends them away for a while (decision 0115). Where no worker
notes anything nobody is sent away: what is kept waits until one does.
"""

import asyncio
import time
from collections import Counter
from contextlib import suppress
from typing import Final

from otklik_common.db import Database
from otklik_common.errors import TooMany
from otklik_common.observability import get_logger
from otklik_contact_center.store import backlog
from otklik_contact_center.store.inbox import LOST

MOST_WAITING: Final = 100_000
"""Live marks of a company; with more it is sent away: by then it sees what was a minute ago."""

ASK_SECONDS: Final = 2.0
MUCH_ROWS: Final = 1_000
"""Events of a company between two looks; about whoever pushes less nobody asks."""

RETRY_SECONDS: Final = 5.0

log = get_logger(__name__)


class Backlogs:
    """Companies that are sent away, as this process knows."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._pushed: Counter[str] = Counter()
        self._until: dict[str, float] = {}

    def admit(self, tenant: str, rows: int) -> None:
        """Return if the company may push; raise TooMany if too much of it waits to be counted."""
        self._pushed[tenant] += rows
        until = self._until.get(tenant)
        if until is None or time.monotonic() >= until:
            return
        raise TooMany(
            f"more than {MOST_WAITING} contacts of yours wait to be counted",
            detail_ru=f"ждут обработки уже больше {MOST_WAITING} ваших обращений",
            code="backlog",
            retry_after=RETRY_SECONDS,
        )

    async def keep_asking(self) -> None:
        """Ask about whoever pushes much, until cancelled; a database that is away says nothing."""
        while True:
            await asyncio.sleep(ASK_SECONDS)
            asked = {one for one, rows in self._pushed.items() if rows >= MUCH_ROWS}
            asked |= self._until.keys()
            self._pushed.clear()
            if not asked:
                continue
            with suppress(*LOST):
                await self.look(sorted(asked))

    async def look(self, tenants: list[str]) -> None:
        """Learn which of these, and of nobody else, are to be sent away now."""
        found = await backlog.of(self._db, tenants)
        new = found - self._until.keys()
        if new:
            log.warning("companies sent away until less of theirs waits", count=len(new))
        until = time.monotonic() + RETRY_SECONDS
        self._until = dict.fromkeys(found, until)
