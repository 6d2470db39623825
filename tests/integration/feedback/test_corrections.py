"""What people say words say, and a company's topics: corrections, rules, versions."""

import asyncio
from typing import Any

import pytest

from otklik_common.events.access import Role
from tests.integration.feedback.conftest import World
from tests.integration.feedback.test_readings import (
    RUDE,
    UKRAINIAN,
    codes,
    correct,
    put_topics,
    reading,
    said,
    topics,
    work,
)

pytestmark = pytest.mark.asyncio


async def test_a_correction_holds_and_says_whose_it_is(world: World) -> None:
    await said(world, "a-1", RUDE)
    await work(world)
    done = await correct(world, "a-1", topics=["deceit", "lateness"], sentiment="neutral")
    assert done.status_code == 200, done.text
    shown = await reading(world, "a-1")
    assert (shown["sentiment"], codes(shown)) == ("neutral", ["deceit", "lateness"])
    assert shown["topics"][0]["sentiment"] is None
    assert shown["topics"][1]["sentiment"] == "negative"
    assert shown["correction"]["by"].startswith("key:")
    assert shown["correction"]["topics"] == ["deceit", "lateness"]
    assert shown["revision"] == 2


async def test_half_a_correction_leaves_the_other_half_to_us(world: World) -> None:
    await said(world, "a-1", RUDE)
    await work(world)
    await correct(world, "a-1", topics=[])
    shown = await reading(world, "a-1")
    assert (shown["sentiment"], shown["topics"]) == ("negative", [])


async def test_a_correction_is_kept_when_words_are_read_again(world: World) -> None:
    await said(world, "a-1", RUDE)
    await work(world)
    await correct(world, "a-1", sentiment="positive")
    listed, tag = await topics(world)
    listed["topics"][4]["active"] = False
    assert (await put_topics(world, listed["topics"], tag)).status_code == 200
    await work(world)
    shown = await reading(world, "a-1")
    assert (shown["sentiment"], codes(shown)) == ("positive", ["lateness"])
    assert shown["topics_version"] == 1


async def test_a_correction_of_words_that_have_changed_holds_no_more(world: World) -> None:
    await said(world, "a-1", RUDE)
    await work(world)
    await correct(world, "a-1", sentiment="positive")
    await said(world, "a-1", "Ужасно, агент опоздал")
    await work(world)
    shown = await reading(world, "a-1")
    assert (shown["sentiment"], shown["correction"]) == ("negative", None)
    assert shown["outdated_correction"]["sentiment"] == "positive"
    await said(world, "a-1", RUDE, score=8)
    await work(world)
    assert (await reading(world, "a-1"))["sentiment"] == "positive"


async def test_a_person_may_read_what_we_cannot_or_have_not_yet(world: World) -> None:
    for reference, comment in (("a-1", UKRAINIAN), ("a-2", RUDE)):
        await said(world, reference, comment)
        if reference == "a-1":
            await work(world)
        await correct(world, reference, topics=["polite"], sentiment="positive")
        shown = await reading(world, reference)
        assert (shown["state"], shown["sentiment"]) == ("enriched", "positive")
        assert codes(shown) == ["polite"]
    await work(world)
    assert codes(await reading(world, "a-2")) == ["polite"]


async def test_a_correction_taken_back_leaves_our_reading(world: World) -> None:
    await said(world, "a-1", RUDE)
    await work(world)
    await correct(world, "a-1", sentiment="positive")
    done = await world.call("DELETE", "/answers/a-1/reading")
    assert (done.status_code, done.json()["sentiment"]) == (200, "negative")
    again = await world.call("DELETE", "/answers/a-1/reading")
    assert again.json()["revision"] == done.json()["revision"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "nothing_said"),
        ({"topics": ["weather"]}, 422, "unknown_topic"),
        ({"topics": ["price"] * 21}, 422, None),
        ({"sentiment": "angry"}, 422, None),
        ({"rules": [{"phrase": "нахамил", "topic": "weather"}]}, 422, "unknown_topic"),
        ({"rules": [{"phrase": "лифт", "topic": "price"}]}, 422, "phrase_not_there"),
        ({"rules": [{"phrase": "8 912", "topic": "price"}]}, 422, "bad_phrase"),
    ],
)
async def test_what_is_no_correction_is_refused(
    world: World, body: Any, status: int, code: str | None
) -> None:
    await said(world, "a-1", RUDE)
    refused = await correct(world, "a-1", **body)
    assert refused.status_code == status, refused.text
    if code is not None:
        assert code in refused.text
    assert await world.count("readings") == 0


async def test_there_is_nothing_to_correct_where_nothing_is_said(world: World) -> None:
    await said(world, "a-1", None)
    refused = await correct(world, "a-1", sentiment="positive")
    assert (refused.status_code, refused.json()["code"]) == (409, "no_words")
    assert (await correct(world, "none", sentiment="positive")).status_code == 404


