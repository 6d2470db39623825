"""A link that is cut, from the push that does not come to the number that somebody is called by."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from otklik_contact_center.actions.doctor_work import Doctor
from otklik_contact_center.store.columns import SCHEMA
from otklik_metrics.actions import exposition
from otklik_metrics.store.tables import SCHEMA as METRICS
from tests.support.app import Running, running_app
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.asyncio

WHOLE_HOUR = (1 << 60) - 1
HOUR = timedelta(hours=1)
SHOWN_SECONDS = 45


@pytest_asyncio.fixture
async def running(postgres: PostgresServer) -> AsyncIterator[Running]:
    """Every service, without its workers."""
    async with running_app(postgres, "silent_sources") as made:
        yield made


async def lived(running: Running, source: str) -> None:
    """Something every minute for nine weeks, and nothing for three hours in which we listened."""
    tenant = source.partition(".")[0]
    last = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - 3 * HOUR
    await running.admin.execute("DELETE FROM contact_center.source_hour")
    await running.admin.executemany(
        "INSERT INTO contact_center.source_hour (tenant, source, hour, minutes, heard_at,"
        " arrived_at) VALUES ($1, $2, $3, $4, $5, $5)",
        [
            (tenant, source, last - hour * HOUR, WHOLE_HOUR, last - (hour - 1) * HOUR)
            for hour in range(1, 9 * 168)
        ],
    )
    await running.admin.executemany(
        "INSERT INTO contact_center.intake_hour VALUES ($1, $2)"
        " ON CONFLICT (hour) DO UPDATE SET minutes = excluded.minutes",
        [(last + hour * HOUR, WHOLE_HOUR) for hour in range(3)],
    )


async def until(running: Running, condition: str) -> None:
    """Wait until the database says so."""
    async with asyncio.timeout(SHOWN_SECONDS):
        while not await running.admin.fetchval(condition):  # noqa: ASYNC110 - it is elsewhere
            await asyncio.sleep(0.1)


async def look_until(running: Running, condition: str) -> None:
    """Look at sources, as the worker does every half a minute, until it holds of one."""
    lent = running.platform
    doctor = Doctor(lent.database(SCHEMA, "worker"), lent.sealer, lent.directory(SCHEMA), lent.now)
    found = f"SELECT EXISTS (SELECT FROM contact_center.source WHERE {condition})"
    async with asyncio.timeout(SHOWN_SECONDS):
        while not await running.admin.fetchval(found):
            await doctor.step()
            await asyncio.sleep(0.1)


async def test_a_link_that_is_cut_is_a_number_and_a_number_no_more_once_it_is_mended(
    running: Running,
) -> None:
    company = await running.company()
    headers = {"Authorization": f"Bearer {company.key}"}

    async def push(name: str) -> None:
        event = {"id": name, "contact": name, "type": "queued", "channel": "call",
                 "at": datetime.now(UTC).isoformat()}  # fmt: skip
        answer = await running.client.post("/contact-center/v1/events", json=event, headers=headers)
        assert answer.status_code == 202, answer.text

    async def until_shown(value: float) -> None:
        series = f'otklik_source_silent{{company="{company.tenant}",product="generic"}} {value}'
        began = time.monotonic()
        while series not in (body := (await running.client.get("/metrics", headers=headers)).text):
            assert time.monotonic() - began < SHOWN_SECONDS, body
            worker = running.platform.database(METRICS, "worker")
            await exposition.refresh_once(running.platform, worker, datetime.now(UTC))
            await asyncio.sleep(0.5)

    source = f"{company.tenant}.default"
    async with running.at_work():
        await until(
            running, "SELECT EXISTS (SELECT FROM contact_center.directory WHERE kind = 'key')"
        )
        await push("one")
        await until_shown(0.0)
        await lived(running, source)
        await look_until(running, "silent_since IS NOT NULL")
        await until_shown(1.0)
        await push("two")
        await look_until(running, "silent_since IS NULL")
        await until_shown(0.0)
    rows = await running.admin.fetch(
        "SELECT revision, silent, silent_since IS NULL AS heard FROM metrics.facts_source"
    )
    assert [tuple(row) for row in rows] == [(3, False, True)]
