"""Two lanes: what happens now comes first, imports get what is left and a fifth at most."""

import asyncio
from collections.abc import Callable

import asyncpg
import pytest
from prometheus_client import CollectorRegistry

from otklik_common.directory import Directory
from otklik_common.watchdog import Watchdog
from otklik_contact_center import workers
from otklik_contact_center.actions import headroom
from otklik_contact_center.actions.fold import MOST_MARKS, WHOLE, Done, Folder, Whose
from otklik_contact_center.actions.headroom import LEAST_MARKS, Headroom, Served, unread
from otklik_contact_center.actions.meters import Meters
from otklik_contact_center.domain.admission import BULK, LIVE
from otklik_contact_center.store.folding import Share
from otklik_contact_center.workers import BULK_SHARE, Folding, Lanes
from tests.integration.contact_center.conftest import Pusher, World
from tests.unit.contact_center.builders import a_call


class Clocked(Folder):
    """A folder whose work is a stretch of time; all that waits is of companies with much."""

    def __init__(self, live: list[Done]) -> None:
        self.live = live
        self.spent = {LIVE: 0.0, BULK: 0.0}
        self.order: list[int] = []
        self.sizes: list[int] = []

    async def fold_some(
        self,
        lane: int,
        most: int = 0,
        share: Share = WHOLE,  # noqa: ARG002 - the one hand gets all
        whose: Whose = Whose.ALL,
        *,
        ended: Callable[[], None] | None = None,
    ) -> Done:
        if ended is not None:
            ended()
        if whose is Whose.LITTLE:
            return Done()
        self.order.append(lane)
        self.sizes.append(most)
        done = Done(marks=most)
        if lane == LIVE:
            done = self.live.pop(0) if self.live else Done()
        seconds = 0.002 if done.marks else 0.0
        await asyncio.sleep(seconds)
        self.spent[lane] += seconds
        return done


def one_hand(folder: Folder) -> Lanes:
    """A hand that has all to itself: nobody comes behind."""
    served = Served()
    alone = Headroom(unread, folder.outbox, served, hands=1)
    return Lanes(folder, Share(), served, headroom=alone)


@pytest.mark.asyncio
async def test_bulk_gets_a_fifth_while_live_work_waits() -> None:
    folder = Clocked([Done(marks=2000, more=True)] * 60)
    lanes = one_hand(folder)
    while folder.live:
        await lanes.round(asyncio.Event())
    share = folder.spent[BULK] / sum(folder.spent.values())
    assert 0.5 * BULK_SHARE < share <= BULK_SHARE + 0.05


@pytest.mark.asyncio
async def test_bulk_has_the_rest_when_nothing_live_waits() -> None:
    folder = Clocked([Done(marks=5)] * 3)
    lanes = one_hand(folder)
    for _ in range(5):
        await lanes.round(asyncio.Event())
    assert folder.order == [LIVE, BULK] * 5


@pytest.mark.asyncio
async def test_the_worker_folds_until_told_to_stop(world: World) -> None:
    folder = Folder(
        world.worker,
        Directory(world.api),
        sealer=world.sealer,
        pseudonyms=world.pseudonyms,
        meters=Meters(None),
    )
    await Pusher(world).push(*a_call())
    stop = asyncio.Event()
    running = asyncio.create_task(Folding(folder, Watchdog()).run(stop))
    for _ in range(200):
        if await world.latest("contact"):
            break
        await asyncio.sleep(0.02)
    stop.set()
    await asyncio.wait_for(running, 5)
    assert len(await world.latest("contact")) == 1


class Held(Clocked):
    """
    A folder that has much waiting for ever, and notes whose work it is asked to do.

    Of companies with little, `little` comes first if there is any.
    """

    def __init__(self, little: str | None) -> None:
        super().__init__([])
        self.little = little
        self.whose: list[Whose] = []

    async def fold_some(
        self,
        lane: int,
        most: int = 0,
        share: Share = WHOLE,
        whose: Whose = Whose.ALL,
        *,
        ended: Callable[[], None] | None = None,
    ) -> Done:
        if lane == LIVE:
            self.whose.append(whose)
        if whose is Whose.LITTLE and self.little:
            await asyncio.sleep(0.002)
            return Done(marks=1, companies=frozenset({self.little}))
        self.live = [Done(marks=1, companies=frozenset({"much"}))]
        return await super().fold_some(lane, most, share, whose, ended=ended)

    async def outbox(self) -> int:
        return 0

    async def note_backlogs(self) -> None:
        """Nobody to note."""

    async def show_what_waits(self) -> None:
        """Nothing to show."""


async def folded_while(room: int, seconds: float, *, little: str | None = "little") -> Held:
    """What was folded while consumers had room for so many facts, beside another or alone."""
    folder, stop = Held(little), asyncio.Event()

    async def steady(*, seconds: float, least: int) -> int:
        del seconds, least
        return room

    running = asyncio.create_task(Folding(folder, Watchdog(), steady).run(stop))
    await asyncio.sleep(seconds)
    stop.set()
    await running
    return folder


