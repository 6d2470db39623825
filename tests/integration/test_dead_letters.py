"""`otklik dead-letters`: what could not be taken in is listed, taken up again, or given up."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from otklik.data import environment
from otklik.embedded import EmbeddedPostgres
from otklik_common.consumer import Consumer
from otklik_common.events.registry import encode
from otklik_common.module import Platform
from otklik_common.runtime import make_platform
from otklik_metrics.consumers import FACTS_GROUP, KeepHistory
from otklik_metrics.store import history
from otklik_metrics.store.history import GROUP, TOPICS
from tests.support.app import all_modules, migrated_database, settings_of
from tests.support.deployment import Process
from tests.support.facts import MONDAY, PHONE, an_answered_contact, an_event
from tests.support.postgres import PostgresServer, reachable_folder
from tests.support.taking_in import take_in

TENANT = "demo2abc"
LATER = MONDAY + timedelta(hours=1)
PLACE = "otklik.contact-center"

REFUSE = """
    CREATE FUNCTION metrics.refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'not today, % %', NEW.tenant, NEW.identifiers; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON metrics.facts_contact FOR EACH ROW
        WHEN (NEW.branch = 'odd') EXECUTE FUNCTION metrics.refuse()"""


@dataclass
class World:
    """
    A migrated database and what takes records in there.

    Attributes:
        told: The environment of a process over it.
    """

    platform: Platform
    admin: asyncpg.Connection
    told: dict[str, str]
    consumers: Mapping[str, Consumer]

    async def take_in(self, group: str) -> None:
        """Let a group read all that is on the log."""
        await take_in(self.consumers[group], self.platform.log, self.admin)

    async def until(self) -> datetime | None:
        """Up to which moment `as_of` may be asked, after a look at the promises."""
        handler = self.consumers[GROUP].handler
        assert isinstance(handler, KeepHistory)
        await handler.caught_up({})
        async with self.platform.database("metrics", "worker").begin_as_worker() as tx:
            return await history.history_until(tx)

    async def promise(self, moment: datetime) -> None:
        """Let every relay say that it has sent what was recorded before a moment."""
        ends = await self.platform.log.ends(TOPICS)
        for topic in TOPICS:
            counts = [end for (of, _), end in sorted(ends.items()) if of == topic]
            await self.platform.log.publish_watermark(topic, moment, counts)

    def otklik(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, output and errors of a command."""
        return said(["dead-letters", *arguments], self.told)

    def letters(self, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
        """What a command answers as JSON."""
        ended, output, errors = self.otklik(*arguments, "--json")
        assert ended == code, errors
        found: list[dict[str, Any]] = json.loads(output)["dead_letters"]
        return found


def said(command: list[str], told: Mapping[str, str]) -> tuple[int, str, str]:
    process = Process(command, told)
    process.start()
    assert process.running is not None
    return process.running.wait(60), process.output(), process.said()


@pytest_asyncio.fixture
async def world(postgres: PostgresServer) -> AsyncIterator[World]:
    """Nothing was heard yet."""
    settings = settings_of(await migrated_database(postgres, "dead_letters"))
    assert settings.master_key is not None
    told = {
        "OTKLIK_DATABASE_URL": settings.database_url,
        "OTKLIK_MASTER_KEY": settings.master_key,
        "OTKLIK_POOL_SIZE": "2",
    }
    platform = make_platform(settings)
    modules = all_modules()
    await platform.log.ensure_topics([module.topic for module in modules])
    consumers = {
        group: consumer
        for module in modules
        for group, consumer in module.consumers(platform).items()
    }
    admin = await asyncpg.connect(settings.admin_database_url)
    yield World(platform, admin, told, consumers)
    await admin.close()
    await platform.close()


async def put_odd_aside(world: World) -> None:
    """Of two calls the facts refuse one; the history takes in both."""
    await world.admin.execute(REFUSE)
    publisher = await world.platform.log.publisher(PLACE)
    for branch in ("tyumen", "odd"):
        call = an_answered_contact(branch=branch, identifiers=(PHONE,))
        event = an_event(call, tenant=TENANT, subject=branch)
        await publisher.send([event.key], [encode(event)])
    await world.take_in(FACTS_GROUP)


async def heal(world: World) -> None:
    await world.admin.execute("DROP FUNCTION metrics.refuse() CASCADE")


async def branches(world: World) -> set[str]:
    rows = await world.admin.fetch("SELECT branch FROM metrics.facts_contact")
    return {row["branch"] for row in rows}


@pytest.mark.asyncio
async def test_every_service_offers_its_consumers_by_group(world: World) -> None:
    assert set(world.consumers) == {
        "access.directory",
        "contact-center.directory",
        "feedback.directory",
        "feedback.contacts",
        "feedback.asking",
        "loyalty.directory",
        "metrics.directory",
        FACTS_GROUP,
        GROUP,
    }


@pytest.mark.asyncio
async def test_a_letter_is_listed_without_what_it_says(world: World) -> None:
    await put_odd_aside(world)
    (letter,) = world.letters()
    assert (
        letter["id"]
        == f"metrics:{await world.admin.fetchval('SELECT max(id) FROM metrics.dead_letter')}"
    )
    assert (letter["service"], letter["group"]) == ("metrics", FACTS_GROUP)
    assert (letter["topic"], letter["state"]) == (PLACE, "open")
    assert letter["reason"].startswith("the handler failed: ")
    assert datetime.now(UTC) - datetime.fromisoformat(letter["since"]) < timedelta(minutes=5)
    code, output, _ = world.otklik()
    assert code == 0
    assert output.split()[:2] == [letter["id"], FACTS_GROUP]
    assert f"{PLACE}/{letter['partition']}/{letter['offset']}" in output
    assert letter["reason"] in output
    assert PHONE not in output + json.dumps(letter)
    assert world.letters("--service", "feedback") == []
    assert world.letters("--group", GROUP) == []

    code, output, _ = said(["doctor", "--json"], world.told)
    assert code == 1
    checks = {one["check"]: one for one in json.loads(output)["checks"]}
    assert not checks["metrics dead letters"]["ok"]
    assert "otklik dead-letters --service metrics" in checks["metrics dead letters"]["advice"]
    assert checks["feedback dead letters"]["ok"]


@pytest.mark.asyncio
async def test_a_letter_is_taken_in_once_its_cause_is_gone(world: World) -> None:
    await put_odd_aside(world)
    (letter,) = world.letters()
    code, output, _ = world.otklik("redrive")
    assert code == 1
    assert f"{letter['id']} still fails: the handler failed" in " ".join(output.split())
    assert world.letters("redrive", letter["id"], code=1)[0]["state"] == "open"
    assert await branches(world) == {"tyumen"}

    await heal(world)
    # The log is not asked: a broker that is away holds up nobody.
    world.told |= {"OTKLIK_LOG": "kafka", "OTKLIK_KAFKA_BOOTSTRAP": "127.0.0.1:1"}
    (settled,) = world.letters("redrive", "--service", "metrics", "--group", FACTS_GROUP)
    assert (settled["id"], settled["state"]) == (letter["id"], "taken in")
    assert await branches(world) == {"tyumen", "odd"}
    code, output, _ = said(["rebuild", "--check", "--json"], world.told)
    assert (code, json.loads(output)["differences"]) == (0, 0)
    assert json.loads(output)["compared"] > 0
    assert world.otklik()[1] == "no dead letters\n"
    # Both say how it stands, and change nothing.
    assert world.letters("redrive", letter["id"])[0]["state"] == "taken in"
    assert world.letters("give-up", letter["id"])[0]["state"] == "taken in"


@pytest.mark.asyncio
async def test_a_letter_of_a_group_that_is_no_more_can_only_be_given_up(world: World) -> None:
    await put_odd_aside(world)
    await heal(world)
    await world.admin.execute("UPDATE metrics.dead_letter SET consumer = 'metrics.former'")
    (letter,) = world.letters("redrive", code=1)
    assert letter["reason"].startswith("no service has a group metrics.former any more; ")
    assert world.letters("--group", "metrics.former")[0]["state"] == "open"
    assert world.letters("give-up", letter["id"])[0]["state"] == "given up"
    assert world.letters() == []


@pytest.mark.asyncio
async def test_the_past_waits_no_more_for_what_was_given_up(world: World) -> None:
    publisher = await world.platform.log.publisher("otklik.loyalty")
    await world.promise(MONDAY)
    assert await world.until() == MONDAY
    await publisher.send(["one", "two"], [b"?", b"??"])
    await world.take_in(GROUP)
    await world.promise(LATER)
    assert await world.until() == MONDAY
    ids = [letter["id"] for letter in world.letters("--group", GROUP)]
    assert len(ids) == 2

    assert world.letters("give-up", ids[0])[0]["state"] == "given up"
    assert await world.until() == MONDAY
    code, output, _ = world.otklik("give-up", *ids)
    assert (code, output.splitlines()[-1]) == (0, "2 settled, 0 still open")
    assert await world.until() == LATER
    # Given up is for good.
    assert [one["state"] for one in world.letters("redrive", *ids)] == ["given up"] * 2


@pytest.mark.asyncio
async def test_what_is_not_there_is_said_and_nothing_is_settled(world: World) -> None:
    await put_odd_aside(world)
    await heal(world)
    (letter,) = world.letters()
    for arguments, why in (
        (["redrive", letter["id"], "metrics:999"], "no dead letter has the id metrics:999"),
        (["give-up", letter["id"], "access:1"], "no dead letter has the id access:1"),
        (["redrive", letter["id"], "--group", GROUP], f"no dead letter of {GROUP} has the id"),
        (["redrive", "--group", "metrics.fact"], "no group 'metrics.fact'; there are access."),
    ):
        ended, output, errors = world.otklik(*arguments)
        assert (ended, output) == (1, ""), arguments
        assert why in errors
        assert "Traceback" not in errors
    assert [one["state"] for one in world.letters()] == ["open"]


@pytest.mark.asyncio
async def test_a_database_that_is_away_is_a_line_and_not_a_traceback(world: World) -> None:
    world.told["OTKLIK_DATABASE_URL"] = "postgresql://127.0.0.1:1/nothing"
    code, _, errors = world.otklik()
    assert code == 1
    assert errors.startswith("the database fails: ")
    assert errors.count("\n") == 1


@pytest.mark.asyncio
async def test_letters_of_a_data_folder_are_settled_too() -> None:
    with reachable_folder() as folder:
        (folder / "state.json").write_text("{}")
        postgres = EmbeddedPostgres.start(folder, fsync=False)
        try:
            code, _, errors = said(["migrate", "--data", str(folder)], {})
            assert code == 0, errors
            url = environment(folder, postgres)["OTKLIK_ADMIN_DATABASE_URL"]
            admin = await asyncpg.connect(url)
            await admin.execute(
                "INSERT INTO feedback.dead_letter"
                ' (consumer, topic, partition, "offset", reason, value)'
                " VALUES ('feedback.contacts', $1, 0, 0, 'unreadable', '?')",
                PLACE,
            )
            told = {"OTKLIK_DATA": str(folder)}
            code, output, errors = said(["dead-letters", "redrive", "--json"], told)
            assert code == 1, errors
            assert json.loads(output)["dead_letters"][0]["id"] == "feedback:1"
            code, output, errors = said(["dead-letters", "give-up", "feedback:1"], told)
            assert code == 0, errors
            left = await admin.fetchval(
                "SELECT count(*) FROM feedback.dead_letter WHERE redriven_at IS NULL"
            )
            assert left == 0
            await admin.close()
        finally:
            postgres.stop()
