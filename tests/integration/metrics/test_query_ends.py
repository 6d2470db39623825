"""Where there is nothing: at the ends of a range, in the last week of a year, in a closed queue."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from otklik_metrics.domain.catalogue import CATALOGUE
from tests.support.metrics_api import TEN, Office, a_body, answered, numbered

pytestmark = pytest.mark.asyncio

FORMULAS = sorted(CATALOGUE["service_level"].formula)


@pytest.mark.parametrize(
    ("granularity", "begins", "ends", "buckets"),
    [
        ("15m", "2026-03-09T22:07:00+03:00", "2026-03-11T02:00:00+03:00", 112),
        ("hour", "2026-03-09T00:00:00+03:00", "2026-03-12T00:00:00+03:00", 72),
        ("day", "2026-03-01T00:00:00+03:00", "2026-04-01T00:00:00+03:00", 31),
        ("week", "2026-02-16T00:00:00+03:00", "2026-04-13T00:00:00+03:00", 8),
        ("month", "2025-11-15T00:00:00+03:00", "2026-07-15T00:00:00+03:00", 9),
        ("quarter", "2025-01-01T00:00:00+03:00", "2027-01-01T00:00:00+03:00", 8),
        ("year", "2023-01-01T00:00:00+03:00", "2029-01-01T00:00:00+03:00", 6),
    ],
)
async def test_a_range_with_no_data_at_both_ends_returns_every_bucket(
    office: Office, granularity: str, begins: str, ends: str, buckets: int
) -> None:
    await office.hear({"one": answered(branch="tyumen")})
    time = {"from": begins, "to": ends, "granularity": granularity}
    found = await office.query("contacts_offered", "service_level", time=time)
    rows = found["rows"]
    starts = [datetime.fromisoformat(row["bucket"]) for row in rows]
    assert (len(rows), starts) == (buckets, sorted(set(starts)))
    assert starts[0] <= datetime.fromisoformat(begins) < starts[1]
    assert starts[-1] < datetime.fromisoformat(ends)
    offered = [row["contacts_offered"]["value"] for row in rows]
    assert (offered[0], offered[-1], sum(offered)) == (0, 0, 1)
    level = [row["service_level"]["value"] for row in rows]
    assert level == [1.0 if one else None for one in offered]

    by_branch = await office.query("contacts_offered", time=time, group_by=["branch"])
    named = [(row["bucket"], row["branch"]) for row in by_branch["rows"]]
    assert named == [(row["bucket"], "tyumen") for row in rows]


async def test_a_range_in_which_nothing_ever_was_returns_every_bucket(office: Office) -> None:
    found = await office.query("contacts_offered", "nps", time={"granularity": "day"})
    assert len(found["rows"]) == 31
    assert {row["contacts_offered"]["value"] for row in found["rows"]} == {0}
    assert {row["nps"]["value"] for row in found["rows"]} == {None}


@pytest.mark.parametrize(
    "timezone",
    [
        "Europe/Moscow",
        "Europe/Berlin",
        "America/New_York",
        "America/Santiago",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
    ],
)
@pytest.mark.parametrize(
    ("monday", "named"),
    [
        ("2020-12-21", ["2020-W52", "2020-W53", "2021-W01", "2021-W02"]),
        ("2024-12-16", ["2024-W51", "2024-W52", "2025-W01", "2025-W02"]),
        ("2025-12-22", ["2025-W52", "2026-W01", "2026-W02", "2026-W03"]),
    ],
)
async def test_weeks_are_stable_across_new_year(
    office: Office, monday: str, named: list[str], timezone: str
) -> None:
    zone = ZoneInfo(timezone)
    first = datetime.fromisoformat(monday).replace(tzinfo=zone)
    # The first and the last minute of each day: 14 contacts a week, whichever way it is cut.
    days = [first + timedelta(days=day) for day in range(28)]
    edges = [day.replace(hour=hour, minute=59 * (hour > 0)) for day in days for hour in (0, 23)]
    await office.hear(numbered("c", [answered(offered_at=at.astimezone(UTC)) for at in edges]))
    whole = await weeks(office, first, first + timedelta(days=28), timezone)
    assert [name for name, _ in whole] == named
    assert [counted for _, counted in whole] == [14] * 4
    # Begun on any day, even in the new year, a range has the same weeks.
    for late in range(1, 22, 3):
        part = await weeks(office, days[late], first + timedelta(days=28), timezone)
        assert [name for name, _ in part] == named[late // 7 :]
        assert part[1:] == whole[late // 7 + 1 :]


async def weeks(
    office: Office, start: datetime, end: datetime, timezone: str
) -> list[tuple[str, int]]:
    """Contacts of each week of a range, by the week's name in ISO 8601; it begins at midnight."""
    said = {"from": start.isoformat(), "to": end.isoformat(), "timezone": timezone}
    found = await office.query("contacts_offered", time=said | {"granularity": "week"})
    told = []
    for row in found["rows"]:
        begins = datetime.fromisoformat(row["bucket"])
        local = begins.astimezone(ZoneInfo(timezone))
        assert (local.isoweekday(), local.hour, local.minute) == (1, 0, 0)
        assert local.utcoffset() == begins.utcoffset()
        told.append((f"{local:%G-W%V}", row["contacts_offered"]["value"]))
    return told


@pytest.mark.parametrize("formula", FORMULAS)
async def test_a_closed_queue_has_no_service_level_rather_than_all_of_it(
    office: Office, formula: str
) -> None:
    await office.hear(
        {
            "in the morning": answered(queue="sales"),
            "of the other queue": answered(queue="rent", offered_at=TEN + timedelta(hours=8)),
        }
    )
    level = {"name": "service_level", "formula": formula, "as": "level"}
    night = {"from": "2026-03-10T18:00:00+03:00", "to": "2026-03-11T09:00:00+03:00"}
    sales = [{"dimension": "queue", "op": "eq", "value": "sales"}]
    found = await office.query(level, time=night, filters=sales)
    closed(found["rows"][0]["level"])
    hours = await office.query(
        level, time={"granularity": "hour"} | night, group_by=["queue"], filters=sales
    )
    assert hours["rows"] == []
    by_queue = await office.query(level, time={"granularity": "day"}, group_by=["queue"])
    for row in by_queue["rows"]:
        if row["bucket"][:10] != "2026-03-10":
            closed(row["level"])
        else:
            assert row["level"]["value"] == 1.0
    body = a_body(level, time=night, filters=sales)
    text = (await office.call("POST", "/query", body, accept="text/csv")).text
    (line,) = csv.DictReader(io.StringIO(text, newline=""))
    assert (line["level"], line["level.reason"]) == ("", "no_data")


def closed(cell: dict[str, Any]) -> None:
    """It says nothing, and why."""
    assert (cell["value"], cell["denominator"], cell["n"]) == (None, 0, 0)
    assert (cell["reason"], cell["interval"], cell["suppressed"]) == ("no_data", None, False)
