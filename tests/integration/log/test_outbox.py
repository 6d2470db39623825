"""Facts in the outbox: of their transaction, of one company, of one moment, or not at all."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from otklik_common import outbox
from otklik_common.events.registry import decode
from tests.integration.log.conftest import World, break_off
from tests.support.log_probe.probe import TENANT, a_branch, outbox_is_empty

pytestmark = pytest.mark.asyncio


async def test_facts_wait_in_the_outbox_of_their_transaction(world: World) -> None:
    subject = uuid4()
    before = datetime.now(UTC) - timedelta(seconds=1)
    async with world.api.begin(TENANT) as tx:
        recorder = await outbox.recorder(tx, TENANT)
        assert await outbox.recorder(tx, TENANT) is recorder
        await recorder.append([a_branch(subject, n, recorder.now) for n in (1, 2, 3)])
        await recorder.append([])
    assert before < recorder.now < datetime.now(UTC) + timedelta(seconds=1)
    rows = await world.admin.fetch("SELECT tenant, key, payload FROM probe.outbox ORDER BY id")
    assert [(row["tenant"], row["key"]) for row in rows] == [(TENANT, f"branch/{subject}")] * 3
    assert [decode(row["payload"]).revision for row in rows] == [1, 2, 3]
    assert {decode(row["payload"]).recorded_at for row in rows} == {recorder.now}


async def test_what_is_rolled_back_was_never_said(world: World) -> None:
    await break_off(world, uuid4())
    assert await outbox_is_empty(world.worker)


async def test_a_pooled_connection_does_not_lend_a_recorder(world: World) -> None:
    times = []
    for _ in range(3):
        async with world.api.begin(TENANT) as tx:
            times.append((await outbox.recorder(tx, TENANT)).now)
        async with world.api.begin(TENANT) as tx:
            with pytest.raises(RuntimeError, match="recorder"):
                await outbox.append(tx, [])
    assert times == sorted(set(times))


async def test_an_oversized_fact_is_refused(world: World) -> None:
    async with world.api.begin(TENANT) as tx:
        recorder = await outbox.recorder(tx, TENANT)
        fact = a_branch(uuid4(), 1, recorder.now)
        big = fact.data.model_copy(update={"names": {"ru": "я" * 9000}})
        with pytest.raises(outbox.FactTooLarge, match=r"has 18\d\d\d bytes; at most 16384"):
            await recorder.append([replace(fact, data=big)])


async def test_a_fact_of_another_company_or_of_the_past_is_refused(world: World) -> None:
    async with world.api.begin(TENANT) as tx:
        recorder = await outbox.recorder(tx, TENANT)
        fact = a_branch(uuid4(), 1, recorder.now)
        with pytest.raises(ValueError, match="belongs to other234, not to probe234"):
            await recorder.append([replace(fact, tenant="other234")])
        early = recorder.now - timedelta(microseconds=1)
        with pytest.raises(ValueError, match="before its transaction"):
            await recorder.append([replace(fact, recorded_at=early)])


async def test_a_worker_states_facts_of_many_companies(world: World) -> None:
    async with world.worker.begin_as_worker() as tx:
        now = (await outbox.recorder(tx)).now
        await outbox.append(
            tx, [a_branch(uuid4(), 1, now, tenant=tenant) for tenant in ("abcdefgh", "bcdefghi")]
        )
    tenants = await world.admin.fetch("SELECT tenant FROM probe.outbox ORDER BY id")
    assert [row["tenant"] for row in tenants] == ["abcdefgh", "bcdefghi"]


async def test_a_clock_that_steps_back_records_nothing_before_a_promise(world: World) -> None:
    floor = datetime.now(UTC) + timedelta(hours=1)
    micros = int(floor.timestamp() * 1_000_000)
    before = await world.admin.fetchval("SELECT last_value FROM probe.recorded_floor")
    await world.admin.execute("SELECT setval('probe.recorded_floor', $1)", micros)
    try:
        async with world.api.begin(TENANT) as tx:
            now = (await outbox.recorder(tx, TENANT)).now
    finally:
        await world.admin.execute("SELECT setval('probe.recorded_floor', $1)", before)
    assert abs(now - floor) < timedelta(milliseconds=1)
