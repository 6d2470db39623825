"""`otklik positions`: where the log lost what comes next is said, and passed only when told to."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from otklik_common.runtime import make_platform
from tests.support.app import all_modules, migrated_database, settings_of
from tests.support.deployment import Process
from tests.support.postgres import PostgresServer

GROUP, TOPIC = "metrics.facts", "otklik.feedback"


@dataclass
class World:
    """A migrated database with its log; `told` is the environment of a process over it."""

    admin: asyncpg.Connection
    told: Mapping[str, str]

    def otklik(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, output and errors of a command."""
        process = Process(list(arguments), self.told)
        process.start()
        assert process.running is not None
        return process.running.wait(60), process.output(), process.said()

    async def stands_at(self) -> int:
        """The position that was given."""
        return int(
            await self.admin.fetchval(
                "SELECT next FROM metrics.positions"
                " WHERE consumer = $1 AND topic = $2 AND partition = 3",
                GROUP,
                TOPIC,
            )
        )


@pytest_asyncio.fixture
async def world(postgres: PostgresServer) -> AsyncIterator[World]:
    """A group stands at record 500 of a partition that was made anew and has none."""
    settings = settings_of(await migrated_database(postgres, "positions"))
    assert settings.master_key is not None
    platform = make_platform(settings)
    await platform.log.ensure_topics([module.topic for module in all_modules()])
    await platform.close()
    admin = await asyncpg.connect(settings.admin_database_url)
    await admin.execute(
        "INSERT INTO metrics.positions (consumer, topic, partition, next)"
        " VALUES ($1, $2, 2, 0), ($1, $2, 3, 500)",
        GROUP,
        TOPIC,
    )
    yield World(
        admin,
        {
            "OTKLIK_DATABASE_URL": settings.database_url,
            "OTKLIK_MASTER_KEY": settings.master_key,
            "OTKLIK_POOL_SIZE": "2",
        },
    )
    await admin.close()


@pytest.mark.asyncio
async def test_a_gap_is_listed_and_diagnosed(world: World) -> None:
    code, output, errors = world.otklik("positions", "list", "--json")
    assert code == 1, errors
    rows: list[dict[str, Any]] = json.loads(output)["positions"]
    assert [(row["partition"], row["next"], row["lacks"]) for row in rows] == [
        (2, 0, False),
        (3, 500, True),
    ]
    assert f"{TOPIC}/3" in world.otklik("positions", "list")[1]

    code, output, _ = world.otklik("doctor", "--json")
    assert code == 1
    checks = {one["check"]: one for one in json.loads(output)["checks"]}
    finding = checks[f"records of {GROUP}"]
    assert finding["value"] == f"{TOPIC}/3 keeps 0 to 0, but 500 comes next"
    assert f"`otklik positions go-on {GROUP}`" in finding["advice"]
    assert await world.stands_at() == 500


@pytest.mark.asyncio
async def test_a_group_goes_on_only_when_it_is_named(world: World) -> None:
    code, _, errors = world.otklik("positions", "go-on", "metrics.fact")
    assert (code, "no group 'metrics.fact'" in errors) == (1, True)
    assert await world.stands_at() == 500

    code, output, errors = world.otklik("positions", "go-on", GROUP)
    assert code == 0, errors
    assert f"{TOPIC}/3" in output
    assert f"{TOPIC}/2" not in output
    assert await world.stands_at() == 0
    code, output, _ = world.otklik("positions", "go-on", GROUP)
    assert (code, output) == (0, f"{GROUP} lacks nothing\n")
    assert world.otklik("positions", "list")[0] == 0
