"""Who tells steps of leads over HTTP and who sees them: lists, branches and what is refused."""

import pytest
from httpx import AsyncClient

from otklik_common.events.access import KeyPurpose
from otklik_contact_center.actions.fold import Folder
from otklik_contact_center.domain.facts import lead_id
from tests.integration.contact_center.conftest import Pusher, World, fold_all, only
from tests.integration.contact_center.stepping import (
    LEADS,
    PATH,
    a_deal,
    a_missed_call,
    a_step,
    of,
    push,
)
from tests.unit.contact_center.builders import an_event

pytestmark = pytest.mark.asyncio


async def test_leads_are_listed_by_where_they_stand(
    client: AsyncClient, world: World, door: Pusher, folder: Folder
) -> None:
    for n, branch in enumerate(("omsk", "tyumen", "omsk")):
        await door.push(*a_missed_call(f"+7999000000{n}", f"call-{n}", branch=branch))
    await push(client, a_step("closed", 3, customer={"phone": "+79990000002"}, reason="advice"))
    await fold_all(folder)
    waiting = (await client.get(LEADS, params={"state": "waiting", "branch": "omsk"})).json()
    (lead,) = waiting["items"]
    assert lead["contact"] == str(of(world, "call-0"))
    assert lead["id"] == str(lead_id(world.tenant, of(world, "call-0")))
    assert (lead["state"], lead["attempt_ms"], lead["requests"]) == ("waiting", None, 1)
    first = (await client.get(LEADS, params={"limit": 2})).json()
    rest = (await client.get(LEADS, params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert len({one["id"] for one in first["items"] + rest["items"]}) == 3
    detail = (await client.get(f"{LEADS}/{of(world, 'call-2')}")).json()
    assert (detail["state"], detail["reason"]) == ("closed", "advice")
    assert [one["step"] for one in detail["steps"]] == ["closed"]
    missing = await client.get(f"{LEADS}/{of(world, 'nobody')}")
    assert (missing.status_code, missing.json()["code"]) == (404, "lead_not_found")


async def test_a_key_of_a_branch_tells_and_sees_only_its_own(
    client: AsyncClient, world: World, door: Pusher, folder: Folder
) -> None:
    await door.push(*a_missed_call(branch="omsk"))
    await fold_all(folder)
    headers = {"Authorization": f"Bearer {await world.key(branches=('tyumen',))}"}
    told = [
        a_step("qualified", 2),
        a_step("qualified", 3, branch="omsk"),
        a_step("qualified", 4, branch="tyumen", contact="call-1"),
    ]
    codes = ["branch_missing", "branch_out_of_reach"]
    assert await push(client, *told, headers=headers) == (1, 0, codes)
    await fold_all(folder)
    assert only(await world.latest("lead")).qualified_at is None
    assert (await client.get(LEADS, headers=headers)).json()["items"] == []
    seen = await client.get(f"{LEADS}/{of(world)}", headers=headers)
    assert seen.status_code == 404
    assert len((await client.get(PATH, headers=headers)).json()["items"]) == 1
    ours = a_step("qualified", 5, branch="omsk")
    assert await push(client, ours) == (1, 0, [])
    theirs = ours | {"branch": "tyumen", "withdrawn": True}
    assert await push(client, theirs, headers=headers) == (0, 0, ["branch_out_of_reach"])


async def test_what_is_wrong_is_said_and_the_rest_is_kept(
    client: AsyncClient, world: World
) -> None:
    publishable = await world.key("events:push", purpose=KeyPurpose.PUBLISHABLE)
    page = {"Authorization": f"Bearer {publishable}"}
    bad = [
        a_step("qualified", 1, customer=None),
        a_step("qualified", 2, source="zzzzzzzz.default", contact="x"),
        a_step("qualified", 3, id="demo-1"),
        {"id": "x"},
        a_deal(amount="12,5"),
    ]
    demo = {"Authorization": f"Bearer {await world.key('events:push')}"}
    kept = a_step("qualified", 9)
    assert await push(client, *bad, kept, headers=demo) == (
        1,
        0,
        ["no_subject", "unknown_source", "id_reserved", "missing", "bad_amount"],
    )
    assert (await client.post(PATH, content=b"[")).status_code == 400
    assert (await client.post(PATH, json=[kept], headers=page)).status_code == 403


async def test_a_step_of_another_branch_is_not_shown_with_the_lead(
    client: AsyncClient, world: World, door: Pusher, folder: Folder
) -> None:
    key = {"Authorization": f"Bearer {await world.key(branches=('omsk',))}"}
    await door.push(*a_missed_call(branch="omsk"))
    await push(client, a_deal(branch="tyumen", contact="call-1"), a_step("qualified", 2))
    await fold_all(folder)
    path = f"{LEADS}/{of(world)}"
    assert len((await client.get(path)).json()["steps"]) == 2
    seen = (await client.get(path, headers=key)).json()
    assert [one["step"] for one in seen["steps"]] == ["qualified"]


async def test_of_one_id_twice_in_a_push_the_last_that_may_be_told_holds(
    client: AsyncClient,
) -> None:
    good, bad = (
        a_step("qualified", 2, id="x"),
        a_step("qualified", 3, id="x", source="zzzzzzzz.d", contact="c"),
    )
    assert await push(client, good, bad) == (1, 0, ["unknown_source"])


async def test_leads_of_a_build_before_are_listed_when_they_are_folded_again(
    client: AsyncClient, world: World, door: Pusher, folder: Folder
) -> None:
    await door.push(*a_missed_call(branch="omsk"))
    await fold_all(folder)
    columns = "created_at = NULL, state = NULL, party = NULL, branch = NULL, agent = NULL"
    await world.admin.execute(
        f"UPDATE contact_center.lead SET {columns} WHERE tenant = $1", world.tenant
    )
    assert (await client.get(LEADS)).json()["items"] == []
    await door.push(an_event("ringing", 5, id="r", contact="call-1"))
    await fold_all(folder)
    (lead,) = (await client.get(LEADS, params={"state": "waiting"})).json()["items"]
    assert lead["branch"] == "omsk"
