"""Buckets of time in a company's own zone: exact over clock changes, whatever the offset."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from otklik_common.clocks.zones import EPOCH, change_between, micros, offsets
from otklik_metrics.domain.bucket import start_of

SLOT_SECONDS = 900
"""Length of the finest rollup, in UTC."""

FIRST_YEAR = 1900
LAST_YEAR = 2200


class Granularity(StrEnum):
    """How long a bucket is. A week begins on Monday (ISO 8601)."""

    QUARTER_HOUR = "15m"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    TOTAL = "total"


SECONDS = {Granularity.QUARTER_HOUR: SLOT_SECONDS, Granularity.HOUR: 3600}
"""Granularities finer than a day, which run along the clock."""

MONTHS = {Granularity.MONTH: 1, Granularity.QUARTER: 3, Granularity.YEAR: 12}
"""Granularities that run along the calendar's months."""

LEAST_SECONDS = {
    Granularity.QUARTER_HOUR: 900,
    Granularity.HOUR: 3600,
    Granularity.DAY: 86_400,
    Granularity.WEEK: 7 * 86_400,
    Granularity.MONTH: 28 * 86_400,
    Granularity.QUARTER: 90 * 86_400,
    Granularity.YEAR: 365 * 86_400,
}


def most_buckets(start: datetime, end: datetime, granularity: Granularity) -> int:
    """
    At least as many buckets as the range touches, by arithmetic alone.

    Never lower than the exact number, and above it by a few per cent at most (months are
    taken to have 28 days).
    """
    if granularity is Granularity.TOTAL:
        return 1
    return (end - start) // timedelta(seconds=LEAST_SECONDS[granularity]) + 2


@dataclass(frozen=True, slots=True)
class Buckets:
    """
    The buckets that a range touches, in order.

    Attributes:
        start, end: The range itself, end excluded; the first and last bucket may reach beyond.
        edges: Where each bucket begins, as UTC instants; the last one ends where the next would
            begin. Empty for `total`, which has no bucket.
    """

    start: datetime
    end: datetime
    granularity: Granularity
    zone: ZoneInfo
    edges: tuple[datetime, ...]

    def __len__(self) -> int:
        return max(1, len(self.edges))

    @property
    def labels(self) -> tuple[str | None, ...]:
        """Local start of each bucket with its offset; (None,) for `total`."""
        if not self.edges:
            return (None,)
        return tuple(edge.astimezone(self.zone).isoformat() for edge in self.edges)

    def edge_micros(self) -> list[int]:
        """The edges as microseconds since 1970."""
        return [micros(edge) for edge in self.edges]

    def index(self, instant: datetime) -> int:
        """Which bucket holds `instant`; it must lie inside the range."""
        return max(0, bisect_right(self.edges, instant) - 1)


def buckets(start: datetime, end: datetime, granularity: Granularity, zone: ZoneInfo) -> Buckets:
    """
    All buckets that [start, end) touches. Check `most_buckets` first: this makes them all.

    A day has 23 or 25 hours where the clock changes, a repeated hour has two buckets, a day
    that the calendar skipped has none.
    """
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    if granularity is Granularity.TOTAL:
        edges: list[datetime] = []
    elif granularity in SECONDS:
        edges = list(_along_the_clock(start, end, SECONDS[granularity], zone))
    else:
        edges = list(_along_the_calendar(start, end, granularity, zone))
    return Buckets(start, end, granularity, zone, tuple(edges))


