"""Whether a pool has enough numbers: what it has lost, and how many it would take to lose little."""

from datetime import timedelta
from typing import Final, NamedTuple

from otklik_common.erlang import MOST_AGENTS, blocked, servers_for

MOST_LOST: Final = 0.01
"""Share of visitors who may find no number of their own."""

CROWDED: Final = 0.75
"""From this share of numbers in use on a pool is about to run out."""

DAYS: Final = 28
"""So much of the past is looked at."""


class Traffic(NamedTuple):
    """
    What came to a pool in the last `DAYS`.

    Attributes:
        visitors: Who were leased a number, or found none.
        lost: Of them, who found none.
        busiest: Visitors in the busiest hour.
        stay: Mean time that a visitor had a number, the time after the last look included.
    """

    visitors: int
    lost: int
    busiest: int
    stay: timedelta


class Advice(NamedTuple):
    """
    How many numbers a pool needs.

    Attributes:
        erlangs: How many numbers the busiest hour keeps in use or at rest, on the average.
        lost: Share of visitors of such an hour who find none, with the numbers there are.
        numbers: The fewest of which `MOST_LOST` find none; None for more than can be advised.
    """

    erlangs: float
    lost: float
    numbers: int | None


def advice(traffic: Traffic, numbers: int, grace: timedelta) -> Advice | None:
    """
    How many numbers the busiest hour takes, by Erlang B; None where nobody came.

    The rule of thumb, visitors an hour divided by 60 over their minutes, is only the mean of what is
    in use: with so many numbers a great part of the visitors find none.
    """
    if not traffic.busiest:
        return None
    erlangs = traffic.busiest * (traffic.stay + grace).total_seconds() / 3600
    enough = None if erlangs > MOST_AGENTS * 0.9 else servers_for(erlangs, MOST_LOST)
    return Advice(erlangs, blocked(numbers, erlangs), enough)
