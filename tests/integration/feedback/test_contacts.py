"""Dimensions from contacts: whichever is heard first, the answer ends up the same."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from otklik_common.events.feedback import Answer
from otklik_feedback.store import contacts
from tests.integration.feedback.conftest import World

pytestmark = pytest.mark.asyncio

CALL: dict[str, Any] = {
    "branch": "perm",
    "team": "first",
    "queue": "sales",
    "agent": "petrova",
    "party": "buyer",
}
MAIL = "em1_BBBBBBBBBBBBBBBBBBBBBBBB"


async def last(world: World) -> Answer:
    fact = (await world.facts("answer"))[-1].data
    assert isinstance(fact, Answer)
    return fact


async def send(world: World, survey: str, score: int = 9, **said: Any) -> None:
    default: dict[str, Any] = {"branch": None, "customer": None, "contact": "pbx-1"}
    await world.answer("a-1", survey, {"nps": score}, **default | said)


async def test_known_at_birth_it_is_copied_and_what_was_said_wins(world: World) -> None:
    await world.hear("pbx-1", campaign="spring", identifiers=(MAIL,), **CALL)
    await send(world, await world.survey(), branch="tyumen")
    fact = await last(world)
    assert (fact.branch, fact.team, fact.queue, fact.agent) == (
        "tyumen",
        "first",
        "sales",
        "petrova",
    )
    assert (fact.channel, fact.direction, fact.party) == ("call", "in", "buyer")
    assert (fact.campaign, fact.identifiers) == ("spring", (MAIL,))
    assert (await world.facts("answer"))[-1].revision == 1


@pytest.mark.parametrize("score", [9, 3])
async def test_learned_later_it_is_a_new_revision_of_answer_and_case(
    world: World, score: int
) -> None:
    await send(world, await world.survey(), score)
    assert (await last(world)).branch is None
    await world.hear("pbx-1", **CALL)
    fact = await last(world)
    assert (fact.branch, fact.agent, fact.channel, fact.nps) == ("perm", "petrova", "call", score)
    answers = await world.facts("answer")
    assert [(one.revision, one.verb) for one in answers] == [(1, "kept"), (2, "placed")]
    assert answers[0].recorded_at < answers[1].recorded_at
    cases = await world.facts("case")
    assert [one.data.agent for one in cases] == ([None, "petrova"] if score == 3 else [])
    shown = (await world.call("GET", "/answers?branch=perm")).json()["items"]
    assert [one["revision"] for one in shown] == [2]
    [body] = (await world.call("GET", "/answers/a-1")).json()["versions"]
    assert body["revision"] == 1


async def test_whichever_comes_first_the_fact_is_the_same(world: World, other: World) -> None:
    survey = await world.survey(id="s")
    await send(world, survey)
    await world.hear("pbx-1", identifiers=(MAIL,), **CALL)
    survey = await other.survey(id="s")
    await other.hear("pbx-1", identifiers=(MAIL,), **CALL)
    await send(other, survey)
    ignored = {"survey", "contact", "source"}
    one, two = await last(world), await last(other)
    assert one.model_dump(exclude=ignored) == two.model_dump(exclude=ignored)


async def test_hearing_the_same_or_something_older_changes_nothing(world: World) -> None:
    await send(world, await world.survey())
    await world.hear("pbx-1", 3, **CALL)
    for revision in (3, 1, 2):
        await world.hear("pbx-1", revision, **CALL | {"agent": "ivanov"})
    assert (await last(world)).agent == "petrova"
    assert len(await world.facts("answer")) == 2
    await world.hear("pbx-1", 4, **CALL)
    assert len(await world.facts("answer")) == 2
    await world.hear("pbx-1", 5, **CALL | {"agent": "ivanov"})
    assert (await last(world)).agent == "ivanov"


async def test_a_void_contact_says_nothing_any_more(world: World) -> None:
    await world.hear("pbx-1", **CALL)
    await send(world, await world.survey(), agent="sidorov")
    await world.hear("pbx-1", 2, void=True, **CALL)
    fact = await last(world)
    assert (fact.branch, fact.agent, fact.channel) == (None, "sidorov", None)


async def test_a_correction_about_another_contact_takes_that_ones_place(world: World) -> None:
    await world.hear("pbx-1", **CALL)
    await world.hear("pbx-2", **CALL | {"branch": "omsk"})
    survey = await world.survey()
    await send(world, survey, 2)
    await send(world, survey, 2, contact="pbx-2")
    assert (await last(world)).branch == "omsk"
    assert [one.data.branch for one in await world.facts("case")] == ["perm", "omsk"]
    await world.hear("pbx-1", 2, **CALL | {"branch": "ufa"})
    assert (await last(world)).branch == "omsk"


async def test_another_companys_contact_of_that_name_is_another(world: World, other: World) -> None:
    await send(world, await world.survey())
    await other.hear("pbx-1", **CALL)
    assert (await last(world)).branch is None


async def test_answers_in_confidence_learn_nothing(world: World) -> None:
    await world.hear("pbx-1", **CALL)
    survey = await world.survey("nps", anonymous=True)
    await send(world, survey)
    await world.hear("pbx-1", 2, **CALL | {"agent": "ivanov"})
    fact = await last(world)
    assert (fact.agent, fact.branch, fact.contact) == (None, None, None)
    assert len(await world.facts("answer")) == 1


async def test_whoever_comes_at_the_same_moment_neither_is_missed(world: World) -> None:
    survey = await world.survey()

    async def both(number: int) -> None:
        body: dict[str, Any] = {"branch": None, "customer": None, "contact": f"pbx-{number}"}
        await asyncio.gather(
            world.answer(f"a-{number}", survey, {"nps": number % 11}, **body),
            world.hear(f"pbx-{number}", **CALL),
        )

    await asyncio.gather(*(both(number) for number in range(40)))
    newest: dict[UUID, Answer] = {}
    for event in await world.facts("answer"):
        newest[event.subject] = event.data
    assert len(newest) == 40
    assert {fact.branch for fact in newest.values()} == {"perm"}
    branches = {event.subject: event.data.branch for event in await world.facts("case")}
    assert set(branches.values()) == {"perm"}


@pytest.mark.parametrize("known", [True, False])
async def test_whoever_hears_of_a_contact_waits_for_the_answer_being_kept(
    world: World, known: bool
) -> None:
    if known:
        await world.hear("pbx-1", 1, **CALL)
    contact = world.contact_id("pbx-1")
    async with world.api.begin(world.tenant) as tx:
        held = await contacts.held(tx, world.tenant, [contact])
        assert held[contact].dimensions.get("branch") == ("perm" if known else None)
        hearing = asyncio.create_task(world.hear("pbx-1", 2, **CALL | {"branch": "ufa"}))
        done, _ = await asyncio.wait({hearing}, timeout=0.3)
        assert not done
    await hearing


async def test_a_customer_known_later_still_has_one_case(world: World) -> None:
    """The answer came before its contact; the next low score joins all the same."""
    survey = await world.survey()
    phone = world.platform.pseudonyms.identifiers(world.tenant, phone="+79991234567")
    await world.answer("a-1", survey, {"nps": 3}, customer=None, contact="pbx-1")
    await world.hear("pbx-1", identifiers=phone)
    await world.answer("a-2", survey, {"nps": 2}, customer={"phone": "+79991234567"})
    assert await world.count("cases") == 1
    assert await world.count("case_events") == 2


async def test_a_case_under_the_customers_name_is_joined_before_a_nameless_one(
    world: World,
) -> None:
    survey = await world.survey()
    phone = world.platform.pseudonyms.identifiers(world.tenant, phone="+79991234567")
    await world.answer("a-1", survey, {"nps": 3}, customer=None, contact="pbx-1")
    await world.answer("a-2", survey, {"nps": 2}, customer={"phone": "+79991234567"})
    await world.hear("pbx-1", identifiers=phone)
    await world.answer("a-3", survey, {"nps": 1}, customer={"phone": "+79991234567"})
    assert await world.count("cases") == 2
    named = (await world.call("GET", "/answers/a-2")).json()["cases"]
    assert (await world.call("GET", "/answers/a-3")).json()["cases"] == named
