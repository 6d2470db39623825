"""Which pools of numbers Prometheus is shown: those that lose most, and all others as one."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

MOST_POOLS_SHOWN: Final = 30
"""Pools with labels of their own, so that the series stay few however many companies there are."""

OTHER: Final = "other"
"""Stands for all pools beyond these, in each label."""


class PoolShown(NamedTuple):
    """
    A pool, as it is now.

    Attributes:
        held, resting, free: Its numbers, by what they are: leased, given back and not free yet, free.
        given: Visitors of the last 24 hours who were leased a number of their own.
        lost: Visitors of the last 24 hours who found none.
        advised: Numbers that its busiest hour takes, by Erlang B; None where nobody came.
        missing: How many more it should have; 0 where it has enough, or nobody came.
    """

    company: str
    tracker: str
    pool: str
    held: int
    resting: int
    free: int
    given: int
    lost: int
    advised: int | None
    missing: int

    @property
    def numbers(self) -> int:
        """How many it has."""
        return self.held + self.resting + self.free


def shown(pools: Iterable[PoolShown]) -> Sequence[PoolShown]:
    """
    The pools with labels of their own, and the sum of the others, if there are any.

    Those that have lost most visitors come first, then those that miss most numbers, then the
    largest: a pool that somebody is to be told of is never among the others before all that are
    worse off have a place.
    """
    ranked = sorted(
        pools,
        key=lambda one: (-one.lost, -one.missing, -one.numbers, one.company, one.tracker, one.pool),
    )
    own, others = ranked[:MOST_POOLS_SHOWN], ranked[MOST_POOLS_SHOWN:]
    named = [one._replace(company=_label(one.company)) for one in own]
    return [*named, _together(others)] if others else named


def _label(company: str) -> str:
    """Its label: never that of the others, and never that of another company."""
    return f"_{company}" if company.lstrip("_") == OTHER else company


def _together(pools: Sequence[PoolShown]) -> PoolShown:
    advised = [one.advised for one in pools if one.advised is not None]
    return PoolShown(
        OTHER,
        OTHER,
        OTHER,
        held=sum(one.held for one in pools),
        resting=sum(one.resting for one in pools),
        free=sum(one.free for one in pools),
        given=sum(one.given for one in pools),
        lost=sum(one.lost for one in pools),
        advised=sum(advised) if advised else None,
        # One that has too many helps none that has too few.
        missing=sum(one.missing for one in pools),
    )
