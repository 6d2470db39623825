"""The background work of the contact centre: relay, directory, folding, imports."""

import asyncio
from contextlib import suppress
from typing import Final

import asyncpg
from sqlalchemy.exc import DBAPIError

from otklik_common.background import directory_worker, idempotency_worker, relay_worker
from otklik_common.module import Platform, Worker
from otklik_common.observability import get_logger
from otklik_contact_center.actions.fold import MOST_MARKS, Folder
from otklik_contact_center.actions.imports_work import import_worker
from otklik_contact_center.actions.meters import meters_of
from otklik_contact_center.domain.admission import BULK, LIVE
from otklik_contact_center.store.tables import SCHEMA

SERVICE: Final = "contact-center"

LEAST_PAUSE: Final = 0.02
MOST_PAUSE: Final = 0.25
BROKEN_PAUSE: Final = 1.0
SHOW_SECONDS: Final = 5.0

LIVE_ROUNDS: Final = 4
"""While live work waits, every fifth batch is bulk: imports get 20 % and never more."""

SMALL: Final = MOST_MARKS // 4
"""A bulk batch while live work waits: what happens now is not held up by more than this."""

log = get_logger(__name__)


def workers(platform: Platform) -> list[Worker]:
    """Everything that the contact centre does without being asked."""
    folder = Folder(
        platform.database(SCHEMA, "worker"),
        platform.directory(SCHEMA),
        sealer=platform.sealer,
        pseudonyms=platform.pseudonyms,
        meters=meters_of(platform.registry),
    )
    return [
        relay_worker(platform, SERVICE, SCHEMA),
        directory_worker(platform, SERVICE, SCHEMA),
        idempotency_worker(platform, SERVICE, SCHEMA),
        Worker(f"{SERVICE}.folding", Folding(folder).run),
        import_worker(platform),
    ]


class Folding:
    """Two lanes, live first."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._rounds = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Fold until told to stop; a database that is away is waited for."""
        pause = LEAST_PAUSE
        shown_at = 0.0
        clock = asyncio.get_running_loop().time
        while not stop.is_set():
            try:
                if clock() - shown_at > SHOW_SECONDS:
                    await self._folder.show_what_waits()
                    shown_at = clock()
                marks = await self._round()
            except (OSError, asyncpg.InterfaceError, asyncpg.PostgresError, DBAPIError) as broken:
                log.warning("folding waits", exc_info=broken)
                await _rest(stop, BROKEN_PAUSE)
                continue
            if marks:
                pause = LEAST_PAUSE
            else:
                await _rest(stop, pause)
                pause = min(pause * 1.5, MOST_PAUSE)

    async def _round(self) -> int:
        """One batch of each lane that has its turn; returns how many marks were worked on."""
        live = (await self._folder.fold_some(LIVE)).marks
        if not live:
            self._rounds = 0
            return (await self._folder.fold_some(BULK)).marks
        self._rounds += 1
        if self._rounds % LIVE_ROUNDS == 0:
            live += (await self._folder.fold_some(BULK, SMALL)).marks
        return live


async def _rest(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
