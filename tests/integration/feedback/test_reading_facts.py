"""What words say leaves as facts, with nothing of the words, and is void when they are gone."""

from typing import Any

import pytest

from otklik_common.events.envelope import Event
from otklik_common.events.registry import encode
from tests.integration.feedback.conftest import World
from tests.integration.feedback.test_readings import RUDE, UKRAINIAN, correct, said, work

pytestmark = pytest.mark.asyncio


async def facts(world: World) -> list[Event[Any]]:
    return await world.facts("answer_reading")


async def test_a_reading_leaves_with_the_dimensions_of_its_answer(world: World) -> None:
    await said(world, "a-1", RUDE)
    await work(world)
    [fact] = await facts(world)
    [answer] = await world.facts("answer")
    assert (fact.verb, fact.revision, fact.void) == ("read", 1, False)
    assert fact.data.answer == answer.subject
    assert (fact.data.branch, fact.data.touchpoint) == ("tyumen", "viewing")
    assert (fact.data.language, fact.data.sentiment, fact.data.corrected) == (
        "ru",
        "negative",
        False,
    )
    assert fact.data.topics == ("rudeness", "lateness")
    assert (fact.data.praised, fact.data.blamed) == ((), ("rudeness", "lateness"))
    assert -1000 <= fact.data.score_milli < -200
    assert "нахамил" not in encode(fact).decode()


async def test_what_cannot_be_read_is_told_too(world: World) -> None:
    await said(world, "a-1", UKRAINIAN)
    await work(world)
    [fact] = await facts(world)
    assert (fact.data.language, fact.data.why) == ("other", "language")
    assert (fact.data.sentiment, fact.data.score_milli, fact.data.topics) == (None, None, ())


async def test_a_correction_is_told_at_once_and_again_when_taken_back(world: World) -> None:
    await said(world, "a-1", RUDE)
    await work(world)
    await correct(world, "a-1", topics=["price"], sentiment="neutral")
    await world.call("DELETE", "/answers/a-1/reading")
    told = await facts(world)
    assert [(one.verb, one.revision) for one in told] == [
        ("read", 1),
        ("corrected", 2),
        ("withdrawn", 3),
    ]
    assert (told[1].data.topics, told[1].data.sentiment) == (("price",), "neutral")
    assert [one.data.corrected for one in told] == [False, True, False]
    assert told[2].data == told[0].data
    moments = [one.recorded_at for one in told]
    assert sorted(set(moments)) == moments


async def test_what_is_the_same_is_not_told_again(world: World) -> None:
    await said(world, "a-1", RUDE)
    await work(world)
    await world.admin.execute(
        "INSERT INTO feedback.unread SELECT tenant, answer, 0, now() FROM feedback.readings"
        " WHERE tenant = $1",
        world.tenant,
    )
    await work(world)
    assert len(await facts(world)) == 1


async def test_dimensions_learned_of_the_contact_are_told_with_the_reading(world: World) -> None:
    survey = await world.survey(id="words")
    await world.answer("a-1", survey, {"nps": 9, "comment": RUDE}, contact="call-1", branch=None)
    await work(world)
    await world.hear("call-1", branch="omsk", agent="petrova")
    await work(world)
    told = await facts(world)
    assert [(one.revision, one.data.branch, one.data.agent) for one in told] == [
        (1, None, None),
        (2, "omsk", "petrova"),
    ]


async def test_words_taken_back_are_void_and_words_again_go_on(world: World) -> None:
    await said(world, "a-1", RUDE)
    await work(world)
    await said(world, "a-1", None)
    await said(world, "a-1", RUDE)
    await work(world)
    told = await facts(world)
    assert [(one.verb, one.revision, one.void) for one in told] == [
        ("read", 1, False),
        ("removed", 2, True),
        ("read", 3, False),
    ]
    assert len({one.subject for one in told}) == 1


async def test_readings_of_the_demo_are_void_when_it_goes_and_may_come_again(world: World) -> None:
    for _ in range(2):
        demo = await world.survey(id="demo-nps")
        await world.answer("demo-1", demo, {"nps": 9, "comment": RUDE})
        await work(world)
        await world.call("DELETE", "/demo")
    assert [(one.revision, one.void) for one in await facts(world)] == [
        (1, False),
        (2, True),
        (3, False),
        (4, True),
    ]


async def test_words_given_in_confidence_are_told_without_anybody(world: World) -> None:
    survey = await world.survey("enps")
    await world.answer("a-1", survey, {"enps": 3, "comment": RUDE}, agent="petrova")
    await work(world)
    [fact] = await facts(world)
    assert (fact.data.anonymous, fact.data.agent) == (True, None)
    assert fact.data.topics == ("rudeness", "lateness")
