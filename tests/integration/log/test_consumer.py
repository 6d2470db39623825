"""From the log to an effect: soon, once, in order, from where the consumer was."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from uuid import uuid4

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import consumer as module
from otklik_common.consumer import Consumer, ReadEvent
from otklik_common.log import open_log
from otklik_common.log.port import LogNotReadyError, Place
from tests.integration.log.conftest import NOW, World, heard, positions, put
from tests.support.log_probe.probe import (
    Seen,
    a_consumer,
    a_relay,
    a_value,
    fresh_topic,
    group_of,
    running,
    seen,
    state_fact,
    until,
)

pytestmark = pytest.mark.asyncio


async def test_a_fact_comes_through_soon(world: World) -> None:
    relay = a_relay(world.settings, world.log, world.topic)
    consumer = a_consumer(world.worker, world.log, world.topic, Seen())
    async with running(relay.run, consumer.run):
        await state_fact(world.api, uuid4())
        await heard(world, 1)
        began = time.monotonic()
        await state_fact(world.api, uuid4())
        await heard(world, 2)
        assert time.monotonic() - began < 2
        await relay.check()
        await consumer.check()


async def test_a_consumer_goes_on_where_it_was(world: World) -> None:
    subject = uuid4()
    for first in (0, 30):
        await put(world, [a_value(subject, first + n, NOW) for n in range(1, 31)])
        consumer = a_consumer(world.worker, world.log, world.topic, Seen(), max_records=7)
        async with running(consumer.run):
            await heard(world, first + 30)
    rows = await seen(world.worker, world.topic)
    assert [revision for _, revision, _, _ in rows] == list(range(1, 61))
    assert list((await positions(world)).values()) == [60]


class Gated(Seen):
    """Notes how large batches are; the first one ends when it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []
        self.begun = asyncio.Event()
        self.let_go = asyncio.Event()

    async def apply(self, tx: AsyncConnection, events: Sequence[ReadEvent]) -> None:
        self.sizes.append(len(events))
        self.begun.set()
        await self.let_go.wait()
        await super().apply(tx, events)


@pytest.mark.parametrize("base", ["table"], indirect=True)
@pytest.mark.parametrize(("ahead", "sizes"), [(2, [1, 2]), (1, [1, 1, 1])])
async def test_what_comes_behind_a_small_batch_waits_for_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch, ahead: int, sizes: list[int]
) -> None:
    # A client of Kafka reads ahead by itself, one answer of the broker.
    monkeypatch.setattr(module, "AHEAD_RECORDS", ahead)
    handler, subject = Gated(), uuid4()
    consumer = a_consumer(world.worker, world.log, world.topic, handler)
    await put(world, [a_value(subject, 1, NOW)])
    async with running(consumer.run):
        await asyncio.wait_for(handler.begun.wait(), 30)
        for revision in (2, 3):
            await put(world, [a_value(subject, revision, NOW)])
            await asyncio.sleep(0.7)
        handler.let_go.set()
        await heard(world, 3)
    assert handler.sizes == sizes


async def test_room_is_what_is_taken_in_soon_without_what_waits(world: World) -> None:
    handler, subject = Gated(), uuid4()
    consumer = a_consumer(world.worker, world.log, world.topic, handler)

    async def room(least: int) -> int:
        return consumer.room(await world.log.ends([world.topic]), seconds=0, least=least)

    await put(world, [a_value(subject, n, NOW) for n in range(1, 5)])
    async with running(consumer.run):
        await asyncio.wait_for(handler.begun.wait(), 30)
        assert await room(100) == 96
        assert await room(0) == -4
        handler.let_go.set()
        await heard(world, 4)
        await until_equal(100, lambda: room(100))
        ends = await world.log.ends([world.topic])
        assert consumer.room(ends, seconds=3_600, least=0) > 4


async def until_equal(wanted: int, ask: Callable[[], Awaitable[int]]) -> None:
    """Wait for an answer."""

    async def is_wanted() -> bool:
        return await ask() == wanted

    await until(is_wanted)


async def test_two_replicas_count_once(world: World) -> None:
    settings = [world.settings.model_copy(update={"instance": name}) for name in "ab"]
    logs = [open_log(each) for each in settings]
    consumers = [a_consumer(world.worker, log, world.topic, Seen(), max_records=11) for log in logs]
    subjects = [uuid4() for _ in range(40)]
    async with running(*(consumer.run for consumer in consumers)):
        for n in range(1, 11):
            await put(world, [a_value(subject, n, NOW) for subject in subjects])
        await heard(world, 400, seconds=60)
        await asyncio.sleep(0.5)
    for log in logs:
        await log.close()
    rows = await seen(world.worker, world.topic)
    assert len(rows) == len({(partition, offset) for _, _, partition, offset in rows}) == 400
    for subject in subjects:
        assert [n for who, n, _, _ in rows if who == subject] == list(range(1, 11))


async def test_a_position_set_back_is_read_again_from_there(world: World) -> None:
    subject = uuid4()
    await put(world, [a_value(subject, n, NOW) for n in range(1, 11)])
    consumer = a_consumer(world.worker, world.log, world.topic, Seen())
    async with running(consumer.run):
        await heard(world, 10)
        # As when the database is restored under a consumer that runs.
        await world.admin.execute(
            "UPDATE probe.positions SET next = 4 WHERE topic = $1 AND next = 10", world.topic
        )
        await put(world, [a_value(subject, 11, NOW)])
        await heard(world, 17)
        await asyncio.sleep(0.2)
    found = [revision for _, revision, _, _ in await seen(world.worker, world.topic)]
    assert found == [*range(1, 11), *range(5, 12)]


async def test_a_consumer_without_its_topic_is_red_and_goes_on_when_it_comes(world: World) -> None:
    missing = fresh_topic()
    consumer = a_consumer(world.worker, world.log, missing, Seen())
    async with running(consumer.run):

        async def red() -> bool:
            try:
                await consumer.check()
            except LogNotReadyError as said:
                return f"{missing} is missing" in str(said)
            return False

        await until(red)
        await world.log.ensure_topics([missing])
        await put(
            replace(world, topic=missing),
            [a_value(uuid4(), 1, NOW)],
        )

        async def came() -> bool:
            return len(await seen(world.worker, missing)) == 1

        await until(came)
        await consumer.check()


async def test_a_handler_hears_how_far_it_is(world: World) -> None:
    told: list[Mapping[Place, int]] = []

    class Listening(Seen):
        async def caught_up(self, positions: Mapping[Place, int]) -> None:
            told.append(dict(positions))

    registry = CollectorRegistry()
    await put(world, [a_value(uuid4(), 1, NOW) for _ in range(20)])
    consumer = Consumer(
        group_of(world.topic),
        [world.topic],
        Listening(),
        world.worker,
        world.log,
        registry=registry,
    )
    async with running(consumer.run):
        await heard(world, 20)

        async def all_told() -> bool:
            return bool(told) and sum(told[-1].values()) == 20

        await until(all_told)
        assert set(told[-1]) == {(world.topic, n) for n in range(world.log.partitions)}
        labels = {"consumer": group_of(world.topic)}
        assert registry.get_sample_value("otklik_consumer_records_total", labels) == 20
        assert registry.get_sample_value("otklik_consumer_lag_records", labels) == 0
