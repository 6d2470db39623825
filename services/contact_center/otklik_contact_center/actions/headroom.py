"""
How much may be folded for companies with much waiting, while others come behind them.

As marks companies have turns. What was folded stands in one line, in the outbox and on the log,
and whoever comes later stands behind it. So the line is kept as long as the slowest consumer of
this process takes in within a third of a second: in seconds it is the same on any machine.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Final, Protocol

from otklik_common.log.port import LogNotReadyError
from otklik_common.pace import Pace
from otklik_common.resting import rest
from otklik_contact_center.actions.fold import MOST_MARKS, Done

LINE_SECONDS: Final = 0.3
"""Of the slowest consumer's work: what stands in outbox and log, the next batches included."""

UNREAD_MARKS: Final = 250
"""Of a batch where nobody here reads the log, so that nobody knows how long the line is."""

LONG_OUTBOX: Final = 5_000
"""More facts there are a full batch of the relay behind the next one."""

LEAST_MARKS: Final = 50
"""A batch costs a dozen statements whatever its size: with room for less, hands wait for more."""

OTHERS_SECONDS: Final = 60.0
"""So long after a company with little waiting was served, the others make way for the next one."""

HOLD_SECONDS: Final = 1.0
"""Held longest: a consumer that gets nowhere slows folding down and never stops it."""

LOOK_SECONDS: Final = 0.1


class Room(Protocol):
    """`Platform.room`, of the topic that is folded to."""

    async def __call__(self, *, seconds: float, least: int) -> int | None:
        """How many facts more may come; None where nobody here reads them."""


async def unread(*, seconds: float, least: int) -> None:
    """Nobody reads the log in this process."""


class Served:
    """Which companies were served of late: whether others come while one is worked for."""

    def __init__(self) -> None:
        self._at: dict[bool, dict[str, float]] = {True: {}, False: {}}

    def note(self, companies: Collection[str], *, little: bool) -> None:
        """These were served just now, as companies with little waiting, or with much or bulk."""
        now = time.monotonic()
        for at in self._at.values():
            for gone in [one for one, then in at.items() if now - then >= OTHERS_SECONDS]:
                del at[gone]
        self._at[little].update(dict.fromkeys(companies, now))

    def somebody_lives(self) -> bool:
        """Whether a company came with little: whoever comes beside it is not known before."""
        return bool(self._of_late(little=True))

    def others_come(self) -> bool:
        """
        Whether one came with little, and is not the only one there is.

        A company that brings its past and goes on living meanwhile makes way for nobody but itself.
        """
        little = self._of_late(little=True)
        return bool(little) and len(little | self._of_late(little=False)) > 1

    def _of_late(self, *, little: bool) -> set[str]:
        since = time.monotonic() - OTHERS_SECONDS
        return {one for one, then in self._at[little].items() if then > since}


class Headroom:
    """
    The size of the next batch of marks.

    Args:
        room: What the consumers of this process have room for; what is in the outbox apart.
        outbox: How many facts are in the outbox.
        served: Who was served of late.
        hands: How many share the room.
    """

    def __init__(
        self,
        room: Room,
        outbox: Callable[[], Awaitable[int]],
        served: Served,
        *,
        hands: int,
    ) -> None:
        self._room = room
        self._outbox = outbox
        self._served = served
        self._hands = hands
        # A contact is a fact, its lead another.
        self._facts_a_mark = Pace(2.0, half_life=1_000, weight=100)

    def least(self) -> int:
        """
        How many marks to look for when none were found before.

        Nobody is asked for room, and whose marks they are is not known: few, if anybody lives.
        """
        return LEAST_MARKS if self._served.somebody_lives() else MOST_MARKS

    async def marks(self, stop: asyncio.Event) -> int:
        """How many marks to fold next; waits while there is room for few, but not for long."""
        until = time.monotonic() + HOLD_SECONDS
        while self._served.others_come():
            marks = await self._fitting()
            if marks >= LEAST_MARKS:
                return min(marks, MOST_MARKS)
            if stop.is_set() or time.monotonic() >= until:
                return LEAST_MARKS
            await rest(stop, LOOK_SECONDS)
        return MOST_MARKS

    def folded(self, done: Done) -> None:
        """So many marks came to so many facts."""
        self._facts_a_mark.add(done.facts, done.marks)

    async def _fitting(self) -> int:
        """Marks whose facts have room behind what stands in the line already."""
        facts = max(self._facts_a_mark.value, 0.1)
        least = int(2 * self._hands * LEAST_MARKS * facts)
        # The outbox first: a fact that moves on meanwhile counts twice, and never not at all.
        waiting = await self._outbox()
        try:
            room = await self._room(seconds=LINE_SECONDS, least=least)
        except LogNotReadyError:
            return 0
        if room is None:
            return UNREAD_MARKS if waiting <= LONG_OUTBOX else 0
        return int((room - waiting) / self._hands / facts)
