"""
Business time of a calendar: how much of it passes between two instants, and when so much has passed.

An instant is business time if the wall clock shows, in the zone that is true that day, a minute
inside one of the day's windows. So an hour that the clock repeats counts twice, one that it skips
does not count, and a calendar that never closes counts elapsed time.
"""

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import accumulate
from operator import sub
from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray

from otklik_common.clocks.calendar import Calendar, Rules
from otklik_common.clocks.zones import EPOCH, find_zone, micros, offsets

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2200
"""The years in which business time is told; what lies outside is refused."""

YEARS_AHEAD: Final = 30
"""What is not due by then is never due."""

MOST_CALENDARS: Final = 256
MOST_SPANS: Final = 400_000
"""Of all calendars whose business time is kept ready, some 50 MB; more go when the next one comes."""

_SECOND: Final = 1_000_000
_MINUTE: Final = 60 * _SECOND
_MICROSECOND: Final = timedelta(microseconds=1)
_A_DAY: Final = timedelta(days=1)
_MARGIN: Final = timedelta(days=2)
"""No wall clock is further from UTC."""


Micros = NDArray[np.int64]
"""Instants as microseconds since 1970, or spans in microseconds."""


class NeverOpenError(ValueError):
    """So much business time does not pass in `YEARS_AHEAD`: the calendar hardly opens, or never."""


