"""Rebuilding: finding what is wrong, building beside what is live, replaying the log."""

import asyncio
import random
from datetime import timedelta

import pytest

from otklik_common.db import raw
from otklik_common.events.envelope import Event, Fact
from otklik_metrics.actions import counting
from otklik_metrics.actions.checking import check
from otklik_metrics.actions.rebuild import build_all
from otklik_metrics.actions.versions import (
    begin,
    finish,
    order_versions,
    step,
    sweep,
    under_construction,
)
from otklik_metrics.store import versions
from otklik_metrics.store.query_state import live_versions
from tests.integration.metrics.conftest import World
from tests.integration.metrics.test_rollups import say_company
from tests.support.facts import MONDAY, an_answered_contact, an_event, heard


async def take_in(world: World, *events: Event[Fact]) -> None:
    async with world.worker.begin_as_worker() as tx:
        await counting.take_in(await raw(tx), heard(*events))


def contacts(world: World, n: int, *, revision: int = 1, seed: int = 1) -> list[Event[Fact]]:
    """Revisions of `n` contacts over three weeks, at any time and in any branch."""
    draw = random.Random(f"{seed}/{revision}")
    return [
        an_event(
            an_answered_contact(
                draw.randrange(100_000),
                branch=draw.choice(["tyumen", "perm"]),
                offered_at=MONDAY + timedelta(minutes=draw.randrange(30_000)),
            ),
            tenant=world.tenant,
            subject=f"{seed}/{number}",
            revision=revision,
        )
        for number in range(n)
    ]


async def states(world: World) -> list[tuple[int, str]]:
    rows = await world.admin.fetch(
        "SELECT version, state FROM metrics.rollup_versions WHERE tenant = $1 ORDER BY version",
        world.tenant,
    )
    return [tuple(row) for row in rows]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (
            "UPDATE metrics.rollup_contact_day SET offered = offered + 1 WHERE tenant = $1 AND set = 11",
            "offered 1 by the facts, 2 in the rollup",
        ),
        ("DELETE FROM metrics.rollup_contact_15m WHERE tenant = $1", "0 in the rollup"),
        (
            "UPDATE metrics.histogram_contact_day SET hist = ''::bytea WHERE tenant = $1",
            "{} in the rollup",
        ),
        ("UPDATE metrics.facts_contact SET branch = 'omsk' WHERE tenant = $1", "0 by the facts"),
        ("DELETE FROM metrics.rollup_versions WHERE tenant = $1", "facts and no rollups"),
    ],
)
async def test_whatever_is_not_as_the_facts_say_is_found(
    world: World, damage: str, words: str
) -> None:
    await take_in(world, *contacts(world, 1))
    sound = await check(world.worker, company=world.tenant)
    assert (sound.differences, sound.facts) == (0, 1)
    assert sound.compared > 0
    await world.admin.execute(damage, world.tenant)
    report = await check(world.worker, company=world.tenant)
    assert report.differences > 0
    assert any(words in shown for shown in report.shown), report.shown
    assert all(world.tenant in shown for shown in report.shown)


@pytest.mark.asyncio
async def test_a_rebuild_puts_right_what_was_damaged(world: World) -> None:
    await take_in(world, *contacts(world, 50))
    await world.admin.execute(
        "UPDATE metrics.rollup_contact_day SET offered = 7 WHERE tenant = $1", world.tenant
    )
    report = await build_all(world.worker, company=world.tenant)
    assert (report.differences, report.facts) == (0, 50)
    assert (await check(world.worker, company=world.tenant)).differences == 0
    assert await states(world) == [(1, "retired"), (2, "live")]


