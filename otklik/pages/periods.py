"""The stretches of time that a page offers, in the company's zone."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

PERIODS = {"today": 1, "7d": 7, "28d": 28, "90d": 90}
"""Name in the address → days, today included."""

USUAL = "28d"


@dataclass(frozen=True, slots=True)
class Period:
    """From a midnight inclusive to a midnight exclusive."""

    name: str
    begins: datetime
    ends: datetime
    zone: str

    def query(self, granularity: str = "total") -> dict[str, Any]:
        """The `time` of a metric query."""
        return {
            "from": self.begins.isoformat(),
            "to": self.ends.isoformat(),
            "granularity": granularity,
            "timezone": self.zone,
        }


def period(name: str | None, zone: str, now: datetime) -> Period:
    """The period of that name up to the end of today; an unknown name means the usual one."""
    chosen = name if name in PERIODS else USUAL
    local = ZoneInfo(zone)
    today = datetime.combine(now.astimezone(local).date(), time(), local)
    # Dates are added on the wall clock: a day with a clock change stays one day.
    ends = today + timedelta(days=1)
    return Period(chosen, ends - timedelta(days=PERIODS[chosen]), ends, zone)
