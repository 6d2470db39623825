"""Taking the demo out of the contact centre: all of it, nothing else, whenever it is killed."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient

from otklik_common.events.envelope import Event, Fact
from otklik_contact_center.actions.demo_work import SWEPT_AFTER, Remover
from otklik_contact_center.actions.fold import Folder
from otklik_contact_center.domain.script.checklist import run_subject
from tests.integration.contact_center.conftest import World, fold_all, now
from tests.integration.contact_center.evaluating import make, put_form, take
from tests.integration.contact_center.test_contacts import a_call
from tests.integration.contact_center.ticking import put_script, ticked

BASE = "/contact-center/v1"

pytestmark = pytest.mark.asyncio


class Clock:
    """The time, and how far ahead of it the worker is."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return now() + self.ahead


def a_chat(name: str, by: str) -> list[dict[str, Any]]:
    """A chat with an unanswered question: a contact, a reply, a lead."""
    [opening, *_] = a_call(name, 10, by=by, channel="chat")
    return [{**opening, "type": "message", "actor": "customer", "text": "есть кто?"}]


async def source(client: AsyncClient, name: str = "demo", *, demo: bool = True) -> str:
    made = await client.post(f"{BASE}/sources", json={"name": name, "demo": demo})
    return str(made.json()["id"])


async def push(client: AsyncClient, source_id: str | None, *contacts: list[Any]) -> None:
    path = f"{BASE}/events" + ("" if source_id is None else f"?source={source_id}")
    events = [event for contact in contacts for event in contact]
    answer = await client.post(path, json=events)
    assert answer.status_code == 202, answer.text


async def states(client: AsyncClient, *ids: str) -> None:
    begins = now() - timedelta(days=1)
    body = [
        {
            "id": id_,
            "agent": "anna",
            "state": "available",
            "at": (begins + timedelta(hours=n)).isoformat(),
        }
        for n, id_ in enumerate(ids)
    ]
    answer = await client.post(f"{BASE}/agent-states", json=body)
    assert answer.json()["refused"] == []


async def ask(client: AsyncClient) -> dict[str, Any]:
    answer = await client.delete(f"{BASE}/demo")
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def progress(client: AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get(f"{BASE}/demo")).json()
    return found


async def run(remover: Remover, folder: Folder) -> None:
    """Work on all that is asked for, by this and other tests."""
    for _ in range(3):
        while await remover.step():
            pass
        await fold_all(folder)


def newest(facts: list[Event[Fact]]) -> dict[Any, Event[Fact]]:
    return {event.subject: event for event in facts}


async def kinds(world: World, *, void: bool) -> list[str]:
    found = newest(await world.facts()).values()
    return sorted(event.data.kind for event in found if event.void is void)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def remover(world: World, clock: Clock) -> Remover:
    return Remover(world.worker, clock)


async def test_what_was_evaluated_of_it_is_withdrawn(
    client: AsyncClient, world: World, folder: Folder, remover: Remover
) -> None:
    await put_form(client)
    kept, demo = [], await source(client)
    for source_id in (None, demo):
        await push(client, source_id, a_call("c1"))
        await fold_all(folder)
        for item in (await client.get(f"{BASE}/contacts")).json()["items"]:
            if item["source"] == (source_id or f"{world.tenant}.default"):
                made = await make(client, item["id"])
                await take(client, made["id"], "release")
                kept.append(made["id"])
    await ask(client)
    await run(remover, folder)
    found = [(await client.get(f"{BASE}/evaluations/{id_}")).json() for id_ in kept]
    assert [one["state"] for one in found] == ["released", "withdrawn"]
    assert found[1]["history"][-1]["by"] == "system"
    told = newest(await world.facts("evaluation"))
    assert {str(subject): event.void for subject, event in told.items()} == {
        kept[0]: False,
        kept[1]: True,
    }


async def test_what_was_ticked_of_it_is_void(
    client: AsyncClient, world: World, folder: Folder, remover: Remover
) -> None:
    await put_script(client, meant={})
    kept, demo = [], await source(client)
    began = now() - timedelta(hours=1)
    call = [
        {**event, "at": (began + timedelta(minutes=n)).isoformat()}
        for n, event in enumerate(a_call("c1"))
    ]
    for source_id in (None, demo):
        await push(client, source_id, call)
        await fold_all(folder)
        for item in (await client.get(f"{BASE}/contacts")).json()["items"]:
            if item["source"] == (source_id or f"{world.tenant}.default"):
                await ticked(client, item["id"], greeting="done")
                kept.append(run_subject(world.tenant, UUID(item["id"])))
    await ask(client)
    await run(remover, folder)
    told = newest(await world.facts("script_run"))
    assert [(told[one].verb, told[one].void, told[one].revision) for one in kept] == [
        ("filled", False, 1),
        ("withdrawn", True, 2),
    ]
    skipped = (await client.get(f"{BASE}/scripts/buyers/skipped")).json()["versions"]
    assert [one["runs"] for one in skipped] == [1]


