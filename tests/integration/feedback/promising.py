"""A company that promises something about claims and reviews, and the work that follows from it."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from otklik_common import outbox
from otklik_common.due import Due
from otklik_common.events.access import (
    Branch,
    Calendar,
    CalendarRules,
    OtherTarget,
    OtherTargetName,
    SlaPolicy,
    SlaTerms,
)
from otklik_common.events.envelope import Event, Fact
from otklik_common.events.feedback_clocks import FeedbackClock
from otklik_common.events.registry import encode
from otklik_common.ids import subject_id
from otklik_common.log.port import Record
from otklik_common.reading import ReadEvent, read
from otklik_feedback.actions.clocks import Book, settle
from otklik_feedback.actions.clocks_due import CLOCKS, Redoing, keep_policies
from otklik_feedback.domain.clock import Watched
from tests.integration.feedback.conftest import World

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
HOUR, DAY = 3_600, 86_400
NINE_TO_SIX = ("09:00-18:00",)


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)


def a_target(name: str, seconds: int, **more: Any) -> OtherTarget:
    """A promise in elapsed time, unless something else is said."""
    return OtherTarget(target=OtherTargetName(name), seconds=seconds, **{"business": False, **more})


def a_policy(*targets: OtherTarget, code: str = "care", **terms: Any) -> SlaPolicy:
    """A policy for everybody, since ever."""
    said = {"since": LONG_AGO, "priority": 10, **terms}
    return SlaPolicy(code=code, terms=(SlaTerms(other_targets=targets, **said),))


def a_calendar(code: str = "office", *, default: bool = True, day: Any = NINE_TO_SIX) -> Calendar:
    """Nine to six on every day, in UTC."""
    rules = CalendarRules(timezone="UTC", week=(day,) * 7)
    return Calendar(code=code, default=default, rules=(rules,))


class Promising:
    """Access, as feedback hears it, and the workers that follow."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.book = Book()
        self._heard = keep_policies()
        self._revision = 0

    async def hear(self, *facts: Fact, void: bool = False) -> None:
        """Facts of access come in."""
        async with self.world.worker.begin_as_worker() as tx:
            await self._heard.apply(tx, self._read(facts, void=void))

    def _read(self, facts: Iterable[Fact], *, void: bool) -> list[ReadEvent]:
        records: list[Record] = []
        for fact in facts:
            self._revision += 1
            assert isinstance(fact, SlaPolicy | Calendar | Branch)
            event = Event(
                tenant=self.world.tenant,
                subject=subject_id(self.world.tenant, fact.kind, fact.code),
                revision=self._revision,
                verb="changed",
                time=now(),
                recorded_at=now(),
                data=fact,
                void=void,
            )
            records.append(Record("otklik.access", 0, self._revision, event.key, encode(event)))
        found, unread = read(records)
        assert not unread
        return found

    async def settle(self, *matters: Watched) -> None:
        """Claims and reviews change."""
        async with self.world.api.begin(self.world.tenant) as tx:
            recorder = await outbox.recorder(tx, self.world.tenant)
            told = await settle(tx, self.world.tenant, matters, self.book, recorder=recorder)
            await recorder.append(told)

    async def redo(self) -> None:
        """Clocks are made anew until nothing is asked for."""
        redoing = Redoing(self.world.worker)
        while await redoing.step():
            pass

    async def due(self) -> None:
        """What is due now is told."""
        due = Due(self.world.worker, CLOCKS)
        while await due.step():
            pass

    async def told(self) -> list[tuple[int, str, str]]:
        """Revision, target and state of all that was told of clocks, in order; `void` for gone."""
        return [
            (one.revision, one.data.target, "void" if one.void else one.data.state.value)
            for one in await self.world.facts("feedback_clock")
        ]

    async def shown(self) -> dict[tuple[UUID, str], FeedbackClock]:
        """What every clock shows, by what it is of and its target; none that is void."""
        newest: dict[UUID, Event[Any]] = {}
        for event in await self.world.facts("feedback_clock"):
            newest[event.subject] = event
        return {
            (event.data.matter, event.data.target): event.data
            for event in newest.values()
            if not event.void
        }
