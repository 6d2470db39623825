"""Leads that folding makes of contacts: of one person, of another, of a switchboard."""

import pytest

from otklik_contact_center.actions.fold import Folder
from tests.integration.contact_center.conftest import Pusher, World, a_folder, fold_all, only
from tests.unit.contact_center.builders import an_event


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
async def test_behind_a_number_with_many_contacts_is_a_switchboard(
    world: World, door: Pusher
) -> None:
    folder = a_folder(world, most_contacts=5)
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
    amended = [
        an_event("amended", 100, id=f"a{n}", contact=f"call-{n}", from_=f"+7999000000{n}")
        for n in (0, 5, 6)
    ]
    await door.push(*amended)
    await fold_all(folder)
    leads = (await world.latest("lead")).values()
    assert sorted(lead.requests for lead in leads) == [1, 1, 1, 5]
    assert sum(lead.attempted_at is not None for lead in leads) == 1
