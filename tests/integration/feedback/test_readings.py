"""Words of answers: read by the worker, corrected by people, read again after a change."""

import asyncio
from typing import Any

import pytest

from otklik_common.events.access import Role
from otklik_feedback.actions import reading_work
from otklik_feedback.actions.means import Means
from otklik_feedback.actions.reading_work import ReadWords
from otklik_feedback.domain.text import lexicon
from otklik_feedback.store import readings
from tests.integration.feedback.conftest import World

pytestmark = pytest.mark.asyncio

RUDE = "Агент нахамил и опоздал на час"
UKRAINIAN = "Дякую їм за все, дуже зручно і швидко"


def a_worker(world: World) -> ReadWords:
    return ReadWords(world.worker, Means.of(world.platform))


async def work(world: World, worker: ReadWords | None = None) -> int:
    """Read until nothing is left; how many steps that took."""
    worker = worker or a_worker(world)
    steps = 0
    while await worker.step():
        steps += 1
    return steps


async def said(world: World, reference: str, comment: str | None, score: int = 9) -> None:
    await world.answer(reference, await the_survey(world), {"nps": score, "comment": comment})


async def the_survey(world: World) -> str:
    return await world.survey(id="words")


async def reading(world: World, reference: str) -> Any:
    found = await world.call("GET", f"/answers/{reference}")
    assert found.status_code == 200, found.text
    return found.json()["reading"]


async def correct(world: World, reference: str, key: str | None = None, **body: Any) -> Any:
    return await world.call("PUT", f"/answers/{reference}/reading", body, key=key)


def codes(shown: Any) -> list[str]:
    return [topic["code"] for topic in shown["topics"]]


async def topics(world: World) -> tuple[Any, str]:
    found = await world.call("GET", "/topics")
    return found.json(), found.headers["ETag"]


async def put_topics(world: World, listed: Any, tag: str = "*", key: str | None = None) -> Any:
    return await world.call(
        "PUT", "/topics", {"topics": listed}, key=key, headers={"If-Match": tag}
    )


# --- Reading ------------------------------------------------------------------------------------


async def test_words_are_not_enriched_until_they_are_read(world: World) -> None:
    await said(world, "a-1", RUDE)
    before = await reading(world, "a-1")
    assert (before["state"], before["why"], before["topics"]) == ("not_enriched", "waiting", [])
    await work(world)
    after = await reading(world, "a-1")
    assert (after["state"], after["why"]) == ("enriched", None)
    assert (after["language"], after["sentiment"]) == ("ru", "negative")
    assert codes(after) == ["rudeness", "lateness"]
    assert after["lexicon"] == lexicon.version()
    assert after["topics_version"] == 0
    assert [word["text"] for word in after["evidence"]] == ["нахамил", "опоздал"]
    assert [word["text"] for word in after["topics"][0]["words"]] == ["нахамил"]


async def test_an_answer_without_words_has_no_reading(world: World) -> None:
    await said(world, "a-1", None)
    assert await world.count("unread") == 0
    assert await reading(world, "a-1") is None


async def test_lists_and_cases_say_what_words_say(world: World) -> None:
    await said(world, "a-1", RUDE, score=1)
    await work(world)
    listed = (await world.call("GET", "/answers")).json()["items"][0]["reading"]
    assert (listed["sentiment"], codes(listed)) == ("negative", ["rudeness", "lateness"])
    assert "evidence" not in listed
    case = (await world.call("GET", "/cases")).json()["items"][0]["id"]
    [in_case] = (await world.call("GET", f"/cases/{case}")).json()["answers"]
    assert in_case["reading"] == listed


async def test_answers_are_listed_by_what_their_words_say(world: World) -> None:
    for reference, comment in {
        "bad": RUDE,
        "good": "Спасибо, всё быстро",
        "foreign": UKRAINIAN,
        "silent": None,
        "mended": RUDE,
        "anew": RUDE,
    }.items():
        await said(world, reference, comment)
    await work(world)
    await correct(world, "mended", topics=["price"], sentiment="positive")
    await said(world, "anew", "Спасибо")
    for query, expected in {
        "sentiment=negative": {"bad"},
        "sentiment=positive": {"good", "mended"},
        "topic=lateness": {"bad"},
        "topic=price&sentiment=positive": {"mended"},
        "topic=nothing": set(),
        "reading=enriched": {"bad", "good", "mended"},
        "reading=not_enriched": {"foreign", "anew"},
        "reading=not_enriched&sentiment=negative": set(),
    }.items():
        listed = (await world.call("GET", f"/answers?{query}")).json()["items"]
        assert {one["id"] for one in listed} == expected, query
    assert (await world.call("GET", "/answers?sentiment=angry")).status_code == 422


@pytest.mark.parametrize(
    ("comment", "why"), [(UKRAINIAN, "language"), ("12345 !!!", "no_words"), ("...", "no_words")]
)
async def test_what_cannot_be_read_says_why(world: World, comment: str, why: str) -> None:
    await said(world, "a-1", comment)
    await work(world)
    shown = await reading(world, "a-1")
    assert (shown["state"], shown["why"]) == ("not_enriched", why)
    assert (shown["sentiment"], shown["score"], shown["topics"]) == (None, None, [])


async def test_other_words_are_read_anew_and_those_taken_back_are_forgotten(world: World) -> None:
    await said(world, "a-1", RUDE)
    await work(world)
    await said(world, "a-1", "Всё отлично, спасибо")
    waiting = await reading(world, "a-1")
    assert (waiting["state"], waiting["why"]) == ("not_enriched", "waiting")
    await work(world)
    assert (await reading(world, "a-1"))["sentiment"] == "positive"
    await said(world, "a-1", None)
    assert await reading(world, "a-1") is None
    assert await world.count("readings") == 0


