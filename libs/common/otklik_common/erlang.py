"""
How many wait, and how long, where calls come at random and so many agents answer them.

Load is in erlangs: calls a second times the seconds that each takes. All of it is worked out by
recursion, without factorials: thousands of agents are no more difficult than ten.

Source: Gans, Koole & Mandelbaum, Manufacturing & Service Operations Management 5(2), 2003, sections
4.1 and 4.2; Garnett, Mandelbaum & Reiman, the same, 4(3), 2002, for callers who give up.
"""

from collections.abc import Callable
from math import ceil, exp, isfinite
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST_AGENTS: Final = 10_000
"""Nobody asks for more in one room."""

Reals = NDArray[np.float64]

_NEGLIGIBLE: Final = 1e-15
_NOISE: Final = 1e-9


class Queue(NamedTuple):
    """
    What callers meet.

    Attributes:
        waits: Share of all who do not get through at once, 0 to 1.
        answered_in_time: Share of all who are answered within the threshold.
        asa_seconds: Mean wait of those who are answered; None where it grows for ever.
        abandoned: Share of all who give up.
        occupancy: Share of the agents' time that is taken, 0 to 1.
    """

    waits: float
    answered_in_time: float
    asa_seconds: float | None
    abandoned: float
    occupancy: float


class Load(NamedTuple):
    """
    What comes in, on the average of a time in which it hardly changes.

    Attributes:
        calls: A second.
        seconds: That an agent is taken by one, talk and work after it.
        patience: Mean seconds after which a caller gives up; None: never.
    """

    calls: float
    seconds: float
    patience: float | None = None

    @property
    def erlangs(self) -> float:
        """How many agents it would keep busy without a pause."""
        return self.calls * self.seconds


def blocked(servers: int, erlangs: float) -> float:
    """
    Erlang B: the share of those who find all of so many taken, where nobody waits.

    Raises:
        ValueError: A number is negative, or no number.
    """
    _check(servers, erlangs)
    share = 1.0
    for one in range(1, servers + 1):
        share = erlangs * share / (one + erlangs * share)
    return share if erlangs else float(servers == 0)


def servers_for(erlangs: float, most_blocked: float) -> int:
    """
    The fewest servers of which, where nobody waits, no greater share finds all taken.

    Raises:
        ValueError: `most_blocked` is not between 0 and 1, or `MOST_AGENTS` are too few.
    """
    _check(0, erlangs)
    if not 0 < most_blocked < 1:
        raise ValueError("the share of those who find all taken lies between 0 and 1")
    if erlangs == 0:
        return 0
    share = 1.0
    for one in range(1, MOST_AGENTS + 1):
        share = erlangs * share / (one + erlangs * share)
        if share <= most_blocked:
            return one
    raise ValueError(f"more than {MOST_AGENTS} would be needed")


def queue(agents: int, load: Load, threshold: float) -> Queue:
    """
    What callers meet who wait for one of so many agents.

    Args:
        threshold: Seconds within which a call is to be answered.
    Raises:
        ValueError: A number is negative, or no number; nobody comes; a call takes no time.
    """
    _check(agents, load.erlangs)
    if load.calls <= 0 or load.seconds <= 0:
        raise ValueError("without calls, or calls that take time, nobody waits")
    if not threshold >= 0:
        raise ValueError("a threshold of less than nothing")
    if load.patience is None:
        return _patient(agents, load, threshold)
    if not load.patience > 0:
        raise ValueError("whoever gives up at once does not call")
    return _impatient(agents, load, threshold, load.patience)


def _patient(agents: int, load: Load, threshold: float) -> Queue:
    """Erlang C."""
    erlangs = load.erlangs
    if erlangs >= agents:
        return Queue(1.0, 0.0, None, 0.0, 1.0 if agents else 0.0)
    share = blocked(agents, erlangs)
    waits = agents * share / (agents - erlangs * (1 - share))
    spare = agents - erlangs
    late = waits * exp(-spare * threshold / load.seconds)
    return Queue(waits, 1 - late, waits * load.seconds / spare, 0.0, erlangs / agents)


