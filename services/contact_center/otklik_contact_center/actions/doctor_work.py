"""
The worker that notices silent sources.

One process at a time looks at all of them. A source that was heard a moment ago costs a look into
an index; one that is quiet has its past read once, from which the moment follows at which its
silence is no chance any more. Only then, and only if we listened meanwhile, it is told.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.clocks.told import calendar_of
from otklik_common.db import Database
from otklik_common.directory import Directory
from otklik_common.failpoints import failpoint
from otklik_common.module import Platform, Worker
from otklik_common.observability import get_logger
from otklik_common.pseudonym import Sealer
from otklik_common.stepping import keep_stepping
from otklik_contact_center.actions.sources import announce_change
from otklik_contact_center.domain.doctor.days_off import excused
from otklik_contact_center.domain.doctor.pulse import (
    KEPT,
    LEAST_MINUTES,
    MOST_GAP,
    Minutes,
    falls_silent,
)
from otklik_contact_center.domain.source import Source
from otklik_contact_center.store import doctor, sources
from otklik_contact_center.store.columns import SCHEMA
from otklik_contact_center.store.doctor import Standing

NAME: Final = "contact-center.doctor"

LOOK_SECONDS: Final = 30.0
SWEEP_SECONDS: Final = 3_600.0
SWEPT_AT_ONCE: Final = 5_000

PASTS_AT_ONCE: Final = 100
"""Sources whose past is read in one step: some two milliseconds each."""

GIVEN_UP: Final = timedelta(days=14)
"""Silent for longer it is gone, or everybody knows: nobody is called because of it any more."""

DELAYS_KEPT: Final = timedelta(days=8)

LOCK: Final = 0x6F746B6C_646F6374
"""Advisory lock of the process that looks."""

told = failpoint("doctor.told", "silences are written and announced, not committed")

log = get_logger(__name__)


class Setting(NamedTuple):
    """
    What a silence after a moment is judged by, of a company.

    Attributes:
        zone: UTC before the company is known.
        excused: Minutes in which it is closed for once.
    """

    zone: tzinfo
    excused: Minutes


async def setting_of(directory: Directory, tenant: str, last: datetime) -> Setting:
    """By what a silence after `last` is judged."""
    known = await directory.known(tenant)
    zone = ZoneInfo("UTC" if known.company is None else known.company.timezone)
    calendar = known.default_calendar
    if calendar is None:
        return Setting(zone, {})
    return Setting(zone, excused(calendar_of(calendar), last, last + MOST_GAP))


class Doctor:
    """Tells which sources fell silent, and which are heard again."""

    def __init__(
        self, db: Database, sealer: Sealer, directory: Directory, now: Callable[[], datetime]
    ) -> None:
        self._db = db
        self._sealer = sealer
        self._directory = directory
        self._now = now
        self._due: dict[tuple[str, str], tuple[datetime, datetime | None]] = {}

    async def step(self) -> bool:
        """Look at every source; True if some are left for the next step."""
        now = self._now()
        async with self._db.begin_as_worker() as tx:
            if not await doctor.alone(tx, LOCK):
                return False
            read = 0
            for one in await doctor.standing(tx):
                if one.silent_since is not None:
                    await self._look_at_silent(tx, one, one.silent_since, now)
                elif one.heard_at is None or read >= PASTS_AT_ONCE:
                    continue
                elif self._may_be_silent(one, one.heard_at, now):
                    read += 1
                    await self._judge(tx, one, one.heard_at, now)
            told()
        return read >= PASTS_AT_ONCE

    def _may_be_silent(self, one: Standing, heard_at: datetime, now: datetime) -> bool:
        """False while it was heard a moment ago, or its time has not come as far as is known."""
        key = (one.tenant, one.source)
        if now - heard_at < timedelta(minutes=LEAST_MINUTES):
            self._due.pop(key, None)
            return False
        known = self._due.get(key)
        if known is None or known[0] != heard_at:
            return True
        return known[1] is not None and now >= known[1]

    async def _judge(
        self, tx: AsyncConnection, one: Standing, heard_at: datetime, now: datetime
    ) -> None:
        past, _ = await doctor.past(tx, one.tenant, one.source, heard_at - KEPT)
        assert past is not None, "a source that was heard has a past"
        zone, off = await setting_of(self._directory, one.tenant, heard_at)
        due = falls_silent(past, heard_at, zone, excused=off)
        if due is not None and now >= due:
            listened = await doctor.listened(tx, heard_at)
            silent_at = falls_silent(past, heard_at, zone, listened, excused=off)
            if silent_at is not None and silent_at <= now:
                gap = due - heard_at
                await self._tell(tx, one, "silenced", lambda source: source.silenced(heard_at, gap))
                return
            due = now + timedelta(seconds=LOOK_SECONDS)  # we were away for a part of it
        self._due[one.tenant, one.source] = heard_at, due

    async def _look_at_silent(
        self, tx: AsyncConnection, one: Standing, since: datetime, now: datetime
    ) -> None:
        """It may be heard again, or given up."""
        heard_at = one.heard_at
        if heard_at is not None and heard_at > since:
            await self._tell(tx, one, "heard", lambda source: source.heard(heard_at))
        elif one.active and now - since > GIVEN_UP:
            await self._tell(tx, one, "given_up", lambda source: source.given_up())

    async def _tell(
        self,
        tx: AsyncConnection,
        one: Standing,
        verb: str,
        changed: Callable[[Source], Source],
    ) -> None:
        """Announce a change, unless what it is made from has changed since it was read."""
        found = await sources.locked(tx, self._sealer, one.tenant, one.source)
        if found is None:  # it went with its demo
            return
        source, recorded_at = found
        if (source.silent_since, source.active) != (one.silent_since, one.active):
            return
        await announce_change(tx, self._sealer, changed(source), verb, after=recorded_at)
        log.warning("source judged", tenant=one.tenant, source_id=one.source, verb=verb)


async def sweep(db: Database, now: datetime) -> bool:
    """Forget what nobody compares with any more; whether more of it may be left."""
    full = False
    for table, kept in (
        ("source_hour", KEPT),
        ("intake_hour", KEPT),
        ("source_delay", DELAYS_KEPT),
    ):
        async with db.begin_as_worker() as tx:
            gone = await doctor.sweep(tx, table, now - kept, SWEPT_AT_ONCE)
        full = full or gone == SWEPT_AT_ONCE
    return full


def doctor_worker(platform: Platform) -> Worker:
    """Looks at sources every half a minute."""
    db = platform.database(SCHEMA, "worker")
    looking = Doctor(db, platform.sealer, platform.directory(SCHEMA), platform.now)

    async def run(stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            for step, seconds, said in (
                (looking.step, LOOK_SECONDS, "nobody looks at sources"),
                (lambda: sweep(db, platform.now()), SWEEP_SECONDS, "old hours are not forgotten"),
            ):
                group.create_task(keep_stepping(step, stop, idle_seconds=seconds, said=said))

    return Worker(NAME, run)
