"""From a writer's transaction through the relay and the log to an effect, once, in order."""

import asyncio
import random
import secrets
import signal
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection

import otklik_common.consumer
import otklik_common.relay
from otklik_common import outbox
from otklik_common.consumer import (
    Consumer,
    ReadEvent,
    Redriven,
    TooManyDeadError,
    Unprocessable,
    redrive,
)
from otklik_common.db import Database
from otklik_common.events.envelope import Event, Fact
from otklik_common.events.registry import decode
from otklik_common.failpoints import failpoints
from otklik_common.log import open_log
from otklik_common.log.port import Log, LogNotReadyError, Place
from otklik_common.settings import Settings
from tests.support.kafka import KafkaBroker
from tests.support.log_probe.probe import (
    TENANT,
    Seen,
    a_branch,
    a_consumer,
    a_relay,
    a_value,
    fresh_topic,
    group_of,
    outbox_is_empty,
    probe_database,
    running,
    seen,
    state_fact,
    until,
)
from tests.support.log_processes import a_process
from tests.support.log_worlds import fetch_all, kafka_settings, records_of
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.asyncio

NOW = datetime(2026, 3, 2, 9, 14, 6, tzinfo=UTC)


@dataclass
class World:
    """A probe with its own database, and a topic for each test."""

    settings: Settings
    log: Log
    worker: Database
    api: Database
    admin: asyncpg.Connection
    topic: str = field(default_factory=fresh_topic)


@pytest_asyncio.fixture(
    scope="session", params=["table", pytest.param("kafka", marks=pytest.mark.kafka)]
)
async def base(request: pytest.FixtureRequest, postgres: PostgresServer) -> AsyncIterator[World]:
    """One database for each kind of log."""
    name = f"spine_{request.param}"
    settings = await probe_database(postgres, name)
    if request.param == "kafka":
        broker: KafkaBroker = request.getfixturevalue("kafka")
        settings = kafka_settings(settings, broker.bootstrap)
    world = World(
        settings,
        open_log(settings),
        Database(settings, "probe", "worker"),
        Database(settings, "probe", "api"),
        await asyncpg.connect(postgres.url(name)),
    )
    yield world
    await world.log.close()
    await world.worker.close()
    await world.api.close()
    await world.admin.close()


@pytest_asyncio.fixture
async def world(base: World) -> World:
    """An empty outbox and a fresh topic."""
    await base.admin.execute("TRUNCATE probe.outbox, probe.dead_letter, probe.seen, probe.subject")
    made = World(base.settings, base.log, base.worker, base.api, base.admin)
    await made.log.ensure_topics([made.topic])
    return made


async def revisions(world: World) -> dict[UUID, list[int]]:
    """Revisions of each subject in the order in which the log has them."""
    found: dict[UUID, list[int]] = {}
    ends = await world.log.ends([world.topic])
    reader = await world.log.reader(f"check-{secrets.token_hex(4)}", [world.topic], _nowhere)
    for record in records_of(await fetch_all(reader, sum(ends.values()))):
        event = decode(record.value)
        found.setdefault(event.subject, []).append(event.revision)
    await reader.close()
    return found


async def _nowhere(places: object) -> Mapping[Place, int]:
    del places
    return {}


async def put(world: World, rows: list[tuple[str, bytes]]) -> None:
    """Write records without an outbox."""
    publisher = await world.log.publisher(world.topic)
    await publisher.send([key for key, _ in rows], [value for _, value in rows])


async def heard(world: World, count: int, *, seconds: float = 30) -> None:
    """Wait until the consumer has noted so many events."""

    async def enough() -> bool:
        return len(await seen(world.worker, world.topic)) >= count

    await until(enough, seconds=seconds)


async def dead_letters(world: World) -> list[asyncpg.Record]:
    """All dead letters of this test's topic."""
    rows: list[asyncpg.Record] = await world.admin.fetch(
        "SELECT * FROM probe.dead_letter WHERE topic = $1 ORDER BY id", world.topic
    )
    return rows


async def positions(world: World) -> dict[int, int]:
    """Where the consumer is, by partition."""
    rows = await world.admin.fetch(
        "SELECT partition, next FROM probe.positions WHERE topic = $1", world.topic
    )
    return {partition: following for partition, following in rows if following}


async def break_off(world: World, subject: UUID) -> None:
    """State a fact in a transaction that is rolled back."""
    with suppress(ZeroDivisionError):
        async with world.api.begin(TENANT) as tx:
            recorder = await outbox.recorder(tx, TENANT)
            await recorder.append([a_branch(subject, 999, recorder.now)])
            raise ZeroDivisionError


# --- The outbox ----------------------------------------------------------------------------------


