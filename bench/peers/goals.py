"""What is wanted of each comparison, and the table of what was measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.metrics_query_questions import QUESTIONS

Figures = Mapping[str, Any]
"""All of bench/figures.json: benchmark → its record, whose figures stand under `figures`."""


@dataclass(frozen=True)
class Goal:
    """
    A ratio or rate that is to be reached.

    Attributes:
        figures: Where it is found: the benchmark and the names under it; of several, the worst counts.
        reach: The bound that is to hold; None where a figure is only shown.
        goal: What is wished for beyond; None where there is no such.
        at_most: Whether the bounds are upper ones.
    """

    what: str
    benchmark: str
    figures: Sequence[tuple[str, ...]]
    reach: float | None = None
    goal: float | None = None
    at_most: bool = False

    def measured(self, figures: Figures) -> float | None:
        """The worst of its figures, or None where one was not measured."""
        found = [_at(figures, (self.benchmark, "figures", *path)) for path in self.figures]
        known = [figure for figure in found if figure is not None]
        if len(known) < len(found):
            return None
        return max(known) if self.at_most else min(known)

    def row(self, figures: Figures) -> str:
        """Its line in the table."""
        measured = self.measured(figures)
        cells = [self.what, self._bound(self.reach), self._bound(self.goal)]
        cells += (
            ["not measured", ""] if measured is None else [f"{measured:,.6g}", self._word(measured)]
        )
        return f"| {' | '.join(cells)} |\n"

    def _bound(self, bound: float | None) -> str:
        return "–" if bound is None else f"{'≤' if self.at_most else '≥'} {bound:,}"

    def _word(self, measured: float) -> str:
        if self._holds(measured, self.goal):
            return "goal"
        if self.reach is None:
            return "shown"
        return "reached" if self._holds(measured, self.reach) else "**behind**"

    def _holds(self, measured: float, bound: float | None) -> bool:
        return bound is not None and (measured <= bound if self.at_most else measured >= bound)


def _at(figures: Figures, path: tuple[str, ...]) -> float | None:
    found: Any = figures
    for name in path:
        if name not in found:
            return None
        found = found[name]
    return float(found)


def _of_questions(figure: str) -> list[tuple[str, ...]]:
    return [(question.name, figure) for question in QUESTIONS]


PUSH, RELAY, CONSUMER, QUERY = "peers.push", "peers.relay", "peers.consumer", "metrics_query"

GOALS = (
    Goal("single push : bare ASGI, req/s", PUSH, [("ours : bare ASGI, req/s",)], 0.4, 0.6),
    Goal("Go + pgx : single push, CPU", PUSH, [("Go + pgx : ours, CPU an event",)], 1.5, 2),
    Goal(
        "node + fastify + pg : single push, CPU",
        PUSH,
        [("node + fastify + pg : ours, CPU an event",)],
    ),
    Goal(
        "relay : aiokafka `send()`, messages per CPU-second",
        RELAY,
        [("ours : aiokafka send(), messages per CPU-second",)],
        2.5,
        4,
    ),
    Goal(
        "relay : confluent-kafka, messages per CPU-second",
        RELAY,
        [("ours : confluent-kafka, messages per CPU-second",)],
    ),
    Goal(
        "consumer : Kafka Streams, events/s",
        CONSUMER,
        [("ours : Kafka Streams, events/s",)],
        0.4,
        1,
    ),
    Goal("consumer : bytewax, events/s", CONSUMER, [("ours : bytewax, events/s",)], 1, 2),
    Goal("consumer : quixstreams, events/s", CONSUMER, [("ours : quixstreams, events/s",)], 1.5, 3),
    Goal(
        "consumer with the history beside it, events/s",
        CONSUMER,
        [("ours, history beside it", "events/s")],
        30_000,
        60_000,
    ),
    Goal("raw PostgreSQL : three queries, 10 million", QUERY, _of_questions("ratio"), 25),
    Goal(
        "DuckDB over Parquet, one thread : three queries, 10 million",
        QUERY,
        _of_questions("DuckDB, one thread : ours"),
        4,
    ),
    Goal(
        "DuckDB over Parquet, a thread a core : three queries, 10 million",
        QUERY,
        _of_questions("DuckDB : ours"),
    ),
    Goal(
        "three queries, 10 million : 2 million",
        QUERY,
        _of_questions("growth of ours"),
        1.6,
        1.2,
        at_most=True,
    ),
)


def table(figures: Figures) -> str:
    """Every goal, and how far it was reached."""
    head = "| what | reach | goal | measured | |\n|---|---|---|---|---|\n"
    return head + "".join(goal.row(figures) for goal in GOALS)
