"""Visits of mystery shoppers over HTTP: a time, evidence that is shown once, and a verdict by others."""

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from httpx import AsyncClient, Response

from tests.integration.contact_center.conftest import World
from tests.integration.contact_center.evaluating import BASE, GOOD, put_form

pytestmark = pytest.mark.asyncio

BEGINS = datetime(2026, 3, 2, 6, tzinfo=UTC)
VISITS = f"{BASE}/mystery-visits"


def a_file(name: str) -> dict[str, str]:
    return {"sha256": hashlib.sha256(name.encode()).hexdigest(), "kind": "photo"}


@pytest_asyncio.fixture
async def shopper(world: World, client: AsyncClient) -> dict[str, str]:
    """Who reports; the client judges."""
    return {"Authorization": f"Bearer {await world.key('evaluations:write')}"}


@pytest_asyncio.fixture
async def narrow(world: World, shopper: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {await world.key(branches=('omsk',))}"}


async def assign(client: AsyncClient, **more: Any) -> dict[str, Any]:
    await put_form(client)
    body = {
        "form": "sales",
        "branch": "tyumen",
        "shopper": "s-7",
        "begins_at": BEGINS.isoformat(),
        "due_at": (BEGINS + timedelta(days=5)).isoformat(),
        "scenario": "спросить о двухкомнатной",
        **more,
    }
    answer = await client.post(VISITS, json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def report(
    client: AsyncClient, id_: str, who: dict[str, str], *files: str, **more: Any
) -> Response:
    body = {
        "visited_at": (BEGINS + timedelta(hours=5)).isoformat(),
        "answers": GOOD,
        "evidence": [a_file(name) for name in files],
        **more,
    }
    return await client.post(f"{VISITS}/{id_}/report", json=body, headers=who)


async def test_a_visit_is_reported_and_accepted_by_somebody_else(
    world: World, client: AsyncClient, shopper: dict[str, str]
) -> None:
    made = await assign(client)
    assert (made["state"], made["possible"], made["form_version"]) == (
        "assigned",
        ["report", "cancel"],
        1,
    )
    path = f"{VISITS}/{made['id']}"
    told = await report(client, made["id"], shopper, "door", "desk", comment="вежливо")
    assert told.status_code == 200, told.text
    assert (told.json()["score"], told.json()["faults"], told.headers["ETag"]) == (0.52, [], '"2"')
    stale = await client.post(f"{path}/accept", json={}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    accepted = await client.post(f"{path}/accept", json={})
    assert (accepted.status_code, accepted.json()["state"]) == (200, "accepted")
    shown = (await client.get(path)).json()
    assert (shown["comment"], shown["scenario"]) == ("вежливо", "спросить о двухкомнатной")
    assert {one["sha256"] for one in shown["evidence"]} == {
        a_file("door")["sha256"],
        a_file("desk")["sha256"],
    }
    for step, body in (
        ("reject", {"reason": "нет"}),
        ("accept", {}),
        ("cancel", {"reason": "нет"}),
    ):
        again = await client.post(f"{path}/{step}", json=body)
        assert (again.status_code, again.json()["code"]) == (409, "illegal_step")
    assert (await report(client, made["id"], shopper, "new")).status_code == 409
    assert await world.facts("evaluation") == []


async def test_whoever_reported_it_does_not_judge_it(client: AsyncClient) -> None:
    made = await assign(client)
    assert (await report(client, made["id"], {}, "door")).status_code == 200
    refused = await client.post(f"{VISITS}/{made['id']}/accept", json={})
    assert (refused.status_code, refused.json()["code"]) == (403, "own_report")


@pytest.mark.parametrize(
    ("files", "more", "faults"),
    [
        ([], {}, ["evidence_missing"]),
        (["a"], {"visited_at": "2026-03-01T09:00:00Z"}, ["outside_window"]),
        (["a"], {"visited_at": "2026-03-07T06:00:01Z"}, ["outside_window"]),
        (["a"], {"visited_at": "2026-03-07T06:00:00Z"}, []),
    ],
)
async def test_a_visit_with_faults_can_only_be_rejected(
    client: AsyncClient,
    shopper: dict[str, str],
    files: list[str],
    more: dict[str, Any],
    faults: list[str],
) -> None:
    made = await assign(client)
    told = await report(client, made["id"], shopper, *files, **more)
    assert told.json()["faults"] == faults
    accepted = await client.post(f"{VISITS}/{made['id']}/accept", json={})
    assert accepted.status_code == (409 if faults else 200)
    if faults:
        assert accepted.json()["code"] == "visit_has_faults"
        path = f"{VISITS}/{made['id']}/reject"
        assert (await client.post(path, json={})).status_code == 422
        assert (await client.post(path, json={"reason": "не то"})).json()["state"] == "rejected"


async def test_a_file_is_shown_by_one_visit_also_at_the_same_moment(
    client: AsyncClient, shopper: dict[str, str]
) -> None:
    visits = [await assign(client) for _ in range(4)]
    told = await asyncio.gather(
        *(report(client, one["id"], shopper, "door", one["id"]) for one in visits)
    )
    faults = sorted(one.json()["faults"] for one in told)
    assert faults == [[], *[["evidence_reused"]] * 3]


async def test_what_is_no_report_is_refused(client: AsyncClient, shopper: dict[str, str]) -> None:
    made = await assign(client)
    for more, status, code in (
        ({"answers": {"named": "yes"}}, 409, "incomplete"),
        ({"answers": {**GOOD, "asked": 3}}, 422, "bad_answers"),
        ({"evidence": [a_file("a"), a_file("a")]}, 422, None),
        ({"evidence": [{"sha256": "00", "kind": "photo"}]}, 422, None),
        ({"visited_at": "2099-01-01T00:00:00Z"}, 422, "time_in_future"),
    ):
        refused = await report(client, made["id"], shopper, **more)
        assert refused.status_code == status, refused.text
        if code is not None:
            assert refused.json()["code"] == code


async def test_visits_of_other_branches_are_none(
    client: AsyncClient, narrow: dict[str, str]
) -> None:
    made = await assign(client)
    for path in (f"{VISITS}/{made['id']}", f"{VISITS}/{uuid4()}"):
        answer = await client.get(path, headers=narrow)
        assert (answer.status_code, answer.json()["code"]) == (404, "visit_not_found")
    assert (await client.get(VISITS, headers=narrow)).json()["items"] == []
    assert len((await client.get(VISITS, params={"state": "assigned"})).json()["items"]) == 1
    body = {name: made[name] for name in ("form", "branch", "shopper", "begins_at", "due_at")}
    refused = await client.post(VISITS, json=body, headers=narrow)
    assert (refused.status_code, refused.json()["code"]) == (403, "branch_out_of_reach")
    backwards = {**body, "begins_at": body["due_at"], "due_at": body["begins_at"]}
    assert (await client.post(VISITS, json=backwards)).status_code == 422
