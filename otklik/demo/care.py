"""What the agency does about unhappy customers: the call to each of them, and their claims."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from otklik.demo import public
from otklik.demo.agency import in_hours
from otklik.demo.people import Person, turns_to_us, weighted

if TYPE_CHECKING:
    from otklik.demo.simulation import Push, World

UNHAPPY = 6
"""The highest score from 0 to 10 after which somebody calls."""

CLAIM_HOURS = 24
"""Hours within which a claim should be worked off."""

ENDINGS = (("apologised", 0.55), ("explained", 0.25), ("compensated", 0.2))
NOTES = {
    "reached": "Поговорили: клиент рассказал, что было не так",
    "apologised": "Извинились, договорились о порядке дальше",
    "explained": "Объяснили, за что платит и что будет дальше",
    "compensated": "Сделали скидку на проверку документов",
    "not_reached": "Три звонка без ответа",
}


class Care:
    """Follows up on unhappy customers; the slow branch does so late, or not at all."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def calls(
        self, random: Random, person: Person, answer: str, answered_at: datetime
    ) -> "Iterator[Push]":
        """Steps of the case that an unhappy answer has opened, if anybody takes it up."""
        slow = person.branch.promptness
        if random.random() > (0.95 if slow == 1.0 else 0.7):
            return
        begins = in_hours(answered_at)
        contacted = begins + timedelta(hours=random.lognormvariate(0.9, 0.7) * slow)
        reached = random.random() < 0.9
        if reached:
            yield self._step(answer, "contacted", "reached", contacted)
        ending = weighted(random, ENDINGS) if reached else "not_reached"
        closed = contacted + timedelta(hours=random.lognormvariate(1.6, 0.8))
        yield self._step(answer, "close", ending, closed)

    def claim(self, random: Random, person: Person, at: datetime) -> "Iterator[Push]":
        """A written claim, answered by the realtor and worked off, mostly within its norm."""
        slow = person.branch.promptness
        channel = weighted(random, (("email", 0.6), ("form", 0.4)))
        contact = f"demo-claim-{at:%Y%m%d%H%M%S}-{person.number}"
        common = turns_to_us(person, contact, channel) | {"queue": "claims"}
        opening = common | {
            "from": person.email if channel == "email" else person.phone,
            "actor": "customer",
            "campaign": person.campaign,
            "touchpoint": "claim",
            "due_at": (at + timedelta(hours=CLAIM_HOURS)).isoformat(),
        }
        yield self._world.event(contact, "0", "message", at, opening)
        answers = common | {"agent": person.realtor.code, "actor": "human"}
        replied = in_hours(at) + timedelta(hours=random.lognormvariate(0.2, 0.7) * slow**0.5)
        yield self._world.event(contact, "1", "message", replied, answers)
        ends = None
        if random.random() < (0.97 if slow == 1.0 else 0.75):
            ends = replied + timedelta(hours=random.lognormvariate(1.3, 0.9) * slow)
            yield self._world.event(contact, "end", "ended", ends, common)
        yield from public.claim(
            self._world,
            person,
            contact=contact,
            channel=channel,
            at=at,
            replied=replied,
            ended=ends,
        )

    def _step(self, answer: str, step: str, reason: str, at: datetime) -> "Push":
        body = {
            "id": f"{answer}-{step}",
            "step": step,
            "reason": reason,
            "note": NOTES[reason],
            "at": at.isoformat(),
        }
        return self._world.push(at, "case_step", body, answer)


def when_awake(random: Random, at: datetime) -> datetime:
    """The same moment by day, else some time in the morning: nobody answers at night."""
    by_day = in_hours(at)
    return by_day if by_day == at else by_day + timedelta(minutes=random.expovariate(1 / 40))
