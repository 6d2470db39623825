"""The background work of the contact centre: relay, directory, folding, promises, imports, feeds, pools."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import asyncpg

from otklik_common.background import directory_worker, idempotency_worker, relay_worker
from otklik_common.faults import TOO_LONG, sqlstate_of
from otklik_common.module import Platform, Worker, topic_of
from otklik_common.observability import get_logger
from otklik_common.outages import outage
from otklik_common.resting import rest
from otklik_common.watchdog import Tracked, Watchdog
from otklik_contact_center.actions.demo_work import demo_worker
from otklik_contact_center.actions.doctor_work import doctor_worker
from otklik_contact_center.actions.due import due_worker, redo_worker
from otklik_contact_center.actions.fold import (
    MOST_MARKS,
    QUICK_MARKS,
    WHOLE,
    Done,
    Folder,
    Whose,
)
from otklik_contact_center.actions.headroom import Headroom, Room, Served, unread
from otklik_contact_center.actions.hooks_work import hooks_worker
from otklik_contact_center.actions.imports_work import import_worker
from otklik_contact_center.actions.meters import meters_of
from otklik_contact_center.actions.policies_heard import keep_policies
from otklik_contact_center.actions.pools_work import pools_worker
from otklik_contact_center.domain.admission import BULK, LIVE
from otklik_contact_center.store.columns import SCHEMA
from otklik_contact_center.store.folding import Share

SERVICE: Final = "contact-center"

LEAST_PAUSE: Final = 0.02
MOST_PAUSE: Final = 0.25
BROKEN_PAUSE: Final = 1.0
SHOW_SECONDS: Final = 5.0
NOTE_SECONDS: Final = 2.0

HANDS: Final = 2
"""For companies with much waiting, and for bulk; those with little have a hand of their own."""

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
    room = partial(platform.room, topic_of(SERVICE))
    return [
        relay_worker(platform, SERVICE, SCHEMA),
        directory_worker(platform, SERVICE, SCHEMA, keep_policies()),
        idempotency_worker(platform, SERVICE, SCHEMA),
        Worker(f"{SERVICE}.folding", Folding(folder, platform.watchdog, room).run),
        due_worker(platform),
        redo_worker(platform),
        hooks_worker(platform),
        import_worker(platform),
        demo_worker(platform),
        doctor_worker(platform),
        pools_worker(platform),
    ]


class Folding:
    """
    Two lanes, live first; two hands, so that one computes while the other's database works.

    A third hand serves companies with little waiting and nobody else. While there are such, the two
    fold no more than the consumers take in soon.
    """

    def __init__(self, folder: Folder, watchdog: Watchdog, room: Room = unread) -> None:
        """
        Args:
            room: How many facts more the consumers of this process can take.
        """
        self._folder = folder
        self._room = room
        self._hands = [watchdog.track(f"{SERVICE}.folding.{number}") for number in range(HANDS)]
        self._quick = watchdog.track(f"{SERVICE}.folding.quick")

    async def run(self, stop: asyncio.Event) -> None:
        """Fold until told to stop; a database that is away is waited for."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._again(self._folder.show_what_waits, SHOW_SECONDS, stop))
            group.create_task(self._again(self._folder.note_backlogs, NOTE_SECONDS, stop))
            served = Served()
            quick = Quick(self._folder, WHOLE, served, self._quick.touch)
            group.create_task(self._work(quick, self._quick, stop))
            headroom = Headroom(self._room, self._folder.outbox, served, hands=HANDS)
            for number, tracked in enumerate(self._hands):
                share = Share(number, HANDS)
                lanes = Lanes(self._folder, share, served, tracked.touch, headroom=headroom)
                group.create_task(self._work(lanes, tracked, stop))

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
            await rest(stop, seconds)

    @staticmethod
    async def _work(hand: "Hand", tracked: Tracked, stop: asyncio.Event) -> None:
        pause = LEAST_PAUSE
        while not stop.is_set():
            tracked.touch()
            try:
                marks = await hand.round(stop)
            except Exception as broken:
                _only_away(broken)
                if sqlstate_of(broken) in TOO_LONG:
                    hand.take_less()
                log.warning("folding waits", exc_info=broken)
                await rest(stop, BROKEN_PAUSE)
                continue
            if marks:
                pause = LEAST_PAUSE
            else:
                await rest(stop, pause)
                pause = min(pause * 1.5, MOST_PAUSE)


class Hand(ABC):
    """Folds batch after batch of what is its own."""

    def __init__(
        self,
        folder: Folder,
        share: Share,
        served: Served,
        ended: Callable[[], None] | None = None,
    ) -> None:
        """`served` hears whose work is done, `ended` of every statement that has ended."""
        self._folder = folder
        self._share = share
        self._served = served
        self._ended = ended
        self._parts = 1

    @abstractmethod
    async def round(self, stop: asyncio.Event) -> int:
        """Work on what comes next; returns how many marks were worked on, 0 once told to stop."""

    def take_less(self) -> None:
        """Halve the batches: what did not end in its time may do so in parts."""
        self._parts = min(2 * self._parts, MOST_PARTS)

    async def _fold(self, lane: int, most: int, whose: Whose = Whose.ALL) -> Done:
        done = await self._folder.fold_some(
            lane, max(1, most // self._parts), self._share, whose, ended=self._ended
        )
        if done.marks:
            self._parts = max(1, self._parts // 2)
            self._served.note(done.companies, little=whose is Whose.LITTLE)
        return done


class Quick(Hand):
    """Companies with little waiting, and nobody else."""

    async def round(self, stop: asyncio.Event) -> int:  # noqa: ARG002 - it waits for nobody
        """Everything live that such companies have."""
        return (await self._fold(LIVE, QUICK_MARKS, Whose.LITTLE)).marks


class Lanes(Hand):
    """Whose turn it is, for one hand: live work of companies with much waiting, and imports."""

    def __init__(
        self,
        folder: Folder,
        share: Share,
        served: Served,
        ended: Callable[[], None] | None = None,
        *,
        headroom: Headroom,
    ) -> None:
        """`headroom`: how much may be folded at a time, as others may come behind."""
        super().__init__(folder, share, served, ended)
        self._headroom = headroom
        self._found = False
        self._owed = 0.0

    async def round(self, stop: asyncio.Event) -> int:
        """A batch of live work and what is due of bulk; returns how many marks were worked on."""
        most = await self._headroom.marks(stop) if self._found else self._headroom.least()
        marks = 0 if stop.is_set() else await self._take_turns(most)
        self._found = marks > 0
        return marks

    async def _take_turns(self, most: int) -> int:
        began = time.monotonic()
        live = await self._fold(LIVE, most, Whose.MUCH)
        self._headroom.folded(live)
        if not live.marks:
            return (await self._fold(BULK, min(most, BULK_MARKS))).marks
        if not live.more:
            self._owed = 0.0  # no live work waits: bulk takes nothing from it
        else:
            self._owed += (time.monotonic() - began) * BULK_SHARE / (1 - BULK_SHARE)
            if self._owed <= 0:
                return live.marks
        began = time.monotonic()
        bulk = (await self._fold(BULK, min(most, SMALL))).marks
        self._owed -= time.monotonic() - began
        return live.marks + bulk


def _only_away(broken: Exception) -> None:
    """Return if the database is away for now; anything else ends the process."""
    lost = (asyncpg.InterfaceError, asyncpg.InternalClientError)
    if not isinstance(broken, lost) and outage(broken) is None:
        raise broken
