"""Promises of the relay: what was recorded before one stands below it."""

import asyncio
import random
from datetime import datetime
from uuid import uuid4

import pytest

from otklik_common import outbox
from otklik_common.events.registry import decode
from otklik_common.log.port import Place
from tests.integration.log.conftest import World, everything
from tests.support.log_probe.probe import (
    TENANT,
    a_branch,
    a_relay,
    outbox_is_empty,
    running,
    state_fact,
    until,
)

pytestmark = pytest.mark.asyncio


async def test_a_promise_waits_for_an_open_transaction(world: World) -> None:
    relay = a_relay(world.settings, world.log, world.topic)
    async with running(relay.run):
        async with world.api.begin(TENANT) as tx:
            recorder = await outbox.recorder(tx, TENANT)
            for _ in range(6):
                await state_fact(world.api, uuid4())
                await asyncio.sleep(0.4)
                marks = await world.log.watermarks([world.topic])
                assert all(mark.time <= recorder.now for mark in marks.values())
            await recorder.append([a_branch(uuid4(), 1, recorder.now)])

        async def passed() -> bool:
            marks = await world.log.watermarks([world.topic])
            return bool(marks) and all(mark.time > recorder.now for mark in marks.values())

        await until(passed, seconds=15)


async def test_a_promise_is_never_broken(world: World) -> None:
    """With writers of every kind: what was recorded before a promise stands below it."""
    dice = random.Random(11)
    stop = asyncio.Event()

    async def write(number: int) -> None:
        subject = uuid4()
        while not stop.is_set():
            await state_fact(
                world.api, subject, hold=dice.choice((0.0, 0.01, 0.3)), early=number % 2 == 0
            )

    promises: dict[tuple[Place, datetime], int] = {}
    relay = a_relay(world.settings, world.log, world.topic, most=5)
    async with running(relay.run):
        writers = [asyncio.ensure_future(write(number)) for number in range(5)]
        for _ in range(40):
            await asyncio.sleep(0.1)
            for place, mark in (await world.log.watermarks([world.topic])).items():
                promises[place, mark.time] = mark.offset
        stop.set()
        await asyncio.gather(*writers)
        await until(lambda: outbox_is_empty(world.worker))
    assert len({moment for _, moment in promises}) >= 2
    records = await everything(world)
    assert len(records) > 50
    for record in records:
        recorded_at = decode(record.value).recorded_at
        for (place, moment), offset in promises.items():
            if place == (record.topic, record.partition) and recorded_at < moment:
                assert record.offset < offset
