"""What the routes around calendars take and give."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, Field

from otklik_access.api.words import Names, Zone
from otklik_access.domain.calendars import MOST_EXCEPTIONS, Calendar, Hours
from otklik_access.domain.ical import Feed
from otklik_access.domain.kept import Kept
from otklik_common.clocks.calendar import Day as OpenDay
from otklik_common.clocks.calendar import Why
from otklik_common.clocks.hours import MOST_WINDOWS, BadHours
from otklik_common.clocks.told import windows_of
from otklik_common.events.access import CalendarRules
from otklik_common.http import StrictModel, bad_value

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _day(hours: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return tuple(str(one) for one in windows_of(hours))
    except BadHours as no:
        raise bad_value("bad_hours", str(no), no.detail_ru or str(no)) from None


Day = Annotated[
    tuple[Annotated[str, Field(max_length=40)], ...],
    Field(
        max_length=MOST_WINDOWS,
        description="when it is open, on the wall clock; nothing: closed; midnight at the end is 24:00",
        examples=[["09:00-13:00", "14:00-18:00"]],
    ),
    AfterValidator(_day),
]
Country = Annotated[
    Literal["RU", "BY", "KZ", "UZ"],
    Field(
        description="the country whose production calendar is kept: holidays and moved days are"
        " closed, worked Saturdays open, eves of Russian holidays an hour shorter"
    ),
]


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
