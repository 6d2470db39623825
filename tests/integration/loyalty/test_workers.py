"""Loyalty's background work, all of it, on the table log."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from otklik_common.log.port import Record
from otklik_common.reading import read
from otklik_common.runtime import make_platform, run_side_by_side
from otklik_loyalty.module import MODULE
from tests.integration.loyalty.conftest import World
from tests.integration.loyalty.selling import a_purchase, keep


def audited_at(registry: CollectorRegistry) -> float | None:
    return registry.get_sample_value("otklik_loyalty_ledger_checked_timestamp_seconds")


@pytest.mark.asyncio
async def test_facts_leave_and_the_ledger_is_audited(world: World) -> None:
    platform = make_platform(world.settings)
    await platform.log.ensure_topics(["otklik.access", "otklik.loyalty"])
    stop = asyncio.Event()
    workers = MODULE.workers(platform)
    working = asyncio.create_task(run_side_by_side(workers, stop))
    try:
        await keep(world, a_purchase(world))
        async with asyncio.timeout(20):
            while await world.count("outbox") or not audited_at(platform.registry):
                assert not working.done(), "no worker ends by itself"
                await asyncio.sleep(0.05)
    finally:
        stop.set()
        await working
        await platform.close()
    rows = await world.admin.fetch("SELECT * FROM log.records WHERE topic = 'otklik.loyalty'")
    records = [
        Record(row["topic"], row["partition"], row["offset"], row["key"], row["value"])
        for row in rows
    ]
    events, unread = read(records)
    assert unread == []
    kinds = {event.kind for event in events if event.tenant == world.tenant}
    assert kinds == {"customer", "purchase"}
