"""Evaluations over HTTP: drafts, releases, disputes; who sees and does what, and what is told."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx import AsyncClient

from otklik_common.callers import Caller
from otklik_common.errors import Refused
from otklik_common.etags import Expected
from otklik_common.events.access import Role
from otklik_common.idempotency import Reply
from otklik_contact_center.actions.evaluations import EvaluationNotFound, Evaluations, Taken
from otklik_contact_center.actions.fold import Folder
from otklik_contact_center.domain.events import Event
from otklik_contact_center.domain.quality.evaluation import Given, Step
from tests.integration.contact_center.conftest import Pusher, World, fold_all, now
from tests.integration.contact_center.evaluating import (
    AT,
    BASE,
    FORM,
    GOOD,
    ONCE,
    Calls,
    make,
    member,
    put_form,
    take,
)

pytestmark = pytest.mark.asyncio


@pytest.fixture
def calls(world: World, door: Pusher, folder: Folder) -> Calls:
    return Calls(world, door, folder)


@pytest.fixture
def judged(world: World) -> Evaluations:
    return Evaluations(world.api, world.sealer)


def _show(_: object) -> Reply:
    return Reply(200)


async def _take(judged: Evaluations, caller: Caller, id_: str, taken: Taken) -> None:
    await judged.take(
        caller, UUID(id_), taken, expected=Expected(None), now=now(), once=ONCE, show=_show
    )


async def test_a_draft_is_nobody_s_but_its_makers_and_a_release_is_told(
    world: World, client: AsyncClient, calls: Calls
) -> None:
    contact = await calls.call("c1")
    await put_form(client)
    draft = await make(client, contact, answers={"asked": 2}, comment="спокойный тон")
    assert (draft["state"], draft["score"], draft["missing"]) == ("draft", 0.4, ["named", "rude"])
    assert draft["possible"] == ["edit", "release", "withdraw"]
    path = f"{BASE}/evaluations/{draft['id']}"
    early = await client.post(f"{path}/release", json={})
    assert (early.status_code, early.json()["code"]) == (409, "incomplete")
    assert [one["field"] for one in early.json()["errors"]] == ["answers.named", "answers.rude"]
    body = {"answers": GOOD, "comments": {"asked": "не спросила о бюджете"}}
    edited = await client.put(path, json=body, headers={"If-Match": '"1"'})
    assert (edited.status_code, edited.headers["ETag"], edited.json()["score"]) == (
        200,
        '"2"',
        0.52,
    )
    assert (await client.put(path, json=body, headers={"If-Match": '"1"'})).status_code == 412
    assert await world.facts("evaluation") == []
    released = await take(client, draft["id"], "release")
    assert (released["state"], released["agent"], released["queue"]) == (
        "released",
        "petrova",
        "sales",
    )
    assert released["sections"] == [
        {"code": "greeting", "weight": 20, "score": 1.0},
        {"code": "need", "weight": 80, "score": 0.4},
    ]
    (fact,) = await world.facts("evaluation")
    assert (str(fact.subject), fact.revision, fact.verb, fact.void) == (
        draft["id"],
        1,
        "released",
        False,
    )
    data = fact.data.model_dump()
    assert (data["score_micro"], data["failed"], data["form_version"]) == (520_000, False, 1)
    assert (data["branch"], data["party"], data["contact"]) == ("tyumen", "buyer", contact)
    told = b"".join(await _payloads(world)).decode()
    assert "спрос" not in told
    assert "тон" not in told
    late = await client.put(path, json=body)
    assert (late.status_code, late.json()["code"]) == (409, "illegal_step")
    assert "acknowledge, dispute, withdraw" in late.json()["detail"]


async def _payloads(world: World) -> list[bytes]:
    rows = await world.admin.fetch(
        "SELECT payload FROM contact_center.outbox WHERE tenant = $1", world.tenant
    )
    return [row["payload"] for row in rows]


async def test_words_lie_sealed(world: World, client: AsyncClient, calls: Calls) -> None:
    contact = await calls.call("c1")
    await put_form(client)
    draft = await make(client, contact, comment="secret word")
    await take(client, draft["id"], "withdraw", note="secret reason")
    found = await world.admin.fetch(
        "SELECT e.comments, s.note FROM contact_center.evaluation e"
        " JOIN contact_center.evaluation_step s ON s.evaluation = e.id WHERE e.tenant = $1",
        world.tenant,
    )
    assert all(b"secret" not in (row["comments"] + (row["note"] or b"")) for row in found)
    shown = (await client.get(f"{BASE}/evaluations/{draft['id']}")).json()
    assert (shown["comment"], shown["history"][-1]["note"]) == ("secret word", "secret reason")


async def test_a_dispute_is_resolved_and_told_with_what_it_changed(
    world: World, client: AsyncClient, calls: Calls
) -> None:
    contact = await calls.call("c1")
    await put_form(client)
    id_ = (await make(client, contact))["id"]
    await take(client, id_, "release")
    await take(client, id_, "dispute", note="клиент сам назвал бюджет")
    path = f"{BASE}/evaluations/{id_}/resolve"
    for wrong in ({"verdict": "changed"}, {"verdict": "upheld", "changed": {"answers": GOOD}}):
        refused = await client.post(path, json={**wrong, "note": "так"})
        assert refused.status_code == 422, refused.text
        assert [one["code"] for one in refused.json()["errors"]] == ["changed_differs"]
    resolved = await take(
        client, id_, "resolve", verdict="changed", note="верно", changed={"answers": {**GOOD, "asked": 5}}
    )  # fmt: skip
    assert (resolved["state"], resolved["verdict"], resolved["score"]) == (
        "resolved",
        "changed",
        1.0,
    )
    history = [(one["step"], one["verdict"], one["score"]) for one in resolved["history"]]
    assert history == [
        ("made", None, 0.52),
        ("released", None, 0.52),
        ("disputed", None, 0.52),
        ("resolved", "changed", 1.0),
    ]
    facts = await world.facts("evaluation")
    assert [(one.revision, one.verb, one.data.model_dump()["score_micro"]) for one in facts] == [
        (1, "released", 520_000),
        (2, "disputed", 520_000),
        (3, "resolved", 1_000_000),
    ]
    assert facts[2].data.model_dump()["changed"] is True
    for step, body in (("dispute", {"note": "ещё раз"}), ("acknowledge", {}), ("release", {})):
        again = await client.post(f"{BASE}/evaluations/{id_}/{step}", json=body)
        assert (again.status_code, again.json()["code"]) == (409, "illegal_step")
        assert again.json()["state"] == "resolved"


async def test_a_withdrawn_one_is_void_and_the_contact_may_be_evaluated_anew(
    world: World, client: AsyncClient, calls: Calls
) -> None:
    contact = await calls.call("c1")
    await put_form(client)
    first = await make(client, contact)
    twice = await client.post(
        f"{BASE}/evaluations", json={"contact": str(contact), "form": "sales"}
    )
    assert (twice.status_code, twice.json()["code"]) == (409, "already_evaluated")
    assert twice.json()["evaluation"] == first["id"]
    await take(client, first["id"], "release")
    await take(client, first["id"], "withdraw", note="не тот звонок")
    facts = await world.facts("evaluation")
    assert [(one.revision, one.void) for one in facts] == [(1, False), (2, True)]
    assert (await make(client, contact))["id"] != first["id"]


async def test_an_automatic_fail_is_nothing_and_says_why(
    world: World, client: AsyncClient, calls: Calls
) -> None:
    contact = await calls.call("c1")
    await put_form(client)
    made = await make(client, contact, answers={**GOOD, "rude": "yes"})
    assert (made["score"], made["failed"], made["failed_by"]) == (0.0, True, ["rude"])
    assert made["unfailed_score"] == 0.52
    await take(client, made["id"], "release")
    (fact,) = await world.facts("evaluation")
    assert (fact.data.model_dump()["score_micro"], fact.data.model_dump()["failed"]) == (0, True)


async def test_it_keeps_the_version_that_it_was_made_with(
    client: AsyncClient, calls: Calls
) -> None:
    contact = await calls.call("c1")
    await put_form(client)
    made = await make(client, contact)
    await put_form(client, sections=FORM["sections"][:1])
    released = await take(client, made["id"], "release")
    assert (released["form_version"], released["score"]) == (1, 0.52)
    other = await calls.call("c2")
    assert (await make(client, other, answers={"named": "no"}))["form_version"] == 2
    await client.delete(f"{BASE}/evaluation-forms/sales")
    third = await calls.call("c3")
    body = {"contact": str(third), "form": "sales"}
    refused = await client.post(f"{BASE}/evaluations", json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "form_retired")


async def test_what_is_known_at_the_release_is_told_and_later_corrections_change_it_no_more(
    world: World, client: AsyncClient, calls: Calls, door: Pusher, folder: Folder
) -> None:
    contact = await calls.call("c1")
    await put_form(client)
    made = await make(client, contact)
    await door.push(Event(id="m1", contact="c1", type="amended", at=AT, branch="omsk"))
    await fold_all(folder)
    assert (await take(client, made["id"], "release"))["branch"] == "omsk"
    await door.push(Event(id="m2", contact="c1", type="amended", at=now(), branch="perm"))
    await fold_all(folder)
    assert (await take(client, made["id"], "acknowledge"))["branch"] == "omsk"


async def test_each_sees_and_does_what_is_theirs(
    world: World, client: AsyncClient, calls: Calls, judged: Evaluations
) -> None:
    contact = await calls.call("c1")
    await put_form(client)
    agent = member(world, Role.AGENT, "petrova")
    colleague = member(world, Role.AGENT, "sidorov")
    manager = member(world, Role.MANAGER, "orlova")
    elsewhere = member(world, Role.MANAGER, "omsky", ("omsk",))
    head = member(world, Role.HEAD, "head")
    made = await make(client, contact)
    id_ = made["id"]

    async def sees(caller: Caller) -> bool:
        try:
            await judged.get(caller, UUID(id_))
        except EvaluationNotFound:
            return False
        return True

    async def refuses(caller: Caller, taken: Taken) -> str:
        with pytest.raises(Refused) as refused:
            await _take(judged, caller, id_, taken)
        return refused.value.code

    assert [await sees(one) for one in (agent, manager, elsewhere)] == [False, True, False]
    assert await refuses(manager, Taken(Step.RELEASE)) == "not_the_evaluator"
    await _take(judged, head, id_, Taken(Step.RELEASE))
    assert [await sees(one) for one in (agent, colleague)] == [True, False]
    assert await refuses(manager, Taken(Step.DISPUTE, "no")) == "not_the_evaluated"
    assert await refuses(colleague, Taken(Step.ACKNOWLEDGE)) == "evaluation_not_found"
    await _take(judged, agent, id_, Taken(Step.ACKNOWLEDGE))
    assert await refuses(agent, Taken(Step.DISPUTE, "late")) == "illegal_step"
    own = member(world, Role.MANAGER, "petrova")
    with pytest.raises(Refused) as refused:
        await judged.make(
            own, contact, "sales", Given(GOOD), now=now(), once=ONCE, show=_show
        )  # fmt: skip
    assert refused.value.code == "own_evaluation"


async def test_of_two_who_take_a_step_at_once_one_does(
    world: World, client: AsyncClient, calls: Calls
) -> None:
    contact = await calls.call("c1")
    await put_form(client)
    id_ = (await make(client, contact))["id"]
    path = f"{BASE}/evaluations/{id_}/release"
    answers = await asyncio.gather(*(client.post(path, json={}) for _ in range(8)))
    assert sorted(one.status_code for one in answers) == [200] + [409] * 7
    assert len(await world.facts("evaluation")) == 1
    body = {"contact": str(await calls.call("c2")), "form": "sales"}
    made = await asyncio.gather(*(client.post(f"{BASE}/evaluations", json=body) for _ in range(8)))
    assert sorted(one.status_code for one in made) == [201] + [409] * 7


async def test_the_same_request_again_is_the_same_evaluation(
    client: AsyncClient, calls: Calls
) -> None:
    contact = await calls.call("c1")
    await put_form(client)
    body = {"contact": str(contact), "form": "sales"}
    headers = {"Idempotency-Key": "once"}
    first = await client.post(f"{BASE}/evaluations", json=body, headers=headers)
    again = await client.post(f"{BASE}/evaluations", json=body, headers=headers)
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])


async def test_lists_hold_what_is_asked_for(client: AsyncClient, calls: Calls) -> None:
    await put_form(client)
    for name in ("c1", "c2", "c3"):
        await make(client, await calls.call(name, agent="orlova" if name == "c3" else "petrova"))

    async def found(**query: Any) -> int:
        answer = await client.get(f"{BASE}/evaluations", params=query)
        assert answer.status_code == 200, answer.text
        return len(answer.json()["items"])

    assert [await found(), await found(agent="orlova"), await found(state="released")] == [3, 1, 0]
    assert [await found(contact=str(calls.id("c1"))), await found(branch="omsk")] == [1, 0]
    page = (await client.get(f"{BASE}/evaluations", params={"limit": 2})).json()
    rest = await client.get(
        f"{BASE}/evaluations", params={"limit": 2, "cursor": page["next_cursor"]}
    )
    assert (len(page["items"]), len(rest.json()["items"])) == (2, 1)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"form": "none"}, 404, "unknown_form"),
        ({"contact": str(uuid4())}, 404, "contact_not_found"),
        ({"answers": {"named": "maybe"}}, 422, None),
        ({"answers": {"asked": 3}}, 422, "bad_answers"),
        ({"answers": {"rude": "na"}}, 422, "bad_answers"),
        ({"answers": {"nobody": "yes"}}, 422, "bad_answers"),
        ({"comments": {"nobody": "?"}}, 422, "bad_answers"),
    ],
)
async def test_what_cannot_be_scored_is_refused(
    client: AsyncClient, calls: Calls, body: dict[str, Any], status: int, code: str | None
) -> None:
    contact = await calls.call("c1")
    await put_form(client)
    asked = {"contact": str(contact), "form": "sales", **body}
    answer = await client.post(f"{BASE}/evaluations", json=asked)
    assert answer.status_code == status, answer.text
    if code is not None:
        assert answer.json()["code"] == code


async def test_a_contact_that_nobody_answered_is_nobody_s_work(
    client: AsyncClient, calls: Calls
) -> None:
    contact = await calls.call("c1", agent=None)
    await put_form(client)
    answer = await client.post(
        f"{BASE}/evaluations", json={"contact": str(contact), "form": "sales"}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "no_agent")


async def test_where_nothing_applies_nothing_is_released(client: AsyncClient, calls: Calls) -> None:
    contact = await calls.call("c1")
    await put_form(client)
    made = await make(client, contact, answers={"named": "na", "asked": "na", "rude": "no"})
    assert made["score"] is None
    refused = await client.post(f"{BASE}/evaluations/{made['id']}/release", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_scored")