def _impatient(agents: int, load: Load, threshold: float, patience: float) -> Queue:
    """Erlang A."""
    if not agents:
        return Queue(1.0, 0.0, None, 1.0, 0.0)
    arrivals, served = load.calls, agents / load.seconds
    free, waiting = _weights(agents, load, patience)
    whole = free + 1 + float(waiting.sum())
    queued = float((np.arange(1, len(waiting) + 1) * waiting).sum()) / whole
    abandoned = min(1.0, queued / patience / arrivals)
    waits = (1 + float(waiting.sum())) / whole

    def answered_after(seconds: Reals) -> Reals:
        """How densely the waits of those who wait and are answered lie, over all who call."""
        left = patience * (1 - np.exp(-seconds / patience))
        found: Reals = np.exp(arrivals * left - (served + 1 / patience) * seconds)
        return found * served / whole

    soon = _integral(answered_after, threshold)
    answered = 1 - abandoned
    asa = None
    if answered > _NEGLIGIBLE:
        waited = _integral(lambda seconds: seconds * answered_after(seconds), _FOREVER * patience)
        asa = waited / answered
    return Queue(
        waits, 1 - waits + soon, asa, abandoned, min(1.0, load.erlangs * answered / agents)
    )


def _weights(agents: int, load: Load, patience: float) -> tuple[float, Reals]:
    """
    How likely each number of calls is, relative to that of all agents taken and nobody waiting.

    Returns:
        The sum of those below, and each of those above: one waits, two wait, and so on.
    """
    arrivals, served = load.calls, 1 / load.seconds
    below, weight = 0.0, 1.0
    for busy in range(agents, 0, -1):
        weight *= busy * served / arrivals
        below += weight
        if not isfinite(below):
            break
    above: list[Reals] = []
    last, known, size = 0.0, 1.0, _FIRST_WAITING
    while True:
        first = sum(map(len, above)) + 1
        ahead = np.arange(first, first + size)
        logs = last + np.cumsum(np.log(arrivals) - np.log(agents * served + ahead / patience))
        above.append(np.exp(logs))
        last, known, size = float(logs[-1]), known + float(above[-1].sum()), size * 2
        if above[-1][-1] < _NEGLIGIBLE * known or first > _MOST_WAITING:
            return below, np.concatenate(above)


def _integral(density: Callable[[Reals], Reals], until: float) -> float:
    """From nothing to a moment, by Gauss and Legendre on pieces that grow away from nothing."""
    if until <= 0:
        return 0.0
    edges = until * np.linspace(0, 1, _PIECES + 1) ** 3
    middles, halves = (edges[1:] + edges[:-1]) / 2, (edges[1:] - edges[:-1]) / 2
    at = middles[:, None] + halves[:, None] * _AT
    return float((density(at) * _WEIGHT * halves[:, None]).sum())


_FOREVER: Final = 40
"""Of so many times the mean patience nobody's is left."""

_PIECES: Final = 200
_AT, _WEIGHT = np.polynomial.legendre.leggauss(12)
_FIRST_WAITING: Final = 256
_MOST_WAITING: Final = 1_000_000


class Need(NamedTuple):
    """
    How many agents a time needs.

    Attributes:
        agents: At work.
        rostered: On the roster, for so many to be at work.
        meets: What callers meet then; None where nobody calls.
    """

    agents: int
    rostered: int
    meets: Queue | None


def need(
    load: Load,
    *,
    answered: float,
    threshold: float,
    most_occupied: float = 1.0,
    shrinkage: float = 0.0,
) -> Need:
    """
    The fewest agents who keep a promise.

    Args:
        answered: Share of calls to be answered within the threshold, between 0 and 1.
        most_occupied: No agent is to be taken for more of the time.
        shrinkage: Share of rostered time in which people are not at work: leave, breaks, training.
    Raises:
        ValueError: A share is none, or `MOST_AGENTS` are too few.
    """
    if not 0 < answered < 1:
        raise ValueError("the share to be answered lies between 0 and 1")
    if not 0 < most_occupied <= 1 or not 0 <= shrinkage < 1:
        raise ValueError("occupancy and shrinkage are shares")
    if load.calls == 0:
        return Need(0, 0, None)
    low, high = 0, 1
    while not _keeps(high, load, answered, threshold, most_occupied):
        low, high = high, high * 2
        if low > MOST_AGENTS:
            raise ValueError(f"more than {MOST_AGENTS} would be needed")
    while high - low > 1:
        middle = (low + high) // 2
        if _keeps(middle, load, answered, threshold, most_occupied):
            high = middle
        else:
            low = middle
    rostered = ceil(high / (1 - shrinkage) - _NOISE)
    return Need(high, rostered, queue(high, load, threshold))


def _keeps(agents: int, load: Load, answered: float, threshold: float, most: float) -> bool:
    met = queue(agents, load, threshold)
    return met.answered_in_time >= answered and met.occupancy <= most + _NOISE


def _check(servers: int, erlangs: float) -> None:
    if servers < 0 or not (isfinite(erlangs) and erlangs >= 0):
        raise ValueError("agents and load are not less than nothing")
