"""
Clocks under other opening hours, recounted from the facts by the plainest means there are.

Nothing of the product is used but its answers: the days of the calendar, and the records of clocks.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from otklik.client import Client

DAYS = "/access/v1/calendars/office/days"

Windows = list[tuple[float, float]]
Verdicts = Counter[tuple[str, str]]
"""How many clocks came to what, before and after: kept, broken, open."""


def windows(
    client: Client, first: date, last: date, zone: ZoneInfo, saturday: str | None
) -> Windows:
    """The open time of the office in seconds since 1970; Saturdays that are no holidays may be worked."""
    days = client.get(DAYS, **{"from": str(first), "to": str(last)})["days"]
    found: Windows = []
    for day in days:
        on = date.fromisoformat(day["day"])
        worked = saturday is not None and on.weekday() == 5 and day["why"] == "week"
        for hours in [saturday] if worked else day["hours"]:
            begins, ends = (_moment(on, text, zone) for text in str(hours).split("-"))
            found.append((begins, ends))
    return found


def _moment(day: date, text: str, zone: ZoneInfo) -> float:
    hour, minute = map(int, text.split(":"))
    local = datetime(day.year, day.month, day.day, tzinfo=zone)
    return (local + timedelta(hours=hour, minutes=minute)).timestamp()


def clocks(client: Client, target: str, time: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Records of clocks that were kept or broken."""
    body: dict[str, Any] = {
        "metric": {"name": "sla_attainment", "target": target},
        "time": time,
        "limit": 200,
    }
    while True:
        page = client.post("/metrics/v1/query/records", body)
        yield from page["items"]
        if page["next_cursor"] is None:
            return
        body["cursor"] = page["next_cursor"]


def recount(
    records: Sequence[dict[str, Any]], before: Windows, after: Windows, now: float
) -> Verdicts:
    """What each clock came to under both; of one that was never held, in business time."""
    found: Verdicts = Counter()
    for record in records:
        values = record["values"]
        begins = datetime.fromisoformat(record["at"]).timestamp()
        ended = values["ended_at"]
        ends = datetime.fromisoformat(ended).timestamp() if ended else now
        verdicts = []
        for open_time in (before, after):
            used = sum(max(0.0, min(ends, b) - max(begins, a)) for a, b in open_time)
            late = used > values["target_ms"] / 1000
            verdicts.append("broken" if late else "kept" if ended else "open")
        found[verdicts[0], verdicts[1]] += 1
    return found