async def test_words_sent_while_they_are_being_read_are_read_again(world: World) -> None:
    await said(world, "a-1", RUDE)
    survey = await the_survey(world)
    async with world.worker.begin_as_worker() as tx:
        [taken] = await readings.take(tx, 10)
        new = asyncio.create_task(world.answer("a-1", survey, {"nps": 9, "comment": "Отлично"}))
        await asyncio.sleep(0.3)
        assert not new.done()
        await readings.done(tx, [taken])
    await new
    assert await world.count("unread") == 1
    await work(world)
    assert (await reading(world, "a-1"))["sentiment"] == "positive"


async def test_what_somebody_is_writing_is_left_for_the_next_step(world: World) -> None:
    await said(world, "a-1", RUDE)
    async with world.api.begin(world.tenant) as tx:
        await tx.exec_driver_sql("SELECT FROM feedback.answers FOR UPDATE")
        async with world.worker.begin_as_worker() as other:
            assert await readings.take(other, 10) == []
    await work(world)
    assert (await reading(world, "a-1"))["state"] == "enriched"


async def test_replicas_share_the_marks(world: World) -> None:
    for number in range(4):
        await said(world, f"a-{number}", RUDE)
    async with (
        world.worker.begin_as_worker() as one,
        world.worker.begin_as_worker() as other,
    ):
        first = await readings.take(one, 3)
        second = await readings.take(other, 3)
    assert len(first) == 3
    assert len(second) == 1
    assert set(first).isdisjoint(second)


async def test_only_places_of_words_are_kept_never_the_words(world: World) -> None:
    await said(world, "a-1", RUDE)
    await work(world)
    await correct(world, "a-1", sentiment="neutral")
    row = await world.admin.fetchval(
        "SELECT readings::text FROM feedback.readings WHERE tenant = $1", world.tenant
    )
    assert "нахамил" not in row
    assert "опоздал" not in row


async def test_readings_go_with_their_answers(world: World) -> None:
    demo = await world.survey(id="demo-nps")
    await world.answer("demo-1", demo, {"nps": 9, "comment": RUDE})
    await work(world)
    await world.answer("demo-2", demo, {"nps": 9, "comment": RUDE})
    assert (await world.call("DELETE", "/demo")).json()["answers"] == 2
    assert await world.count("readings") == 0
    assert await world.count("unread") == 0


# --- Corrections --------------------------------------------------------------------------------


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


async def test_the_same_reading_again_is_no_new_revision(world: World) -> None:
    await said(world, "a-1", RUDE)
    await work(world)
    before = await reading(world, "a-1")
    await reading_again(world)
    assert await reading(world, "a-1") == before
    listed, tag = await topics(world)
    listed["topics"][4]["active"] = False
    await put_topics(world, listed["topics"], tag)
    await work(world)
    assert (await reading(world, "a-1"))["revision"] == before["revision"] + 1


async def reading_again(world: World) -> None:
    """As after a change of topics, though none changed."""
    await world.admin.execute(
        "UPDATE feedback.reading_sweeps SET finished_at = NULL, after = NULL WHERE tenant = $1",
        world.tenant,
    )
    assert await work(world) >= 2


# --- Reading again ------------------------------------------------------------------------------


async def test_answers_from_before_and_by_other_words_are_read_at_the_start(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await said(world, "a-1", RUDE)
    await world.admin.execute("DELETE FROM feedback.unread WHERE tenant = $1", world.tenant)
    await work(world)
    assert (await reading(world, "a-1"))["lexicon"] == lexicon.version()
    monkeypatch.setattr(reading_work, "version", lambda: "2-other")
    await work(world)
    assert (await reading(world, "a-1"))["lexicon"] == "2-other"


async def test_reading_again_is_bounded_and_lets_new_words_pass(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_work, "MARKED_AT_ONCE", 2)
    monkeypatch.setattr(reading_work, "MOST_MARKED", 2)
    monkeypatch.setattr(reading_work, "AT_ONCE", 1)
    for number in range(5):
        await said(world, f"a-{number}", RUDE)
    worker = a_worker(world)
    await work(world, worker)
    listed, tag = await topics(world)
    listed["topics"][4]["active"] = False
    await put_topics(world, listed["topics"], tag)
    assert await worker.step()  # two of five are marked
    assert await world.count("unread") == 2
    assert not await worker._mark_some()  # as another replica would
    assert await world.count("unread") == 2
    assert await worker.step()  # one of them is read
    shown, _ = await topics(world)
    assert shown["reading"] == {"state": "running", "total": 5, "done": 1, "waiting": 1}
    await said(world, "new", "Отлично")
    assert await worker.step()
    assert (await reading(world, "new"))["state"] == "enriched"
    assert await world.count("unread") == 1
    await work(world, worker)
    shown, _ = await topics(world)
    # The new one may be among those after the last that was marked.
    assert (shown["reading"]["state"], shown["reading"]["waiting"]) == ("current", 0)
    assert shown["reading"]["done"] == shown["reading"]["total"] in (5, 6)
    for number in range(5):
        assert codes(await reading(world, f"a-{number}")) == ["lateness"]


async def test_what_waits_as_new_is_not_put_behind_by_reading_again(world: World) -> None:
    await said(world, "a-1", RUDE)
    listed, tag = await topics(world)
    listed["topics"][4]["active"] = False
    await put_topics(world, listed["topics"], tag)
    worker = a_worker(world)
    worker._swept = True
    await worker._mark_some()
    lane = await world.admin.fetchval(
        "SELECT lane FROM feedback.unread WHERE tenant = $1", world.tenant
    )
    assert lane == 0