async def test_heads_correct_within_their_branches_and_agents_nothing(world: World) -> None:
    await said(world, "a-1", RUDE)
    near, far = await world.member(Role.HEAD, "tyumen"), await world.member(Role.HEAD, "omsk")
    agent = await world.member(Role.AGENT, "tyumen")
    assert (await correct(world, "a-1", near, sentiment="positive")).status_code == 200
    assert (await correct(world, "a-1", far, sentiment="positive")).status_code == 404
    assert (await correct(world, "a-1", agent, sentiment="positive")).status_code == 403
    rules = [{"phrase": "нахамил", "topic": "price"}]
    refused = await correct(world, "a-1", near, rules=rules)
    assert (refused.status_code, refused.json()["code"]) == (403, "rules_are_company_wide")


# --- Rules and topics ---------------------------------------------------------------------------


async def test_a_rule_reads_all_answers_again_and_can_be_seen_and_taken_out(world: World) -> None:
    await said(world, "a-1", "Пятый месяц дуют окна")
    await said(world, "a-2", "Дует из окон")
    await work(world)
    assert (await reading(world, "a-2"))["topics"] == []
    rules = [{"phrase": "дуть окно", "topic": "property"}]
    assert (await correct(world, "a-1", rules=rules)).status_code == 200
    listed, tag = await topics(world)
    assert (listed["version"], listed["reading"]["state"]) == (1, "running")
    assert listed["changed_by"].startswith("key:")
    [own] = [topic for topic in listed["topics"] if topic["code"] == "property"]
    assert own["phrases"]["ru"][-1] == "дуть окно"
    await work(world)
    assert codes(await reading(world, "a-2")) == ["property"]
    own["phrases"]["ru"].pop()
    assert (await put_topics(world, listed["topics"], tag)).status_code == 200
    await work(world)
    assert (await reading(world, "a-2"))["topics"] == []
    listed, _ = await topics(world)
    assert listed["reading"] == {"state": "current", "total": 2, "done": 2, "waiting": 0}


async def test_a_company_begins_with_the_topics_shipped(world: World) -> None:
    listed, tag = await topics(world)
    assert (listed["version"], tag) == (0, '"0"')
    assert len(listed["topics"]) == 46
    same = await put_topics(world, listed["topics"], tag)
    assert same.json()["version"] == 0
    assert await world.count("topic_trees") == 0


async def test_two_who_change_topics_at_once_do_not_overwrite_one_another(world: World) -> None:
    listed, tag = await topics(world)
    listed["topics"][0]["name"]["ru"] = "Другое"
    assert (await put_topics(world, listed["topics"], tag)).status_code == 200
    listed["topics"][0]["name"]["ru"] = "Третье"
    assert (await put_topics(world, listed["topics"], tag)).status_code == 412
    bare = await world.call("PUT", "/topics", {"topics": listed["topics"]})
    assert bare.status_code == 428
    both = await asyncio.gather(
        *(
            put_topics(
                world,
                [{**listed["topics"][0], "name": {"ru": f"{n}", "en": "x"}}, *listed["topics"][1:]],
                '"1"',
            )
            for n in range(4)
        )
    )
    assert sorted(each.status_code for each in both) == [200, 412, 412, 412]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda listed: listed.append(listed[0]), "bad_topics"),
        (lambda listed: listed[0].update(parent="nowhere"), "bad_topics"),
        (lambda listed: listed[0].update(phrases={"ru": ["8 912"]}), "bad_phrase"),
    ],
)
async def test_topics_that_make_no_tree_are_refused(world: World, change: Any, code: str) -> None:
    listed, tag = await topics(world)
    change(listed["topics"])
    refused = await put_topics(world, listed["topics"], tag)
    assert (refused.status_code, refused.json()["code"]) == (422, code)


async def test_a_topic_left_out_is_switched_off_and_stays(world: World) -> None:
    listed, tag = await topics(world)
    put = (await put_topics(world, listed["topics"][1:], tag)).json()
    assert put["topics"][-1] == listed["topics"][0] | {"active": False}
    assert len(put["topics"]) == len(listed["topics"])


async def test_heads_of_branches_read_topics_and_do_not_change_them(world: World) -> None:
    head = await world.member(Role.HEAD, "tyumen")
    listed = (await world.call("GET", "/topics", key=head)).json()
    assert (await put_topics(world, listed["topics"], "*", head)).status_code == 403


async def test_one_companys_topics_are_nothing_to_another(world: World, other: World) -> None:
    listed, tag = await topics(world)
    for topic in listed["topics"]:
        topic["active"] = False
    await put_topics(world, listed["topics"], tag)
    for company in (world, other):
        await said(company, "a-1", RUDE)
    await work(world)
    assert (await reading(world, "a-1"))["topics"] == []
    assert codes(await reading(other, "a-1")) == ["rudeness", "lateness"]
