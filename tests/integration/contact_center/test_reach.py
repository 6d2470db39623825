"""Who may touch whose contacts: a key of a branch reaches nothing that is not the branch's."""

import random
from typing import Any

import pytest
from httpx import AsyncClient

from otklik_common.events.access import KeyPurpose
from otklik_common.ids import contact_subject
from otklik_contact_center.actions.fold import Folder
from otklik_contact_center.domain.source import branch_id, default_id, web_id
from tests.integration.contact_center.conftest import World, fold_all
from tests.integration.contact_center.test_pushes import EVENTS, an_event, counts, push
from tests.support.routes_world import a_file

CONTACTS = "/contact-center/v1/contacts"

Bearer = dict[str, str]

pytestmark = pytest.mark.asyncio


async def a_key(world: World, *branches: str) -> Bearer:
    return {"Authorization": f"Bearer {await world.key(branches=branches)}"}


async def a_page(world: World, *branches: str) -> Bearer:
    text = await world.key("events:push", purpose=KeyPurpose.PUBLISHABLE, branches=branches)
    return {"Authorization": f"Bearer {text}"}


def a_call_to_tyumen() -> list[dict[str, Any]]:
    """What the company's telephone exchange tells."""
    return [
        an_event("e1", contact="c1", branch="tyumen", text="канарейка", **{"from": "+79005550101"}),
        an_event("e2", contact="c1", type="answered", agent="petrova"),
    ]


async def read(client: AsyncClient, subject: Any, headers: Bearer) -> int:
    return (await client.get(f"{CONTACTS}/{subject}", headers=headers)).status_code


@pytest.mark.parametrize(
    "taking",
    [
        an_event("x", contact="c1", type="amended", branch="omsk"),
        an_event("x", contact="c1", type="amended", agent="orlova"),
        an_event("x", contact="c1", type="queued", branch="omsk", at="2020-03-02T09:00:00Z"),
        an_event("x", contact="c1", type="ended"),
    ],
)
async def test_a_key_of_one_branch_takes_over_no_contact_of_another(
    client: AsyncClient, world: World, folder: Folder, taking: dict[str, Any]
) -> None:
    omsk = await a_key(world, "omsk")
    await push(client, a_call_to_tyumen())
    await fold_all(folder)
    subject = contact_subject(world.tenant, default_id(world.tenant), "c1")
    before = (await client.get(f"{CONTACTS}/{subject}")).json()
    await push(client, taking, headers=omsk)
    await fold_all(folder)
    assert (await client.get(f"{CONTACTS}/{subject}")).json() == before
    assert await read(client, subject, omsk) == 404
    found = await client.post(f"{CONTACTS}:find", json={"phone": "+79005550101"}, headers=omsk)
    assert found.json()["items"] == []


async def test_keys_of_a_branch_go_on_with_each_others_contacts(
    client: AsyncClient, world: World, folder: Folder
) -> None:
    """A successor of a key is another key."""
    first, second = await a_key(world, "omsk"), await a_key(world, "omsk", "perm")
    await push(client, an_event("e1", contact="c1"), headers=first)
    again = [an_event("e2", contact="c1", type="answered", agent="orlova", branch="omsk")]
    await push(client, again, headers=second)
    await fold_all(folder)
    subject = contact_subject(world.tenant, branch_id(world.tenant, "omsk"), "c1")
    found = (await client.get(f"{CONTACTS}/{subject}", headers=first)).json()
    assert (found["branch"], found["agent"], found["outcome"]) == ("omsk", "orlova", "answered")


async def test_a_key_of_several_branches_says_which(client: AsyncClient, world: World) -> None:
    key = await a_key(world, "omsk", "perm")
    events = [
        an_event("e1", contact="c1", branch="omsk"),
        an_event("e1", contact="c1", branch="perm"),
        an_event("e2", contact="c1"),
        an_event("e3", contact="c1", branch="tyumen"),
        an_event("e4", contact="c1", unheard="of"),
    ]
    answer = await push(client, events, headers=key)
    assert counts(answer) == (2, 0, ["branch_missing", "branch_out_of_reach", "unknown_field"])
    assert [refusal["index"] for refusal in answer["refused"]] == [2, 3, 4]
    assert counts(await push(client, events[:2], headers=key)) == (0, 2, [])
    rows = await world.admin.fetch(
        "SELECT source FROM contact_center.inbox WHERE tenant = $1", world.tenant
    )
    ids = {branch_id(world.tenant, branch) for branch in ("omsk", "perm")}
    assert {row["source"] for row in rows} == ids


