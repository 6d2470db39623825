"""Rollups on a real PostgreSQL: moved by what changes, whatever comes when and how often."""

import random
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otklik_common.db import raw
from otklik_common.events.access import Company
from otklik_common.events.envelope import Event, Fact
from otklik_common.ids import short_id
from otklik_metrics.actions import counting
from otklik_metrics.actions.checking import check
from otklik_metrics.actions.rebuild import build_all
from otklik_metrics.domain.histogram import MIDDLES, PAIR_BYTES, decode, quantile
from otklik_metrics.store.rollups import COMPACT_BYTES
from tests.integration.metrics.conftest import World
from tests.support.facts import (
    FACTS,
    MONDAY,
    a_contact,
    an_answer,
    an_answered_contact,
    an_event,
    heard,
)


async def take_in(world: World, *events: Event[Fact]) -> None:
    async with world.worker.begin_as_worker() as tx:
        await counting.take_in(await raw(tx), heard(*events))


async def cells(world: World, kind: str, grain: str, number: int) -> dict[tuple[Any, ...], Any]:
    at = "day" if grain == "day" else "at"
    rows = await world.admin.fetch(
        f'SELECT * FROM metrics."rollup_{kind}_{grain}" WHERE tenant = $1 AND set = $2',
        world.tenant,
        number,
    )
    return {
        (row[at], *(row[d] for d in ("d1", "d2", "d3", "d4") if row[d])): {
            name: value
            for name, value in row.items()
            if isinstance(value, int) and value and name not in ("set", "version")
        }
        for row in rows
    }


async def say_company(world: World, **said: Any) -> None:
    company = Company(**{"timezone": "Asia/Yekaterinburg", "created_at": MONDAY, **said})
    await world.admin.execute(
        "INSERT INTO metrics.directory (tenant, kind, subject, revision, epoch, void, data)"
        " VALUES ($1, 'company', $2, 1, 1, false, $3) ON CONFLICT (tenant, kind, subject)"
        " DO UPDATE SET data = excluded.data, revision = directory.revision + 1",
        world.tenant,
        UUID(int=1),
        company.model_dump_json(),
    )


@pytest.mark.asyncio
async def test_a_contact_moves_every_set_once(world: World) -> None:
    await take_in(world, an_event(an_answered_contact(), tenant=world.tenant))
    await take_in(world, an_event(an_answered_contact(), tenant=world.tenant))
    assert (await cells(world, "contact", "15m", 1))[(MONDAY,)]["answered_w15"] == 1
    day = await cells(world, "contact", "day", 13)
    assert day[date(2026, 3, 2), "tyumen", "first", "petrova"]["handle_ms"] == 120_000


@pytest.mark.asyncio
async def test_a_correction_days_later_moves_the_day_it_belongs_to(world: World) -> None:
    await take_in(world, an_event(an_answered_contact(branch="perm"), tenant=world.tenant))
    corrected = an_event(
        an_answered_contact(branch="tyumen"),
        tenant=world.tenant,
        revision=2,
        recorded_at=MONDAY + timedelta(days=7),
    )
    await take_in(world, corrected)
    by_branch = await cells(world, "contact", "day", 11)
    assert by_branch[date(2026, 3, 2), "perm"] == {}
    assert by_branch[date(2026, 3, 2), "tyumen"]["offered"] == 1
    assert (await check(world.worker, company=world.tenant)).differences == 0


@pytest.mark.asyncio
async def test_a_void_fact_takes_everything_out(world: World) -> None:
    await take_in(world, an_event(an_answered_contact(), tenant=world.tenant))
    await take_in(world, an_event(a_contact(), tenant=world.tenant, revision=2, void=True))
    assert list((await cells(world, "contact", "day", 11)).values()) == [{}]
    hists = await world.admin.fetch(
        "SELECT hist FROM metrics.histogram_contact_day WHERE tenant = $1", world.tenant
    )
    assert [decode(row["hist"]) for row in hists] == [{}] * len(hists)


