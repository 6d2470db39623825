"""Each event log in turn, and topics of one's own."""

from collections.abc import AsyncIterator
from typing import Final

import asyncpg
import pytest
import pytest_asyncio

from otklik_common.log import open_log
from otklik_common.log.kafka import KafkaLog
from otklik_common.log.port import Log
from otklik_common.log.table import TableLog
from tests.support.log_probe.probe import fresh_topic, probe_database
from tests.support.log_worlds import KafkaWorld, LogWorld, TableWorld, kafka_settings
from tests.support.postgres import PostgresServer

DATABASE: Final = "event_logs"


@pytest_asyncio.fixture(
    scope="session", params=["table", pytest.param("kafka", marks=pytest.mark.kafka)]
)
async def world(
    request: pytest.FixtureRequest, postgres: PostgresServer
) -> AsyncIterator[LogWorld]:
    """A log and its misfortunes."""
    if request.param == "kafka":
        broker = request.getfixturevalue("kafka")
        settings = await probe_database(postgres, f"{DATABASE}_kafka")
        kafka_log = open_log(kafka_settings(settings, broker.bootstrap))
        assert isinstance(kafka_log, KafkaLog)
        yield KafkaWorld(kafka_log, broker.bootstrap)
        await kafka_log.close()
        return
    settings = await probe_database(postgres, DATABASE)
    table_log = open_log(settings)
    assert isinstance(table_log, TableLog)
    admin = await asyncpg.connect(postgres.url(DATABASE))
    yield TableWorld(table_log, admin)
    await table_log.close()
    await admin.close()


@pytest_asyncio.fixture
async def log(world: LogWorld) -> Log:
    """The log under test."""
    return world.log


@pytest_asyncio.fixture
async def topic(log: Log) -> str:
    """A topic nobody else uses."""
    name = fresh_topic()
    await log.ensure_topics([name])
    return name
