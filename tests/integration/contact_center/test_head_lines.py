"""The head's phones and mailboxes: what comes there is promised, listed and told apart."""

from datetime import timedelta
from typing import Any

import pytest
from httpx import AsyncClient

from otklik_common.events.contact_center import Channel
from otklik_contact_center.actions.fold import Folder
from tests.integration.contact_center.conftest import World, now, only
from tests.integration.contact_center.promising import Promising, a_policy, a_target

pytestmark = pytest.mark.asyncio

BASE = "/contact-center/v1"
LINES = {"lines": ["8 (495) 123-45-67", "Director@example.com"]}


async def good(answer: Any) -> Any:
    assert answer.status_code in (200, 202), answer.text
    return answer.json()


async def push(client: AsyncClient, name: str, to: str, **more: Any) -> None:
    event = {
        "id": f"{name}-1",
        "contact": name,
        "type": "queued",
        "at": (now() - timedelta(minutes=5)).isoformat(),
        "channel": "call",
        "direction": "in",
        "from": "+79991234567",
        "to": to,
        **more,
    }
    assert (await good(await client.post(f"{BASE}/events", json=event)))["accepted"] == 1


async def listed(client: AsyncClient, channel: str) -> list[str]:
    found = await good(await client.get(f"{BASE}/contacts?channel={channel}"))
    return sorted(one["contact"] for one in found["items"])


async def test_a_call_to_the_heads_phone_is_of_the_heads_line(
    world: World, client: AsyncClient, folder: Folder
) -> None:
    kept = await good(await client.put(f"{BASE}/head-lines", json=LINES))
    assert kept == {"lines": ["+74951234567", "director@example.com"]}
    assert await good(await client.get(f"{BASE}/head-lines")) == kept
    promising = Promising(world, folder)
    await promising.hear(
        a_policy(a_target("first_response", 3_600)),
        a_policy(a_target("first_response", 60), code="head", priority=1, channels=("head_line",)),
    )
    await push(client, "boss", "+7 495 123-45-67")
    await push(client, "desk", "+7 495 123-45-68", **{"from": "+79991234568"})
    await promising.work()
    assert (await listed(client, "head_line"), await listed(client, "call")) == (["boss"], ["desk"])
    [shown] = (await good(await client.get(f"{BASE}/contacts?channel=head_line")))["items"]
    assert (shown["channel"], shown["reached_by"]) == ("head_line", "call")
    facts = {one.head_line: one for one in (await world.latest("contact")).values()}
    assert (facts[True].channel, facts[True].reached_by) == (Channel.OTHER, Channel.CALL)
    assert (facts[False].channel, facts[False].reached_by) == (Channel.CALL, None)
    clocks = {one.policy: one for one in (await world.latest("sla_clock")).values()}
    assert (clocks["head"].head_line, clocks["head"].matched) == (True, ("channel",))
    assert not clocks["usual"].head_line
    running = (await good(await client.get(f"{BASE}/clocks")))["items"]
    by_policy = {"head": "head_line", "usual": "call"}
    assert {one["policy"]: one["channel"] for one in running} == by_policy
    path = f"{BASE}/contacts/{shown['id']}/clocks"
    assert [one["channel"] for one in (await good(await client.get(path)))["items"]] == [
        "head_line"
    ]
    leads = (await good(await client.get(f"{BASE}/leads")))["items"]
    assert sorted(one["channel"] for one in leads) == ["call", "head_line"]
    assert sorted(one.head_line for one in (await world.latest("lead")).values()) == [False, True]


async def test_the_list_holds_for_what_is_heard_from_then_on(
    world: World, client: AsyncClient, folder: Folder
) -> None:
    await push(client, "boss", "84951234567")
    await Promising(world, folder).work()
    await good(await client.put(f"{BASE}/head-lines", json=LINES))
    await Promising(world, folder).work()
    assert await listed(client, "head_line") == []
    await push(client, "boss", "84951234567", id="boss-2", type="ended")
    await Promising(world, folder).work()
    assert await listed(client, "head_line") == ["boss"]
    assert only(await world.latest("contact")).head_line


async def test_a_promise_that_was_made_there_says_so(
    world: World, client: AsyncClient, folder: Folder
) -> None:
    await good(await client.put(f"{BASE}/head-lines", json=LINES))
    await push(client, "boss", "84951234567")
    await push(client, "desk", "84951234568")
    await Promising(world, folder).work()
    await good(await client.put(f"{BASE}/promise-kinds/call_back", json={}))
    due_at = (now() + timedelta(days=1)).isoformat()
    usual = {"agent": "petrova", "promise_kind": "call_back", "due_at": due_at}
    for contact, channel in (("boss", "head_line"), ("desk", "call"), (None, None)):
        body = usual if contact is None else {**usual, "contact": contact}
        path = f"{BASE}/promises/of-{contact}"
        made = await good(await client.put(path, json=body))
        assert made["channel"] == channel
        assert await good(await client.get(path)) == made


async def test_a_line_that_is_none_is_refused_and_the_others_stay(client: AsyncClient) -> None:
    await good(await client.put(f"{BASE}/head-lines", json=LINES))
    refused = await client.put(f"{BASE}/head-lines", json={"lines": ["7001", "   "]})
    assert (refused.status_code, refused.json()["code"]) == (422, "bad_line")
    assert [one["field"] for one in refused.json()["errors"]] == ["lines.1"]
    many = await client.put(f"{BASE}/head-lines", json={"lines": [str(n) for n in range(51)]})
    assert many.status_code == 422
    assert len((await good(await client.get(f"{BASE}/head-lines")))["lines"]) == 2
