"""Pushes of other products over HTTP: proved, kept as they came, read, and read again."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from httpx import AsyncClient, Response

from otklik_common.errors import Unavailable
from otklik_contact_center.actions import hooks
from otklik_contact_center.actions.fold import Folder
from otklik_contact_center.actions.hooks_work import LateBodies
from otklik_contact_center.actions.push import Door
from otklik_contact_center.domain.providers import PROVIDERS, mango
from otklik_contact_center.domain.providers.pushed import Event
from otklik_contact_center.store import hooks as store
from tests.integration.contact_center.conftest import World, fold_all, now, only
from tests.unit.contact_center.test_mango import CREDENTIALS, payloads, pushed

pytestmark = pytest.mark.asyncio

BASE = "/contact-center/v1"


async def a_source(client: AsyncClient, **more: Any) -> dict[str, Any]:
    body = {"name": "АТС", "kind": "mango", "credentials": CREDENTIALS, **more}
    made = await client.post(f"{BASE}/sources", json=body)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


async def push(client: AsyncClient, source: dict[str, Any], said: Any, **more: str) -> Response:
    request = pushed(said, **more)
    headers = {"Authorization": "", "Content-Type": "application/x-www-form-urlencoded"}
    return await client.post(f"{source['hook']}/events/call", content=request.body, headers=headers)


async def test_a_call_comes_in_as_its_product_says_it(
    world: World, client: AsyncClient, folder: Folder
) -> None:
    directions = {
        "lines": {"74951234567": {"branch": "moscow"}},
        "agents": {"123": "petrova"},
        "queues": {"10": "sales"},
    }
    source = await a_source(client, directions=directions)
    assert source["directions"] == directions | {
        "lines": {"74951234567": {"branch": "moscow", "queue": None}},
        "zone": None,
        "mapping": None,
    }
    said = payloads("answered")
    random.Random(3).shuffle(said)
    answers = [await push(client, source, one) for one in said]
    assert {answer.status_code for answer in answers} == {202}
    assert [answer.json()["refused"] for answer in answers] == [[]] * len(said)
    again = [await push(client, source, one) for one in said]
    assert sum(answer.json()["accepted"] for answer in again) == 0
    await fold_all(folder)
    contact = only(await world.latest("contact"))
    assert (contact.branch, contact.queue, contact.agent) == ("moscow", "sales", "petrova")
    assert (contact.outcome, contact.waited_ms, contact.transfers) == ("answered", 14_000, 1)
    assert await world.count("hook_body") == len(said)


async def test_nobody_else_pushes_and_nothing_is_kept_of_it(
    world: World, client: AsyncClient
) -> None:
    source = await a_source(client)
    said = payloads("missed")[0]
    body = pushed(said).body
    headers = {"Authorization": ""}
    other = await client.post(
        f"{BASE}/sources/{world.tenant}.nosuch12/hook", content=body, headers=headers
    )
    for wrong in (
        await push(client, source, said, key="another1"),
        await push(client, source, said, salt="paprika"),
        await client.post(
            source["hook"], content=body.replace(b"Appeared", b"Appeareb"), headers=headers
        ),
        await client.post(source["hook"], content=b"", headers=headers),
        await client.post(source["hook"], json=said, headers=headers),
    ):
        assert wrong.status_code == 401
        assert wrong.json()["code"] == other.json()["code"] == "bad_signature"
        assert wrong.json()["detail"] == other.json()["detail"]
        assert "webhook-id" in wrong.json()["detail"]
        assert "mistyped" in wrong.json()["detail"]
    for path in (f"{BASE}/sources/{world.tenant}.nosuch12/hook", source["hook"]):
        for body_, query in ((b"x" * 2_000_000, {}), (b"", {"x": "1"})):
            told = await client.post(path, content=body_, params=query, headers=headers)
            assert (told.status_code, told.json()["detail"]) == (401, other.json()["detail"])
    assert await world.count("hook_body") == await world.count("inbox") == 0
    good = await client.post(source["hook"], content=body, headers=headers)
    assert good.status_code == 202


async def test_a_body_beyond_all_measure_is_not_read(world: World, client: AsyncClient) -> None:
    source = await a_source(client)
    answer = await push(client, source, {"entry_id": "x" * 5_000_000})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert await world.count("hook_body") == 0


async def test_what_cannot_be_read_is_kept_and_read_again(
    world: World, client: AsyncClient, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited = await world.key("sources:write")
    source = await a_source(client)
    monkeypatch.setattr(hooks, "REPLAYED_AT_ONCE", 2)
    strange = {"call_state": "Appeared", "call_key": "e1", "timestamp": 1_398_956_980}
    answer = await push(client, source, strange)
    assert (answer.status_code, answer.json()["accepted"]) == (202, 0)
    for one in payloads("missed"):
        await push(client, source, one)
    path = f"{BASE}/sources/{source['id']}/bodies"
    listed = (await client.get(path)).json()["items"]
    assert [one["code"] for one in listed] == [None, None, None, "unreadable"]
    (unread,) = (await client.get(path, params={"unread": "true"})).json()["items"]
    assert unread["detail"] == "entry_id is missing: of which call?"
    assert "call_key" in unread["body"]
    shown = await client.get(path, headers={"Authorization": f"Bearer {limited}"})
    assert {one["body"] for one in shown.json()["items"]} == {None}
    replay = (await client.post(f"{path}:replay", json={})).json()
    assert replay | {"last": 0} == {
        "bodies": 1, "accepted": 0, "duplicates": 0, "changed": 0, "gone": 0, "refused": [],
        "unread": 1, "last": 0,
    }  # fmt: skip
    # All of them, in parts: what is known already changes nothing.
    after, seen, duplicates = 0, 0, 0
    for _ in range(2):
        done = (await client.post(f"{path}:replay", json={"unread": False, "after": after})).json()
        seen, duplicates = seen + done["bodies"], duplicates + done["duplicates"]
        assert done["accepted"] == 0
        after = done["last"]
    rest = await client.post(f"{path}:replay", json={"unread": False, "after": after})
    assert (rest.json()["bodies"], rest.json()["last"]) == (0, None)
    assert (seen, duplicates) == (4, await world.count("inbox"))
    await fold_all(folder)
    assert only(await world.latest("contact")).outcome == "abandoned"


async def test_a_source_proves_itself_by_what_its_product_has(client: AsyncClient) -> None:
    for credentials in ({}, {"key": "k"}, {**CREDENTIALS, "more": "m"}):
        body = {"name": "АТС", "kind": "mango", "credentials": credentials}
        answer = await client.post(f"{BASE}/sources", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_credentials")
        assert "key, salt" in answer.json()["detail"]
    generic = await client.post(f"{BASE}/sources", json={"name": "x", "credentials": CREDENTIALS})
    assert generic.json()["code"] == "bad_credentials"
    source = await a_source(client)
    changed = await client.patch(
        f"{BASE}/sources/{source['id']}",
        json={"credentials": {"key": "another-key", "salt": "another-salt"}},
    )
    assert changed.status_code == 200, changed.text
    said = payloads("missed")[0]
    assert (await push(client, source, said)).status_code == 401
    assert (
        await push(client, source, said, key="another-key", salt="another-salt")
    ).status_code == 202
    listed = (await client.get(f"{BASE}/sources")).text
    assert "another-key" not in listed
    assert "s2" not in listed


async def test_bodies_are_forgotten_after_their_days(world: World, client: AsyncClient) -> None:
    source = await a_source(client)
    await push(client, source, payloads("missed")[0])
    for before, left in ((now() - timedelta(days=30), 1), (now() + timedelta(seconds=1), 0)):
        async with world.worker.begin_as_worker() as tx:
            while await store.sweep(tx, before, 100):
                pass
        assert await world.count("hook_body") == left


async def test_events_of_our_own_have_no_bodies(client: AsyncClient) -> None:
    made = (await client.post(f"{BASE}/sources", json={"name": "x"})).json()
    path = f"{BASE}/sources/{made['id']}/bodies"
    assert (await client.get(path)).json()["items"] == []
    answer = await client.post(f"{path}:replay", json={})
    assert (answer.status_code, answer.json()["code"]) == (422, "no_bodies")


async def test_a_body_whose_push_broke_off_is_read_a_minute_later(
    world: World, client: AsyncClient, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken_off(*_args: object, **_more: object) -> None:
        raise Unavailable("the database is away", detail_ru="", code="database_unavailable")

    source = await a_source(client)
    for said in payloads("missed"):
        with monkeypatch.context() as away:
            away.setattr(Door, "keep", broken_off)
            assert (await push(client, source, said)).status_code == 503
    waiting = (await client.get(f"{BASE}/sources/{source['id']}/bodies")).json()["items"]
    assert {one["code"] for one in waiting} == {"waiting"}
    master = world.settings.master
    early = LateBodies(world.worker, world.sealer, master, lambda: now() + timedelta(seconds=50))
    late = LateBodies(world.worker, world.sealer, master, lambda: now() + timedelta(seconds=61))
    assert await early.step() is False
    assert await world.count("inbox") == 0
    while await late.step():
        pass
    await fold_all(folder)
    assert only(await world.latest("contact")).outcome == "abandoned"
    read = (await client.get(f"{BASE}/sources/{source['id']}/bodies")).json()["items"]
    assert {one["code"] for one in read} == {None}


async def test_a_reader_that_fails_stops_nothing(
    world: World, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_args: object) -> Sequence[Event]:
        raise ZeroDivisionError

    source = await a_source(client)
    with monkeypatch.context() as broken:
        failing = replace(mango.PROVIDER, read=fails)
        broken.setitem(PROVIDERS, "mango", failing)
        assert (await push(client, source, payloads("missed")[0])).status_code == 202
        path = f"{BASE}/sources/{source['id']}/bodies"
        (body,) = (await client.get(path)).json()["items"]
        assert body["detail"] == "our reader failed: ZeroDivisionError"
        assert (await client.post(f"{path}:replay", json={})).json()["unread"] == 1
    assert (await client.post(f"{path}:replay", json={})).json()["accepted"] == 1


async def test_a_line_that_was_forgotten_is_told_afterwards(
    world: World, client: AsyncClient, folder: Folder
) -> None:
    source = await a_source(client)
    for said in payloads("answered"):
        await push(client, source, said)
    await fold_all(folder)
    assert only(await world.latest("contact")).branch is None
    directions = {"lines": {"74951234567": {"branch": "moscow"}}, "agents": {"123": "petrova"}}
    path = f"{BASE}/sources/{source['id']}"
    await client.patch(path, json={"directions": directions})
    replayed = (await client.post(f"{path}/bodies:replay", json={"unread": False})).json()
    assert replayed["refused"] == []
    assert replayed["changed"] > 0
    await fold_all(folder)
    contact = only(await world.latest("contact"))
    assert (contact.branch, contact.agent, contact.waited_ms) == ("moscow", "petrova", 14_000)


async def test_what_an_ended_source_pushes_is_gone_and_what_it_told_stays(
    world: World, client: AsyncClient, folder: Folder
) -> None:
    source = await a_source(client)
    said = payloads("missed")
    await push(client, source, said[0])
    path = f"{BASE}/sources/{source['id']}"
    ended = (await client.patch(path, json={"ended": True})).json()
    assert ended["ended_at"] is not None
    assert (await client.patch(path, json={"ended": True})).json() == ended
    refused = await push(client, source, said[1])
    assert (refused.status_code, refused.json()["code"]) == (410, "source_ended")
    # Whoever does not prove to be of it is told nothing of that.
    assert (await push(client, source, said[1], key="another1")).status_code == 401
    assert await world.count("hook_body") == 1
    await fold_all(folder)
    assert len(await world.latest("contact")) == 1
    facts = (await world.latest("source")).values()
    assert [one.active for one in facts if one.product == "mango"] == [False]
    resumed = (await client.patch(path, json={"ended": False})).json()
    assert resumed["ended_at"] is None
    assert (await push(client, source, said[1])).status_code == 202


async def test_the_company_s_own_source_may_be_ended_as_well(
    world: World, client: AsyncClient
) -> None:
    event = {"contact": "c", "type": "queued", "at": "2026-03-02T10:00:00Z", "channel": "call"}
    assert (await client.post(f"{BASE}/events", json={"id": "1", **event})).status_code == 202
    path = f"{BASE}/sources/{world.tenant}.default"
    assert (await client.patch(path, json={"ended": True})).status_code == 200
    for body in ([{"id": "2", **event}], [{"id": str(n), **event} for n in range(150)]):
        refused = await client.post(f"{BASE}/events", json=body)
        assert (refused.status_code, refused.json()["code"]) == (410, "source_ended")
    assert await world.count("inbox") == 1
