"""Visitors are played one by one: a smaller pool loses as many as Erlang B says, and is less sure."""

import heapq
import random
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import pytest

from otklik_common.erlang import blocked, servers_for
from otklik_contact_center.domain.tracking.attribution import Certainty, Lease, attribute

pytestmark = pytest.mark.simulation

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
VISITORS = 12_000
AN_HOUR, SESSION, GRACE, CALLS = 90, 240.0, 300.0, 0.2
"""Visitors, mean seconds on the site, seconds in which a number rests, share who call."""


class Played(NamedTuple):
    """Shares of all visitors who overflow, and of all calls that are ambiguous or certain."""

    overflow: float
    ambiguous: float
    certain: float


def played(pool: int) -> Played:
    dice, now = random.Random(5), 0.0
    free: list[tuple[float, int]] = [(0.0, number) for number in range(pool)]
    leases: dict[int, list[Lease]] = {}
    calls: list[tuple[int, float]] = []
    overflow = 0
    for visitor in range(VISITORS):
        now += dice.expovariate(AN_HOUR / 3600)
        stays = dice.expovariate(1 / SESSION)
        shared = free[0][0] > now
        number = -1 if shared else heapq.heappop(free)[1]
        if shared:
            overflow += 1
        else:
            heapq.heappush(free, (now + stays + GRACE, number))
        begins, ends = (NOON + timedelta(seconds=at) for at in (now, now + stays))
        leases.setdefault(number, []).append(
            Lease(UUID(int=visitor), str(visitor), begins, ends, shared)
        )
        if dice.random() < CALLS:
            calls.append((number, now + dice.random() * stays))
    found = []
    for number, at in calls:
        when = NOON + timedelta(seconds=at)
        near = [one for one in leases[number] if abs((one.begins - when).total_seconds()) < 14_400]
        found.append(attribute(when, near, window=timedelta(seconds=GRACE)).certainty)
    share = len(found)
    return Played(
        overflow / VISITORS,
        found.count(Certainty.AMBIGUOUS) / share,
        found.count(Certainty.CERTAIN) / share,
    )


@pytest.mark.parametrize("pool", [8, 12, 18])
def test_as_many_overflow_as_erlang_b_says(pool: int) -> None:
    load = AN_HOUR * (SESSION + GRACE) / 3600
    assert played(pool).overflow == pytest.approx(blocked(pool, load), abs=0.02)


def test_shrinking_the_pool_raises_ambiguity() -> None:
    load = AN_HOUR * (SESSION + GRACE) / 3600
    advised = servers_for(load, 0.01)
    found = [played(pool) for pool in (advised, 15, 10, 5)]
    assert [one.ambiguous for one in found] == sorted(one.ambiguous for one in found)
    assert found[0].overflow <= 0.02
    assert found[0].certain >= 0.97
    assert found[-1].ambiguous > 0.4
    # Whoever overflows shares the number of last resort: their calls are the unsure ones.
    for one in found[1:]:
        assert one.ambiguous == pytest.approx(one.overflow, abs=0.06)
