"""Customers of the agency: who they are, how pleased they become, how they answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from otklik.demo.agency import CAMPAIGNS, FORCES, TRUTHS, Branch, Realtor

_BUYERS = 0.68


@dataclass(slots=True)
class Person:
    """
    A customer in the making.

    Attributes:
        pleasure: Sum of what happened to them, in points of the 0–10 scale.
        missed: How many of their calls nobody answered and nobody called back.
    """

    number: int
    phone: str
    party: str
    branch: Branch
    realtor: Realtor
    campaign: str
    pleasure: float = 0.0
    missed: int = 0
    forces: dict[str, int] = field(default_factory=dict)

    @property
    def email(self) -> str:
        """An address at a domain that can never exist."""
        return f"customer{self.number}@demo.invalid"

    @property
    def external_id(self) -> str:
        """Their number in the agency's own books."""
        return f"demo-{self.number}"


def turns_to_us(person: Person, contact: str, channel: str) -> dict[str, str]:
    """What every event of a contact says that a customer begins."""
    return {
        "contact": contact,
        "channel": channel,
        "direction": "in",
        "party": person.party,
        "branch": person.branch.code,
    }


def weighted(random: Random, choices: Sequence[tuple[str, float]]) -> str:
    """One of the names, as often as its weight says."""
    return random.choices([name for name, _ in choices], [weight for _, weight in choices])[0]


def meet(random: Random, number: int, branch: Branch, staff: list[Realtor]) -> Person:
    """A new customer of a branch."""
    person = Person(
        number=number,
        phone=f"+7000{number:07d}",
        party="buyer" if random.random() < _BUYERS else "seller",
        branch=branch,
        realtor=random.choice(staff),
        campaign=weighted(random, CAMPAIGNS),
    )
    for force in FORCES:
        person.forces[force] = min(7, max(1, round(random.gauss(5.1, 1.2))))
    return person


def score(random: Random, person: Person) -> int:
    """
    Their answer from 0 to 10 to "would you recommend us".

    The planted truths act here: one force on both sides, one only when low, one not at all;
    the bad advert and unanswered calls cost points.
    """
    fair = person.forces[TRUTHS.driver_force] - 5
    unclear = max(0, 4 - person.forces[TRUTHS.barrier_force])
    promised_too_much = 2.6 if person.campaign == TRUTHS.bad_campaign else 0.0
    felt = (
        8.2
        + 0.9 * fair
        - 1.5 * unclear
        - promised_too_much
        - 1.6 * person.missed
        + person.pleasure
        + random.gauss(0, 1.3)
    )
    return min(10, max(0, round(felt)))


def is_asked(random: Random, person: Person, likely: int, *, share: float) -> bool:
    """Whether they are asked at all; one realtor sees to it that only the happy are."""
    if person.realtor.code == TRUTHS.cherry_picker and likely < 8:
        return random.random() < 0.06 * share
    return random.random() < share


COMMENTS = {
    "low": (
        "Никто не перезвонил, пришлось искать другое агентство",
        "Обещали одно, получилось другое",
        "Ждал ответа два дня",
        "Непонятно, за что платим",
    ),
    "middle": ("В целом нормально", "Хотелось бы быстрее", "Без особой инициативы"),
    "high": (
        "Спасибо, всё честно и быстро",
        "Всегда на связи, всё объяснили",
        "Помогли больше, чем ожидали",
    ),
}


def comment(random: Random, points: int) -> str | None:
    """What they write beside the score, if anything."""
    if random.random() < 0.55:
        return None
    mood = "low" if points <= 6 else "middle" if points <= 8 else "high"
    return random.choice(COMMENTS[mood])
