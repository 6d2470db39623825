"""Calendars and policies as access tells them, ready to count by."""

from collections.abc import Mapping
from datetime import timedelta

from otklik_common.clocks.calendar import ALWAYS, Calendar, Rules
from otklik_common.clocks.hours import Windows, window, windows
from otklik_common.clocks.policies import ALWAYS as FOR_EVER
from otklik_common.clocks.policies import Policies, Policy, Promise, Terms
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


def policies_of(
    policies: Mapping[str, events.SlaPolicy],
    calendars: Mapping[str, events.Calendar],
    branches: Mapping[str, events.Branch],
) -> Policies:
    """
    What a company promises, of facts by their codes.

    Raises:
        BadHours: As `calendar_of`.
    """
    own = sorted(code for code, one in calendars.items() if one.default)
    return Policies(
        [policy_of(policies[code]) for code in sorted(policies)],
        calendars={code: calendar_of(one) for code, one in calendars.items()},
        default=own[0] if own else None,
        branch_calendars={
            code: one.calendar for code, one in branches.items() if one.calendar is not None
        },
        groups={code: frozenset(one.groups) for code, one in branches.items()},
    )


def policy_of(fact: events.SlaPolicy) -> Policy:
    """The policy of a fact."""
    return Policy(fact.code, tuple(_terms(one) for one in fact.terms))


def _terms(told: events.SlaTerms) -> Terms:
    conditions = {
        "channel": told.channels,
        "party": told.parties,
        "branch": told.branches,
        "group": told.groups,
        "queue": told.queues,
        "segment": told.segments,
        "service_level": told.service_levels,
    }
    return Terms(
        told.since or FOR_EVER,
        told.priority,
        {name: frozenset(values) for name, values in conditions.items() if values},
        told.calendar,
        {one.target.value: _promise(one) for one in told.targets}
        | {one.target.value: _promise(one) for one in told.other_targets},
        told.active,
    )


def _promise(told: events.SlaTarget | events.OtherTarget) -> Promise:
    return Promise(
        timedelta(seconds=told.seconds),
        timedelta(seconds=told.warning_seconds),
        told.business,
        frozenset(one.value for one in told.pauses)
        if isinstance(told, events.SlaTarget)
        else frozenset(),
    )
