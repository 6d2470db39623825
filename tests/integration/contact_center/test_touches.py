"""What brought a request over all visits and contacts of its person, and what models give to each."""

import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from httpx import AsyncClient

from otklik_common.ids import contact_subject
from otklik_contact_center.actions.fold import Folder
from otklik_contact_center.domain.facts import lead_id
from otklik_contact_center.domain.lead_touches import MOST_LEADS, MOST_VISITS
from otklik_contact_center.domain.tracking.touches import MICRO, MOST_TOUCHES
from tests.integration.contact_center.conftest import Pusher, World, a_folder, fold_all, only
from tests.integration.contact_center.test_attributed_contacts import (
    BASE,
    FALLBACK,
    STATIC,
    begin,
    call,
    visit,
)
from tests.unit.contact_center.builders import an_event

pytestmark = pytest.mark.asyncio

YANDEX = "utm_source=yandex&utm_medium=cpc&utm_campaign=autumn"
VK = "utm_source=vk&utm_medium=social"
DAY = timedelta(days=1)


async def came_before(world: World, visitor_lease: int, ago: timedelta) -> None:
    """Let the newest lease but so many have begun earlier, and ended."""
    await world.admin.execute(
        "UPDATE contact_center.number_lease SET begins = begins - $2::interval,"
        " seen_at = seen_at - $2::interval, ended_at = seen_at - $2::interval"
        " WHERE tenant = $1 AND id = (SELECT id FROM contact_center.number_lease WHERE tenant = $1"
        " ORDER BY begins DESC OFFSET $3 LIMIT 1)",
        world.tenant,
        ago,
        visitor_lease,
    )
    await world.admin.execute(
        "UPDATE contact_center.number_slot SET lease = NULL, ends_at = NULL WHERE tenant = $1",
        world.tenant,
    )


async def deal(client: AsyncClient, name: str = "d", hours: float = 24, **more: Any) -> None:
    step = {
        "id": f"step-{name}",
        "lead": "crm-1",
        "step": "deal",
        "at": (datetime.now(UTC) + timedelta(hours=hours)).isoformat(),
        "customer": {"phone": "+79991234567"},
        "deal": name,
        "amount": "100.01",
        "currency": "RUB",
        **more,
    }
    answer = await client.post(f"{BASE}/lead-steps", json=step)
    assert answer.json()["accepted"] == 1, answer.text


async def came_twice(world: World, client: AsyncClient) -> None:
    """By Yandex three days before, then by VK; the call is of the second visit."""
    await begin(client)
    await visit(client, "ann", YANDEX)
    await came_before(world, 0, 3 * DAY)
    await call(client, await visit(client, "ann", VK))


async def touches(world: World) -> list[Any]:
    found = (await world.latest("touch")).values()
    return sorted(found, key=lambda one: (str(one.deal or ""), one.place))


async def test_a_request_remembers_the_visits_of_its_visitor(
    world: World, client: AsyncClient, folder: Folder
) -> None:
    await came_twice(world, client)
    await fold_all(folder)
    lead = only(await world.latest("lead"))
    assert (lead.ad_source, lead.medium, lead.campaign) == ("vk", "social", None)
    first, second = await touches(world)
    assert (first.ad_source, first.medium, first.campaign) == ("yandex", "cpc", "autumn")
    assert (second.ad_source, second.medium, second.campaign) == ("vk", "social", None)
    assert (first.place, second.place, first.touches, first.certainty) == (1, 2, 2, "certain")
    assert (first.first, first.opener, first.last) == (True, False, False)
    assert (second.first, second.opener, second.last) == (False, True, True)
    assert first.linear_micro == second.position_micro == MICRO // 2
    assert first.lead == lead_id(world.tenant, lead.contact)
    assert (first.credited_at, first.channel) == (lead.created_at, lead.channel)
    # Folded again, nothing is news.
    before = len(await world.facts())
    await world.admin.execute(
        "INSERT INTO contact_center.dirty (tenant, source, contact, lane)"
        " SELECT tenant, source, contact, 0 FROM contact_center.contact WHERE tenant = $1",
        world.tenant,
    )
    await fold_all(a_folder(world))
    assert len(await world.facts()) == before