async def test_a_source_out_of_reach_is_told_as_missing(client: AsyncClient, world: World) -> None:
    omsk, tyumen = await a_key(world, "omsk"), await a_key(world, "tyumen")
    await push(client, an_event("e1"), headers=tyumen)
    mine, other, everybodys = (
        {"source": source}
        for source in (
            branch_id(world.tenant, "omsk"),
            branch_id(world.tenant, "tyumen"),
            default_id(world.tenant),
        )
    )
    await push(client, an_event("e1"), headers=omsk)
    assert counts(await push(client, an_event("e2"), headers=omsk, params=mine)) == (1, 0, [])
    for params in (other, everybodys):
        no = await client.post(EVENTS, json=an_event("e3"), headers=omsk, params=params)
        assert (no.status_code, no.json()["code"]) == (404, "unknown_source")


async def test_a_branchs_source_takes_no_other_branch_from_anybody(
    client: AsyncClient, world: World
) -> None:
    """Else the branch's keys would read on in a contact that was given to another."""
    await push(client, an_event("e1"), headers=await a_key(world, "omsk"))
    params = {"source": branch_id(world.tenant, "omsk")}
    events = [an_event("e2", type="amended", branch="tyumen"), an_event("e3", type="ended")]
    assert counts(await push(client, events, params=params)) == (1, 0, ["branch_out_of_reach"])


async def test_a_replay_reaches_no_further_than_the_key_did(
    client: AsyncClient, world: World
) -> None:
    omsk = await a_key(world, "omsk")
    await push(client, an_event("e1", type="amended", branch="tyumen"), headers=omsk)
    again = await client.post(f"{EVENTS}/refused:replay", json={"code": "branch_out_of_reach"})
    assert counts(again.json()) == (0, 0, ["branch_out_of_reach"])


async def test_a_branchs_source_takes_no_files(client: AsyncClient, world: World) -> None:
    await push(client, an_event("e1"), headers=await a_key(world, "omsk"))
    body = a_file("calls") | {"source": branch_id(world.tenant, "omsk")}
    answer = await client.post("/contact-center/v1/imports", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "source_of_branch")


async def test_any_order_of_pushes_by_any_keys_gives_the_same_facts(
    client: AsyncClient, world: World, folder: Folder
) -> None:
    keys = {
        "": client.headers["Authorization"],
        "omsk": (await a_key(world, "omsk"))["Authorization"],
        "perm": (await a_key(world, "perm"))["Authorization"],
    }
    pushes = [
        (by, an_event(f"{by}{n}", contact="c1", type=kind, at=f"2026-03-02T09:0{n}:00Z", **more))
        for by in keys
        for n, (kind, more) in enumerate(
            [
                ("queued", {"branch": by or "tyumen"}),
                ("answered", {"agent": f"{by}-agent"}),
                ("amended", {"queue": f"{by}-queue"}),
                ("ended", {}),
            ]
        )
    ]
    found = []
    chance = random.Random(5)
    for _ in range(4):
        chance.shuffle(pushes)
        for by, event in pushes:
            await push(client, event, headers={"Authorization": keys[by]})
            if chance.random() < 0.4:
                await fold_all(folder)
        await fold_all(folder)
        contacts = await world.latest("contact")
        found.append({subject: data.model_dump() for subject, data in contacts.items()})
        for table in ("inbox", "dirty", "contact", "person", "lead", "outbox"):
            await world.admin.execute(
                f"DELETE FROM contact_center.{table} WHERE tenant = $1", world.tenant
            )
    assert found[0] == found[1] == found[2] == found[3]
    assert {(one["branch"], one["agent"], one["queue"]) for one in found[0].values()} == {
        ("tyumen", "-agent", "-queue"),
        ("omsk", "omsk-agent", "omsk-queue"),
        ("perm", "perm-agent", "perm-queue"),
    }


