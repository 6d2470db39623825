"""Calls to tracked numbers say what brought them, whenever they are heard of."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from httpx import AsyncClient

from otklik_contact_center.actions.fold import Folder
from tests.integration.contact_center.conftest import World, fold_all, only

pytestmark = pytest.mark.asyncio

BASE = "/contact-center/v1"
STATIC, POOL, FALLBACK = "+78125550001", ["+74951230001"], "+74959990000"
NAMES = ["campaign", "source", "medium", "attribution"]
TRACKER: dict[str, Any] = {
    "rules": [
        {
            "code": "leaflet",
            "parameters": {"utm_source": ["leaflet"]},
            "number": STATIC,
            "campaign": "spring",
        },
        {"code": "rest", "pool": "all"},
    ],
    "pools": {"all": POOL},
    "fallback": FALLBACK,
}


async def begin(client: AsyncClient) -> None:
    assert (await client.put(f"{BASE}/attributes", json={"names": NAMES})).status_code == 200
    assert (await client.put(f"{BASE}/number-trackers/site", json=TRACKER)).status_code == 200


async def visit(client: AsyncClient, visitor: str, query: str) -> str:
    body = {
        "tracker": "site",
        "visitor": f"visitor-{visitor}",
        "url": f"https://a.example/?{query}",
    }
    answer = await client.post(f"{BASE}/number-leases", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["number"])


async def call(client: AsyncClient, number: str, name: str = "call", **more: Any) -> None:
    at = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    event = {
        "id": f"{name}-1",
        "contact": name,
        "type": "queued",
        "at": at,
        "channel": "call",
        "direction": "in",
        "from": "+79991234567",
        "to": number,
        **more,
    }
    answer = await client.post(f"{BASE}/events", json=event)
    assert answer.json()["accepted"] == 1, answer.text


async def told(world: World, folder: Folder) -> tuple[str | None, dict[str, str]]:
    await fold_all(folder)
    contact = only(await world.latest("contact"))
    return contact.campaign, contact.attributes


async def test_a_static_number_stands_for_its_rule(
    world: World, client: AsyncClient, folder: Folder
) -> None:
    await begin(client)
    # As exchanges write it: without a plus, and by the country's own trunk prefix.
    await call(client, "8 (812) 555-00-01")
    assert await told(world, folder) == (
        "spring",
        {"attribution": "static", "source": "leaflet", "medium": "static"},
    )


async def test_a_leased_number_tells_what_brought_its_visitor(
    world: World, client: AsyncClient, folder: Folder
) -> None:
    await begin(client)
    query = "utm_source=yandex&utm_medium=cpc&utm_campaign=autumn"
    number = await visit(client, "ann", query)
    assert number in POOL
    await call(client, number)
    assert await told(world, folder) == (
        "autumn",
        {"attribution": "certain", "source": "yandex", "medium": "cpc"},
    )


async def test_a_request_says_what_brought_the_contact_that_opened_it(
    world: World, client: AsyncClient, folder: Folder
) -> None:
    await begin(client)
    number = await visit(client, "ann", "utm_source=Yandex&utm_medium=cpc&utm_campaign=autumn")
    await call(client, number)
    await fold_all(folder)
    lead = only(await world.latest("lead"))
    assert (lead.ad_source, lead.medium, lead.campaign) == ("yandex", "cpc", "autumn")
    # What comes later is no matter of what opened it; read again, it says the same.
    await call(client, STATIC, "another")
    await fold_all(folder)
    lead = only(await world.latest("lead"))
    assert (lead.ad_source, lead.medium, lead.requests) == ("yandex", "cpc", 2)


async def test_a_form_says_by_itself_what_brought_its_visitor(
    world: World, client: AsyncClient, folder: Folder
) -> None:
    names = ["utm_source", "utm_medium"]
    assert (await client.put(f"{BASE}/attributes", json={"names": names})).status_code == 200
    said = {"utm_source": " VK ", "utm_medium": "Social", "utm_campaign": "spring"}
    await call(client, "+74950000000", channel="form", campaign="spring", attributes=said)
    await fold_all(folder)
    lead = only(await world.latest("lead"))
    # The company lets no campaign out.
    assert (lead.ad_source, lead.medium, lead.campaign) == ("vk", "social", None)


async def test_what_a_company_does_not_let_out_is_in_no_request(
    world: World, client: AsyncClient, folder: Folder
) -> None:
    await begin(client)
    assert (await client.put(f"{BASE}/attributes", json={"names": ["medium"]})).status_code == 200
    await call(client, STATIC)
    await fold_all(folder)
    lead = only(await world.latest("lead"))
    assert (lead.ad_source, lead.medium, lead.campaign) == (None, "static", None)


async def test_where_several_may_have_called_nobody_is_named(
    world: World, client: AsyncClient, folder: Folder
) -> None:
    await begin(client)
    await visit(client, "ann", "")
    for visitor, query in (("bob", "utm_source=vk&utm_medium=social"), ("eve", "yclid=1")):
        assert await visit(client, visitor, query) == FALLBACK
    await call(client, FALLBACK)
    assert await told(world, folder) == (None, {"attribution": "ambiguous"})


async def test_several_who_came_by_the_same_way_are_told_by_it(
    world: World, client: AsyncClient, folder: Folder
) -> None:
    await begin(client)
    await visit(client, "ann", "")
    for number in range(2):
        await visit(client, f"bob{number}", f"yclid={number}")
    await call(client, FALLBACK)
    assert await told(world, folder) == (
        None,
        {"attribution": "ambiguous", "source": "yandex", "medium": "cpc"},
    )


async def test_what_the_sender_says_stands(
    world: World, client: AsyncClient, folder: Folder
) -> None:
    await begin(client)
    await call(client, STATIC, campaign="radio", attributes={"source": "radio"})
    assert await told(world, folder) == (
        "radio",
        {"attribution": "static", "source": "radio", "medium": "static"},
    )


@pytest.mark.parametrize("to", ["+74950000000", "anonymous", "sip:x@y"])
async def test_a_number_that_nobody_tracks_tells_nothing(
    world: World, client: AsyncClient, folder: Folder, to: str
) -> None:
    await begin(client)
    await call(client, to)
    assert await told(world, folder) == (None, {})


async def test_a_changed_tracker_is_known_to_the_next_fold(
    world: World, client: AsyncClient, folder: Folder
) -> None:
    await begin(client)
    await call(client, STATIC)
    await fold_all(folder)
    rules = [{**TRACKER["rules"][0], "campaign": "summer"}, TRACKER["rules"][1]]
    changed = await client.put(f"{BASE}/number-trackers/site", json={**TRACKER, "rules": rules})
    assert changed.status_code == 200
    await call(client, STATIC, "another")
    await fold_all(folder)
    campaigns = {one.campaign for one in (await world.latest("contact")).values()}
    assert campaigns == {"spring", "summer"}
