"""`otklik query`: numbers from the metrics API as a table or as JSON."""

import json
import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rich.console import Console
from rich.table import Table

from otklik.client import Client, fail

MOST_NAME = 63
DATE_LENGTH = len("2026-01-01")


@dataclass(frozen=True, slots=True)
class Question:
    """A query as typed."""

    metrics: list[str]
    begin: str
    end: str
    granularity: str
    timezone: str
    by: list[str]
    where: list[str]
    as_of: str | None
    compare: bool

    def body(self) -> dict[str, Any]:
        """The request of POST /metrics/v1/query. Ends the command where a word makes no sense."""
        return {
            "metrics": [_metric(text) for text in self.metrics],
            "time": {
                "from": self._moment(self.begin),
                "to": self._moment(self.end),
                "granularity": self.granularity,
                "timezone": self.timezone,
            },
            "group_by": self.by,
            "filters": [_filter(text) for text in self.where],
            "compare": "previous" if self.compare else None,
            "as_of": self._moment(self.as_of) if self.as_of else None,
        }

    def _moment(self, text: str) -> str:
        try:
            if len(text) > DATE_LENGTH:
                return datetime.fromisoformat(text).isoformat()
            day = date.fromisoformat(text)
            zone = ZoneInfo(self.timezone)
            return datetime(day.year, day.month, day.day, tzinfo=zone).isoformat()
        except (ZoneInfoNotFoundError, ValueError) as wrong:
            fail(f"{text!r} in {self.timezone!r} is no time: {wrong}")


def _metric(text: str) -> dict[str, Any]:
    name, _, rest = text.partition(":")
    chosen: dict[str, Any] = {"name": name}
    for part in filter(None, rest.split(",")):
        parameter, equals, value = part.partition("=")
        if not equals:
            fail(f"{part!r} in {text!r} is not parameter=value")
        chosen[parameter] = int(value) if value.lstrip("-").isdigit() else value
    if rest:
        # Two of one metric must be told apart: by a name made of what was typed.
        chosen.setdefault("as", re.sub(r"[^A-Za-z0-9]+", "_", text)[:MOST_NAME])
    return chosen


def _filter(text: str) -> dict[str, Any]:
    dimension, equals, value = text.partition("=")
    if not equals:
        fail(f"{text!r} is not dimension=value")
    return {"dimension": dimension, "op": "in", "values": value.split(",")}


def ask(url: str, key: str, question: Question, *, as_json: bool) -> None:
    """Ask and print."""
    answer = Client(url, key).post("/metrics/v1/query", question.body())
    if as_json:
        print(json.dumps(answer, ensure_ascii=False))
        return
    Console().print(table_of(answer["rows"], question.by))
    for name, receipt in answer["receipts"].items():
        Console(stderr=True).print(f"{name}: {receipt['formula']}", highlight=False)


def table_of(rows: list[dict[str, Any]], by: list[str]) -> Table:
    """Rows of an answer, grouped `by` these dimensions, as a table; unknown values are blank."""
    plain = ["bucket", *by]
    table = Table(*plain)
    names = [column for column in rows[0] if column not in plain] if rows else []
    for name in names:
        table.add_column(name, justify="right")
    for row in rows:
        # Hour 0 and False are values like any other.
        known = ("" if (value := row.get(column)) is None else str(value) for column in plain)
        table.add_row(*known, *_cells(row, names))
    return table


def _cells(row: dict[str, Any], names: list[str]) -> list[str]:
    cells = []
    for name in names:
        cell = row[name]
        if not isinstance(cell, dict):
            cells.append(str(cell))
        elif cell["value"] is None:
            cells.append("too few" if cell.get("suppressed") else "–")
        else:
            value = cell["value"]
            cells.append(f"{value:.4g}" if isinstance(value, float) else str(value))
    return cells