@pytest.mark.asyncio
async def test_both_versions_are_kept_up_to_date_while_one_is_built(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After every step everything is corrected, moved in time, and added to."""
    monkeypatch.setattr("otklik_metrics.actions.versions.STEP", 7)
    await take_in(world, *contacts(world, 40))
    async with world.worker.begin_as_worker() as tx:
        found = await versions.find(await raw(tx), [world.tenant], ["contact"])
    await begin(world.worker, found[world.tenant, "contact"][0])
    steps = 1
    while await step(world.worker, world.tenant, "contact"):
        steps += 1
        await take_in(world, *contacts(world, 40, revision=steps))
        await take_in(world, *contacts(world, 3, seed=steps))
        assert (await check(world.worker, company=world.tenant)).shown == []
    assert steps > 4
    report = await finish(world.worker, world.tenant, "contact")
    assert (report.shown, await states(world)) == ([], [(1, "retired"), (2, "live")])
    await take_in(world, *contacts(world, 40, revision=1000))
    assert (await check(world.worker, company=world.tenant)).shown == []


@pytest.mark.asyncio
async def test_both_versions_are_right_under_concurrent_writers(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otklik_metrics.actions.versions.STEP", 5)
    await take_in(world, *contacts(world, 60))
    writing = True

    async def write(seed: int) -> None:
        revision = 1
        while writing:
            revision += 1
            events = contacts(world, 30, revision=revision * 10 + seed)
            await take_in(world, *random.Random(seed + revision).sample(events, 10))

    writers = [asyncio.create_task(write(seed)) for seed in range(3)]
    report = await build_all(world.worker, company=world.tenant)
    during = await check(world.worker, company=world.tenant)
    writing = False
    await asyncio.gather(*writers)
    assert (report.shown, during.shown) == ([], [])
    assert (await check(world.worker, company=world.tenant)).shown == []
    assert await states(world) == [(1, "retired"), (2, "live")]


@pytest.mark.asyncio
async def test_a_version_that_differs_from_the_facts_is_not_read(world: World) -> None:
    await take_in(world, *contacts(world, 5))
    async with world.worker.begin_as_worker() as tx:
        found = await versions.find(await raw(tx), [world.tenant], ["contact"])
    await begin(world.worker, found[world.tenant, "contact"][0])
    while await step(world.worker, world.tenant, "contact"):
        pass
    await world.admin.execute(
        "UPDATE metrics.rollup_contact_day SET ended = 9 WHERE tenant = $1 AND version = 2",
        world.tenant,
    )
    report = await finish(world.worker, world.tenant, "contact")
    assert report.differences > 0
    assert await states(world) == [(1, "live"), (2, "retired")]


@pytest.mark.asyncio
async def test_another_zone_and_other_thresholds_make_a_new_version(world: World) -> None:
    await take_in(world, *contacts(world, 20))
    await order_versions(world.worker)
    assert await states(world) == [(1, "live")]
    await say_company(world, thresholds_seconds=(7,))
    await order_versions(world.worker)
    await order_versions(world.worker)
    assert await states(world) == [(1, "live"), (2, "building")]
    # Before it is built the company changes its mind.
    await say_company(world, thresholds_seconds=(8,))
    await order_versions(world.worker)
    assert await states(world) == [(1, "live"), (2, "retired"), (3, "building")]
    for tenant, kind in await under_construction(world.worker):
        assert (await finish(world.worker, tenant, kind)).shown == []
    row = await world.admin.fetchrow(
        "SELECT * FROM metrics.rollup_versions WHERE tenant = $1 AND state = 'live'", world.tenant
    )
    assert row is not None
    assert (row["version"], row["timezone"], row["thresholds"]) == (3, "Asia/Yekaterinburg", [8])
    assert (await check(world.worker, company=world.tenant)).shown == []


@pytest.mark.asyncio
async def test_cells_of_a_retired_version_are_removed_when_nobody_reads_them(world: World) -> None:
    await take_in(world, *contacts(world, 5))
    await build_all(world.worker, company=world.tenant)
    before = await world.count("rollup_contact_day")
    await sweep(world.worker)
    assert await world.count("rollup_contact_day") == before
    await world.admin.execute(
        "UPDATE metrics.rollup_versions SET changed_at = now() - interval '11 minutes'"
        " WHERE tenant = $1 AND state = 'retired'",
        world.tenant,
    )
    await sweep(world.worker)
    assert await world.count("rollup_contact_day") == before // 2
    # Its row goes on telling by which zone the past was counted.
    assert await states(world) == [(1, "gone"), (2, "live")]


async def counted_by(world: World, other: str) -> None:
    """Let the rollups be counted otherwise than this build does."""
    await world.admin.execute(
        f"UPDATE metrics.rollup_versions SET {other} WHERE tenant = $1",
        world.tenant,
    )


async def is_read(world: World) -> bool:
    """Whether queries read the rollups of contacts."""
    async with world.api.begin(world.tenant) as tx:
        found = await live_versions(tx, world.tenant, ["contact"])
    return found["contact"].current


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "older",
    [
        "fold_version = 0",
        "tzdata = '2001a:other'",
        "tzdata = 'other'",
        "fold_version = 0, tzdata = '2999a:other'",
    ],
)
async def test_rollups_of_an_older_build_stand_still_and_are_replaced(
    world: World, older: str
) -> None:
    await take_in(world, *contacts(world, 5))
    assert await is_read(world)
    await counted_by(world, older)
    assert not await is_read(world)
    cells = await world.admin.fetch(
        "SELECT * FROM metrics.rollup_contact_day WHERE tenant = $1", world.tenant
    )
    await take_in(world, *contacts(world, 5, revision=2))
    still = await world.admin.fetch(
        "SELECT * FROM metrics.rollup_contact_day WHERE tenant = $1", world.tenant
    )
    assert still == cells
    assert (await check(world.worker, company=world.tenant)).standing == 1
    await order_versions(world.worker)
    await finish(world.worker, world.tenant, "contact")
    assert await states(world) == [(1, "retired"), (2, "live")]
    assert await is_read(world)
    report = await check(world.worker, company=world.tenant)
    assert (report.shown, report.standing) == ([], 0)


@pytest.mark.asyncio
@pytest.mark.parametrize("newer", ["fold_version = 99", "tzdata = '2999a:other'"])
async def test_rollups_of_a_newer_build_are_left_to_it(world: World, newer: str) -> None:
    await take_in(world, *contacts(world, 5))
    await counted_by(world, newer)
    assert not await is_read(world)
    with pytest.raises(versions.NewerBuildError, match="this build knows"):
        await take_in(world, *contacts(world, 5, revision=2))
    await order_versions(world.worker)
    assert await states(world) == [(1, "live")]
    # What it has begun is not given up either.
    await counted_by(world, "tzdata = '2001a:other', fold_version = 0")
    await order_versions(world.worker)
    await world.admin.execute(
        f"UPDATE metrics.rollup_versions SET {newer} WHERE tenant = $1 AND version = 2",
        world.tenant,
    )
    await order_versions(world.worker)
    assert await states(world) == [(1, "live"), (2, "building")]
    await world.admin.execute("DELETE FROM metrics.rollup_versions WHERE tenant = $1", world.tenant)


@pytest.mark.asyncio
async def test_another_release_with_the_same_rules_changes_nothing(world: World) -> None:
    await take_in(world, *contacts(world, 5))
    await counted_by(world, "tzdata = '2001a:' || split_part(tzdata, ':', 2)")
    await take_in(world, *contacts(world, 5, revision=2))
    await order_versions(world.worker)
    assert (await states(world), await is_read(world)) == ([(1, "live")], True)
    assert (await check(world.worker, company=world.tenant)).shown == []
