"""What a process shows of its clock, its event loop, its checks, its pools and its database."""

import asyncio
import math
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import pytest
import pytest_asyncio

from otklik_common import vitals
from otklik_common.db import Database
from otklik_common.errors import Unavailable
from otklik_common.module import Platform
from otklik_common.runtime import failing_checks, make_platform
from otklik_common.settings import Settings
from otklik_common.vitals import Vitals, keep_vitals, skew_of
from tests.support.app import migrated_database, settings_of
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.asyncio

SCHEMA = "access"
LABELS = {"schema": SCHEMA}
VITALS = {"vitals", "vitals.loop"}
"""Names of the tasks."""


LETTER = """
    INSERT INTO access.dead_letter
        (tenant, consumer, topic, partition, "offset", key, value, reason, recorded_at)
    VALUES ('t', 'access.directory', 'otklik.access', 0, $1, 'k', '', 'bad', now())"""


@dataclass
class World:
    """A migrated database, and what a worker of access shows of it."""

    settings: Settings
    platform: Platform
    vitals: Vitals
    admin: asyncpg.Connection

    def value(self, name: str, **labels: str) -> float:
        """A sample of the worker's registry."""
        found = self.platform.registry.get_sample_value(name, labels)
        assert found is not None, f"{name}{labels} is not shown"
        return found


@pytest_asyncio.fixture
async def world(postgres: PostgresServer) -> AsyncIterator[World]:
    """One for each test."""
    url = await migrated_database(postgres, f"vitals_{time.monotonic_ns()}")
    settings = settings_of(url, pool_size=2)
    platform = make_platform(settings)
    made = Vitals(platform, [SCHEMA], "worker", failing_checks)
    admin = await asyncpg.connect(url)
    yield World(settings, platform, made, admin)
    await admin.close()
    await platform.close()


async def test_the_skew_is_how_far_the_database_is_ahead(world: World) -> None:
    assert math.isnan(world.value("otklik_clock_skew_seconds"))
    await world.vitals.look()
    assert abs(world.value("otklik_clock_skew_seconds")) < 0.5

    database = world.platform.database(SCHEMA, "worker")
    behind = await skew_of(database, lambda: time.time() - 7)
    ahead = await skew_of(database, lambda: time.time() + 3)
    assert behind == pytest.approx(7, abs=0.5)
    assert ahead == pytest.approx(-3, abs=0.5)


async def test_a_clock_that_cannot_be_read_is_not_a_right_one(world: World) -> None:
    nowhere = world.settings.model_copy(
        update={"database_url": "postgresql:///nowhere?host=/nowhere"}
    )
    platform = make_platform(nowhere)
    lost = Vitals(platform, [SCHEMA], "api", failing_checks)
    await lost.look()
    skew = platform.registry.get_sample_value("otklik_clock_skew_seconds")
    assert skew is not None
    assert math.isnan(skew)
    failing = {"check": f"database {SCHEMA} as api"}
    assert platform.registry.get_sample_value("otklik_check_failing", failing) == 1
    await platform.close()


async def test_a_check_that_fails_is_shown_by_its_name(world: World) -> None:
    well = True

    async def check() -> None:
        if not well:
            raise Unavailable("the relay waits")

    world.platform.checks["access.relay"] = check
    await world.vitals.look()
    assert world.value("otklik_check_failing", check="access.relay") == 0
    assert world.value("otklik_check_failing", check=f"database {SCHEMA} as worker") == 0
    well = False
    await world.vitals.look()
    assert world.value("otklik_check_failing", check="access.relay") == 1


async def test_a_report_that_is_read_for_long_is_seen_though_its_login_is_another(
    world: World,
) -> None:
    reader = await Database(world.settings, SCHEMA, "api").connect()
    async with reader.transaction(isolation="repeatable_read", readonly=True):
        await reader.fetch("SELECT count(*) FROM access.company")
        await world.vitals.look()
        await asyncio.sleep(0.3)
        await world.vitals.look()
        assert world.value("otklik_oldest_snapshot_seconds", **LABELS) >= 0.3
    await world.vitals.look()
    assert world.value("otklik_oldest_snapshot_seconds", **LABELS) < 0.3
    await reader.close()


async def test_letters_and_dead_rows_are_counted_until_they_are_gone(world: World) -> None:
    await world.vitals.look()
    assert world.value("otklik_dead_letters_open", **LABELS) == 0
    await world.admin.executemany(LETTER, [(1,), (2,)])
    await world.admin.execute("ALTER TABLE access.outbox SET (autovacuum_enabled = false)")
    await world.admin.execute(
        "INSERT INTO access.outbox (tenant, key, payload)"
        " SELECT 't', 'k', '' FROM generate_series(1, 500)"
    )
    await world.admin.execute("DELETE FROM access.outbox")
    await world.admin.execute("SELECT pg_stat_force_next_flush()")
    await world.vitals.look()
    assert world.value("otklik_dead_letters_open", **LABELS) == 2
    assert world.value("otklik_outbox_dead_rows", **LABELS) == 500

    await world.admin.execute("UPDATE access.dead_letter SET redriven_at = now()")
    await world.admin.execute("VACUUM access.outbox")
    await world.admin.execute("SELECT pg_stat_force_next_flush()")
    await world.vitals.look()
    assert world.value("otklik_dead_letters_open", **LABELS) == 0
    assert world.value("otklik_outbox_dead_rows", **LABELS) == 0


async def test_a_blocked_event_loop_is_felt(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vitals, "BEAT_SECONDS", 0.05)
    await world.vitals.start()
    await asyncio.sleep(0.15)
    before = world.value("otklik_event_loop_late_seconds_sum")
    time.sleep(0.4)  # noqa: ASYNC251 - this is what must be felt
    await asyncio.sleep(0.15)
    await world.vitals.stop()
    assert world.value("otklik_event_loop_late_seconds_sum") - before > 0.25


async def test_waiting_for_a_connection_is_shown(world: World) -> None:
    database = world.platform.database(SCHEMA, "api")
    labels = {"schema": SCHEMA, "role": "api"}

    async def hold() -> None:
        async with database.begin("t"):
            await asyncio.sleep(0.3)

    await asyncio.gather(*(hold() for _ in range(3)))
    assert world.value("otklik_pool_wait_seconds_count", **labels) == 3
    assert world.value("otklik_pool_wait_seconds_sum", **labels) >= 0.25
    quick = world.value("otklik_pool_wait_seconds_bucket", **labels, le="0.1")
    assert quick <= 2


async def test_a_process_shows_its_vitals_from_its_start_to_its_end(world: World) -> None:
    platform = make_platform(world.settings)
    keep_vitals(platform, [SCHEMA], "api", failing_checks)
    before = asyncio.all_tasks()
    for hook in platform.on_start:
        await hook()
    assert {task.get_name() for task in asyncio.all_tasks() - before} >= VITALS
    name = "otklik_clock_skew_seconds"
    for _ in range(200):
        if not math.isnan(platform.registry.get_sample_value(name) or 0.0):
            break
        await asyncio.sleep(0.02)
    await platform.close()
    assert VITALS.isdisjoint({task.get_name() for task in asyncio.all_tasks() - before})
    skew = platform.registry.get_sample_value(name)
    assert skew is not None
    assert abs(skew) < 0.5
