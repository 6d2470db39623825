"""From the inbox to facts: what is told, when, in which lane, and with nothing personal."""

from datetime import timedelta
from typing import Any

import pytest

from otklik_contact_center.actions.fold import Folder
from otklik_contact_center.domain.admission import BULK, LIVE
from tests.integration.contact_center.conftest import Pusher, World, fold_all, now, only
from tests.unit.contact_center.builders import a_call, a_message, an_event, at


@pytest.mark.asyncio
async def test_a_call_becomes_a_contact_and_a_lead(
    world: World, door: Pusher, folder: Folder
) -> None:
    queued, answered, ended = a_call(answered=9, ended=100)
    await door.push(queued)
    await fold_all(folder)
    assert only(await world.latest("contact")).outcome == "open"
    await door.push(answered, ended)
    await fold_all(folder)
    contact = only(await world.latest("contact"))
    assert (contact.outcome, contact.waited_ms, contact.agent) == ("answered", 9_000, "petrova")
    lead = only(await world.latest("lead"))
    assert lead.attempt_ms == 9_000
    assert [event.revision for event in await world.facts("contact")] == [1, 2]
    assert await world.count("dirty") == 0


@pytest.mark.asyncio
async def test_folding_again_says_nothing_new(world: World, door: Pusher, folder: Folder) -> None:
    await door.push(*a_call())
    await fold_all(folder)
    before = len(await world.facts())
    await door.push(*a_call())  # duplicates mark nothing
    assert await world.count("dirty") == 0
    await world.admin.execute(
        "INSERT INTO contact_center.dirty (tenant, source, contact, lane)"
        " SELECT tenant, source, contact, 0 FROM contact_center.contact WHERE tenant = $1",
        world.tenant,
    )
    await fold_all(folder)
    assert len(await world.facts()) == before


@pytest.mark.asyncio
async def test_a_gap_that_was_answered_before_it_was_known_is_taken_back(
    world: World, door: Pusher, folder: Folder
) -> None:
    await door.push(a_message("customer", 100))
    await fold_all(folder)
    assert only(await world.latest("reply")).asked_at == at(100)
    await door.push(a_message("customer", 50))
    await fold_all(folder)
    assert only(await world.latest("reply")).asked_at == at(50)
    assert sorted(event.void for event in await world.facts("reply")) == [False, False, True]
    await door.push(an_event("ended", 200))
    await fold_all(folder)
    assert await world.latest("reply") == {}


@pytest.mark.asyncio
async def test_recorded_times_grow_for_each_subject(
    world: World, door: Pusher, folder: Folder
) -> None:
    for second in range(4):
        await door.push(a_message("customer" if second % 2 else "human", second))
        await fold_all(folder)
    last: dict[str, Any] = {}
    for event in await world.facts():
        assert event.key not in last or last[event.key] < event.recorded_at
        last[event.key] = event.recorded_at


@pytest.mark.asyncio
async def test_recorded_times_grow_even_if_the_clock_does_not(
    world: World, door: Pusher, folder: Folder
) -> None:
    await door.push(a_call()[0])
    await fold_all(folder)
    for table in ("contact", "lead"):
        await world.admin.execute(
            f"UPDATE contact_center.{table} SET recorded_at = $2 WHERE tenant = $1",
            world.tenant,
            now() + timedelta(seconds=30),
        )
    await door.push(*a_call()[1:])
    await fold_all(folder)
    for kind in ("contact", "lead"):
        assert (await world.facts(kind))[-1].recorded_at > now() + timedelta(seconds=20)


@pytest.mark.asyncio
async def test_old_events_go_to_the_bulk_lane(world: World, door: Pusher, folder: Folder) -> None:
    await door.push(
        an_event("queued", at=now() - timedelta(hours=25), id="old", contact="old"),
        an_event("queued", at=now(), id="new", contact="new"),
    )
    assert (await folder.fold_some(LIVE)).contacts >= 1
    assert len(await world.latest("contact")) == 1
    assert (await folder.fold_some(BULK)).contacts >= 1
    assert len(await world.latest("contact")) == 2


@pytest.mark.asyncio
async def test_attributes_and_region_come_from_the_company(
    world: World, door: Pusher, folder: Folder
) -> None:
    await world.enrol(region="KZ")
    await world.admin.execute(
        "INSERT INTO contact_center.attribute_allow (tenant, name) VALUES ($1, 'utm')", world.tenant
    )
    await door.push(
        an_event(
            "queued", 0, channel="call", from_="8 701 123 45 67", attributes={"utm": "x", "y": "z"}
        )
    )
    await fold_all(folder)
    contact = only(await world.latest("contact"))
    assert contact.attributes == {"utm": "x"}
    assert contact.identifiers == (world.pseudonyms.phone(world.tenant, "+77011234567"),)


@pytest.mark.asyncio
async def test_nothing_personal_leaves(world: World, door: Pusher, folder: Folder) -> None:
    canary = "+79005550199"
    await door.push(
        an_event(
            "queued",
            0,
            id=f"{canary}-1",
            contact=canary,
            from_=canary,
            text="канарейка",
            channel="chat",
        ),
        an_event("message", 5, id=f"{canary}-2", contact=canary, text="канарейка", channel="chat"),
    )
    await fold_all(folder)
    rows = await world.admin.fetch(
        "SELECT key, payload FROM contact_center.outbox WHERE tenant = $1", world.tenant
    )
    said = b"".join(row["key"].encode() + row["payload"] for row in rows)
    assert said
    assert b"9005550199" not in said
    assert "канарейка".encode() not in said