class BusinessTime:
    """
    The business time of one calendar.

    Windows are worked out by years, when they are first needed, and kept: a question then takes
    two searches. Several threads may ask at once.

    Args:
        calendar: Every zone that its rules name must be known.
    """

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        # Replaced as a whole, so that whoever reads has what belongs together.
        self._kept = _Kept.nothing()

    @property
    def spans(self) -> int:
        """How many open spans are worked out."""
        return len(self._kept.starts)

    def between(self, start: datetime, end: datetime) -> timedelta:
        """
        The business time from one instant to another.

        Raises:
            ValueError: `end` is before `start`, or one of them outside `FIRST_YEAR` to `LAST_YEAR`.
        """
        return timedelta(0, 0, self.micros_between(micros(start), micros(end)))

    def micros_between(self, start: int, end: int) -> int:
        """The same in microseconds, of instants in microseconds since 1970."""
        if end < start:
            raise ValueError("a span ends before it begins")
        kept = self._kept
        if start < kept.low or end >= kept.high:
            kept = self._reach(start, end)
        return kept.passed(end) - kept.passed(start)

    def micros_between_many(self, starts: Micros, ends: Micros) -> Micros:
        """
        `micros_between` of many at once, some ten times as fast.

        Args:
            starts, ends: Of equal length; microseconds since 1970.
        Raises:
            ValueError: As `micros_between`, for any of them.
        """
        if not len(starts):
            return np.zeros(0, dtype=np.int64)
        if (ends < starts).any():
            raise ValueError("a span ends before it begins")
        kept = self._reach(int(starts.min()), int(ends.max()))
        return kept.passed_many(ends) - kept.passed_many(starts)

    def deadline(self, start: datetime, span: timedelta) -> datetime:
        """
        The earliest instant by which so much business time has passed.

        Args:
            span: Not negative; of nothing, the first open instant from `start` on.
        Returns:
            In UTC.
        Raises:
            NeverOpenError: It does not pass in `YEARS_AHEAD`, or before `LAST_YEAR` ends.
            ValueError: `span` is negative, or `start` outside `FIRST_YEAR` to `LAST_YEAR`.
        """
        if span < timedelta():
            raise ValueError("a span of less than nothing")
        return EPOCH + timedelta(0, 0, self.micros_deadline(micros(start), span // _MICROSECOND))

    def micros_deadline(self, start: int, span: int) -> int:
        """The same in microseconds, of an instant in microseconds since 1970."""
        kept = self._reach(start, start)
        # Of nothing, the next microsecond that is open begins then.
        left = max(span, 1)
        while kept.whole - kept.passed(start) < left:
            kept = self._reach_further(kept, start)
        found = kept.reached(kept.passed(start) + left)
        return found if span else found - 1

    def micros_deadline_many(self, starts: Micros, spans: Micros) -> Micros:
        """
        `micros_deadline` of many at once.

        Raises:
            NeverOpenError, ValueError: As `deadline`, for any of them.
        """
        if not len(starts):
            return np.zeros(0, dtype=np.int64)
        if (spans < 0).any():
            raise ValueError("a span of less than nothing")
        kept, left = self._reach(int(starts.min()), int(starts.max())), np.maximum(spans, 1)
        latest = int(starts.max())
        while int((kept.passed_many(starts) + left).max()) > kept.whole:
            kept = self._reach_further(kept, latest)
        found: Micros = kept.reached_many(kept.passed_many(starts) + left) - (spans == 0)
        return found

    def is_open(self, instant: datetime) -> bool:
        """Whether an instant is business time."""
        at = micros(instant)
        kept = self._reach(at, at)
        return kept.passed(at + 1) > kept.passed(at)

    def _reach(self, first: int, last: int) -> "_Kept":
        """What is kept, with the years of two instants and those between."""
        kept = self._kept
        if kept.low <= first and last < kept.high:
            return kept
        years = [_year_of(first), _year_of(last)]
        for year in years:
            if not FIRST_YEAR <= year <= LAST_YEAR:
                raise ValueError(f"year {year} is outside {FIRST_YEAR} to {LAST_YEAR}")
        if kept.first < kept.after:
            years += [kept.first, kept.after - 1]
        return self._keep(kept, min(years), max(years) + 1)

    def _reach_further(self, kept: "_Kept", start: int) -> "_Kept":
        """With twice the years, for what begins at an instant."""
        last = min(_year_of(start) + YEARS_AHEAD, LAST_YEAR)
        if kept.after > last or not self._opens_after(kept.after):
            raise NeverOpenError("the calendar stays closed")
        after = min(kept.after + (kept.after - kept.first), last + 1)
        return self._keep(kept, kept.first, after)

    def _opens_after(self, year: int) -> bool:
        # Days of the year before may still end in this one, or those of the next begin in it.
        later = date(year, 1, 1) - _MARGIN
        return (
            self._calendar.opens_for_ever
            or any(rules.since >= later for rules in self._calendar.rules)
            or any(day >= later and hours for day, hours in self._calendar.exceptions.items())
        )

    def _keep(self, kept: "_Kept", first: int, after: int) -> "_Kept":
        spans = list(zip(kept.starts, kept.ends, strict=True))
        for year in range(first, after):
            if not kept.first <= year < kept.after:
                spans += _windows(self._calendar, year)
        starts, ends = _joined(sorted(spans))
        through = list(accumulate(map(sub, ends, starts)))
        self._kept = _Kept(first, after, _new_year(first), _new_year(after), starts, ends, through)
        return self._kept


def _joined(spans: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """Starts and ends of spans in order; of those that meet, as one."""
    starts: list[int] = []
    ends: list[int] = []
    for start, end in spans:
        if ends and ends[-1] == start:
            ends[-1] = end
        else:
            starts.append(start)
            ends.append(end)
    return starts, ends


@dataclass(frozen=True)
class _Kept:
    """
    The open spans of some years.

    Attributes:
        first, after: The first year, and the first that is not kept.
        low, high: Where they begin and end.
        starts, ends: Of each span, in order and apart.
        through: Business time from the first span to the end of each.
    """

    first: int
    after: int
    low: int
    high: int
    starts: list[int]
    ends: list[int]
    through: list[int]

    @classmethod
    def nothing(cls) -> "_Kept":
        """No year at all."""
        return cls(0, 0, 0, 0, [], [], [])

    @property
    def whole(self) -> int:
        """Business time of all these years."""
        return self.through[-1] if self.through else 0

    def passed(self, instant: int) -> int:
        """Business time from the first span to an instant within the years."""
        place = bisect_right(self.starts, instant) - 1
        if place < 0:
            return 0
        return self.through[place] - max(0, self.ends[place] - instant)

    def reached(self, target: int) -> int:
        """The earliest instant by which so much has passed; more than nothing, not more than all."""
        place = bisect_left(self.through, target)
        return self.ends[place] - (self.through[place] - target)

    @cached_property
    def _arrays(self) -> tuple[Micros, Micros, Micros]:
        starts, ends, through = (
            np.array(one, dtype=np.int64) for one in (self.starts, self.ends, self.through)
        )
        return starts, ends, through

    def passed_many(self, instants: Micros) -> Micros:
        """`passed` of many."""
        starts, ends, through = self._arrays
        if not len(starts):
            return np.zeros(len(instants), dtype=np.int64)
        places = starts.searchsorted(instants, side="right") - 1
        # Before the first span nothing has passed: place -1 would be the last one.
        found: Micros = through[places] - np.maximum(0, ends[places] - instants)
        return np.where(places < 0, 0, found)

    def reached_many(self, targets: Micros) -> Micros:
        """`reached` of many."""
        _, ends, through = self._arrays
        places = through.searchsorted(targets, side="left")
        found: Micros = ends[places] - (through[places] - targets)
        return found


class _Ready:
    """The business time of calendars, as it was worked out before; those not used longest go."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Calendar, BusinessTime] = OrderedDict()
        self._alone = Lock()

    def of(self, calendar: Calendar) -> BusinessTime:
        with self._alone:
            found = self._kept.get(calendar)
            if found is None:
                found = self._kept[calendar] = BusinessTime(calendar)
                self._make_room()
            else:
                self._kept.move_to_end(calendar)
        return found

    def _make_room(self) -> None:
        spans = sum(one.spans for one in self._kept.values())
        while len(self._kept) > 1 and (len(self._kept) > MOST_CALENDARS or spans > MOST_SPANS):
            _, gone = self._kept.popitem(last=False)
            spans -= gone.spans


_ready: Final = _Ready()


def business_time(calendar: Calendar) -> BusinessTime:
    """The business time of a calendar, as it was worked out before."""
    return _ready.of(calendar)


def _year_of(instant: int) -> int:
    return (EPOCH + timedelta(microseconds=instant)).year


def _new_year(year: int) -> int:
    return micros(datetime(year, 1, 1, tzinfo=UTC))


def _windows(calendar: Calendar, year: int) -> Iterator[tuple[int, int]]:
    """The open spans of a year in UTC, in microseconds since 1970; apart, in no order."""
    low, high = _new_year(year), _new_year(year + 1)
    for rules, (begins, ends) in _reigns(calendar):
        start, end = max(low, begins), min(high, ends)
        if start < end:
            yield from _of_rules(calendar, rules, start, end)


def _reigns(calendar: Calendar) -> Iterator[tuple[Rules, tuple[int, int]]]:
    """Each rules with the instants between which they are true."""
    begins = [
        _new_year(1) if place == 0 else micros(_midnight(rules))
        for place, rules in enumerate(calendar.rules)
    ]
    # A day begins at different moments in different zones: rules never begin before those before.
    for place in reversed(range(len(begins) - 1)):
        begins[place] = min(begins[place], begins[place + 1])
    for place, rules in enumerate(calendar.rules):
        last = place + 1 == len(begins)
        yield rules, (begins[place], _new_year(9999) if last else begins[place + 1])


def _midnight(rules: Rules) -> datetime:
    """The first instant of the first day of rules, by their own zone."""
    zone = find_zone(rules.timezone)
    assert zone is not None, rules.timezone
    return datetime(*rules.since.timetuple()[:3], tzinfo=zone).astimezone(UTC)


def _of_rules(calendar: Calendar, rules: Rules, start: int, end: int) -> Iterator[tuple[int, int]]:
    zone = find_zone(rules.timezone)
    assert zone is not None, rules.timezone
    first = EPOCH + timedelta(microseconds=start)
    after = EPOCH + timedelta(microseconds=end)
    steps = offsets(zone, first, after)
    edges = [start, *steps.changes, end]
    reigns = [
        (edges[place], edges[place + 1], second * _SECOND)
        for place, second in enumerate(steps.seconds)
    ]
    day, last = (first - _MARGIN).date(), (after + _MARGIN).date()
    while day <= last:
        hours = calendar.exceptions.get(day)
        midnight = (day - EPOCH.date()).days * 1440 * _MINUTE
        for opens, closes in rules.day(day).windows if hours is None else hours:
            for since, until, shift in reigns:
                low = max(since, midnight + opens * _MINUTE - shift)
                high = min(until, midnight + closes * _MINUTE - shift)
                if low < high:
                    yield low, high
        day += _A_DAY
