"""A product that only a mapping knows: bodies first, then a mapping tried on them, then a fix."""

import json
from typing import Any

import msgspec
import pytest
from httpx import AsyncClient

from otklik_contact_center.actions.fold import Folder
from tests.integration.contact_center.conftest import World, fold_all, only
from tests.unit.contact_center.test_mapped import BODY, a_mapping

pytestmark = pytest.mark.asyncio

BASE = "/contact-center/v1"
MAPPING: dict[str, Any] = msgspec.to_builtins(a_mapping())


async def a_source(client: AsyncClient) -> dict[str, Any]:
    credentials = {"by": "header", "name": "X-Token", "secret": "s3cret"}
    body = {"name": "Своя АТС", "kind": "mapped", "credentials": credentials}
    made = await client.post(f"{BASE}/sources", json=body)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


async def push(client: AsyncClient, source: dict[str, Any], said: Any) -> dict[str, Any]:
    headers = {"Authorization": "", "X-Token": "s3cret"}
    answer = await client.post(source["hook"], content=json.dumps(said), headers=headers)
    assert answer.status_code == 202, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def set_directions(client: AsyncClient, source: dict[str, Any], said: Any) -> dict[str, Any]:
    answer = await client.patch(f"{BASE}/sources/{source['id']}", json={"directions": said})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_a_mapping_is_tried_on_what_came_and_then_reads_it(
    world: World, client: AsyncClient, folder: Folder
) -> None:
    limited = {"Authorization": f"Bearer {await world.key('sources:write')}"}
    source = await a_source(client)
    assert (await push(client, source, BODY))["accepted"] == 0
    bodies = f"{BASE}/sources/{source['id']}/bodies"
    (kept,) = (await client.get(bodies, params={"unread": "true"})).json()["items"]
    assert "no mapping yet" in kept["detail"]
    tried = await client.post(f"{bodies}:dry-run", json={"directions": {"mapping": MAPPING}})
    assert tried.status_code == 200, tried.text
    (body,), (contact,) = tried.json()["bodies"], tried.json()["contacts"]
    assert (body["number"], [one["type"] for one in body["events"]]) == (
        kept["number"],
        ["queued", "answered", "ended"],
    )
    assert (contact["outcome"], contact["waited_ms"], contact["agent"]) == (
        "answered",
        20_500,
        "petrova",
    )
    assert await world.count("inbox") == 0
    said = {"directions": {"mapping": MAPPING}}
    hidden = (await client.post(f"{bodies}:dry-run", json=said, headers=limited)).json()
    assert (hidden["bodies"][0]["events"], len(hidden["contacts"])) == (None, 1)
    given = {**said, "bodies": [json.dumps(BODY)]}
    shown = (await client.post(f"{bodies}:dry-run", json=given, headers=limited)).json()
    assert len(shown["bodies"][0]["events"]) == 3
    changed = await set_directions(client, source, {"mapping": MAPPING})
    assert (changed["version"], changed["directions"]["mapping"]) == (2, MAPPING)
    replayed = (await client.post(f"{bodies}:replay", json={})).json()
    assert (replayed["accepted"], replayed["unread"]) == (3, 0)
    await fold_all(folder)
    assert only(await world.latest("contact")).waited_ms == 20_500
    (kept,) = (await client.get(bodies)).json()["items"]
    assert (kept["code"], kept["version"]) == (None, 2)
    versions = (await client.get(f"{BASE}/sources/{source['id']}/directions")).json()["items"]
    assert [one["version"] for one in versions] == [2, 1]
    assert versions[1]["directions"]["mapping"] is None


