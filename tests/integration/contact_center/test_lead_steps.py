"""What sales systems tell of requests comes to leads, showings and deals, in any order."""

import asyncio
import json
import random
from datetime import timedelta
from typing import Any

import pytest
from httpx import AsyncClient

from otklik_contact_center.actions.demo_work import Remover
from otklik_contact_center.actions.fold import Folder
from otklik_contact_center.domain.events import Customer
from otklik_contact_center.domain.facts import lead_id
from tests.integration.contact_center.conftest import Pusher, World, a_folder, fold_all, now, only
from tests.integration.contact_center.stepping import (
    PATH,
    PHONE,
    a_deal,
    a_missed_call,
    a_step,
    of,
    push,
)
from tests.unit.contact_center.builders import MORNING, an_event

pytestmark = pytest.mark.asyncio


async def test_a_request_goes_to_the_deal(
    client: AsyncClient, world: World, door: Pusher, folder: Folder
) -> None:
    await door.push(*a_missed_call(branch="tyumen"))
    await fold_all(folder)
    steps = [
        a_step("assigned", 0.5, agent="petrova"),
        a_step("showing", 26, object="flat-7"),
        a_step("showing", 50, object="flat-9", agent="ivanov"),
        a_deal(object="flat-9"),
        a_step("closed", 701, reason="deal"),
    ]
    assert await push(client, *steps) == (5, 0, [])
    await fold_all(folder)
    lead = only(await world.latest("lead"))
    assert (lead.assign_ms, lead.attempt_ms) == (1_800_000, 26 * 3_600_000)
    assert (lead.agent, lead.showings, lead.reason) == ("petrova", 2, "deal")
    showings = sorted((await world.latest("showing")).values(), key=lambda one: one.shown_at)
    assert [(one.object, one.agent, one.branch) for one in showings] == [
        ("flat-7", "petrova", "tyumen"),
        ("flat-9", "ivanov", "tyumen"),
    ]
    deal = only(await world.latest("deal"))
    assert deal.lead == lead_id(world.tenant, of(world))
    assert (deal.amount_minor, deal.currency, deal.party) == (5_700_000, "RUB", "buyer")
    assert (deal.channel, deal.agent, deal.identifiers) == ("call", "petrova", lead.identifiers)
    assert await push(client, *steps) == (0, 5, [])
    assert await world.count("dirty") == 0


async def test_steps_may_come_before_the_contact(
    client: AsyncClient, world: World, door: Pusher, folder: Folder
) -> None:
    await push(client, a_step("showing", 26), a_deal())
    await fold_all(folder)
    deal = only(await world.latest("deal"))
    assert (deal.lead, deal.branch) == (None, None)
    waiting = (await client.get(PATH)).json()["items"]
    assert [one["step"] for one in waiting] == ["showing", "deal"]
    assert (waiting[1]["amount"], waiting[1]["currency"]) == ("57000.00", "RUB")
    await door.push(*a_missed_call(branch="tyumen"))
    await fold_all(folder)
    deal = only(await world.latest("deal"))
    assert (deal.lead, deal.branch) == (lead_id(world.tenant, of(world)), "tyumen")
    assert only(await world.latest("lead")).showings == 1
    assert (await client.get(PATH)).json()["items"] == []


async def test_in_whatever_order_they_are_heard_the_leads_are_the_same(
    client: AsyncClient, world: World, door: Pusher, folder: Folder
) -> None:
    steps = [
        a_step("assigned", 0.5, agent="petrova"),
        a_step("qualified", 5),
        a_step("showing", 26),
        a_deal(),
        a_step("closed", 2, id="c", reason="lost", objections=["far", "dear"]),
    ]
    parts: list[Any] = [*steps, a_missed_call(branch="omsk")]
    found = []
    for seed in range(4):
        random.Random(seed).shuffle(parts)
        for part in parts:
            if isinstance(part, list):
                await door.push(*part)
            else:
                await push(client, part)
            if seed % 2:
                await fold_all(folder)
        await fold_all(folder)
        found.append(
            [only(await world.latest(kind)).model_dump() for kind in ("lead", "showing", "deal")]
        )
        gone = [step | {"withdrawn": True} for step in steps]
        assert await push(client, *gone) == (5, 0, [])
        await fold_all(folder)
        assert await world.latest("showing") == await world.latest("deal") == {}
        assert only(await world.latest("lead")).attempted_at is None
    assert all(one == found[0] for one in found)


