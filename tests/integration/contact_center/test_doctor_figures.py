"""The doctor's figures of a source: counted on the way in, kept, forgotten, shown over HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from httpx import AsyncClient

from otklik_contact_center.actions.doctor_work import sweep
from otklik_contact_center.actions.fold import Folder
from otklik_contact_center.actions.intake import ALL_NEW, Intake
from otklik_contact_center.actions.lines import Parcel
from otklik_contact_center.actions.meters import Meters
from otklik_contact_center.actions.push import Door
from otklik_contact_center.actions.tallies import Tallies
from otklik_contact_center.domain.admission import LIVE
from otklik_contact_center.store.inbox import Row
from tests.integration.contact_center.conftest import MASTER, World, fold_all
from tests.integration.contact_center.feeding import MINUTE, NOON, Feed, a_feed

pytestmark = pytest.mark.asyncio

BASE = "/contact-center/v1"


@pytest_asyncio.fixture
async def feed(world: World) -> AsyncIterator[Feed]:
    """A telephone exchange."""
    async with a_feed(world) as made:
        yield made


async def test_figures_are_those_of_what_was_sent(feed: Feed) -> None:
    # 40 events: half took 0.5 s, the others 10 s; then three of them once more.
    delays = [0.5, 10.0] * 20
    await feed.push(*delays)
    feed.now += MINUTE
    again = await feed.push(*(delay + 60 for delay in delays[:3]), ids=["e0", "e1", "e2"])
    assert (again.accepted, again.duplicates) == (0, 3)
    # In this minute the newest is from half a second before noon: two are overtaken by it.
    feed.now += MINUTE
    await feed.push(1.0, 122.0, 400.0, 59.0)
    # The same id for something else is refused, and so is nonsense.
    await feed.push(7.0, ids=["e0"])
    await feed.push(7.0, channel="smoke")
    # Of what is older than a day nothing is learnt but that it came.
    await feed.push(100_000.0)
    found = await feed.health()
    assert found.brief.day == (45, 3, 2, 2)
    assert found.now == found.brief.day
    told = found.delays
    assert told is not None
    assert told.events == 44
    # In order: 20 of 0.5, 1, 20 of 10, 59, 122, 400; nearest rank.
    assert told.least == pytest.approx(0.5, rel=0.1)
    assert told.median == pytest.approx(10, rel=0.05)
    assert told.p95 == pytest.approx(59, rel=0.05)
    assert told.most == pytest.approx(400, rel=0.05)
    assert found.brief.times.newest_at == feed.now - timedelta(seconds=1)
    assert found.brief.waiting == 2


async def test_two_processes_add_to_the_same_hour(feed: Feed) -> None:
    await feed.push(1.0)
    other = Tallies(feed.world.pusher, lambda: feed.now)
    beside = Intake(feed.world.pusher, Meters(None), other)
    await beside.start()
    door = Door(beside, feed.world.sealer, MASTER)
    event = {
        "id": "other", "contact": "other", "type": "queued", "channel": "call",
        "at": NOON.isoformat(),
    }  # fmt: skip
    feed.now = NOON + 2 * MINUTE
    await door.push(feed.source, json.dumps(event).encode(), now=feed.now)
    await asyncio.gather(feed.tallies.write(), other.write())
    await beside.stop()
    rows = await feed.world.admin.fetch(
        "SELECT minutes, accepted FROM contact_center.source_hour WHERE tenant = $1",
        feed.world.tenant,
    )
    assert [tuple(row) for row in rows] == [(0b101, 2)]


async def test_minutes_between_two_writes_are_all_kept(feed: Feed) -> None:
    tallies = Tallies(feed.world.pusher, lambda: feed.now)
    for minute in (0, 3):
        at = NOON + minute * MINUTE
        row = Row(
            feed.world.tenant, feed.source.id, f"e{minute}", "c", b"h", b"body", at, at, None, LIVE
        )
        tallies.count([Parcel([row], (), lambda _: None)], [ALL_NEW])
    await tallies.write()
    found = await feed.world.admin.fetch(
        "SELECT minutes, accepted, heard_at FROM contact_center.source_hour WHERE tenant = $1",
        feed.world.tenant,
    )
    assert [tuple(row) for row in found] == [(0b1001, 2, NOON + 3 * MINUTE)]


async def test_figures_wait_for_a_database_that_is_away(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    tallies = Tallies(feed.world.pusher, lambda: feed.now)
    row = Row(feed.world.tenant, feed.source.id, "one", "c", b"h", b"body", NOON, NOON, None, LIVE)
    tallies.count([Parcel([row], (), lambda _: None)], [ALL_NEW])
    monkeypatch.setattr(feed.world.pusher, "url", feed.world.pusher.url.set(database="nowhere"))
    await tallies.write()
    monkeypatch.undo()
    assert await feed.world.count("source_hour") == 0
    await tallies.write()
    await tallies.write()
    found = await feed.world.admin.fetch(
        "SELECT accepted FROM contact_center.source_hour WHERE tenant = $1", feed.world.tenant
    )
    assert [row["accepted"] for row in found] == [1]


async def test_a_call_without_an_end_is_found(feed: Feed, folder: Folder) -> None:
    await feed.push(5 * 3_600, ids=["lost"])
    await feed.push(3 * 3_600, ids=["goes on"])
    await feed.push(5 * 3_600, ids=["over"])
    events = [
        {"id": "end", "contact": "contact-over", "type": "ended", "at": NOON.isoformat()},
    ]
    await feed.door.push(feed.source, json.dumps(events).encode(), now=NOON)
    await fold_all(folder)
    found = await feed.health()
    assert found.endless == 1
    assert "calls_without_end" in {one.code for one in found.findings}


async def test_what_nobody_compares_with_is_forgotten(feed: Feed) -> None:
    await feed.lived(weeks=12)
    await feed.push(1.0)
    await feed.tallies.write()
    await feed.listen(NOON - timedelta(weeks=10), NOON - timedelta(weeks=10) + MINUTE)
    feed.now = NOON + timedelta(days=9)
    await sweep(feed.world.worker, feed.now)
    oldest = await feed.world.admin.fetchval(
        "SELECT min(hour) FROM contact_center.source_hour WHERE tenant = $1", feed.world.tenant
    )
    assert oldest >= feed.now - timedelta(weeks=9)
    assert await feed.world.count("source_delay") == 0
    left = await feed.world.admin.fetchval("SELECT count(*) FROM contact_center.intake_hour")
    assert left == 1, "the hour in which this test listened"


async def test_health_over_http(client: AsyncClient, world: World) -> None:
    made = (await client.post(f"{BASE}/sources", json={"name": "pbx", "kind": "generic"})).json()
    now = datetime.now(UTC)
    events = [
        {"id": f"e{n}", "contact": f"c{n}", "type": "queued", "channel": "call",
         "at": now.isoformat()}
        for n in range(3)
    ]  # fmt: skip
    bad = {"id": "bad", "contact": "c", "type": "queued", "channel": "smoke", "at": now.isoformat()}
    pushed = await client.post(
        f"{BASE}/events", params={"source": made["id"]}, json=[*events, events[0], bad]
    )
    assert pushed.status_code == 202, pushed.text
    health = await until_counted(client, made["id"])
    assert health["state"] == "heard"
    assert (health["this_hour"], health["expected_this_hour"]) == (3, None)
    assert health["day"] == {"accepted": 3, "duplicates": 1, "refused": 1, "out_of_order": 0}
    assert health["delays"]["events"] == 3
    assert (health["silent_at"], health["calls_without_end"]) == (None, 0)
    assert [one["code"] for one in health["findings"]] == ["refused_waiting"]
    assert health["findings"][0]["text"] == "1 refused events wait"
    russian = await client.get(
        f"{BASE}/sources/{made['id']}/health", headers={"Accept-Language": "ru"}
    )
    assert russian.json()["findings"][0]["text"] == "ждут отклонённые события: 1"
    listed = (await client.get(f"{BASE}/sources:health")).json()["items"]
    brief = {one["id"]: one for one in listed}
    assert brief[made["id"]]["refused_waiting"] == 1
    assert brief[f"{world.tenant}.default"]["state"] == "never_heard"
    # One request, as the answer names it.
    replay = health["replay"]
    again = await client.request(replay["method"], replay["path"], json=replay["body"])
    assert again.status_code == 202, again.text
    after = (await client.get(f"{BASE}/sources/{made['id']}/health")).json()
    assert (after["refused_waiting"], after["replay"]) == (0, None)
    unknown = await client.get(f"{BASE}/sources/{world.tenant}.nothing/health")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_source")


async def until_counted(client: AsyncClient, source: str) -> dict[str, Any]:
    for _ in range(100):
        answer = await client.get(f"{BASE}/sources/{source}/health")
        assert answer.status_code == 200, answer.text
        health: dict[str, Any] = answer.json()
        if health["day"]["accepted"]:
            return health
        await asyncio.sleep(0.1)
    raise AssertionError("what was pushed is not counted within ten seconds")
