"""From an outbox to the log, and from the log into a service: the probe's relay and consumer."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from uuid import UUID, uuid5

from sqlalchemy import make_url

from otklik_common import dead_letters
from otklik_common.consumer import Consumer, ReadEvent, Unprocessable, redrive
from otklik_common.db import Database
from otklik_common.events.registry import decode
from otklik_common.log import open_log
from otklik_common.log.port import Log, Place
from otklik_common.migrate import Tree, migrate
from otklik_common.positions import Positions
from otklik_common.relay import Relay
from otklik_common.settings import Settings
from tests.integration.failpoints.stage import Scenario, Stage, patiently, run_until
from tests.support.facts import MONDAY
from tests.support.log_probe.probe import (
    MIGRATIONS,
    Seen,
    a_value,
    outbox_is_empty,
    seen,
    state_fact,
)
from tests.support.log_worlds import fetch_all, records_of

GROUP = "probe.seen"
ROWS = 50
"""Of one batch."""

SPACE = UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")
SUBJECTS = [uuid5(SPACE, str(number)) for number in range(20)]
REVISIONS = range(1, 7)


def topic_of(settings: Settings) -> str:
    """A topic of this test alone: a broker has those of all tests."""
    if settings.log == "table":
        return "otklik.probe"
    return f"otklik.{make_url(settings.database_url).database}"


@asynccontextmanager
async def probe(settings: Settings) -> AsyncIterator[tuple[Database, Log, str]]:
    """The probe's tables, and its topic."""
    worker, log, topic = Database(settings, "probe", "worker"), open_log(settings), ""
    try:
        topic = topic_of(settings)
        await log.ensure_topics([topic])
        yield worker, log, topic
    finally:
        await log.close()
        await worker.close()


# --- The relay -----------------------------------------------------------------------------------


async def state_facts(settings: Settings) -> None:
    """Six revisions of each subject are in the outbox."""
    await migrate(settings, [Tree("probe", MIGRATIONS)])
    api = Database(settings, "probe", "api")
    for _ in REVISIONS:
        await asyncio.gather(*(state_fact(api, subject) for subject in SUBJECTS[:10]))
        await asyncio.gather(*(state_fact(api, subject) for subject in SUBJECTS[10:]))
    await api.close()


async def relay(settings: Settings) -> None:
    """Until all is on the log and the log knows it."""
    async with probe(settings) as (worker, log, topic):

        async def all_is_told() -> bool:
            ends = await log.ends([topic])
            marks = await log.watermarks([topic])
            told = {at: mark.offset for at, mark in marks.items()}
            return await outbox_is_empty(worker) and sum(ends.values()) > 0 and told == ends

        await run_until(all_is_told, Relay(worker, log, topic, most=ROWS).run)


async def all_is_on_the_log(stage: Stage) -> None:
    """Every revision, in order, and nothing is promised that is not there."""
    settings = stage.settings
    async with probe(settings) as (worker, log, topic):
        assert await outbox_is_empty(worker)
        ends, marks = await log.ends([topic]), await log.watermarks([topic])
        reader = await log.reader(f"check.{topic}", [topic], _from_the_beginning)
        records = records_of(await fetch_all(reader, sum(ends.values())))
        await reader.close()
    found: dict[UUID, list[int]] = {}
    for record in records:
        event = decode(record.value)
        found.setdefault(event.subject, []).append(event.revision)
        if event.recorded_at < marks[record.topic, record.partition].time:
            assert record.offset < marks[record.topic, record.partition].offset
    assert found.keys() == set(SUBJECTS)
    for revisions in found.values():
        # The first time each is heard of, it is in order.
        assert list(dict.fromkeys(revisions)) == list(REVISIONS)
    if settings.log == "table":
        assert len(records) == len(SUBJECTS) * len(REVISIONS)
    else:
        # What the log has kept and the outbox had not lost yet is sent again: a batch at most.
        assert 0 <= len(records) - len(SUBJECTS) * len(REVISIONS) <= ROWS


