"""The background work of the contact centre: relay, directory, folding, imports."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Final

import asyncpg

from otklik_common.background import directory_worker, idempotency_worker, relay_worker
from otklik_common.faults import TOO_LONG, sqlstate_of
from otklik_common.module import Platform, Worker
from otklik_common.observability import get_logger
from otklik_common.outages import outage
from otklik_common.watchdog import Tracked, Watchdog
from otklik_contact_center.actions.demo_work import demo_worker
from otklik_contact_center.actions.fold import (
    MOST_MARKS,
    QUICK_MARKS,
    WHOLE,
    Done,
    Folder,
    Whose,
)
from otklik_contact_center.actions.imports_work import import_worker
from otklik_contact_center.actions.meters import meters_of
from otklik_contact_center.domain.admission import BULK, LIVE
from otklik_contact_center.store.folding import Share
from otklik_contact_center.store.tables import SCHEMA

SERVICE: Final = "contact-center"

LEAST_PAUSE: Final = 0.02
MOST_PAUSE: Final = 0.25
BROKEN_PAUSE: Final = 1.0
SHOW_SECONDS: Final = 5.0
NOTE_SECONDS: Final = 2.0

HANDS: Final = 2
"""For companies with much waiting, and for bulk; those with little have a hand of their own."""

MUCH_MARKS: Final = MOST_MARKS // 8
"""Smaller batches are facts in smaller lots: whoever comes behind one on the log waits less."""

LONG_LOG: Final = 500
"""Records before a consumer of this process; above it companies with much waiting are held."""

HOLD_SECONDS: Final = 1.0
"""Held longest: a consumer that gets nowhere slows folding down and never stops it."""

HOLD_LOOK_SECONDS: Final = 0.05

COMPANY_SECONDS: Final = 60.0
"""So long after a company with little waiting was served, others make way for the next one."""

BULK_SHARE: Final = 0.2
"""While live work waits, imports get a fifth of the time and never more."""

BULK_MARKS: Final = MOST_MARKS // 2
SMALL: Final = MOST_MARKS // 4
"""Bulk batches are smaller: what happens now is never held up by more than one of them."""

MOST_PARTS: Final = MOST_MARKS

log = get_logger(__name__)


def workers(platform: Platform) -> list[Worker]:
    """Everything that the contact centre does without being asked."""
    folder = Folder(
        platform.prompt_database(SCHEMA),
        platform.directory(SCHEMA),
        sealer=platform.sealer,
        pseudonyms=platform.pseudonyms,
        meters=meters_of(platform.registry),
    )
    return [
        relay_worker(platform, SERVICE, SCHEMA),
        directory_worker(platform, SERVICE, SCHEMA),
        idempotency_worker(platform, SERVICE, SCHEMA),
        Worker(f"{SERVICE}.folding", Folding(folder, platform.watchdog, platform.behind).run),
        import_worker(platform),
        demo_worker(platform),
    ]


def _nowhere() -> int:
    """Nobody reads the log in this process."""
    return 0


class Folding:
    """
    Two lanes, live first; two hands, so that one computes while the other's database works.

    A third hand serves companies with little waiting and nobody else. While there are such, the two
    are held when facts pile up behind them, and take smaller batches: as marks companies have turns,
    on the log they stand in one line.
    """

    def __init__(
        self, folder: Folder, watchdog: Watchdog, behind: Callable[[], int] = _nowhere
    ) -> None:
        """
        Args:
            behind: How many records wait before the slowest consumer of this process.
        """
        self._folder = folder
        self._behind = behind
        self._hands = [watchdog.track(f"{SERVICE}.folding.{number}") for number in range(HANDS)]
        self._quick = watchdog.track(f"{SERVICE}.folding.quick")

    async def run(self, stop: asyncio.Event) -> None:
        """Fold until told to stop; a database that is away is waited for."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._again(self._folder.show_what_waits, SHOW_SECONDS, stop))
            group.create_task(self._again(self._folder.note_backlogs, NOTE_SECONDS, stop))
            quick = Quick(self._folder, WHOLE, self._quick.touch)
            group.create_task(self._work(quick, self._quick, stop))
            for number, tracked in enumerate(self._hands):
                hold = partial(self._hold, quick.is_needed, stop)
                lanes = Lanes(
                    self._folder, Share(number, HANDS), tracked.touch, makes_way=quick.is_needed
                )
                group.create_task(self._work(lanes, tracked, stop, hold))

    @staticmethod
    async def _again(
        look: Callable[[], Awaitable[None]], seconds: float, stop: asyncio.Event
    ) -> None:
        while not stop.is_set():
            try:
                await look()
            except Exception as broken:
                _only_away(broken)
                log.warning("backlog not shown", exc_info=broken)
            await _rest(stop, seconds)

    async def _hold(self, others_wait: Callable[[], bool], stop: asyncio.Event) -> None:
        """Wait while facts pile up on the log or before it, but not for long."""
        until = time.monotonic() + HOLD_SECONDS
        while others_wait() and not stop.is_set() and time.monotonic() < until:
            if self._behind() <= LONG_LOG and not await self._folder.outbox_is_long():
                return
            await _rest(stop, HOLD_LOOK_SECONDS)

    @staticmethod
    async def _work(
        hand: "Hand",
        tracked: Tracked,
        stop: asyncio.Event,
        hold: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        pause = LEAST_PAUSE
        while not stop.is_set():
            tracked.touch()
            try:
                if hold is not None:
                    await hold()
                    if stop.is_set():
                        return
                marks = await hand.round()
            except Exception as broken:
                _only_away(broken)
                if sqlstate_of(broken) in TOO_LONG:
                    hand.take_less()
                log.warning("folding waits", exc_info=broken)
                await _rest(stop, BROKEN_PAUSE)
                continue
            if marks:
                pause = LEAST_PAUSE
            else:
                await _rest(stop, pause)
                pause = min(pause * 1.5, MOST_PAUSE)


class Hand(ABC):
    """Folds batch after batch of what is its own."""

    def __init__(
        self, folder: Folder, share: Share, ended: Callable[[], None] | None = None
    ) -> None:
        """`ended` hears of every statement that has ended."""
        self._folder = folder
        self._share = share
        self._ended = ended
        self._parts = 1

    @abstractmethod
    async def round(self) -> int:
        """Work on what comes next; returns how many marks were worked on."""

    def take_less(self) -> None:
        """Halve the batches: what did not end in its time may do so in parts."""
        self._parts = min(2 * self._parts, MOST_PARTS)

    async def _fold(self, lane: int, most: int, whose: Whose = Whose.ALL) -> Done:
        done = await self._folder.fold_some(
            lane, max(1, most // self._parts), self._share, whose, ended=self._ended
        )
        if done.marks:
            self._parts = max(1, self._parts // 2)
        return done


class Quick(Hand):
    """Companies with little waiting, and nobody else."""

    _served_at = float("-inf")

    async def round(self) -> int:
        """Everything live that such companies have."""
        marks = (await self._fold(LIVE, QUICK_MARKS, Whose.LITTLE)).marks
        if marks:
            self._served_at = time.monotonic()
        return marks

    def is_needed(self) -> bool:
        """Whether a company with little waiting was served of late."""
        return time.monotonic() - self._served_at < COMPANY_SECONDS


class Lanes(Hand):
    """Whose turn it is, for one hand: live work of companies with much waiting, and imports."""

    def __init__(
        self,
        folder: Folder,
        share: Share,
        ended: Callable[[], None] | None = None,
        *,
        makes_way: Callable[[], bool] = lambda: False,
    ) -> None:
        """`makes_way`: whether others come behind, so that batches are to be small."""
        super().__init__(folder, share, ended)
        self._makes_way = makes_way
        self._owed = 0.0

    async def round(self) -> int:
        """A batch of live work and what is due of bulk; returns how many marks were worked on."""
        began = time.monotonic()
        most = MUCH_MARKS if self._makes_way() else MOST_MARKS
        live = await self._fold(LIVE, most, Whose.MUCH)
        if not live.marks:
            return (await self._fold(BULK, BULK_MARKS)).marks
        if not live.more:
            self._owed = 0.0  # no live work waits: bulk takes nothing from it
        else:
            self._owed += (time.monotonic() - began) * BULK_SHARE / (1 - BULK_SHARE)
            if self._owed <= 0:
                return live.marks
        began = time.monotonic()
        bulk = (await self._fold(BULK, SMALL)).marks
        self._owed -= time.monotonic() - began
        return live.marks + bulk


def _only_away(broken: Exception) -> None:
    """Return if the database is away for now; anything else ends the process."""
    lost = (asyncpg.InterfaceError, asyncpg.InternalClientError)
    if not isinstance(broken, lost) and outage(broken) is None:
        raise broken


async def _rest(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