async def test_a_contact_without_events_is_void_with_its_replies_and_leads(
    client: AsyncClient, world: World, folder: Folder
) -> None:
    await push(client, None, a_call("c1"), a_chat("c2", "+79005550102"), a_call("c3", 5))
    await fold_all(folder)
    await world.admin.execute(
        "DELETE FROM contact_center.inbox WHERE tenant = $1 AND contact <> 'c3'", world.tenant
    )
    again = (
        "INSERT INTO contact_center.dirty (tenant, source, contact, lane)"
        " SELECT tenant, source, contact, 0 FROM contact_center.contact WHERE tenant = $1"
    )
    await world.admin.execute(again, world.tenant)
    await fold_all(folder)
    # The lead that c1 had opened for c3's caller is c3's own now.
    assert await kinds(world, void=True) == ["contact", "contact", "lead", "lead", "reply"]
    assert await kinds(world, void=False) == ["contact", "lead", "source"]
    before = len(await world.facts())
    await world.admin.execute(again, world.tenant)
    await fold_all(folder)
    assert len(await world.facts()) == before
    await push(client, None, a_chat("c2", "+79005550102"))
    await fold_all(folder)
    after = ["contact", "contact", "lead", "lead", "reply", "source"]
    assert await kinds(world, void=False) == after
    for event in newest(await world.facts()).values():
        told = [one for one in await world.facts() if one.subject == event.subject]
        assert [one.revision for one in told] == list(range(1, len(told) + 1))
        recorded = [one.recorded_at for one in told]
        assert recorded == sorted(set(recorded))


async def test_all_that_the_demo_sent_goes_and_nothing_else(
    client: AsyncClient, world: World, folder: Folder, remover: Remover
) -> None:
    demo, other = await source(client), await source(client, "pbx", demo=False)
    await push(client, demo, a_call("demo-1"), a_chat("demo-2", "+79005550102"))
    await push(client, demo, [{"id": "bad"}])
    await push(client, other, a_call("c1", by="+79005550103"), [{"id": "bad"}])
    await states(client, "demo-anna-in", "anna-1", "demo-anna-out", "anna-2")
    await fold_all(folder)
    told = await kinds(world, void=False)
    asked = await ask(client)
    assert (asked["state"], asked["contacts"]) == ("running", 0)
    await run(remover, folder)
    done = await progress(client)
    assert done["done_at"] is not None
    assert {
        name: done[name] for name in ("state", "contacts", "events", "agent_states", "refused")
    } == {"state": "done", "contacts": 2, "events": 4, "agent_states": 2, "refused": 1}
    gone = ["agent_state"] * 2 + ["contact"] * 2 + ["lead"] * 2 + ["reply", "source"]
    assert await kinds(world, void=True) == gone
    assert sorted(await kinds(world, void=False) + gone) == told
    assert [one["id"] for one in (await client.get(f"{BASE}/sources")).json()["items"]] == sorted(
        [f"{world.tenant}.default", other]
    )
    shown = (await client.get(f"{BASE}/contacts")).json()["items"]
    assert [one["contact"] for one in shown] == ["c1"]
    found = await client.post(f"{BASE}/contacts:find", json={"phone": "+79005550102"})
    assert found.json()["items"] == []
    assert (await world.count("inbox"), await world.count("refused")) == (3, 1)
    left = sorted((one.from_at, one.to_at) for one in (await world.latest("agent_state")).values())
    # Its neighbours last on where the demo's states were.
    assert len(left) == 2
    assert left[0][1] == left[1][0]
    late = await client.post(f"{BASE}/events?source={demo}", json=a_call("demo-3"))
    assert late.status_code == 404


