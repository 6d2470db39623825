"""Day after day of the agency's life, as what outside software would push: always the same."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any, Literal

from otklik.demo import public
from otklik.demo.agency import BRANCHES, HOURS, WEEKDAYS, ZONE, Branch, realtors
from otklik.demo.calls import Calls
from otklik.demo.deals import Deals
from otklik.demo.messages import Messages
from otklik.demo.people import Person, meet
from otklik.demo.steps import Steps

DAYS = 90
"""Length of the history before the first start."""

REQUESTS_A_DAY = 330
"""Calls, chats, forms and mails of an average day."""

Sort = Literal[
    "event",
    "agent_state",
    "answer",
    "case_step",
    "lead_step",
    "purchase",
    "return",
    "review",
    "review_reply",
    "claim",
    "claim_step",
]


@dataclass(frozen=True, slots=True, order=True)
class Push:
    """
    Something to push, and when outside software would push it.

    Attributes:
        order: Breaks ties, so that two runs agree.
        key: Id of what it belongs to: the purchase of a return, the answer behind a case.
    """

    at: datetime
    order: int
    sort: Sort
    body: Any
    key: str = ""


class World:
    """Everybody the agency knows, growing day by day."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.people: list[Person] = []
        self.staff = {
            branch.code: [one for one in realtors() if one.branch == branch.code]
            for branch in BRANCHES
        }
        self._shares = [branch.share for branch in BRANCHES]
        self._pushed = 0

    def somebody(self, random: Random) -> Person:
        """Whoever turns to the agency: mostly new, sometimes known."""
        if self.people and random.random() < 0.22:
            return self.people[-1 - int(random.random() ** 2 * min(len(self.people), 1500))]
        branch: Branch = random.choices(BRANCHES, self._shares)[0]
        person = meet(random, len(self.people) + 1, branch, self.staff[branch.code])
        self.people.append(person)
        return person

    def event(
        self, contact: str, step: str, verb: str, at: datetime, fields: Mapping[str, str | None]
    ) -> Push:
        """An event of a contact; `step` tells it from the contact's others."""
        body = {"id": f"{contact}-{step}", "type": verb, "at": at.isoformat(), **fields}
        return self.push(at, "event", body)

    def push(self, at: datetime, sort: Sort, body: Any, key: str = "") -> Push:
        """One thing to push; numbered, so that equal times keep their order."""
        self._pushed += 1
        return Push(at, self._pushed, sort, body, key)


def simulate(seed: int, begins: date, *, world: World | None = None) -> Iterator[list[Push]]:
    """
    The agency's days from `begins` on, without end.

    Yields:
        The pushes of one day, in the order in which they become known. What a day causes
        later (a call back, a deal, an answer) is among them, dated when it happens.
    """
    world = world or World(seed)
    later: list[Push] = []
    day = begins
    while True:
        random = Random(f"{seed}/{day.isoformat()}")  # noqa: S311 - a simulation, repeatable
        later += _day(random, world, day)
        later.sort()
        midnight = _moment(day + timedelta(days=1), 0)
        cut = next((i for i, push in enumerate(later) if push.at >= midnight), len(later))
        yield later[:cut]
        later = later[cut:]
        day += timedelta(days=1)


def _day(random: Random, world: World, day: date) -> list[Push]:
    flow = REQUESTS_A_DAY * WEEKDAYS[day.weekday()] * random.gauss(1.0, 0.06)
    calls, messages, deals = Calls(world), Messages(world), Deals(world)
    found: list[Push] = []
    for at in _arrivals(random, day, round(flow)):
        person = world.somebody(random)
        if random.random() < 0.72:
            calls.add(random, person, at)
        else:
            found += messages.pushes(random, person, at)
    found += calls.pushes(random, day)
    found += deals.pushes(random, day)
    found += Steps(world).pushes(day)
    found += public.reviews(world, world.seed, day)
    return found


def _arrivals(random: Random, day: date, count: int) -> list[datetime]:
    """Moments of the day when somebody turns to the agency, by the profile of its hours."""
    chosen = random.choices(range(24), HOURS, k=max(0, count))
    return sorted(_moment(day, hour) + timedelta(seconds=random.randrange(3600)) for hour in chosen)


def _moment(day: date, hour: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=ZONE)