async def test_a_request_that_one_way_brought_needs_no_touches(
    world: World, client: AsyncClient, folder: Folder
) -> None:
    await begin(client)
    await visit(client, "ann", VK)
    await came_before(world, 0, 3 * DAY)
    await call(client, await visit(client, "ann", VK))
    await fold_all(folder)
    assert await touches(world) == []


async def test_visits_during_the_request_count_for_its_deal(
    world: World, client: AsyncClient, folder: Folder
) -> None:
    await begin(client)
    await call(client, await visit(client, "ann", VK))
    await fold_all(folder)
    assert await touches(world) == []
    await came_before(world, 0, timedelta(minutes=10))
    await visit(client, "ann", YANDEX)
    await came_before(world, 0, timedelta(hours=-2))
    await deal(client)
    await fold_all(folder)
    first, second = await touches(world)
    assert (first.ad_source, first.opener, first.last) == ("vk", True, False)
    assert (second.ad_source, second.opener, second.last) == ("yandex", False, True)
    sold = only(await world.latest("deal"))
    assert (sold.ad_source, sold.medium) == ("vk", "social")
    assert (first.credited_at, first.currency, first.amount_minor) == (sold.dealt_at, "RUB", 10_001)
    assert [one.linear_minor for one in (first, second)] == [5_001, 5_000]
    assert first.deal is not None
    # The deal is taken back: so is what it gave.
    await deal(client, withdrawn=True)
    await fold_all(folder)
    assert await touches(world) == []
    # It was made after all, for more.
    await deal(client, amount="200.00")
    await fold_all(folder)
    assert [one.linear_minor for one in await touches(world)] == [10_000, 10_000]


async def test_where_nobody_knows_what_brought_a_request_earlier_ways_are_not_lost(
    world: World, client: AsyncClient, folder: Folder
) -> None:
    await begin(client)
    # A form of yesterday says by itself what brought it; it was answered.
    yesterday = datetime.now(UTC) - DAY
    await call(
        client, "+74950000000", "form", at=yesterday.isoformat(), attributes={"source": "vk"}
    )
    answered = {"id": "form-2", "type": "answered", "agent": "petrova"}
    await call(
        client,
        "+74950000000",
        "form",
        at=(yesterday + timedelta(minutes=1)).isoformat(),
        **answered,
    )
    # Of today's call nobody can say who it was.
    await visit(client, "eve", "")
    for visitor, query in (("ann", YANDEX), ("bob", VK)):
        assert await visit(client, visitor, query) == FALLBACK
    await call(client, FALLBACK)
    await fold_all(folder)
    leads = await world.latest("lead")
    assert sorted(str(one.ad_source) for one in leads.values()) == ["None", "vk"]
    nobody, form = await touches(world)
    assert (nobody.place, nobody.opener, nobody.ad_source, nobody.linear_micro) == (
        0,
        True,
        None,
        0,
    )
    assert (form.place, form.ad_source, form.certainty) == (1, "vk", "told")
    assert (form.first, form.last, form.linear_micro) == (True, True, MICRO)


async def test_what_a_company_does_not_let_out_is_no_touch(
    world: World, client: AsyncClient, folder: Folder
) -> None:
    await came_twice(world, client)
    assert (await client.put(f"{BASE}/attributes", json={"names": ["campaign"]})).status_code == 200
    await fold_all(folder)
    nobody, autumn = await touches(world)
    assert (nobody.place, nobody.opener) == (0, True)
    assert (autumn.ad_source, autumn.medium, autumn.campaign) == (None, None, "autumn")


