"""Deals and what follows: the survey after the deal, returns, and who never came back."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from otklik.demo.agency import FORCES, TRUTHS, ZONE
from otklik.demo.care import UNHAPPY, Care, when_awake
from otklik.demo.people import Person, comment, is_asked, score
from otklik.demo.steps import Steps

if TYPE_CHECKING:
    from otklik.demo.simulation import Push, World

CHANCE = 0.035
"""Chance that somebody who turned to the agency makes a deal, if nothing goes wrong."""

VERY_UNHAPPY = 4
"""The highest score from 0 to 10 of those who write a claim."""


class Deals:
    """The deals that one day closes."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._care = Care(world)
        self._steps = Steps(world)

    def pushes(self, random: Random, day: date) -> "Iterator[Push]":
        """Deals of people met in the last weeks, with the answers and returns that follow."""
        recent = self._world.people[-2500:]
        for person in random.sample(recent, min(len(recent), 260)):
            chance = CHANCE * (TRUTHS.missed_deal_factor if person.missed else 1.0)
            if random.random() < chance:
                yield from self._deal(random, day, person)

    def _deal(self, random: Random, day: date, person: Person) -> "Iterator[Push]":
        at = datetime.combine(day, datetime.min.time(), ZONE) + timedelta(
            hours=10 + random.random() * 8
        )
        key = f"demo-deal-{day:%Y%m%d}-{person.number}"
        commission = round(random.lognormvariate(10.9, 0.35), -2)
        lines = [
            {
                "id": "1",
                "product": "commission",
                "category": person.party,
                "quantity": 1,
                "amount": f"{commission:.2f}",
            }
        ]
        if random.random() < 0.3:
            lines.append(
                {
                    "id": "2",
                    "product": "legal-check",
                    "category": "service",
                    "quantity": 1,
                    "amount": "9000.00",
                }
            )
        body: dict[str, Any] = {
            "id": key,
            "customer": {"phone": person.phone, "external_id": person.external_id},
            "at": at.isoformat(),
            "branch": person.branch.code,
            "currency": "RUB",
            "origin": "sale",
            "lines": lines,
        }
        yield self._world.push(at, "purchase", body)
        yield from self._steps.deal(person, at, f"{commission:.2f}")
        if len(lines) > 1 and random.random() < 0.12:
            returned = at + timedelta(days=3 + random.random() * 9)
            back = {"id": f"{key}-return", "at": returned.isoformat(), "lines": [{"id": "2"}]}
            yield self._world.push(returned, "return", back, key)
        points = score(random, person)
        yield from self._asked(random, person, key, at, points)
        if points <= VERY_UNHAPPY and random.random() < 0.5:
            written = at + timedelta(days=1 + random.expovariate(1 / 4))
            yield from self._care.claim(random, person, written)

    def _asked(
        self, random: Random, person: Person, key: str, at: datetime, points: int
    ) -> "Iterator[Push]":
        if not is_asked(random, person, points, share=0.6):
            return
        asked = when_awake(random, at + timedelta(days=1, minutes=random.expovariate(1 / 600)))
        values: dict[str, Any] = {"nps": points, **person.forces}
        said = comment(random, points)
        if said is not None:
            values["comment"] = said
        answer = self._answer(person, key, "forces", asked, values)
        yield self._world.push(asked, "answer", answer)
        if points <= UNHAPPY:
            yield from self._care.calls(random, person, answer["id"], asked)
        satisfied = min(5, max(1, round(points / 2 + random.gauss(0.1, 0.4))))
        csi = {
            name: min(5, max(1, satisfied + random.choice((-1, 0, 0, 1))))
            for name in ("speed", "clarity", "result", "politeness")
        }
        yield self._world.push(asked, "answer", self._answer(person, key, "csi", asked, csi))

    def _answer(
        self, person: Person, key: str, survey: str, at: datetime, values: dict[str, Any]
    ) -> dict[str, Any]:
        return {
            "id": f"demo-{survey}-{key.removeprefix('demo-')}",
            "survey": survey,
            "at": at.isoformat(),
            "customer": {"phone": person.phone, "external_id": person.external_id},
            "branch": person.branch.code,
            "agent": person.realtor.code,
            "party": person.party,
            "touchpoint": "deal",
            "values": values,
        }


assert set(FORCES) >= {TRUTHS.driver_force, TRUTHS.barrier_force, TRUTHS.null_force}
