"""Calendars of opening hours: what one may say, and how an edit leaves the past as it was."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Final

from otklik_common.clocks.business_time import FIRST_YEAR, LAST_YEAR
from otklik_common.clocks.calendar import Day
from otklik_common.clocks.told import calendar_of, windows_of
from otklik_common.errors import Conflict, Unprocessable
from otklik_common.events import access as events
from otklik_common.events.envelope import MAX_FACT_BYTES

Names = dict[str, str]

MOST_RULES: Final = 12
"""How often a calendar's hours may change, from the first to the last."""

MOST_EXCEPTIONS: Final = 200

FIRST_DAY, LAST_DAY = date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 31)
"""Of which a calendar can say anything."""

MOST_DAYS: Final = 400
"""That can be looked at at once."""


@dataclass(frozen=True, slots=True)
class Hours:
    """
    What a calendar says of its weeks.

    Attributes:
        week: Monday to Sunday; each day's windows as `09:00-18:00`.
        holidays: Country whose production calendar is kept.
    """

    timezone: str
    week: Sequence[events.Day]
    breaks: events.Day = ()
    holidays: str | None = None

    def since(self, day: date | None) -> events.CalendarRules:
        """These hours as rules from a day on, windows in order and written alike."""
        monday, tuesday, wednesday, thursday, friday, saturday, sunday = map(_written, self.week)
        return events.CalendarRules(
            since=day,
            timezone=self.timezone,
            week=(monday, tuesday, wednesday, thursday, friday, saturday, sunday),
            breaks=_written(self.breaks),
            holidays=self.holidays,
        )


@dataclass(frozen=True, slots=True)
class Calendar:
    """
    A calendar, with all that it ever said.

    Attributes:
        default: The company's own, where nothing else is named; exactly one is.
        rules: The first without a day, then by the day since when they are true.
    """

    code: str
    rules: tuple[events.CalendarRules, ...]
    names: Names = field(default_factory=dict)
    exceptions: Mapping[date, events.Day] = field(default_factory=dict)
    default: bool = False

    def fact(self) -> events.Calendar:
        """What other services learn of it."""
        return events.Calendar(
            code=self.code,
            names=self.names,
            default=self.default,
            rules=self.rules,
            exceptions=dict(sorted(self.exceptions.items())),
        )


def edited(
    known: Calendar | None,
    code: str,
    hours: Hours,
    *,
    names: Names,
    exceptions: Mapping[date, events.Day],
    valid_from: date,
    default: bool,
) -> Calendar:
    """
    The calendar after an edit that is true from a day on.

    What it said of the days before stays as it was, dated exceptions included; what it was to say
    after that day gives way. A calendar that is new, or that is edited from `FIRST_DAY` on, has
    always been so.

    Raises:
        BadHours: A day has hours that cannot be.
        Unprocessable: It would never open, is larger than others can be told of, or an exception
            says something new of a day before.
    """
    written = {day: _written(own) for day, own in exceptions.items()}
    check_days(valid_from, *written)
    if known is None or valid_from <= FIRST_DAY:
        rules: tuple[events.CalendarRules, ...] = (hours.since(None),)
        kept: dict[date, events.Day] = {}
    else:
        earlier = [one for one in known.rules if one.since is None or one.since < valid_from]
        said = hours.since(valid_from)
        same = earlier[-1].model_copy(update={"since": None}) == said.model_copy(
            update={"since": None}
        )
        rules = (*earlier, *(() if same else (said,)))
        kept = {day: own for day, own in known.exceptions.items() if day < valid_from}
        _check_past(kept, written, valid_from)
    kept |= written
    made = Calendar(code, rules, names, dict(sorted(kept.items())), default)
    _check(made)
    return made


def _check_past(
    kept: Mapping[date, events.Day], wanted: Mapping[date, events.Day], valid_from: date
) -> None:
    new = min(
        (d for d, own in wanted.items() if d < valid_from and kept.get(d) != own), default=None
    )
    if new is not None:
        raise Unprocessable(
            f"{new} lies before {valid_from}, from which day on this is true: name an earlier"
            " valid_from to change the past",
            code="exception_before_valid_from",
            detail_ru=f"{new} раньше {valid_from}, с которого это верно: чтобы менять прошлое,"
            " укажите более ранний valid_from",
        )


