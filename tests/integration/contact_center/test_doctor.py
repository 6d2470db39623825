"""Sources as the doctor sees them: counted on the way in, silent in time, heard again."""

import asyncio
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from httpx import AsyncClient

from otklik_common.directory import Directory
from otklik_common.events.contact_center import Source as SourceFact
from otklik_contact_center.actions import sources
from otklik_contact_center.actions.doctor import Health, of_one
from otklik_contact_center.actions.doctor_work import Doctor, sweep
from otklik_contact_center.actions.fold import Folder
from otklik_contact_center.actions.intake import ALL_NEW, Intake
from otklik_contact_center.actions.lines import Parcel
from otklik_contact_center.actions.meters import Meters
from otklik_contact_center.actions.push import Door, Pushed
from otklik_contact_center.actions.sources import SourceEdit
from otklik_contact_center.actions.tallies import Tallies
from otklik_contact_center.domain.admission import LIVE
from otklik_contact_center.domain.source import Source, new_source
from otklik_contact_center.store.inbox import Row
from tests.integration.contact_center.conftest import MASTER, World, fold_all
from tests.integration.contact_center.promising import a_calendar

pytestmark = pytest.mark.asyncio

BASE = "/contact-center/v1"
# A Wednesday, noon in Moscow.
NOON = datetime(2026, 3, 4, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Feed:
    """A source of a company that is known, its senders, our clock, and whoever looks."""

    def __init__(self, world: World, source: Source) -> None:
        self.world = world
        self.source = source
        self.now = NOON
        self.tallies = Tallies(world.pusher, lambda: self.now)
        self.intake = Intake(world.pusher, Meters(None), self.tallies)
        self.door = Door(self.intake, world.sealer, MASTER)
        self.doctor = self.another_doctor()
        self._pushed = 0

    def another_doctor(self) -> Doctor:
        """As after a restart of the worker."""
        directory = Directory(self.world.api)
        return Doctor(self.world.worker, self.world.sealer, directory, lambda: self.now)

    async def push(self, *ages: float, ids: Iterable[str] | None = None, **more: Any) -> Pushed:
        """Events that happened so many seconds ago, in one request that comes now."""
        names = list(ids) if ids is not None else [f"e{self._pushed + n}" for n in range(len(ages))]
        self._pushed += len(ages)
        events = [
            {
                "id": name,
                "contact": f"contact-{name}",
                "type": "queued",
                "at": (self.now - timedelta(seconds=age)).isoformat(),
                "channel": "call",
                **more,
            }
            for name, age in zip(names, ages, strict=True)
        ]
        return await self.door.push(self.source, json.dumps(events).encode(), now=self.now)

    async def listen(self, since: datetime, until: datetime) -> None:
        """Somebody was there to hear in these minutes."""
        minutes: dict[datetime, int] = {}
        while since < until:
            hour = since.replace(minute=0, second=0, microsecond=0)
            minutes[hour] = minutes.get(hour, 0) | 1 << since.minute
            since += MINUTE
        await self.world.admin.executemany(
            "INSERT INTO contact_center.intake_hour AS known VALUES ($1, $2) ON CONFLICT (hour)"
            " DO UPDATE SET minutes = known.minutes | excluded.minutes",
            list(minutes.items()),
        )

    async def lived(self, weeks: int = 9, *, opens: int = 6, closes: int = 15) -> None:
        """Something every minute from nine to six in Moscow, until noon today."""
        first = NOON - timedelta(weeks=weeks)
        hours = [
            (at, (1 << 60) - 1)
            for n in range(weeks * 168)
            if opens <= (at := first + timedelta(hours=n)).hour < closes
        ]
        await self.world.admin.executemany(
            "INSERT INTO contact_center.source_hour (tenant, source, hour, minutes, accepted,"
            " heard_at, arrived_at) VALUES ($1, $2, $3, $4, 60, $5, $5)",
            [(self.world.tenant, self.source.id, at, bits, at + 59 * MINUTE) for at, bits in hours],
        )

    async def look(self, at: datetime) -> list[tuple[str, SourceFact]]:
        """Look at that moment; what the company has been told of the source by then."""
        self.now = at
        await self.tallies.write()
        while await self.doctor.step():
            pass
        return await self.told()

    async def told(self) -> list[tuple[str, SourceFact]]:
        found = await self.world.facts("source")
        return [
            (one.verb, one.data)
            for one in found
            if one.subject == self.source.subject and isinstance(one.data, SourceFact)
        ]

    async def health(self) -> Health:
        """As it is shown now."""
        await self.tallies.write()
        return await of_one(
            self.world.api,
            self.world.sealer,
            Directory(self.world.api),
            tenant=self.world.tenant,
            source_id=self.source.id,
            now=self.now,
        )


@pytest_asyncio.fixture
async def feed(world: World) -> Any:
    """A telephone exchange."""
    await world.admin.execute("TRUNCATE contact_center.intake_hour")
    await world.enrol()
    source = new_source(world.tenant, name="pbx", kind="generic", require_signature=False, now=NOON)
    await sources.make_known(world.api, world.sealer, source)
    made = Feed(world, source)
    await made.intake.start()
    yield made
    await made.intake.stop()


async def test_a_feed_that_stops_is_told_silent_within_its_gap_and_heard_with_its_next_event(
    feed: Feed,
) -> None:
    await feed.lived()
    await feed.push(1.0)
    await feed.listen(NOON, NOON + timedelta(hours=2))
    assert [verb for verb, _ in await feed.look(NOON + 5 * MINUTE)] == ["created"]
    told = await feed.look(NOON + 6 * MINUTE)
    assert [verb for verb, _ in told] == ["created", "silenced"]
    fact = told[-1][1]
    assert (fact.silent, fact.silent_since, fact.last_event_at) == (True, NOON, NOON)
    assert fact.usual_gap_ms == 6 * 60_000
    assert len(await feed.look(NOON + 30 * MINUTE)) == 2, "told once"
    feed.doctor = feed.another_doctor()
    assert len(await feed.look(NOON + 31 * MINUTE)) == 2, "also after a restart"
    await feed.push(1.0)
    told = await feed.look(NOON + 32 * MINUTE)
    assert [verb for verb, _ in told] == ["created", "silenced", "heard"]
    fact = told[-1][1]
    assert (fact.silent, fact.silent_since, fact.usual_gap_ms) == (False, None, None)
    assert fact.last_event_at == NOON + 31 * MINUTE
    events = [one for one in await feed.world.facts("source") if one.subject == feed.source.subject]
    assert [one.revision for one in events] == [1, 2, 3]
    assert sorted(one.recorded_at for one in events) == [one.recorded_at for one in events]


async def test_a_night_is_no_silence_and_a_late_morning_is(feed: Feed) -> None:
    await feed.lived()
    feed.now = evening = NOON.replace(hour=14, minute=59)
    await feed.push(1.0)
    morning = evening.replace(hour=6, minute=0) + timedelta(days=1)
    await feed.listen(evening, morning + timedelta(hours=1))
    for hours in (1, 8, 15):
        assert len(await feed.look(evening + timedelta(hours=hours))) == 1
    assert len(await feed.look(morning + 4 * MINUTE)) == 1
    told = await feed.look(morning + 5 * MINUTE)
    assert told[-1][0] == "silenced"
    assert told[-1][1].silent_since == evening


async def test_nobody_is_silent_on_a_day_that_the_company_is_closed(feed: Feed) -> None:
    await feed.lived()
    await feed.push(1.0)
    await feed.listen(NOON, NOON + timedelta(days=1))
    closed = a_calendar(exceptions={NOON.date(): ()})
    await feed.world.tell("calendar", closed.code, closed)
    assert len(await feed.look(NOON + timedelta(hours=5))) == 1
    told = await feed.look(NOON.replace(hour=6, minute=5) + timedelta(days=1))
    assert told[-1][0] == "silenced"


async def test_nobody_is_silent_because_we_were_away(feed: Feed) -> None:
    await feed.lived()
    await feed.push(1.0)
    await feed.tallies.write()
    back = NOON + timedelta(hours=3)
    await feed.listen(back, back + timedelta(hours=1))
    assert len(await feed.look(back)) == 1, "three hours, and nobody was there to hear"
    assert len(await feed.look(back + 4 * MINUTE)) == 1
    told = await feed.look(back + 6 * MINUTE)
    assert told[-1][0] == "silenced"


async def test_a_worker_that_was_away_tells_a_silence_that_was_heard(feed: Feed) -> None:
    await feed.lived()
    await feed.push(1.0)
    await feed.listen(NOON, NOON + timedelta(hours=3))
    feed.doctor = feed.another_doctor()
    told = await feed.look(NOON + timedelta(hours=3))
    assert told[-1][0] == "silenced"
    assert told[-1][1].usual_gap_ms == 6 * 60_000


async def test_the_intake_says_that_it_listens(feed: Feed) -> None:
    await feed.lived()
    await feed.push(1.0)
    # Only what the intake itself writes, minute by minute.
    for minute in range(7):
        feed.now = NOON + minute * MINUTE
        await feed.tallies.write()
    assert (await feed.look(NOON + 7 * MINUTE))[-1][0] == "silenced"


async def test_what_is_refused_or_known_is_no_sign_of_life(feed: Feed) -> None:
    await feed.lived()
    await feed.push(1.0, ids=["one"])
    await feed.listen(NOON, NOON + timedelta(hours=1))
    feed.now = NOON + 3 * MINUTE
    body = {"ids": ["one"], "at": NOON - timedelta(seconds=1)}
    again = await feed.push(181.0, ids=body["ids"])  # type: ignore[arg-type]
    assert again.duplicates == 1
    assert len((await feed.push(0.0, ids=["bad"], channel="smoke")).refused) == 1
    told = await feed.look(NOON + 6 * MINUTE)
    assert told[-1][0] == "silenced"
    found = await feed.health()
    assert found.brief.times.heard_at == NOON
    assert found.brief.times.arrived_at == NOON + 3 * MINUTE
    assert {"silent", "refused_waiting"} == {one.code for one in found.findings}


async def test_who_is_silent_for_two_weeks_is_given_up_until_it_is_heard_again(
    feed: Feed,
) -> None:
    await feed.lived()
    await feed.push(1.0)
    await feed.listen(NOON, NOON + timedelta(hours=1))
    await feed.look(NOON + timedelta(days=14))
    assert [verb for verb, _ in await feed.told()] == ["created", "silenced"]
    told = await feed.look(NOON + timedelta(days=14, minutes=1))
    assert told[-1][0] == "given_up"
    assert (told[-1][1].silent, told[-1][1].active) == (True, False)
    assert (await feed.health()).brief.state == "given_up"
    # Long after what was known of it is forgotten, too.
    later = NOON + timedelta(weeks=20)
    await sweep(feed.world.worker, later)
    assert len(await feed.look(later)) == 3
    await feed.push(1.0)
    told = await feed.look(later + MINUTE)
    assert told[-1][0] == "heard"
    assert (told[-1][1].silent, told[-1][1].active) == (False, True)


async def test_a_young_source_is_not_judged(feed: Feed) -> None:
    await feed.push(1.0)
    await feed.listen(NOON, NOON + timedelta(days=2))
    assert len(await feed.look(NOON + timedelta(days=2))) == 1
    found = await feed.health()
    assert (found.silent_at, found.expected) == (None, None)


async def test_one_worker_looks_at_a_time(feed: Feed) -> None:
    await feed.lived()
    await feed.push(1.0)
    await feed.listen(NOON, NOON + timedelta(hours=1))
    await feed.tallies.write()
    feed.now = NOON + 10 * MINUTE
    await asyncio.gather(*(feed.another_doctor().step() for _ in range(4)))
    assert [verb for verb, _ in await feed.told()] == ["created", "silenced"]


async def test_a_change_of_a_silent_source_leaves_it_silent(feed: Feed) -> None:
    await feed.lived()
    await feed.push(1.0)
    await feed.listen(NOON, NOON + timedelta(hours=1))
    await feed.look(NOON + 10 * MINUTE)
    world = feed.world
    edit = SourceEdit(require_signature=True)
    changed = await sources.change(
        world.api, world.sealer, world.caller, feed.source.id, edit, feed.now
    )
    assert changed.silent_since == NOON
    verb, fact = (await feed.told())[-1]
    assert (verb, fact.silent) == ("asked_to_sign", True)


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
