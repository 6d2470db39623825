"""The workers of metrics side by side, as a process runs them, on a log of their own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio

from otklik_common.events.access import Company
from otklik_common.ids import subject_id
from otklik_common.runtime import make_platform, run_side_by_side
from otklik_metrics.module import HISTORY, MODULE, NUMBERS
from otklik_metrics.store import history, reached
from otklik_metrics.store.tables import FACTS_REACHED
from tests.integration.metrics.test_rebuild_from_log import Logged, system
from tests.support.facts import MONDAY, an_answered_contact, an_event
from tests.support.postgres import PostgresServer


@pytest_asyncio.fixture(params=[[MODULE], [NUMBERS, HISTORY]], ids=["in one", "apart"])
async def at_work(
    request: pytest.FixtureRequest, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Logged]:
    """
    A system whose metrics are at work, all in one or the history apart.

    It must end by itself when told to.
    """
    monkeypatch.setattr("otklik_metrics.actions.versions.LOOK_SECONDS", 0.1)
    async with system(postgres) as logged:
        await logged.log.ensure_topics(["otklik.metrics"])
        stop = asyncio.Event()
        platforms = [make_platform(logged.settings) for _ in request.param]
        running = [
            asyncio.create_task(run_side_by_side(module.workers(platform), stop))
            for module, platform in zip(request.param, platforms, strict=True)
        ]
        yield logged
        stop.set()
        await asyncio.gather(*running)
        for platform in platforms:
            await platform.close()


async def eventually(found: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(400):
        if await found():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it never came true")


@pytest.mark.asyncio
async def test_a_fact_is_counted_remembered_and_counted_anew_in_another_zone(
    at_work: Logged,
) -> None:
    tenant = at_work.tenant
    await at_work.publish(an_event(an_answered_contact(), tenant=tenant))

    async def counted() -> bool:
        rows = await at_work.admin.fetch("SELECT * FROM metrics.rollup_contact_day WHERE set = 11")
        return [row["answered"] for row in rows] == [1]

    async def remembered() -> bool:
        return bool(
            await at_work.admin.fetchval("SELECT count(*) FROM metrics.fact_history_contact")
        )

    await eventually(counted)
    await eventually(remembered)
    company = Company(timezone="Asia/Yekaterinburg", created_at=MONDAY)
    subject = subject_id(tenant, "company", tenant)
    await at_work.publish(an_event(company, tenant=tenant, subject=subject))

    async def in_its_zone() -> bool:
        zone = await at_work.admin.fetchval(
            "SELECT timezone FROM metrics.rollup_versions WHERE state = 'live'"
        )
        return bool(zone == "Asia/Yekaterinburg")

    await eventually(in_its_zone)


@pytest.mark.asyncio
async def test_both_groups_note_what_the_relays_promised(at_work: Logged) -> None:
    for topic in history.TOPICS:
        await at_work.log.publish_watermark(topic, MONDAY, [0, 0, 0])

    async def noted() -> bool:
        async with at_work.db.begin_as_worker() as tx:
            known = await reached.until(tx, FACTS_REACHED, history.TOPICS)
            return known == MONDAY == await history.history_until(tx)

    await eventually(noted)
