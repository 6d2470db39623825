"""A database in which everything is prepared, for each test."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from tests.integration.failpoints.stage import Case, Scenario, Stage
from tests.support.app import settings_of
from tests.support.kafka import KafkaBroker
from tests.support.log_worlds import kafka_settings
from tests.support.postgres import PostgresServer

PREPARED: dict[str, str] = {}
"""Names of the databases that were prepared, by scenario."""


async def _prepared(postgres: PostgresServer, scenario: Scenario) -> str:
    """The database that the tests of a scenario copy."""
    if scenario.name not in PREPARED:
        name = f"failpoints_{scenario.name}"
        await scenario.prepare(settings_of(await postgres.create_database(name)))
        PREPARED[scenario.name] = name
    return PREPARED[scenario.name]


@pytest_asyncio.fixture
async def stage(
    case: Case, request: pytest.FixtureRequest, postgres: PostgresServer, tmp_path: Path
) -> AsyncIterator[Stage]:
    """A database in which everything is prepared, and processes that end with the test."""
    template = await _prepared(postgres, case.scenario)
    name = f"at_{hashlib.md5(request.node.name.encode()).hexdigest()[:10]}"
    url = await postgres.create_database(name, template=template)
    settings = settings_of(url)
    if case.scenario.log == "kafka":
        broker: KafkaBroker = request.getfixturevalue("kafka")
        settings = kafka_settings(settings, broker.bootstrap)
    made = Stage(settings, await asyncpg.connect(url), tmp_path)
    yield made
    print(made.said())  # shown with a test that fails
    for child in made.children:
        child.close()
    await made.admin.close()
    await postgres.drop_database(name)
