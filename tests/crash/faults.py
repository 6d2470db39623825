"""What is done to whom and when: a schedule made of a seed, before anything runs."""

import random
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import product
from typing import Final, NamedTuple


class Kind(StrEnum):
    """How a target is hurt."""

    KILL = "kill"
    """SIGKILL; whoever runs it starts it again."""
    PAUSE = "pause"
    """SIGSTOP, later SIGCONT: it lives, holds what it holds, and answers nothing."""
    STARVE = "starve"
    """Stopped nine tenths of the time: everything takes ten times as long."""
    CUT = "cut"
    """All database sessions are ended by the server, as a failover of a proxy does it."""


API: Final = "api"
WORKERS: Final = ("worker-1", "worker-2")
METRICS: Final = ("metrics-1", "metrics-2")
KAFKA: Final = "kafka"
POSTGRES: Final = "postgres"

PAUSES: Final[Mapping[str, Sequence[float]]] = {
    API: (3, 7),  # longer than its clients wait
    **dict.fromkeys(WORKERS, (21, 24)),  # longer than the relay's session of 20 s
    **dict.fromkeys(METRICS, (11, 14)),  # longer than Kafka's session of 10 s
    KAFKA: (3, 12),  # longer than a relay waits for its batch: 10 s
    POSTGRES: (3, 12),  # longer than a statement may take
}
"""How long each target is stopped: bounds in seconds, chosen to outlast what it holds."""

STARVED_SECONDS: Final = (4.0, 8.0)
STARVED_SHARE: Final = 0.1
STARVED_PERIOD: Final = 0.25

AGAIN_SECONDS: Final = 4.0
"""A target is left alone for so long after a fault, so that it runs at all."""

TARGETS: Final = tuple(PAUSES)
PAIRS: Final = (
    *product(TARGETS, (Kind.KILL, Kind.PAUSE, Kind.STARVE)),
    (POSTGRES, Kind.CUT),
)


class Fault(NamedTuple):
    """`at` and `seconds` count from the start of the faults; a kill and a cut last no time."""

    at: float
    target: str
    kind: Kind
    seconds: float = 0.0

    def __str__(self) -> str:
        lasting = f" for {self.seconds:.1f} s" if self.seconds else ""
        return f"{self.at:7.1f} s  {self.kind:<6} {self.target}{lasting}"


def schedule(faults: int, seed: int, *, every: float) -> list[Fault]:
    """
    So many faults, one every `every` seconds on the average, never two at once on one target.

    All pairs of target and kind come equally often, in an order of the seed; several targets
    suffer at the same time.
    """
    dice = random.Random(seed)
    pairs = _shuffled(dice)
    waiting: list[tuple[str, Kind]] = []
    free: dict[str, float] = dict.fromkeys(TARGETS, 0.0)
    found: list[Fault] = []
    at = 0.0
    while len(found) < faults:
        at = max(at + dice.uniform(0.5, 1.5) * every, min(free.values()))
        while not any(free[target] <= at for target, _ in waiting):
            waiting.append(next(pairs))
        target, kind = chosen = next(pair for pair in waiting if free[pair[0]] <= at)
        waiting.remove(chosen)
        seconds = _seconds(dice, target, kind)
        free[target] = at + seconds + AGAIN_SECONDS
        found.append(Fault(at, target, kind, seconds))
    return found


def _shuffled(dice: random.Random) -> Iterator[tuple[str, Kind]]:
    while True:
        yield from dice.sample(PAIRS, len(PAIRS))


def _seconds(dice: random.Random, target: str, kind: Kind) -> float:
    if kind is Kind.PAUSE:
        return dice.uniform(*PAUSES[target])
    return dice.uniform(*STARVED_SECONDS) if kind is Kind.STARVE else 0.0
