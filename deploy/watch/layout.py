"""What a dashboard consists of, in both languages; how Grafana writes it down is in grafana.py."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from otklik_metrics.domain.dimensions import Text

GREEN, YELLOW, RED = "green", "yellow", "red"

Steps = Sequence[tuple[float | None, str]]
"""From this value on, this colour; the first is None: from anywhere."""


UNNAMED: Final = Text("", "")
"""Grafana names the lines by their labels."""


class Look(StrEnum):
    """How a panel shows its numbers."""

    NUMBER = "number"
    """Large, as they are now."""
    LINES = "lines"
    """Over the range of time."""
    TABLE = "table"
    """One row for each group, one column for each query, as they are now."""
    MAP = "map"
    """A number for each pair of values of two labels, as they are now."""


@dataclass(frozen=True, slots=True)
class Query:
    """
    A question to Prometheus.

    Attributes:
        name: Its legend, or its column. `{{label}}` stands for a label's value.
        unit: Of its column, where it is not the panel's.
    """

    expr: str
    name: Text = UNNAMED
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """
    One panel.

    Attributes:
        about: What the number is, in plain words: the text behind the panel's (i).
        unit: As Grafana names it: `s`, `percentunit`, `short`.
        most: The highest value of its axis; None where it grows without end.
        rows, columns: Labels of a map, which has a number for each pair of their values.
        order: Values of its columns, in the order in which they stand.
    """

    title: Text
    about: Text
    queries: Sequence[Query]
    unit: str = "short"
    look: Look = Look.LINES
    steps: Steps = ((None, GREEN),)
    width: int = 12
    height: int = 8
    decimals: int | None = None
    least: float | None = 0
    most: float | None = None
    rows: str = ""
    columns: str = ""
    order: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """Panels that belong together, under a heading."""

    title: Text
    panels: Sequence[Panel]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """
    One dashboard.

    Attributes:
        name: Name of its file, and of its uid after `otklik-`.
        companies: Whether its numbers are those of companies, to be chosen among.
        hours: How far back it looks when opened.
    """

    name: str
    title: Text
    about: Text
    rows: Sequence[Row]
    companies: bool = False
    hours: int = 6

    @property
    def panels(self) -> list[Panel]:
        """All its panels, in the order of reading."""
        return [panel for row in self.rows for panel in row.panels]


def good_above(bad_under: float, good_from: float) -> Steps:
    """Red below, green from above; yellow in between."""
    return ((None, RED), (bad_under, YELLOW), (good_from, GREEN))


def bad_above(odd_from: float, bad_from: float) -> Steps:
    """Green below, red from above; yellow in between."""
    return ((None, GREEN), (odd_from, YELLOW), (bad_from, RED))
