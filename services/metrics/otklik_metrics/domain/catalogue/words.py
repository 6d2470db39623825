"""What a declared metric consists of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from otklik_metrics.domain.dimensions import Text, dimensions_of
from otklik_metrics.domain.indicators.cells import Cell, Values
from otklik_metrics.domain.readings import Pick, Reading

Params = Mapping[str, Any]
"""The parameters of one asked metric, checked and with defaults filled in."""


class Shape(StrEnum):
    """What kind of number a metric is: how it fills gaps, and whether few answers hide it."""

    COUNT = "count"
    """A number of things. 0 where there is nothing; never suppressed."""
    SCORE_COUNT = "score_count"
    """A number of answers of one kind: as a count, but few answers hide it."""
    AMOUNT = "amount"
    """A sum of money or points. 0 where there is nothing."""
    SHARE = "share"
    """From 0.0 to 1.0; null over nothing."""
    MEAN = "mean"
    """A mean or a quantile, in the metric's unit; null over nothing."""
    SCORE = "score"
    """A score of answers; null over nothing, and hidden where few answered."""


FILLED = frozenset((Shape.COUNT, Shape.SCORE_COUNT, Shape.AMOUNT))
"""Shapes that are 0 where nothing happened."""

HIDDEN = frozenset((Shape.SCORE, Shape.SCORE_COUNT))
"""Shapes that are withheld where fewer than the minimum answered."""


class Computation(StrEnum):
    """Where a metric's numbers come from."""

    ROLLUP = "rollup"
    """Additive: rollups where a set answers exactly, else facts."""
    FACTS = "facts"
    """Facts, on read, up to a stated number of rows."""
    DERIVED_FACT = "derived_fact"
    """Facts that a service derives and corrects itself, counted like any other."""


class ParameterType(StrEnum):
    """What a parameter may be."""

    INTEGER = "integer"
    NUMBER = "number"
    CHOICE = "choice"
    CODE = "code"
    CURRENCY = "currency"


@dataclass(frozen=True, slots=True)
class Parameter:
    """
    Something a caller may choose.

    Attributes:
        default: None may mean "not at all" or, of a currency, the company's own.
        nullable: Whether null may be sent.
        least, most: Bounds of a number, both included.
    """

    name: str
    type: ParameterType
    title: Text
    default: Any
    choices: tuple[str, ...] = ()
    least: float = 0
    most: float = 0
    nullable: bool = False


def seconds(name: str, title: Text, default: float | None, *, nullable: bool = False) -> Parameter:
    """A span in seconds, to the millisecond, up to a day."""
    return Parameter(
        name, ParameterType.NUMBER, title, default, least=0, most=86_400, nullable=nullable
    )


def choice(name: str, title: Text, default: str, choices: tuple[str, ...]) -> Parameter:
    """One of several words."""
    return Parameter(name, ParameterType.CHOICE, title, default, choices=choices)


def milliseconds(span: float) -> int:
    """A span in seconds as whole milliseconds."""
    return round(span * 1000)


@dataclass(frozen=True, slots=True)
class Metric:
    """
    One metric, declared once: the query API, pages, Prometheus and docs are made of this.

    Attributes:
        kind, time_column: Whose facts it counts, and by which of their times.
        formula: In words, by the value of `variant` where that parameter chooses among formulas.
        numerator, denominator: What stands above and below the line; None where it is no ratio.
        source: Who defined it.
        read: What has to be read.
        work_out: The cell, from what was read.
        base, above: Which facts stand behind a cell, and which of them above the line; where the
            reading asks about people, it singles them out itself. Without a base there are no
            records.
        unlisted: Why no facts stand above the line, by the parameters; None where some do.
        minimum_n: Below it, scores are withheld.
        interval: How the interval is made; None where there is none.
        impossible: Dimensions that the facts carry and that would mislead, with the reason.
        other_kinds: Kinds that it counts instead where a parameter says so, with their time column.
        beside: Kinds that it counts too; it can be cut only by what all of them carry.
        closed_cells: Only the cells of `domain/closed_cells.py` may be asked for when the
            parameter of that name says `anonymous`.
        shared: Facts count in parts, in several cells: none of them stands behind one.
    """

    name: str
    title: Text
    shape: Shape
    unit: str
    kind: str
    time_column: str
    formula: Mapping[str, Text]
    source: Text
    read: Callable[[Params], Reading]
    work_out: Callable[[Values, Params], Cell]
    numerator: Text | None = None
    denominator: Text | None = None
    base: Callable[[Params], Pick] | None = None
    above: Callable[[Params], Pick] | None = None
    unlisted: Callable[[Params], Text | None] = lambda _: None
    parameters: tuple[Parameter, ...] = ()
    variant: str | None = None
    computation: Computation = Computation.ROLLUP
    minimum_n: int = 0
    interval: str | None = None
    impossible: Mapping[str, Text] = field(default_factory=dict)
    closed_cells: str | None = None
    other_kinds: Mapping[str, str] = field(default_factory=dict)
    beside: Mapping[str, str] = field(default_factory=dict)
    shared: bool = False
    version: int = 1

    @property
    def dimensions(self) -> frozenset[str]:
        """Everything that it can be grouped and filtered by."""
        found = dimensions_of(self.kind).union(*map(dimensions_of, self.other_kinds))
        return found.intersection(*map(dimensions_of, self.beside)) - self.impossible.keys()

    @property
    def has_records(self) -> bool:
        """Whether facts can be listed behind a cell; spans of presence are not such facts."""
        return self.kind != "agent_state" and not self.shared

    def is_share_of_things(self, params: Params) -> bool:
        """Whether its value is so many of so many things that each count or do not."""
        return self.interval == "wilson" and params.get("variant", "share") == "share"

    def formula_of(self, params: Params) -> Text:
        """The formula that `params` choose."""
        return self.formula[str(params[self.variant])] if self.variant else self.formula[""]

    def is_low(self, cell: Cell) -> bool:
        """Whether a score rests on so few answers that the cell is marked."""
        base = cell.n if cell.n_effective is None else cell.n_effective
        return self.shape is Shape.SCORE and cell.value is not None and (base or 0) < LOW_BASE_UNDER

    def identity(self, params: Params) -> str:
        """The full name of the number: with every parameter, so that two cannot be confused."""
        inner = ",".join(f"{name}={params[name]}" for name in sorted(params))
        return f"{self.name}{{{inner}}}" if inner else self.name


def one(formula: Text) -> Mapping[str, Text]:
    """The only formula of a metric."""
    return {"": formula}


OWN = Text("Otklik", "Otklik")
MINIMUM = 5
"""Fewer answers than this say more of those who gave them than of the company."""
EMPLOYEES_MINIMUM = 10
LOW_BASE_UNDER = 30
"""A score of fewer answers is shown with a mark: chance alone moves it by tens of points."""
