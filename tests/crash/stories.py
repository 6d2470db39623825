"""What the writers tell: calls whose events come one after another, so that revisions grow."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

BRANCHES: Final = ("tyumen", "omsk", "perm", "kazan")
OPEN_CALLS: Final = 24
"""Calls that further events are told of; the oldest is left alone when one more begins."""

SHARE_OF_NEW: Final = 0.3
PHONES: Final = 300
"""Numbers that a third of the calls come from: their leads are made of several calls."""


class Event(msgspec.Struct, frozen=True):
    """An event as the writers know it; `told` says the same in the words of the API."""

    id: str
    contact: str
    type: str
    at: datetime
    branch: str
    phone: str | None = None

    def told(self) -> dict[str, Any]:
        """The body of a push."""
        said: dict[str, Any] = {
            "id": self.id,
            "contact": self.contact,
            "type": self.type,
            "at": self.at.isoformat(),
            "channel": "call",
            "direction": "in",
            "branch": self.branch,
        }
        return said if self.phone is None else {**said, "from": self.phone}


class Calls:
    """
    Makes up calls: queued, some transfers, perhaps an answer, more transfers, an end.

    A call goes on only after its first event was acknowledged, as with an exchange that keeps
    what it could not deliver; its further events wait for nobody.
    """

    def __init__(self, seed: int, *, transfers: int = 4, share_of_new: float = SHARE_OF_NEW):
        """
        Args:
            transfers: The most before the answer, and again after it.
            share_of_new: Of the events, how many begin a call while others are open.
        """
        self._dice = random.Random(seed)
        self._transfers = transfers
        self._share_of_new = share_of_new
        self._number = 0
        self._coming: dict[str, list[Event]] = {}
        self._open: list[str] = []

    def next(self, count: int) -> list[Event]:
        """The next events, of calls that go on and of new ones."""
        return [self._next() for _ in range(count)]

    def acknowledged(self, events: Sequence[Event]) -> None:
        """Calls that begin with one of these may go on."""
        self._open += [event.contact for event in events if event.type == "queued"]
        for contact in self._open[:-OPEN_CALLS]:
            del self._coming[contact]
        self._open = self._open[-OPEN_CALLS:]

    def _next(self) -> Event:
        if not self._open or self._dice.random() < self._share_of_new:
            return self._begin()
        contact = self._dice.choice(self._open)
        event = self._coming[contact].pop(0)
        if not self._coming[contact]:
            self._open.remove(contact)
            del self._coming[contact]
        return event

    def _begin(self) -> Event:
        dice = self._dice
        self._number += 1
        types = ["queued", *["transferred"] * dice.randint(0, self._transfers)]
        if dice.random() < 0.8:
            types += ["answered", *["transferred"] * dice.randint(0, self._transfers)]
        types.append("ended")
        contact, branch = f"call-{self._number}", dice.choice(BRANCHES)
        phone = f"+7912{dice.randrange(PHONES):07d}" if dice.random() < 0.33 else None
        # Whole seconds from now on: what ends late is still today's, and not ahead of the clock.
        began = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=len(types))
        first, *coming = (
            Event(f"{contact}.{n}", contact, kind, began + timedelta(seconds=n), branch, phone)
            for n, kind in enumerate(types)
        )
        self._coming[contact] = coming
        return first