def check_days(*days: date) -> None:
    """Raise Unprocessable for days outside the years in which business time is told."""
    for day in days:
        if not FIRST_DAY <= day <= LAST_DAY:
            raise Unprocessable(
                f"{day} is outside {FIRST_DAY} to {LAST_DAY}",
                code="bad_range",
                detail_ru=f"{day} вне промежутка с {FIRST_DAY} по {LAST_DAY}",
            )


def _written(day: events.Day) -> events.Day:
    return tuple(str(one) for one in windows_of(day))


def _check(made: Calendar) -> None:
    if len(made.rules) > MOST_RULES:
        raise Unprocessable(
            f"the hours have changed {len(made.rules) - 1} times, {MOST_RULES - 1} can be kept:"
            " make a new calendar",
            code="too_many_rules",
            detail_ru=f"часы менялись {len(made.rules) - 1} раз, хранится {MOST_RULES - 1}:"
            " заведите новый календарь",
        )
    if len(made.exceptions) > MOST_EXCEPTIONS:
        raise Unprocessable(
            f"{len(made.exceptions)} days with hours of their own, {MOST_EXCEPTIONS} can be",
            code="too_many_exceptions",
            detail_ru=f"дней с особыми часами: {len(made.exceptions)}, можно {MOST_EXCEPTIONS}",
        )
    if not calendar_of(made.fact()).opens_for_ever:
        raise Unprocessable(
            "the calendar never opens: give some day of the week hours that breaks leave open",
            code="never_opens",
            detail_ru="календарь никогда не открыт: дайте какому-нибудь дню недели часы вне перерывов",
        )
    size = len(made.fact().said().encode())
    if size > MAX_FACT_BYTES:
        raise Unprocessable(
            f"the calendar takes {size} bytes, {MAX_FACT_BYTES} can be told to others:"
            " use fewer exceptions",
            code="calendar_too_large",
            detail_ru=f"календарь занимает {size} байт, можно {MAX_FACT_BYTES}: уберите исключения",
        )


def with_days_off(known: Calendar, days: Iterable[date]) -> Calendar:
    """
    The calendar closed on these days as well; a day that has hours of its own keeps them, and one
    that is closed already needs no exception.

    Raises:
        Unprocessable: It would hold more than others can be told of.
    """
    calendar = calendar_of(known.fact())
    closed = {day: () for day in days if calendar.day(day).windows}
    made = replace(known, exceptions=dict(sorted({**closed, **known.exceptions}.items())))
    _check(made)
    return made


def days_of(made: Calendar, first: date, last: date) -> list[tuple[date, Day]]:
    """
    When a calendar is open on days from the first to the last.

    Raises:
        Unprocessable: The last is before the first, there are more than `MOST_DAYS`, or they lie
            outside the years of business time.
    """
    if last < first:
        raise Unprocessable(
            "to is before from", code="end_before_start", detail_ru="to раньше, чем from"
        )
    if (last - first).days >= MOST_DAYS:
        raise Unprocessable(
            f"{(last - first).days + 1} days are asked for, {MOST_DAYS} can be",
            code="too_many_days",
            detail_ru=f"запрошено дней: {(last - first).days + 1}, можно {MOST_DAYS}",
        )
    check_days(first, last)
    calendar = calendar_of(made.fact())
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [(day, calendar.day(day)) for day in days]


def check_removable(known: Calendar) -> None:
    """Raise Conflict for the calendar that counts where no other is named."""
    if known.default:
        raise Conflict(
            f"{known.code} is the company's default calendar: make another one the default first",
            code="default_calendar",
            detail_ru=f"{known.code} – календарь компании по умолчанию: сначала сделайте таким другой",
        )


def check_unused(code: str, *, branch: str | None, policy: str | None) -> None:
    """Raise Conflict for a calendar by which a branch or a policy counts, now or of the past."""
    if branch is not None:
        raise Conflict(
            f"the branch {branch} counts by {code}: give it another calendar first",
            code="calendar_in_use",
            detail_ru=f"по календарю {code} считает филиал {branch}: сначала дайте ему другой",
        )
    if policy is not None:
        raise Conflict(
            f"the policy {policy} counts by {code}, or did: its promises of the past need it",
            code="calendar_in_use",
            detail_ru=f"по календарю {code} считает или считало правило {policy}: он нужен его"
            " прошлым обещаниям",
        )
