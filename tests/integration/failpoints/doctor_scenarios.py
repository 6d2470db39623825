"""A source that falls silent."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg

from otklik_common.db import Database
from otklik_common.directory import Directory
from otklik_common.events.contact_center import Source
from otklik_common.events.registry import decode
from otklik_common.runtime import make_platform
from otklik_common.settings import Settings
from otklik_contact_center.actions.doctor_work import Doctor
from otklik_contact_center.module import MODULE
from tests.integration.failpoints.contact_center_scenarios import BASE, SCHEMA, a_company
from tests.integration.failpoints.over_http import client_of, until_answered
from tests.integration.failpoints.stage import TENANT, Scenario, Stage, patiently

_HOUR = timedelta(hours=1)
_DEFAULT = f"{TENANT}.default"


async def a_feed_that_stopped(settings: Settings) -> None:
    """Something every minute for nine weeks, and nothing for three hours in which we listened."""
    await a_company(settings)
    async with client_of(MODULE, settings) as client:
        await until_answered(lambda: client.get(f"{BASE}/sources"))
    last = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - 3 * _HOUR
    admin = await asyncpg.connect(settings.admin_database_url)
    await admin.execute("DELETE FROM contact_center.source_hour")
    whole = (1 << 60) - 1
    await admin.executemany(
        "INSERT INTO contact_center.source_hour (tenant, source, hour, minutes, heard_at,"
        " arrived_at) VALUES ($1, $2, $3, $4, $5, $5)",
        [
            (TENANT, _DEFAULT, last - hour * _HOUR, whole, last - (hour - 1) * _HOUR)
            for hour in range(1, 9 * 168)
        ],
    )
    await admin.executemany(
        "INSERT INTO contact_center.intake_hour VALUES ($1, $2)"
        " ON CONFLICT (hour) DO UPDATE SET minutes = excluded.minutes",
        [(last + hour * _HOUR, whole) for hour in range(3)],
    )
    await admin.close()


async def look_until_it_is_told(settings: Settings) -> None:
    """Look at sources until one is silent."""
    worker, api = Database(settings, SCHEMA, "worker"), Database(settings, SCHEMA, "api")
    admin = await asyncpg.connect(settings.admin_database_url)
    platform = make_platform(settings)
    try:
        doctor = Doctor(worker, platform.sealer, Directory(api), platform.now)
        while not await admin.fetchval(
            "SELECT EXISTS (SELECT FROM contact_center.source WHERE silent_since IS NOT NULL)"
        ):
            await doctor.step()
            await asyncio.sleep(0.02)
    finally:
        await admin.close()
        await platform.close()
        await worker.close()
        await api.close()


async def its_silence_is_told_once(stage: Stage) -> None:
    """Made, and silenced."""
    rows = await stage.admin.fetch("SELECT payload FROM contact_center.outbox ORDER BY id")
    events = [decode(row["payload"]) for row in rows]
    told = [
        (one.revision, one.verb, one.data.silent) for one in events if isinstance(one.data, Source)
    ]
    assert told == [(1, "created", False), (2, "silenced", True)]


SILENCED = Scenario(
    "silenced", a_feed_that_stopped, patiently(look_until_it_is_told), its_silence_is_told_once
)
