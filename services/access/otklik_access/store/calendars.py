"""Calendars of opening hours."""

from datetime import date
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_access.domain.calendars import Calendar
from otklik_access.domain.kept import Kept
from otklik_access.store import tables
from otklik_access.store.rows import put
from otklik_common.events.access import CalendarRules
from otklik_common.paging import Part, keyset


async def calendar(tx: AsyncConnection, tenant: str, code: str) -> Kept[Calendar] | None:
    """The calendar of that code, also one that was removed."""
    table = tables.calendar
    found = await tx.execute(select(table).where(table.c.tenant == tenant, table.c.code == code))
    row = found.one_or_none()
    return None if row is None else _calendar(row)


async def default(tx: AsyncConnection, tenant: str) -> Kept[Calendar] | None:
    """The company's own calendar; None before its first."""
    table = tables.calendar
    found = await tx.execute(
        select(table).where(table.c.tenant == tenant, table.c.is_default, ~table.c.void)
    )
    row = found.one_or_none()
    return None if row is None else _calendar(row)


async def calendars(tx: AsyncConnection, tenant: str, part: Part) -> list[Kept[Calendar]]:
    """Calendars in the order of their codes."""
    table = tables.calendar
    rows = select(table).where(table.c.tenant == tenant, ~table.c.void)
    return [_calendar(row) for row in await tx.execute(keyset(rows, part, order=(table.c.code,)))]


async def codes(tx: AsyncConnection, tenant: str) -> frozenset[str]:
    """Codes of every calendar."""
    table = tables.calendar
    return frozenset(
        await tx.scalars(select(table.c.code).where(table.c.tenant == tenant, ~table.c.void))
    )


def _calendar(row: Row[Any]) -> Kept[Calendar]:
    value = Calendar(
        code=row.code,
        names=row.names,
        default=row.is_default,
        rules=tuple(CalendarRules.model_validate(one) for one in row.rules),
        exceptions={date.fromisoformat(day): tuple(own) for day, own in row.exceptions.items()},
    )
    return Kept(value, row.revision, row.recorded_at, row.void)


async def put_calendar(tx: AsyncConnection, tenant: str, kept: Kept[Calendar]) -> None:
    """Keep a revision of a calendar."""
    value = kept.value
    await put(
        tx,
        tables.calendar,
        kept,
        {
            "tenant": tenant,
            "code": value.code,
            "names": value.names,
            "is_default": value.default,
            "rules": [one.model_dump(mode="json") for one in value.rules],
            "exceptions": {day.isoformat(): list(own) for day, own in value.exceptions.items()},
        },
    )
