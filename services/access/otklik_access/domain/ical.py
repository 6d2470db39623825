"""Days off out of an iCalendar feed. Source: RFC 5545."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any, Final

import icalendar
from dateutil.rrule import rrulestr

from otklik_common.errors import Unprocessable

MOST_EVENTS: Final = 2_000
MOST_REPEATING: Final = 200
MOST_TIMES: Final = 2_000
"""That one event may come, from its first day on."""

_FREQUENCIES: Final = frozenset(("YEARLY", "MONTHLY"))
"""Of repeating events that are read; holidays come no oftener."""

_PARTS: Final = frozenset(
    ["FREQ", "INTERVAL", "COUNT", "UNTIL", "BYMONTH", "BYMONTHDAY", "BYDAY", "BYSETPOS", "WKST"]
)
"""What a rule of whole days may say; hours and minutes would only multiply its times."""

_LONGEST: Final = 366
_A_DAY: Final = timedelta(days=1)
_OLDEST: Final = date(1990, 1, 1)


class BadFeed(Unprocessable):
    """A text that is no calendar."""

    code = "bad_ical"


@dataclass(slots=True)
class Feed:
    """
    What a feed says of a range of days.

    Attributes:
        closed: Days that all-day events cover.
        ignored: How many events were not read, by reason: `not_all_day`, `cancelled`, `bad_dates`,
            `too_long`, `too_frequent`, `bad_rule`.
    """

    closed: set[date] = field(default_factory=set)
    ignored: dict[str, int] = field(default_factory=dict)


class _Ignored(Exception):
    """An event that closes no day; its text is the reason."""


def read_feed(text: str, first: date, last: date) -> Feed:
    """
    The days off in a feed, from the first day to the last.

    Only events of whole days close any; those that repeat are followed where they do so by years
    or months. Names are not kept.

    Raises:
        BadFeed: It is no calendar, or has more events than are read.
    """
    feed, repeating = Feed(), 0
    events = _events(text.removeprefix("\ufeff"))
    moved = _moved(events)
    for event in events:
        repeating += "RRULE" in event
        if repeating > MOST_REPEATING:
            raise _too_many(MOST_REPEATING, "repeating events", "повторяющихся событий")
        try:
            for begins, days in _times(event, moved, first, last):
                # By arithmetic: many long events must not be walked through day by day.
                start, end = max(begins, first), min(begins + (days - 1) * _A_DAY, last)
                feed.closed.update(start + n * _A_DAY for n in range((end - start).days + 1))
        except _Ignored as why:
            _ignore(feed, str(why))
        except (ValueError, TypeError, OverflowError, AttributeError):
            _ignore(feed, "bad_rule" if "RRULE" in event else "bad_dates")
    return feed


def _ignore(feed: Feed, why: str) -> None:
    feed.ignored[why] = feed.ignored.get(why, 0) + 1


def _moved(events: Iterable[Any]) -> dict[str, set[date]]:
    """By the id of a series: the days on which another event stands in the place of its own."""
    found: dict[str, set[date]] = {}
    for event in events:
        moment = getattr(event.get("RECURRENCE-ID"), "dt", None)
        if isinstance(moment, date):
            found.setdefault(str(event.get("UID")), set()).add(_date(moment))
    return found


def _events(text: str) -> list[Any]:
    try:
        found = icalendar.Calendar.from_ical(text)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        found = None
    if not isinstance(found, icalendar.Calendar):
        raise BadFeed(
            "the text is no calendar: it begins with BEGIN:VCALENDAR and ends with END:VCALENDAR",
            detail_ru="это не календарь: текст начинается с BEGIN:VCALENDAR и кончается END:VCALENDAR",
        )
    events: list[Any] = found.walk("VEVENT")
    if len(events) > MOST_EVENTS:
        raise _too_many(MOST_EVENTS, "events", "событий")
    return events


def _too_many(most: int, en: str, ru: str) -> BadFeed:
    return BadFeed(f"a feed has {most} {en} at most", detail_ru=f"в ленте не больше {most} {ru}")


def _times(
    event: Any, moved: Mapping[str, set[date]], first: date, last: date
) -> Iterator[tuple[date, int]]:
    """The first day and the number of days of each time that an event happens in the range."""
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        raise _Ignored("cancelled")
    begins = _day(event, "DTSTART")
    days = _length(event, begins)
    if not 1 <= days <= _LONGEST:
        raise _Ignored("bad_dates" if days < 1 else "too_long")
    times = {begins, *_listed(event, "RDATE")}
    if "RRULE" in event:
        times.update(_repeated(event, begins, last))
    left_out = {*_listed(event, "EXDATE")}
    if "RECURRENCE-ID" not in event:
        left_out |= moved.get(str(event.get("UID")), set())
    for day in times - left_out:
        if first - days * _A_DAY < day <= last:
            yield day, days


def _day(event: Any, name: str) -> date:
    found = getattr(event.get(name), "dt", None)
    if isinstance(found, datetime):
        raise _Ignored("not_all_day")
    if not isinstance(found, date):
        raise _Ignored("bad_dates")
    return found


def _length(event: Any, begins: date) -> int:
    if "DTEND" in event:
        return (_day(event, "DTEND") - begins).days
    if "DURATION" in event:
        lasts = getattr(event.get("DURATION"), "dt", None)
        if not isinstance(lasts, timedelta):
            raise _Ignored("bad_dates")
        return lasts.days
    return 1


def _listed(event: Any, name: str) -> Iterator[date]:
    """Days that an event names one by one."""
    said = event.get(name, [])
    for one in said if isinstance(said, list) else [said]:
        for moment in one.dts:
            yield _date(moment.dt)


def _repeated(event: Any, begins: date, last: date) -> list[date]:
    """The days on which an event begins again, each time."""
    rule = event.get("RRULE")
    if isinstance(rule, list) or not _PARTS.issuperset(map(str.upper, rule)) or begins < _OLDEST:
        raise _Ignored("bad_rule")
    if not {str(one).upper() for one in rule.get("FREQ", [])} <= _FREQUENCIES:
        raise _Ignored("too_frequent")
    if min((int(one) for one in rule.get("INTERVAL", [])), default=1) < 1:
        raise _Ignored("bad_rule")
    until = min([last, *(_date(one) for one in rule.get("UNTIL", []))])
    most = min((int(one) for one in rule.get("COUNT", [])), default=MOST_TIMES + 1)
    # With an end of our own: a day that never comes would be looked for until the year 9999.
    kept = {name: said for name, said in rule.items() if name not in ("UNTIL", "COUNT")}
    text: bytes = icalendar.vRecur(kept).to_ical()  # type: ignore[no-untyped-call]
    found = rrulestr(
        f"{text.decode()};UNTIL={until:%Y%m%d}", dtstart=datetime.combine(begins, time())
    )
    times = [moment.date() for moment in islice(found, min(most, MOST_TIMES + 1))]
    if len(times) > MOST_TIMES:
        raise _Ignored("too_frequent")
    return times


def _date(moment: Any) -> date:
    return moment.date() if isinstance(moment, datetime) else moment
