"""Cases over HTTP: opened with the answer, one per customer and touchpoint, worked step by step."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from otklik_common.events.access import Role
from tests.integration.feedback.conftest import PHONE, World

pytestmark = pytest.mark.asyncio

ANSWERED = datetime(2026, 3, 2, 15, tzinfo=UTC)
NOTE = {"reason": "reached", "note": "извинились, перезвоним в среду"}


async def an_unhappy_customer(world: World, reference: str = "a-1", **said: Any) -> str:
    """Id of the case of an NPS of 3."""
    survey = await world.survey()
    await world.answer(reference, survey, {"nps": 3, "comment": "не перезвонили"}, **said)
    return str((await world.call("GET", f"/answers/{reference}")).json()["cases"][0])


async def step(
    world: World, case: str, verb: str, body: dict[str, Any] | None = None, **more: Any
) -> httpx.Response:
    return await world.call("POST", f"/cases/{case}/{verb}", body or NOTE, **more)


@pytest.mark.parametrize(
    ("template", "values", "reason"),
    [
        ("nps", {"nps": 6}, "nps"),
        ("nps", {"nps": 7}, None),
        ("csat", {"csat": 2}, "csat"),
        ("csat", {"csat": 3}, None),
        ("ces", {"ces": 3}, "ces"),
        ("ces", {"ces": 4}, None),
        ("enps", {"nps": 0}, None),
        ("nps", {"nps": None, "comment": "ужас"}, None),
    ],
)
async def test_an_unhappy_answer_opens_a_case_in_its_transaction(
    world: World, template: str, values: dict[str, Any], reason: str | None
) -> None:
    await world.answer("a-1", await world.survey(template), values, party="buyer")
    facts = await world.facts("case")
    assert [fact.data.reason for fact in facts] == ([reason] if reason else [])
    if reason:
        fact = facts[0].data
        assert (facts[0].verb, facts[0].revision, fact.state) == ("opened", 1, "open")
        assert (fact.opened_at, fact.due_at) == (ANSWERED, ANSWERED + timedelta(hours=48))
        assert (fact.branch, fact.party, fact.touchpoint) == ("tyumen", "buyer", "viewing")
        assert fact.answer == (await world.facts("answer"))[0].subject


async def test_a_survey_may_give_another_time(world: World) -> None:
    await world.answer("a-1", await world.survey(case_due_hours=4), {"nps": 0})
    fact = (await world.facts("case"))[0].data
    assert fact.due_at - fact.opened_at == timedelta(hours=4)


async def test_a_second_unhappy_answer_joins_the_open_case(world: World) -> None:
    first = await an_unhappy_customer(world, "a-1")
    assert await an_unhappy_customer(world, "a-2") == first
    elsewhere = await an_unhappy_customer(world, "a-3", touchpoint="deal")
    somebody = await an_unhappy_customer(world, "a-4", customer={"phone": "+79990000002"})
    assert len({first, elsewhere, somebody}) == 3
    shown = (await world.call("GET", f"/cases/{first}")).json()
    assert [one["step"] for one in shown["history"]] == ["opened", "joined"]
    assert [one["id"] for one in shown["answers"]] == ["a-1", "a-2"]
    assert [fact.verb for fact in await world.facts("case")][:2] == ["opened", "joined"]
    assert (await step(world, first, "close")).status_code == 200
    assert await an_unhappy_customer(world, "a-5") not in {first, elsewhere, somebody}


async def test_many_unhappy_answers_at_once_open_one_case(world: World) -> None:
    survey = await world.survey()
    done = await asyncio.gather(
        *(world.put(f"a-{number}", survey, {"nps": number % 7}) for number in range(20))
    )
    assert {one.status_code for one in done} == {204}
    assert await world.count("cases") == 1
    assert await world.count("case_events") == 20
    assert [fact.revision for fact in await world.facts("case")] == list(range(1, 21))


async def test_correcting_a_low_score_opens_nothing_new(world: World) -> None:
    case = await an_unhappy_customer(world)
    survey = await world.survey()
    await world.answer("a-1", survey, {"nps": 2})
    assert await world.count("cases") == 1
    assert (await step(world, case, "close")).status_code == 200
    await world.answer("a-1", survey, {"nps": 1})
    assert await world.count("cases") == 1
    await world.answer("a-1", survey, {"nps": 9})
    await world.answer("a-1", survey, {"nps": 0})
    assert await world.count("cases") == 2
    await world.answer("a-2", survey, {"nps": 9}, customer={"phone": "+79990000003"})
    await world.answer("a-2", survey, {"nps": 1}, customer={"phone": "+79990000003"})
    assert await world.count("cases") == 3


async def test_a_case_shows_whom_to_call_and_why(world: World) -> None:
    case = await an_unhappy_customer(world)
    shown = await world.call("GET", f"/cases/{case}")
    body = shown.json()
    assert shown.headers["etag"] == '"1"'
    assert (body["state"], body["reason"], body["overdue"]) == ("open", "nps", True)
    assert body["customer"] == {"phone": PHONE, "email": None, "external_id": None}
    assert body["answers"][0]["comment"] == "не перезвонили"
    assert body["answers"][0]["scores"] == {"nps": 3}


async def test_it_is_contacted_then_closed_with_a_note_at_each_step(world: World) -> None:
    case = await an_unhappy_customer(world)
    contacted = await step(world, case, "contacted")
    assert (contacted.status_code, contacted.json()["state"]) == (200, "contacted")
    assert contacted.headers["etag"] == '"2"'
    closed = await step(world, case, "close", {"reason": "apologised", "note": "довольны"})
    assert (closed.json()["state"], closed.json()["resolution"]) == ("closed", "apologised")
    history = (await world.call("GET", f"/cases/{case}")).json()["history"]
    assert [(one["number"], one["step"], one["reason"], one["note"]) for one in history] == [
        (1, "opened", "nps", None),
        (2, "contacted", "reached", NOTE["note"]),
        (3, "closed", "apologised", "довольны"),
    ]
    facts = await world.facts("case")
    assert [(fact.revision, fact.verb) for fact in facts] == [
        (1, "opened"),
        (2, "contacted"),
        (3, "closed"),
    ]
    last = facts[-1].data
    assert last.contacted_at is not None
    assert last.closed_at >= last.contacted_at
    assert all("довольны" not in fact.data.model_dump_json() for fact in facts)


@pytest.mark.parametrize(
    "body",
    [
        {"reason": "reached"},
        {"reason": "reached", "note": ""},
        {"reason": "reached", "note": "  \n"},
        {"note": "извинились"},
        {"reason": "Иванов +7999", "note": "извинились"},
        {"reason": "reached", "note": "извинились", "state": "closed"},
    ],
)
async def test_without_a_note_and_a_reason_nothing_is_done(
    world: World, body: dict[str, Any]
) -> None:
    case = await an_unhappy_customer(world)
    for verb in ("contacted", "close"):
        refused = await step(world, case, verb, body)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    assert len(await world.facts("case")) == 1


async def test_steps_that_cannot_be_are_refused(world: World) -> None:
    case = await an_unhappy_customer(world)
    early = await step(world, case, "contacted", NOTE | {"at": "2026-03-01T00:00:00Z"})
    assert (early.status_code, early.json()["code"]) == (422, "step_before_last")
    ahead = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    future = await step(world, case, "close", NOTE | {"at": ahead})
    assert (future.status_code, future.json()["code"]) == (422, "time_in_future")
    assert (await step(world, case, "contacted")).status_code == 200
    twice = await step(world, case, "contacted")
    assert (twice.status_code, twice.json()["code"]) == (409, "case_already_contacted")
    assert (await step(world, case, "close")).status_code == 200
    for verb in ("contacted", "close"):
        over = await step(world, case, verb)
        assert (over.status_code, over.json()["code"]) == (409, "case_closed")


async def test_what_was_done_before_may_be_told_later(world: World) -> None:
    case = await an_unhappy_customer(world)
    done = await step(world, case, "contacted", NOTE | {"at": "2026-03-02T20:00:00+03:00"})
    assert done.json()["contacted_at"] == "2026-03-02T17:00:00Z"


async def test_two_people_do_not_overwrite_one_another(world: World) -> None:
    case = await an_unhappy_customer(world)
    seen = {"If-Match": '"1"'}
    assert (await step(world, case, "contacted", headers=seen)).status_code == 200
    stale = await step(world, case, "close", headers=seen)
    assert (stale.status_code, stale.headers["etag"]) == (412, '"2"')
    done = await asyncio.gather(*(step(world, case, "close") for _ in range(6)))
    assert sorted(one.status_code for one in done) == [200, 409, 409, 409, 409, 409]
    assert [fact.revision for fact in await world.facts("case")] == [1, 2, 3]


async def test_a_step_sent_twice_with_a_key_is_one_step(world: World) -> None:
    case = await an_unhappy_customer(world)
    key = {"Idempotency-Key": "k-1"}
    first = await step(world, case, "close", headers=key)
    again = await step(world, case, "close", headers=key)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert len(await world.facts("case")) == 2


async def test_lists_are_filtered_and_come_page_by_page(world: World) -> None:
    now = datetime.now(UTC)
    made = {}
    for number, (branch, age) in enumerate((("tyumen", 90), ("tyumen", 50), ("perm", 1))):
        made[number] = await an_unhappy_customer(
            world,
            f"a-{number}",
            branch=branch,
            agent=f"agent-{number}",
            at=(now - timedelta(hours=age)).isoformat(),
            customer={"phone": f"+7999000000{number}"},
        )
    await step(world, made[0], "contacted")
    await step(world, made[1], "close")

    async def numbers(query: str) -> list[int]:
        items = (await world.call("GET", f"/cases?{query}")).json()["items"]
        by_id = {case: number for number, case in made.items()}
        return [by_id[one["id"]] for one in items]

    assert await numbers("") == [2, 1, 0]
    assert await numbers("state=open") == [2]
    assert await numbers("state=contacted") == [0]
    assert await numbers("state=closed") == [1]
    assert await numbers("overdue=true") == [0]
    assert await numbers("branch=perm") == [2]
    assert await numbers("agent=agent-1") == [1]
    page = (await world.call("GET", "/cases?limit=2")).json()
    rest = (await world.call("GET", f"/cases?limit=2&cursor={page['next_cursor']}")).json()
    assert [one["id"] for one in rest["items"]] == [made[0]]
    wrong = await world.call("GET", f"/cases?state=open&cursor={page['next_cursor']}")
    assert wrong.json()["code"] == "cursor_of_another_query"
    assert (await world.call("GET", "/cases?state=lost")).status_code == 422


async def test_cases_are_within_reach_or_missing(world: World, other: World) -> None:
    case = await an_unhappy_customer(world)
    near, far = await world.member(Role.AGENT, "tyumen"), await world.member(Role.AGENT, "perm")
    missing = await world.call("GET", f"/cases/{uuid4()}")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    assert (await world.call("GET", f"/cases/{case}", key=near)).status_code == 200
    assert (await world.call("GET", f"/cases/{case}", key=far)).status_code == 404
    assert (await other.call("GET", f"/cases/{case}")).status_code == 404
    assert len((await world.call("GET", "/cases", key=near)).json()["items"]) == 1
    assert (await world.call("GET", "/cases", key=far)).json()["items"] == []
    for verb in ("contacted", "close"):
        assert (await step(world, case, verb, key=far)).status_code == 404
        assert (await step(other, case, verb)).status_code == 404
        assert (await step(world, str(uuid4()), verb)).status_code == 404
    assert (await step(world, case, "contacted", key=near)).status_code == 200
    reader = await world.new_key({"cases:read"})
    assert (await step(world, case, "close", key=reader)).status_code == 403
    assert (await world.call("GET", "/cases/nonsense")).status_code == 422
