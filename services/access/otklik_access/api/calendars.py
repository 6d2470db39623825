"""Calendars of opening hours."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from otklik_access.actions import calendars
from otklik_access.api.calendar_schemas import CalendarBody, CalendarOut, DaysOut, FeedBody, FeedOut
from otklik_access.api.callers import Lent
from otklik_access.api.companies import CodeInPath, Reader, Writer
from otklik_access.api.words import DateInQuery
from otklik_access.domain.calendars import days_of
from otklik_common.http import PROBLEMS, IfMatch, Now, etag
from otklik_common.paging import Page, Pages

router = APIRouter(prefix="/access/v1", tags=["calendars"])


@router.get(
    "/calendars",
    operation_id="list_calendars",
    summary="Calendars of opening hours",
    response_model=Page[CalendarOut],
    responses=PROBLEMS(400, 401, 403, 422),
)
async def list_calendars(by: Reader, platform: Lent, paging: Pages) -> Page[CalendarOut]:
    """In the order of their codes."""
    part = paging.part(by.tenant)
    found = await calendars.calendars(platform, by.tenant, part)
    return part.page(found, key=lambda one: (one.value.code,), item=CalendarOut.of)


@router.get(
    "/calendars/{code}",
    operation_id="get_calendar",
    summary="One calendar",
    response_model=CalendarOut,
    responses=PROBLEMS(401, 403, 404, 422),
)
async def get_calendar(
    code: CodeInPath, by: Reader, platform: Lent, response: Response
) -> CalendarOut:
    """All that it ever said: rules by the day since when they are true, and single days."""
    kept = await calendars.calendar(platform, by.tenant, code)
    response.headers["ETag"] = etag(kept.revision)
    return CalendarOut.of(kept)


@router.get(
    "/calendars/{code}/days",
    operation_id="list_calendar_days",
    summary="When a calendar is open, day by day",
    response_model=DaysOut,
    responses=PROBLEMS(401, 403, 404, 422),
)
async def list_days(
    code: CodeInPath,
    by: Reader,
    platform: Lent,
    first: Annotated[DateInQuery, Query(alias="from", description="the first day")],
    last: Annotated[DateInQuery, Query(alias="to", description="the last day, itself included")],
) -> DaysOut:
    """
    Of each day the hours on its own wall clock, and what decided on them: so a production calendar
    can be checked before anybody is measured by it. 400 days at once at most, from 1900 to 2200.
    """
    kept = await calendars.calendar(platform, by.tenant, code)
    return DaysOut.of(days_of(kept.value, first, last))


@router.put(
    "/calendars/{code}",
    operation_id="put_calendar",
    summary="Make a calendar, or change it from a day on",
    response_model=CalendarOut,
    responses=PROBLEMS(401, 403, 412, 422),
)
async def put_calendar(
    code: CodeInPath,
    body: CalendarBody,
    by: Writer,
    platform: Lent,
    expected: IfMatch,
    response: Response,
) -> CalendarOut:
    """
    Business time is told by it: an hour that the clock repeats counts twice, one that it skips
    does not count, a calendar that never closes counts elapsed time.

    What is sent is true from `valid_from` on; the days before, exceptions included, stay as they
    were. The same body again on the same day changes nothing.
    """
    edit = calendars.Edit(
        body.hours(), body.names, body.exceptions, body.valid_from, default=body.default
    )
    kept = await calendars.put_calendar(platform, by, code, edit, expected=expected)
    response.headers["ETag"] = etag(kept.revision)
    return CalendarOut.of(kept)


@router.post(
    "/calendars/{code}/days-off",
    operation_id="add_days_off",
    summary="Close a calendar on the days off of a feed",
    response_model=FeedOut,
    responses=PROBLEMS(401, 403, 404, 412, 422),
)
async def add_days_off(
    code: CodeInPath,
    body: FeedBody,
    by: Writer,
    platform: Lent,
    expected: IfMatch,
    now: Now,
    response: Response,
) -> FeedOut:
    """
    Events of whole days close those days, for two years from the first one; a day that has hours of
    its own keeps them. Events that repeat are followed where they do so by years or months. Names
    are not kept. The same feed again changes nothing.
    """
    kept, feed = await calendars.add_days_off(
        platform, by, code, body.ical, first=body.first, now=now, expected=expected
    )
    response.headers["ETag"] = etag(kept.revision)
    return FeedOut.of(kept, feed)


@router.delete(
    "/calendars/{code}",
    operation_id="remove_calendar",
    summary="Remove a calendar",
    status_code=204,
    responses=PROBLEMS(401, 403, 404, 409, 412, 422),
)
async def remove_calendar(code: CodeInPath, by: Writer, platform: Lent, expected: IfMatch) -> None:
    """The company's default cannot be removed: make another one the default first."""
    await calendars.remove_calendar(platform, by, code, expected=expected)
