"""Two lanes: what happens now comes first, imports get what is left and a fifth at most."""

import asyncio

import pytest

from otklik_common.directory import Directory
from otklik_contact_center.actions.fold import WHOLE, Done, Folder
from otklik_contact_center.actions.meters import Meters
from otklik_contact_center.domain.admission import BULK, LIVE
from otklik_contact_center.store.folding import Share
from otklik_contact_center.workers import BULK_SHARE, Folding, Lanes
from tests.integration.contact_center.conftest import World
from tests.integration.contact_center.test_folding import Pusher
from tests.unit.contact_center.builders import a_call


class Clocked(Folder):
    """A folder whose work is a stretch of time, for watching whose turn it is."""

    def __init__(self, live: list[Done]) -> None:
        self.live = live
        self.spent = {LIVE: 0.0, BULK: 0.0}
        self.order: list[int] = []

    async def fold_some(self, lane: int, most: int = 0, share: Share = WHOLE) -> Done:  # noqa: ARG002
        self.order.append(lane)
        done = Done(marks=most)
        if lane == LIVE:
            done = self.live.pop(0) if self.live else Done()
        seconds = 0.002 if done.marks else 0.0
        await asyncio.sleep(seconds)
        self.spent[lane] += seconds
        return done


@pytest.mark.asyncio
async def test_bulk_gets_a_fifth_while_live_work_waits() -> None:
    folder = Clocked([Done(marks=2000, more=True)] * 60)
    lanes = Lanes(folder, Share())
    while folder.live:
        await lanes.round()
    share = folder.spent[BULK] / sum(folder.spent.values())
    assert 0.5 * BULK_SHARE < share <= BULK_SHARE + 0.05


@pytest.mark.asyncio
async def test_bulk_has_the_rest_when_nothing_live_waits() -> None:
    folder = Clocked([Done(marks=5)] * 3)
    lanes = Lanes(folder, Share())
    for _ in range(5):
        await lanes.round()
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
    running = asyncio.create_task(Folding(folder).run(stop))
    for _ in range(200):
        if await world.latest("contact"):
            break
        await asyncio.sleep(0.02)
    stop.set()
    await asyncio.wait_for(running, 5)
    assert len(await world.latest("contact")) == 1
