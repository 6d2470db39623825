"""Calibrations over HTTP: nobody sees the others before it is closed."""

from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from httpx import ASGITransport, AsyncClient, Response

from otklik_contact_center.actions.fold import Folder
from tests.integration.contact_center.conftest import Pusher, World
from tests.integration.contact_center.evaluating import BASE, GOOD, Calls, put_form

pytestmark = pytest.mark.asyncio

Headers = dict[str, str]


@pytest_asyncio.fixture
async def others(world: World) -> list[Headers]:
    """Three who evaluate, each with a key of their own."""
    await world.enrol()
    keys = [await world.key("evaluations:write") for _ in range(3)]
    return [{"Authorization": f"Bearer {key}"} for key in keys]


@pytest_asyncio.fixture
async def opened(
    others: list[Headers], world: World, door: Pusher, folder: Folder, client: AsyncClient
) -> str:
    """A calibration that nobody has evaluated yet."""
    contact = await Calls(world, door, folder).call("c1")
    await put_form(client)
    body = {"contact": str(contact), "form": "sales"}
    answer = await client.post(f"{BASE}/calibrations", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


@pytest_asyncio.fixture
async def client(others: list[Headers], world: World, contact_center_app: Any) -> Any:
    headers = {"Authorization": f"Bearer {await world.key()}", "Accept-Language": "en"}
    transport = ASGITransport(app=contact_center_app)
    async with AsyncClient(transport=transport, base_url="http://test", headers=headers) as made:
        yield made


async def give(client: AsyncClient, id_: str, who: Headers, **answers: Any) -> Response:
    body = {"answers": {**GOOD, **answers}, "comment": "слышно плохо"}
    return await client.put(f"{BASE}/calibrations/{id_}/answers", json=body, headers=who)


async def test_nobody_sees_the_others_before_it_is_closed(
    client: AsyncClient, others: list[Headers], opened: str, world: World
) -> None:
    path = f"{BASE}/calibrations/{opened}"
    assert (await give(client, opened, others[0], asked=5)).status_code == 200
    early = await client.post(f"{path}/close", json={"agreed": GOOD})
    assert (early.status_code, early.json()["code"]) == (409, "too_few_evaluators")
    mine = (await give(client, opened, others[1], asked=0)).json()
    assert (mine["evaluators"], len(mine["sheets"]), mine["result"]) == (2, 1, None)
    again = (await give(client, opened, others[1])).json()
    assert (again["evaluators"], again["sheets"][0]["answers"]["asked"]) == (2, 2)
    for who, seen in ((others[0], 1), (others[2], 0), ({}, 0)):
        shown = (await client.get(path, headers=who)).json()
        assert (len(shown["sheets"]), shown["agreed"], shown["result"]) == (seen, None, None)
    stale = await client.post(f"{path}/close", json={"agreed": GOOD}, headers={"If-Match": '"9"'})
    assert stale.status_code == 412
    closed = await client.post(f"{path}/close", json={"agreed": GOOD})
    assert closed.status_code == 200, closed.text
    result = (await client.get(path, headers=others[2])).json()
    assert (result["closed"], len(result["sheets"]), result["sheets"][0]["comment"]) == (
        True,
        2,
        "слышно плохо",
    )
    asked = {one["code"]: one for one in result["result"]["questions"]}["asked"]
    # One gave all, one two fifths: the mean is 0.7, each is 0.3 from it.
    assert (asked["n"], asked["mean"], asked["variance"]) == (2, 0.7, 0.09)
    assert (asked["agreed"], asked["differing"]) == (0.4, 1)
    deviations = sorted(one["deviation"] for one in result["result"]["evaluators"])
    assert deviations == [0.0, 0.48]
    assert result["result"]["agreed_score"] == 0.52
    for refused in (
        await give(client, opened, others[2]),
        await client.post(f"{path}/close", json={"agreed": GOOD}),
    ):
        assert (refused.status_code, refused.json()["code"]) == (409, "calibration_closed")
    assert await world.facts("evaluation") == []


async def test_what_is_not_whole_is_not_kept(
    client: AsyncClient, others: list[Headers], opened: str
) -> None:
    path = f"{BASE}/calibrations/{opened}/answers"
    for answers, status, code in (
        ({"named": "yes"}, 409, "incomplete"),
        ({**GOOD, "asked": 3}, 422, "bad_answers"),
        ({"named": "na", "asked": "na", "rude": "no"}, 409, "nothing_scored"),
    ):
        refused = await client.put(path, json={"answers": answers}, headers=others[0])
        assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert (await client.get(f"{BASE}/calibrations/{opened}")).json()["evaluators"] == 0


async def test_one_is_found_within_reach_and_listed(
    client: AsyncClient, opened: str, others: list[Headers]
) -> None:
    listed = (await client.get(f"{BASE}/calibrations", headers=others[0])).json()["items"]
    assert [(one["id"], one["closed"], one["agent"]) for one in listed] == [
        (opened, False, "petrova")
    ]
    missing = await client.get(f"{BASE}/calibrations/{uuid4()}")
    assert (missing.status_code, missing.json()["code"]) == (404, "calibration_not_found")
    opened_by = await client.post(
        f"{BASE}/calibrations", json={"contact": str(uuid4()), "form": "sales"}
    )
    assert (opened_by.status_code, opened_by.json()["code"]) == (404, "contact_not_found")
    unfit = {"Authorization": others[0]["Authorization"]}
    body = {"agreed": GOOD}
    refused = await client.post(f"{BASE}/calibrations/{opened}/close", json=body, headers=unfit)
    assert refused.status_code == 403
