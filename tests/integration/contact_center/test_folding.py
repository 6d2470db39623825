"""From the inbox to facts: whatever order events come in, the facts end up the same."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otklik_common.ids import contact_subject, short_id
from otklik_contact_center.actions.fold import Folder
from otklik_contact_center.actions.intake import Intake
from otklik_contact_center.actions.meters import Meters
from otklik_contact_center.actions.push import Door
from otklik_contact_center.domain.admission import BULK, LIVE, canonical
from otklik_contact_center.domain.events import Event
from otklik_contact_center.domain.source import default_source
from tests.integration.contact_center.conftest import MASTER, World, fold_all, now
from tests.unit.contact_center.builders import a_call, a_message, an_event, at, events


@pytest.fixture
def door(world: World) -> "Pusher":
    return Pusher(world)


@pytest_asyncio.fixture
async def second_admin(world: World) -> AsyncIterator[asyncpg.Connection]:
    """Somebody else who holds locks."""
    connection = await asyncpg.connect(world.settings.admin_database_url)
    yield connection
    await connection.close()


class Pusher:
    """Pushes events as the API does, without HTTP."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def push(self, *events: Event) -> None:
        intake = Intake(self.world.pusher, Meters(None))
        await intake.start()
        try:
            door = Door(intake, self.world.sealer, MASTER)
            body = b"[" + b",".join(canonical(event) for event in events) + b"]"
            source = default_source(self.world.tenant, now())
            answer = await door.push(source, body, now=now())
            assert not answer.refused, answer
        finally:
            await intake.stop()


def only(found: dict[str, Any]) -> Any:
    assert len(found) == 1, found
    return next(iter(found.values()))


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
async def test_a_call_back_by_the_same_number_works_the_lead(
    world: World, door: Pusher, folder: Folder
) -> None:
    phone = "+79991234567"
    missed = [
        an_event("queued", 0, channel="call", from_=phone, party="buyer"),
        an_event("ended", 30),
    ]
    back = [
        an_event(
            "started",
            600,
            id="b1",
            contact="call-2",
            channel="call",
            direction="out",
            to="8 999 123 45 67",
        ),
        an_event("answered", 620, id="b2", contact="call-2", agent="petrova"),
    ]
    await door.push(*back)
    await fold_all(folder)
    assert await world.latest("lead") == {}
    await door.push(*missed)
    await fold_all(folder)
    lead = only(await world.latest("lead"))
    assert (lead.attempt_ms, lead.contact_ms, lead.party) == (600_000, 620_000, "buyer")


@pytest.mark.asyncio
async def test_a_lead_moves_when_the_number_is_corrected(
    world: World, door: Pusher, folder: Folder
) -> None:
    await door.push(an_event("queued", 0, channel="call", from_="+79991234567"))
    await door.push(an_event("queued", 60, id="x", contact="call-2", from_="+79991234567"))
    await fold_all(folder)
    assert only(await world.latest("lead")).requests == 2
    await door.push(an_event("amended", 90, id="y", contact="call-2", from_="+79990000000"))
    await fold_all(folder)
    assert sorted(lead.requests for lead in (await world.latest("lead")).values()) == [1, 1]


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
async def test_leads_of_one_person_are_folded_one_after_another(
    world: World, door: Pusher, folder: Folder, second_admin: asyncpg.Connection
) -> None:
    await door.push(an_event("queued", 0, channel="call", from_="+79991234567"))
    await fold_all(folder)
    await door.push(an_event("queued", 60, id="x", contact="call-2", from_="+79991234567"))
    async with second_admin.transaction():
        await second_admin.execute(
            "SELECT 1 FROM contact_center.person WHERE tenant = $1 FOR UPDATE", world.tenant
        )
        folding = asyncio.create_task(fold_all(folder))
        await asyncio.sleep(0.3)
        assert not folding.done()
    await folding
    assert only(await world.latest("lead")).requests == 2


@pytest.mark.asyncio
async def test_a_contact_that_another_worker_just_added_is_left_to_it(
    world: World, door: Pusher, folder: Folder, second_admin: asyncpg.Connection
) -> None:
    await door.push(*a_call())
    subject = contact_subject(world.tenant, f"{world.tenant}.default", "call-1")
    async with second_admin.transaction():
        await second_admin.execute(
            "INSERT INTO contact_center.contact (tenant, id, source, contact, person, at, channel,"
            " direction, outcome, revision, hash, void, recorded_at, data)"
            " VALUES ($1, $2, $3, 'call-1', 'p', now(), 'call', 'in', 'open', 1, 'h', false,"
            " now(), '{}')",
            world.tenant,
            subject,
            f"{world.tenant}.default",
        )
        folding = asyncio.create_task(folder.fold_some(BULK))
        await asyncio.sleep(0.3)
        assert not folding.done()
    assert (await folding).contacts == 0
    assert await world.facts("contact") == []
    assert await world.count("dirty") > 0
    await fold_all(folder)
    assert [event.revision for event in await world.facts("contact")] == [2]


