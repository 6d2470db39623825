"""What a metric has to read: numbers that add up, spans of time, or the histories of people."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, NamedTuple

from otklik_metrics.domain.measures import MEASURES, WAITERS, within


class Op(StrEnum):
    """How two numbers of one measure become one. Only sums are kept in rollups."""

    SUM = "sum"
    LEAST = "min"
    MOST = "max"


class Where(NamedTuple):
    """Only facts whose dimension has (or has not) this value."""

    dimension: str
    value: str
    equal: bool = True


@dataclass(frozen=True, slots=True)
class Sum:
    """
    One whole number, gathered over facts.

    Attributes:
        measure: A counter of the kind (`measures.py`), or one that only facts can tell:
            `answered_within`, `abandoned_within`, `callback_within` (waits up to `argument`),
            a span's name with Op.LEAST or Op.MOST, `past_due`, `at_risk_now`, `open`, `overdue`, `waits_24h`.
        argument: Milliseconds, for waits and for spans between steps.
    """

    measure: str
    argument: int | None = None
    where: Where | None = None
    op: Op = Op.SUM


@dataclass(frozen=True, slots=True)
class Tally:
    """
    Numbers that add up over the facts of one kind.

    Attributes:
        kind, time_column: Which facts, and which of their times must lie in the range.
        sums: What is gathered, by the name that the metric's formula uses.
        now: Likewise, but true only at this moment (`overdue`): always asked of the facts.
        histogram: Spans of which quantiles are asked, by their name in the measures.
        censored: Spans of which some may go on: where the sums `begun` and `over` differ, the
            facts are read one by one.
        business: Spans that are asked in business time, by their name: the facts one by one. Then
            there are no sums: `BUSINESS_OPS` names what comes of the spans.
        anonymous: Only answers of anonymous surveys; otherwise those are never looked at.
        beside: Sums of another kind, by a time of its own, into the same buckets and groups; their
            names are others.
    """

    kind: str
    time_column: str
    sums: Mapping[str, Sum] = field(default_factory=dict)
    now: Mapping[str, Sum] = field(default_factory=dict)
    histogram: str | None = None
    censored: bool = False
    business: str | None = None
    anonymous: bool = False
    beside: "Tally | None" = None

    @property
    def parts(self) -> tuple["Tally", ...]:
        """What is read of each kind."""
        return (self,) if self.beside is None else (replace(self, beside=None), *self.beside.parts)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that are read."""
        return tuple(part.kind for part in self.parts)

    @property
    def dimensions(self) -> frozenset[str]:
        """Dimensions that the sums themselves look at."""
        sums = (*self.sums.values(), *self.now.values())
        return frozenset(s.where.dimension for s in sums if s.where is not None)


BUSINESS: Final = "business"
"""The clock that runs while the company is open."""

BUSINESS_OPS: Final[Mapping[str, Op]] = {
    "n": Op.SUM,
    "ms": Op.SUM,
    "least": Op.LEAST,
    "most": Op.MOST,
    "begun": Op.SUM,
    "over": Op.SUM,
}
"""What is told of spans in business time: how many are over, their sum, least and most."""


class Question(StrEnum):
    """What is asked of the histories of people, fact by fact."""

    MISSED = "missed"
    NOT_CALLED_BACK = "not_called_back"
    REPEATED = "repeated"
    LATEST = "latest"
    OCCUPIED = "occupied"


@dataclass(frozen=True, slots=True)
class Histories:
    """
    Something that only the facts of each person (or agent) together can tell.

    Attributes:
        days: In which a contact counts as a repeat.
        score: The column of the score whose latest is asked.
    """

    kind: str
    time_column: str
    question: Question
    days: int = 0
    score: str = ""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kind whose facts are counted; others may be asked beside it."""
        return (self.kind,)

    @property
    def dimensions(self) -> frozenset[str]:
        """Nothing beyond what the query asks for."""
        return frozenset()


Reading = Tally | Histories


@dataclass(frozen=True, slots=True)
class Pick:
    """Facts that some of these sums count and none of the others, or that a question singles out."""

    some: tuple[Sum, ...] = ()
    none: tuple[Sum, ...] = ()


def pick(*measures: str, none: tuple[str, ...] = ()) -> Pick:
    """Facts that any of these counters count, and none of the others."""
    return Pick(tuple(map(Sum, measures)), tuple(map(Sum, none)))


def columns(kind: str, wanted: Sum, own: tuple[int, ...]) -> tuple[str, ...] | None:
    """
    The rollup columns whose sum is `wanted`.

    Args:
        own: The company's own thresholds, in seconds.
    Returns:
        None if only facts can tell.
    """
    if wanted.op is not Op.SUM:
        return None
    if wanted.argument is not None:
        prefix, seconds = wanted.measure.removesuffix("_within"), wanted.argument / 1000
        counted = prefix in WAITERS and seconds == int(seconds)
        return within(prefix, int(seconds), own) if counted else None
    return (wanted.measure,) if wanted.measure in _NAMES[kind] else None


_NAMES = {kind: frozenset(measures.names) for kind, measures in MEASURES.items()}
