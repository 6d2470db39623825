"""Promises of agents over HTTP, and what time makes of them."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient, Response

from otklik_common.due import Due
from otklik_common.errors import Forbidden
from otklik_common.etags import Expected
from otklik_common.events.access import Role
from otklik_common.events.staff import PromiseState
from otklik_common.ids import contact_subject
from otklik_contact_center.actions.fold import Folder
from otklik_contact_center.actions.promises import Given, Promises
from otklik_contact_center.actions.promises_due import PROMISES
from otklik_contact_center.domain.source import default_id
from tests.integration.contact_center.conftest import World, fold_all, only
from tests.integration.contact_center.evaluating import member

pytestmark = pytest.mark.asyncio

BASE = "/contact-center/v1"
HOUR = timedelta(hours=1)
SPACE = UUID(int=0)


def now() -> datetime:
    return datetime.now(UTC)


def in_(span: timedelta) -> str:
    return (now() + span).isoformat()


async def a_kind(client: AsyncClient, code: str = "call_back", **more: Any) -> None:
    answer = await client.put(f"{BASE}/promise-kinds/{code}", json=more)
    assert answer.status_code == 200, answer.text


async def put(client: AsyncClient, name: str = "p1", **more: Any) -> Response:
    body = {"agent": "petrova", "promise_kind": "call_back", "due_at": in_(24 * HOUR), **more}
    return await client.put(f"{BASE}/promises/{name}", json=body)


async def promised(client: AsyncClient, name: str = "p1", **more: Any) -> dict[str, Any]:
    answer = await put(client, name, **more)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def listed(client: AsyncClient, **wanted: str) -> list[str]:
    answer = await client.get(f"{BASE}/promises", params=wanted)
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["items"]]


async def all_due(world: World) -> None:
    while await Due(world.worker, PROMISES).step():
        pass


async def states(world: World) -> list[tuple[int, str, str]]:
    return [
        (event.revision, event.verb, event.data.state.value)  # type: ignore[attr-defined]
        for event in await world.facts("promise")
    ]


async def test_a_promise_is_made_once_and_says_nothing_of_what_was_said(
    world: World, client: AsyncClient
) -> None:
    await a_kind(client, warning_seconds=1_800)
    due = in_(24 * HOUR)
    body = {"due_at": due, "branch": "tyumen", "text": "Перезвонить Анне про ипотеку"}
    made = await promised(client, **body)
    assert (made["state"], made["postponed"], made["text"]) == ("open", 0, body["text"])
    spans = [datetime.fromisoformat(made[name]) for name in ("warn_at", "due_at")]
    assert spans[1] - spans[0] == timedelta(minutes=30)
    again = await promised(client, **body)
    assert again == made == (await client.get(f"{BASE}/promises/p1")).json()
    assert await states(world) == [(1, "made", "open")]
    stored = await world.admin.fetchrow(
        "SELECT text, data FROM contact_center.promise WHERE tenant = $1", world.tenant
    )
    assert stored is not None
    assert "Анне".encode() not in stored["text"]
    assert "Анне" not in stored["data"]
    # What was said may be corrected, and that is nobody else's business.
    changed = await promised(client, **{**body, "text": "Перезвонить"})
    assert changed["text"] == "Перезвонить"
    assert len(await world.facts()) == 1


async def test_it_takes_its_dimensions_from_the_contact(
    world: World, client: AsyncClient, folder: Folder
) -> None:
    await a_kind(client)
    event = {"id": "e1", "contact": "c1", "type": "queued", "at": in_(-HOUR), "channel": "chat"}
    event |= {"party": "seller", "branch": "perm", "direction": "in"}
    assert (await client.post(f"{BASE}/events", json=event)).status_code == 202
    await fold_all(folder)
    made = await promised(client, contact="c1")
    subject = contact_subject(world.tenant, default_id(world.tenant), "c1")
    assert [made[name] for name in ("branch", "channel", "party", "contact")] == [
        "perm",
        "chat",
        "seller",
        str(subject),
    ]
    assert await listed(client, contact=str(subject)) == ["p1"]
    assert await listed(client, contact=str(SPACE)) == []
    fact = only(await world.latest("promise"))
    assert (fact.contact, fact.branch, fact.promise_kind) == (subject, "perm", "call_back")
    unheard = await promised(client, "p2", contact="nobody-heard-of-it", branch="perm")
    assert (unheard["channel"], unheard["branch"]) == (None, "perm")


async def test_time_warns_of_it_and_breaks_it_once_with_several_workers(
    world: World, client: AsyncClient
) -> None:
    await a_kind(client, warning_seconds=86_400)
    for name in range(5):
        await promised(client, f"p{name}", due_at=in_(timedelta(seconds=1.2)))
    await promised(client, "later")

    async def look() -> None:
        await asyncio.gather(*(Due(world.worker, PROMISES).step() for _ in range(3)))

    await look()
    assert sorted(await listed(client, state="at_risk")) == ["later", *(f"p{n}" for n in range(5))]
    await asyncio.sleep(1.3)
    await look()
    await look()
    assert sorted(await listed(client, state="broken")) == [f"p{n}" for n in range(5)]
    told = await states(world)
    assert told.count((1, "made", "open")) == 6
    assert told.count((2, "due", "at_risk")) == 6
    assert told.count((3, "broken", "broken")) == 5
    assert len(told) == 17


async def test_it_is_kept_in_time_or_late_and_never_cancelled_once_broken(
    world: World, client: AsyncClient
) -> None:
    await a_kind(client)
    await promised(client, "in-time")
    kept = await client.post(f"{BASE}/promises/in-time/keep", json={})
    assert (kept.status_code, kept.json()["state"]) == (200, "kept")
    again = await client.post(f"{BASE}/promises/in-time/keep", json={})
    assert again.json() == kept.json()
    past = {"made_at": in_(-48 * HOUR), "due_at": in_(-24 * HOUR)}
    assert (await promised(client, "late", **past))["state"] == "broken"
    refused = await client.post(f"{BASE}/promises/late/cancel")
    assert (refused.status_code, refused.json()["code"]) == (409, "promise_settled")
    late = await client.post(f"{BASE}/promises/late/keep", json={})
    assert late.json()["state"] == "kept_late"
    early = await client.post(f"{BASE}/promises/late/keep", json={"at": in_(-72 * HOUR)})
    assert (early.status_code, early.json()["code"]) == (422, "kept_before_made")
    ahead = await client.post(f"{BASE}/promises/late/keep", json={"at": in_(72 * HOUR)})
    assert (ahead.status_code, ahead.json()["code"]) == (422, "time_in_future")
    await promised(client, "given-up")
    gone = await client.post(f"{BASE}/promises/given-up/cancel")
    assert gone.json()["state"] == "cancelled"
    kept = await client.post(f"{BASE}/promises/given-up/keep", json={})
    assert (kept.status_code, kept.json()["code"]) == (409, "promise_settled")
    await all_due(world)
    assert sorted(one.state.value for one in (await world.latest("promise")).values()) == [
        "cancelled",
        "kept",
        "kept_late",
    ]


async def test_it_is_put_off_until_it_is_due_and_not_later(client: AsyncClient) -> None:
    await a_kind(client)
    await promised(client)
    assert (await promised(client, due_at=in_(48 * HOUR)))["postponed"] == 1
    past = {"made_at": in_(-48 * HOUR), "due_at": in_(-24 * HOUR)}
    await promised(client, "late", **past)
    refused = await put(client, "late", **{**past, "due_at": in_(HOUR)})
    assert (refused.status_code, refused.json()["code"]) == (409, "promise_settled")
    assert (await promised(client, "late", **past, agent="ivanov"))["agent"] == "ivanov"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"promise_kind": "unheard_of"}, "unknown_promise_kind"),
        ({"due_at": "2020-01-01T00:00:00Z"}, "bad_due_time"),
        ({"due_at": "2099-01-01T00:00:00Z"}, "bad_due_time"),
        ({"made_at": "2099-01-01T00:00:00Z", "due_at": "2099-02-01T00:00:00Z"}, "time_in_future"),
    ],
)
async def test_what_cannot_be_promised_is_refused(
    world: World, client: AsyncClient, said: dict[str, Any], code: str
) -> None:
    await a_kind(client)
    refused = await put(client, **said)
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert await world.count("promise") == 0


async def test_only_what_is_on_the_list_may_be_promised_and_what_was_stays(
    client: AsyncClient,
) -> None:
    await a_kind(client, "visit", names={"ru": "Показ", "en": "Viewing"})
    await a_kind(client)
    kinds = (await client.get(f"{BASE}/promise-kinds")).json()["items"]
    assert [(one["code"], one["warning_seconds"]) for one in kinds] == [
        ("call_back", 3_600),
        ("visit", 3_600),
    ]
    due = in_(5 * HOUR)
    await promised(client, promise_kind="visit", due_at=due)
    assert (await client.delete(f"{BASE}/promise-kinds/visit")).status_code == 204
    assert (await client.delete(f"{BASE}/promise-kinds/visit")).status_code == 404
    assert (await put(client, "p2", promise_kind="visit")).json()["code"] == "unknown_promise_kind"
    assert (await promised(client, promise_kind="visit", due_at=due))["postponed"] == 0
    assert (await put(client, promise_kind="call_back", due_at=due)).status_code == 200


async def test_a_list_is_by_due_time_and_by_what_is_asked(client: AsyncClient) -> None:
    await a_kind(client)
    await a_kind(client, "visit")
    for place, agent in enumerate(("petrova", "ivanov", "petrova")):
        kind = "visit" if place == 2 else "call_back"
        await promised(
            client,
            f"p{place}",
            agent=agent,
            promise_kind=kind,
            branch="perm",
            due_at=in_((9 - place) * HOUR),
        )
    assert await listed(client) == ["p2", "p1", "p0"]
    assert await listed(client, agent="petrova") == ["p2", "p0"]
    assert await listed(client, promise_kind="visit") == ["p2"]
    assert await listed(client, branch="perm", due_before=in_(8.5 * HOUR)) == ["p2", "p1"]
    assert await listed(client, due_from=in_(8.5 * HOUR)) == ["p0"]
    assert await listed(client, state="broken") == []
    page = (await client.get(f"{BASE}/promises", params={"limit": 2})).json()
    rest = await client.get(f"{BASE}/promises", params={"limit": 2, "cursor": page["next_cursor"]})
    assert [one["id"] for one in rest.json()["items"]] == ["p0"]


async def test_those_of_a_branch_see_and_make_promises_of_it_alone(
    world: World, client: AsyncClient
) -> None:
    limited = {"Authorization": f"Bearer {await world.key(branches=('tyumen',))}"}
    await a_kind(client)
    await promised(client, "theirs", branch="perm")
    body = {"agent": "petrova", "promise_kind": "call_back", "due_at": in_(HOUR)}
    for method, path in (("GET", ""), ("POST", "/keep"), ("POST", "/cancel"), ("PUT", "")):
        json = None if method == "GET" else {} if method == "POST" else {**body, "branch": "tyumen"}
        found = await client.request(
            method, f"{BASE}/promises/theirs{path}", json=json, headers=limited
        )
        assert (found.status_code, found.json()["code"]) == (404, "promise_not_found")
    for branch in ("perm", None):
        made = await client.put(
            f"{BASE}/promises/mine", json={**body, "branch": branch}, headers=limited
        )
        assert (made.status_code, made.json()["code"]) == (422, "branch_out_of_reach")
    mine = {**body, "branch": "tyumen"}
    made = await client.put(f"{BASE}/promises/mine", json=mine, headers=limited)
    assert made.status_code == 200
    seen = await client.get(f"{BASE}/promises", headers=limited)
    assert [one["id"] for one in seen.json()["items"]] == ["mine"]


async def test_an_edit_of_what_has_changed_meanwhile_is_refused(client: AsyncClient) -> None:
    await a_kind(client)
    answer = await put(client)
    stale = {"If-Match": answer.headers["ETag"]}
    kept = await client.post(f"{BASE}/promises/p1/keep", json={}, headers=stale)
    assert kept.status_code == 200
    assert (
        await client.post(f"{BASE}/promises/p1/keep", json={"at": in_(-HOUR)}, headers=stale)
    ).status_code == 412


async def test_two_who_make_it_at_once_make_one(world: World, client: AsyncClient) -> None:
    await a_kind(client)
    due = in_(HOUR)
    made = await asyncio.gather(*(put(client, due_at=due, made_at=in_(-HOUR)) for _ in range(6)))
    assert {answer.status_code for answer in made} == {200}
    subjects = {(event.subject, event.revision) for event in await world.facts("promise")}
    assert len(subjects) == len(await world.facts("promise"))
    assert await world.count("promise") == 1


async def test_a_broken_row_is_put_aside_and_the_others_go_on(
    world: World, client: AsyncClient
) -> None:
    await a_kind(client, warning_seconds=86_400)
    for name in ("bad", "good"):
        await promised(client, name)
    await world.admin.execute(
        "UPDATE contact_center.promise SET data = '{}' WHERE tenant = $1 AND name = 'bad'",
        world.tenant,
    )
    await all_due(world)
    assert await listed(client, state="at_risk") == ["good"]
    assert await world.admin.fetchval(
        "SELECT next_at IS NULL FROM contact_center.promise WHERE tenant = $1 AND name = 'bad'",
        world.tenant,
    )


async def test_an_agent_tells_of_their_own_promises_alone(
    world: World, client: AsyncClient
) -> None:
    await a_kind(client)
    promises = Promises(world.api, world.sealer)
    petrova, sidorova = (member(world, Role.AGENT, name) for name in ("petrova", "sidorova"))
    due = now() + timedelta(hours=5)
    given = Given("call_back", "petrova", due, branch="tyumen")
    any_state = Expected(None)
    await promises.put(petrova, "p", given, expected=any_state, now=now())
    for asked in (
        promises.put(petrova, "p", replace(given, agent="sidorova"), expected=any_state, now=now()),
        promises.put(
            sidorova, "p", replace(given, agent="sidorova"), expected=any_state, now=now()
        ),
        promises.keep(sidorova, "p", None, expected=any_state, now=now()),
        promises.cancel(sidorova, "p", expected=any_state),
    ):
        with pytest.raises(Forbidden):
            await asked
    boss = member(world, Role.MANAGER, "boss")
    moved = await promises.put(
        boss, "p", replace(given, agent="sidorova"), expected=any_state, now=now()
    )
    assert moved.fact.agent == "sidorova"
    kept = await promises.keep(sidorova, "p", None, expected=any_state, now=now())
    assert kept.fact.state is PromiseState.KEPT


async def test_nothing_is_kept_before_it_is(client: AsyncClient) -> None:
    await a_kind(client)
    await promised(client, due_at=in_(timedelta(hours=24)))
    body = {"at": in_(timedelta(hours=23))}
    answer = await client.post("/contact-center/v1/promises/p1/keep", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "time_in_future")
