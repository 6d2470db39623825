"""Use cases around calendars of opening hours."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from otklik_access.actions.change import Actor, Change, change, changed_fields, database
from otklik_access.actions.companies import whole_company
from otklik_access.domain.calendars import (
    LAST_DAY,
    Calendar,
    Hours,
    Names,
    check_days,
    check_removable,
    check_unused,
    edited,
    with_days_off,
)
from otklik_access.domain.ical import Feed, read_feed
from otklik_access.domain.kept import Kept, present, removed, renewed, standing
from otklik_access.domain.sla_policies import names_calendar
from otklik_access.store import calendars as store
from otklik_access.store import places, sla_policies
from otklik_common.clocks.told import calendar_of
from otklik_common.errors import NotFound
from otklik_common.etags import Expected
from otklik_common.events.access import Day
from otklik_common.ids import subject_id
from otklik_common.module import Platform
from otklik_common.paging import Part

FEED_DAYS: Final = timedelta(days=2 * 365)
"""For so long the days off of a feed are taken over."""


@dataclass(frozen=True, slots=True)
class Edit:
    """
    What a calendar is to be.

    Attributes:
        valid_from: The first local day on which it is true; None for today.
        default: Whether it is the company's own; the first calendar is, whatever is said.
    """

    hours: Hours
    names: Names
    exceptions: Mapping[date, Day]
    valid_from: date | None = None
    default: bool = False


async def calendars(platform: Platform, tenant: str, part: Part) -> list[Kept[Calendar]]:
    """Calendars in the order of their codes."""
    async with database(platform).begin(tenant) as tx:
        return await store.calendars(tx, tenant, part)


async def calendar(platform: Platform, tenant: str, code: str) -> Kept[Calendar]:
    """One calendar. Raises NotFound."""
    async with database(platform).begin(tenant) as tx:
        return _found(await store.calendar(tx, tenant, code), code)


async def put_calendar(
    platform: Platform, actor: Actor, code: str, edit: Edit, *, expected: Expected
) -> Kept[Calendar]:
    """
    Make a calendar, or change it from a day on.

    Raises:
        BadHours, Unprocessable: It cannot be so.
        PreconditionFailed, Forbidden.
    """
    whole_company(actor)
    async with change(platform, actor) as this:
        known = await store.calendar(this.tx, actor.tenant, code)
        expected.check(present(known))
        own = await store.default(this.tx, actor.tenant)
        before = standing(known)
        value = edited(
            None if before is None else before.value,
            code,
            edit.hours,
            names=edit.names,
            exceptions=edit.exceptions,
            valid_from=edit.valid_from or _today(this.now, edit.hours.timezone),
            default=edit.default or own is None or own.value.code == code,
        )
        kept = renewed(known, value, this.now)
        if kept is None:
            assert known is not None
            return known
        if value.default and own is not None and own.value.code != code:
            # First: there is never a moment with two.
            await _keep(this, _again(own, replace(own.value, default=False), this))
            this.note("put", "calendar", own.value.code, ("default",))
        await _keep(this, kept)
        this.note("put", "calendar", code, changed_fields(known, value))
        return kept


async def add_days_off(
    platform: Platform,
    actor: Actor,
    code: str,
    feed: str,
    *,
    first: date | None,
    now: datetime,
    expected: Expected,
) -> tuple[Kept[Calendar], Feed]:
    """
    Close a calendar on the days off of an iCalendar feed, from a day on, for two years.

    Args:
        first: None for today, where the calendar is.
    Raises:
        BadFeed, Unprocessable: It is no feed, or has too much.
        NotFound, PreconditionFailed, Forbidden.
    """
    whole_company(actor)
    known = await calendar(platform, actor.tenant, code)
    begins = first or _today(now, calendar_of(known.value.fact()).rules_of(now.date()).timezone)
    check_days(begins)
    last = min(begins + FEED_DAYS, LAST_DAY)
    # Before anything is locked: a feed may take a while.
    read = await asyncio.to_thread(read_feed, feed, begins, last)
    async with change(platform, actor) as this:
        known = _found(await store.calendar(this.tx, actor.tenant, code), code)
        expected.check(present(known))
        value = with_days_off(known.value, read.closed)
        kept = renewed(known, value, this.now)
        if kept is None:
            return known, read
        await _keep(this, kept)
        this.note("import", "calendar", code, changed_fields(known, value))
        return kept, read


def _again(known: Kept[Calendar], value: Calendar, this: Change) -> Kept[Calendar]:
    kept = renewed(known, value, this.now)
    assert kept is not None
    return kept


def _today(now: datetime, timezone: str) -> date:
    return now.astimezone(ZoneInfo(timezone)).date()


async def remove_calendar(
    platform: Platform, actor: Actor, code: str, *, expected: Expected
) -> None:
    """
    Remove a calendar.

    Raises:
        Conflict: It is the company's default, or a branch or policy counts by it.
        NotFound, PreconditionFailed, Forbidden.
    """
    whole_company(actor)
    async with change(platform, actor) as this:
        known = _found(await store.calendar(this.tx, actor.tenant, code), code)
        expected.check(present(known))
        check_removable(known.value)
        check_unused(code, **(await _users(this, code)))
        await _remove(this, known)


async def remove_unused(this: Change, codes: Iterable[str]) -> None:
    """Remove those of the calendars that nothing counts by; the default one where no other is left."""
    for code in codes:
        known = standing(await store.calendar(this.tx, this.actor.tenant, code))
        if known is None or any((await _users(this, code)).values()):
            continue
        alone = await store.codes(this.tx, this.actor.tenant) == {code}
        if alone or not known.value.default:
            await _remove(this, known)


async def _users(this: Change, code: str) -> dict[str, str | None]:
    """A branch and a policy that count by a calendar, where there are such."""
    tenant = this.actor.tenant
    return {
        "branch": await places.branch_of_calendar(this.tx, tenant, code),
        "policy": names_calendar(await sla_policies.every_policy(this.tx, tenant), code),
    }


async def _remove(this: Change, known: Kept[Calendar]) -> None:
    await _keep(this, removed(known, this.now))
    this.note("remove", "calendar", known.value.code)


def _found(known: Kept[Calendar] | None, code: str) -> Kept[Calendar]:
    found = standing(known)
    if found is None:
        raise NotFound(
            f"no calendar has the code {code}", detail_ru=f"нет календаря с кодом {code}"
        )
    return found


async def _keep(this: Change, kept: Kept[Calendar]) -> None:
    """Keep and announce a revision."""
    tenant, value = this.actor.tenant, kept.value
    await store.put_calendar(this.tx, tenant, kept)
    this.publish(subject_id(tenant, "calendar", value.code), kept, value.fact())
