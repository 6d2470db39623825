"""From the log into facts, rollups and history; rollups built anew; the log replayed."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg

from otklik_common.consumer import Consumer, redrive
from otklik_common.db import Database
from otklik_common.dead_letters import all_open, still_open
from otklik_common.events.envelope import Event, Fact
from otklik_common.events.registry import encode
from otklik_common.log import open_log
from otklik_common.log.port import Log
from otklik_common.migrate import Tree, migrate
from otklik_common.module import topic_of
from otklik_common.positions import Positions
from otklik_common.settings import Settings
from otklik_metrics.actions import versions
from otklik_metrics.actions.checking import check
from otklik_metrics.actions.rebuild import build_all
from otklik_metrics.actions.replay import check_from_log
from otklik_metrics.consumers import FACTS_GROUP, KeepFacts, KeepHistory
from otklik_metrics.module import MODULE
from otklik_metrics.store import reached
from otklik_metrics.store.history import GROUP, TOPICS
from otklik_metrics.store.tables import FACTS_REACHED, REACHED
from tests.integration.failpoints.processes import shorten
from tests.integration.failpoints.stage import TENANT, Scenario, Stage, patiently, run_until
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

PROMISED = MONDAY + timedelta(days=7)
CALLS = 20


def said(*, revision: int) -> list[Event[Fact]]:
    """A revision of some calls, a purchase, an answer and two customers."""
    begins = MONDAY + timedelta(minutes=17 * revision)
    calls: list[Event[Fact]] = [
        an_event(
            an_answered_contact(
                1000 * revision * number, offered_at=begins + timedelta(hours=7 * number)
            ),
            tenant=TENANT,
            subject=f"call {number}",
            revision=revision,
        )
        for number in range(CALLS)
    ]
    others = {
        "sale": a_purchase(),
        "answer": an_answer(nps=revision),
        "ann": a_customer(PHONE),
        "bob": a_customer(PHONE, MAIL),
    }
    return calls + [
        an_event(fact, tenant=TENANT, subject=name, revision=revision)
        for name, fact in others.items()
    ]


@asynccontextmanager
async def metrics(settings: Settings) -> AsyncIterator[tuple[Database, Log]]:
    """Metrics' tables and the log."""
    worker, log = Database(settings, "metrics", "worker"), open_log(settings)
    try:
        yield worker, log
    finally:
        await log.close()
        await worker.close()


async def publish(log: Log, events: Sequence[Event[Fact]]) -> None:
    """Put facts on the log and promise that nothing comes before, as relays do."""
    for event in events:
        publisher = await log.publisher(topic_of(type(event.data).owner))
        await publisher.send([event.key], [encode(event)])
    ends = await log.ends(TOPICS)
    for topic in TOPICS:
        counts = [end for (of, _), end in sorted(ends.items()) if of == topic]
        await log.publish_watermark(topic, PROMISED, counts)


# --- Counted and remembered ----------------------------------------------------------------------


async def put_on_the_log(settings: Settings) -> None:
    """Two revisions of everything, the newer one first."""
    await migrate(settings, [Tree("metrics", MODULE.migrations)])
    async with metrics(settings) as (_, log):
        await log.ensure_topics([*TOPICS, topic_of("access")])
        await publish(log, [*said(revision=2), *said(revision=1)])


class StillOpenError(Exception):
    """Records that could not be taken in."""


async def reasons(worker: Database) -> set[str]:
    """Why letters are open."""
    async with worker.begin_as_worker() as tx:
        return {letter.reason for letter in await all_open(tx, "metrics")}


async def take_in(settings: Settings) -> None:
    """Until both groups have taken in everything and know it; letters are taken up again."""
    async with metrics(settings) as (worker, log):
        ends = await log.ends(TOPICS)
        facts = Consumer(FACTS_GROUP, TOPICS, KeepFacts(worker, log), worker, log)
        history = Consumer(GROUP, TOPICS, KeepHistory(worker, log), worker, log)

        async def all_is_read() -> bool:
            async with worker.begin_as_worker() as tx:
                found = [
                    await Positions("metrics", one.group).find(tx, ends.keys())
                    for one in (facts, history)
                ]
            return found == [ends, ends]

        await run_until(all_is_read, facts.run, history.run)
        for one in (facts, history):
            async with worker.begin_as_worker() as tx:
                letters = sorted(await still_open(tx, "metrics", one.group))
            if (await redrive(worker, one, letters)).failed:
                raise StillOpenError(await reasons(worker))

        async def all_is_known() -> bool:
            async with worker.begin_as_worker() as tx:
                known = [await reached.until(tx, of, TOPICS) for of in (REACHED, FACTS_REACHED)]
            return known == [PROMISED, PROMISED]

        await run_until(all_is_known, facts.run, history.run)


