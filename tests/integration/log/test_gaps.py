"""Records or a whole topic are gone: red within 30 s, nothing skipped, on when somebody says so."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest

from otklik_common.consumer import Consumer
from otklik_common.gaps import go_on, standings
from otklik_common.log.kafka import KafkaLog
from otklik_common.log.port import LogNotReadyError
from otklik_common.log.table import TableLog
from tests.integration.log.conftest import NOW, World, heard, positions, put
from tests.support.log_probe.probe import (
    Seen,
    a_consumer,
    a_relay,
    a_value,
    fresh_topic,
    group_of,
    outbox_is_empty,
    running,
    seen,
    state_fact,
    until,
)
from tests.support.log_worlds import KafkaWorld, LogWorld, TableWorld

pytestmark = pytest.mark.asyncio

RED_SECONDS = 30


def misfortunes(world: World) -> LogWorld:
    """What can happen to this log."""
    if isinstance(world.log, KafkaLog):
        return KafkaWorld(world.log, world.settings.kafka_bootstrap)
    assert isinstance(world.log, TableLog)
    return TableWorld(world.log, world.admin)


async def made_anew(world: World) -> None:
    """As an operator would after the topic was lost; a broker forgets the old one after a while."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await world.log.ensure_topics([world.topic])
            except LogNotReadyError:
                await asyncio.sleep(0.2)


async def red(check: Callable[[], Awaitable[None]], *words: str) -> None:
    """Wait until readiness fails in these words; then it stays so."""

    async def fails() -> bool:
        try:
            await check()
        except LogNotReadyError as said:
            return all(word in str(said) for word in words)
        return False

    await until(fails, seconds=RED_SECONDS)


async def test_a_topic_that_is_lost_and_made_anew_is_waited_for(world: World) -> None:
    subject = uuid4()
    await put(world, [a_value(subject, n, NOW) for n in range(1, 31)])
    consumer = a_consumer(world.worker, world.log, world.topic, Seen())
    async with running(consumer.run):
        await heard(world, 30)
        held = await positions(world)
        ((partition, following),) = held.items()
        await misfortunes(world).drop_topic(world.topic)
        await red(consumer.check, f"topic {world.topic} is missing", "`otklik migrate`")
        await made_anew(world)
        place = f"{world.topic}/{partition} lacks record {following}"
        await red(consumer.check, place, "`otklik positions go-on`")
        await put(world, [a_value(subject, n, NOW) for n in range(31, 36)])
        await asyncio.sleep(3)
        await red(consumer.check, place)
        assert await positions(world) == held
        assert len(await seen(world.worker, world.topic)) == 30

        lacking = [
            one for one in await standings(world.worker, world.log, [world.topic]) if one.lacks
        ]
        assert [(one.partition, one.next, one.first) for one in lacking] == [(partition, 30, 0)]
        assert [one.next for one in await go_on(world.worker, world.log, lacking)] == [0]
        await heard(world, 35)
        await until_green(consumer)
    found = [revision for _, revision, _, _ in await seen(world.worker, world.topic)]
    assert found == list(range(1, 36))


async def until_green(consumer: Consumer) -> None:
    async def well() -> bool:
        try:
            await consumer.check()
        except LogNotReadyError:
            return False
        return True

    await until(well)


async def test_records_deleted_before_the_position_stop_a_consumer_that_runs(world: World) -> None:
    subject = uuid4()
    await put(world, [a_value(subject, n, NOW) for n in range(1, 11)])
    consumer = a_consumer(world.worker, world.log, world.topic, Seen())
    async with running(consumer.run):
        await heard(world, 10)
        ((partition, _),) = (await positions(world)).items()
        await misfortunes(world).forget(world.topic, partition, 5)
        # As when the database is restored: what comes next now is what was deleted.
        await world.admin.execute(
            "UPDATE probe.positions SET next = 2 WHERE topic = $1 AND next = 10", world.topic
        )
        await put(world, [a_value(subject, 11, NOW)])
        await red(consumer.check, f"{world.topic}/{partition} lacks record 2", "keeps 5 to 11")
        assert await positions(world) == {partition: 2}
        assert len(await seen(world.worker, world.topic)) == 10
        lacking = [
            one for one in await standings(world.worker, world.log, [world.topic]) if one.lacks
        ]
        await go_on(world.worker, world.log, lacking)
        await heard(world, 16)
        await until_green(consumer)


async def test_a_lost_topic_is_seen_although_others_keep_a_consumer_busy(world: World) -> None:
    lost, group = fresh_topic(), group_of(world.topic)
    await world.log.ensure_topics([lost])
    consumer = Consumer(group, [world.topic, lost], Seen(), world.worker, world.log)
    stop = asyncio.Event()

    async def keep_busy() -> None:
        while not stop.is_set():
            await put(world, [a_value(uuid4(), 1, NOW) for _ in range(5)])
            await asyncio.sleep(0.1)

    async with running(consumer.run):
        busy = asyncio.create_task(keep_busy())
        await heard(world, 20)
        await misfortunes(world).drop_topic(lost)
        await red(consumer.check, f"topic {lost} is missing")
        stop.set()
        await busy


async def test_a_relay_does_not_write_to_a_topic_made_anew(world: World) -> None:
    async def promised() -> bool:
        marks = await world.log.watermarks([world.topic])
        return sum(mark.offset for mark in marks.values()) == 1

    async with running(a_relay(world.settings, world.log, world.topic).run):
        await state_fact(world.api, uuid4())
        await until(promised)
    consumer = a_consumer(world.worker, world.log, world.topic, Seen())
    async with running(consumer.run):
        await heard(world, 1)
    await misfortunes(world).drop_topic(world.topic)
    await red_log(world)
    await made_anew(world)
    relay = a_relay(world.settings, world.log, world.topic)
    await state_fact(world.api, uuid4())
    async with running(relay.run, consumer.run):
        await red(relay.check, f"{world.topic}/", "lacks record 1", "`otklik positions go-on`")
        await red(consumer.check, "lacks record 1")
        assert not await outbox_is_empty(world.worker)
        lacking = [
            one for one in await standings(world.worker, world.log, [world.topic]) if one.lacks
        ]
        await go_on(world.worker, world.log, lacking)
        await until(lambda: outbox_is_empty(world.worker))
        await heard(world, 2)


async def red_log(world: World) -> None:
    """Wait until the log itself knows that the topic is gone."""
    await red(lambda: world.log.ready([world.topic]), "is missing")
