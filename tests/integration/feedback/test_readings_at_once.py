"""Whatever comes at once, in the end every answer is read by the newest words and topics."""

import asyncio
import random
from dataclasses import replace
from typing import Any

import pytest

from otklik_feedback.actions import reading_work
from otklik_feedback.domain.text.reading import read
from otklik_feedback.domain.text.topics import Tree, default_tree, tree
from tests.integration.feedback.conftest import World
from tests.integration.feedback.test_readings import (
    a_worker,
    correct,
    put_topics,
    said,
    topics,
    work,
)

pytestmark = pytest.mark.asyncio

TEXTS = (
    "Агент нахамил и опоздал",
    "Спасибо, всё быстро и честно",
    "Цена высокая, договор с ошибками",
    "Nobody called back",
    "polite and fast",
    None,
)
REFERENCES = tuple(f"a-{number}" for number in range(8))
SENTIMENTS = ("positive", "neutral", "negative")
SWITCHED = ("rudeness", "lateness", "price", "fast", "polite")


class Day:
    """Answers, corrections and topics that somebody changes while two workers read."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self.world, self.chance = world, chance
        self.texts: dict[str, str | None] = {}
        self.corrected: dict[str, tuple[str, str]] = {}

    async def say(self) -> None:
        reference, text = self.chance.choice(REFERENCES), self.chance.choice(TEXTS)
        await said(self.world, reference, text, score=self.chance.randint(7, 10))
        self.texts[reference] = text
        if text is None:
            # Words taken back take what was said of them along.
            self.corrected.pop(reference, None)

    async def correct(self) -> None:
        reference, sentiment = self.chance.choice(REFERENCES), self.chance.choice(SENTIMENTS)
        done = await correct(self.world, reference, sentiment=sentiment)
        text = self.texts.get(reference)
        assert done.status_code == (404 if reference not in self.texts else 200 if text else 409)
        if text is not None:
            self.corrected[reference] = text, sentiment

    async def switch(self) -> None:
        listed, tag = await topics(self.world)
        chosen = self.chance.choice(SWITCHED)
        for topic in listed["topics"]:
            if topic["code"] == chosen:
                topic["active"] = not topic["active"]
        assert (await put_topics(self.world, listed["topics"], tag)).status_code == 200

    async def keep_working(self, stop: asyncio.Event) -> None:
        worker, pauses = a_worker(self.world), random.Random(0)
        while not stop.is_set():
            await worker.step()
            # Dice of its own: how fast it works changes nothing of what is done meanwhile.
            await asyncio.sleep(pauses.random() / 100)


def as_put(listed: Any) -> Tree:
    active = {topic["code"]: topic["active"] for topic in listed["topics"]}
    return tree([replace(topic, active=active[topic.code]) for topic in default_tree().topics])


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 4))]
)
async def test_every_answer_ends_read_by_the_newest_topics(
    world: World, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(reading_work, "AT_ONCE", 2)
    monkeypatch.setattr(reading_work, "MARKED_AT_ONCE", 3)
    monkeypatch.setattr(reading_work, "MOST_MARKED", 4)
    chance = random.Random(seed)
    day = Day(world, chance)
    stop = asyncio.Event()
    working = [asyncio.create_task(day.keep_working(stop)) for _ in range(2)]
    await day.say()
    for _ in range(40):
        await chance.choice((day.say, day.say, day.say, day.correct, day.switch))()
        if chance.random() < 0.5:
            await asyncio.sleep(chance.random() / 50)
    stop.set()
    await asyncio.gather(*working)
    await work(world)
    listed, _ = await topics(world)
    assert listed["reading"]["state"] == "current"
    newest = as_put(listed)
    for reference, text in day.texts.items():
        shown = (await world.call("GET", f"/answers/{reference}")).json()["reading"]
        if text is None:
            assert shown is None
            continue
        expected = read(text, newest)
        assert shown["state"] == "enriched"
        assert shown["score"] == expected.score
        assert [one["code"] for one in shown["topics"]] == [m.topic for m in expected.mentions]
        about, sentiment = day.corrected.get(reference, ("", ""))
        assert shown["sentiment"] == (sentiment if about == text else expected.sentiment)
    await the_last_facts_tell_what_is_shown(world, day)


async def the_last_facts_tell_what_is_shown(world: World, day: Day) -> None:
    """And their revisions rise one by one, voids included."""
    answers = {fact.subject: fact for fact in await world.facts("answer")}
    last: dict[Any, Any] = {}
    for fact in await world.facts("answer_reading"):
        before = last.get(fact.data.answer)
        assert fact.revision == (1 if before is None else before.revision + 1)
        assert before is None or fact.recorded_at > before.recorded_at
        last[fact.data.answer] = fact
    with_words = {id_ for id_, fact in answers.items() if fact.data.has_text}
    assert {id_ for id_, fact in last.items() if not fact.void} == with_words
    assert len(with_words) == sum(text is not None for text in day.texts.values())
