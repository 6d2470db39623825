"""Cases of claims: one for each customer and branch, whom to call, and where a claim goes."""

import asyncio
from typing import Any

import pytest

from otklik_common.callers import ALL_SCOPES
from tests.integration.feedback.conftest import PHONE, World
from tests.integration.feedback.test_claims import a_body, because, do, keep

pytestmark = pytest.mark.asyncio

Json = dict[str, Any]


async def cases(world: World, key: str | None = None, **query: str) -> list[Json]:
    """Open cases with all that is known of them, the oldest first."""
    listed = (await world.call("GET", "/cases", params=query, key=key)).json()["items"]
    shown = [await world.call("GET", f"/cases/{one['id']}", key=key) for one in listed]
    found: list[Json] = [one.json() for one in shown]
    return [one for one in found if one["state"] != "closed"][::-1]


def steps(case: Json) -> list[tuple[str, str | None]]:
    return [(one["step"], one["claim"]) for one in case["history"]]


async def test_a_touchpoint_of_the_name_is_no_claim(world: World) -> None:
    await keep(world, a_body())
    survey = await world.survey()
    for touchpoint in ("claim", "tyumen"):
        await world.answer(touchpoint, survey, {"nps": 1}, branch="kazan", touchpoint=touchpoint)
    found = [(one["reason"], one["branch"], len(one["history"])) for one in await cases(world)]
    assert sorted(found) == [("claim", "tyumen", 1), ("nps", "kazan", 1), ("nps", "kazan", 1)]


async def test_each_branch_has_a_case_of_the_customer_of_its_own(world: World) -> None:
    theirs = await keep(world, a_body("1"))
    key = await world.new_key(ALL_SCOPES, branches=("kazan",))
    mine = await world.call("POST", "/claims", a_body("2", branch="kazan"), key=key)
    assert mine.status_code == 200, mine.text
    (case,) = await cases(world, key)
    assert steps(case) == [("opened", mine.json()["id"])]
    (case,) = await cases(world, branch="tyumen")
    assert steps(case) == [("opened", theirs["id"])]


async def test_a_case_says_whom_to_call_and_which_claims_it_is_of(world: World) -> None:
    first = await keep(world, a_body("1"))
    second = await keep(world, a_body("2", customer={"phone": PHONE, "email": "a@example.com"}))
    (case,) = await cases(world)
    assert (case["customer"]["phone"], case["customer"]["email"]) == (PHONE, "a@example.com")
    assert steps(case) == [("opened", first["id"]), ("joined", second["id"])]
    review = {"source": "2gis", "id": "r", "written_at": first["received_at"], "stars": 1}
    made = (await world.call("POST", "/reviews", review)).json()
    (case,) = await cases(world, review=made["id"])
    assert [one["review"] for one in case["history"]] == [made["id"]]
    assert set(case["customer"].values()) == {None}


async def test_the_case_of_a_claim_goes_where_the_claim_goes(world: World) -> None:
    made = await keep(world, a_body())
    await do(world, made, "change", because(branch="kazan", agent="ivanov"))
    (case,) = await cases(world)
    assert (case["branch"], case["agent"], case["touchpoint"]) == ("kazan", "ivanov", "claim")
    assert steps(case) == [("opened", made["id"]), ("placed", made["id"])]
    fact = (await world.facts("case"))[-1]
    assert (fact.verb, fact.data.branch, fact.revision) == ("placed", "kazan", 2)
    joined = await keep(world, a_body("2", branch="kazan"))
    (case,) = await cases(world)
    assert steps(case)[2:] == [("joined", joined["id"])]
    await do(world, made, "change", because(topic="x"))
    assert len(await world.facts("case")) == 3


async def test_a_case_that_another_claim_needs_stays_and_one_is_opened_there(world: World) -> None:
    first, second = await keep(world, a_body("1")), await keep(world, a_body("2"))
    await do(world, first, "change", because(branch="kazan"))
    (here,), (there,) = await cases(world, branch="tyumen"), await cases(world, branch="kazan")
    assert steps(here) == [("opened", first["id"]), ("joined", second["id"])]
    assert steps(there) == [("opened", first["id"])]
    await do(world, second, "change", because(branch="kazan"))
    (case,) = await cases(world)
    assert steps(case) == [("opened", first["id"]), ("joined", second["id"])]
    left = (await world.call("GET", f"/cases/{here['id']}")).json()
    assert (left["state"], left["resolution"]) == ("closed", "claim_moved")
    assert case["customer"]["phone"] == PHONE


async def test_who_has_been_called_is_not_called_again_because_a_claim_moves(world: World) -> None:
    made = await keep(world, a_body())
    (case,) = await cases(world)
    closed = await world.call("POST", f"/cases/{case['id']}/close", because())
    assert closed.status_code == 200, closed.text
    await do(world, made, "change", because(branch="kazan"))
    assert await cases(world) == []
    another = await keep(world, a_body("2"))
    await do(world, made, "change", because(branch="tyumen"))
    (case,) = await cases(world)
    assert steps(case) == [("opened", another["id"])]


async def test_claims_that_come_and_go_at_once_leave_one_case_a_branch(world: World) -> None:
    made = [await keep(world, a_body(f"m-{n}")) for n in range(4)]
    work = [do(world, one, "change", because(branch="kazan")) for one in made]
    work += [keep(world, a_body(f"n-{n}", branch="kazan")) for n in range(4)]
    await asyncio.gather(*work)
    (case,) = await cases(world)
    assert case["branch"] == "kazan"
    assert {claim for _, claim in steps(case)} >= {one["id"] for one in made}


async def test_a_case_of_the_demo_that_a_claim_of_ours_joined_stays(world: World) -> None:
    await keep(world, a_body("demo-1"))
    ours = await keep(world, a_body("ours"))
    await keep(world, a_body("demo-2", branch="kazan"))
    removed = (await world.call("DELETE", "/demo")).json()
    assert (removed["claims"], removed["cases"]) == (2, 1)
    (case,) = await cases(world)
    assert steps(case)[1:] == [("joined", ours["id"])]
    assert case["customer"]["phone"] == PHONE
