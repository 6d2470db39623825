"""Contacts as people read them: lists, one by one, found by who called, and by nobody else."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from httpx import AsyncClient

from otklik_common.ids import contact_subject, short_id
from otklik_contact_center.actions.fold import Folder
from otklik_contact_center.domain.source import default_id
from tests.integration.contact_center.conftest import World, fold_all, now

BASE = "/contact-center/v1"

pytestmark = pytest.mark.asyncio


def morning() -> datetime:
    """Nine o'clock, ten days ago."""
    return (now() - timedelta(days=10)).replace(hour=9, minute=0, second=0, microsecond=0)


def a_call(name: str, minutes: float = 0, *, answered: bool = True, **more: Any) -> list[Any]:
    """Events of an inbound call; `by` is what stands in `from`."""
    begins = morning() + timedelta(minutes=minutes)

    def event(kind: str, seconds: float, **fields: Any) -> dict[str, Any]:
        at = begins + timedelta(seconds=seconds)
        return {
            "id": f"{name}-{kind}",
            "contact": name,
            "type": kind,
            "at": at.isoformat(),
            **fields,
        }

    opening = {
        "channel": "call",
        "direction": "in",
        "queue": "sales",
        "branch": "tyumen",
        "party": "buyer",
        "from": more.pop("by", "8 (900) 555-01-01"),
        **more,
    }
    events = [event("queued", 0, **opening)]
    if answered:
        events.append(event("answered", 12, agent="petrova", actor="human"))
    events.append(event("ended", 90))
    return events


@pytest.fixture
def told(world: World, client: AsyncClient, folder: Folder) -> Any:
    """Pushes events and folds them."""

    async def tell(*contacts: list[Any], source: str | None = None) -> None:
        events = [event for contact in contacts for event in contact]
        path = f"{BASE}/events" + ("" if source is None else f"?source={source}")
        response = await client.post(path, json=events)
        assert response.json()["refused"] == []
        await fold_all(folder)

    return tell


async def listed(client: AsyncClient, **filters: Any) -> list[str]:
    response = await client.get(f"{BASE}/contacts", params=filters)
    assert response.status_code == 200, response.text
    return [item["contact"] for item in response.json()["items"]]


async def test_a_contact_with_everything_that_happened(
    client: AsyncClient, world: World, told: Any
) -> None:
    call = a_call("c1")
    note = {**call[1], "id": "c1-said", "type": "message", "text": "перезвоните", "public": False}
    await told([*call, note])
    id_ = contact_subject(world.tenant, default_id(world.tenant), "c1")
    response = await client.get(f"{BASE}/contacts/{id_}")
    assert response.status_code == 200, response.text
    found = response.json()
    assert found["id"] == str(id_)
    assert (found["source"], found["contact"]) == (default_id(world.tenant), "c1")
    assert found["phone"] == "+79005550101"
    assert (found["channel"], found["direction"], found["outcome"]) == ("call", "in", "answered")
    assert (found["branch"], found["queue"], found["agent"]) == ("tyumen", "sales", "petrova")
    assert (found["waited_ms"], found["handled_ms"]) == (12_000, 78_000)
    assert datetime.fromisoformat(found["offered_at"]) == morning()
    assert found["events_left_out"] == 0
    assert [(one["type"], one["actor"], one["text"]) for one in found["events"]] == [
        ("queued", None, None),
        ("answered", "human", None),
        ("message", "human", "перезвоните"),
        ("ended", None, None),
    ]
    assert found["events"][0]["from"] == "8 (900) 555-01-01"
    assert found["events"][2]["public"] is False


async def test_missing_foreign_and_out_of_reach_are_the_same(
    client: AsyncClient, world: World, told: Any
) -> None:
    limited = {"Authorization": f"Bearer {await world.key('contacts:read', branches=('omsk',))}"}
    pusher = {"Authorization": f"Bearer {await world.key('events:push')}"}
    other = World(
        short_id(),
        world.settings,
        world.api,
        world.worker,
        world.pusher,
        world.admin,
        world.sealer,
        world.pseudonyms,
    )
    await other.enrol()
    foreign = {"Authorization": f"Bearer {await other.key()}"}
    await told(a_call("c1"), a_call("c2", branch="omsk"), a_call("c3", branch=None))
    ids = {
        name: contact_subject(world.tenant, default_id(world.tenant), name)
        for name in ("c1", "c2", "c3")
    }
    answers = [
        await client.get(f"{BASE}/contacts/{uuid4()}"),
        await client.get(f"{BASE}/contacts/{ids['c1']}", headers=foreign),
        await client.get(f"{BASE}/contacts/{ids['c1']}", headers=limited),
        await client.get(f"{BASE}/contacts/{ids['c3']}", headers=limited),
    ]
    assert {(one.status_code, one.json()["code"]) for one in answers} == {
        (404, "contact_not_found")
    }
    assert (await client.get(f"{BASE}/contacts/{ids['c2']}", headers=limited)).status_code == 200
    seen = await client.get(f"{BASE}/contacts", headers=limited)
    assert [item["contact"] for item in seen.json()["items"]] == ["c2"]
    theirs = await client.post(
        f"{BASE}/contacts:find", json={"phone": "+79005550101"}, headers=limited
    )
    assert [item["contact"] for item in theirs.json()["items"]] == ["c2"]
    assert (await client.get(f"{BASE}/contacts", headers=foreign)).json()["items"] == []
    assert (await client.get(f"{BASE}/contacts", headers=pusher)).status_code == 403
    assert (await client.get(f"{BASE}/contacts/7")).status_code == 422