def _along_the_clock(
    start: datetime, end: datetime, step: int, zone: ZoneInfo
) -> Iterator[datetime]:
    # A bucket may begin before the range, and a change of the clock may begin it.
    early = start - timedelta(seconds=step)
    steps = offsets(zone, early, end)
    low, high, width = micros(start), micros(end), step * 1_000_000
    bounds = (micros(early), *steps.changes, high)
    edges: set[int] = set(steps.changes)
    for begin, stop, offset in zip(bounds, bounds[1:], steps.seconds, strict=False):
        shift = offset * 1_000_000
        first = -(-(begin + shift) // width) * width - shift
        edges.update(range(first, stop, width))
    ordered = sorted(edges)
    begins = max(0, bisect_right(ordered, low) - 1)
    for edge in ordered[begins:]:
        yield EPOCH + timedelta(microseconds=edge)


def _along_the_calendar(
    start: datetime, end: datetime, granularity: Granularity, zone: ZoneInfo
) -> Iterator[datetime]:
    day = first_day(start.astimezone(zone).date(), granularity)
    edge = start_of(day, zone)
    while edge < end:
        day = shifted(day, granularity, 1)
        following = start_of(day, zone)
        # A day that the calendar skipped begins where the next one does.
        if following > edge and following > start:
            yield edge
        edge = following


def first_day(day: date, granularity: Granularity) -> date:
    """The first day of the bucket that `day` lies in."""
    if granularity is Granularity.WEEK:
        return day - timedelta(days=day.weekday())
    if granularity in MONTHS:
        months = MONTHS[granularity]
        return day.replace(month=(day.month - 1) // months * months + 1, day=1)
    return day


def shifted(day: date, granularity: Granularity, count: int) -> date:
    """`day` moved by `count` buckets; in a shorter month, its last day."""
    if granularity in MONTHS:
        return _month_shift(day, MONTHS[granularity] * count)
    return day + timedelta(days=count * (7 if granularity is Granularity.WEEK else 1))


def _month_shift(day: date, months: int) -> date:
    years, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    following = date(years + (month == 11), (month + 1) % 12 + 1, 1)
    last = (following - timedelta(days=1)).day
    return date(years, month + 1, min(day.day, last))


def resolve(wall: datetime, zone: ZoneInfo) -> datetime:
    """
    The first instant at which the wall clock of `zone` shows `wall` or, where the clock was
    put forward over it, the instant of that change.
    """
    instant = wall.replace(tzinfo=zone).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == wall.replace(fold=0):
        return instant
    return change_between(zone, instant - timedelta(days=1), instant)


@dataclass(frozen=True, slots=True)
class Shift:
    """By how many buckets of which length another period lies earlier; `total`: microseconds."""

    unit: Granularity
    count: int

    def back(self, instant: datetime, zone: ZoneInfo) -> datetime:
        """`instant` moved back; from a day upwards the wall clock is kept."""
        if self.unit is Granularity.TOTAL:
            return instant - timedelta(microseconds=self.count)
        if self.unit in SECONDS:
            return instant - timedelta(seconds=SECONDS[self.unit] * self.count)
        wall = _wall(instant, zone).replace(fold=0)
        return resolve(datetime.combine(self.day_back(wall.date()), wall.time()), zone)

    def period(self, start: datetime, end: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """
        [start, end) moved back, never past `start`.

        Where the earlier month has no such day as `end` has, it is taken to its own end: its last
        days are namesakes of days that lie in the range.
        """
        first, last = self.back(start, zone), self.back(end, zone)
        if self.unit in MONTHS:
            day = _wall(end, zone).date()
            found = self.day_back(day)
            if found.day < day.day:
                last = start_of(found + timedelta(days=1), zone)
        return first, min(last, start)

    def day_back(self, day: date) -> date:
        """`day` moved back, for units from a day upwards; in a shorter month, its last day."""
        return shifted(day, self.unit, -self.count)


def shift_of(start: datetime, end: datetime, granularity: Granularity, zone: ZoneInfo) -> Shift:
    """
    How far back the period lies that [start, end) is compared with.

    By whole buckets of the granularity, as few as make the earlier period end at `start` or
    before: so their buckets line up one to one. `total` goes back by whole local months if the
    range consists of them, else by whole local days, else by its own length; hours and quarters
    of an hour go by whole local days if the range consists of them.
    """
    unit = granularity
    first, last = _wall(start, zone), _wall(end, zone)
    if granularity is Granularity.TOTAL or granularity in SECONDS:
        if first.time() == last.time():
            unit = Granularity.DAY
        elif granularity is Granularity.TOTAL:
            return Shift(granularity, (end - start) // timedelta(microseconds=1))
        else:
            return Shift(unit, -(-(end - start) // timedelta(seconds=SECONDS[unit])))
    if granularity is Granularity.TOTAL and _opens_month(first) and _opens_month(last):
        unit = Granularity.MONTH
    if unit in MONTHS:
        months = (last.year - first.year) * 12 + last.month - first.month
        months += (last.day, last.time()) > (first.day, first.time())
        return Shift(unit, max(1, -(-months // MONTHS[unit])))
    days = (last.date() - first.date()).days + (last.time() > first.time())
    return Shift(unit, max(1, -(-days // (7 if unit is Granularity.WEEK else 1))))


def _opens_month(wall: datetime) -> bool:
    return wall.day == 1 and wall.time() == wall.time().min


def _wall(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)


def partners(now: Buckets, before: Buckets, shift: Shift) -> tuple[int | None, ...]:
    """For each bucket of `now`, which bucket of `before` it is compared with, if any."""
    if not now.edges:
        return (0,)
    zone = now.zone
    if now.granularity not in SECONDS:
        days = {_wall(edge, zone).date(): index for index, edge in enumerate(before.edges)}
        return tuple(days.get(shift.day_back(_wall(edge, zone).date())) for edge in now.edges)
    if shift.unit in SECONDS:
        known = {edge: index for index, edge in enumerate(before.edges)}
        return tuple(known.get(shift.back(edge, zone)) for edge in now.edges)
    # A repeated hour is compared with the one that there was; a skipped one with nothing.
    shown = [_wall(edge, zone) for edge in before.edges]
    walls = {wall: index for index, wall in enumerate(shown) if not wall.fold}
    return tuple(
        walls.get(datetime.combine(shift.day_back(wall.date()), wall.time()))
        for wall in (_wall(edge, zone).replace(fold=0) for edge in now.edges)
    )
