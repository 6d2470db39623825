"""Events that were not let in: seen by those who can help, and pushed again."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from httpx import AsyncClient

from otklik_common.callers import OPERATIONS
from tests.integration.contact_center.conftest import World, now
from tests.integration.contact_center.test_pushes import an_event, counts, push

REFUSED = "/contact-center/v1/events/refused"

pytestmark = pytest.mark.asyncio


async def listed(client: AsyncClient, **filters: Any) -> list[dict[str, Any]]:
    response = await client.get(REFUSED, params=filters)
    assert response.status_code == 200, response.text
    items: list[dict[str, Any]] = response.json()["items"]
    return items


async def replay(client: AsyncClient, **body: Any) -> tuple[int, int, list[str]]:
    response = await client.post(f"{REFUSED}:replay", json=body)
    assert response.status_code == 202, response.text
    return counts(response.json())


async def test_what_was_refused_is_shown_as_it_was_pushed(
    client: AsyncClient, world: World
) -> None:
    bad = an_event("b1", unheard="of", **{"from": "+79005550101"})
    await push(client, [an_event("g1"), bad, an_event("b2", at="2026-03-02T09:00:00")])
    lines = b'{"id": "a", "contact": "c"\n' + b'{"id": "\xff"}\n'
    headers = {"Content-Type": "application/x-ndjson"}
    await client.post("/contact-center/v1/events", content=lines, headers=headers)
    found = await listed(client)
    assert [one["code"] for one in found] == [
        "invalid_utf8",
        "malformed_json",
        "time_without_zone",
        "unknown_field",
    ]
    assert found[3]["event"] == bad
    assert found[3]["source"] == f"{world.tenant}.default"
    assert found[3]["detail"]
    assert found[1]["event"] is None
    assert found[1]["text"].startswith('{"id": "a"')
    assert [one["id"] for one in await listed(client, code="unknown_field")] == [found[3]["id"]]
    assert await listed(client, source=f"{world.tenant}.other") == []
    first = (await client.get(REFUSED, params={"limit": 3})).json()
    rest = await listed(client, limit=3, cursor=first["next_cursor"])
    assert [one["id"] for one in first["items"] + rest] == [one["id"] for one in found]


async def test_who_only_looks_after_sources_sees_why_and_not_what_senders_wrote(
    client: AsyncClient, world: World
) -> None:
    keys = [await world.key(*scopes) for scopes in (sorted(OPERATIONS), ["contacts:write"])]
    operations, helper = ({"Authorization": f"Bearer {key}"} for key in keys)
    phone = "+79005550102"
    await push(client, [an_event("b1", unheard="of", **{"from": phone})])
    lines = b'{"id": "a", "from": "' + phone.encode() + b'"\n'
    headers = {"Content-Type": "application/x-ndjson"}
    await client.post("/contact-center/v1/events", content=lines, headers=headers)
    whole = await listed(client)
    answer = await client.get(REFUSED, headers=operations)
    assert phone not in answer.text
    shown = answer.json()["items"]
    assert shown == [one | {"event": None, "text": None} for one in whole]
    assert [(one["code"], bool(one["detail"]), one["kept"]) for one in shown] == [
        ("malformed_json", True, True),
        ("unknown_field", True, True),
    ]
    assert (await client.get(REFUSED, headers=helper)).json()["items"] == whole
    # They may still push it again.
    again = {"ids": [one["id"] for one in shown]}
    done = await client.post(f"{REFUSED}:replay", json=again, headers=operations)
    assert (done.status_code, counts(done.json())[0]) == (202, 0)
    assert phone not in done.text


async def test_a_replay_judges_anew(client: AsyncClient, world: World) -> None:
    early = (now() + timedelta(hours=30)).isoformat()
    await push(client, [an_event("e1", at=early), an_event("e2", unheard="of")])
    by_code = {one["code"]: one["id"] for one in await listed(client)}
    # The time comes for the first one.
    kept = base64.b64encode(json.dumps(an_event("e1")).encode()).decode()
    await world.admin.execute(
        "UPDATE contact_center.refused SET body = $2 WHERE tenant = $1 AND number = $3",
        world.tenant,
        world.sealer.seal(world.tenant, "refused", kept),
        by_code["time_in_future"],
    )
    ids = [by_code["unknown_field"], 987_654_321, by_code["time_in_future"]]
    assert await replay(client, ids=ids) == (1, 0, ["unknown_field", "not_found"])
    assert await world.count("inbox") == 1
    assert await world.count("dirty") == 1
    assert await replay(client, ids=[ids[2]]) == (0, 1, [])
    assert await world.count("refused") == 2
    assert {one["replayed_at"] is None for one in await listed(client)} == {False}
    assert await listed(client, replayed=False) == []


async def test_a_replay_by_code_takes_each_once(client: AsyncClient, world: World) -> None:
    first = an_event("e1")
    await push(client, [first, an_event("e2")])
    await push(client, [{**first, "queue": "a"}, {**first, "queue": "b"}, an_event("x", bad=1)])
    assert await replay(client, code="event_id_reused") == (0, 0, ["event_id_reused"] * 2)
    assert await replay(client, code="event_id_reused") == (0, 0, [])
    assert [one["code"] for one in await listed(client, replayed=False)] == ["unknown_field"]
    assert await replay(client, source=f"{world.tenant}.default") == (0, 0, ["unknown_field"])
    assert await world.count("refused") == 3


async def test_what_was_too_large_is_remembered_but_not_kept(
    client: AsyncClient, world: World
) -> None:
    await push(client, [an_event("large", text="x" * 70_000)])
    [found] = await listed(client)
    assert (found["kept"], found["event"], found["text"]) == (False, None, None)
    assert await replay(client, ids=[found["id"]]) == (0, 0, ["body_not_kept"])


async def test_only_those_who_can_help(client: AsyncClient, world: World) -> None:
    keys = {
        scope: {"Authorization": f"Bearer {await world.key(scope)}"}
        for scope in ("sources:write", "contacts:write", "contacts:read")
    }
    limited = {"Authorization": f"Bearer {await world.key('sources:write', branches=('omsk',))}"}
    assert (await client.get(REFUSED, headers=keys["sources:write"])).status_code == 200
    assert (await client.get(REFUSED, headers=keys["contacts:write"])).status_code == 200
    for headers in (keys["contacts:read"], limited):
        assert (await client.get(REFUSED, headers=headers)).status_code == 403
        answer = await client.post(f"{REFUSED}:replay", json={"code": "x"}, headers=headers)
        assert answer.status_code == 403
    bodies: list[dict[str, Any]] = [
        {},
        {"ids": [1], "code": "x"},
        {"ids": []},
        {"ids": list(range(501))},
    ]
    for bad in bodies:
        answer = await client.post(f"{REFUSED}:replay", json=bad)
        assert answer.status_code == 422, bad
