"""Opening hours of a local day: windows of the wall clock, to the minute."""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from otklik_common.errors import Refused, Title

DAY_MINUTES: Final = 24 * 60

MOST_WINDOWS: Final = 12
"""Of one day."""

_WINDOW: Final = re.compile(r"(\d{1,2}):(\d{2})\s*[-–]\s*(\d{1,2}):(\d{2})")


class BadHours(Refused):
    """Hours that no day can have."""

    status = 422
    code = "bad_hours"
    title = Title("These hours cannot be", "Таких часов не бывает")


class Window(NamedTuple):
    """
    A part of a local day.

    Attributes:
        start, end: Minutes since midnight, 0 to 1440; the end is no longer part of it.
    """

    start: int
    end: int

    def __str__(self) -> str:
        return f"{_clock(self.start)}-{_clock(self.end)}"


Windows = tuple[Window, ...]
"""In order, and apart from one another."""

ALL_DAY: Final[Windows] = (Window(0, DAY_MINUTES),)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def window(text: str) -> Window:
    """
    A window as people write it: `09:00-18:00`.

    Raises:
        BadHours: It is none; says which time is wrong and what would be right.
    """
    found = _WINDOW.fullmatch(text.strip())
    if found is None:
        raise BadHours(
            f"{text[:40]!r} is no window of a day: write it like 09:00-18:00",
            detail_ru=f"{text[:40]!r} – не промежуток дня: пишите так: 09:00-18:00",
        )
    start, end = _minutes(*found.group(1, 2)), _minutes(*found.group(3, 4))
    if end == 0:
        raise BadHours(
            f"{text} ends as the day begins: midnight at its end is 24:00",
            detail_ru=f"{text} кончается в начале дня: полночь в конце дня – 24:00",
        )
    if end <= start:
        raise BadHours(
            f"{text} does not end after it begins: hours over midnight are two windows,"
            " until 24:00 and from 00:00 of the next day",
            detail_ru=f"{text} кончается не позже, чем начинается: часы через полночь – два"
            " промежутка, до 24:00 и с 00:00 следующего дня",
        )
    return Window(start, end)


def _minutes(hours: str, minutes: str) -> int:
    found = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or found > DAY_MINUTES:
        raise BadHours(
            f"{hours}:{minutes} is no time from 00:00 to 24:00",
            detail_ru=f"{hours}:{minutes} – не время от 00:00 до 24:00",
        )
    return found


def windows(several: Iterable[Window]) -> Windows:
    """
    The windows of a day, in order; those that meet become one.

    Raises:
        BadHours: Two overlap, or there are more than `MOST_WINDOWS`.
    """
    found = sorted(several)
    if len(found) > MOST_WINDOWS:
        raise BadHours(
            f"{len(found)} windows in a day, {MOST_WINDOWS} can be",
            detail_ru=f"промежутков в дне: {len(found)}, можно не больше {MOST_WINDOWS}",
        )
    for one, other in pairwise(found):
        if other.start < one.end:
            raise BadHours(
                f"{one} and {other} overlap",
                detail_ru=f"{one} и {other} пересекаются",
            )
    return joined(found)


def joined(found: Sequence[Window]) -> Windows:
    """Windows in order, of which some may meet, as few as possible."""
    as_one: list[Window] = []
    for one in found:
        if as_one and as_one[-1].end == one.start:
            as_one[-1] = Window(as_one[-1].start, one.end)
        else:
            as_one.append(one)
    return tuple(as_one)


def without(day: Windows, breaks: Windows) -> Windows:
    """What is left of a day when breaks are taken out of it."""
    left: list[Window] = []
    for start, end in day:
        at = start
        for pause in breaks:
            if pause.end <= at or pause.start >= end:
                continue
            if pause.start > at:
                left.append(Window(at, pause.start))
            at = pause.end
        if at < end:
            left.append(Window(at, end))
    return tuple(left)


def shortened(day: Windows, minutes: int) -> Windows:
    """The day with so many of its last open minutes closed."""
    left = list(day)
    while left and minutes > 0:
        start, end = left.pop()
        if end - start > minutes:
            left.append(Window(start, end - minutes))
        minutes -= end - start
    return tuple(left)
