"""When people call: how many, and how many of them are answered in time, by day and two hours."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from otklik.pages import numbers
from otklik.pages.gateway import Visit
from otklik.pages.numbers import Line
from otklik.pages.periods import Period

DAYS: Final[Mapping[str, range]] = {"weekday": range(1, 8), "day_of_month": range(1, 32)}
"""What a map may have for its days, as in the address → every day there is; 1 is Monday."""

USUAL: Final = "weekday"
SLOT: Final = "two_hour_slot"
SLOTS: Final = range(0, 24, 2)
SHOWN: Final = ["calls", "sl20"]

WHOLE: Final = None
"""In the place of a slot: the whole day."""

STEPS: Final = 5
"""Shades of a cell besides none; what they stand for is written in it."""


@dataclass(slots=True)
class Heat:
    """
    Calls by day and two hours, as the company's clock shows them.

    Attributes:
        by: The days: `weekday` or `day_of_month`.
        limited: What the page is limited to.
        lines: What is known, by day and slot (`WHOLE` for the whole day).
        busiest: Calls of the busiest two hours.
    """

    by: str
    limited: dict[str, str]
    lines: dict[tuple[int, int | None], Line] = field(default_factory=dict)
    busiest: int = 0

    @property
    def days(self) -> range:
        """Every day there is."""
        return DAYS[self.by]

    def at(self, day: int, slot: int | None) -> Line | None:
        """The numbers of a day's two hours; None where the period has no such day."""
        return self.lines.get((day, slot))

    def shade(self, line: Line) -> int:
        """0 for no calls, to STEPS for as many as the busiest two hours had."""
        return -(-STEPS * (line.value("calls") or 0) // self.busiest) if self.busiest else 0

    def take(self, row: dict[str, Any]) -> None:
        """Note a row of an answer."""
        day, slot = row[self.by], row.get(SLOT, WHOLE)
        hours = {} if slot is WHOLE else {SLOT: str(slot)}
        line = Line({**self.limited, self.by: str(day), **hours})
        line.cells = {name: row[name] for name in SHOWN}
        self.lines[day, slot] = line
        if slot is not WHOLE:
            self.busiest = max(self.busiest, line.value("calls"))


async def heat_map(visit: Visit, period: Period, branch: str | None, by: str | None) -> Heat:
    """The map by weekday, or by what is asked for if there is such a one."""
    days = USUAL if by is None or by not in DAYS else by
    limited = {} if branch is None else {"branch": branch}
    answers = await asyncio.gather(
        *(
            visit.post("/metrics/v1/query", numbers.body(SHOWN, period, limited, by=names))
            for names in ([days], [days, SLOT])
        )
    )
    heat = Heat(days, limited)
    for answer in answers:
        for row in answer["rows"]:
            heat.take(row)
    return heat