async def test_filters(client: AsyncClient, told: Any) -> None:
    chat = a_call("chat", 30, channel="chat", branch="omsk", party="seller")
    outbound = [
        {**a_call("out", 45)[0], "type": "started", "direction": "out", "agent": "ivanov"},
    ]
    await told(a_call("a", 0), a_call("b", 15, answered=False, queue="rent"), chat, outbound)
    assert await listed(client) == ["out", "chat", "b", "a"]
    for filters, wanted in (
        ({"branch": "omsk"}, ["chat"]),
        ({"queue": "rent"}, ["b"]),
        ({"agent": "petrova"}, ["chat", "a"]),
        ({"channel": "chat"}, ["chat"]),
        ({"direction": "out"}, ["out"]),
        ({"party": "seller"}, ["chat"]),
        ({"outcome": "abandoned"}, ["b"]),
        ({"from": (morning() + timedelta(minutes=15)).isoformat()}, ["out", "chat", "b"]),
        ({"to": (morning() + timedelta(minutes=15)).isoformat()}, ["a"]),
        ({"channel": "call", "outcome": "answered"}, ["a"]),
        ({"branch": "nowhere"}, []),
    ):
        assert await listed(client, **filters) == wanted, filters
    for bad, code in (
        ({"channel": "telepathy"}, "not_one_of"),
        ({"colour": "red"}, "unknown_parameter"),
        ({"from": "2026-03-02T09:00:00"}, "time_without_zone"),
        ({"limit": 0}, "out_of_range"),
    ):
        response = await client.get(f"{BASE}/contacts", params=bad)
        assert response.status_code == 422, bad
        assert [error["code"] for error in response.json()["errors"]] == [code]


async def test_pages(client: AsyncClient, told: Any) -> None:
    # Several begin at the same moment: no row is lost or shown twice between pages.
    await told(*(a_call(f"c{n}", n // 3) for n in range(11)))
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params: dict[str, Any] = {"limit": 4, "branch": "tyumen"}
        if cursor is not None:
            params["cursor"] = cursor
        page = (await client.get(f"{BASE}/contacts", params=params)).json()
        seen += [item["contact"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        last = cursor
    assert sorted(seen) == sorted(f"c{n}" for n in range(11))
    assert len(seen) == 11
    other = await client.get(f"{BASE}/contacts", params={"limit": 4, "cursor": last})
    assert (other.status_code, other.json()["code"]) == (400, "cursor_of_another_query")


async def test_a_customer_is_found_by_phone_mail_and_id(
    client: AsyncClient, world: World, told: Any
) -> None:
    known = {"phone": "+79005550102", "email": "Anna@Example.test", "external_id": "crm-7"}
    await told(
        a_call("a"),
        a_call("b", 1, customer=known, by=None),
        a_call("c", 2, channel="chat", by="anna@example.test"),
        a_call("d", 3, channel="chat", customer={"external_id": "crm-7"}, by=None),
    )

    async def found(**by: Any) -> list[str]:
        response = await client.post(f"{BASE}/contacts:find", json=by)
        assert response.status_code == 200, response.text
        return [item["contact"] for item in response.json()["items"]]

    assert await found(phone="8-900-555-01-01") == ["a"]
    assert await found(phone="+79005550102") == ["b"]
    assert await found(email="ANNA@example.test") == ["c", "b"]
    assert await found(external_id="crm-7") == ["d", "b"]
    assert await found(phone="+79005550101", external_id="crm-7") == ["d", "b", "a"]
    assert await found(phone="12") == []
    first = await client.post(f"{BASE}/contacts:find", json={"external_id": "crm-7", "limit": 1})
    cursor = first.json()["next_cursor"]
    assert await found(external_id="crm-7", limit=1, cursor=cursor) == ["b"]
    other = await client.post(
        f"{BASE}/contacts:find", json={"phone": "+79005550101", "cursor": cursor}
    )
    assert other.json()["code"] == "cursor_of_another_query"
    nobody = await client.post(f"{BASE}/contacts:find", json={})
    assert nobody.status_code == 422
    rows = await world.admin.fetch(
        "SELECT * FROM contact_center.contact WHERE tenant = $1", world.tenant
    )
    assert "example.test" not in str([dict(row) for row in rows])
