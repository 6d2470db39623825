"""An answer is of one moment: what commits while it is read is in none of its numbers."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from otklik_common.db import Database
from otklik_common.settings import Settings
from tests.support.facts import an_answer
from tests.support.metrics_api import NOW, TEN, Office, a_body, answered, id_of
from tests.support.metrics_locks import nobody_reads, somebody_waits


@pytest.mark.asyncio
async def test_freshness_never_claims_what_the_numbers_have_not_seen(
    office: Office, metrics_settings: Settings
) -> None:
    before, after = NOW - timedelta(minutes=5), NOW - timedelta(minutes=1)
    await office.hear({"a": answered(), "b": an_answer(answered_at=TEN)})
    await office.admin.execute("DELETE FROM metrics.facts_reached")
    await office.numbers_reach(before)
    body = a_body("contacts_offered", "answers")
    async with nobody_reads(metrics_settings, "rollup_answer_day") as holder:
        asking = asyncio.create_task(office.call("POST", "/query", body))
        await somebody_waits(holder, "rollup_answer_day")
        # The contacts have been read by now, the answers have not.
        await office.hear({"late": answered()})
        await office.numbers_reach(after)
    found = (await asking).json()
    assert found["rows"][0]["contacts_offered"]["value"] == 1
    assert found["freshness"]["log"] == before.isoformat()
    assert (await office.query("contacts_offered"))["rows"][0]["contacts_offered"]["value"] == 2


@pytest.mark.asyncio
async def test_records_are_of_one_moment_too(office: Office, metrics_settings: Settings) -> None:
    await office.hear({"a": answered()})
    body = {"metric": {"name": "contacts_offered"}, "time": a_body("nps")["time"]}
    async with nobody_reads(metrics_settings, "facts_contact") as holder:
        asking = asyncio.create_task(office.call("POST", "/query/records", body))
        await somebody_waits(holder, "facts_contact")
        await holder.execute(
            "UPDATE metrics.facts_contact SET void = true WHERE tenant = $1", office.tenant
        )
    found = (await asking).json()["items"]
    assert [item["subject"] for item in found] == [str(id_of("a"))]


@pytest.mark.asyncio
async def test_a_snapshot_writes_nothing_and_leaves_its_connection_as_it_was(
    metrics_settings: Settings,
) -> None:
    shown = text("SELECT current_setting('transaction_isolation')")
    write = text("UPDATE metrics.facts_reached SET until = until")
    db = Database(metrics_settings.model_copy(update={"pool_size": 1}), "metrics", "worker")
    try:
        async with db.snapshot("someone2") as tx:
            assert (await tx.execute(shown)).scalar_one() == "repeatable read"
            with pytest.raises(DBAPIError, match="read-only"):
                await tx.execute(write)
        async with db.begin("someone2") as tx:
            assert (await tx.execute(shown)).scalar_one() == "read committed"
            await tx.execute(write)
    finally:
        await db.close()
