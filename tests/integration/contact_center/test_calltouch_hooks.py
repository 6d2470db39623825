"""Webhooks of Calltouch over HTTP: proved by the address alone, in any order, kept as they came."""

import random
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from httpx import AsyncClient, Response

from otklik_contact_center.actions.fold import Folder
from tests.integration.contact_center.conftest import World, fold_all
from tests.unit.contact_center.test_calltouch import CREDENTIALS, NAMES, payloads

pytestmark = pytest.mark.asyncio

BASE = "/contact-center/v1"
TOKEN = CREDENTIALS["token"]
DIRECTIONS = {
    "zone": "Europe/Moscow",
    "lines": {"74951230001": {"branch": "moscow"}},
    "agents": {"Петрова Анна": "petrova"},
}


async def a_source(client: AsyncClient, **more: Any) -> dict[str, Any]:
    body = {"name": "Calltouch", "kind": "calltouch", "credentials": CREDENTIALS, **more}
    made = await client.post(f"{BASE}/sources", json=body)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


async def push(client: AsyncClient, address: str, said: Any) -> Response:
    headers = {"Authorization": "", "Content-Type": "application/x-www-form-urlencoded"}
    return await client.post(address, content=urlencode(said), headers=headers)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_leads_come_in_whatever_order_and_how_often_they_are_pushed(
    world: World, client: AsyncClient, folder: Folder, seed: int
) -> None:
    source = await a_source(client, directions=DIRECTIONS)
    assert TOKEN not in str(source)
    hook = f"{source['hook']}/{TOKEN}"
    said = [one | {"new_in_2030": "1"} for name in NAMES for one in payloads(name)]
    pushes = [*said, *said[::2]]
    random.Random(seed).shuffle(pushes)
    for one in pushes:
        answer = await push(client, hook, one)
        assert (answer.status_code, answer.json()["refused"]) == (202, [])
        if seed == 2:
            await fold_all(folder)
    await fold_all(folder)
    # A day later the last of each comes once more, sent anew: nothing becomes another.
    before = await world.latest("contact")
    for name in NAMES:
        late = payloads(name)[-1]
        again = str(int(late["sendingTimestamp"]) + round(timedelta(days=1).total_seconds()))
        assert (await push(client, hook, late | {"sendingTimestamp": again})).status_code == 202
    await fold_all(folder)
    contacts = await world.latest("contact")
    assert contacts == before
    assert sorted(map(_seen, contacts.values())) == [
        ("call", "in", "abandoned", 40_000, "moscow", ""),
        ("call", "in", "answered", 25_000, "moscow", "petrova"),
        ("call", "out", "answered", -1, "", ""),
        ("form", "in", "open", -1, "", "petrova"),
    ]
    bodies = (await client.get(f"{BASE}/sources/{source['id']}/bodies")).json()["items"]
    assert {one["code"] for one in bodies} == {None}
    assert all("new_in_2030=1" in one["body"] for one in bodies[len(NAMES) :])


def _seen(contact: Any) -> tuple[str, str, str, int, str, str]:
    waited = -1 if contact.waited_ms is None else contact.waited_ms
    return (
        contact.channel,
        contact.direction,
        contact.outcome,
        waited,
        contact.branch or "",
        contact.agent or "",
    )


async def test_nobody_else_pushes_and_a_get_is_no_push(world: World, client: AsyncClient) -> None:
    source, other = await a_source(client), await a_source(client, credentials={"token": "another"})
    said = payloads("lost")[0]
    wrong = [
        source["hook"],
        f"{source['hook']}/",
        f"{source['hook']}/{TOKEN}x",
        f"{source['hook']}/{chr(ord(TOKEN[0]) ^ 1)}{TOKEN[1:]}",
        f"{source['hook']}/another",
        f"{other['hook']}/{TOKEN}",
        f"{BASE}/sources/{world.tenant}.nosuch12/hook/{TOKEN}",
    ]
    answers = [await push(client, address, said | {"token": TOKEN}) for address in wrong]
    assert {one.status_code for one in answers} == {401}
    assert len({one.json()["detail"] for one in answers}) == 1
    got = await client.get(f"{source['hook']}/{TOKEN}", params=said)
    assert got.status_code == 405
    assert await world.count("hook_body") == await world.count("inbox") == 0
    assert (await push(client, f"{source['hook']}/{TOKEN}", said)).status_code == 202


@pytest.mark.parametrize("token", ["a/b", "a b", "a?b", "a%2Fb", "a#b", "токен", "a\n"])
async def test_a_token_that_an_address_would_change_is_refused(
    client: AsyncClient, token: str
) -> None:
    body = {"name": "Calltouch", "kind": "calltouch", "credentials": {"token": token}}
    refused = await client.post(f"{BASE}/sources", json=body)
    assert refused.status_code == 422
    assert "letters of English, digits, - and _ only" in refused.text


async def test_chats_are_kept_and_what_misses_an_id_says_so(
    world: World, client: AsyncClient
) -> None:
    source = await a_source(client)
    hook = f"{source['hook']}/{TOKEN}"
    for one in payloads("other"):
        answer = await push(client, hook, one)
        assert (answer.status_code, answer.json()["accepted"]) == (202, 0)
    nameless = {key: value for key, value in payloads("lost")[0].items() if key != "id"}
    assert (await push(client, hook, nameless)).status_code == 202
    path = f"{BASE}/sources/{source['id']}/bodies"
    (unread,) = (await client.get(path, params={"unread": "true"})).json()["items"]
    assert unread["detail"] == "id is missing: choose it among the webhook's parameters"
    assert await world.count("hook_body") == 3
    assert await world.count("inbox") == 0