async def test_whoever_looks_at_a_request_sees_what_brought_it(
    world: World, client: AsyncClient, folder: Folder
) -> None:
    await came_twice(world, client)
    await fold_all(folder)
    await deal(client)
    await fold_all(folder)
    contact = only(await world.latest("lead")).contact
    found = (await client.get(f"{BASE}/leads/{contact}")).json()
    assert (found["ad_source"], found["medium"]) == ("vk", "social")
    assert [(one["ad_source"], one["campaign"], one["visit"]) for one in found["touches"]] == [
        ("yandex", "autumn", True),
        ("vk", None, True),
    ]
    request, sold = found["splits"]
    assert (request["deal"], sold["deal"], sold["amount"]) == (None, "step-d", "100.01")
    assert request["touches"] == sold["touches"] == found["touches"]
    shares = {one["model"]: one["shares_micro"] for one in request["models"]}
    assert shares == {
        "first": [MICRO, 0],
        "lead": [0, MICRO],
        "last": [0, MICRO],
        "last_non_direct": [0, MICRO],
        "linear": [MICRO // 2, MICRO // 2],
        "position": [MICRO // 2, MICRO // 2],
    }
    assert all(one["amounts"] is None for one in request["models"])
    amounts = {one["model"]: one["amounts"] for one in sold["models"]}
    assert amounts["linear"] == ["50.01", "50.00"]
    assert amounts["first"] == ["100.01", "0.00"]
    assert not any(one["unattributed"] for one in sold["models"])


async def test_a_request_without_touches_is_nobody_s(
    world: World, client: AsyncClient, folder: Folder
) -> None:
    await call(client, "+74950000000")
    await fold_all(folder)
    contact = only(await world.latest("lead")).contact
    found = (await client.get(f"{BASE}/leads/{contact}")).json()
    assert found["touches"] == []
    (request,) = found["splits"]
    assert [one["unattributed"] for one in request["models"]] == [True] * 6
    assert [one["shares_micro"] for one in request["models"]] == [[]] * 6


async def test_touches_end_with_their_request(
    world: World, client: AsyncClient, folder: Folder
) -> None:
    await came_twice(world, client)
    await fold_all(folder)
    assert len(await touches(world)) == 2
    await world.admin.execute("DELETE FROM contact_center.inbox WHERE tenant = $1", world.tenant)
    await world.admin.execute(
        "INSERT INTO contact_center.dirty (tenant, source, contact, lane)"
        " SELECT tenant, source, contact, 0 FROM contact_center.contact WHERE tenant = $1",
        world.tenant,
    )
    await fold_all(a_folder(world))
    assert await touches(world) == []
    assert await world.latest("lead") == {}


async def test_behind_a_switchboard_each_contact_has_touches_of_its_own(
    world: World, client: AsyncClient
) -> None:
    await begin(client)
    await call(client, STATIC, "one")
    await call(client, STATIC, "two", attributes={"source": "radio"})
    await visit(client, "ann", YANDEX)
    await came_before(world, 0, 3 * DAY)
    await call(client, await visit(client, "ann", VK), "three")
    await fold_all(a_folder(world, most_contacts=2))
    three = contact_subject(world.tenant, f"{world.tenant}.default", "three")
    found = await touches(world)
    assert [one.ad_source for one in found] == ["yandex", "vk"]
    assert {one.lead for one in found} == {lead_id(world.tenant, three)}
    for name, sources in (("one", ["leaflet"]), ("three", ["yandex", "vk"])):
        contact = contact_subject(world.tenant, f"{world.tenant}.default", name)
        seen = (await client.get(f"{BASE}/leads/{contact}")).json()["touches"]
        assert [one["ad_source"] for one in seen] == sources


@pytest.mark.parametrize("seed", range(4))
async def test_in_whatever_order_they_are_heard_touches_are_the_same(
    world: World, client: AsyncClient, folder: Folder, seed: int
) -> None:
    await begin(client)
    await visit(client, "ann", YANDEX)
    await came_before(world, 0, 3 * DAY)
    number = await visit(client, "ann", VK)
    yesterday = (datetime.now(UTC) - DAY).isoformat()
    radio = {"at": yesterday, "channel": "form", "attributes": {"source": "radio"}}
    parts: list[Callable[[], Awaitable[None]]] = [
        lambda: call(client, "+74950000000", "form", **radio),
        lambda: call(client, number),
        lambda: deal(client),
    ]
    random.Random(seed).shuffle(parts)
    for part in parts:
        await part()
        if seed % 2:
            await fold_all(folder)
    await fold_all(folder)
    found = [(one.deal is None, one.place, one.ad_source) for one in await touches(world)]
    assert found == [
        (True, 1, "yandex"),
        (True, 2, "radio"),
        (False, 1, "yandex"),
        (False, 2, "radio"),
        (False, 3, "vk"),
    ]


async def test_of_a_person_the_first_hundred_requests_are_shared_out(
    world: World, client: AsyncClient, door: Pusher, folder: Folder
) -> None:
    await begin(client)
    names = [f"c{n:03}" for n in range(MOST_LEADS + 2)]
    events = []
    for n, name in enumerate(names):
        said = {"source": ("vk", "yandex")[n % 2]}
        asked = {"contact": name, "from_": "+79991234567", "attributes": said}
        events.append(an_event("queued", 60 * n, id=f"{name}-q", **asked))
        events.append(an_event("answered", 60 * n + 1, id=f"{name}-a", contact=name, agent="ann"))
    await door.push(*events)
    await fold_all(folder)
    assert len(await world.latest("lead")) == MOST_LEADS + 2
    shared = {one.lead for one in await touches(world)}
    source = f"{world.tenant}.default"
    ids = [lead_id(world.tenant, contact_subject(world.tenant, source, name)) for name in names]
    assert shared == set(ids[1:MOST_LEADS])


async def test_of_a_visitor_the_latest_visits_are_read(
    world: World, client: AsyncClient, folder: Folder
) -> None:
    await begin(client)
    await call(client, await visit(client, "ann", VK))
    await world.admin.execute(
        "INSERT INTO contact_center.number_lease (tenant, id, tracker, pool, visitor, shared, rule,"
        " touch, begins, seen_at, ended_at, ttl_seconds)"
        " SELECT tenant, gen_random_uuid(), tracker, pool, visitor, true, rule,"
        " jsonb_build_object('source', 's' || n, 'medium', 'cpc'), begins - make_interval(mins => n),"
        " seen_at, seen_at, 60 FROM contact_center.number_lease, generate_series(1, $2) AS n"
        " WHERE tenant = $1",
        world.tenant,
        MOST_VISITS + 50,
    )
    await fold_all(folder)
    found = await touches(world)
    assert len(found) == MOST_TOUCHES
    assert {one.left_out for one in found} == {MOST_VISITS - MOST_TOUCHES}
    # The earliest of those that are read, and the latest ones.
    assert [one.ad_source for one in found][:2] == [f"s{MOST_VISITS - 1}", f"s{MOST_TOUCHES - 2}"]
    assert [one.ad_source for one in found][-2:] == ["s1", "vk"]


async def test_a_campaign_longer_than_a_code_is_cut(
    world: World, client: AsyncClient, folder: Folder
) -> None:
    await begin(client)
    await call(client, await visit(client, "ann", f"utm_source=vk&utm_campaign={'x' * 150}"))
    await fold_all(folder)
    assert only(await world.latest("contact")).campaign == "x" * 100
    assert only(await world.latest("lead")).campaign == "x" * 100


async def test_what_a_build_before_kept_uncut_is_cut_when_it_is_read(
    world: World, client: AsyncClient, folder: Folder
) -> None:
    await begin(client)
    by_mail = {"source": "mail", "medium": "email"}
    await call(client, "+78120000000", name="first", campaign="march", attributes=by_mail)
    await fold_all(folder)
    await deal(client)
    await fold_all(folder)
    await world.admin.execute(
        "UPDATE contact_center.contact SET data = jsonb_set(data::jsonb, '{campaign}',"
        " to_jsonb(repeat('x', 150)))::text WHERE tenant = $1",
        world.tenant,
    )
    earlier = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    utm = {"source": "vk", "medium": "social"}
    await call(client, "+78120000000", name="earlier", at=earlier, attributes=utm)
    await fold_all(folder)
    assert await world.count("parked") == 0
    assert {one.campaign for one in await touches(world)} == {None, "x" * 100}
    assert {one.ad_source for one in (await world.latest("lead")).values()} == {"vk"}
