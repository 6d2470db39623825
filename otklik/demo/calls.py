"""Telephone calls: queues, impatience, calls back, and what an unanswered call costs."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from otklik.demo.agency import CLOSES, OPENS, OPERATORS, ZONE
from otklik.demo.care import UNHAPPY, Care, when_awake
from otklik.demo.people import Person, comment, is_asked, score, turns_to_us
from otklik.demo.queueing import Arrival, Served, serve

if TYPE_CHECKING:
    from otklik.demo.simulation import Push, World

WRAP = timedelta(seconds=25)

PASSED_ON = 0.04
"""Share of talks that are passed on to a lawyer or a mortgage broker."""

TALKED_BEFORE = timedelta(seconds=90)
"""Nobody is passed on in a shorter talk."""
STAFFING = {"ural": (3, 2), "volga": (2, 1), "center": (1, 1)}
"""Operators on duty by region, on weekdays and at weekends: few enough that callers wait."""

LINE = "+73452000001"


class Calls:
    """The calls of one day; they are served when all are known."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._care = Care(world)
        self._waiting: dict[str, list[tuple[Arrival, Person]]] = {name: [] for name in OPERATORS}
        self._count = 0

    def add(self, random: Random, person: Person, at: datetime) -> None:
        """Somebody calls."""
        arrival = Arrival(
            at=at,
            talk=timedelta(seconds=round(random.lognormvariate(5.25, 0.6))),
            patience=timedelta(seconds=3 + round(random.expovariate(1 / 180))),
            index=self._count,
        )
        self._count += 1
        self._waiting[person.branch.region].append((arrival, person))

    def pushes(self, random: Random, day: date) -> "Iterator[Push]":
        """Everything that these calls make known, today and later."""
        for region, waiting in self._waiting.items():
            yield from self._queue(random, day, region, waiting)

    def _queue(
        self, random: Random, day: date, region: str, waiting: list[tuple[Arrival, Person]]
    ) -> "Iterator[Push]":
        on_duty = OPERATORS[region][: STAFFING[region][day.weekday() >= 5]]
        opens = datetime.combine(day, OPENS, ZONE)
        closes = datetime.combine(day, CLOSES, ZONE)
        yield from self._shifts(on_duty, opens, closes)
        open_hours = [pair for pair in waiting if opens <= pair[0].at < closes]
        served = serve([arrival for arrival, _ in open_hours], on_duty, WRAP)
        for (arrival, person), outcome in zip(open_hours, served, strict=True):
            rung = _picked_up(random, outcome)
            yield from self._call(random, day, region, arrival, person, rung)
        for arrival, person in waiting:
            if not opens <= arrival.at < closes:
                # After hours a recording says so; they listen for a while.
                listened = min(arrival.patience, timedelta(seconds=random.randrange(15, 60)))
                ends = arrival.at + listened
                gone = Served(arrival.index, None, ends, None)
                yield from self._call(random, day, region, arrival, person, gone)

    def _shifts(
        self, on_duty: tuple[str, ...], opens: datetime, closes: datetime
    ) -> "Iterator[Push]":
        for number, agent in enumerate(on_duty):
            lunch = opens + timedelta(hours=3, minutes=30 * number)
            for name, at, state in (
                ("in", opens, "available"),
                ("lunch", lunch, "break"),
                ("back", lunch + timedelta(minutes=30), "available"),
                ("out", closes, "offline"),
            ):
                body = {
                    "id": f"demo-{agent}-{opens:%Y%m%d}-{name}",
                    "agent": agent,
                    "state": state,
                    "at": at.isoformat(),
                    "queue": "sales",
                }
                yield self._world.push(at, "agent_state", body)

    def _call(
        self,
        random: Random,
        day: date,
        region: str,
        arrival: Arrival,
        person: Person,
        outcome: Served,
    ) -> "Iterator[Push]":
        contact = f"demo-call-{day:%Y%m%d}-{region}-{arrival.index}"
        common = turns_to_us(person, contact, "call") | {"queue": "sales"}
        opening = common | {
            "from": person.phone,
            "to": LINE,
            "campaign": person.campaign,
            "touchpoint": "first_contact",
        }
        yield self._world.event(contact, "queued", "queued", arrival.at, opening)
        yield self._world.event(
            contact, "assigned", "assigned", arrival.at, common | {"agent": person.realtor.code}
        )
        if outcome.answered_at is None:
            yield self._world.event(contact, "ended", "ended", outcome.ended_at, common)
            yield from self._call_back(random, person, contact, outcome.ended_at)
            return
        answered = common | {"agent": outcome.agent, "actor": "human"}
        yield self._world.event(contact, "answered", "answered", outcome.answered_at, answered)
        held = random.random() < 0.12 and (outcome.ended_at - outcome.answered_at).seconds > 60
        if held:
            begins = outcome.answered_at + timedelta(seconds=30)
            yield self._world.event(contact, "held", "held", begins, common)
            yield self._world.event(
                contact, "resumed", "resumed", begins + timedelta(seconds=20), common
            )
        talked = outcome.ended_at - outcome.answered_at
        # By dice of its own: whoever is passed on changes nothing else of the quarter.
        passed_on = Random(contact).random() < PASSED_ON  # noqa: S311 - dice of a simulation
        if talked > TALKED_BEFORE and passed_on:
            at = outcome.answered_at + talked * 2 / 3
            yield self._world.event(contact, "transferred", "transferred", at, answered)
        yield self._world.event(contact, "ended", "ended", outcome.ended_at, common)
        yield self._world.event(contact, "wrapped", "wrapped", outcome.ended_at + WRAP, common)
        waited = (outcome.answered_at - arrival.at).total_seconds()
        person.pleasure = max(-3.0, person.pleasure - (0.5 if waited > 60 else 0))
        yield from self._asked(random, person, contact, outcome)

    def _call_back(
        self, random: Random, person: Person, missed: str, since: datetime
    ) -> "Iterator[Push]":
        """Mostly somebody calls back; the slow branch does so late, or not at all."""
        slow = person.branch.promptness
        if random.random() > (0.86 if slow == 1.0 else 0.42):
            person.missed += 1
            if random.random() < 0.12:
                written = since + timedelta(hours=1 + random.expovariate(1 / 12))
                yield from self._care.claim(random, person, written)
            return
        minutes = random.lognormvariate(3.2, 0.9) * slow
        at = since + timedelta(minutes=minutes)
        if not OPENS <= at.timetz().replace(tzinfo=None) < CLOSES:
            following = at.date() + timedelta(days=1 if at.time() >= CLOSES else 0)
            at = datetime.combine(following, OPENS, ZONE) + timedelta(minutes=minutes % 55 + 2)
        contact = f"{missed}-back"
        common = {
            "contact": contact,
            "channel": "call",
            "direction": "out",
            "party": person.party,
            "branch": person.branch.code,
            "agent": person.realtor.code,
        }
        yield self._world.event(contact, "started", "started", at, common | {"to": person.phone})
        if random.random() < 0.78:
            answered = at + timedelta(seconds=9 + random.randrange(12))
            yield self._world.event(
                contact, "answered", "answered", answered, common | {"actor": "human"}
            )
            ends = answered + timedelta(seconds=round(random.lognormvariate(5.0, 0.6)))
            yield self._world.event(contact, "ended", "ended", ends, common)
        else:
            person.missed += 1
            ends = at + timedelta(seconds=30)
            yield self._world.event(
                contact, "ended", "ended", ends, common | {"outcome": "not_reached"}
            )

    def _asked(
        self, random: Random, person: Person, contact: str, outcome: Served
    ) -> "Iterator[Push]":
        points = score(random, person)
        if not is_asked(random, person, points, share=0.11):
            return
        at = when_awake(
            random, outcome.ended_at + timedelta(minutes=20 + random.expovariate(1 / 300))
        )
        values: dict[str, int | str] = {"nps": points}
        said = comment(random, points)
        if said is not None:
            values["comment"] = said
        body = {
            "id": f"demo-answer-{contact.removeprefix('demo-')}",
            "survey": "tnps",
            "at": at.isoformat(),
            "customer": {"phone": person.phone},
            "contact": contact,
            "branch": person.branch.code,
            "party": person.party,
            "touchpoint": "call",
            "values": values,
        }
        yield self._world.push(at, "answer", body)
        if points <= UNHAPPY:
            yield from self._care.calls(random, person, str(body["id"]), at)


def _picked_up(random: Random, outcome: Served) -> Served:
    """The same after some rings; shorter than what an agent does between two calls."""
    if outcome.answered_at is None:
        return outcome
    rings = timedelta(seconds=random.randrange(2, 12))
    return replace(
        outcome, answered_at=outcome.answered_at + rings, ended_at=outcome.ended_at + rings
    )