@pytest.mark.parametrize(
    "forged",
    [
        an_event("x", contact="c1", type="ended"),
        an_event("x", contact="c1", type="answered", agent="petrova"),
        an_event("x", contact="c1", type="amended", queue="other"),
        an_event("x", contact="c1", type="message", actor="human"),
        an_event("x", contact="c1", type="message", actor="bot"),
        an_event("x", contact="c1", type="message", direction="out"),
        an_event("x", contact="c1", type="message", agent="petrova"),
        an_event("x", contact="c1", type="message", public=False),
        an_event("x", contact="c1", type="started", direction="out"),
        an_event("x", contact="c1", type="queued", outcome="resolved"),
        an_event("x", contact="c1", type="queued", waited_seconds=1),
    ],
)
async def test_a_page_tells_only_what_the_customer_does(
    client: AsyncClient, world: World, forged: dict[str, Any]
) -> None:
    page = await a_page(world)
    told = [
        an_event("e1", contact="c1", type="started", channel="chat"),
        an_event("e2", contact="c1", channel="chat"),
        an_event("e3", contact="c1", type="message", channel="chat", text="добрый день"),
        forged,
    ]
    assert counts(await push(client, told, headers=page)) == (3, 0, ["not_the_customers"])
    again = await client.post(f"{EVENTS}/refused:replay", json={"source": web_id(world.tenant)})
    assert counts(again.json()) == (0, 0, ["not_the_customers"])


async def test_a_page_touches_no_contact_but_those_of_pages(
    client: AsyncClient, world: World, folder: Folder
) -> None:
    page = await a_page(world)
    await push(client, a_call_to_tyumen())
    await push(client, an_event("e1", contact="c1", branch="omsk", queue="other"), headers=page)
    await fold_all(folder)
    mine, theirs = (
        contact_subject(world.tenant, source, "c1")
        for source in (web_id(world.tenant), default_id(world.tenant))
    )
    contacts = await world.latest("contact")
    assert contacts[str(theirs)].branch == "tyumen"
    assert (contacts[str(mine)].branch, contacts[str(mine)].outcome) == ("omsk", "open")
    for source in (default_id(world.tenant), web_id(world.tenant)):
        params = {"source": source}
        no = await client.post(EVENTS, json=an_event("e9"), headers=page, params=params)
        assert (no.status_code, no.json()["code"]) == (404, "unknown_source")


async def test_whoever_answers_a_page_names_its_source(
    client: AsyncClient, world: World, folder: Folder
) -> None:
    asked = an_event("e1", contact="c1", type="message", channel="chat")
    await push(client, asked, headers=await a_page(world))
    reply = an_event("e2", contact="c1", type="message", channel="chat", agent="petrova")
    await push(client, reply, params={"source": web_id(world.tenant)})
    await fold_all(folder)
    (contact,) = (await world.latest("contact")).values()
    assert (contact.outcome, contact.agent) == ("answered", "petrova")


async def test_a_page_of_a_branch_pushes_into_the_branchs_own_source(
    client: AsyncClient, world: World
) -> None:
    page, omsk = await a_page(world, "omsk"), await a_key(world, "omsk")
    events = [an_event("e1"), an_event("e2", branch="tyumen")]
    assert counts(await push(client, events, headers=page)) == (1, 0, ["branch_out_of_reach"])
    rows = await world.admin.fetch(
        "SELECT source FROM contact_center.inbox WHERE tenant = $1", world.tenant
    )
    assert [row["source"] for row in rows] == [web_id(world.tenant, "omsk")]
    params = {"source": web_id(world.tenant, "omsk")}
    ended = an_event("e3", type="ended")
    assert counts(await push(client, ended, headers=omsk, params=params)) == (1, 0, [])
