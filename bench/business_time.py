"""
Business time: questions a second, beside the libraries that people would take.

    python -m bench.business_time [--questions 20000] [--rounds 5]

An ordinary week that all can express, Monday to Friday from 9 to 18 with a break at noon in
Moscow: how much of it passes between two instants up to 30 days apart, and when up to 60 hours of
it have passed. Moments lie within three years. All are asked the same and must agree before
anything is timed. Ours is asked for a calendar with the Russian production calendar besides, which
the others cannot express.
"""

import argparse
import json
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from typing import Any

import businesstimedelta
import numpy as np
import pytz
import workclock

from otklik_common.clocks.business_time import BusinessTime
from otklik_common.clocks.calendar import ALWAYS, Calendar, Rules
from otklik_common.clocks.hours import Window
from otklik_common.clocks.zones import micros

ZONE = "Europe/Moscow"
START = datetime(2024, 1, 1, tzinfo=UTC)
DAY, NOON = (Window(540, 1080),), (Window(780, 840),)
WEEK = (DAY, DAY, DAY, DAY, DAY, (), ())
MICROSECOND = timedelta(microseconds=1)
OLD_SHARE = 20
"""`businesstimedelta` takes so many times longer that it is asked that much less."""

Between = Callable[[datetime, datetime], timedelta]
Deadline = Callable[[datetime, timedelta], datetime]
Asked = Sequence[tuple[datetime, datetime, timedelta]]


def ours(holidays: str | None = None) -> tuple[Between, Deadline]:
    """Our business time."""
    told = BusinessTime(Calendar((Rules(ALWAYS, ZONE, WEEK, NOON, holidays),)))
    return told.between, told.deadline


def schedule_of_workclock() -> workclock.Schedule:
    """The week as workclock says it."""
    day, noon = workclock.WorkDay(clock(9), clock(18)), workclock.Break(clock(13), clock(14))
    return workclock.Schedule((day, noon), time_zone=ZONE)


def of_workclock() -> tuple[Between, Deadline]:
    """That of workclock."""
    schedule = schedule_of_workclock()
    return schedule.between, schedule.add


def of_businesstimedelta() -> tuple[Between, Deadline]:
    """That of businesstimedelta, which works in local time."""
    zone = pytz.timezone(ZONE)
    day = businesstimedelta.WorkDayRule(
        start_time=clock(9), end_time=clock(18), working_days=[0, 1, 2, 3, 4], tz=zone
    )
    noon = businesstimedelta.LunchTimeRule(
        start_time=clock(13), end_time=clock(14), working_days=[0, 1, 2, 3, 4], tz=zone
    )
    rules = businesstimedelta.Rules([day, noon])

    def between(start: datetime, end: datetime) -> timedelta:
        passed = rules.difference(start.astimezone(zone), end.astimezone(zone))
        found: timedelta = passed.timedelta
        return found

    def deadline(start: datetime, span: timedelta) -> datetime:
        asked = businesstimedelta.BusinessTimeDelta(rules, timedelta=span)
        found: datetime = start.astimezone(zone) + asked
        return found

    return between, deadline


def many_of_ours(asked: Asked) -> tuple[float, float]:
    """Spans and promises told in a second, of arrays."""
    told = BusinessTime(Calendar((Rules(ALWAYS, ZONE, WEEK, NOON),)))
    starts = np.array([micros(start) for start, _, _ in asked], dtype=np.int64)
    ends = np.array([micros(end) for _, end, _ in asked], dtype=np.int64)
    spans = np.array([span // MICROSECOND for _, _, span in asked], dtype=np.int64)
    told.micros_between_many(starts, ends)
    begun = time.perf_counter()
    told.micros_between_many(starts, ends)
    middle = time.perf_counter()
    told.micros_deadline_many(starts, spans)
    return len(asked) / (middle - begun), len(asked) / (time.perf_counter() - middle)


def many_of_workclock(asked: Asked) -> tuple[float, float]:
    """The same of lists of moments."""
    starts, ends, spans = zip(*asked, strict=True)
    schedule = schedule_of_workclock()
    begun = time.perf_counter()
    schedule.between_many(starts, ends)
    middle = time.perf_counter()
    schedule.add_many(starts, spans)
    return len(asked) / (middle - begun), len(asked) / (time.perf_counter() - middle)


def questions(number: int) -> Asked:
    """So many spans and promises, the same at each run."""
    dice, found = random.Random(1), []
    for _ in range(number):
        start = START + timedelta(seconds=dice.randint(0, 3 * 365 * 86_400))
        end = start + timedelta(seconds=dice.randint(0, 30 * 86_400))
        found.append((start, end, timedelta(seconds=dice.randint(1, 60 * 3_600))))
    return found


def a_second(asked: Asked, between: Between, deadline: Deadline) -> tuple[float, float]:
    """Spans and promises told in a second."""
    begun = time.perf_counter()
    for start, end, _ in asked:
        between(start, end)
    middle = time.perf_counter()
    for start, _, span in asked:
        deadline(start, span)
    return len(asked) / (middle - begun), len(asked) / (time.perf_counter() - middle)


def measure(number: int, rounds: int) -> dict[str, Any]:
    """Compare, then time in turns."""
    asked = questions(number)
    who = {
        "ours": ours(),
        "ours with Russian holidays": ours("RU"),
        "workclock": of_workclock(),
        "businesstimedelta": of_businesstimedelta(),
    }
    few = asked[: max(1, number // OLD_SHARE)]
    for start, end, span in few:
        for name in ("workclock", "businesstimedelta"):
            between, deadline = who[name]
            assert who["ours"][0](start, end) == between(start, end), (name, start, end)
            assert who["ours"][1](start, span) == deadline(start, span), (name, start, span)
    took: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for _ in range(rounds):
        for name, (between, deadline) in who.items():
            some = few if name == "businesstimedelta" else asked
            took[name].append(a_second(some, between, deadline))
        took["ours, many at once"].append(many_of_ours(asked))
        took["workclock, many at once"].append(many_of_workclock(asked))
    told: dict[str, Any] = {"questions": number}
    for name, rates in took.items():
        spans, deadlines = (round(statistics.median(one)) for one in zip(*rates, strict=True))
        told[name] = {"spans/s": spans, "deadlines/s": deadlines}
        print(f"{name:28} {spans:>10,} spans/s {deadlines:>10,} deadlines/s", flush=True)
    for our, their in (
        ("ours", "workclock"),
        ("ours", "businesstimedelta"),
        ("ours, many at once", "workclock, many at once"),
    ):
        for what in ("spans/s", "deadlines/s"):
            told[f"{our} : {their}, {what}"] = round(told[our][what] / told[their][what], 1)
    return told


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    print(json.dumps(measure(given.questions, given.rounds), indent=2))


if __name__ == "__main__":
    main()
