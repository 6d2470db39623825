"""`otklik rebuild`: check the rollups, build them anew beside the live ones, replay the log."""

import time

from otklik_common.db import Database, raw
from otklik_common.module import Platform
from otklik_metrics.actions import checking
from otklik_metrics.actions.checking import Progress, RebuildReport, quiet
from otklik_metrics.actions.replay import check_from_log
from otklik_metrics.actions.versions import begin, finish, keeping
from otklik_metrics.store import versions
from otklik_metrics.store.tables import SCHEMA


async def rebuild(
    platform: Platform,
    *,
    check: bool = False,
    from_log: bool = False,
    company: str | None = None,
    progress: Progress = quiet,
) -> RebuildReport:
    """
    Compare rollups with facts, or facts and rollups with the log, or build all rollups anew.

    Args:
        check: Compare fold(all facts) with the live rollups; write nothing.
        from_log: Replay the log into tables of its own and compare; write nothing.
        company: Only this one; the log is always replayed for all.
        progress: Told what is being done, line by line.
    Returns:
        `differences` must be 0. Where a new version of the rollups differs from the facts, it
        is given up and the live one stays.
    """
    db = platform.database(SCHEMA, "worker")
    if from_log:
        return await check_from_log(db, platform.log, progress)
    if check:
        return await checking.check(db, progress, company=company)
    return await build_all(db, progress, company=company)


async def build_all(
    db: Database, progress: Progress = quiet, *, company: str | None = None
) -> RebuildReport:
    """Build the rollups of a company, or of all, anew beside the live ones, compare and swap."""
    began, total = time.monotonic(), RebuildReport()
    async with keeping(db, wait=True):
        async with db.begin_as_worker() as tx:
            live = await versions.of_state(await raw(tx), "live")
        for version in live:
            if company not in (None, version.tenant):
                continue
            await begin(db, version)
            report = await finish(db, version.tenant, version.kind, progress)
            total.facts += report.facts
            total.compared += report.compared
            total.differences += report.differences
            total.standing += report.standing
            total.shown += report.shown[: checking.SHOWN - len(total.shown)]
    total.seconds = time.monotonic() - began
    return total
