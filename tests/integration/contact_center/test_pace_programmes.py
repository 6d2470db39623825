"""Pace programmes over HTTP: declared, refused, and what they show of requests."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from httpx import AsyncClient, Response

from otklik_common.events.access import Branch, BranchGroup, Calendar, CalendarRules
from otklik_contact_center.actions import paces
from otklik_contact_center.actions.demo_work import Remover
from otklik_contact_center.actions.fold import Folder
from otklik_contact_center.domain.pace import shares
from otklik_contact_center.domain.pace.programme import MOST_STEPS
from tests.integration.contact_center.conftest import Pusher, World, fold_all, now
from tests.integration.contact_center.stepping import LEADS, a_missed_call, a_step, of, push
from tests.unit.contact_center.builders import MORNING

pytestmark = pytest.mark.asyncio

BASE = "/contact-center/v1"
PROGRAMMES = f"{BASE}/pace-programmes"
CALL = {"from": "created", "to": "contacted", "seconds": 3600, "business": False}
PHOTO = {"from": "contacted", "to": "own:photo", "seconds": 2 * 86400, "business": False}
BODY: dict[str, Any] = {
    "names": {"ru": "Темп", "en": "Pace"},
    "priority": 10,
    "valid_from": "2026-01-01T00:00:00Z",
    "steps": [CALL, PHOTO],
}
MARCH = {"from": "2026-03-01T00:00:00Z", "to": "2026-04-01T00:00:00Z"}


async def put(client: AsyncClient, to: str = "pace", **more: Any) -> Response:
    return await client.put(f"{PROGRAMMES}/{to}", json={**BODY, **more})


async def good(answer: Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


async def enrolled(world: World) -> None:
    """Two branches, one of them in the franchise, and office hours."""
    week = ((("09:00-18:00",),) * 5) + ((), ())
    rules = CalendarRules(timezone="UTC", week=week)
    await world.tell("calendar", "office", Calendar(code="office", default=True, rules=(rules,)))
    for code, group in (("tyumen", "own"), ("perm", "franchise")):
        await world.tell("branch_group", group, BranchGroup(code=group, grouping="ownership"))
        await world.tell("branch", code, Branch(code=code, groups=(group,)))


async def called(door: Pusher, folder: Folder, *who: tuple[str, str]) -> None:
    """Missed calls of that morning, by contact and branch."""
    for number, (contact, branch) in enumerate(who):
        events = a_missed_call(f"+7999123450{number}", contact, branch=branch)
        await door.push(*events)
    await fold_all(folder)


def step(name: str, hours: float, contact: str, **more: Any) -> dict[str, Any]:
    """A step of the request that a contact opened."""
    said = {"id": f"{name}-{contact}", "lead": contact, "contact": contact, "customer": None}
    return a_step(name, hours, **said, **more)


async def test_it_is_kept_changed_and_ended_and_the_past_stays(client: AsyncClient) -> None:
    made = await put(client)
    told = await good(made)
    assert (made.headers["ETag"], told["names"], len(told["terms"])) == ('"1"', BODY["names"], 1)
    assert told["terms"][0]["steps"][1] == {
        "number": 2, "from": "contacted", "to": "own:photo", "seconds": 172800, "business": False,
        "names": {},
    }  # fmt: skip
    assert (await put(client)).headers["ETag"] == '"1"'
    later = await good(await put(client, valid_from="2026-02-01T00:00:00Z", steps=[CALL]))
    assert [(one["version"], len(one["steps"])) for one in later["terms"]] == [(1, 2), (2, 1)]
    assert (await client.delete(f"{PROGRAMMES}/pace")).status_code == 204
    read = await good(await client.get(f"{PROGRAMMES}/pace"))
    assert [one["active"] for one in read["terms"]] == [True, True, False]
    listed = await good(await client.get(PROGRAMMES))
    assert [one["code"] for one in listed["items"]] == ["pace"]
    missing = await client.get(f"{PROGRAMMES}/none")
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown_programme")
    assert (await client.delete(f"{PROGRAMMES}/none")).status_code == 404


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"steps": []}, "too_short"),
        ({"steps": [CALL] * (MOST_STEPS + 1)}, "too_long"),
        ({"steps": [{**CALL, "seconds": 0}]}, "out_of_range"),
        ({"steps": [{**CALL, "seconds": 3660 * 86400 + 1}]}, "out_of_range"),
        ({"steps": [{**CALL, "to": "created"}]}, "bad_programme"),
        ({"steps": [{**CALL, "to": "dael"}]}, "bad_programme"),
        ({"steps": [{**CALL, "from": "deal"}]}, "bad_programme"),
        ({"steps": [CALL, CALL]}, "bad_programme"),
        ({"code": "other"}, "bad_programme"),
        ({"branches": ["nowhere"]}, "unknown_branch"),
        ({"groups": ["nobody"]}, "unknown_branch_group"),
        ({"steps": [{**CALL, "business": True}]}, "no_calendar"),
        ({"channels": ["smoke"]}, "not_one_of"),
        ({"priority": 0}, "out_of_range"),
    ],
)
async def test_what_cannot_be_is_refused(
    client: AsyncClient, more: dict[str, Any], code: str
) -> None:
    refused = await put(client, **more)
    problem = refused.json()
    codes = [problem["code"], *(one["code"] for one in problem.get("errors", ()))]
    assert (refused.status_code, code in codes) == (422, True), problem


async def test_two_never_have_one_priority_however_they_come(client: AsyncClient) -> None:
    said = await asyncio.gather(*(put(client, f"p{n}") for n in range(12)))
    assert sorted(one.status_code for one in said) == [200] + [409] * 11
    lost = next(one.json() for one in said if one.status_code == 409)
    assert (lost["code"], "11 is free" in lost["detail"]) == ("priority_taken", True)


async def test_an_edit_that_overwrites_another_s_is_refused(client: AsyncClient) -> None:
    await good(await put(client))
    await good(await put(client, names={"en": "Other"}))
    path = f"{PROGRAMMES}/pace"
    late = await client.put(path, json=BODY, headers={"If-Match": '"1"'})
    assert (late.status_code, late.headers["ETag"]) == (412, '"2"')


async def test_those_to_start_from_may_be_put_as_they_are(
    client: AsyncClient, world: World
) -> None:
    await enrolled(world)
    presets = (await good(await client.get(f"{BASE}/pace-programme-presets")))["items"]
    assert [one["code"] for one in presets] == ["buyer", "seller", "six_twelve"]
    for one in presets:
        told = await good(await client.put(f"{PROGRAMMES}/{one['code']}", json=one))
        assert told["about"] == one["about"]
        said = [
            {k: v for k, v in each.items() if k != "number"} for each in told["terms"][0]["steps"]
        ]
        assert said == one["steps"]


async def test_a_request_shows_its_pace(
    client: AsyncClient, world: World, door: Pusher, folder: Folder
) -> None:
    await enrolled(world)
    await called(door, folder, ("a", "tyumen"))
    path = f"{LEADS}/{of(world, 'a')}"
    assert (await good(await client.get(path)))["pace"] is None
    await good(await put(client))
    pace = (await good(await client.get(path)))["pace"]
    assert (pace["programme"], pace["version"]) == ("pace", 1)
    assert [one["state"] for one in pace["steps"]] == ["running_late", "not_begun"]
    steps = step("contacted", 0.5, "a"), step("own", 40, "a", own="photo")
    assert await push(client, *steps) == (2, 0, [])
    await fold_all(folder)
    lead = await good(await client.get(path))
    assert [one["state"] for one in lead["pace"]["steps"]] == ["on_time", "on_time"]
    assert lead["pace"]["steps"][1]["due_at"] == "2026-03-04T09:30:00Z"
    assert lead["steps"][-1]["own"] == "photo"
    # Taken back, it was never made.
    await push(client, {**steps[1], "withdrawn": True})
    await fold_all(folder)
    lead = await good(await client.get(path))
    assert [one["state"] for one in lead["pace"]["steps"]] == ["on_time", "running_late"]


async def test_an_own_step_is_no_talk_and_needs_a_name(
    client: AsyncClient, world: World, door: Pusher, folder: Folder
) -> None:
    await called(door, folder, ("a", "tyumen"))
    unnamed = step("own", 1, "a")
    misplaced = step("showing", 2, "a", own="photo")
    assert await push(client, unnamed, misplaced) == (0, 0, ["missing", "out_of_place"])
    assert await push(client, step("own", 1, "a", own="photo")) == (1, 0, [])
    await fold_all(folder)
    lead = await good(await client.get(f"{LEADS}/{of(world, 'a')}"))
    assert (lead["state"], lead["attempted_at"], lead["pace"]) == ("waiting", None, None)


async def a_branchful(client: AsyncClient, world: World, door: Pusher, folder: Folder) -> None:
    """Of tyumen: one on time, one late, one closed in time; of perm: two late that go on."""
    await enrolled(world)
    who = (("a", "tyumen"), ("b", "tyumen"), ("c", "tyumen"), ("d", "perm"), ("e", "perm"))
    await called(door, folder, *who)
    steps = [
        step("contacted", 0.5, "a"),
        step("contacted", 5, "b"),
        step("closed", 0.5, "c"),
        step("assigned", 2, "d", agent="petrova"),
    ]
    assert await push(client, *steps) == (4, 0, [])
    await fold_all(folder)
    await good(await put(client))


async def late(client: AsyncClient, **asked: Any) -> list[str]:
    found = await good(await client.get(f"{PROGRAMMES}/pace/late", params={**MARCH, **asked}))
    return [one["contact"] for one in found["items"]]


async def test_who_is_behind_is_listed_by_step_branch_and_agent(
    client: AsyncClient, world: World, door: Pusher, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paces, "AT_ONCE", 2)
    await a_branchful(client, world, door, folder)
    ids = {name: str(of(world, name)) for name in "abcde"}
    # Two wait for a talk; the two that were talked with wait for their photos.
    assert set(await late(client)) == {ids[name] for name in "abde"}
    assert set(await late(client, step=1)) == {ids["d"], ids["e"]}
    assert set(await late(client, step=2)) == {ids["a"], ids["b"]}
    assert await late(client, agent="petrova") == [ids["d"]]
    assert set(await late(client, branch="tyumen", step=2)) == {ids["a"], ids["b"]}
    found: list[str] = []
    asked: dict[str, Any] = {**MARCH, "limit": 1}
    while True:
        part = await good(await client.get(f"{PROGRAMMES}/pace/late", params=asked))
        found += [one["contact"] for one in part["items"]]
        if part["next_cursor"] is None:
            break
        asked["cursor"] = part["next_cursor"]
    assert (len(found), set(found)) == (4, {ids[name] for name in "abde"})
    one = await good(await client.get(f"{PROGRAMMES}/pace/late", params={**MARCH, "step": 1}))
    assert [step["number"] for step in one["items"][0]["steps"]] == [1]


async def test_a_head_of_a_branch_sees_that_branch(
    client: AsyncClient, world: World, door: Pusher, folder: Folder
) -> None:
    await a_branchful(client, world, door, folder)
    key = await world.key("contacts:read", "sources:write", branches=("perm",))
    await asyncio.sleep(2.1)
    theirs = {"Authorization": f"Bearer {key}"}
    path = f"{PROGRAMMES}/pace"
    found = await good(await client.get(f"{path}/late", params=MARCH, headers=theirs))
    assert {one["branch"] for one in found["items"]} == {"perm"}
    told = await good(await client.get(f"{path}/shares", params=MARCH, headers=theirs))
    assert [one["unit"] for one in told["versions"][0]["units"]] == ["perm"]
    assert told["versions"][0]["requests"] == 2
    assert (await client.put(path, json=BODY, headers=theirs)).status_code == 403


async def test_shares_are_told_by_branch_group_and_month(
    client: AsyncClient, world: World, door: Pusher, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paces, "AT_ONCE", 2)
    await a_branchful(client, world, door, folder)

    async def told(by: str, **more: Any) -> dict[str, list[Any]]:
        params = {**MARCH, "by": by, **more}
        answer = await good(await client.get(f"{PROGRAMMES}/pace/shares", params=params))
        (version,) = answer["versions"]
        first = {one["unit"]: one["steps"][0] for one in version["units"]}
        first["all"] = version["all"][0]
        return {
            unit: [one["share"], one["kept"], one["late"], one["running_late"], one["over"]]
            for unit, one in first.items()
        }

    tyumen, perm, both = [0.5, 1, 1, 0, 1], [0.0, 0, 2, 2, 0], [0.25, 1, 3, 2, 1]
    assert await told("branch") == {"tyumen": tyumen, "perm": perm, "all": both}
    assert await told("group") == {"own": tyumen, "franchise": perm, "all": both}
    assert await told("month") == {"2026-03": both, "all": both}
    assert await told("branch", branch="perm") == {"perm": perm, "all": perm}


async def test_versions_are_told_apart(
    client: AsyncClient, world: World, door: Pusher, folder: Folder
) -> None:
    await a_branchful(client, world, door, folder)
    since = MORNING + timedelta(seconds=1)
    await good(await put(client, valid_from=since.isoformat(), steps=[PHOTO]))
    told = await good(await client.get(f"{PROGRAMMES}/pace/shares", params=MARCH))
    assert [(one["version"], one["requests"]) for one in told["versions"]] == [(1, 5)]
    await good(await put(client, valid_from=MORNING.isoformat(), steps=[PHOTO]))
    told = await good(await client.get(f"{PROGRAMMES}/pace/shares", params=MARCH))
    assert [(one["version"], len(one["steps"])) for one in told["versions"]] == [(2, 1)]


async def test_too_much_is_refused(
    client: AsyncClient, world: World, door: Pusher, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_branchful(client, world, door, folder)
    for what in ("late", "shares"):
        path = f"{PROGRAMMES}/pace/{what}"
        for period in (
            {"from": "2026-04-01T00:00:00Z", "to": "2026-03-01T00:00:00Z"},
            {"from": "2025-03-01T00:00:00Z", "to": "2026-03-03T00:00:00Z"},
        ):
            refused = await client.get(path, params=period)
            assert (refused.status_code, refused.json()["code"]) == (422, "bad_period")
        assert (await client.get(f"{PROGRAMMES}/none/{what}")).status_code == 404
    assert shares.MOST_REQUESTS == 200_000
    monkeypatch.setattr(paces, "MOST_REQUESTS", 4)
    refused = await client.get(f"{PROGRAMMES}/pace/shares", params=MARCH)
    assert (refused.status_code, refused.json()["code"]) == (422, "too_many_requests")
    narrower = {**MARCH, "branch": "tyumen"}
    assert (await client.get(f"{PROGRAMMES}/pace/shares", params=narrower)).status_code == 200


async def test_the_demo_s_programme_goes_with_it(client: AsyncClient, world: World) -> None:
    await good(await put(client, "demo-pace"))
    await good(await put(client, "mine", priority=11))
    assert (await client.delete(f"{BASE}/demo")).status_code == 202
    remover = Remover(world.worker, now)
    while await remover.step():
        pass
    listed = await good(await client.get(PROGRAMMES))
    assert [one["code"] for one in listed["items"]] == ["mine"]
