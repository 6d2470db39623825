"""The same answer as CSV: row by row and digit by digit."""

import csv
import io
from typing import Any

import pytest

from otklik_metrics.api.as_csv import BESIDE
from tests.support.metrics_api import Office, a_body, abandoned, answered, numbered

pytestmark = pytest.mark.asyncio

LEVEL = {"name": "service_level", "threshold_seconds": 20, "as": "sl20"}
WAIT = {"name": "wait_seconds", "statistic": "mean", "as": "wait"}


async def told(office: Office) -> None:
    """Calls of three branches, one of which has a dangerous name, and of none."""
    await office.hear(
        numbered("a", [answered(1_000 + 777 * one, branch="tyumen") for one in range(7)])
        | numbered("b", [answered(31_000 + one, branch="perm") for one in range(3)])
        | numbered("c", [abandoned(branch='=1+1"'), answered(20_000, branch='=1+1"')])
        | numbered("d", [abandoned(branch=None)])
    )


async def both(office: Office, *metrics: Any, **said: Any) -> tuple[Any, list[dict[str, str]]]:
    """An answer as JSON, and its rows as CSV."""
    body = a_body(*metrics, **said)
    as_json = await office.call("POST", "/query", body)
    as_csv = await office.call("POST", "/query", body, accept="text/csv")
    assert as_json.headers["content-type"] == "application/json"
    assert as_csv.headers["content-type"] == "text/csv; header=present; charset=utf-8"
    assert as_json.headers["vary"] == as_csv.headers["vary"] == "Accept"
    text = io.StringIO(as_csv.content.decode(), newline="")
    return as_json.json(), list(csv.DictReader(text, strict=True))


def digits(value: Any) -> str:
    """How Python and JSON write a number; nothing for None."""
    return "" if value is None else str(value)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"group_by": ["branch"]},
        {"group_by": ["branch", "weekday"], "time": {"granularity": "week"}},
        {"group_by": ["branch"], "top": {"n": 1, "other": True}},
        {"group_by": ["two_hour_slot"], "compare": "previous"},
    ],
    ids=["total", "groups", "weeks", "top", "compared"],
)
async def test_csv_says_what_json_says_to_the_last_digit(
    office: Office, said: dict[str, Any]
) -> None:
    await told(office)
    found, lines = await both(office, LEVEL, WAIT, "contacts_offered", **said)
    assert len(lines) == len(found["rows"])
    for row, line in zip(found["rows"], lines, strict=True):
        assert line["bucket"] == digits(row["bucket"])
        for name in said.get("group_by", []):
            shown = digits(row[name])
            assert line[name] == (f"'{shown}" if shown.startswith("=") else shown)
        for name in ("sl20", "wait", "contacts_offered"):
            cell = row[name]
            assert line[name] == digits(cell["value"])
            assert [line[f"{name}.{one}"] for one in BESIDE] == [
                digits(cell[one]) for one in BESIDE
            ]
            if "compare" in said:
                assert line[f"{name}.previous"] == digits(cell["previous"]["value"])
        if "top" in said:
            assert line["other"] == ("true" if row.get("other") else "false")


async def test_a_score_of_nobody_is_empty_and_its_base_is_nobody(office: Office) -> None:
    _, (line,) = await both(office, "nps")
    assert (line["nps"], line["nps.n"]) == ("", "0")


async def test_refusals_are_problems_for_whoever_wants_csv_too(office: Office) -> None:
    bodies: list[dict[str, Any]] = [a_body("no_such_metric"), {"metrics": []}]
    for body in bodies:
        refused = await office.call("POST", "/query", body, accept="text/csv")
        assert refused.status_code == 422
        assert refused.headers["content-type"].startswith("application/problem+json")
