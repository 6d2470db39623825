"""Clocks and promises that fall due, and clocks that another policy makes anew."""

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import asyncpg

from otklik_common.db import Database
from otklik_common.due import Due
from otklik_common.events.contact_center import SlaClock
from otklik_common.events.registry import decode
from otklik_common.events.staff import Promise
from otklik_common.settings import Settings
from otklik_contact_center.actions.clocks_due import CLOCKS
from otklik_contact_center.actions.due import Redoing
from otklik_contact_center.actions.promises_due import PROMISES
from otklik_contact_center.module import MODULE
from tests.integration.contact_center.conftest import now
from tests.integration.contact_center.promising import Promising, a_policy, a_target
from tests.integration.failpoints.contact_center_scenarios import (
    SCHEMA,
    a_company,
    as_json,
    fold_all,
    push,
)
from tests.integration.failpoints.over_http import client_of
from tests.integration.failpoints.stage import TENANT, Scenario, Stage, patiently
from tests.unit.contact_center.builders import an_event

CALLS = 3
BASE = "/contact-center/v1"


async def hear(settings: Settings, seconds: int) -> None:
    """Access promises a first answer within so many seconds."""
    worker = Database(settings, SCHEMA, "worker")
    world: Any = SimpleNamespace(tenant=TENANT, worker=worker)
    promising = Promising(world, folder=None)  # type: ignore[arg-type]  # it only hears
    promising.revision = seconds
    try:
        await promising.hear(a_policy(a_target("first_response", seconds)))
    finally:
        await worker.close()


async def calls_that_wait(settings: Settings) -> None:
    """Calls that nobody has taken, and a promise about them that breaks in a moment."""
    await a_company(settings)
    await hear(settings, 2)
    calls = [
        an_event("queued", id=f"q{n}", contact=f"c{n}", at=now(), channel="call", direction="in")
        for n in range(CALLS)
    ]
    async with client_of(MODULE, settings) as client:
        await push(client, as_json(*calls))
    await fold_all(settings)
    await asyncio.sleep(2)


async def what_waits(settings: Settings) -> None:
    """The same, and agents who promised as many things."""
    await calls_that_wait(settings)
    async with client_of(MODULE, settings) as client:
        kind = await client.put(f"{BASE}/promise-kinds/visit", json={"warning_seconds": 0})
        assert kind.status_code == 200, kind.text
        for number in range(CALLS):
            body = {
                "agent": "petrova",
                "promise_kind": "visit",
                "due_at": (now() + timedelta(seconds=1)).isoformat(),
            }
            made = await client.put(f"{BASE}/promises/p{number}", json=body)
            assert made.status_code == 200, made.text
    await asyncio.sleep(1)


async def tell_what_is_due(settings: Settings) -> None:
    """Tell of clocks and promises until none is due."""
    worker = Database(settings, SCHEMA, "worker")
    admin = await asyncpg.connect(settings.admin_database_url)
    try:
        clocks_due, promises_due = Due(worker, CLOCKS), Due(worker, PROMISES)
        while await admin.fetchval(
            "SELECT EXISTS (SELECT FROM contact_center.sla_clock WHERE next_at IS NOT NULL)"
            " OR EXISTS (SELECT FROM contact_center.promise WHERE next_at IS NOT NULL)"
        ):
            await clocks_due.step()
            await promises_due.step()
    finally:
        await admin.close()
        await worker.close()


async def clocks(stage: Stage) -> list[tuple[int, str, int]]:
    """Revision, state and target in seconds of all that was told of clocks, in order."""
    rows = await stage.admin.fetch("SELECT payload FROM contact_center.outbox ORDER BY id")
    events = [
        event
        for event in (decode(row["payload"]) for row in rows)
        if event.data.kind == "sla_clock"
    ]
    assert len({(event.subject, event.revision) for event in events}) == len(events)
    told = []
    for event in events:
        assert isinstance(event.data, SlaClock)
        told.append((event.revision, event.data.state.value, event.data.target_ms // 1000))
    return sorted(told)


async def promises(stage: Stage) -> list[tuple[int, str]]:
    """Revision and state of all that was told of promises."""
    rows = await stage.admin.fetch("SELECT payload FROM contact_center.outbox ORDER BY id")
    events = [decode(row["payload"]) for row in rows]
    return sorted(
        (event.revision, event.data.state.value)
        for event in events
        if isinstance(event.data, Promise)
    )


async def each_breach_is_told_once(stage: Stage) -> None:
    """Every clock was pending, and is breaching; every promise was open, and is broken."""
    assert await promises(stage) == [(1, "open")] * CALLS + [(2, "broken")] * CALLS
    assert await stage.count("contact_center.promise", "next_at IS NOT NULL") == 0
    assert await clocks(stage) == [(1, "pending", 2)] * CALLS + [(2, "breaching", 2)] * CALLS
    assert await stage.count("contact_center.sla_clock", "next_at IS NOT NULL") == 0


DUE = Scenario("due", what_waits, patiently(tell_what_is_due), each_breach_is_told_once)


async def a_promise_of_the_past_is_edited(settings: Settings) -> None:
    """Calls that nobody took in time, and a promise that was wider than was said."""
    await calls_that_wait(settings)
    await tell_what_is_due(settings)
    await hear(settings, 86_400)


async def make_clocks_anew(settings: Settings) -> None:
    """Mark the contacts, and fold them."""
    worker = Database(settings, SCHEMA, "worker")
    admin = await asyncpg.connect(settings.admin_database_url)
    try:
        redoing = Redoing(worker)
        while await admin.fetchval("SELECT EXISTS (SELECT FROM contact_center.promises_redo)"):
            await redoing.step()
        await fold_all(settings)
    finally:
        await admin.close()
        await worker.close()


async def each_clock_is_by_the_newest_promise(stage: Stage) -> None:
    """Nothing is breached any more, and nothing waits."""
    assert (await clocks(stage))[-CALLS:] == [(3, "pending", 86_400)] * CALLS
    assert await stage.count("contact_center.dirty") == 0
    assert await stage.count("contact_center.promises_redo") == 0


PROMISED = Scenario(
    "promised",
    a_promise_of_the_past_is_edited,
    patiently(make_clocks_anew),
    each_clock_is_by_the_newest_promise,
)