@pytest.mark.asyncio
async def test_companies_with_much_waiting_are_held_while_there_is_no_room() -> None:
    folder = await folded_while(0, 0.5)
    # Who began before anybody else came is not stopped halfway.
    assert folder.whose.count(Whose.LITTLE) > 20
    assert Whose.MUCH not in folder.whose[10:]


@pytest.mark.asyncio
async def test_a_consumer_that_gets_nowhere_slows_folding_and_never_stops_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(headroom, "HOLD_SECONDS", 0.1)
    monkeypatch.setattr(headroom, "LOOK_SECONDS", 0.02)
    folder = await folded_while(0, 0.5)
    assert Whose.MUCH in folder.whose[10:]
    assert set(folder.sizes[10:]) == {LEAST_MARKS}


@pytest.mark.asyncio
@pytest.mark.parametrize("little", [None, "much"])
async def test_a_company_alone_is_held_by_nobody_not_by_itself_either(little: str | None) -> None:
    folder = await folded_while(0, 0.3, little=little)
    assert folder.whose.count(Whose.MUCH) > 10
    assert max(folder.sizes) == MOST_MARKS
    # Who has never been seen is looked at with care, once by each hand.
    assert LEAST_MARKS not in folder.sizes[2 * workers.HANDS :]


class Breaking(Clocked):
    """A folder whose database is away at first, and then is not what it should be."""

    def __init__(self, faults: list[Exception]) -> None:
        super().__init__([])
        self.faults = faults

    async def fold_some(
        self,
        lane: int,
        most: int = 0,
        share: Share = WHOLE,
        whose: Whose = Whose.ALL,
        *,
        ended: Callable[[], None] | None = None,
    ) -> Done:
        if self.faults and whose is not Whose.LITTLE:
            self.sizes.append(most)
            raise self.faults.pop(0)
        return await super().fold_some(lane, most, share, whose, ended=ended)

    async def outbox(self) -> int:
        return 0

    async def note_backlogs(self) -> None:
        """Nobody to note."""

    async def show_what_waits(self) -> None:
        """Nothing to show."""


@pytest.mark.asyncio
async def test_a_database_that_is_away_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "BROKEN_PAUSE", 0.01)
    folder = Breaking([ConnectionResetError(), asyncpg.InterfaceError("closed")])
    stop = asyncio.Event()
    running = asyncio.create_task(Folding(folder, Watchdog()).run(stop))
    for _ in range(500):
        await asyncio.sleep(0.01)
        if BULK in folder.order:
            break
    stop.set()
    await running
    assert folder.faults == []
    assert BULK in folder.order


@pytest.mark.asyncio
async def test_what_took_too_long_is_folded_in_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "BROKEN_PAUSE", 0.01)
    monkeypatch.setattr(workers, "HANDS", 1)
    folder = Breaking([asyncpg.QueryCanceledError(), asyncpg.QueryCanceledError()])
    folder.live = [Done(marks=500, more=True)] * 4
    stop = asyncio.Event()
    running = asyncio.create_task(Folding(folder, Watchdog()).run(stop))
    for _ in range(500):
        await asyncio.sleep(0.01)
        if not folder.live:
            break
    stop.set()
    await running
    assert folder.sizes[:3] == [MOST_MARKS, MOST_MARKS // 2, MOST_MARKS // 4]
    assert max(folder.sizes[3:]) == MOST_MARKS


@pytest.mark.asyncio
async def test_a_fault_of_ours_ends_the_process() -> None:
    with pytest.raises(ExceptionGroup) as ended:
        await Folding(Breaking([KeyError("x")]), Watchdog()).run(asyncio.Event())
    assert ended.group_contains(KeyError)


@pytest.mark.asyncio
async def test_what_waits_to_be_folded_grows_older_until_it_is(world: World) -> None:
    registry = CollectorRegistry()
    folder = Folder(
        world.worker,
        Directory(world.api),
        sealer=world.sealer,
        pseudonyms=world.pseudonyms,
        meters=Meters(registry),
    )

    def age(lane: str) -> float | None:
        return registry.get_sample_value("otklik_contact_center_unfolded_seconds", {"lane": lane})

    await world.admin.execute("DELETE FROM contact_center.dirty")
    # Of a day long past, so they are in the lane of imports.
    await Pusher(world).push(*a_call())
    await world.admin.execute(
        "UPDATE contact_center.dirty SET marked_at = marked_at - interval '90 seconds'"
    )
    await Pusher(world).push(*a_call())
    await folder.show_what_waits()
    first = age("bulk")
    assert first is not None
    assert 90 <= first < 120
    assert age("live") == 0
    await asyncio.sleep(0.05)
    assert (age("bulk") or 0) > first

    while (await folder.fold_some(BULK)).marks:
        pass
    await folder.show_what_waits()
    assert age("bulk") == 0
