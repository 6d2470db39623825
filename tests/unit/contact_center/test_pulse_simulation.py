"""Months are played: whoever stops is told in time, and whoever does not is rarely called silent."""

import math
import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

import pytest

from otklik_contact_center.domain.doctor.pulse import Past, falls_silent, hour_of, minute_of

pytestmark = pytest.mark.simulation

MOSCOW: Final = ZoneInfo("Europe/Moscow")
START: Final = datetime(2026, 1, 5, tzinfo=UTC)
WEEKS: Final = 17
LEARNT: Final = timedelta(weeks=9)
MINUTE: Final = timedelta(minutes=1)


def played(seed: int, a_minute: float, *, spread: float, office: bool) -> list[datetime]:
    """
    Moments of events, at most one a minute.

    Args:
        a_minute: Events at the top of the day; mornings and evenings bring half.
        spread: Standard deviation of a day's share of the usual.
        office: Nothing at night and at weekends; else calls come around the clock.
    """
    dice = random.Random(seed)
    found = []
    share = 1.0
    for minute in range(WEEKS * 7 * 24 * 60):
        at = START + minute * MINUTE
        local = at + timedelta(hours=3)  # Moscow's, for speed
        if local.hour == local.minute == 0 and spread:
            share = dice.gammavariate(1 / spread**2, spread**2)
        if office and (local.weekday() >= 5 or not 9 <= local.hour < 18):
            continue
        of_day = 0.5 + math.exp(-(((local.hour + local.minute / 60 - 13) / 3) ** 2))
        if dice.random() < 1 - math.exp(-share * a_minute * of_day):
            found.append(at + dice.random() * MINUTE)
    return found


def past_of(events: list[datetime]) -> Past:
    minutes: dict[int, int] = {}
    for at in events:
        hour = hour_of(at)
        minutes[hour] = minutes.get(hour, 0) | 1 << minute_of(at) % 60
    return Past(minutes, events[0])


@pytest.mark.parametrize(
    ("spread", "most"),
    [(0.0, 1), (0.3, 4)],
    ids=["days alike", "days that differ by a third"],
)
def test_false_alarms_are_rare(spread: float, most: int) -> None:
    """In 64 weeks, eight of each source: one in a year, and four where days differ."""
    alarms = 0
    for office in (True, False):
        for seed, a_minute in enumerate((0.02, 0.1, 0.5, 3.0)):
            events = played(seed, a_minute, spread=spread, office=office)
            past = past_of(events)
            for last, following in pairwise(events):
                # What is nearer together is looked at by nobody.
                if last < START + LEARNT or following - last < 5 * MINUTE:
                    continue
                silent_at = falls_silent(past, last, MOSCOW)
                alarms += silent_at is not None and silent_at <= following
    assert alarms <= most


@pytest.mark.parametrize(("a_minute", "most_minutes"), [(3.0, 8), (0.5, 40), (0.1, 180)])
@pytest.mark.parametrize("office", [True, False])
def test_whoever_stops_at_noon_is_silent_before_long(
    a_minute: float, most_minutes: int, office: bool
) -> None:
    events = played(7, a_minute, spread=0.2, office=office)
    noon = datetime(2026, 4, 15, 9, tzinfo=UTC)
    assert noon < START + timedelta(weeks=WEEKS)
    events = [at for at in events if at <= noon]
    silent_at = falls_silent(past_of(events), events[-1], MOSCOW)
    assert silent_at is not None
    assert silent_at - events[-1] <= most_minutes * MINUTE
