"""Which rollups exist: small sets of dimensions by kind and grain, never a full cube."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from otklik_metrics.domain.measures import MEASURES, OWN_THRESHOLDS, THRESHOLDS_SECONDS


class Grain(StrEnum):
    """The width of a cell."""

    QUARTER = "15m"
    """15 minutes UTC: the offset of every time zone fits."""
    DAY = "day"
    """A day in the zone of the company, as the version of its rollups froze it."""


@dataclass(frozen=True, slots=True)
class RollupSet:
    """
    One way to cut the facts of a kind into cells.

    Attributes:
        number: Stands in the key of the tables; never used for another set of the kind.
        dimensions: Fields of the fact, in the order of the columns d1 … d4.
        histograms: Whether the histograms of the kind are kept for its cells.
        cells_a_day: Order of magnitude for a company of 50 branches and 10 million contacts a
            year; the planner takes the smallest set that answers.
    """

    kind: str
    number: int
    grain: Grain
    dimensions: tuple[str, ...]
    cells_a_day: int
    histograms: bool = False


MAX_DIMENSIONS = 4

TIME_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "contact": ("offered_at",),
    "reply": ("asked_at",),
    "sla_clock": ("started_at",),
    "feedback_clock": ("started_at",),
    "promise": ("due_at",),
    "ad_spend": ("spent_at",),
    "lead": ("created_at",),
    "showing": ("shown_at",),
    "deal": ("dealt_at",),
    "touch": ("credited_at",),
    "evaluation": ("released_at",),
    "script_run": ("filled_at",),
    "answer": ("answered_at",),
    "case": ("opened_at", "closed_at"),
    "review": ("written_at",),
    "claim": ("received_at",),
    "purchase": ("sold_at", "returned_at"),
    "points": ("moved_at",),
}
"""The columns that the rollups of a kind are counted by. Facts where all are NULL add nothing."""

FOLD_VERSIONS: Mapping[str, int] = {
    **dict.fromkeys(MEASURES, 1),
    "contact": 2,
    "answer": 2,
    "lead": 3,
    "showing": 2,
    "deal": 2,
    "points": 2,
}
"""
Raised whenever the measures, the sets or the fold of a kind change.