@pytest.mark.asyncio
async def test_histograms_merge_in_sql_and_answer_within_one_per_cent(world: World) -> None:
    waits = [random.Random(7).randrange(100, 10**6) for _ in range(300)]
    await take_in(
        world,
        *(
            an_event(
                an_answered_contact(
                    wait, branch=f"b{n % 3}", offered_at=MONDAY + timedelta(hours=n)
                ),
                tenant=world.tenant,
                subject=f"c{n}",
            )
            for n, wait in enumerate(waits)
        ),
    )
    merged = await world.admin.fetchval(
        "SELECT string_agg(hist, ''::bytea) FROM metrics.histogram_contact_day"
        " WHERE tenant = $1 AND set = 11 AND measure = 1",
        world.tenant,
    )
    n, bucket = quantile(merged, Fraction(9, 10))
    true = sorted(waits)[269]
    assert n == 300
    assert bucket is not None
    assert abs(MIDDLES[bucket] - true) <= Fraction(true, 100)


@pytest.mark.asyncio
async def test_a_histogram_that_is_moved_often_stays_short(world: World) -> None:
    for revision in range(1, 400, 4):
        await take_in(
            world,
            *(
                an_event(
                    an_answered_contact(1_000 + 100 * (revision % 30) + n),
                    tenant=world.tenant,
                    subject=f"c{n}",
                    revision=revision,
                )
                for n in range(12)
            ),
        )
    sizes = await world.admin.fetch(
        "SELECT octet_length(hist) AS bytes, hist FROM metrics.histogram_contact_day WHERE tenant = $1",
        world.tenant,
    )
    assert max(row["bytes"] for row in sizes) < COMPACT_BYTES + 24 * PAIR_BYTES
    assert {sum(decode(row["hist"]).values()) for row in sizes} == {12}
    assert (await check(world.worker, company=world.tenant)).differences == 0


@pytest.mark.asyncio
async def test_days_are_those_of_the_company(world: World) -> None:
    await say_company(world)
    evening = datetime(2026, 3, 2, 19, 30, tzinfo=UTC)
    await take_in(world, an_event(an_answer(answered_at=evening), tenant=world.tenant))
    assert [day for day, *_ in await cells(world, "answer", "day", 11)] == [date(2026, 3, 3)]
    assert [at for at, *_ in await cells(world, "answer", "15m", 1)] == [evening]


@pytest.mark.asyncio
async def test_thresholds_of_the_companys_own_are_counted(world: World) -> None:
    await say_company(world, thresholds_seconds=(20, 12, 40))
    await take_in(world, an_event(an_answered_contact(waited_ms=12_001), tenant=world.tenant))
    (cell,) = (await cells(world, "contact", "15m", 1)).values()
    assert ("answered_own1" in cell, cell.get("answered_own2")) == (False, 1)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.asyncio
async def test_any_order_and_repetition_of_batches_counts_every_last_revision_once(
    world: World, data: st.DataObject
) -> None:
    """Several kinds and subjects, revised, voided, revived, repeated and shuffled into batches."""
    world.tenant = short_id()
    events = []
    for kind in data.draw(st.sets(st.sampled_from(sorted(FACTS)), min_size=1, max_size=3)):
        for _ in range(data.draw(st.integers(1, 3))):
            subject = uuid4()
            states = data.draw(st.lists(FACTS[kind], min_size=1, max_size=4))
            events += [
                an_event(
                    state,
                    tenant=world.tenant,
                    subject=subject,
                    revision=revision,
                    void=data.draw(st.booleans()) and data.draw(st.booleans()),
                )
                for revision, state in enumerate(states, 1)
            ]
    deliveries = data.draw(st.permutations(events + events[::2]))
    while deliveries:
        some = data.draw(st.integers(1, len(deliveries)))
        await take_in(world, *deliveries[:some])
        deliveries = deliveries[some:]
    report = await check(world.worker, company=world.tenant)
    assert report.shown == []
    assert report.facts <= len({event.subject for event in events}) * 2
    rebuilt = await build_all(world.worker, company=world.tenant)
    assert rebuilt.shown == []
    assert (await check(world.worker, company=world.tenant)).shown == []
