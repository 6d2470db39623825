"""What a consumer cannot take in: put aside, stopped at, waited for or taken in parts."""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.consumer import ReadEvent, Redriven, TooManyDeadError, Unprocessable, redrive
from otklik_common.log.port import LogNotReadyError
from tests.integration.log.conftest import NOW, World, dead_letters, heard, positions, put
from tests.support.log_probe.probe import TENANT, Seen, a_consumer, a_value, running, seen, until

pytestmark = pytest.mark.asyncio


async def test_poison_is_put_aside_and_the_others_go_on(world: World) -> None:
    subject = uuid4()
    key, good = a_value(subject, 1, NOW)
    poison = [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        good.replace(b'"revision":1', b'"revision":"one"'),
        good.replace(b"otklik.branch.changed.v1", b"otklik.riddle.asked.v1"),
        good.replace(b"otklik.branch.changed.v1", b"otklik.branch.changed.v99"),
        good.replace(b"otklik.branch.changed.v1", b"something else"),
        good.replace(f"branch/{subject}".encode(), b"branch/tyumen"),
        good.replace(f"branch/{subject}".encode(), f"contact/{subject}".encode()),
        good.replace(TENANT.encode(), b"NOBODY"),
    ]
    rows = [a_value(subject, 1, NOW)]
    for n, bad in enumerate(poison):
        rows += [(key, bad), a_value(subject, n + 2, NOW)]
    refused = {3, 5, 7}
    broken = {4, 9}

    def judge(event: ReadEvent) -> None:
        if event.revision in refused:
            raise Unprocessable(event, "a number we do not like")
        if event.revision in broken:
            raise ZeroDivisionError("+79991234567 must not stand in a reason")

    await put(world, rows)
    consumer = a_consumer(world.worker, world.log, world.topic, Seen(judge))
    async with running(consumer.run):
        await heard(world, len(poison) + 1 - len(refused) - len(broken))

        async def all_taken() -> bool:
            return sum((await positions(world)).values()) == len(rows)

        await until(all_taken)
    found = [revision for _, revision, _, _ in await seen(world.worker, world.topic)]
    assert found == [n for n in range(1, 13) if n not in refused | broken]
    letters = await dead_letters(world)
    assert len(letters) == len(poison) + len(refused) + len(broken)
    reasons = [letter["reason"] for letter in letters]
    assert sum("a number we do not like" in reason for reason in reasons) == len(refused)
    assert sum("ZeroDivisionError" in reason for reason in reasons) == len(broken)
    assert not any("7999" in reason for reason in reasons)
    assert "unknown contract riddle.v1" in reasons
    assert "unknown contract branch.v99" in reasons
    assert {letter["key"] for letter in letters} == {key}

    # Taken up again, once the handler is better.
    consumer = a_consumer(world.worker, world.log, world.topic, Seen())
    ids = [letter["id"] for letter in letters]
    done = await redrive(world.worker, consumer, ids)
    assert done == Redriven(len(refused) + len(broken), len(poison))
    assert await redrive(world.worker, consumer, ids) == Redriven(0, len(poison))
    found = [revision for _, revision, _, _ in await seen(world.worker, world.topic)]
    assert sorted(found) == list(range(1, 13))
    settled = [letter for letter in await dead_letters(world) if letter["redriven_at"]]
    assert len(settled) == len(refused) + len(broken)


async def test_many_refusals_in_one_batch_are_all_found(world: World) -> None:
    subject = uuid4()

    def judge(event: ReadEvent) -> None:
        if event.revision % 3 == 0:
            raise Unprocessable(event, "divisible by three")

    await put(world, [a_value(subject, n, NOW) for n in range(1, 91)])
    consumer = a_consumer(world.worker, world.log, world.topic, Seen(judge))
    async with running(consumer.run):
        await heard(world, 60)
    found = [revision for _, revision, _, _ in await seen(world.worker, world.topic)]
    assert found == [n for n in range(1, 91) if n % 3]
    assert len(await dead_letters(world)) == 30