async def test_facts_wait_in_the_outbox_of_their_transaction(world: World) -> None:
    subject = uuid4()
    before = datetime.now(UTC) - timedelta(seconds=1)
    async with world.api.begin(TENANT) as tx:
        recorder = await outbox.recorder(tx, TENANT)
        assert await outbox.recorder(tx, TENANT) is recorder
        await recorder.append([a_branch(subject, n, recorder.now) for n in (1, 2, 3)])
        await recorder.append([])
    assert before < recorder.now < datetime.now(UTC) + timedelta(seconds=1)
    rows = await world.admin.fetch("SELECT tenant, key, payload FROM probe.outbox ORDER BY id")
    assert [(row["tenant"], row["key"]) for row in rows] == [(TENANT, f"branch/{subject}")] * 3
    assert [decode(row["payload"]).revision for row in rows] == [1, 2, 3]
    assert {decode(row["payload"]).recorded_at for row in rows} == {recorder.now}


async def test_what_is_rolled_back_was_never_said(world: World) -> None:
    await break_off(world, uuid4())
    assert await outbox_is_empty(world.worker)


async def test_a_pooled_connection_does_not_lend_a_recorder(world: World) -> None:
    times = []
    for _ in range(3):
        async with world.api.begin(TENANT) as tx:
            times.append((await outbox.recorder(tx, TENANT)).now)
        async with world.api.begin(TENANT) as tx:
            with pytest.raises(RuntimeError, match="recorder"):
                await outbox.append(tx, [])
    assert times == sorted(set(times))


async def test_an_oversized_fact_is_refused(world: World) -> None:
    async with world.api.begin(TENANT) as tx:
        recorder = await outbox.recorder(tx, TENANT)
        fact = a_branch(uuid4(), 1, recorder.now)
        big = fact.data.model_copy(update={"names": {"ru": "я" * 9000}})
        with pytest.raises(outbox.FactTooLarge, match=r"has 18\d\d\d bytes; at most 16384"):
            await recorder.append([_with(fact, data=big)])


async def test_a_fact_of_another_company_or_of_the_past_is_refused(world: World) -> None:
    async with world.api.begin(TENANT) as tx:
        recorder = await outbox.recorder(tx, TENANT)
        fact = a_branch(uuid4(), 1, recorder.now)
        with pytest.raises(ValueError, match="belongs to other234, not to probe234"):
            await recorder.append([_with(fact, tenant="other234")])
        early = recorder.now - timedelta(microseconds=1)
        with pytest.raises(ValueError, match="before its transaction"):
            await recorder.append([_with(fact, recorded_at=early)])


async def test_a_worker_states_facts_of_many_companies(world: World) -> None:
    async with world.worker.begin_as_worker() as tx:
        now = (await outbox.recorder(tx)).now
        await outbox.append(
            tx, [a_branch(uuid4(), 1, now, tenant=tenant) for tenant in ("abcdefgh", "bcdefghi")]
        )
    tenants = await world.admin.fetch("SELECT tenant FROM probe.outbox ORDER BY id")
    assert [row["tenant"] for row in tenants] == ["abcdefgh", "bcdefghi"]


async def test_a_clock_that_steps_back_records_nothing_before_a_promise(world: World) -> None:
    floor = datetime.now(UTC) + timedelta(hours=1)
    micros = int(floor.timestamp() * 1_000_000)
    before = await world.admin.fetchval("SELECT last_value FROM probe.recorded_floor")
    await world.admin.execute("SELECT setval('probe.recorded_floor', $1)", micros)
    try:
        async with world.api.begin(TENANT) as tx:
            now = (await outbox.recorder(tx, TENANT)).now
    finally:
        await world.admin.execute("SELECT setval('probe.recorded_floor', $1)", before)
    assert abs(now - floor) < timedelta(milliseconds=1)


# --- The relay -----------------------------------------------------------------------------------


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
                otklik_common.relay.LOCK_SPACE,
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


# --- Promises ------------------------------------------------------------------------------------


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
    ends = await world.log.ends([world.topic])
    reader = await world.log.reader(f"check-{secrets.token_hex(4)}", [world.topic], _nowhere)
    records = records_of(await fetch_all(reader, sum(ends.values())))
    await reader.close()
    assert len(records) > 50
    for record in records:
        recorded_at = decode(record.value).recorded_at
        for (place, moment), offset in promises.items():
            if place == (record.topic, record.partition) and recorded_at < moment:
                assert record.offset < offset


# --- The consumer --------------------------------------------------------------------------------


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


def _with(event: Event[Fact], **changes: Any) -> Event[Fact]:
    """The event with other fields."""

    return replace(event, **changes)