async def test_it_may_be_killed_after_any_step(
    client: AsyncClient,
    world: World,
    folder: Folder,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("otklik_contact_center.actions.demo_work.AT_ONCE", 3)
    demo = await source(client)
    await push(client, demo, *(a_call(f"demo-{n}", n) for n in range(10)))
    await states(client, *(f"demo-{n}" for n in range(7)))
    await fold_all(folder)
    await ask(client)

    def killed() -> None:
        raise ConnectionResetError

    for step in range(40):
        with monkeypatch.context() as this:
            if step % 2 == 0:
                this.setattr("otklik_contact_center.actions.demo_work.stepped", killed)
            with suppress(ConnectionResetError):
                await Remover(world.worker, clock).step()
        if step % 3 == 0:
            await fold_all(folder)
    done = await progress(client)
    assert (done["state"], done["contacts"], done["agent_states"]) == ("done", 10, 7)
    assert await kinds(world, void=False) == ["source"]  # the default one
    assert await world.count("inbox") == 0


async def test_a_contact_that_a_fold_brings_back_is_taken_out_again(
    client: AsyncClient, world: World, folder: Folder, remover: Remover
) -> None:
    demo = await source(client)
    await push(client, demo, a_call("demo-1"))
    await fold_all(folder)
    await ask(client)
    while await remover.step():
        pass
    # Another worker had read the events before they were deleted, and took the mark along.
    await world.admin.execute("DELETE FROM contact_center.dirty WHERE tenant = $1", world.tenant)
    assert (await progress(client))["state"] == "running"
    await run(remover, folder)
    assert (await progress(client))["state"] == "done"
    assert await kinds(world, void=False) == ["source"]


async def test_what_was_let_in_at_the_last_moment_is_swept(
    client: AsyncClient, world: World, folder: Folder, clock: Clock, remover: Remover
) -> None:
    demo = await source(client)
    await push(client, demo, a_call("demo-1"))
    await ask(client)
    await run(remover, folder)
    assert (await progress(client))["state"] == "done"
    # A process that still remembers the source.
    await world.admin.execute(
        "WITH late AS (INSERT INTO contact_center.dirty (tenant, source, contact, lane)"
        " VALUES ($1, $2, 'demo-1', 0))"
        " INSERT INTO contact_center.inbox"
        " (tenant, source, id, contact, body_hash, body, at, received_at)"
        " VALUES ($1, $2, 'late', 'demo-1', 'x', $3, now(), now())",
        world.tenant,
        demo,
        world.sealer.seal(
            world.tenant,
            "event",
            '{"id":"late","contact":"demo-1","type":"started","at":"2026-03-02T09:00:00Z"}',
        ),
    )
    await fold_all(folder)
    assert "contact" in await kinds(world, void=False)
    # Meanwhile the demo has come again: what it brings now is not swept.
    second = await source(client)
    await push(client, second, a_call("demo-1"))
    await states(client, "demo-anna-in")
    await fold_all(folder)
    clock.ahead = SWEPT_AFTER + timedelta(seconds=1)
    await run(remover, folder)
    assert await kinds(world, void=False) == ["agent_state", "contact", "lead", "source", "source"]
    shown = (await client.get(f"{BASE}/contacts")).json()["items"]
    assert [(one["source"], one["contact"]) for one in shown] == [(second, "demo-1")]


async def test_a_demo_that_comes_again_is_taken_out_again(
    client: AsyncClient, world: World, folder: Folder, clock: Clock, remover: Remover
) -> None:
    for _ in range(3):
        await push(client, await source(client), a_call("demo-1"), a_chat("demo-2", "9005550102"))
        await states(client, "demo-in", "demo-out")
        await fold_all(folder)
        assert len(await world.latest("agent_state")) == 2
        assert len(await world.latest("contact")) == 2
        await ask(client)
        assert (await ask(client))["state"] == "running"
        await run(remover, folder)
        done = await progress(client)
        assert (done["state"], done["contacts"], done["agent_states"]) == ("done", 2, 2)
        assert await kinds(world, void=False) == ["source"]
    clock.ahead = SWEPT_AFTER * 2
    await run(remover, folder)
    assert not await remover.step()


async def test_where_there_is_no_demo_nothing_is_done(
    client: AsyncClient, world: World, folder: Folder, remover: Remover
) -> None:
    assert (await progress(client))["state"] == "none"
    await push(client, None, a_call("c1"))
    await fold_all(folder)
    before = len(await world.facts())
    await ask(client)
    await run(remover, folder)
    assert (await progress(client))["state"] == "done"
    assert len(await world.facts()) == before


async def test_only_those_who_may_take_it_out(client: AsyncClient, world: World) -> None:
    for key in (
        await world.key("contacts:write", "sources:write"),
        await world.key("demo:write", branches=("omsk",)),
    ):
        headers = {"Authorization": f"Bearer {key}"}
        assert (await client.delete(f"{BASE}/demo", headers=headers)).status_code == 403
        assert (await client.get(f"{BASE}/demo", headers=headers)).status_code == 403


async def test_a_companys_own_source_may_be_called_demo(
    client: AsyncClient, world: World, folder: Folder, remover: Remover
) -> None:
    own = await source(client, demo=False)
    await push(client, own, a_call("c1"))
    await push(client, await source(client), a_call("c2"))
    await fold_all(folder)
    await ask(client)
    await run(remover, folder)
    assert (await progress(client))["contacts"] == 1
    assert len(await world.latest("contact")) == 1
    left = (await client.get(f"{BASE}/sources")).json()["items"]
    assert [one["demo"] for one in left if one["name"] == "demo"] == [False]


async def test_only_who_may_take_the_demo_out_makes_things_that_go_with_it(
    client: AsyncClient, world: World
) -> None:
    bearer = {"Authorization": f"Bearer {await world.key('sources:write', 'events:push')}"}
    made = await client.post(f"{BASE}/sources", json={"name": "x", "demo": True}, headers=bearer)
    assert made.status_code == 403
    body = [
        {"id": id_, "agent": "anna", "state": "available", "at": "2026-03-02T09:00:00Z"}
        for id_ in ("demo-1", "own-1")
    ]
    answer = (await client.post(f"{BASE}/agent-states", json=body, headers=bearer)).json()
    assert answer["accepted"] == 1
    assert [one["code"] for one in answer["refused"]] == ["id_reserved"]
