"""What the agency's sales system knows of requests: who was shown what, and why others left."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from otklik.demo.agency import ZONE
from otklik.demo.people import Person, weighted

if TYPE_CHECKING:
    from otklik.demo.simulation import Push, World

REASONS = (("advice", 0.45), ("lost", 0.35), ("postponed", 0.20))
OBJECTIONS = (("expensive", 0.4), ("far", 0.25), ("small", 0.2), ("thinking", 0.15))


class Steps:
    """The steps that one day brings. They have dice of their own: nothing else depends on them."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def pushes(self, day: date) -> "Iterator[Push]":
        """Of people met in the last weeks: what they want is known, they are shown something, leave."""
        random = Random(f"{self._world.seed}/{day.isoformat()}/steps")  # noqa: S311 - a simulation
        # Whoever nobody called back is shown nothing.
        recent = [person for person in self._world.people[-1200:] if not person.missed]
        for person in random.sample(recent, min(len(recent), 110)):
            at = _by_day(random, day)
            chance = random.random()
            if chance < 0.30:
                yield self._step(person, "qualified", at)
            elif chance < 0.55:
                flat = f"flat-{random.randrange(400)}"
                yield self._step(person, "showing", at, object=flat)
            elif chance < 0.67:
                objections = sorted({weighted(random, OBJECTIONS) for _ in range(2)})
                reason = weighted(random, REASONS)
                yield self._step(person, "closed", at, reason=reason, objections=objections)

    def deal(self, person: Person, at: datetime, commission: str) -> "Iterator[Push]":
        """The person's side of a deal."""
        if not person.missed:
            more = {"deal": f"{at:%Y%m%d}-{person.number}", "currency": "RUB"}
            yield self._step(person, "deal", at, amount=commission, **more)

    def _step(self, person: Person, step: str, at: datetime, **more: Any) -> "Push":
        body: dict[str, Any] = {
            "id": f"demo-{step}-{at:%Y%m%d}-{person.number}",
            "lead": f"demo-{person.number}",
            "step": step,
            "at": at.isoformat(),
            "customer": {"phone": person.phone},
            "party": person.party,
            "branch": person.branch.code,
            "agent": person.realtor.code,
        }
        return self._world.push(at, "lead_step", body | more)


def _by_day(random: Random, day: date) -> datetime:
    midnight = datetime.combine(day, datetime.min.time(), ZONE)
    return midnight + timedelta(hours=10 + random.random() * 9)
