"""Groups of units beside one another, so that a few large units do not decide for all."""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from otklik_metrics.domain.distributions import student_beyond, student_within
from otklik_metrics.domain.intervals import Interval
from otklik_metrics.domain.uniformity import ALPHA, Code, Counted, Part, part_of, rho_where

MOST_GROUPS: Final = 5
"""Compared at once: each more makes every interval wider."""


class GroupMean(NamedTuple):
    """
    A group of units.

    Attributes:
        units: How many of them counted anything.
        hits, of: What they counted, all together.
        mean: Of their true shares; None without units.
        interval: Its 95 %; None where nothing tells how far units differ.
    """

    group: str
    units: int
    hits: int
    of: int
    mean: float | None
    interval: Interval | None


class Difference(NamedTuple):
    """
    How far the mean of a group lies from that of the first.

    Attributes:
        value: Above 0 where the first is greater; None where one of the two has no units.
        interval: Of all differences together 95 %.
        p_value: How likely chance, and that units of one group differ, make it so great.
    """

    first: str
    second: str
    value: float | None
    interval: Interval | None
    p_value: float | None


class Compared(NamedTuple):
    """
    Groups beside one another.

    Attributes:
        tau: How far the true shares of units of one group differ; None where that is not known.
        df: Units less groups.
        in_several: Units of more than one group, which are in none of these numbers.
    """

    groups: list[GroupMean]
    differences: list[Difference]
    tau: float | None
    df: int
    in_several: int


def compare(
    units: Sequence[Counted[Code]],
    groups: Sequence[str],
    groups_of: Mapping[Code, Collection[str]],
) -> Compared:
    """
    The means of groups, and how far each lies from the first.

    Units of one group differ as well, by the same ρ in each group (estimated as for all units,
    around the mean of each group); what a unit weighs follows from it. Intervals are by Student's
    distribution, of as many degrees as there are units less groups.

    Args:
        groups: At least two, each once; the first is what others are compared with.
        groups_of: The groups of each unit.
    Source: G. Knapp and J. Hartung, Statistics in Medicine 22(17), 2003: with this ρ their factor
        is 1, and here it is never less.
    """
    wanted = frozenset(groups)
    inside: dict[str, list[Counted[Code]]] = {group: [] for group in groups}
    in_several = 0
    for one in units:
        its = wanted.intersection(groups_of.get(one.code, ()))
        if len(its) == 1:
            inside[next(iter(its))].append(one)
        in_several += len(its) > 1
    parts = {group: part_of(found) for group, found in inside.items() if found}
    df = sum(map(len, inside.values())) - len(parts)
    rho = rho_where(list(parts.values()), df) if df else None
    every = part_of([one for found in inside.values() for one in found])
    errors = {group: _error(part, every, rho) for group, part in parts.items()}
    means = {group: part.mean(rho or 0.0) for group, part in parts.items()}
    first = groups[0]
    return Compared(
        [_group(group, inside[group], means.get(group), errors.get(group), df) for group in groups],
        [
            _difference(first, other, means, errors, df=df, others=len(groups) - 1)
            for other in groups[1:]
        ],
        None if rho is None else _tau(every, rho),
        df,
        in_several,
    )


def _tau(every: Part, rho: float) -> float:
    mean = every.mean(rho)
    return math.sqrt(max(0.0, rho * mean * (1 - mean)))


def _error(part: Part, every: Part, rho: float | None) -> float | None:
    """
    The variance of a group's mean; None where nothing tells it.

    A group in which all count, or none, has that of one thing from all groups together.
    """
    if rho is None:
        return None
    one_thing = part.variance(rho) or every.variance(rho)
    return one_thing / float(part.weights(rho).sum()) if one_thing > 0 else None


def _group(
    group: str,
    units: Sequence[Counted[Code]],
    mean: float | None,
    error: float | None,
    df: int,
) -> GroupMean:
    hits, of = sum(one.hits for one in units), sum(one.of for one in units)
    interval = None
    if mean is not None and error is not None:
        wide = student_beyond(ALPHA, df) * math.sqrt(error)
        interval = (max(0.0, mean - wide), min(1.0, mean + wide))
    return GroupMean(group, len(units), hits, of, mean, interval)


def _difference(
    first: str,
    second: str,
    means: Mapping[str, float],
    errors: Mapping[str, float | None],
    *,
    df: int,
    others: int,
) -> Difference:
    if first not in means or second not in means:
        return Difference(first, second, None, None, None)
    value = means[first] - means[second]
    one, other = errors[first], errors[second]
    if one is None or other is None:
        return Difference(first, second, value, None, None)
    error = math.sqrt(one + other)
    wide = student_beyond(ALPHA / others, df) * error
    p_value = min(1.0, others * (1 - student_within(abs(value) / error, df)))
    return Difference(
        first, second, value, (max(-1.0, value - wide), min(1.0, value + wide)), p_value
    )
