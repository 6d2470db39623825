"""Group commit when things go wrong: nobody is answered too early, and nobody suffers for another."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from otklik_common.errors import Unavailable
from otklik_contact_center.actions import intake as intakes
from otklik_contact_center.actions.intake import ALL_NEW, Intake
from otklik_contact_center.actions.lines import Verdict
from otklik_contact_center.actions.meters import Meters
from otklik_contact_center.store.inbox import RefusedRow, Row
from tests.integration.contact_center.conftest import World, now


def a_row(world: World, name: str, **more: Any) -> Row:
    row = Row(
        world.tenant, f"{world.tenant}.default", name, "c", b"h", b"body", now(), now(), None, 0
    )
    return row._replace(**more)


@pytest_asyncio.fixture
async def intake(world: World) -> AsyncIterator[Intake]:
    made = Intake(world.pusher, Meters(None))
    await made.start()
    yield made
    await made.stop()


@pytest.mark.asyncio
async def test_companies_share_a_statement_and_not_their_rows(world: World, intake: Intake) -> None:
    tenants = ["aaaaaaab", "aaaaaaac", "aaaaaaad"]
    rows = [a_row(world, f"shared-{world.tenant}", tenant=tenant) for tenant in tenants]
    verdicts = await asyncio.gather(*(intake.submit([row]) for row in rows))
    assert verdicts == [ALL_NEW] * 3
    again = await asyncio.gather(*(intake.submit([row]) for row in rows))
    assert [list(verdict.duplicates) for verdict in again] == [[0]] * 3


@pytest.mark.asyncio
async def test_rows_of_a_flush_keep_what_each_of_them_says(world: World, intake: Intake) -> None:
    odd = datetime(2026, 3, 2, 9, 14, 5, 999_999, tzinfo=timezone(timedelta(hours=3)))
    old = datetime(1990, 1, 1, 0, 0, 0, 1, tzinfo=UTC)
    rows = [
        a_row(world, "a", contact="ca", at=odd, lane=1),
        a_row(world, "b", contact="cb", at=old, received_at=odd, traceparent="00-trace"),
        a_row(world, "c", contact="cc"),
    ]
    await intake.submit(rows)
    kept = await world.admin.fetch(
        "SELECT i.id, contact, at, received_at, traceparent, lane FROM contact_center.inbox i"
        " JOIN contact_center.dirty USING (tenant, source, contact) WHERE tenant = $1 ORDER BY i.id",
        world.tenant,
    )
    assert [tuple(row) for row in kept] == [
        (row.id, row.contact, row.at, row.received_at, row.traceparent, row.lane) for row in rows
    ]


@pytest.mark.asyncio
async def test_many_may_wait_that_keep_no_body(world: World, intake: Intake) -> None:
    refusals = [
        RefusedRow(world.tenant, f"{world.tenant}.default", mark, "malformed", None, b"d", now())
        for mark in (b"1", b"2", b"3")
    ]
    await asyncio.gather(*(intake.submit([], [refused]) for refused in refusals))
    assert await world.count("refused") == 3


@pytest.mark.asyncio
async def test_a_row_that_the_database_refuses_fails_alone(world: World, intake: Intake) -> None:
    bad = a_row(world, "bad\0id")
    results = await asyncio.gather(
        *(intake.submit([a_row(world, f"good-{n}")]) for n in range(10)),
        intake.submit([bad]),
        *(intake.submit([a_row(world, f"good-{n}")]) for n in range(10, 20)),
        return_exceptions=True,
    )
    failed = [result for result in results if isinstance(result, Exception)]
    assert len(failed) == 1
    assert isinstance(results[10], asyncpg.PostgresError | ValueError)
    assert await world.count("inbox") == 20
    assert await intake.submit([a_row(world, "after")]) == ALL_NEW


@pytest.mark.asyncio
async def test_a_lost_connection_is_made_anew(world: World, intake: Intake) -> None:
    await intake.submit([a_row(world, "before")])
    await world.admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE usename = 'otklik_contact_center_pusher'"
    )
    assert await intake.submit([a_row(world, "after")]) == ALL_NEW
    assert await world.count("inbox") == 2


@pytest.mark.asyncio
async def test_a_database_that_is_away_is_said_to_be(
    world: World, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intakes, "RECONNECT_SECONDS", 0.01)

    async def refuse() -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(intake, "_connect", refuse)
    with pytest.raises(Unavailable) as away:
        await intake.submit([a_row(world, "lost")])
    assert away.value.code == "database_unavailable"
    assert away.value.headers["Retry-After"] == "2"
    monkeypatch.undo()
    assert await intake.submit([a_row(world, "kept")]) == ALL_NEW


@pytest.mark.asyncio
async def test_too_much_waiting_is_refused_before_it_is_held(
    world: World, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intakes, "MOST_WAITING_ROWS", 100)
    blocker = await asyncpg.connect(world.settings.admin_database_url)
    try:
        async with blocker.transaction():
            await blocker.execute("LOCK TABLE contact_center.inbox IN SHARE MODE")
            waiting = asyncio.create_task(
                intake.submit([a_row(world, f"w{n}") for n in range(100)])
            )
            await asyncio.sleep(0.05)
            with pytest.raises(Unavailable) as full:
                await intake.submit([a_row(world, "one more")])
            assert full.value.code == "overloaded"
        assert await waiting == ALL_NEW
    finally:
        await blocker.close()
    assert await intake.submit([a_row(world, "one more")]) == ALL_NEW


@pytest.mark.asyncio
async def test_a_company_that_fills_its_half_leaves_room_for_others(
    world: World, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intakes, "MOST_WAITING_ROWS", 100)
    blocker = await asyncpg.connect(world.settings.admin_database_url)
    try:
        async with blocker.transaction():
            await blocker.execute("LOCK TABLE contact_center.inbox IN SHARE MODE")
            rows = [a_row(world, f"mine-{n}") for n in range(50)]
            mine = asyncio.create_task(intake.submit(rows))
            await asyncio.sleep(0.05)
            with pytest.raises(Unavailable) as full:
                await intake.submit([a_row(world, "one more of mine")])
            assert full.value.code == "overloaded"
            other = a_row(world, f"other-{world.tenant}", tenant="aaaaaaae")
            others = asyncio.create_task(intake.submit([other]))
        assert (await mine, await others) == (ALL_NEW, ALL_NEW)
    finally:
        await blocker.close()
    assert await intake.submit([a_row(world, "one more of mine")]) == ALL_NEW


@pytest.mark.asyncio
async def test_a_single_event_does_not_wait_behind_a_batch(world: World, intake: Intake) -> None:
    blocked = a_row(world, "blocked")
    blocker = await asyncpg.connect(world.settings.admin_database_url)
    try:
        async with blocker.transaction():
            await blocker.execute(
                "INSERT INTO contact_center.inbox (tenant, source, id, contact, body_hash, body,"
                " at, received_at) VALUES ($1, $2, $3, 'c', 'h', 'b', now(), now())",
                blocked.tenant,
                blocked.source,
                blocked.id,
            )
            batch = asyncio.create_task(
                intake.submit([blocked, *(a_row(world, f"b{n}") for n in range(60))])
            )
            await asyncio.sleep(0.05)
            single = await asyncio.wait_for(intake.submit([a_row(world, "single")]), 2)
            assert single == ALL_NEW
            assert not batch.done()
        verdict = await batch
    finally:
        await blocker.close()
    assert verdict == Verdict(duplicates=[0], reused=[])


@pytest.mark.asyncio
async def test_pushes_of_the_same_events_in_other_orders_do_not_deadlock(
    world: World, intake: Intake
) -> None:
    rows = [a_row(world, f"e{n}") for n in range(300)]
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    before = await world.admin.fetchval(deadlocks)
    second = Intake(world.pusher, Meters(None))
    await second.start()
    try:
        verdicts = await asyncio.gather(
            *(one.submit(part) for one in (intake, second) for part in (rows, rows[::-1]) * 5)
        )
    finally:
        await second.stop()
    assert sum(300 - len(verdict.duplicates) for verdict in verdicts) == 300
    await world.admin.execute("SELECT pg_stat_force_next_flush(), pg_stat_clear_snapshot()")
    assert await world.admin.fetchval(deadlocks) == before
    assert await world.count("inbox") == 300


@pytest.mark.asyncio
async def test_what_waits_at_the_end_is_still_flushed(world: World) -> None:
    ending = Intake(world.pusher, Meters(None))
    await ending.start()
    waiting = [asyncio.create_task(ending.submit([a_row(world, f"e{n}")])) for n in range(50)]
    await asyncio.sleep(0)
    await ending.stop()
    assert await asyncio.gather(*waiting) == [ALL_NEW] * 50
    with pytest.raises(Unavailable):
        await ending.submit([a_row(world, "late")])
    assert await world.count("inbox") == 50


@pytest.mark.asyncio
async def test_whoever_cannot_be_told_keeps_nobody_else_waiting(
    world: World, intake: Intake
) -> None:
    def gone(_: object) -> None:
        raise RuntimeError("nobody hears this")

    for number in range(3):
        intake.offer([a_row(world, f"gone{number}")], gone)
    assert await intake.submit([a_row(world, "here")]) is ALL_NEW
    assert await world.count("inbox") == 4
    assert intake._waiting.parcels == 0
    assert not intake._waiting_of


@pytest.mark.asyncio
async def test_whose_flush_is_cut_off_at_the_end_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intakes, "DRAIN_SECONDS", 0.2)
    ending = Intake(world.pusher, Meters(None))
    await ending.start()
    row = a_row(world, "held")
    async with world.admin.transaction():  # whoever brings the same waits for this
        await world.admin.execute(
            "INSERT INTO contact_center.inbox"
            " (tenant, source, id, contact, body_hash, body, at, received_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            *row[:8],
        )
        waiting = asyncio.create_task(ending.submit([row]))
        await asyncio.sleep(0.1)
        await ending.stop()
        with pytest.raises(Unavailable):
            await asyncio.wait_for(waiting, 5)
