"""A company that promises something, and the work that follows from it."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from otklik_common.due import Due
from otklik_common.events.access import (
    Branch,
    Calendar,
    CalendarRules,
    PauseName,
    SlaPolicy,
    SlaTarget,
    SlaTerms,
    TargetName,
)
from otklik_common.events.contact_center import SlaClock
from otklik_common.events.envelope import Event, Fact
from otklik_common.events.registry import encode
from otklik_common.ids import subject_id
from otklik_common.log.port import Record
from otklik_common.reading import ReadEvent, read
from otklik_contact_center.actions.clocks_due import CLOCKS
from otklik_contact_center.actions.due import Redoing
from otklik_contact_center.actions.fold import Folder
from otklik_contact_center.actions.policies_heard import keep_policies
from otklik_contact_center.domain.admission import BULK, LIVE
from tests.integration.contact_center.conftest import World, now

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
MINUTE, HOUR, DAY = 60, 3_600, 86_400
NINE_TO_SIX = ("09:00-18:00",)


def a_target(name: str, seconds: int, **more: Any) -> SlaTarget:
    """A promise in elapsed time, unless something else is said."""
    pauses = tuple(PauseName(one) for one in more.pop("pauses", ()))
    return SlaTarget(
        target=TargetName(name), seconds=seconds, pauses=pauses, **{"business": False, **more}
    )


def a_policy(*targets: SlaTarget, code: str = "usual", **terms: Any) -> SlaPolicy:
    """A policy for everybody, since ever."""
    said = {"since": LONG_AGO, "priority": 10, **terms}
    return SlaPolicy(code=code, terms=(SlaTerms(targets=targets, **said),))


def a_calendar(code: str = "office", *, saturday: bool = False, **more: Any) -> Calendar:
    """Nine to six on five days, or six, in UTC."""
    day = more.pop("day", NINE_TO_SIX)
    week = (day, day, day, day, day, day if saturday else (), ())
    rules = CalendarRules(timezone="UTC", week=week)
    return Calendar(code=code, default=True, rules=(rules,), **more)


class Promising:
    """Access, as the contact centre hears it, and the workers that follow."""

    def __init__(self, world: World, folder: Folder) -> None:
        self._world = world
        self._folder = folder
        self._heard = keep_policies()
        self.revision = 0

    async def hear(self, *facts: Fact, void: bool = False) -> None:
        """Facts of access come in."""
        async with self._world.worker.begin_as_worker() as tx:
            await self._heard.apply(tx, self._read(facts, void=void))

    def _read(self, facts: Iterable[Fact], *, void: bool) -> list[ReadEvent]:
        tenant = self._world.tenant
        records: list[Record] = []
        for fact in facts:
            self.revision += 1
            assert isinstance(fact, SlaPolicy | Calendar | Branch)
            event = Event(
                tenant=tenant,
                subject=subject_id(tenant, fact.kind, fact.code),
                revision=self.revision,
                verb="changed",
                time=now(),
                recorded_at=now(),
                data=fact,
                void=void,
            )
            records.append(Record("otklik.access", 0, self.revision, event.key, encode(event)))
        found, unread = read(records)
        assert not unread
        return found

    async def work(self) -> None:
        """Everything that waits is done, but for clocks that are not due."""
        redoing = Redoing(self._world.worker)
        while await redoing.step():
            pass
        for lane in (LIVE, BULK):
            while (await self._folder.fold_some(lane)).marks:
                pass

    async def due(self) -> None:
        """What is due now is told."""
        due = Due(self._world.worker, CLOCKS)
        while await due.step():
            pass


async def shown(world: World) -> list[tuple[str, str]]:
    """Target and state of every clock."""
    found = (await world.latest("sla_clock")).values()
    return sorted((one.target, one.state.value) for one in found)


async def one(world: World, target: str) -> SlaClock:
    """The only clock of a target."""
    (found,) = [c for c in (await world.latest("sla_clock")).values() if c.target == target]
    assert isinstance(found, SlaClock)
    return found
