"""Clocks and back-tests over HTTP."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from httpx import AsyncClient

from otklik_contact_center.actions import backtest
from otklik_contact_center.actions.fold import Folder
from tests.integration.contact_center.conftest import Pusher, World, now
from tests.integration.contact_center.promising import Promising, a_calendar, a_policy, a_target
from tests.unit.contact_center.builders import a_call, an_event, at

pytestmark = pytest.mark.asyncio

BASE = "/contact-center/v1"
SATURDAY = 5 * 86_400
PERIOD = {"from": "2026-03-01T00:00:00Z", "to": "2026-04-01T00:00:00Z"}


@pytest_asyncio.fixture
async def promising(world: World, folder: Folder) -> Promising:
    """Access as the contact centre hears it."""
    return Promising(world, folder)


async def good(client: AsyncClient, path: str, body: Any = None) -> Any:
    answer = await (
        client.get(BASE + path) if body is None else client.post(BASE + path, json=body)
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_what_is_about_to_break_comes_first(
    world: World, door: Pusher, promising: Promising, client: AsyncClient
) -> None:
    key = await world.key("contacts:read", branches=("tyumen",))
    await promising.hear(a_policy(a_target("first_response", 3_600, warning_seconds=600)))
    for number, minutes in enumerate((70, 5, 55)):
        begun = now() - timedelta(minutes=minutes)
        name, where = f"c{number}", "omsk" if number else "tyumen"
        call: dict[str, Any] = {"id": name, "contact": name, "at": begun, "branch": where}
        await door.push(an_event("queued", channel="call", direction="in", **call))
    await promising.work()
    listed = (await good(client, "/clocks"))["items"]
    assert [one["state"] for one in listed] == ["breaching", "imminent", "pending"]
    first = await good(client, "/clocks?limit=2")
    rest = await good(client, f"/clocks?limit=2&cursor={first['next_cursor']}")
    assert [*first["items"], *rest["items"]] == listed
    assert [o["state"] for o in (await good(client, "/clocks?state=imminent"))["items"]] == [
        "imminent"
    ]
    assert len((await good(client, "/clocks?branch=tyumen&target=first_response"))["items"]) == 1
    soon = (now() + timedelta(minutes=10)).isoformat().replace("+00:00", "Z")
    assert len((await good(client, f"/clocks?due_before={soon}"))["items"]) == 2
    contact = listed[0]["contact"]
    (clock,) = (await good(client, f"/contacts/{contact}/clocks"))["items"]
    assert (clock["policy"], clock["matched"]) == ("usual", [])
    unknown = await client.get(f"{BASE}/contacts/{world_id()}/clocks")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "contact_not_found")
    limited = await client.get(f"{BASE}/clocks", headers={"Authorization": f"Bearer {key}"})
    assert [one["branch"] for one in limited.json()["items"]] == ["tyumen"]


def world_id() -> str:
    return "00000000-0000-4000-8000-000000000000"


async def saturdays(door: Pusher, promising: Promising) -> None:
    """Calls of a Saturday that were answered on Monday, and one of every day."""
    await promising.hear(a_calendar(), a_policy(a_target("first_response", 3_600, business=True)))
    await door.push(*a_call())
    for number in range(3):
        call: dict[str, Any] = {"contact": f"s{number}"}
        first = SATURDAY + number
        await door.push(
            an_event("queued", first, id=f"q{number}", channel="call", direction="in", **call),
            an_event(
                "answered", first + 2 * 86_400 + 600, id=f"a{number}", agent="petrova", **call
            ),
            an_event("ended", first + 2 * 86_400 + 900, id=f"e{number}", **call),
        )
    await promising.work()


async def test_worked_saturdays_flip_whoever_waited_over_one(
    door: Pusher, promising: Promising, client: AsyncClient
) -> None:
    await saturdays(door, promising)
    body = {**PERIOD, "calendars": {"office": {"week": {"sat": ["10:00-16:00"]}}}, "limit": 2}
    found = await good(client, "/sla-policies:backtest", body)
    (target,) = found["targets"]
    assert (found["contacts"], found["not_ready"]) == (4, 0)
    assert (target["target"], target["flips"]) == ("first_response", 3)
    assert target["before"] | {"attainment": None} == {
        "kept": 4, "broken": 0, "open": 0, "cancelled": 0, "none": 0, "attainment": None,
    }  # fmt: skip
    assert (target["before"]["attainment"], target["after"]["attainment"]) == (1.0, 0.25)
    rest = await good(client, "/sla-policies:backtest", {**body, "cursor": found["next_cursor"]})
    flips = [*found["flips"], *rest["flips"]]
    assert len({flip["contact"] for flip in flips}) == 3
    assert flips[0]["before"] == {
        "policy": "usual",
        "calendar": "office",
        "state": "achieved",
        "due_at": (at(7 * 86_400) + timedelta(hours=1)).isoformat().replace("+00:00", "Z"),
    }
    assert flips[0]["after"]["state"] == "breached"
    assert rest["next_cursor"] is None
    # Nothing was changed by asking.
    assert len((await good(client, "/sla-policies:backtest", PERIOD))["flips"]) == 0


async def test_what_is_tried_is_bounded_by_period_and_branch(
    door: Pusher, promising: Promising, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await saturdays(door, promising)
    first_day = {**PERIOD, "to": "2026-03-03T00:00:00Z"}
    assert (await good(client, "/sla-policies:backtest", first_day))["contacts"] == 1
    tyumen = {**PERIOD, "branches": ["tyumen"]}
    assert (await good(client, "/sla-policies:backtest", tyumen))["contacts"] == 1
    monkeypatch.setattr(backtest, "AT_ONCE", 1)
    assert (await good(client, "/sla-policies:backtest", PERIOD))["contacts"] == 4
    path = f"{BASE}/sla-policies:backtest"
    both = await asyncio.gather(*(client.post(path, json=PERIOD) for _ in range(2)))
    assert sorted(answer.status_code for answer in both) == [200, 429]
    (busy,) = (answer for answer in both if answer.status_code == 429)
    assert (busy.json()["code"], busy.headers["Retry-After"]) == ("backtest_running", "5")
    monkeypatch.setattr(backtest, "MOST_CONTACTS", 2)
    answer = await client.post(f"{BASE}/sla-policies:backtest", json=PERIOD)
    assert (answer.status_code, answer.json()["code"]) == (422, "too_many_contacts")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"to": "2026-01-01T00:00:00Z"}, "invalid"),
        ({"calendars": {"none": {}}}, "unknown_calendar"),
        ({"calendars": {"office": {"week": {"sat": ["25:00-26:00"]}}}}, "invalid"),
        ({"policies": {"none": None}}, "unknown_policy"),
    ],
)
async def test_what_cannot_be_tried_is_said(
    door: Pusher, promising: Promising, client: AsyncClient, wrong: dict[str, Any], code: str
) -> None:
    await saturdays(door, promising)
    answer = await client.post(f"{BASE}/sla-policies:backtest", json={**PERIOD, **wrong})
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_contacts_of_before_there_were_clocks_are_counted_apart(
    world: World, door: Pusher, promising: Promising, client: AsyncClient
) -> None:
    await saturdays(door, promising)
    await world.admin.execute(
        "UPDATE contact_center.contact SET watched = NULL WHERE tenant = $1 AND contact = 's1'",
        world.tenant,
    )
    found = await good(client, "/sla-policies:backtest", PERIOD)
    assert (found["contacts"], found["not_ready"]) == (3, 1)