async def test_a_step_told_anew_replaces_what_was_told(
    client: AsyncClient, world: World, door: Pusher, folder: Folder
) -> None:
    await door.push(*a_missed_call(), *a_missed_call("+79990000000", "call-2"))
    await push(client, a_deal())
    await fold_all(folder)
    other = a_deal(amount="58000.00", customer={"phone": "+79990000000"})
    assert await push(client, other) == (1, 0, [])
    await fold_all(folder)
    deal = only(await world.latest("deal"))
    assert (deal.amount_minor, deal.lead) == (
        5_800_000,
        lead_id(world.tenant, of(world, "call-2")),
    )
    leads = await world.latest("lead")
    assert {id_: lead.dealt_at is None for id_, lead in leads.items()} == {
        str(lead_id(world.tenant, of(world))): True,
        str(lead_id(world.tenant, of(world, "call-2"))): False,
    }
    assert await push(client, a_step("showing", id="s-deal-700")) == (0, 0, ["event_id_reused"])


async def test_a_step_may_name_the_contact_and_know_nobody(
    client: AsyncClient, world: World, door: Pusher, folder: Folder
) -> None:
    """A hidden number is nobody's; the contact's own id still leads to the request."""
    step = a_step("qualified", 2, customer=None, contact="call-1")
    await push(client, step)
    await fold_all(folder)
    await door.push(*a_missed_call("anonymous"))
    await fold_all(folder)
    assert only(await world.latest("lead")).qualified_at == MORNING + timedelta(hours=2)


async def test_who_is_known_by_a_weaker_name_is_found_all_the_same(
    client: AsyncClient, world: World, door: Pusher, folder: Folder
) -> None:
    known = Customer(phone=PHONE, email="anna@example.com")
    await push(client, a_step("qualified", 2, customer={"email": "Anna@Example.com"}))
    await door.push(*a_missed_call(customer=known))
    await fold_all(folder)
    assert only(await world.latest("lead")).qualified_at is not None
    await push(client, a_step("showing", 5, customer={"email": "anna@example.com"}))
    await fold_all(folder)
    assert only(await world.latest("lead")).showings == 1


async def test_the_callback_promise_hears_of_an_attempt_of_the_sales_system(
    client: AsyncClient, world: World, door: Pusher, folder: Folder
) -> None:
    await door.push(*a_missed_call())
    await fold_all(folder)
    await push(client, a_step("attempted", 0.25, agent="sidorova"))
    await fold_all(folder)
    row = await world.admin.fetchrow(
        "SELECT attempted_by, state FROM contact_center.lead WHERE tenant = $1", world.tenant
    )
    assert row is not None
    assert (row["attempted_by"], row["state"]) == ("sidorova", "attempted")


async def test_steps_and_contacts_at_once_lose_nothing(
    client: AsyncClient, world: World, door: Pusher, folder: Folder
) -> None:
    """Each step is told while its contact comes and is folded: whichever is first."""
    phones = [f"+7999555{n:04}" for n in range(30)]

    async def one(n: int) -> None:
        step = a_step("qualified", 2, id=f"q{n}", lead=f"l{n}", customer={"phone": phones[n]})
        told = push(client, step)
        came = door.push(*a_missed_call(phones[n], f"call-{n}"))
        await asyncio.gather(told, came) if n % 2 else await asyncio.gather(came, told)

    async def fold_meanwhile(mine: Folder, done: asyncio.Event) -> None:
        while not done.is_set():
            await fold_all(mine)
            await asyncio.sleep(0.005)

    done = asyncio.Event()
    folding = [fold_meanwhile(mine, done) for mine in (folder, a_folder(world))]
    both = asyncio.gather(*folding)
    for first in range(0, 30, 6):
        await asyncio.gather(*(one(n) for n in range(first, first + 6)))
    done.set()
    await both
    await fold_all(folder)
    leads = (await world.latest("lead")).values()
    assert len(leads) == 30
    assert all(lead.qualified_at is not None for lead in leads)


