"""A year of a company's asking, in memory: the rules alone, with nothing stored."""

import heapq
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from uuid import UUID

from otklik_feedback.domain.asking.deciding import (
    Invite,
    Plan,
    Stop,
    Wait,
    Waiting,
    decide,
    stopped_early,
)
from otklik_feedback.domain.asking.invitation import (
    Invitation,
    Step,
    expires_at,
    next_reminder,
    reminded,
    told,
)
from otklik_feedback.domain.asking.programme import AskChannel, Programme, Trigger, reachable
from otklik_feedback.domain.asking.quarantine import Asked, Quarantine, Rule

NEW_YEAR = datetime(2025, 1, 1, 9, tzinfo=UTC)
TENANT = "demo2abc"


def a_programme(code: str = "after-call", **said: object) -> Programme:
    """A programme that asks everybody by text message, whenever a contact ends."""
    usual = Programme(
        code,
        UUID(int=1),
        Trigger.CONTACT_ENDED,
        (AskChannel.SMS, AskChannel.EMAIL),
        NEW_YEAR,
    )
    return replace(usual, **said)  # type: ignore[arg-type]  # names are those of the programme


@dataclass
class Year:
    """
    People who come at random, and programmes that ask them.

    Attributes:
        metrics: By code of programme.
        asked: By person, in the order of time.
        sent: (programme, person, moment, metric, channel) of every invitation.
        stopped: Rules by (programme, person).
        reminders: How many each invitation had, and whether it was finished before one.
    """

    programmes: Sequence[Programme]
    metrics: dict[str, str]
    rules: Quarantine
    people: int = 200
    every_days: float = 7
    days: int = 365
    seed: int = 1
    asked: dict[str, list[Asked]] = field(default_factory=lambda: defaultdict(list))
    sent: list[tuple[str, str, datetime]] = field(default_factory=list)
    stopped: dict[tuple[str, str], list[Rule]] = field(default_factory=lambda: defaultdict(list))
    reminders: list[tuple[int, bool]] = field(default_factory=list)
    planned: int = 0

    def run(self) -> "Year":
        """Live through it."""
        self._draw = random.Random(self.seed)
        self._number = count(1)
        self._queue: list[tuple[datetime, int, int, Callable[[datetime], None]]] = []
        self._waiting: dict[str, dict[UUID, Waiting]] = defaultdict(dict)
        for number in range(self.people):
            self._comes(f"ph1_{number:024}", NEW_YEAR)
        while self._queue:
            now, _, _, happens = heapq.heappop(self._queue)
            happens(now)
        return self

    def _at(self, moment: datetime, order: int, happens: Callable[[datetime], None]) -> None:
        heapq.heappush(self._queue, (moment, order, next(self._number), happens))

    def _comes(self, person: str, after: datetime) -> None:
        at = after + timedelta(days=self._draw.expovariate(1 / self.every_days))
        if at <= NEW_YEAR + timedelta(days=self.days):
            self._at(at, -1_000, partial(self._visit, person))

    def _visit(self, person: str, at: datetime) -> None:
        for programme in self.programmes:
            self._plan(person, programme, at + programme.delay)
        self._comes(person, at)

    def _plan(self, person: str, programme: Programme, at: datetime) -> None:
        self.planned += 1
        plan = Plan(UUID(int=next(self._number)), TENANT, person, (person,), at, at)
        early = stopped_early(plan, programme)
        if early is not None:
            self.stopped[programme.code, person].append(early.rule)
            return
        self._wait_for(plan, programme)

    def _wait_for(self, plan: Plan, programme: Programme) -> None:
        assert plan.person is not None
        self._waiting[plan.person][plan.id] = Waiting(
            plan.id,
            plan.turn_at,
            programme.priority,
            self.metrics[programme.code],
            reachable(programme.channels, plan.identifiers),
        )
        self._at(plan.turn_at, -programme.priority, partial(self._decide, plan, programme))

    def _decide(self, plan: Plan, programme: Programme, now: datetime) -> None:
        person = plan.person
        assert person is not None
        decision = decide(
            plan,
            programme,
            self.metrics[programme.code],
            rules=self.rules,
            asked=self.asked[person],
            waiting=self._waiting[person].values(),
            opted_out=False,
            now=now,
        )
        del self._waiting[person][plan.id]
        match decision:
            case Wait(until, _, _):
                self._wait_for(replace(plan, turn_at=until), programme)
            case Stop(rule, _):
                self.stopped[programme.code, person].append(rule)
            case Invite(channels):
                metric = self.metrics[programme.code]
                self.asked[person].append(Asked(plan.id, now, metric, channels[0]))
                self.sent.append((programme.code, person, now))
                self._answer(Invitation(plan.id, channels, now, _ends(now, programme)), programme)

    def _answer(self, invitation: Invitation, programme: Programme) -> None:
        invitation = replace(invitation, reminders=programme.reminders)
        done_at = invitation.invited_at + timedelta(days=self._draw.expovariate(1 / 4))
        answers = self._draw.random() < 0.5
        while (at := next_reminder(invitation)) is not None:
            if answers and done_at <= at:
                invitation = told(invitation, Step.DONE, done_at)
                continue
            self.reminders.append((invitation.reminded + 1, answers and done_at <= at))
            invitation = reminded(invitation, at)


def _ends(now: datetime, programme: Programme) -> datetime:
    return expires_at(now, programme.expires_days, "Europe/Moscow")
