"""Chats, site forms and mails: what customers write, and how soon realtors answer."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from otklik.demo.agency import in_hours
from otklik.demo.people import Person, turns_to_us, weighted

if TYPE_CHECKING:
    from otklik.demo.simulation import Push, World

CHANNELS = (("chat", 0.42), ("form", 0.38), ("email", 0.20))


class Messages:
    """Written contacts."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def pushes(self, random: Random, person: Person, at: datetime) -> "Iterator[Push]":
        """One written contact with everything that follows from it."""
        channel = weighted(random, CHANNELS)
        contact = f"demo-{channel}-{at:%Y%m%d%H%M%S}-{person.number}"
        common = turns_to_us(person, contact, channel)
        opening = common | {
            "from": person.email if channel == "email" else person.phone,
            "actor": "customer",
            "campaign": person.campaign,
            "touchpoint": "request",
        }
        due = at + timedelta(hours=24)
        yield self._world.event(contact, "0", "message", at, opening | {"due_at": due.isoformat()})
        if channel == "chat":
            bot = common | {"actor": "bot"}
            yield self._world.event(contact, "bot", "message", at + timedelta(seconds=2), bot)
        yield from self._answers(random, person, contact, common, at)

    def _answers(
        self,
        random: Random,
        person: Person,
        contact: str,
        common: dict[str, str],
        asked: datetime,
    ) -> "Iterator[Push]":
        slow = person.branch.promptness
        if random.random() < (0.03 if slow == 1.0 else 0.25):
            person.missed += 1
            return
        typical = {"chat": 1.2, "form": 3.4, "email": 4.2}[common["channel"]]
        minutes = random.lognormvariate(typical, 0.9) * (slow**0.5)
        replied = in_hours(asked) + timedelta(minutes=minutes)
        agent = common | {"agent": person.realtor.code, "actor": "human"}
        yield self._world.event(contact, "1", "message", replied, agent)
        last = replied
        for turn in range(random.choice((0, 0, 1, 1, 2))):
            asks = last + timedelta(minutes=1 + random.expovariate(1 / 12))
            customer = common | {"actor": "customer"}
            yield self._world.event(contact, f"{turn}q", "message", asks, customer)
            last = in_hours(asks) + timedelta(minutes=0.5 + random.expovariate(1 / 9) * slow)
            yield self._world.event(contact, f"{turn}a", "message", last, agent)
        if random.random() < 0.9:
            ends = last + timedelta(minutes=5 + random.expovariate(1 / 240))
            yield self._world.event(contact, "end", "ended", ends, common)
