"""What counts as stuck: nothing gets on and nobody knows why; what is slow or waits does not."""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.consumer import MOST_PAUSE, Consumer, Handler, ReadEvent
from otklik_common.db import ANSWER_SECONDS, IDLE_TIMEOUT_MS, PROMPT_SECONDS, Database, raw
from otklik_common.faults import Fault, fault_of
from otklik_common.log.port import LogNotReadyError
from otklik_common.watchdog import PROGRESS_SECONDS, Watchdog
from tests.integration.log.conftest import NOW, World, heard, put
from tests.support.log_probe.probe import Seen, a_value, group_of, running, until

pytestmark = pytest.mark.asyncio

SECONDS = 1.5


def watched(world: World, handler: Handler) -> tuple[Consumer, Watchdog]:
    """A consumer under a watchdog that looks only when it is asked."""
    watchdog = Watchdog(progress_seconds=SECONDS)
    consumer = Consumer(
        group_of(world.topic), [world.topic], handler, world.worker, world.log, watchdog=watchdog
    )
    return consumer, watchdog


async def test_limits_end_what_is_slow_before_the_watchdog_does() -> None:
    assert PROMPT_SECONDS + ANSWER_SECONDS < PROGRESS_SECONDS
    assert IDLE_TIMEOUT_MS / 1000 < PROGRESS_SECONDS


async def test_a_batch_of_many_statements_may_take_long(world: World) -> None:
    began = asyncio.Event()

    class Thorough(Seen):
        async def apply(self, tx: AsyncConnection, events: Sequence[ReadEvent]) -> None:
            began.set()
            for _ in range(4):
                await tx.execute(text("SELECT pg_sleep(0.4)"))
            for _ in range(4):
                await (await raw(tx)).execute("SELECT pg_sleep(0.4)")
            await super().apply(tx, events)

    await put(world, [a_value(uuid4(), 1, NOW)])
    consumer, watchdog = watched(world, Thorough())
    async with running(consumer.run):
        await began.wait()
        taking_in = asyncio.create_task(heard(world, 1))
        while not taking_in.done():
            assert watchdog.trouble() is None
            await asyncio.sleep(0.05)
        await taking_in


async def test_a_handler_that_never_comes_back_is_stuck(world: World) -> None:
    class Lost(Seen):
        async def apply(self, tx: AsyncConnection, events: Sequence[ReadEvent]) -> None:
            await super().apply(tx, events)
            await asyncio.Event().wait()

    await put(world, [a_value(uuid4(), 1, NOW)])
    consumer, watchdog = watched(world, Lost())
    consuming = asyncio.create_task(consumer.run(asyncio.Event()))

    async def stuck() -> bool:
        return "got nowhere" in (watchdog.trouble() or "")

    await until(stuck, seconds=15)
    consuming.cancel()
    await asyncio.gather(consuming, return_exceptions=True)


async def test_whoever_waits_for_a_statement_and_says_so_is_not_stuck(world: World) -> None:
    db = Database(world.settings, "probe", "worker", statement_seconds=1)
    # Above the longest pause between two tries.
    watchdog = Watchdog(progress_seconds=1.5 * MOST_PAUSE + 1)
    consumer = Consumer(
        group_of(world.topic), [world.topic], Seen(), db, world.log, watchdog=watchdog
    )
    await put(world, [a_value(uuid4(), 1, NOW)])
    async with running(consumer.run):

        async def red() -> bool:
            try:
                await consumer.check()
            except LogNotReadyError as said:
                return "the database fails" in str(said)
            return False

        async with world.admin.transaction():
            await world.admin.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            await world.admin.execute("LOCK TABLE probe.seen")
            await until(red)
            for _ in range(120):
                assert watchdog.trouble() is None
                await asyncio.sleep(0.1)
        await heard(world, 1)
        await consumer.check()
    await db.close()


async def test_a_server_that_lost_its_client_ends_the_statement(world: World) -> None:
    db = Database(world.settings, "probe", "worker")
    pids: list[int] = []

    async def work() -> None:
        async with db.begin_as_worker() as tx:
            pids.append((await tx.execute(text("SELECT pg_backend_pid()"))).scalar_one())
            driver = (await tx.get_raw_connection()).driver_connection
            assert driver is not None
            # As when the process is killed: no word of parting, only a closed socket.
            asyncio.get_running_loop().call_later(0.2, driver._transport.abort)
            await tx.execute(text("SELECT pg_sleep(60)"))

    async def gone() -> bool:
        query = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY ($1)"
        return bool(await world.admin.fetchval(query, pids) == 0)

    with pytest.raises(DBAPIError):
        await work()
    assert pids
    await until(gone, seconds=10)
    await db.close()


async def test_locks_of_a_client_that_stands_still_between_two_messages_are_given_back(
    world: World,
) -> None:
    db = Database(world.settings, "probe", "worker", statement_seconds=1, transaction_seconds=2)
    waking = asyncio.Event()

    async def stand_still() -> None:
        async with db.begin_as_worker() as tx:
            await tx.execute(text("SELECT pg_advisory_xact_lock(7)"))
            # The server has told the statement's types, and waits for its values.
            await (await raw(tx)).prepare("SELECT $1::int")
            await waking.wait()
            await tx.execute(text("SELECT 1"))

    async def locks() -> int:
        return int(
            await world.admin.fetchval(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7"
            )
        )

    async def held() -> bool:
        return await locks() == 1

    async def given_back() -> bool:
        return await locks() == 0

    standing = asyncio.create_task(stand_still())
    await until(held)
    await until(given_back, seconds=10)
    waking.set()
    with pytest.raises(DBAPIError) as ended:
        await standing
    assert fault_of(ended.value) is Fault.AGAIN
    await db.close()
