"""The whole log once more, into tables of its own, compared with what is read."""

import os
import time
from collections.abc import AsyncIterator, Mapping

import asyncpg

from otklik_common.db import Database
from otklik_common.failpoints import failpoint
from otklik_common.log.port import Log, LogGapError, Place, Record
from otklik_common.reading import ReadEvent, Unprocessable, read
from otklik_metrics.actions import counting
from otklik_metrics.actions.checking import Progress, RebuildReport, quiet, snapshot
from otklik_metrics.domain.histogram import decode
from otklik_metrics.domain.measures import MEASURES
from otklik_metrics.domain.sets import Grain
from otklik_metrics.store import facts, replay, versions
from otklik_metrics.store.history import TOPICS
from otklik_metrics.store.replay import SIDE, Row
from otklik_metrics.store.tables import FACTS, SCHEMA
from otklik_metrics.store.versions import Version, Versions

GROUP = "metrics.facts"
"""The consumer group whose positions say up to where the log is replayed."""

BATCH = 10_000
WAIT_SECONDS = 5.0
MOST_SILENT = 12

prepared = failpoint("replay.prepared", "tables of its own stand empty, the snapshot is not taken")
taken = failpoint("replay.taken", "a batch of the log is in the tables, the next is not read")
replayed = failpoint("replay.replayed", "the whole log is in the tables, nothing is compared")
compared = failpoint("replay.compared", "all is compared, the tables still stand")


async def check_from_log(db: Database, log: Log, progress: Progress = quiet) -> RebuildReport:
    """
    Replay the log from offset 0 up to where the facts stand, and compare facts and rollups.

    Facts, identities and live rollups must come out the same to the last digit. The service
    goes on: what it is compared with is one snapshot, positions included.

    Raises:
        LogGapError: The log no longer begins at 0.
        LogNotReadyError: The log does not answer, or does not have what it should.
    """
    began, report = time.monotonic(), RebuildReport()
    side = await db.connect()
    try:
        await side.execute(
            "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET jit = off;"
            " SET timezone = 'UTC'"
        )
        await replay.make_side_tables(side)
        prepared()
        async with snapshot(db) as live:
            counted = await _versions(live, report)
            until = await replay.positions(live, GROUP)
            aside = await replay.put_aside(live, GROUP)
            async for events in _replayed(log, until, aside, report, progress):
                await _take_in(side, events, counted, report)
                taken()
            replayed()
            async with side.transaction():
                await _compare(live, side, counted, report, progress)
            compared()
    finally:
        await side.close()
    report.seconds = time.monotonic() - began
    return report


async def _take_in(
    side: asyncpg.Connection, events: list[ReadEvent], counted: Versions, report: RebuildReport
) -> None:
    """Keep events as the consumer would; one that it took in and this build cannot differs."""
    while events:
        try:
            async with side.transaction():
                await counting.keep(side, facts.newest(events), counted, schema=SIDE)
        except Unprocessable as no:
            report.differ(f"{_place(no.event)} was taken in and cannot be: {no.reason}")
            events = [event for event in events if event is not no.event]
        else:
            return


def _place(record: Record | ReadEvent) -> str:
    return f"{record.topic}/{record.partition}/{record.offset}"


async def _versions(live: asyncpg.Connection, report: RebuildReport) -> Versions:
    """The live versions that this build counts."""
    found: dict[tuple[str, str], list[Version]] = {}
    for version in await versions.of_state(live, "live"):
        if version.kind in MEASURES and version.frozen.compared(version.kind) == 0:
            found[version.tenant, version.kind] = [version]
        else:
            report.standing += 1
    return found


async def _replayed(
    log: Log,
    until: Mapping[Place, int],
    aside: set[tuple[str, int, int]],
    report: RebuildReport,
    progress: Progress,
) -> AsyncIterator[list[ReadEvent]]:
    """Events of the log from its beginning up to `until`, without those that were put aside."""
    left = {place: end for place, end in until.items() if end > 0}
    for place, first in (await log.beginnings(TOPICS)).items():
        if first > 0 and place in left:
            topic, partition = place
            raise LogGapError(f"{topic}/{partition} begins at {first}: it cannot be replayed")
    if not left:
        return

    async def from_the_beginning(_: object) -> Mapping[Place, int]:
        return {}

    reader = await log.reader(f"metrics.replay-{os.getpid()}", TOPICS, from_the_beginning)
    silent = done = 0
    try:
        while left:
            parts = await reader.fetch(BATCH, WAIT_SECONDS)
            silent = 0 if parts else silent + 1
            if silent > MOST_SILENT:
                raise LogGapError(f"the log ends before the facts do: {min(left)}")
            wanted: list[Record] = []
            for place, _, following, records in parts:
                end = left.get(place, 0)
                wanted += [r for r in records if r.offset < end and r[:3] not in aside]
                if following >= end:
                    left.pop(place, None)
            events, unread = read(wanted)
            for bad in unread:
                report.differ(f"{_place(bad.record)} was taken in and cannot be read: {bad.reason}")
            done += len(events)
            progress(f"replayed {done} records")
            yield events
    finally:
        await reader.close()


async def _compare(
    live: asyncpg.Connection,
    side: asyncpg.Connection,
    counted: Versions,
    report: RebuildReport,
    progress: Progress,
) -> None:
    for kind in FACTS:
        progress(f"comparing {kind}")
        await _side_by_side(
            report,
            f"fact {kind}",
            2,
            replay.facts(live, SCHEMA, kind),
            replay.facts(side, SIDE, kind),
        )
    await _side_by_side(
        report, "identity", 2, replay.identity(live, SCHEMA), replay.identity(side, SIDE)
    )
    for kind in MEASURES:
        ours = [
            (v.tenant, v.number) for (_, of), some in counted.items() for v in some if of == kind
        ]
        for grain in Grain:
            at = (kind, grain, ours)
            await _side_by_side(
                report,
                f"rollup {kind}",
                8,
                replay.cells(live, SCHEMA, *at),
                replay.cells(side, SIDE, *at),
            )
            await _side_by_side(
                report,
                f"histogram {kind}",
                9,
                _read(replay.histograms(live, SCHEMA, *at)),
                _read(replay.histograms(side, SIDE, *at)),
            )


async def _read(rows: AsyncIterator[Row]) -> AsyncIterator[Row]:
    async for *key, hist in rows:
        buckets = decode(hist)
        if buckets:
            yield (*key, buckets)


async def _side_by_side(
    report: RebuildReport,
    what: str,
    width: int,
    live: AsyncIterator[Row],
    side: AsyncIterator[Row],
) -> None:
    """Compare two sorted streams of rows whose first `width` columns are their key."""
    ours, theirs = await anext(live, None), await anext(side, None)
    while ours is not None or theirs is not None:
        report.compared += 1
        our_key = None if ours is None else ours[:width]
        their_key = None if theirs is None else theirs[:width]
        first = _least(our_key, their_key)
        if our_key != their_key or ours != theirs:
            place = " ".join(str(part) for part in first if part != "")
            report.differ(f"{what} at {place}: {_side(our_key, their_key)}")
        if our_key == first:
            ours = await anext(live, None)
        if their_key == first:
            theirs = await anext(side, None)


def _least(ours: Row | None, theirs: Row | None) -> Row:
    if ours is None or theirs is None:
        found = ours or theirs
        assert found is not None
        return found
    return min(ours, theirs)


def _side(ours: Row | None, theirs: Row | None) -> str:
    if ours == theirs:
        return "the log says otherwise"
    if theirs is None or (ours is not None and ours < theirs):
        return "not by the log"
    return "by the log alone"
