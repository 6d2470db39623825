"""Taking the demo out: all of it, nothing else, and so that it may come again."""

from datetime import UTC, datetime
from typing import Any

import pytest

from otklik_common.events.access import Role
from tests.integration.feedback.conftest import World

pytestmark = pytest.mark.asyncio

FIRST = {"phone": "+79990000001"}
SECOND = {"phone": "+79990000002"}


def gone(**said: int) -> dict[str, int]:
    """What was taken out; nothing of what is not said."""
    return dict.fromkeys(("surveys", "answers", "cases", "reviews", "claims"), 0) | said


async def newest(world: World) -> dict[Any, Any]:
    """The last fact of each subject."""
    return {event.subject: event for event in await world.facts()}


async def test_only_what_the_demo_pushed_goes_and_its_facts_are_void(
    world: World, other: World
) -> None:
    demo = await world.survey(id="demo-nps")
    survey = await world.survey()
    await world.answer("demo-1", demo, {"nps": 3}, customer=FIRST)
    await world.answer("demo-2", demo, {"nps": 9}, customer=FIRST)
    await world.answer("a-1", survey, {"nps": 2}, customer=SECOND)
    await world.answer("a-1", survey, {"nps": 3}, customer=SECOND)
    await world.answer("demo-2", demo, {"nps": 10}, customer=FIRST)
    await world.answer("demo-3", demo, {"nps": 2}, customer=SECOND)
    await other.answer("demo-1", await other.survey(id="demo-nps"), {"nps": 3})
    removed = await world.call("DELETE", "/demo")
    assert removed.json() == gone(surveys=1, answers=3, cases=1)
    facts = list((await newest(world)).values())
    void = sorted((fact.data.kind, fact.verb) for fact in facts if fact.void)
    assert void == [
        ("answer", "removed"),
        ("answer", "removed"),
        ("answer", "removed"),
        ("case", "removed"),
        ("survey", "removed"),
    ]
    assert sorted(fact.data.kind for fact in facts if not fact.void) == ["answer", "case", "survey"]
    for table, rows in {
        "answers": 1,
        "answer_versions": 1,
        "cases": 1,
        "surveys": 1,
        "survey_versions": 1,
    }.items():
        assert await world.count(table) == rows, table
    case = (await world.call("GET", "/cases")).json()["items"][0]["id"]
    shown = (await world.call("GET", f"/cases/{case}")).json()
    assert [one["id"] for one in shown["answers"]] == ["a-1"]
    again = await world.call("DELETE", "/demo")
    assert again.json() == gone(surveys=0, answers=0, cases=0)
    assert await other.count("answers") == 1


async def test_a_demo_that_comes_again_goes_on_from_its_last_revisions(world: World) -> None:
    for round_ in range(3):
        survey = await world.survey(id="demo-nps")
        await world.answer("demo-1", survey, {"nps": 3}, customer=FIRST)
        facts = await newest(world)
        assert not any(
            fact.void for fact in facts.values() if fact.data.kind in {"answer", "survey"}
        )
        assert [fact.void for fact in facts.values() if fact.data.kind == "case"] == [True] * (
            round_
        ) + [False]
        await world.call("DELETE", "/demo")
    for subject in {event.subject for event in await world.facts()}:
        revisions = [one.revision for one in await world.facts() if one.subject == subject]
        recorded = [one.recorded_at for one in await world.facts() if one.subject == subject]
        assert revisions == list(range(1, len(revisions) + 1))
        assert recorded == sorted(set(recorded))


async def test_it_goes_in_bounded_steps(world: World) -> None:
    survey = await world.survey()
    items = [
        {"id": f"demo-{n}", "survey": survey, "at": "2026-03-02T18:00:00Z", "values": {"nps": 3}}
        for n in range(1_203)
    ]
    sent = await world.call("POST", "/answers:batch", items)
    assert sent.json()["accepted"] == 1_203
    removed = (await world.call("DELETE", "/demo")).json()
    assert removed == gone(surveys=0, answers=1_203, cases=1_203)
    assert await world.count("case_events") == 0


async def test_what_the_planner_remembers_of_small_tables_does_not_slow_it(world: World) -> None:
    survey = await world.survey()
    await world.answer("a-1", survey, {"nps": 2}, customer=FIRST)
    await world.admin.execute("ANALYZE feedback.answers, feedback.cases, feedback.case_events")
    items = [
        {"id": f"demo-{n}", "survey": survey, "at": "2026-03-02T18:00:00Z", "values": {"nps": 3}}
        for n in range(4_000)
    ]
    assert (await world.call("POST", "/answers:batch", items)).json()["accepted"] == 4_000
    removed = (await world.call("DELETE", "/demo")).json()
    assert removed == gone(surveys=0, answers=4_000, cases=4_000)


async def test_only_those_who_may_take_it_out(world: World) -> None:
    head = await world.member(Role.HEAD)
    assert (await world.call("DELETE", "/demo", key=head)).status_code == 403
    narrow = await world.new_key({"demo:write"}, branches=("tyumen",))
    assert (await world.call("DELETE", "/demo", key=narrow)).status_code == 403


async def test_reviews_and_claims_of_the_demo_go_with_their_clocks_and_may_come_again(
    world: World,
) -> None:
    review = {
        "source": "2gis",
        "id": "demo-1",
        "written_at": datetime.now(UTC).isoformat(),
        "stars": 1,
    }
    claim = {"id": "demo-1", "received_at": "2026-03-02T18:00:00+03:00", "text": "нет"}

    async def come() -> None:
        for path, body in (("/reviews", review), ("/claims", claim)):
            made = await world.call("POST", path, body)
            assert made.status_code == 200, made.text

    await come()
    await world.call("POST", "/reviews", review | {"id": "mine", "stars": 5})
    await world.call("POST", "/claims", claim | {"id": "mine"})
    removed = await world.call("DELETE", "/demo")
    assert removed.json() == gone(cases=2, reviews=1, claims=1)
    facts = list((await newest(world)).values())
    void = sorted(fact.data.kind for fact in facts if fact.void)
    assert void == ["case", "case", "claim", "feedback_clock", "feedback_clock", "review"]
    assert (await world.call("DELETE", "/demo")).json() == gone()
    await come()
    events = await world.facts()
    assert not any(
        event.void for event in (await newest(world)).values() if event.data.kind != "case"
    )
    revisions: dict[Any, list[int]] = {}
    for event in events:
        revisions.setdefault(event.subject, []).append(event.revision)
    for of_one in revisions.values():
        assert of_one == list(range(1, len(of_one) + 1))
