"""
When a source has been silent for too long, by the minutes in which it spoke before.

A stretch without an event is laid over the same stretch of former weeks. If each minute of it had
been like the minutes then, nothing would have come with probability exp(-evidence); the source is
silent once that is less than the level at which a source raises one false alarm in a year. Nights,
lunches and weekends are quiet in former weeks too, and weigh nothing.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from types import MappingProxyType
from typing import Final

Minutes = Mapping[int, int]
"""Hours since 1970, each with a bit for every minute of it in which something came."""

WEEKS: Final = 8
LEAST_WEEKS: Final = 3
"""With fewer a source is compared with its last days, and with fewer than those with nothing."""

DAYS: Final = 7

LEAST_MINUTES: Final = 5
"""Nobody is silent sooner: senders retry, and deliver in batches."""

MOST_GAP: Final = timedelta(days=7)
"""Whoever is heard so rarely that a week of silence may be chance is never called silent."""

KEPT: Final = timedelta(weeks=WEEKS + 1)
"""The past that is read: what any silence is compared with."""

FALSE_ALARMS_A_WEEK: Final = 1 / 52
SLACK: Final = 1.5
"""A day with two thirds of the usual is a slow day, not a silence."""

HOUR: Final = 3_600

_WEEK_HOURS: Final = 7 * 24

# Where a share q of the minutes speaks, an empty one has the probability 1 - q. So each minute
# that spoke stands for -ln(1 - q)/q: 1 where they are rare, 4.2 where all of an hour do.
_WEIGHT: Final = (
    1.0,
    *(-math.log(1 - spoken / 61) / (spoken / 61) for spoken in range(1, 61)),
)


@dataclass(frozen=True, slots=True)
class _Comparison:
    """
    The stretches that a silence is compared with.

    Attributes:
        shifts: By how many hours each lies back.
        rank: Which of them decides, counted from the one that says least.
        most: How long a silence they can tell of.
    """

    shifts: tuple[int, ...]
    rank: int
    most: timedelta


@dataclass(frozen=True, slots=True)
class Past:
    """
    What is known of a source.

    Attributes:
        minutes: Those in which something new came, as far back as they are kept.
        since: When it was first heard.
    """

    minutes: Minutes
    since: datetime


def hour_of(moment: datetime) -> int:
    """The hour since 1970 that a moment lies in."""
    return int(moment.timestamp()) // HOUR


def minute_of(moment: datetime) -> int:
    """The minute since 1970 that a moment lies in."""
    return int(moment.timestamp()) // 60


def falls_silent(
    past: Past,
    last: datetime,
    zone: tzinfo,
    listened: Minutes | None = None,
    *,
    excused: Minutes = MappingProxyType({}),
) -> datetime | None:
    """
    When a source is silent if nothing comes after `last`.

    Args:
        last: When it was heard last.
        zone: Its company's: nine o'clock is compared with nine o'clock.
        listened: Minutes in which we were there to hear; None: all of them.
        excused: Minutes in which it may be quiet for once, whatever it did in former weeks.
    Returns:
        The end of the minute in which its silence becomes improbable; None where it never does,
        or nothing can be said: it is too young, or too rarely heard.
    """
    compared = _comparison(past.since, last, zone)
    needed = _needed(past, last)
    if compared is None or needed is None:
        return None
    totals = [0.0] * len(compared.shifts)
    heard = 0

    def suffices(totals: Sequence[float], heard: int) -> bool:
        return heard >= LEAST_MINUTES and sorted(totals)[compared.rank] >= needed

    first = minute_of(last) + 1
    for hour, mask in _stretch(first, minute_of(last + compared.most)):
        here = mask & ~excused.get(hour, 0)
        if listened is not None:
            here &= listened.get(hour, 0)
        then = [past.minutes.get(hour - shift, 0) for shift in compared.shifts]
        after = _added(totals, then, here)
        if suffices(after, heard + here.bit_count()):
            for minute in range(60):
                totals = _added(totals, then, here & 1 << minute)
                heard += here >> minute & 1
                if suffices(totals, heard):
                    return datetime.fromtimestamp((hour * 60 + minute + 1) * 60, tz=last.tzinfo)
        totals, heard = after, heard + here.bit_count()
    return None


def expected(past: Past, counts: Mapping[int, int], now: datetime, zone: tzinfo) -> int | None:
    """
    How many events the present hour of the week usually brings.

    Args:
        counts: New events by hour since 1970.
    Returns:
        The median of up to eight weeks; None before there are three.
    """
    weeks = _weeks(past.since, now, zone)
    if len(weeks) < LEAST_WEEKS:
        return None
    hour = hour_of(now)
    found = sorted(counts.get(hour - shift, 0) for shift in weeks)
    return (found[(len(found) - 1) // 2] + found[len(found) // 2]) // 2


def _added(totals: Sequence[float], then: Sequence[int], here: int) -> list[float]:
    """The evidence of each stretch and of some minutes of an hour that it is silent in now."""
    return [
        total + _WEIGHT[spoken.bit_count()] * (spoken & here).bit_count()
        for total, spoken in zip(totals, then, strict=True)
    ]


def _stretch(first: int, end: int) -> Iterator[tuple[int, int]]:
    """Hours of the minutes from `first` up to `end`, each with the bits that lie in it."""
    for hour in range(first // 60, (end - 1) // 60 + 1):
        low = max(first - hour * 60, 0)
        high = min(end - hour * 60, 60)
        yield hour, (1 << high) - (1 << low)


def _needed(past: Past, last: datetime) -> float | None:
    """Evidence at which a source may be called silent; each minute it speaks in is a chance to err."""
    hour = hour_of(last)
    known = min(WEEKS * _WEEK_HOURS, hour - hour_of(past.since))
    if known <= 0:
        return None
    spoken = sum(
        minutes.bit_count() for at, minutes in past.minutes.items() if hour - known <= at < hour
    )
    if not spoken:
        return None
    a_week = spoken * _WEEK_HOURS / known
    return SLACK * math.log(max(2.0, a_week / FALSE_ALARMS_A_WEEK))


def _comparison(since: datetime, last: datetime, zone: tzinfo) -> _Comparison | None:
    """
    With what a silence after `last` is compared; None while the source is too young.

    Of weeks, two of three and six of eight must say as much: an outage among them hides nothing
    then, and a busy week alarms nobody. Of days, all: one of them may have been a Sunday.
    """
    weeks = _weeks(since, last, zone)
    if len(weeks) >= LEAST_WEEKS:
        return _Comparison(tuple(weeks), (len(weeks) - 1) // 3, MOST_GAP)
    days = [_back(last, timedelta(days=day), zone) for day in range(1, DAYS + 1)]
    if hour_of(last) - days[-1] < hour_of(since):
        return None
    return _Comparison(tuple(days), 0, timedelta(days=1))


def _weeks(since: datetime, at: datetime, zone: tzinfo) -> list[int]:
    """By how many hours the same hours of former weeks lie back in which it was known already."""
    shifts = [_back(at, timedelta(weeks=week), zone) for week in range(1, WEEKS + 1)]
    return [shift for shift in shifts if hour_of(at) - shift >= hour_of(since)]


def _back(at: datetime, span: timedelta, zone: tzinfo) -> int:
    """Hours between a moment and the same time of day so much earlier."""
    local = at.astimezone(zone)
    moved = (local.replace(tzinfo=None) - span).replace(tzinfo=zone)
    return round((at - moved).total_seconds() / HOUR)
