"""Background work over the log in PostgreSQL: facts leave, contacts and keys arrive."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from otklik_common.events.contact_center import Channel, Contact, Direction
from otklik_common.events.envelope import Event
from otklik_common.events.feedback import Answer
from otklik_common.events.registry import decode, encode
from otklik_common.ids import subject_id
from otklik_common.migrate import Tree, migrate
from otklik_common.runtime import create_app, make_platform, run_side_by_side
from otklik_common.settings import Settings
from otklik_feedback.module import MODULE
from tests.integration.feedback.conftest import EARLY, PHONE, World
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.asyncio

TOPICS = ("otklik.access", "otklik.contact-center", "otklik.feedback")
PATIENCE = 15


@pytest_asyncio.fixture
async def working(postgres: PostgresServer, feedback_settings: Settings) -> AsyncIterator[World]:
    """A company in a database of its own, with feedback's workers at work."""
    url = await postgres.create_database("feedback_workers")
    settings = feedback_settings.model_copy(
        update={"database_url": url, "admin_database_url": url, "pool_size": 4}
    )
    await migrate(settings, [Tree(MODULE.schema, MODULE.migrations)])
    platform = make_platform(settings)
    admin = await asyncpg.connect(url)
    world = World(platform, admin, create_app([MODULE], platform))
    await world.found()
    await platform.log.ensure_topics(TOPICS)
    stop = asyncio.Event()
    running = asyncio.create_task(run_side_by_side(MODULE.workers(platform), stop))
    yield world
    stop.set()
    await running
    await admin.close()
    await platform.close()


async def until(found: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await found():  # noqa: ASYNC110 - another process's work has no event to wait for
            await asyncio.sleep(0.05)


async def published(world: World) -> list[Event[Any]]:
    rows = await world.admin.fetch(
        "SELECT value FROM log.records WHERE topic = 'otklik.feedback' ORDER BY partition, \"offset\""
    )
    return [decode(row["value"]) for row in rows]


async def publish(world: World, name: str, revision: int, branch: str, **said: Any) -> None:
    source = subject_id(world.tenant, "source", f"{world.tenant}.default")
    event = Event(
        tenant=world.tenant,
        subject=world.contact_id(name),
        revision=revision,
        verb="answered",
        time=EARLY,
        recorded_at=EARLY + timedelta(seconds=revision),
        data=Contact(
            source=source,
            channel=Channel.CALL,
            direction=Direction.IN,
            branch=branch,
            **said,
        ),
    )
    publisher = await world.platform.log.publisher("otklik.contact-center")
    await publisher.send([event.key], [encode(event)])


async def test_a_contact_told_on_the_log_reaches_the_answer_and_leaves_with_it(
    working: World,
) -> None:
    survey = await working.survey()
    said = {"branch": None, "contact": "pbx-1"}
    await working.answer("a-1", survey, {"nps": 3}, **said)

    async def first() -> bool:
        kinds = [event.data.kind for event in await published(working)]
        return sorted(kinds) == ["answer", "case", "survey"]

    await until(first)
    await publish(working, "pbx-1", 1, "perm")

    async def learned() -> bool:
        placed = [event for event in await published(working) if event.verb == "placed"]
        return {event.data.kind for event in placed} == {"answer", "case"}

    await until(learned)
    answers = [one for one in await published(working) if isinstance(one.data, Answer)]
    assert [(one.revision, one.data.branch) for one in answers] == [(1, None), (2, "perm")]
    assert await working.facts() == []
    await publish(working, "pbx-1", 1, "ufa")
    await working.answer("a-2", survey, {"nps": 9}, **said)

    async def born() -> bool:
        return any(event.subject != answers[0].subject for event in await published(working))

    await until(born)
    assert (await working.call("GET", "/answers/a-2")).json()["branch"] == "perm"


async def test_a_contact_that_cannot_be_read_is_set_aside_and_others_go_on(working: World) -> None:
    survey = await working.survey()
    await working.answer("a-1", survey, {"nps": 9}, branch=None, contact="pbx-1")
    publisher = await working.platform.log.publisher("otklik.contact-center")
    await publisher.send([f"contact/{uuid4()}"], [b'{"type":"otklik.contact.answered.v1"'])
    await publish(working, "pbx-1", 1, "perm")

    async def learned() -> bool:
        shown = await working.call("GET", "/answers/a-1")
        return bool(shown.json()["branch"] == "perm")

    await until(learned)
    rows = await working.admin.fetch("SELECT consumer FROM feedback.dead_letter")
    assert {row["consumer"] for row in rows} == {"feedback.contacts", "feedback.asking"}


async def test_words_are_read_as_they_come_and_what_they_say_leaves(working: World) -> None:
    survey = await working.survey()
    await working.answer("a-1", survey, {"nps": 9, "comment": "Агент опоздал"})

    async def told() -> bool:
        return "answer_reading" in {event.data.kind for event in await published(working)}

    await until(told)
    reading = (await working.call("GET", "/answers/a-1")).json()["reading"]
    assert (reading["state"], reading["sentiment"]) == ("enriched", "negative")


async def test_who_called_is_asked_by_the_workers_alone(working: World) -> None:
    survey = await working.survey()
    body = {"survey": survey, "trigger": "contact_ended", "channels": ["sms"]}
    assert (await working.call("PUT", "/programmes/after-call", body)).status_code == 200
    pseudonym = working.platform.pseudonyms.phone(working.tenant, PHONE)
    await publish(working, "pbx-9", 1, "perm", ended_at=datetime.now(UTC), identifiers=(pseudonym,))

    async def invited() -> bool:
        return any(event.data.kind == "invitation" for event in await published(working))

    await until(invited)
    [told] = [one for one in await published(working) if one.data.kind == "invitation"]
    assert told.data.contact == working.contact_id("pbx-9")
    assert told.data.identifiers == (pseudonym,)
