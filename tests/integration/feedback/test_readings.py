"""Words of answers: read by the worker, corrected by people, read again after a change."""

import asyncio
from typing import Any

import pytest

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
