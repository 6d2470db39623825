"""Compute the business numbers for Prometheus on a timer, in one process at a time."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.db import Database
from otklik_common.module import Platform
from otklik_common.observability import get_logger
from otklik_common.resting import rest
from otklik_metrics.actions.company import company_of
from otklik_metrics.actions.reading import Desk
from otklik_metrics.domain import silent_sources
from otklik_metrics.domain.catalogue import CATALOGUE
from otklik_metrics.domain.company import Company
from otklik_metrics.domain.frames import Frame
from otklik_metrics.domain.gauge import Gauge
from otklik_metrics.domain.gauges import (
    COMPANIES,
    GAUGES,
    MOST_SAMPLES,
    RANKED_BY,
    SHARED,
    query_of,
    together,
)
from otklik_metrics.domain.refusals import QueryRefused
from otklik_metrics.domain.series import label_names, samples_of
from otklik_metrics.domain.silent_sources import Sources
from otklik_metrics.store import exposition, query_state
from otklik_metrics.store.tables import SCHEMA

EVERY_SECONDS: Final = 15.0
LOCK: Final = 0x6F746B6C_70726F6D
"""Advisory lock of the process that computes."""

log = get_logger(__name__)


async def refresh(platform: Platform, stop: asyncio.Event) -> None:
    """Keep the samples fresh until told to stop; where another process does, wait for its end."""
    db = platform.database(SCHEMA, "worker")
    while not stop.is_set():
        await refresh_once(platform, db, platform.now())
        await rest(stop, EVERY_SECONDS)


async def refresh_once(platform: Platform, db: Database, now: datetime) -> bool:
    """Compute everything once; False if another process is at it."""
    async with db.begin_as_worker() as tx:
        if not await exposition.lock(tx, LOCK):
            return False
        frames, largest = await _frames(platform, tx, now)
        families = [
            *_families(frames, largest),
            _silent_sources(await exposition.sources(tx), largest),
        ]
        await exposition.keep(tx, families, now)
    return True


async def _frames(
    platform: Platform, tx: AsyncConnection, now: datetime
) -> tuple[dict[int, dict[str, Frame]], list[str]]:
    """
    What was read for each gauge, by its place among the gauges and by company.

    Returns:
        That, and the largest companies, those with a label of their own.
    """
    frames: dict[int, dict[str, Frame]] = {place: {} for place in range(len(GAUGES))}
    desks: dict[str, tuple[Company, Desk]] = {}
    sizes: dict[str, int] = {}
    directory = platform.directory(SCHEMA)
    for tenant in await exposition.companies(tx):
        company = await company_of(directory, tenant)
        kinds = {CATALOGUE[gauge.metric].kind for gauge in GAUGES}
        desk = Desk(tx, company, await query_state.live_versions(tx, tenant, kinds), now)
        whole = await _read(desk, company, [RANKED_BY], now)
        desks[tenant], sizes[tenant] = (company, desk), sum(map(_size, whole))
    largest = sorted(sizes, key=lambda tenant: (-sizes[tenant], tenant))[:COMPANIES]
    for tenant, (company, desk) in desks.items():
        for places in together():
            gauges = [GAUGES[place] for place in places]
            if gauges[0].room and tenant != largest[0]:
                continue
            found = await _read(desk, company, gauges, now)
            # Shorter where they were refused.
            for place, frame in zip(places, found, strict=False):
                frames[place][tenant] = frame
    return frames, largest


async def _read(
    desk: Desk, company: Company, gauges: Sequence[Gauge], now: datetime
) -> Sequence[Frame]:
    """A frame for each of the gauges; none, if it would cost more than an answer may."""
    try:
        return await desk.read(query_of(company, gauges, now))
    except QueryRefused as no:
        log.warning("gauges left out", tenant=company.tenant, code=no.code)
        return ()


def _families(
    frames: Mapping[int, Mapping[str, Frame]], largest: Sequence[str]
) -> list[dict[str, Any]]:
    """Every gauge with its samples, as the row keeps them."""
    share = MOST_SAMPLES // len(SHARED)
    families: dict[str, dict[str, Any]] = {}
    for place, gauge in enumerate(GAUGES):
        own = largest[:1] if gauge.room else largest
        # Two more than it has groups: what is left over would stand there.
        most = gauge.room + 2 if gauge.room else share
        samples, cut = samples_of(gauge, frames[place], own, most)
        family = families.setdefault(
            gauge.name,
            {"name": gauge.name, "help": gauge.help.en, "labels": label_names(gauge)},
        )
        family.setdefault("samples", []).extend([one.labels, one.value] for one in samples)
        family["cut"] = family.get("cut", 0) + cut
    return list(families.values())


def _silent_sources(found: Sequence[Sources], largest: Sequence[str]) -> dict[str, Any]:
    """The gauge of sources, as the row keeps it."""
    return {
        "name": silent_sources.NAME,
        "help": silent_sources.HELP.en,
        "labels": silent_sources.LABELS,
        "samples": [[one.labels, one.value] for one in silent_sources.samples(found, largest)],
        "cut": 0,
    }


def _size(frame: Frame) -> int:
    """Contacts, by which companies are ranked."""
    return sum(values["value"] for values in frame.gather(lambda place: (place,)).values())
