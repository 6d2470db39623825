"""Folding beside other workers: one after another where they meet, everything said once."""

import asyncio
import random
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from otklik_common.ids import contact_subject
from otklik_contact_center.actions.fold import Folder
from otklik_contact_center.domain.admission import BULK
from tests.integration.contact_center.conftest import Pusher, World, fold_all, only
from tests.unit.contact_center.builders import a_call, an_event


@pytest_asyncio.fixture
async def second_admin(world: World) -> AsyncIterator[asyncpg.Connection]:
    """Somebody else who holds locks."""
    connection = await asyncpg.connect(world.settings.admin_database_url)
    yield connection
    await connection.close()


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
    assert sum(not lead.known_person for lead in leads.values()) == 40
