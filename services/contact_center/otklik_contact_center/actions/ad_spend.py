"""Uploads of what is spent on advertising."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from otklik_common import outbox
from otklik_common.callers import Caller
from otklik_common.clocks.zones import find_zone
from otklik_common.db import Database, raw
from otklik_common.directory import Directory
from otklik_common.events.contact_center import AdSpend
from otklik_common.paging import Part
from otklik_contact_center.actions.outcome import TICK
from otklik_contact_center.actions.reach import check_reach
from otklik_contact_center.domain.ad_spend import Row, check, fact, row_id
from otklik_contact_center.domain.emission import Announcement, announcement, next_step
from otklik_contact_center.store import ad_spend
from otklik_contact_center.store.ad_spend import SpendRow, Wanted


@dataclass(frozen=True, slots=True)
class Uploaded:
    """How many rows of an upload were new or other than before, the same, or taken out."""

    written: int
    unchanged: int
    removed: int


class Spending:
    """What a company spends on advertising."""

    def __init__(self, db: Database, directory: Directory) -> None:
        self._db = db
        self._directory = directory

    async def put(self, caller: Caller, rows: Sequence[Row], now: datetime) -> Uploaded:
        """
        Take in an upload, all of it or nothing; what is not in it stays as it was.

        Raises:
            RowTwice, OutOfReach, TimeInFuture, TimeTooOld.
        """
        zone = await self._zone(caller.tenant)
        check(list(rows), now, zone)
        for row in rows:
            check_reach(caller, row.key.branch)
        tenant = caller.tenant
        wanted = {row_id(tenant, row.key): row for row in rows}
        async with self._db.begin(tenant) as tx:
            on = await raw(tx)
            await ad_spend.alone(on, tenant)
            known = await ad_spend.known(on, tenant, wanted)
            recorder = await outbox.recorder(tx, tenant)
            changes = [
                change
                for id_ in sorted(wanted)
                if (change := _change(tenant, id_, wanted[id_], known.get(id_), zone, recorder.now))
            ]
            if changes:
                await ad_spend.put(on, [change.row for change in changes])
                tenants, keys, payloads = zip(*(one.announcement for one in changes), strict=True)
                await recorder.append_encoded(tenants, keys, payloads)
        removed = sum(change.row.void for change in changes)
        return Uploaded(len(changes) - removed, len(wanted) - len(changes), removed)

    async def listed(self, caller: Caller, wanted: Wanted, part: Part) -> list[SpendRow]:
        """Rows of branches within reach, the newest day first."""
        async with self._db.begin(caller.tenant) as tx:
            return await ad_spend.listed(tx, caller.tenant, wanted, caller.branches, part)

    async def _zone(self, tenant: str) -> ZoneInfo:
        company = await self._directory.company(tenant)
        zone = None if company is None else find_zone(company.timezone)
        return zone or ZoneInfo("UTC")


class Change(NamedTuple):
    """A revision of a row: to write, and to tell."""

    row: SpendRow
    announcement: Announcement


def _change(
    tenant: str, id_: UUID, row: Row, known: SpendRow | None, zone: ZoneInfo, now: datetime
) -> Change | None:
    """What is new about a row; None where it says what it did."""
    told = fact(row, zone)
    data = told.model_dump_json().encode() if row.minor else None
    step = next_step(id_, None if known is None else known.emitted, data)
    if step is None:
        return None
    at = now if known is None else max(now, known.recorded_at + TICK)
    emitted = step.emitted
    kept = SpendRow(
        tenant,
        id_,
        emitted.revision,
        emitted.hash,
        emitted.void,
        at,
        step.data.decode(),
        *row.key,
        row.minor,
    )
    said = announcement(
        step,
        AdSpend,
        tenant=tenant,
        verb="removed" if emitted.void else "spent",
        time=at if emitted.void else told.spent_at,
        recorded_at=at,
        traceparent=None,
    )
    return Change(kept, said)
