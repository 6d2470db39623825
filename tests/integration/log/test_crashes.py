"""
Relays and consumers of Kafka killed where those of the table are: nothing lost, nothing twice.

All other places, and what else may happen there, are in tests/integration/failpoints.
"""

import asyncio
import signal
from uuid import uuid4

import pytest

from tests.integration.log.conftest import NOW, World, heard, put, revisions
from tests.support.log_probe.probe import a_value, outbox_is_empty, seen, state_fact, until
from tests.support.log_processes import a_process

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.parametrize(
        "base", [pytest.param("kafka", marks=pytest.mark.kafka)], indirect=True, scope="session"
    ),
]


@pytest.mark.parametrize(
    "point", ["relay.deleted", pytest.param("relay.taken", marks=pytest.mark.long)]
)
async def test_a_relay_killed_anywhere_loses_nothing(world: World, point: str) -> None:
    subjects = [uuid4() for _ in range(20)]
    for _ in range(6):
        await asyncio.gather(*(state_fact(world.api, subject) for subject in subjects))
    async with a_process("relay", world.topic, world.settings, f"{point}=kill@2") as process:
        assert await asyncio.wait_for(process.wait(), 30) == -signal.SIGKILL
        assert not await outbox_is_empty(world.worker)
    async with a_process("relay", world.topic, world.settings):
        await until(lambda: outbox_is_empty(world.worker))
    found = await revisions(world)
    assert sum(map(len, found.values())) == 120
    for subject in subjects:
        assert found[subject] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    "point",
    [
        "consumer.applied",
        *(
            pytest.param(f"consumer.{at}", marks=pytest.mark.long)
            for at in ("fetched", "committed")
        ),
    ],
)
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
