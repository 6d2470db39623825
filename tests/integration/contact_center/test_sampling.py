"""Samples over HTTP: what is to be evaluated of a week, and how far that is."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from httpx import AsyncClient, Response

from otklik_contact_center.actions.fold import Folder
from tests.integration.contact_center.conftest import Pusher, World, fold_all, now
from tests.integration.contact_center.evaluating import AT, BASE, Calls, make, put_form, take

pytestmark = pytest.mark.asyncio

WEEK = "2026-W10"


@pytest.fixture
def calls(world: World, door: Pusher, folder: Folder) -> Calls:
    return Calls(world, door, folder)


async def put_rule(client: AsyncClient, code: str = "weekly", **more: Any) -> Response:
    body = {"form": "sales", "per_agent": 2, **more}
    return await client.put(f"{BASE}/evaluation-rules/{code}", json=body)


async def sample(client: AsyncClient, **query: Any) -> list[dict[str, Any]]:
    asked = {"rule": "weekly", "week": WEEK, **query}
    answer = await client.get(f"{BASE}/evaluation-sample", params=asked)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def a_week(calls: Calls) -> None:
    """Five calls of one agent, one of another, one that nobody took, and one of the week before."""
    for number in range(5):
        await calls.push(f"p{number}", at=AT + timedelta(hours=number), lasted=60 * (number + 1))
    await calls.push("o1", agent="orlova", branch="omsk", queue="service")
    await calls.push("n1", agent=None)
    await calls.push("b1", at=AT - timedelta(days=3))
    await fold_all(calls.folder)


async def test_so_many_of_each_agent_are_to_be_evaluated(client: AsyncClient, calls: Calls) -> None:
    await a_week(calls)
    await put_form(client)
    assert (await put_rule(client)).status_code == 200
    found = await sample(client)
    assert [one["agent"] for one in found].count("petrova") == 2
    assert [one["agent"] for one in found].count("orlova") == 1
    assert found == sorted(found, key=lambda one: one["at"])
    assert await sample(client) == found
    more = await put_rule(client, per_agent=3)
    assert more.headers["ETag"] == '"2"'
    again = await sample(client)
    assert {one["contact"] for one in found} < {one["contact"] for one in again}
    # A rule of another name draws the same lots.
    await put_rule(client, "other")
    assert await sample(client, rule="other") == found
    pages = [found[:2], await sample(client, rule="other", limit=2)]
    assert pages[0] == pages[1]


async def test_a_rule_looks_at_what_fits_it(client: AsyncClient, calls: Calls) -> None:
    await a_week(calls)
    await put_form(client)
    everything: dict[str, Any] = {"per_agent": None, "percent": 100}
    await put_rule(client, **everything)
    assert len(await sample(client)) == 6
    assert len(await sample(client, week="2026-W09")) == 1
    await put_rule(client, **everything, queues=["service"])
    assert [one["agent"] for one in await sample(client)] == ["orlova"]
    await put_rule(client, **everything, least_talked_seconds=180)
    ids = {str(calls.id(f"p{number}")) for number in (2, 3, 4)}
    assert {one["contact"] for one in await sample(client)} == ids
    await put_rule(client, **everything, channels=["chat"])
    assert await sample(client) == []


async def test_coverage_tells_what_was_asked_for_from_what_was_done_besides(
    client: AsyncClient, calls: Calls
) -> None:
    await a_week(calls)
    await put_form(client)
    await put_rule(client)
    wanted = [one["contact"] for one in await sample(client) if one["agent"] == "petrova"]
    besides = [
        calls.id(f"p{number}") for number in range(5) if str(calls.id(f"p{number}")) not in wanted
    ]
    first = await make(client, wanted[0])
    await take(client, first["id"], "release")
    await make(client, wanted[1])
    other = await make(client, besides[0])
    await take(client, other["id"], "release")
    query = {"rule": "weekly", "week": WEEK}
    found = (await client.get(f"{BASE}/evaluation-sample/coverage", params=query)).json()
    assert (found["wanted"], found["evaluated"], found["final"]) == (3, 1, True)
    assert found["week"] == "2026-03-02"
    assert found["agents"] == [
        {"agent": "orlova", "contacts": 1, "wanted": 1, "evaluated": 0, "drafted": 0, "besides": 0},
        {"agent": "petrova", "contacts": 5, "wanted": 2, "evaluated": 1, "drafted": 1, "besides": 1},
    ]  # fmt: skip
    states = {one["contact"]: one["state"] for one in await sample(client)}
    assert (states[wanted[0]], states[wanted[1]]) == ("released", "draft")
    await take(client, first["id"], "withdraw", note="не тот звонок")
    found = (await client.get(f"{BASE}/evaluation-sample/coverage", params=query)).json()
    assert found["evaluated"] == 0


async def test_whoever_sees_one_branch_sees_its_part_of_the_same_sample(
    world: World, client: AsyncClient, calls: Calls
) -> None:
    narrow = {"Authorization": f"Bearer {await world.key(branches=('tyumen',))}"}
    await a_week(calls)
    await put_form(client)
    await put_rule(client)
    whole = await sample(client)
    query = {"rule": "weekly", "week": WEEK}
    seen = await client.get(f"{BASE}/evaluation-sample", params=query, headers=narrow)
    assert seen.json()["items"] == [one for one in whole if one["branch"] == "tyumen"]


async def test_without_a_week_it_is_the_last_that_is_over(
    client: AsyncClient, calls: Calls
) -> None:
    at: datetime = now() - timedelta(days=7)
    await calls.push("c1", at=at)
    await fold_all(calls.folder)
    await put_form(client)
    await put_rule(client)
    answer = (await client.get(f"{BASE}/evaluation-sample", params={"rule": "weekly"})).json()
    assert answer["final"] is True
    assert [one["contact"] for one in answer["items"]] == [str(calls.id("c1"))]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"percent": 5}, "one_of_two"),
        ({"per_agent": None}, "one_of_two"),
        ({"per_agent": 0}, "out_of_range"),
        ({"form": "none"}, "unknown_form"),
    ],
)
async def test_a_rule_by_which_nothing_could_be_picked_is_refused(
    client: AsyncClient, body: dict[str, Any], code: str
) -> None:
    await put_form(client)
    answer = await put_rule(client, **body)
    assert answer.status_code == 422, answer.text
    assert code in [one["code"] for one in answer.json()["errors"]]


async def test_a_rule_that_is_no_more_is_missing(client: AsyncClient) -> None:
    await put_form(client)
    await put_rule(client)
    path = f"{BASE}/evaluation-rules/weekly"
    assert [one["code"] for one in (await client.get(f"{BASE}/evaluation-rules")).json()["items"]]
    stale = await client.delete(path, headers={"If-Match": '"9"'})
    assert stale.status_code == 412
    assert (await client.delete(path)).status_code == 204
    for url in (path, f"{BASE}/evaluation-sample?rule=weekly"):
        answer = await client.get(url)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_rule")


@pytest.mark.parametrize("week", ["2026-W53x", "2027-W53", "2026-10", "9999-W01"])
async def test_a_week_that_is_none_is_refused(client: AsyncClient, week: str) -> None:
    await put_form(client)
    await put_rule(client)
    answer = await client.get(f"{BASE}/evaluation-sample", params={"rule": "weekly", "week": week})
    assert answer.status_code == 422, answer.text