@pytest.mark.parametrize("batch", [1000, 8])
async def test_too_many_dead_in_a_row_stop_the_consumer(world: World, batch: int) -> None:
    subject = uuid4()
    key, _ = a_value(subject, 1, NOW)
    rows = [a_value(subject, n, NOW) for n in range(1, 4)]
    await put(world, [*rows, *[(key, b"?")] * 20, a_value(subject, 4, NOW)])
    for _ in range(2):
        # Started anew it stops again: nothing is worn down by restarts.
        consumer = a_consumer(
            world.worker, world.log, world.topic, Seen(), max_records=batch, max_dead=15
        )
        with pytest.raises(TooManyDeadError, match="15 records in a row"):
            await asyncio.wait_for(consumer.run(asyncio.Event()), 30)
        with pytest.raises(LogNotReadyError, match="TooManyDeadError"):
            await consumer.check()
    assert sum((await positions(world)).values()) < 3 + 15
    assert len(await dead_letters(world)) < 15
    # Whoever looked and found the records at fault lets it go on.
    consumer = a_consumer(world.worker, world.log, world.topic, Seen(), max_dead=21)
    async with running(consumer.run):
        await heard(world, 4)
    assert len(await dead_letters(world)) == 20


async def test_a_handler_that_always_fails_stops_and_loses_nothing(world: World) -> None:
    def fail(event: ReadEvent) -> None:
        raise AssertionError(f"a bug, whatever {event.kind} comes")

    await put(world, [a_value(uuid4(), 1, NOW) for _ in range(200)])
    consumer = a_consumer(world.worker, world.log, world.topic, Seen(fail), max_dead=20)
    with pytest.raises(TooManyDeadError, match="20 events in a row failed"):
        await asyncio.wait_for(consumer.run(asyncio.Event()), 30)
    assert await positions(world) == {}
    assert await dead_letters(world) == []


async def test_a_missing_table_blames_no_record(world: World) -> None:
    class Lost(Seen):
        async def apply(self, tx: AsyncConnection, events: Sequence[ReadEvent]) -> None:
            assert events
            await tx.execute(text("SELECT * FROM probe.not_migrated_yet"))

    await put(world, [a_value(uuid4(), 1, NOW)])
    consumer = a_consumer(world.worker, world.log, world.topic, Lost())
    with pytest.raises(ProgrammingError):
        await asyncio.wait_for(consumer.run(asyncio.Event()), 30)
    assert await positions(world) == {}
    assert await dead_letters(world) == []


async def test_a_database_that_fails_is_waited_for(world: World) -> None:
    class Severed(Seen):
        failures = 0

        async def apply(self, tx: AsyncConnection, events: Sequence[ReadEvent]) -> None:
            if self.failures < 3:
                self.failures += 1
                await tx.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
            await super().apply(tx, events)

    await put(world, [a_value(uuid4(), 1, NOW) for _ in range(5)])
    handler = Severed()
    consumer = a_consumer(world.worker, world.log, world.topic, handler)
    async with running(consumer.run):
        await heard(world, 5)
        await consumer.check()
    assert handler.failures == 3
    assert await dead_letters(world) == []


async def test_a_batch_too_large_for_its_time_is_taken_in_parts(world: World) -> None:
    sizes: list[int] = []

    class Slow(Seen):
        async def apply(self, tx: AsyncConnection, events: Sequence[ReadEvent]) -> None:
            sizes.append(len(events))
            await tx.execute(text("SET LOCAL statement_timeout = 200"))
            await tx.execute(text(f"SELECT pg_sleep({len(events) * 0.01})"))
            await super().apply(tx, events)

    subject = uuid4()
    await put(world, [a_value(subject, n, NOW) for n in range(1, 61)])
    consumer = a_consumer(world.worker, world.log, world.topic, Slow())
    async with running(consumer.run):
        await heard(world, 60)
    found = [revision for _, revision, _, _ in await seen(world.worker, world.topic)]
    assert found == list(range(1, 61))
    assert await dead_letters(world) == []
    assert max(sizes) > 20
    assert min(sizes) < 20