async def test_the_demo_s_steps_go_with_it(
    client: AsyncClient, world: World, door: Pusher, folder: Folder
) -> None:
    await door.push(*a_missed_call())
    demo = a_step("showing", 3, id="demo-s", lead="demo-l")
    assert await push(client, demo, a_deal()) == (2, 0, [])
    await fold_all(folder)
    assert (await client.delete("/contact-center/v1/demo")).status_code == 202
    remover = Remover(world.worker, now)
    while await remover.step():
        pass
    await fold_all(folder)
    assert await world.latest("showing") == {}
    lead = only(await world.latest("lead"))
    assert (lead.showings, lead.dealt_at is None) == (0, False)


async def test_two_who_tell_one_id_at_once_are_told_one_after_the_other(
    client: AsyncClient, world: World
) -> None:
    for number in range(15):
        told = [
            a_deal(id=f"d{number}", customer=None, contact=f"c{number}", amount=f"{amount}.00")
            for amount in (1, 2)
        ]
        said = await asyncio.gather(*(push(client, one) for one in told))
        assert [one[2] for one in said] == [[], []]
    revisions: dict[Any, list[int]] = {}
    for event in await world.facts("deal"):
        revisions.setdefault(event.subject, []).append(event.revision)
    assert len(revisions) == 15
    assert all(sorted(found) == [1, 2] for found in revisions.values()), revisions
    latest = (await world.latest("deal")).values()
    rows = await world.admin.fetch(
        "SELECT told FROM contact_center.lead_step WHERE tenant = $1", world.tenant
    )
    kept = sorted(json.loads(row["told"])["amount_minor"] for row in rows)
    assert kept == sorted(one.amount_minor for one in latest)


async def test_what_is_sold_to_a_switchboard_is_told(
    client: AsyncClient, world: World, door: Pusher
) -> None:
    folder = a_folder(world, most_contacts=2)
    for number in range(4):
        await door.push(*a_missed_call(contact=f"call-{number}"))
    await fold_all(folder)
    await push(client, a_deal())
    await fold_all(folder)
    assert only(await world.latest("deal")).amount_minor == 5_700_000
    await push(client, a_deal(amount="1.00"))
    await fold_all(folder)
    assert only(await world.latest("deal")).amount_minor == 100


@pytest.mark.parametrize("first", ["step", "contact"])
async def test_who_is_known_by_any_of_their_names_is_found_in_either_order(
    client: AsyncClient, world: World, door: Pusher, folder: Folder, first: str
) -> None:
    step = a_step("qualified", 2, customer={"phone": PHONE, "email": "anna@example.com"})
    letter = an_event("message", 0, channel="email", from_="anna@example.com")
    if first == "step":
        await push(client, step)
    await door.push(letter)
    await fold_all(folder)
    if first == "contact":
        await push(client, step)
        await fold_all(folder)
    assert only(await world.latest("lead")).qualified_at is not None
    assert (await client.get(PATH)).json()["items"] == []


async def test_a_parked_contact_keeps_no_steps_from_the_others(
    client: AsyncClient, world: World, door: Pusher, folder: Folder
) -> None:
    for number in range(2):
        await door.push(*a_missed_call(contact=f"call-{number}"))
    await fold_all(folder)
    await world.admin.execute(
        "INSERT INTO contact_center.parked (tenant, source, contact, reason, parked_at)"
        " VALUES ($1, $2, 'call-0', 'x', now())",
        world.tenant,
        f"{world.tenant}.default",
    )
    await push(client, a_step("qualified", 2))
    assert (
        await world.admin.fetchval(
            "SELECT contact FROM contact_center.dirty WHERE tenant = $1", world.tenant
        )
        == "call-1"
    )
    await fold_all(folder)
    assert only(await world.latest("lead")).qualified_at is not None


async def test_a_step_that_has_found_its_request_is_not_written_at_every_fold(
    client: AsyncClient, world: World, door: Pusher, folder: Folder
) -> None:
    await door.push(*a_missed_call())
    await push(client, a_step("qualified", 2, customer=None, contact="call-1"))
    await fold_all(folder)
    written = "SELECT xmin::text FROM contact_center.lead_step WHERE tenant = $1"
    before = await world.admin.fetchval(written, world.tenant)
    await door.push(an_event("ringing", 5, id="r", contact="call-1"))
    await fold_all(folder)
    # A row that is locked alone keeps its xmin.
    assert await world.admin.fetchval(written, world.tenant) == before
