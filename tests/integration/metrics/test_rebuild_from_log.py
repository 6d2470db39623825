"""From the outbox through the log into the numbers, and the log replayed against them."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

import otklik_metrics
from otklik_common import dead_letters
from otklik_common.consumer import Consumer
from otklik_common.db import Database
from otklik_common.events.envelope import Event, Fact
from otklik_common.events.registry import encode
from otklik_common.ids import short_id
from otklik_common.log import open_log
from otklik_common.log.port import Log, LogGapError
from otklik_common.migrate import Tree, migrate
from otklik_common.module import topic_of
from otklik_common.settings import Settings
from otklik_metrics.actions.checking import check
from otklik_metrics.actions.replay import check_from_log
from otklik_metrics.consumers import FACTS_GROUP, KeepFacts, KeepHistory
from otklik_metrics.store import history, reached
from otklik_metrics.store.history import GROUP, TOPICS
from otklik_metrics.store.tables import FACTS_REACHED
from tests.support.facts import (
    MAIL,
    MONDAY,
    PHONE,
    a_customer,
    a_purchase,
    an_answer,
    an_answered_contact,
    an_event,
)
from tests.support.kafka import running_kafka
from tests.support.postgres import PostgresServer
from tests.support.taking_in import take_in

MIGRATIONS = Path(otklik_metrics.__file__).parent / "migrations"


@dataclass
class Logged:
    """Metrics with a log of its own."""

    settings: Settings
    db: Database
    log: Log
    admin: asyncpg.Connection
    tenant: str

    async def publish(self, *events: Event[Fact]) -> None:
        """Put facts on the log, as relays do."""
        for event in events:
            publisher = await self.log.publisher(topic_of(type(event.data).owner))
            await publisher.send([event.key], [encode(event)])

    async def consume(self, *, keep_history: bool = False) -> None:
        """Read until everything on the log is taken in."""
        kept = KeepHistory if keep_history else KeepFacts
        group = GROUP if keep_history else FACTS_GROUP
        consumer = Consumer(group, TOPICS, kept(self.db, self.log), self.db, self.log)
        await take_in(consumer, self.log, self.admin)


@asynccontextmanager
async def system(postgres: PostgresServer, **said: Any) -> AsyncIterator[Logged]:
    """An empty system with its log."""
    url = await postgres.create_database("metrics_log_tests")
    settings = Settings(
        database_url=url,
        admin_database_url=url,
        master_key=base64.b64encode(b"k" * 32).decode(),
        environment="test",
        partitions=3,
        **said,
    )
    await migrate(settings, [Tree("metrics", MIGRATIONS)])
    db, log = Database(settings, "metrics", "worker"), open_log(settings)
    await log.ensure_topics([*TOPICS, topic_of("access")])
    admin = await asyncpg.connect(url)
    yield Logged(settings, db, log, admin, short_id())
    await admin.close()
    await log.close()
    await db.close()


@pytest_asyncio.fixture
async def logged(postgres: PostgresServer) -> AsyncIterator[Logged]:
    """An empty system on the log table."""
    async with system(postgres) as made:
        yield made


def some_facts(tenant: str) -> list[Event[Fact]]:
    """Facts of several services, corrected, voided, late and repeated."""
    calls: list[Event[Fact]] = [
        an_event(
            an_answered_contact(
                1000 * revision * number, offered_at=MONDAY + timedelta(hours=7 * number)
            ),
            tenant=tenant,
            subject=f"call {number}",
            revision=revision,
        )
        for number in range(20)
        for revision in (2, 1, 3, 3)
    ]
    return [
        *calls,
        an_event(a_purchase(), tenant=tenant, subject="sale"),
        an_event(an_answer(nps=2), tenant=tenant, subject="answer"),
        an_event(an_answer(nps=10), tenant=tenant, subject="answer", revision=2),
        an_event(an_answer(), tenant=tenant, subject="void", void=True),
        an_event(a_customer(PHONE), tenant=tenant, subject="ann"),
        an_event(a_customer(PHONE, MAIL), tenant=tenant, subject="bob"),
    ]


@pytest.mark.asyncio
async def test_the_log_replayed_gives_the_same_facts_and_rollups(logged: Logged) -> None:
    await logged.publish(*some_facts(logged.tenant))
    await logged.consume()
    said: list[str] = []
    report = await check_from_log(logged.db, logged.log, said.append)
    assert (report.shown, report.differences, report.standing) == ([], 0, 0)
    assert report.compared > 100
    assert said
    assert (await check(logged.db)).differences == 0


@pytest.mark.kafka
@pytest.mark.asyncio
async def test_kafkas_log_replayed_gives_the_same_facts_and_rollups(
    postgres: PostgresServer,
) -> None:
    with running_kafka() as broker:
        async with system(postgres, log="kafka", kafka_bootstrap=broker.bootstrap) as logged:
            await logged.publish(*some_facts(logged.tenant))
            await logged.consume()
            report = await check_from_log(logged.db, logged.log)
            assert (report.shown, report.compared > 100) == ([], True)
            await logged.admin.execute("UPDATE metrics.facts_contact SET branch = 'omsk'")
            assert (await check_from_log(logged.db, logged.log)).differences > 0


@pytest.mark.asyncio
async def test_what_came_after_the_positions_is_not_replayed(logged: Logged) -> None:
    await logged.publish(*some_facts(logged.tenant))
    await logged.consume()
    await logged.publish(
        an_event(an_answered_contact(), tenant=logged.tenant, subject="call 1", revision=9)
    )
    assert (await check_from_log(logged.db, logged.log)).shown == []


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("UPDATE metrics.facts_contact SET branch = 'omsk'", "fact contact at"),
        ("DELETE FROM metrics.facts_purchase", "fact purchase at"),
        ("DELETE FROM metrics.identity WHERE pseudonym LIKE 'em%'", "identity at"),
        ("UPDATE metrics.rollup_answer_day SET nps_2 = 1 WHERE set = 11", "rollup answer at"),
        ("UPDATE metrics.histogram_contact_15m SET hist = ''", "histogram contact at"),
    ],
)
async def test_whatever_is_not_as_the_log_says_is_found(
    logged: Logged, damage: str, words: str
) -> None:
    await logged.publish(*some_facts(logged.tenant))
    await logged.consume()
    await logged.admin.execute(damage)
    report = await check_from_log(logged.db, logged.log)
    assert report.differences > 0
    assert all(shown.startswith(words) for shown in report.shown), report.shown


@pytest.mark.asyncio
async def test_records_that_were_put_aside_are_left_out_of_the_replay(logged: Logged) -> None:
    (good,) = some_facts(logged.tenant)[-1:]
    broken = encode(good).replace(b'"identifiers":["', b'"identifiers":["nobody')
    publisher = await logged.log.publisher("otklik.loyalty")
    await publisher.send(["customer/x", good.key], [broken, encode(good)])
    await logged.consume()
    aside = await logged.admin.fetchval("SELECT count(*) FROM metrics.dead_letter")
    assert aside == 1
    assert (await check_from_log(logged.db, logged.log)).shown == []
    async with logged.db.begin_as_worker() as tx:
        (letter,) = await dead_letters.still_open(tx, "metrics", FACTS_GROUP)
        assert await dead_letters.give_up(tx, "metrics", FACTS_GROUP, [letter]) == 1
    assert (await check_from_log(logged.db, logged.log)).shown == []
    # Without the note it is a record that was taken in and cannot be.
    await logged.admin.execute("DELETE FROM metrics.dead_letter")
    report = await check_from_log(logged.db, logged.log)
    assert report.differences == 1
    assert "was taken in and cannot be" in report.shown[0]


@pytest.mark.asyncio
async def test_a_log_that_lost_its_beginning_is_not_replayed(logged: Logged) -> None:
    await logged.publish(*some_facts(logged.tenant))
    await logged.consume()
    await logged.admin.execute(
        "UPDATE log.topics SET first = ARRAY[1, 1, 1] WHERE topic = 'otklik.contact-center'"
    )
    with pytest.raises(LogGapError, match="begins at 1: it cannot be replayed"):
        await check_from_log(logged.db, logged.log)


@pytest.mark.asyncio
async def test_each_group_knows_how_far_it_is(logged: Logged) -> None:
    await logged.publish(*some_facts(logged.tenant))
    ends = await logged.log.ends(TOPICS)
    promised = datetime.now(UTC)
    histories, facts = KeepHistory(logged.db, logged.log), KeepFacts(logged.db, logged.log)
    for topic in TOPICS:
        counts = [end for (of, _), end in sorted(ends.items()) if of == topic]
        await logged.log.publish_watermark(topic, promised, counts)
    await histories.caught_up({})
    async with logged.db.begin_as_worker() as tx:
        assert await history.history_until(tx) is None
    await logged.consume(keep_history=True)
    await histories.caught_up({})
    await facts.caught_up({})
    async with logged.db.begin_as_worker() as tx:
        assert await history.history_until(tx) == promised
        assert await reached.until(tx, FACTS_REACHED, TOPICS) is None
    await logged.consume()
    await facts.caught_up({})
    async with logged.db.begin_as_worker() as tx:
        assert await reached.until(tx, FACTS_REACHED, TOPICS) == promised
    assert await logged.admin.fetchval("SELECT count(*) FROM metrics.fact_history_contact") == 60


@pytest.mark.asyncio
async def test_a_group_that_is_always_behind_the_newest_promise_reaches_older_ones(
    logged: Logged,
) -> None:
    await logged.publish(*some_facts(logged.tenant))
    ends = await logged.log.ends(TOPICS)
    histories = KeepHistory(logged.db, logged.log)
    kept = datetime.now(UTC)
    for moment, ahead in ((kept, 0), (kept + timedelta(seconds=1), 5)):
        for topic in TOPICS:
            counts = [end + ahead for (of, _), end in sorted(ends.items()) if of == topic]
            await logged.log.publish_watermark(topic, moment, counts)
        await histories.caught_up({})
    await logged.consume(keep_history=True)
    await histories.caught_up({})
    async with logged.db.begin_as_worker() as tx:
        assert await history.history_until(tx) == kept
