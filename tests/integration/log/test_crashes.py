"""Writers, relays and consumers broken off at every place: nothing lost, nothing counted twice."""

import asyncio
import signal
from uuid import uuid4

import pytest

from otklik_common.failpoints import failpoints
from tests.integration.log.conftest import NOW, World, heard, put, revisions
from tests.support.log_probe.probe import a_value, outbox_is_empty, seen, state_fact, until
from tests.support.log_processes import a_process

pytestmark = pytest.mark.asyncio

RELAY_POINTS = ["relay.taken", "relay.sent", "relay.deleted"]
CONSUMER_POINTS = ["consumer.fetched", "consumer.applied", "consumer.committed"]
OUTBOX_POINTS = ["outbox.before_append", "outbox.after_append"]


async def test_every_place_of_a_crash_has_its_test() -> None:
    mine = {name for name in failpoints() if name.split(".")[0] in {"outbox", "relay", "consumer"}}
    assert mine == {*RELAY_POINTS, *CONSUMER_POINTS, *OUTBOX_POINTS}


@pytest.mark.parametrize("point", OUTBOX_POINTS)
async def test_a_writer_that_breaks_off_has_said_nothing(world: World, point: str) -> None:
    armed = failpoints()[point]
    armed.arm("raise")
    try:
        with pytest.raises(Exception, match=point):
            await state_fact(world.api, uuid4())
    finally:
        armed.disarm()
    assert await outbox_is_empty(world.worker)
    assert await world.admin.fetchval("SELECT count(*) FROM probe.subject") == 0


@pytest.mark.parametrize("point", RELAY_POINTS)
async def test_a_relay_killed_anywhere_loses_nothing(world: World, point: str) -> None:
    subjects = [uuid4() for _ in range(20)]
    for _ in range(6):
        await asyncio.gather(*(state_fact(world.api, subject) for subject in subjects))
    async with a_process("relay", world.topic, world.settings, f"{point}=kill@2") as process:
        if point == "relay.sent" and world.settings.log == "table":
            # The table log keeps and deletes in one step: this place does not exist there.
            await until(lambda: outbox_is_empty(world.worker))
        else:
            assert await asyncio.wait_for(process.wait(), 30) == -signal.SIGKILL
            assert not await outbox_is_empty(world.worker)
    async with a_process("relay", world.topic, world.settings):
        await until(lambda: outbox_is_empty(world.worker))
    found = await revisions(world)
    total = sum(map(len, found.values()))
    twice = point == "relay.sent" and world.settings.log == "kafka"
    assert total == 120 + (50 if twice else 0)
    for subject in subjects:
        # The first time each is heard of, it is in order.
        assert sorted(set(found[subject]), key=found[subject].index) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("point", CONSUMER_POINTS)
async def test_a_consumer_killed_anywhere_counts_once(world: World, point: str) -> None:
    subjects = [uuid4() for _ in range(10)]
    await put(world, [a_value(subject, n, NOW) for n in range(1, 31) for subject in subjects])
    async with a_process("consumer", world.topic, world.settings, f"{point}=kill@3") as process:
        assert await asyncio.wait_for(process.wait(), 30) == -signal.SIGKILL
    assert 0 < len(await seen(world.worker, world.topic)) < 300
    async with a_process("consumer", world.topic, world.settings):
        await heard(world, 300)
        await asyncio.sleep(0.3)
    rows = await seen(world.worker, world.topic)
    assert len(rows) == len({(partition, offset) for _, _, partition, offset in rows}) == 300