@pytest.mark.asyncio
async def test_a_switchboard_stays_a_switchboard(
    world: World, door: Pusher, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otklik_contact_center.domain.lead.MOST_CONTACTS", 5)
    monkeypatch.setattr("otklik_contact_center.actions.leads.MOST_CONTACTS", 5)
    calls = [
        an_event("queued", n, contact=f"call-{n}", channel="call", from_="+79991234567")
        for n in range(8)
    ]
    await door.push(*calls[:5])
    await fold_all(folder)
    assert len(await world.latest("lead")) == 1
    await door.push(*calls[5:7])
    await fold_all(folder)
    assert len(await world.latest("lead")) == 7
    await door.push(calls[7])
    await fold_all(folder)
    assert len(await world.latest("lead")) == 8
    await door.push(an_event("answered", 99, contact="call-3"))
    await fold_all(folder)
    attempted = [lead for lead in (await world.latest("lead")).values() if lead.attempted_at]
    assert len(attempted) == 1


@pytest.mark.asyncio
async def test_a_contact_that_cannot_be_folded_is_parked_and_others_go_on(
    world: World, door: Pusher, folder: Folder
) -> None:
    await door.push(*a_call(), an_event("queued", 5, id="other", contact="call-2"))
    await world.admin.execute(
        "UPDATE contact_center.inbox SET body = 'broken' WHERE tenant = $1 AND id = 'other'",
        world.tenant,
    )
    await fold_all(folder)
    assert len(await world.latest("contact")) == 1
    parked = await world.admin.fetch(
        "SELECT contact, reason FROM contact_center.parked WHERE tenant = $1", world.tenant
    )
    assert [tuple(row) for row in parked] == [("call-2", "Unsealable")]
    assert await world.count("dirty") == 0


@pytest.mark.asyncio
async def test_a_contact_that_the_database_refuses_is_parked_alone(
    world: World, door: Pusher, folder: Folder
) -> None:
    await world.admin.execute(
        "ALTER TABLE contact_center.contact ADD CONSTRAINT test_poison"
        f" CHECK (tenant <> '{world.tenant}' OR queue IS DISTINCT FROM 'poison')"
    )
    try:
        await door.push(*a_call(), an_event("queued", 5, id="o", contact="call-2", queue="poison"))
        await fold_all(folder)
        assert len(await world.latest("contact")) == 1
        assert await world.count("parked") == 1
    finally:
        await world.admin.execute("ALTER TABLE contact_center.contact DROP CONSTRAINT test_poison")
    await door.push(an_event("ended", 50, id="p", contact="call-2"))
    await fold_all(folder)
    assert len(await world.latest("contact")) == 2
    assert await world.count("parked") == 0


@pytest.mark.asyncio
async def test_two_workers_share_the_work_and_say_everything_once(
    world: World, door: Pusher, folder: Folder
) -> None:
    calls = [
        an_event(kind, second, id=f"{kind}{n}", contact=f"c{n}", from_=f"+7999000{n % 40:04}")
        for n in range(300)
        for kind, second in (("queued", n), ("answered", n + 9), ("ended", n + 50))
    ]
    random.Random(1).shuffle(calls)
    for start in range(0, len(calls), 150):
        await door.push(*calls[start : start + 150])
        await asyncio.gather(*(folder.fold_some(BULK, 100) for _ in range(3)))
    await fold_all(folder)
    contacts = await world.latest("contact")
    assert len(contacts) == 300
    assert all(contact.outcome == "answered" for contact in contacts.values())
    revisions: dict[str, int] = {}
    for event in await world.facts():
        assert event.revision == revisions.get(event.key, 0) + 1
        revisions[event.key] = event.revision
    leads = await world.latest("lead")
    assert sum(lead.requests for lead in leads.values()) == 300
    assert len(leads) == 40


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


HISTORIES = st.lists(
    st.builds(
        lambda event, contact, number: Event(
            **{
                name: getattr(event, name)
                for name in event.__struct_fields__
                if name not in {"id", "contact"}
            },
            id=f"e{number}",
            contact=contact,
        ),
        events(),
        st.sampled_from(("call-1", "call-2", "call-3")),
        st.integers(0, 10_000),
    ),
    min_size=1,
    max_size=10,
    unique_by=lambda event: event.id,
)


def test_any_order_and_any_batches_give_the_same_facts(world: World, folder: Folder) -> None:
    """The same events, pushed and folded little by little in another order, twice each."""
    loop = asyncio.get_event_loop()

    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(HISTORIES, st.randoms(use_true_random=False))
    def law(history: list[Event], chance: random.Random) -> None:
        loop.run_until_complete(compare(history, chance))

    async def compare(history: list[Event], chance: random.Random) -> None:
        # Ids are made of the company: the two must be the same one, one after the other.
        world.tenant = short_id()
        await Pusher(world).push(*history)
        await fold_all(folder)
        at_once = await published(world)
        await forget(world)
        arrived = [*history, *history]
        chance.shuffle(arrived)
        while arrived:
            some = chance.randint(1, 5)
            # One push refuses nothing here: the second of two equal events is a duplicate.
            await Pusher(world).push(*arrived[:some])
            del arrived[:some]
            if chance.random() < 0.7:
                await fold_all(folder)
        await fold_all(folder)
        assert await published(world) == at_once

    law()


async def published(world: World) -> dict[str, str]:
    found: dict[str, str] = {}
    for kind in ("contact", "reply", "lead"):
        for subject, data in (await world.latest(kind)).items():
            found[f"{kind}/{subject}"] = data.model_dump_json()
    return found


async def forget(world: World) -> None:
    for table in ("inbox", "dirty", "contact", "person", "lead", "outbox"):
        await world.admin.execute(
            f"DELETE FROM contact_center.{table} WHERE tenant = $1", world.tenant
        )
