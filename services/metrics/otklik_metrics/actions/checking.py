"""Whether rollups say what the facts say: to the last digit, in one reading of both."""

import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from otklik_common.db import Database
from otklik_metrics.domain.histogram import decode
from otklik_metrics.domain.measures import MEASURES
from otklik_metrics.domain.rollup import Cell, Deltas, fold
from otklik_metrics.domain.sets import Grain
from otklik_metrics.store import scan, versions
from otklik_metrics.store.scan import Slice
from otklik_metrics.store.versions import Version

SLICE = 20_000
"""Facts of one slice: its cells must fit into memory."""

SHOWN = 20
"""Differences that are kept as text."""

Progress = Callable[[str], None]


def quiet(_: str) -> None:
    """Progress that nobody watches."""


@dataclass(slots=True)
class RebuildReport:
    """
    What a check or a rebuild found.

    Attributes:
        facts: Facts that were folded or compared.
        compared: Rows of both sides that were compared.
        differences: How many of them differ.
        shown: The first differences, in words.
        standing: Rollups of another build that stand still and were not compared.
        seconds: How long it took.
    """

    facts: int = 0
    compared: int = 0
    differences: int = 0
    shown: list[str] = field(default_factory=list)
    standing: int = 0
    seconds: float = 0.0

    def differ(self, where: str) -> None:
        """Note a difference."""
        self.differences += 1
        if len(self.shown) < SHOWN:
            self.shown.append(where)


async def check(
    db: Database, progress: Progress = quiet, *, company: str | None = None
) -> RebuildReport:
    """
    Compare what is read with fold(all facts), in one snapshot; the service goes on meanwhile.

    Of one company, or of all. Bounded memory, whatever the number of facts. Nothing is written.
    """
    began, report = time.monotonic(), RebuildReport()
    async with snapshot(db) as connection:
        for kind in MEASURES:
            live = {
                version.tenant: version
                for version in await versions.of_state(connection, "live")
                if version.kind == kind and company in (None, version.tenant)
            }
            for tenant in await scan.companies(connection, kind):
                if tenant not in live and company in (None, tenant):
                    report.differ(f"{kind} of {tenant}: there are facts and no rollups")
            for version in live.values():
                progress(f"checking {kind} of {version.tenant}")
                await check_version(connection, version, report)
    report.seconds = time.monotonic() - began
    return report


@asynccontextmanager
async def snapshot(db: Database) -> AsyncIterator[asyncpg.Connection]:
    """A connection of its own that sees one state of everything and writes nothing."""
    connection = await db.connect()
    try:
        await connection.execute(
            "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET jit = off;"
            " SET timezone = 'UTC'"
        )
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            yield connection
    finally:
        await connection.close()


async def check_version(
    connection: asyncpg.Connection, version: Version, report: RebuildReport
) -> None:
    """Add to `report` how one version compares with the facts, in the snapshot of `connection`."""
    if version.frozen.compared(version.kind) != 0:
        report.standing += 1
        return
    zone = version.frozen.definition.zone
    tenant, kind = version.tenant, version.kind
    for bounds in await scan.slices(connection, tenant, kind, zone, most=SLICE):
        folded = await fold_slice(connection, version, bounds, report)
        for grain in Grain:
            limits = scan.bounds_of(grain, bounds, zone)
            at = (connection, tenant, kind, version.number, grain, limits)
            _compare(report, version, dict(folded.counters(grain)), await scan.counters(*at))
            made = {(cell, number): hist for cell, number, hist in folded.histograms(grain)}
            _compare(report, version, _read(made), _read(await scan.histograms(*at)))


async def fold_slice(
    connection: asyncpg.Connection, version: Version, bounds: Slice, report: RebuildReport
) -> Deltas:
    """What the facts of a slice add to a version."""
    deltas, definition = Deltas(version.kind), version.frozen.definition
    since, until = bounds
    async for fact in scan.facts(connection, version.tenant, version.kind, bounds):
        fold(deltas, old=None, new=fact, definition=definition, since=since, until=until)
        report.facts += 1
    return deltas


def _read(encoded: Mapping[tuple[Cell, int], bytes]) -> dict[tuple[Cell, int], dict[int, int]]:
    read = {at: decode(hist) for at, hist in encoded.items()}
    return {at: buckets for at, buckets in read.items() if buckets}


def _compare(
    report: RebuildReport, version: Version, folded: Mapping[Any, Any], stored: Mapping[Any, Any]
) -> None:
    cells = folded.keys() | stored.keys()
    report.compared += len(cells)
    for cell in cells:
        if folded.get(cell) != stored.get(cell):
            words = ", ".join(_words(version.kind, folded.get(cell), stored.get(cell)))
            report.differ(f"{version.kind} of {version.tenant} at {_place(cell)}: {words}")


def _place(cell: Any) -> str:
    return " ".join(str(part) for part in cell if part != "")


def _words(kind: str, folded: Any, stored: Any) -> Iterator[str]:
    if isinstance(folded or stored, dict):
        yield f"histogram {folded or {}} by the facts, {stored or {}} in the rollup"
        return
    names = MEASURES[kind].names
    nothing = [None] * len(names)
    for name, by_facts, kept in zip(names, folded or nothing, stored or nothing, strict=True):
        if by_facts != kept:
            yield f"{name} {by_facts or 0} by the facts, {kept or 0} in the rollup"
