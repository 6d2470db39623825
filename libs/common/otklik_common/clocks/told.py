"""Calendars as access tells them, ready to count business time by."""

from otklik_common.clocks.calendar import ALWAYS, Calendar, Rules
from otklik_common.clocks.hours import Windows, window, windows
from otklik_common.events import access as events


def calendar_of(fact: events.Calendar) -> Calendar:
    """
    The calendar of a fact.

    Raises:
        BadHours: Its hours cannot be; access never tells such.
    """
    return Calendar(
        tuple(_rules(one) for one in fact.rules),
        {day: windows_of(hours) for day, hours in fact.exceptions.items()},
    )


def _rules(told: events.CalendarRules) -> Rules:
    monday, tuesday, wednesday, thursday, friday, saturday, sunday = map(windows_of, told.week)
    return Rules(
        told.since or ALWAYS,
        told.timezone,
        (monday, tuesday, wednesday, thursday, friday, saturday, sunday),
        windows_of(told.breaks),
        told.holidays,
    )


def windows_of(hours: events.Day) -> Windows:
    """The windows of a day. Raises BadHours."""
    return windows(map(window, hours))
