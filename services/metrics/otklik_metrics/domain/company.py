"""What a query must know of the company that asks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from otklik_common.events.access import Calendar


class Hours(NamedTuple):
    """A calendar, and the branches whose business time is told by it and not by the default."""

    calendar: Calendar
    branches: frozenset[str]


@dataclass(frozen=True, slots=True)
class Company:
    """
    What a query must know of the company: its id, its money, and who belongs to what.

    Attributes:
        timezone: Of a query of the past, the zone of that time.
        groups_of: Groups of each branch.
        calendar: Its default calendar, as access tells it; None before its first.
        branch_calendars: Those of branches that have one of their own, by branch.
    """

    tenant: str
    currency: str
    timezone: str
    groups_of: Mapping[str, tuple[str, ...]]
    calendar: Calendar | None = None
    branch_calendars: Mapping[str, Calendar] = field(default_factory=dict)

    @property
    def hours(self) -> tuple[Hours, ...]:
        """
        By what business time is told, each calendar once: the default, for whatever no branch of
        the others claims, and then the others by their codes. Empty before the first calendar.
        """
        if self.calendar is None:
            return ()
        branches: dict[str, set[str]] = {}
        calendars: dict[str, Calendar] = {}
        for branch, calendar in self.branch_calendars.items():
            if calendar.code != self.calendar.code:
                calendars[calendar.code] = calendar
                branches.setdefault(calendar.code, set()).add(branch)
        others = (Hours(calendars[code], frozenset(branches[code])) for code in sorted(calendars))
        return (Hours(self.calendar, frozenset()), *others)