async def all_is_counted_once(stage: Stage) -> None:
    """Facts, rollups and identities are what the log says; history has every revision once."""
    await numbers_are_right(stage)
    assert await stage.count("metrics.facts_contact", "revision = 2") == CALLS
    assert await stage.count("metrics.facts_contact") == CALLS
    assert await stage.count("metrics.fact_history_contact") == 2 * CALLS
    assert await stage.count("metrics.identity", f"pseudonym = '{PHONE}'") == 1
    assert await stage.count("metrics.dead_letter", "redriven_at IS NULL") == 0
    async with metrics(stage.settings) as (worker, _), worker.begin_as_worker() as tx:
        for table in (REACHED, FACTS_REACHED):
            assert await reached.until(tx, table, TOPICS) == PROMISED


async def numbers_are_right(stage: Stage) -> None:
    """Rollups are what facts say, and both what the log says."""
    async with metrics(stage.settings) as (worker, log):
        by_facts = await check(worker)
        assert (by_facts.shown, by_facts.standing) == ([], 0)
        by_log = await check_from_log(worker, log)
        assert (by_log.shown, by_log.standing, by_log.compared > 100) == ([], 0, True)


COUNTED = Scenario("counted", put_on_the_log, patiently(take_in), all_is_counted_once)

# --- Built anew ----------------------------------------------------------------------------------


async def damage(settings: Settings) -> None:
    """All is taken in, and then a rollup is spoiled."""
    await put_on_the_log(settings)
    await take_in(settings)
    admin = await asyncpg.connect(settings.admin_database_url)
    await admin.execute("UPDATE metrics.rollup_contact_day SET offered = 7")
    await admin.close()


async def rebuild(settings: Settings) -> None:
    """Build all rollups anew, a few facts at a time, and sweep what they were before."""
    shorten(versions, STEP=7, RETIRED_MINUTES=0)
    async with metrics(settings) as (worker, _):
        assert (await build_all(worker)).shown == []
        await versions.sweep(worker)


async def correct(settings: Settings) -> None:
    """Another revision of everything comes and is taken in."""
    async with metrics(settings) as (_, log):
        await publish(log, said(revision=3))
    await patiently(take_in)(settings)


async def rollups_are_right(stage: Stage) -> None:
    """Of each kind one version is live, none is under construction, and the numbers are right."""
    await numbers_are_right(stage)
    live = await stage.admin.fetch(
        "SELECT kind FROM metrics.rollup_versions WHERE state = 'live' ORDER BY kind"
    )
    assert [row["kind"] for row in live] == ["answer", "contact", "purchase"]
    assert await stage.count("metrics.rollup_versions", "state IN ('building', 'retired')") == 0
    cells = await stage.admin.fetchval(
        "SELECT count(DISTINCT version) FROM metrics.rollup_contact_day"
    )
    assert cells == 1


REBUILT = Scenario("rebuilt", damage, patiently(rebuild), rollups_are_right, rival=correct)

# --- The log replayed ----------------------------------------------------------------------------


async def take_all_in(settings: Settings) -> None:
    """All is on the log and taken in."""
    await put_on_the_log(settings)
    await take_in(settings)


async def replay(settings: Settings) -> None:
    """Compare what is read with the log."""
    async with metrics(settings) as (worker, log):
        assert (await check_from_log(worker, log)).shown == []


TEMPORARY = "relpersistence = 't' AND relkind = 'r'"


async def nothing_is_left_behind(stage: Stage) -> None:
    """A replay leaves neither tables nor sessions, and what is read is as it was."""
    async with asyncio.timeout(10):
        while await stage.count("pg_class", TEMPORARY):  # noqa: ASYNC110 - another process ends
            await asyncio.sleep(0.02)
    await numbers_are_right(stage)


REPLAYED = Scenario("replayed", take_all_in, replay, nothing_is_left_behind, rival=correct)
