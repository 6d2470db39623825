"""Sources as the doctor sees them: silent in time, given up, heard again."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from otklik_contact_center.actions import sources
from otklik_contact_center.actions.doctor_work import sweep
from otklik_contact_center.actions.sources import SourceEdit
from tests.integration.contact_center.conftest import World
from tests.integration.contact_center.feeding import MINUTE, NOON, Feed, a_feed
from tests.integration.contact_center.promising import a_calendar

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def feed(world: World) -> AsyncIterator[Feed]:
    """A telephone exchange."""
    async with a_feed(world) as made:
        yield made


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
