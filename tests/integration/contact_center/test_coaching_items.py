"""Coaching items over HTTP: given, done, and asked about before and after."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from httpx import AsyncClient, Response

from otklik_common.ids import contact_subject
from otklik_contact_center.domain.source import default_id
from tests.integration.contact_center.conftest import World, only

pytestmark = pytest.mark.asyncio

BASE = "/contact-center/v1/coaching-items"
TASK = "Анна уходила к другим: спросить, что важно"


async def put(client: AsyncClient, name: str = "i1", **more: Any) -> Response:
    body = {"agent": "petrova", "skill": "needs", "task": TASK, "contact": "call-1", **more}
    return await client.put(f"{BASE}/{name}", json=body)


async def made(client: AsyncClient, name: str = "i1", **more: Any) -> dict[str, Any]:
    answer = await put(client, name, **more)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_an_item_is_given_once_and_its_task_stays_here(
    world: World, client: AsyncClient
) -> None:
    item = await made(client)
    assert await made(client) == item == (await client.get(f"{BASE}/i1")).json()
    assert (item["task"], item["done_at"]) == (TASK, None)
    (event,) = await world.facts("coaching_item")
    fact = only(await world.latest("coaching_item"))
    assert (event.verb, fact.agent, fact.skill) == ("given", "petrova", "needs")
    assert fact.contact == contact_subject(world.tenant, default_id(world.tenant), "call-1")
    row = await world.admin.fetchrow(
        "SELECT task, data FROM contact_center.coaching_item WHERE tenant = $1", world.tenant
    )
    assert row is not None
    assert "Анна".encode() not in row["task"]
    assert "Анна" not in row["data"]
    assert (await made(client, task="Спросить"))["task"] == "Спросить"
    assert len(await world.facts("coaching_item")) == 1


async def test_it_is_done_and_stays_so(world: World, client: AsyncClient) -> None:
    week_ago = datetime.now(UTC) - timedelta(days=7)
    await made(client, created_at=week_ago.isoformat())
    early = {"at": (week_ago - timedelta(days=1)).isoformat()}
    refused = await client.post(f"{BASE}/i1/done", json=early)
    assert (refused.status_code, refused.json()["code"]) == (422, "done_before_created")
    done = (await client.post(f"{BASE}/i1/done", json={})).json()
    assert (await client.post(f"{BASE}/i1/done", json={})).json() == done
    changed = await made(client, skill="objections", created_at=week_ago.isoformat())
    assert (changed["skill"], changed["done_at"]) == ("objections", done["done_at"])
    assert [event.verb for event in await world.facts("coaching_item")] == ["given", "done", "done"]


async def test_the_same_agent_is_asked_about_before_and_after(client: AsyncClient) -> None:
    now = datetime.now(UTC)
    await made(client, created_at=(now - timedelta(days=60)).isoformat())
    waiting = await client.get(f"{BASE}/i1/effect")
    assert (waiting.status_code, waiting.json()["code"]) == (409, "coaching_not_done")
    at = {"at": (now - timedelta(days=40)).isoformat()}
    assert (await client.post(f"{BASE}/i1/done", json=at)).status_code == 200
    answer = await client.get(f"{BASE}/i1/effect", params={"metrics": "csat,nps"})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["complete"], found["days"]) == (True, 28)
    for query in (found["before"], found["after"]):
        assert [one["name"] for one in query["metrics"]] == ["csat", "nps"]
        assert query["filters"] == [{"dimension": "agent", "op": "in", "values": ["petrova"]}]
        assert query["time"]["timezone"] == "Europe/Moscow"
    assert found["before"]["time"]["to"] < found["after"]["time"]["from"]
    later = (await client.get(f"{BASE}/i1/effect", params={"days": 90})).json()
    assert (later["complete"], len(later["after"]["metrics"])) == (False, 3)


async def test_a_list_is_by_time_and_by_what_is_asked(client: AsyncClient) -> None:
    await made(client, "i1", branch="perm")
    await made(client, "i2", agent="ivanov", skill="greeting")
    await client.post(f"{BASE}/i2/done", json={})

    async def listed(**wanted: str) -> list[str]:
        answer = await client.get(BASE, params=wanted)
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json()["items"]]

    assert await listed() == ["i2", "i1"]
    assert await listed(agent="petrova") == await listed(branch="perm") == ["i1"]
    assert await listed(skill="greeting") == await listed(done="true") == ["i2"]
    assert await listed(done="false") == ["i1"]


async def test_those_of_a_branch_coach_it_alone(world: World, client: AsyncClient) -> None:
    limited = {"Authorization": f"Bearer {await world.key(branches=('tyumen',))}"}
    await made(client, branch="perm")
    for method, path in (("GET", ""), ("GET", "/effect"), ("POST", "/done")):
        json: Any = {} if method == "POST" else None
        found = await client.request(method, f"{BASE}/i1{path}", json=json, headers=limited)
        assert (found.status_code, found.json()["code"]) == (404, "coaching_item_not_found")
    body = {"agent": "petrova", "skill": "needs", "task": "x", "contact": "c1"}
    refused = await client.put(f"{BASE}/i2", json=body, headers=limited)
    assert (refused.status_code, refused.json()["code"]) == (422, "branch_out_of_reach")
    taken = await client.put(f"{BASE}/i1", json=body | {"branch": "tyumen"}, headers=limited)
    assert taken.status_code == 404
    mine = await client.put(f"{BASE}/i2", json=body | {"branch": "tyumen"}, headers=limited)
    assert mine.status_code == 200
    assert len((await client.get(BASE, headers=limited)).json()["items"]) == 1


async def test_two_who_give_it_at_once_give_one(world: World, client: AsyncClient) -> None:
    at = datetime.now(UTC).isoformat()
    answers = await asyncio.gather(*(put(client, created_at=at) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(await world.facts("coaching_item")) == await world.count("coaching_item") == 1