async def _from_the_beginning(_: object) -> Mapping[Place, int]:
    return {}


RELAY = Scenario("relay", state_facts, patiently(relay), all_is_on_the_log)
RELAY_TO_KAFKA = Scenario("relay", state_facts, patiently(relay), all_is_on_the_log, log="kafka")


# --- The consumer --------------------------------------------------------------------------------


async def put_on_the_log(settings: Settings) -> None:
    """Three hundred events are on the log."""
    await migrate(settings, [Tree("probe", MIGRATIONS)])
    async with probe(settings) as (_, log, topic):
        publisher = await log.publisher(topic)
        rows = [a_value(one, n, MONDAY) for n in range(1, 16) for one in SUBJECTS]
        await publisher.send([key for key, _ in rows], [value for _, value in rows])


async def consume(settings: Settings) -> None:
    """Until all is taken in."""
    await _consume(settings, Seen())


async def _consume(settings: Settings, handler: Seen) -> None:
    async with probe(settings) as (worker, log, topic):
        ends = await log.ends([topic])
        consumer = Consumer(GROUP, [topic], handler, worker, log, max_records=ROWS)

        async def all_is_taken_in() -> bool:
            async with worker.begin_as_worker() as tx:
                return await Positions("probe", GROUP).find(tx, ends.keys()) == ends

        await run_until(all_is_taken_in, consumer.run)


async def all_is_seen_once(stage: Stage) -> None:
    """Every event was taken in, once, and those of a subject in their order."""
    async with probe(stage.settings) as (worker, _, topic):
        rows = await seen(worker, topic)
    assert len(rows) == len({(partition, offset) for *_, partition, offset in rows}) == 300
    for subject in SUBJECTS:
        assert [revision for of, revision, *_ in rows if of == subject] == list(range(1, 16))
    assert await stage.count("probe.dead_letter") == 0


CONSUMER = Scenario("consumer", put_on_the_log, patiently(consume), all_is_seen_once)


# --- Dead letters --------------------------------------------------------------------------------


async def take_up(settings: Settings) -> None:
    """Take in what can be; then, when the fault is mended, the rest but for one subject's."""

    def refuse(event: ReadEvent) -> None:
        if event.revision == 7 and event.subject in SUBJECTS[:4]:
            raise Unprocessable(event, "not today")

    await _consume(settings, Seen(refuse))
    async with probe(settings) as (worker, log, topic):
        consumer = Consumer(GROUP, [topic], Seen(), worker, log)
        while letters := await _open_letters(worker):
            hopeless = [one for one in letters if await _is_of(worker, one, SUBJECTS[3])]
            await redrive(worker, consumer, [one for one in letters if one not in hopeless])
            async with worker.begin_as_worker() as tx:
                await dead_letters.give_up(tx, "probe", GROUP, hopeless)


async def _open_letters(worker: Database) -> list[int]:
    async with worker.begin_as_worker() as tx:
        return sorted(await dead_letters.still_open(tx, "probe", GROUP))


async def _is_of(worker: Database, letter: int, subject: UUID) -> bool:
    async with worker.begin_as_worker() as tx:
        value = (await dead_letters.values(tx, "probe", [letter]))[letter]
    return decode(value).subject == subject


async def letters_are_settled(stage: Stage) -> None:
    """All is there once, but for the event that was given up."""
    async with probe(stage.settings) as (worker, _, topic):
        rows = await seen(worker, topic)
    wanted = {(one, n) for one in SUBJECTS for n in range(1, 16)} - {(SUBJECTS[3], 7)}
    assert sorted((of, revision) for of, revision, *_ in rows) == sorted(wanted)
    letters = await stage.admin.fetch(
        "SELECT redriven_at, starts_with(reason, $1) AS given_up FROM probe.dead_letter",
        dead_letters.GIVEN_UP,
    )
    assert sorted(row["given_up"] for row in letters) == [False, False, False, True]
    assert all(row["redriven_at"] is not None for row in letters)


LETTERS = Scenario("letters", put_on_the_log, patiently(take_up), letters_are_settled)
