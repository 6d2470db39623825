"""What the routes around calendars take and give."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated, Self

from pydantic import BaseModel, Field

from otklik_access.api.words import Names
from otklik_access.domain.calendars import MOST_EXCEPTIONS, Calendar, Hours
from otklik_access.domain.ical import Feed
from otklik_access.domain.kept import Kept
from otklik_common.clocks.calendar import Day as OpenDay
from otklik_common.clocks.calendar import Why
from otklik_common.events.access import CalendarRules
from otklik_common.hours_words import WEEKDAYS, Country, Day, Weekday, Zone
from otklik_common.http import StrictModel


class CalendarBody(StrictModel):
    """A calendar as it should be from a day on."""

    names: Names = Field(default_factory=dict)
    timezone: Zone
    week: dict[Weekday, Day] = Field(description="days left out are closed")
    breaks: Day = Field(default=(), description="taken out of every day of the week")
    holidays: Country | None = None
    exceptions: dict[date, Day] = Field(
        default_factory=dict,
        max_length=MOST_EXCEPTIONS,
        description="days with hours of their own, whatever week and holidays say; they take the"
        " place of all from valid_from on, days off of feeds included",
        examples=[{"2026-12-31": ["09:00-14:00"]}],
    )
    valid_from: date | None = Field(
        default=None,
        description="the first day of these hours; null: today. What was said of the days before"
        " stays. A new calendar has always been as it is now; from 1900-01-01 on, so has any",
    )
    default: bool = Field(
        default=False,
        description="the company's own; the first calendar is, and takes its place until another does",
    )

    def hours(self) -> Hours:
        """What it says of its weeks."""
        week = [self.week.get(day, ()) for day in WEEKDAYS]
        return Hours(self.timezone, week, self.breaks, self.holidays)


class DayOut(BaseModel):
    """When a day is open."""

    day: date
    hours: tuple[str, ...]
    why: Why = Field(
        description="what decided: the week, an exception, a holiday (or a day off moved here), a"
        " worked day of a weekend, or the eve of a holiday"
    )


class DaysOut(BaseModel):
    """Days of a calendar, in order."""

    days: list[DayOut]

    @classmethod
    def of(cls, days: Iterable[tuple[date, OpenDay]]) -> Self:
        """The answer for days."""
        return cls(
            days=[
                DayOut(day=day, hours=tuple(map(str, told.windows)), why=told.why)
                for day, told in days
            ]
        )


class FeedBody(StrictModel):
    """A feed of days off."""

    ical: Annotated[
        str,
        Field(
            min_length=1,
            max_length=500_000,
            description="an iCalendar text (RFC 5545), as calendars export it",
        ),
    ]
    first: date | None = Field(
        default=None, description="the first day that is taken over; null: today"
    )


class CalendarRulesOut(BaseModel):
    """Hours from a day on."""

    since: date | None
    timezone: str
    week: dict[str, tuple[str, ...]]
    breaks: tuple[str, ...]
    holidays: str | None

    @classmethod
    def of(cls, rules: CalendarRules) -> Self:
        """The answer for rules."""
        return cls(
            since=rules.since,
            timezone=rules.timezone,
            week=dict(zip(WEEKDAYS, rules.week, strict=True)),
            breaks=rules.breaks,
            holidays=rules.holidays,
        )


class CalendarOut(BaseModel):
    """A calendar, with all that it ever said."""

    code: str
    names: dict[str, str]
    default: bool
    rules: list[CalendarRulesOut]
    exceptions: Mapping[date, tuple[str, ...]]

    @classmethod
    def of(cls, kept: Kept[Calendar]) -> Self:
        """The answer for a calendar."""
        value = kept.value
        return cls(
            code=value.code,
            names=value.names,
            default=value.default,
            rules=[CalendarRulesOut.of(one) for one in value.rules],
            exceptions=value.exceptions,
        )


class FeedOut(BaseModel):
    """What came of a feed."""

    calendar: CalendarOut
    days_off: list[date] = Field(description="days of the feed, those with hours of their own too")
    ignored: dict[str, int] = Field(
        description="events that close no day, by reason: not_all_day, cancelled, bad_dates,"
        " too_long, too_frequent (oftener than monthly), bad_rule"
    )

    @classmethod
    def of(cls, kept: Kept[Calendar], feed: Feed) -> Self:
        """The answer for a feed."""
        return cls(
            calendar=CalendarOut.of(kept), days_off=sorted(feed.closed), ignored=feed.ignored
        )
