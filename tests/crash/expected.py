"""What must come out, by a second and simpler telling of the product's rules."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.crash.evidence import COUNTERS, Cell, Fields, Rollups
from tests.crash.stories import Event


def contact_of(events: Iterable[Event]) -> Fields:
    """The state of a call, of which these events are known in whatever order."""
    known = list(events)
    times = {event.type: event.at for event in known}
    outcome = "open" if "ended" not in times else "abandoned"
    return {
        "branch": known[0].branch,
        "outcome": "answered" if "answered" in times else outcome,
        "offered_at": times.get("queued"),
        "answered_at": times.get("answered"),
        "ended_at": times.get("ended"),
        "transfers": sum(event.type == "transferred" for event in known),
    }


def contacts_of(events: Iterable[Event]) -> Mapping[str, Fields]:
    """The calls that these events tell of, by name."""
    by_call: dict[str, list[Event]] = {}
    for event in events:
        by_call.setdefault(event.contact, []).append(event)
    return {call: contact_of(told) for call, told in by_call.items()}


def count(contacts: Iterable[Fields], zone: str) -> Rollups:
    """Rollups by quarter of an hour and by day, over all branches and for each."""
    counted: dict[Cell, Counter[str]] = {}
    for fields in contacts:
        for cell in _cells(fields, ZoneInfo(zone)):
            counted.setdefault(cell, Counter()).update(_counts(fields))
    return counted


def _cells(fields: Fields, zone: ZoneInfo) -> list[Cell]:
    at, branch = _moment(fields["offered_at"]), str(fields["branch"])
    quarter = at - timedelta(minutes=at.minute % 15, seconds=at.second, microseconds=at.microsecond)
    day: date = at.astimezone(zone).date()
    return [Cell(quarter, ""), Cell(quarter, branch), Cell(day, branch)]


def _counts(fields: Fields) -> dict[str, int]:
    found: dict[str, Any] = {
        "offered": 1,
        "answered": fields["answered_at"] is not None,
        "abandoned": fields["outcome"] == "abandoned",
        "ended": fields["ended_at"] is not None,
        "transfers": fields["transfers"],
    }
    return {name: int(found[name]) for name in COUNTERS}


def _moment(value: object) -> datetime:
    assert isinstance(value, datetime), "every call of the writers was queued"
    return value
