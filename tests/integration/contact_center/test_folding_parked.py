"""Contacts that cannot be folded: parked alone, while all others go on."""

import pytest

from otklik_contact_center.actions.fold import Folder
from tests.integration.contact_center.conftest import Pusher, World, fold_all
from tests.unit.contact_center.builders import a_call, an_event


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
async def test_a_contact_that_only_its_customer_s_past_breaks_is_parked_alone(
    world: World, door: Pusher, folder: Folder
) -> None:
    """What is kept of a lead cannot be read: no fault of the database, and of no one contact."""
    phone = {"from_": "+79991230001", "direction": "in", "channel": "call"}
    await door.push(an_event("queued", 0, id="a", contact="call-1", **phone))
    await fold_all(folder)
    await world.admin.execute(
        "UPDATE contact_center.contact SET data = 'broken' WHERE tenant = $1", world.tenant
    )
    await door.push(
        an_event("queued", 60, id="b", contact="call-2", **phone),
        an_event("queued", 60, id="c", contact="call-3", **{**phone, "from_": "+79991230002"}),
    )
    await fold_all(folder)
    reasons = await world.admin.fetch(
        "SELECT contact FROM contact_center.parked WHERE tenant = $1", world.tenant
    )
    assert [row["contact"] for row in reasons] == ["call-2"]
    assert await world.count("dirty") == 0
