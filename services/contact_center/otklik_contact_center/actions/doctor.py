"""How sources do, for whoever asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from otklik_common.db import Database
from otklik_common.directory import Directory
from otklik_common.pseudonym import Sealer
from otklik_contact_center.actions.doctor_work import setting_of
from otklik_contact_center.actions.sources import listed, unknown
from otklik_contact_center.domain.doctor.delay import Delays, ahead, delays
from otklik_contact_center.domain.doctor.findings import ENDLESS, Finding, Signs, findings
from otklik_contact_center.domain.doctor.pulse import KEPT, expected, falls_silent
from otklik_contact_center.domain.source import BRANCH, DEFAULT, WEB, Source
from otklik_contact_center.store import doctor, sources
from otklik_contact_center.store.doctor import NONE_SENT, Sent, Times

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)


class State(StrEnum):
    """Whether a source is heard."""

    HEARD = "heard"
    SILENT = "silent"
    GIVEN_UP = "given_up"
    NEVER_HEARD = "never_heard"


@dataclass(frozen=True, slots=True)
class Brief:
    """
    A source among others.

    Attributes:
        day: Since the beginning of the hour a day ago.
        waiting: Refused events that can be pushed again.
    """

    source: Source
    state: State
    times: Times
    day: Sent
    waiting: int


@dataclass(frozen=True, slots=True)
class Health:
    """
    A source looked at closely.

    Attributes:
        hours: Since the beginning of the last whole hour.
        now: In the present hour so far.
        expected: How many new events the present hour usually brings; None before three weeks.
        silent_at: When its silence will be, or was, no chance any more; None: nothing can be said.
        endless: Calls of the last day that began more than four hours ago and have no end.
    """

    brief: Brief
    hours: Sent
    now: Sent
    expected: int | None
    silent_at: datetime | None
    delays: Delays | None
    endless: int
    findings: Sequence[Finding]


async def of_all(db: Database, sealer: Sealer, tenant: str, now: datetime) -> list[Brief]:
    """A company's sources by id."""
    found = await listed(db, sealer, tenant, now)
    async with db.snapshot(tenant) as tx:
        times = await doctor.times(tx, tenant)
        day = await doctor.sent(tx, tenant, _whole(now) - DAY)
        waiting = await doctor.refused(tx, tenant)
    return [
        _brief(one, times.get(one.id, Times()), day.get(one.id, NONE_SENT), waiting.get(one.id, 0))
        for one in found
    ]


async def of_one(
    db: Database,
    sealer: Sealer,
    directory: Directory,
    *,
    tenant: str,
    source_id: str,
    now: datetime,
) -> Health:
    """
    A source looked at closely.

    Raises:
        UnknownSource: There is none of that id.
    """
    this_hour = _whole(now)
    async with db.snapshot(tenant) as tx:
        source = await sources.one(tx, sealer, tenant, source_id)
        if source is None:
            raise unknown(source_id)
        times = (await doctor.times(tx, tenant, source_id)).get(source_id, Times())
        day, hours, present = [
            (await doctor.sent(tx, tenant, since, source_id)).get(source_id, NONE_SENT)
            for since in (this_hour - DAY, this_hour - HOUR, this_hour)
        ]
        waiting = (await doctor.refused(tx, tenant, source_id)).get(source_id, 0)
        past, counts = await doctor.past(tx, tenant, source_id, now - KEPT)
        buckets = await doctor.delays(tx, tenant, source_id, this_hour - DAY)
        endless = await doctor.endless_calls(tx, tenant, source_id, now - DAY, now - ENDLESS)
    brief = _brief(source, times, day, waiting)
    found = delays(buckets)
    signs = Signs(
        created_at=source.created_at,
        heard_at=times.heard_at,
        silent_since=source.silent_since,
        usual_gap=source.usual_gap,
        accepted=day.accepted,
        duplicates=day.duplicates,
        refused=day.refused,
        overtaken=day.late,
        let_in=hours.accepted,
        kept_out=hours.refused,
        waiting=waiting,
        endless=endless,
        delays=found,
        ahead=ahead(buckets),
    )
    zone, off = await setting_of(directory, tenant, times.heard_at or now)
    silent_at = None
    if source.silent_since is not None and source.usual_gap is not None:
        silent_at = source.silent_since + source.usual_gap
    elif past is not None and times.heard_at is not None:
        silent_at = falls_silent(past, times.heard_at, zone, excused=off)
    return Health(
        brief=brief,
        hours=hours,
        now=present,
        expected=None if past is None else expected(past, counts, now, zone),
        silent_at=silent_at,
        delays=found,
        endless=endless,
        findings=findings(signs, now, made_by_us=_made_by_us(source)),
    )


def _brief(source: Source, times: Times, day: Sent, waiting: int) -> Brief:
    state = State.HEARD
    if source.silent_since is not None:
        state = State.SILENT if source.active else State.GIVEN_UP
    elif times.heard_at is None:
        state = State.NEVER_HEARD
    return Brief(source, state, times, day, waiting)


def _made_by_us(source: Source) -> bool:
    return source.kind in (BRANCH, WEB) or source.id.endswith(f".{DEFAULT}")


def _whole(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