async def test_a_replay_after_a_fix_tells_everything_anew(
    world: World, client: AsyncClient, folder: Folder
) -> None:
    source = await a_source(client)
    wrong = {
        **MAPPING,
        "clock": {"zone": "UTC"},
        "events": [*MAPPING["events"], {"type": "transferred", "at": "up", "name": "never"}],
    }
    await set_directions(client, source, {"mapping": wrong})
    assert (await push(client, source, BODY))["accepted"] == 4
    await fold_all(folder)
    before = only(await world.latest("contact"))
    assert (before.transfers, before.branch) == (1, None)
    told = {"mapping": MAPPING, "lines": {"74951234567": {"branch": "moscow"}}}
    await set_directions(client, source, told)
    bodies = f"{BASE}/sources/{source['id']}/bodies"
    replayed = (await client.post(f"{bodies}:replay", json={"unread": False})).json()
    assert {name: replayed[name] for name in ("accepted", "changed", "gone", "refused")} == {
        "accepted": 0,
        "changed": 1,
        "gone": 1,
        "refused": [],
    }
    await fold_all(folder)
    after = only(await world.latest("contact"))
    assert (after.transfers, after.branch, after.waited_ms) == (0, "moscow", 20_500)
    again = (await client.post(f"{bodies}:replay", json={"unread": False})).json()
    assert (again["changed"], again["gone"], again["duplicates"]) == (0, 0, 3)


async def test_a_contact_that_is_named_otherwise_leaves_none_behind(
    world: World, client: AsyncClient, folder: Folder
) -> None:
    source = await a_source(client)
    await set_directions(client, source, {"mapping": MAPPING})
    await push(client, source, BODY)
    await fold_all(folder)
    named = {**MAPPING, "key": {"columns": ["call.id"], "prefix": "call-"}}
    await set_directions(client, source, {"mapping": named})
    path = f"{BASE}/sources/{source['id']}/bodies:replay"
    replayed = (await client.post(path, json={"unread": False})).json()
    assert (replayed["accepted"], replayed["gone"]) == (3, 3)
    await fold_all(folder)
    listed = (await client.get(f"{BASE}/contacts")).json()["items"]
    assert [one["contact"] for one in listed] == ["call-812"]


async def test_a_worse_mapping_takes_nothing_back(
    world: World, client: AsyncClient, folder: Folder
) -> None:
    source = await a_source(client)
    await set_directions(client, source, {"mapping": MAPPING})
    await push(client, source, BODY)
    worse = {**MAPPING, "key": {"columns": ["nothing.of.it"]}}
    await set_directions(client, source, {"mapping": worse})
    path = f"{BASE}/sources/{source['id']}/bodies:replay"
    replayed = (await client.post(path, json={"unread": False})).json()
    assert (replayed["unread"], replayed["gone"], replayed["changed"]) == (1, 0, 0)
    assert await world.count("inbox") == 3


async def test_a_mapping_is_for_what_has_no_reader(client: AsyncClient) -> None:
    credentials = {"key": "k", "salt": "s"}
    body = {"name": "x", "kind": "mango", "credentials": credentials}
    answer = await client.post(f"{BASE}/sources", json={**body, "directions": {"mapping": MAPPING}})
    assert (answer.status_code, answer.json()["code"]) == (422, "mapping_not_taken")
    source = await a_source(client)
    bad = {**MAPPING, "clock": {"zone": "Moscow"}}
    for path, said in (
        (f"{BASE}/sources/{source['id']}", {"directions": {"mapping": bad}}),
        (f"{BASE}/sources/{source['id']}/bodies:dry-run", {"directions": {"mapping": bad}}),
    ):
        method = "PATCH" if path.endswith(source["id"]) else "POST"
        answer = await client.request(method, path, json=said)
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_mapping")
        (error,) = answer.json()["errors"]
        assert error["field"] == "mapping.clock.zone"


async def test_a_given_body_is_tried_without_any_that_came(client: AsyncClient) -> None:
    source = await a_source(client)
    path = f"{BASE}/sources/{source['id']}/bodies:dry-run"
    tried = await client.post(
        path, json={"directions": {"mapping": MAPPING}, "bodies": [json.dumps(BODY), "?"]}
    )
    good, bad = tried.json()["bodies"]
    assert (good["number"], good["detail"], len(good["events"])) == (None, None, 3)
    assert (bad["detail"], bad["events"]) == ("the body is neither JSON nor a form", [])
