"""New versions of rollups: built beside the live one, compared with the facts, then swapped."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from otklik_common.db import Database, raw
from otklik_common.failpoints import failpoint
from otklik_common.observability import get_logger
from otklik_common.resting import rest
from otklik_metrics.actions.checking import (
    Progress,
    RebuildReport,
    check_version,
    fold_slice,
    quiet,
    snapshot,
)
from otklik_metrics.domain.measures import MEASURES
from otklik_metrics.store import rollups, scan, versions
from otklik_metrics.store.versions import Version

STEP = 5_000
"""Facts of one step: while it is taken nothing else is counted, so it must be short."""

KEEPER = 0x6F746B6C_6B656570
"""Advisory lock of the session that makes versions: one at a time in the whole system."""

LOOK_SECONDS = 30.0
RETIRED_MINUTES = 10
"""How long the cells of a retired version stay for queries that began with it."""

SWEEP = 20_000
PAUSE_SECONDS = 0.05
WAIT_SECONDS = 5.0

ordered = failpoint("rebuild.begun", "a version is ordered, nothing is counted into it")
counted = failpoint("rebuild.counted", "a slice is counted into a version, not committed")
stepped = failpoint("rebuild.stepped", "a slice is committed, the next not begun")
built = failpoint("rebuild.built", "all facts are counted, nothing is compared")
compared = failpoint("rebuild.compared", "a version is found right, the old one is live")
swapped = failpoint("rebuild.swapped", "a version is live and the old one retired, not committed")
committed = failpoint(
    "rebuild.committed", "a version is live, the cells of the old one still stand"
)
cells_swept = failpoint("rebuild.swept", "cells of an old version are removed, it is not forgotten")

_log = get_logger(__name__)


async def keep_versions(db: Database, stop: asyncio.Event) -> None:
    """Until `stop`: make the versions that companies now need, remove those nobody reads."""
    while not stop.is_set():
        async with keeping(db, wait=False) as ours:
            if ours:
                await order_versions(db)
                for tenant, kind in await under_construction(db):
                    report = await finish(db, tenant, kind)
                    _log.info("rollups rebuilt", kind=kind, differences=report.differences)
                await sweep(db)
        await rest(stop, LOOK_SECONDS)


@asynccontextmanager
async def keeping(db: Database, *, wait: bool) -> AsyncIterator[bool]:
    """Be the one who makes versions; without `wait`, say whether we are."""
    connection = await db.connect()
    try:
        await connection.execute("SET statement_timeout = 0; SET lock_timeout = 0")
        ours = await connection.fetchval("SELECT pg_try_advisory_lock($1)", KEEPER)
        if not ours and wait:
            await connection.execute("SELECT pg_advisory_lock($1)", KEEPER)
            ours = True
        yield bool(ours)
    finally:
        await connection.close()


async def order_versions(db: Database) -> int:
    """
    Begin a version wherever a company's rollups are counted by other rules than they should be.

    That is: its zone, the rules of that zone, or its thresholds changed, or this build folds
    differently. What a newer build counts is left to it, or the two would take turns for ever.
    Returns how many were begun.
    """
    begun = 0
    async with db.begin_as_worker() as tx:
        connection = await raw(tx)
        known = await versions.companies(connection)
        building = {
            (version.tenant, version.kind): version
            for version in await versions.of_state(connection, "building")
        }
        for live in await versions.of_state(connection, "live"):
            made = building.get((live.tenant, live.kind))
            if any(one and one.frozen.compared(live.kind) > 0 for one in (live, made)):
                continue
            frozen = _wanted(live, known)
            if made is not None and made.frozen != frozen:
                await versions.give_up(connection, made)
                made = None
            if frozen != live.frozen and made is None:
                await versions.add(connection, live.tenant, live.kind, frozen, state="building")
                begun += 1
    return begun


def _wanted(live: Version, known: versions.Companies) -> versions.Frozen:
    """By what rollups should be counted now; of a company unknown to access, by what they are."""
    as_they_are = (live.frozen.timezone, live.frozen.thresholds)
    timezone, thresholds = known.get(live.tenant, as_they_are)
    return versions.wanted(live.kind, timezone, thresholds)


async def under_construction(db: Database) -> list[tuple[str, str]]:
    """Companies and kinds that have a version under construction."""
    async with db.begin_as_worker() as tx:
        found = await versions.of_state(await raw(tx), "building")
    return [(version.tenant, version.kind) for version in found if version.kind in MEASURES]


async def begin(db: Database, live: Version) -> None:
    """Begin a version of the same company and kind, by the rules of now."""
    async with db.begin_as_worker() as tx:
        connection = await raw(tx)
        frozen = _wanted(live, await versions.companies(connection))
        await versions.add(connection, live.tenant, live.kind, frozen, state="building")


async def finish(db: Database, tenant: str, kind: str, progress: Progress = quiet) -> RebuildReport:
    """
    Build a version to its end, compare it with the facts, and swap it in if nothing differs.

    Facts that come meanwhile are counted by both versions. If it differs, which only a bug can
    bring about, it is given up and the live one stays.
    """
    report = RebuildReport()
    ordered()
    while await step(db, tenant, kind):
        stepped()
        progress(f"building {kind} of {tenant}")
        await asyncio.sleep(PAUSE_SECONDS)  # lets the consumers through the gate
    built()
    async with snapshot(db) as connection:
        found = await versions.find(connection, [tenant], [kind])
        made = [v for v in found.get((tenant, kind), ()) if v.state == "building"]
        for version in made:
            await check_version(connection, version, report)
    compared()
    async with db.begin_as_worker() as tx:
        connection = await raw(tx)
        await versions.close_gate(connection)
        for version in made:
            if report.differences or report.standing or version.until is not None:
                await versions.give_up(connection, version)
            else:
                await versions.swap(connection, version)
        swapped()
    committed()
    return report


async def step(db: Database, tenant: str, kind: str) -> bool:
    """
    Count the next slice of facts into the version under construction; whether more remain.

    The version counts what happened before `until`; consumers count only that into it. Moving
    `until` and counting what lies between are one transaction, with the gate closed: so no fact
    is counted twice or left out, whatever is corrected meanwhile.
    """
    async with db.begin_as_worker() as tx:
        connection = await raw(tx)
        await versions.close_gate(connection)
        found = await versions.find(connection, [tenant], [kind])
        building = [v for v in versions.counted(found.get((tenant, kind), ())) if v.until]
        building = [v for v in building if v.state == "building"]
        if not building:
            return False
        (version,) = building
        assert version.until is not None
        bounds = await scan.next_slice(connection, tenant, kind, version.until, most=STEP)
        deltas = await fold_slice(connection, version, bounds, RebuildReport())
        await rollups.add(connection, kind, {(tenant, version.number): deltas})
        _, until = bounds
        last = until == versions.LATEST
        await versions.counted_until(connection, version, None if last else until)
        counted()
        return not last


async def sweep(db: Database) -> int:
    """Remove the cells of versions that nobody reads any more; how many rows went."""
    gone = 0
    async with db.begin_as_worker() as tx:
        old = await versions.retired(await raw(tx), RETIRED_MINUTES)
    for version in old:
        swept = 1
        while swept:
            async with db.begin_as_worker() as tx:
                target = (version.tenant, version.number)
                swept = await rollups.sweep(await raw(tx), version.kind, target, most=SWEEP)
            gone += swept
        cells_swept()
        async with db.begin_as_worker() as tx:
            await versions.forget(await raw(tx), version)
    return gone
