"""What all checklists of a script come to: what is skipped, by whom, and how conversations end."""

from datetime import timedelta
from typing import Any

import pytest
from httpx import AsyncClient

from otklik_common.events.access import Role
from otklik_contact_center.actions.fold import Folder
from otklik_contact_center.actions.script_reports import Asked, ScriptReports
from otklik_contact_center.domain.script.skipped import MOST_DAYS
from tests.integration.contact_center.conftest import Pusher, World, fold_all, now
from tests.integration.contact_center.evaluating import Calls, member
from tests.integration.contact_center.ticking import BASE, a_call, put_script, ticked

pytestmark = pytest.mark.asyncio

SKIPPED = f"{BASE}/scripts/buyers/skipped"
ENDINGS = f"{BASE}/scripts/buyers/endings"
ALL = {"greeting": "done", "need": "done", "next_step": "done"}


@pytest.fixture
def calls(world: World, door: Pusher, folder: Folder) -> Calls:
    return Calls(world, door, folder)


async def asked(client: AsyncClient, path: str = SKIPPED, **params: Any) -> dict[str, Any]:
    answer = await client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_what_is_skipped_most_comes_first_with_those_who_skip_it(
    client: AsyncClient, calls: Calls
) -> None:
    await put_script(client)
    for name, agent, said in (
        ("c1", "petrova", ALL),
        ("c2", "petrova", {**ALL, "next_step": "not_done"}),
        ("c3", "ivanov", {"greeting": "done", "need": "not_applicable"}),
        ("c4", "ivanov", {"greeting": "done", "objection": "done"}),
    ):
        await ticked(client, await a_call(calls, name, agent=agent), **said)
    (version,) = (await asked(client))["versions"]
    assert (version["version"], version["runs"]) == (1, 4)
    # Compulsory first; advice behind, though it is missed more often.
    assert [one["item"] for one in version["items"]] == [
        "work", "next_step", "need", "greeting", "objection",
    ]  # fmt: skip
    by_item = {one["item"]: one for one in version["items"]}
    assert by_item["next_step"] | {"texts": {}} == {
        "item": "next_step",
        "texts": {},
        "compulsory": True,
        "done": 1,
        "missed": 3,
        "not_applicable": 0,
        "skipped": 0.75,
        "by": [{"agent": "ivanov", "missed": 2}, {"agent": "petrova", "missed": 1}],
    }
    assert by_item["need"]["skipped"] == pytest.approx(1 / 3)
    assert (by_item["need"]["not_applicable"], by_item["need"]["texts"]) == (
        1,
        {"ru": "Выяснил потребность"},
    )
    # It was asked of the one who objected.
    assert (by_item["work"]["missed"], by_item["work"]["done"]) == (1, 0)


async def test_versions_are_apart_the_newest_first_and_filters_hold(
    client: AsyncClient, calls: Calls
) -> None:
    await put_script(client)
    await ticked(client, await a_call(calls, "c1"), greeting="done")
    await put_script(client, items=[{"code": "hello"}])
    await ticked(client, await a_call(calls, "c2", branch="omsk"), hello="done")
    versions = (await asked(client))["versions"]
    assert [(one["version"], len(one["items"])) for one in versions] == [(2, 1), (1, 5)]

    async def runs(**params: Any) -> list[int]:
        return [one["version"] for one in (await asked(client, **params))["versions"]]

    assert await runs(version=1) == await runs(branch="tyumen") == [1]
    assert await runs(branch="omsk") == [2]
    assert await runs(agent="petrova") == [2, 1]
    assert await runs(agent="nobody") == []
    assert await runs(**{"from": (now() + timedelta(hours=1)).isoformat(), "to": (now() + timedelta(hours=2)).isoformat()}) == []  # fmt: skip
    missing = await client.get(SKIPPED, params={"version": 3})
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown_script")


async def test_a_period_is_not_turned_round_and_not_too_long(client: AsyncClient) -> None:
    await put_script(client)
    for path in (SKIPPED, ENDINGS):
        for begins in (now() + timedelta(hours=1), now() - timedelta(days=MOST_DAYS + 1)):
            answer = await client.get(path, params={"from": begins.isoformat()})
            assert (answer.status_code, answer.json()["code"]) == (422, "bad_period")


async def test_a_branch_sees_its_own_and_an_agent_theirs(
    world: World, client: AsyncClient, calls: Calls
) -> None:
    limited = {"Authorization": f"Bearer {await world.key(branches=('omsk',))}"}
    await put_script(client)
    await ticked(client, await a_call(calls, "c1"), greeting="done")
    await ticked(client, await a_call(calls, "c2", agent="ivanov"), greeting="done")
    await ticked(client, await a_call(calls, "c3", branch="omsk"), greeting="done")
    reports = ScriptReports(world.api)

    async def runs(role: Role, who: str, **more: Any) -> int:
        report = await reports.skipped(member(world, role, who), "buyers", Asked(**more), now())
        return sum(one.runs for one in report.versions)

    assert await runs(Role.MANAGER, "boss") == 2
    assert await runs(Role.AGENT, "petrova") == await runs(Role.AGENT, "ivanov") == 1
    assert await runs(Role.AGENT, "petrova", agent="ivanov") == 0
    assert await runs(Role.AGENT, "nobody") == 0
    found = (await client.get(SKIPPED, headers=limited)).json()["versions"]
    assert [one["runs"] for one in found] == [1]


async def test_requests_of_conversations_that_kept_the_script_are_told_from_the_others(
    client: AsyncClient, calls: Calls, folder: Folder
) -> None:
    await put_script(client)
    for name, said in (("c1", ALL), ("c2", ALL), ("c3", {"greeting": "done"})):
        phone = f"+799912345{name[1]}0"
        contact = await a_call(calls, name, from_=phone)
        await ticked(client, contact, **said)
    await ticked(client, await a_call(calls, "c4"), greeting="done", need="not_applicable")
    steps = [
        {
            "id": f"{name}-{step}",
            "step": step,
            "contact": name,
            "lead": name,
            "at": now().isoformat(),
        }
        for name, step in (("c1", "qualified"), ("c1", "showing"), ("c2", "qualified"))
    ]
    deal = {
        "id": "d",
        "step": "deal",
        "deal": "d-1",
        "contact": "c1",
        "lead": "c1",
        "at": now().isoformat(),
    }
    answer = await client.post(f"{BASE}/lead-steps", json=[*steps, deal])
    assert (answer.status_code, answer.json()["refused"]) == (202, [])
    await fold_all(folder)
    found = await asked(client, ENDINGS)
    assert found["kept"] == {
        "runs": 2,
        "requests": 2,
        "qualified": 2,
        "shown": 1,
        "dealt": 1,
        "qualified_share": 1.0,
        "shown_share": 0.5,
        "dealt_share": 0.5,
    }
    missed = found["missed"]
    assert (missed["runs"], missed["requests"], missed["dealt"]) == (2, 2, 0)
    assert missed["dealt_share"] == 0
    nothing = (await asked(client, ENDINGS, agent="nobody"))["kept"]
    assert (nothing["runs"], nothing["requests"], nothing["dealt_share"]) == (0, 0, None)
