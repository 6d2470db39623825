"""What a company promises, with some of it otherwise: only to ask what would have been."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from otklik_common.clocks.policies import Policies
from otklik_common.clocks.told import calendar_of, policies_of
from otklik_common.errors import Unprocessable
from otklik_common.events.access import Branch, Calendar, CalendarRules, Day, SlaPolicy, SlaTerms


@dataclass(frozen=True, slots=True)
class OtherHours:
    """
    Hours to try; what is None stays as it is.

    Attributes:
        week: By weekday from 0 for Monday; days left out stay.
        keep_holidays: Leave the production calendar as it is, whatever `holidays` says.
        exceptions: Days with hours of their own, beside those that there are.
    """

    timezone: str | None = None
    week: Mapping[int, Day] = field(default_factory=dict)
    breaks: Day | None = None
    keep_holidays: bool = True
    holidays: str | None = None
    exceptions: Mapping[date, Day] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Otherwise:
    """
    What is to be tried, for all time.

    Attributes:
        policies: By code: other terms, a new policy, or None to leave one out.
        calendars: By code.
    """

    policies: Mapping[str, SlaTerms | None] = field(default_factory=dict)
    calendars: Mapping[str, OtherHours] = field(default_factory=dict)


def otherwise(
    policies: Mapping[str, SlaPolicy],
    calendars: Mapping[str, Calendar],
    branches: Mapping[str, Branch],
    wanted: Otherwise,
) -> Policies:
    """
    What a company would promise.

    Raises:
        Unprocessable: It names a calendar that there is not, two policies would have one priority,
            or a calendar would never open.
        BadHours: A day has hours that cannot be.
    """
    tried = {code: one for code, one in policies.items() if code not in wanted.policies}
    for code, terms in wanted.policies.items():
        if terms is None:
            if code not in policies:
                raise _unknown("policy", "правила", code)
            continue
        _check_priority(code, terms, tried)
        tried[code] = SlaPolicy(code=code, terms=(terms,))
    hours = dict(calendars)
    for code, edit in wanted.calendars.items():
        if code not in calendars:
            raise _unknown("calendar", "календаря", code)
        hours[code] = _edited(calendars[code], edit)
    for one in tried.values():
        named = one.terms[-1].calendar
        if named is not None and named not in hours:
            raise _unknown("calendar", "календаря", named)
    return policies_of(tried, hours, branches)


def _unknown(kind: str, kind_ru: str, code: str) -> Unprocessable:
    return Unprocessable(
        f"no {kind} has the code {code}",
        code=f"unknown_{kind}",
        detail_ru=f"нет {kind_ru} с кодом {code}",
    )


def _check_priority(code: str, terms: SlaTerms, others: Mapping[str, SlaPolicy]) -> None:
    for other in others.values():
        last = other.terms[-1]
        if other.code != code and last.active and last.priority == terms.priority:
            raise Unprocessable(
                f"{other.code} has priority {terms.priority} as well as {code}, and nobody could"
                " tell which of the two holds",
                code="priority_taken",
                detail_ru=f"приоритет {terms.priority} и у {other.code}, и у {code}: неясно, какое"
                " правило действует",
            )


def _edited(known: Calendar, edit: OtherHours) -> Calendar:
    rules = tuple(_other_rules(one, edit) for one in known.rules)
    made = known.model_copy(
        update={"rules": rules, "exceptions": {**known.exceptions, **edit.exceptions}}
    )
    if not calendar_of(made).opens_for_ever:
        raise Unprocessable(
            f"{known.code} would never open",
            code="never_opens",
            detail_ru=f"{known.code} никогда не был бы открыт",
        )
    return made


def _other_rules(known: CalendarRules, edit: OtherHours) -> CalendarRules:
    week = tuple(edit.week.get(day, hours) for day, hours in enumerate(known.week))
    changed = {
        "week": week,
        "timezone": edit.timezone or known.timezone,
        "breaks": known.breaks if edit.breaks is None else edit.breaks,
        "holidays": known.holidays if edit.keep_holidays else edit.holidays,
    }
    return known.model_copy(update=changed)
