"""From the outbox to the log: in order for each key, nothing passed over, whoever relays."""

import asyncio
import random
from uuid import UUID, uuid4

import pytest

from otklik_common import outbox
from otklik_common.log.port import LogNotReadyError
from otklik_common.relay import LOCK_SPACE
from tests.integration.log.conftest import World, break_off, revisions
from tests.support.log_probe.probe import (
    TENANT,
    a_branch,
    a_relay,
    fresh_topic,
    outbox_is_empty,
    running,
    state_fact,
    until,
)

pytestmark = pytest.mark.asyncio


async def test_each_key_keeps_its_order_whatever_writers_and_relays_do(world: World) -> None:
    subjects = [uuid4() for _ in range(5)]
    wanted: dict[UUID, int] = dict.fromkeys(subjects, 0)
    dice = random.Random(7)

    async def write(number: int) -> None:
        for _ in range(25):
            subject = dice.choice(subjects)
            hold = dice.choice((0.0, 0.0, 0.005, 0.02))
            if dice.random() < 0.1:
                await break_off(world, subject)
            await state_fact(world.api, subject, hold=hold, early=number % 2 == 0)
            wanted[subject] += 1

    first = a_relay(world.settings, world.log, world.topic, most=7)
    second = a_relay(world.settings, world.log, world.topic, most=7)
    async with running(first.run, second.run):
        await asyncio.gather(*(write(number) for number in range(6)))
        await until(lambda: outbox_is_empty(world.worker))
        await first.check()
        await second.check()
    assert await revisions(world) == {
        subject: list(range(1, count + 1)) for subject, count in wanted.items()
    }


async def test_a_row_that_commits_late_is_not_skipped(world: World) -> None:
    late, early = uuid4(), uuid4()
    relay = a_relay(world.settings, world.log, world.topic)
    async with running(relay.run):
        async with world.api.begin(TENANT) as tx:
            recorder = await outbox.recorder(tx, TENANT)
            await recorder.append([a_branch(late, 1, recorder.now)])
            for _ in range(3):
                await state_fact(world.api, early)
            await until(lambda: outbox_is_empty(world.worker))
            assert set(await revisions(world)) == {early}
        await until(lambda: outbox_is_empty(world.worker))

        async def both() -> bool:
            return set(await revisions(world)) == {early, late}

        await until(both)


async def test_a_standby_takes_over_from_a_relay_that_lost_its_session(world: World) -> None:
    first = a_relay(world.settings, world.log, world.topic)
    second = a_relay(world.settings, world.log, world.topic)
    subject = uuid4()
    async with running(first.run, second.run):
        for _ in range(3):
            await state_fact(world.api, subject)
            await until(lambda: outbox_is_empty(world.worker))
            holders = await world.admin.fetch(
                "SELECT pid, pg_terminate_backend(pid) FROM pg_locks"
                " WHERE locktype = 'advisory' AND granted AND classid = $1"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
                LOCK_SPACE,
            )
            assert len(holders) == 1
        await state_fact(world.api, subject)
        await until(lambda: outbox_is_empty(world.worker))
    assert (await revisions(world))[subject] == [1, 2, 3, 4]


async def test_without_its_topic_a_relay_is_red_and_keeps_everything(world: World) -> None:
    missing = fresh_topic()
    relay = a_relay(world.settings, world.log, missing)
    await state_fact(world.api, uuid4())
    async with running(relay.run):

        async def red() -> bool:
            try:
                await relay.check()
            except LogNotReadyError as said:
                return f"{missing} is missing" in str(said)
            return False

        await until(red)
        assert not await outbox_is_empty(world.worker)
        await world.log.ensure_topics([missing])
        await until(lambda: outbox_is_empty(world.worker))
        await relay.check()