A version of a company's rollups stores it: two versions never write one set.
"""


def _sets(kind: str, *declared: tuple[int, Grain, tuple[str, ...], int, bool]) -> list[RollupSet]:
    return [
        RollupSet(kind, number, grain, dimensions, cells, histograms)
        for number, grain, dimensions, cells, histograms in declared
    ]


_Q, _D = Grain.QUARTER, Grain.DAY

SETS: tuple[RollupSet, ...] = (
    *_sets(
        "contact",
        (1, _Q, (), 96, True),
        (2, _Q, ("channel", "queue"), 1_500, False),
        (3, _Q, ("branch",), 4_000, False),
        (11, _D, ("branch",), 50, True),
        (12, _D, ("branch", "channel"), 300, True),
        (13, _D, ("branch", "team", "agent"), 500, False),
        (14, _D, ("channel", "queue", "direction", "party"), 80, True),
        (15, _D, ("source", "campaign", "channel"), 120, False),
    ),
    *_sets(
        "reply",
        (1, _Q, (), 96, True),
        (11, _D, ("branch",), 50, True),
        (12, _D, ("branch", "channel"), 200, True),
        (13, _D, ("branch", "agent"), 500, False),
        (14, _D, ("channel", "queue", "party"), 60, True),
    ),
    *_sets(
        "sla_clock",
        (1, _Q, ("target",), 400, False),
        (2, _Q, ("target", "branch"), 9_000, False),
        (11, _D, ("target", "branch"), 200, False),
        (12, _D, ("target", "policy", "channel"), 60, False),
        (13, _D, ("target", "branch", "team", "agent"), 1_500, False),
        (14, _D, ("target", "channel", "queue", "party"), 200, False),
    ),
    *_sets(
        "feedback_clock",
        (1, _Q, ("target",), 40, False),
        (11, _D, ("target", "branch"), 150, False),
        (12, _D, ("target", "policy", "channel"), 20, False),
        (13, _D, ("target", "branch", "team", "agent"), 200, False),
    ),
    *_sets(
        "promise",
        (1, _Q, (), 96, False),
        (11, _D, ("branch", "promise_kind"), 200, False),
        (12, _D, ("branch", "agent", "promise_kind"), 1_000, False),
        (13, _D, ("channel", "party", "promise_kind"), 60, False),
    ),
    *_sets(
        "ad_spend",
        (1, _Q, ("currency",), 2, False),
        (11, _D, ("currency", "branch"), 50, False),
        (12, _D, ("currency", "campaign", "branch"), 200, False),
        (13, _D, ("currency", "ad_source", "medium", "agency"), 20, False),
    ),
    *_sets(
        "lead",
        (1, _Q, (), 96, False),
        (11, _D, ("branch", "party"), 150, True),
        (12, _D, ("branch", "agent", "party"), 800, False),
        (13, _D, ("channel", "source", "campaign", "party"), 200, False),
        (14, _D, ("ad_source", "medium", "campaign", "branch"), 400, False),
    ),
    *_sets(
        "showing",
        (1, _Q, (), 60, False),
        (11, _D, ("branch", "party"), 100, False),
        (12, _D, ("branch", "agent", "party"), 500, False),
        (13, _D, ("channel", "source", "campaign", "party"), 150, False),
        (14, _D, ("ad_source", "medium", "campaign", "branch"), 300, False),
    ),
    *_sets(
        "deal",
        (1, _Q, ("currency",), 30, False),
        (11, _D, ("currency", "branch", "party"), 60, False),
        (12, _D, ("currency", "branch", "agent", "party"), 150, False),
        (13, _D, ("currency", "channel", "source", "campaign"), 60, False),
        (14, _D, ("currency", "ad_source", "medium", "campaign"), 60, False),
    ),
    *_sets(
        "touch",
        (1, _Q, ("currency",), 60, False),
        (11, _D, ("currency", "ad_source", "medium", "campaign"), 120, False),
        (12, _D, ("currency", "ad_source", "medium", "branch"), 400, False),
    ),
    *_sets(
        "evaluation",
        (1, _Q, (), 40, False),
        (11, _D, ("branch",), 50, False),
        (12, _D, ("branch", "team", "agent"), 300, False),
        (13, _D, ("channel", "queue", "party"), 60, False),
        (14, _D, ("form", "branch"), 150, False),
    ),
    *_sets(
        "script_run",
        (1, _Q, ("direction",), 80, False),
        (11, _D, ("branch", "direction"), 100, False),
        (12, _D, ("branch", "team", "agent", "direction"), 1_000, False),
        (13, _D, ("channel", "direction", "queue", "party"), 80, False),
        (14, _D, ("script", "branch"), 150, False),
    ),
    *_sets(
        "answer",
        (1, _Q, (), 96, False),
        (11, _D, ("branch",), 50, False),
        (12, _D, ("branch", "channel"), 300, False),
        (13, _D, ("template", "touchpoint", "survey"), 20, False),
        (14, _D, ("branch", "team", "agent"), 500, False),
        (15, _D, ("branch", "touchpoint", "party"), 400, False),
    ),
    *_sets(
        "case",
        (1, _Q, (), 96, False),
        (11, _D, ("branch",), 50, True),
        (12, _D, ("branch", "team", "agent"), 200, False),
        (13, _D, ("reason", "touchpoint", "channel"), 30, False),
    ),
    *_sets(
        "review",
        (1, _Q, (), 10, False),
        (11, _D, ("branch",), 20, False),
        (12, _D, ("branch", "review_source"), 30, False),
        (13, _D, ("branch", "agent"), 40, False),
    ),
    *_sets(
        "claim",
        (1, _Q, (), 5, False),
        (11, _D, ("branch",), 10, False),
        (12, _D, ("claim_kind", "topic", "severity", "branch"), 30, False),
        (13, _D, ("branch", "team", "agent"), 20, False),
    ),
    *_sets(
        "purchase",
        (1, _Q, ("currency",), 96, False),
        (11, _D, ("currency", "branch"), 50, False),
        (12, _D, ("currency", "branch", "agent"), 300, False),
        (13, _D, ("currency", "origin", "campaign", "party"), 60, False),
    ),
    *_sets(
        "points",
        (1, _Q, ("movement",), 96, False),
        (11, _D, ("movement", "branch"), 100, False),
        (12, _D, ("movement", "reason"), 30, False),
    ),
)


def sets_of(kind: str, grain: Grain | None = None) -> tuple[RollupSet, ...]:
    """The sets of `kind`, of one grain or of all."""
    return tuple(s for s in SETS if s.kind == kind and grain in (None, s.grain))


def rollup_table(kind: str, grain: Grain) -> str:
    """Name of the table with the counters of all sets of one grain."""
    return f"rollup_{kind}_{grain.value}"


def histogram_table(kind: str, grain: Grain) -> str:
    """Name of the table with the histograms of all sets of one grain."""
    return f"histogram_{kind}_{grain.value}"


def definition_digest(kind: str) -> str:
    """What a FOLD_VERSION of `kind` stands for; a test holds the two together."""
    measures = MEASURES[kind]
    parts = (
        TIME_COLUMNS[kind],
        [(s.number, s.grain.value, s.dimensions, s.histograms) for s in sets_of(kind)],
        [(counter.name, counter.big) for counter in measures.counters],
        [(histogram.number, histogram.name) for histogram in measures.histograms],
        THRESHOLDS_SECONDS,
        OWN_THRESHOLDS,
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
