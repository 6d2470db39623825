"""The reference queries: as callers send them, as raw rows are asked, and how answers compare."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bench.metrics_query_year import BRANCHES, CHANNELS, END, START, ZONE

_OFFSET = END.astimezone(ZoneInfo(ZONE)).utcoffset()
LOCAL = f"(moment + INTERVAL {_OFFSET // timedelta(seconds=1) if _OFFSET else 0} SECOND)"
"""Local time without a zone; this zone has one offset all the year."""

QUARTER = END - timedelta(days=90)
SOME_CHANNELS, SOME_BRANCHES = CHANNELS[:2], BRANCHES[:10]


@dataclass(frozen=True)
class Question:
    """
    One reference query.

    Attributes:
        body: As callers send it.
        raw: The same over raw rows; $1 is the company, $2 and $3 the range.
        duckdb: The same over the same rows in Parquet, where `moment` is the time in UTC.
        same: Compares our rows with the raw ones.
    """

    name: str
    body: dict[str, Any]
    raw: str
    duckdb: str
    since: datetime
    same: Callable[[list[dict[str, Any]], Sequence[Any]], None]


def _range(since: datetime, granularity: str) -> dict[str, Any]:
    return {
        "from": since.isoformat(),
        "to": END.isoformat(),
        "granularity": granularity,
        "timezone": ZONE,
    }


def _same_levels(rows: list[dict[str, Any]], raw: Sequence[Any]) -> None:
    found = {(row["bucket"][:10], row["branch"]): row for row in rows}
    assert len(raw) == len(found)
    for branch, week, in_time, base, p90 in raw:
        row = found[str(week.date()), BRANCHES[branch]]
        assert (row["sl"]["numerator"], row["sl"]["denominator"]) == (in_time, base)
        assert abs(row["p90"]["value"] * 1000 / p90 - 1) <= 0.01, (row, p90)


def _same_heat(rows: list[dict[str, Any]], raw: Sequence[Any]) -> None:
    found = {(row["weekday"], row["hour_of_day"]): row for row in rows}
    assert len(raw) == len(found)
    for weekday, hour, answered, abandoned, waited in raw:
        row = found[weekday, hour]
        assert row["contacts_answered"]["value"] == answered
        assert row["contacts_abandoned"]["value"] == abandoned
        assert abs(row["asa_seconds"]["value"] - waited / 1000) < 1e-9


def _same_scores(rows: list[dict[str, Any]], raw: Sequence[Any]) -> None:
    found = {row["bucket"][:7]: row["nps"] for row in rows}
    assert len(raw) == len(found)
    for month, score, n in raw:
        cell = found[str(month.date())[:7]]
        assert cell["n"] == n
        if cell["suppressed"]:
            continue
        assert abs(cell["value"] - float(score)) < 1e-9


QUESTIONS = (
    Question(
        "90 days: weekly service level and p90 by branch",
        {
            "metrics": [
                {"name": "service_level", "threshold_seconds": 20, "as": "sl"},
                {"name": "wait_seconds", "statistic": "p90", "as": "p90"},
            ],
            "time": _range(QUARTER, "week"),
            "group_by": ["branch"],
        },
        """SELECT branch, date_trunc('week', at AT TIME ZONE 'Europe/Moscow') AS week,
            count(*) FILTER (WHERE what = 0 AND wait_ms <= 20000),
            count(*) FILTER (WHERE what = 0 OR (what = 1 AND wait_ms > 5000)),
            percentile_disc(0.9) WITHIN GROUP (ORDER BY wait_ms) FILTER (WHERE what = 0)
        FROM raw WHERE company = $1 AND at >= $2 AND at < $3 GROUP BY 1, 2""",
        f"""SELECT branch, date_trunc('week', {LOCAL}),
            count(*) FILTER (WHERE what = 0 AND wait_ms <= 20000),
            count(*) FILTER (WHERE what = 0 OR (what = 1 AND wait_ms > 5000)),
            quantile_disc(wait_ms, 0.9) FILTER (WHERE what = 0)
        FROM raw WHERE company = $1 AND moment >= $2 AND moment < $3 GROUP BY 1, 2""",
        QUARTER,
        _same_levels,
    ),
    Question(
        "90 days: weekday × hour",
        {
            "metrics": [
                {"name": "contacts_answered"},
                {"name": "contacts_abandoned"},
                {"name": "asa_seconds"},
            ],
            "time": _range(QUARTER, "total"),
            "group_by": ["weekday", "hour_of_day"],
        },
        """SELECT extract(isodow FROM at AT TIME ZONE 'Europe/Moscow')::int,
            extract(hour FROM at AT TIME ZONE 'Europe/Moscow')::int,
            count(*) FILTER (WHERE what = 0), count(*) FILTER (WHERE what = 1),
            avg(wait_ms) FILTER (WHERE what = 0)::float8
        FROM raw WHERE company = $1 AND at >= $2 AND at < $3 GROUP BY 1, 2""",
        f"""SELECT isodow({LOCAL}), hour({LOCAL}),
            count(*) FILTER (WHERE what = 0), count(*) FILTER (WHERE what = 1),
            avg(wait_ms) FILTER (WHERE what = 0)
        FROM raw WHERE company = $1 AND moment >= $2 AND moment < $3 GROUP BY 1, 2""",
        QUARTER,
        _same_heat,
    ),
    Question(
        "a year: monthly NPS of 10 branches and 2 channels",
        {
            "metrics": [{"name": "nps"}],
            "time": _range(START, "month"),
            "filters": [
                {"dimension": "channel", "op": "in", "values": list(SOME_CHANNELS)},
                {"dimension": "branch", "op": "in", "values": list(SOME_BRANCHES)},
            ],
        },
        """SELECT date_trunc('month', at AT TIME ZONE 'Europe/Moscow'),
            100.0 * (count(*) FILTER (WHERE score >= 9) - count(*) FILTER (WHERE score <= 6))
                / count(score), count(score)
        FROM raw WHERE company = $1 AND at >= $2 AND at < $3 AND score IS NOT NULL
            AND channel IN (0, 1) AND branch BETWEEN 0 AND 9 GROUP BY 1""",
        f"""SELECT date_trunc('month', {LOCAL}),
            100.0 * (count(*) FILTER (WHERE score >= 9) - count(*) FILTER (WHERE score <= 6))
                / count(score), count(score)
        FROM raw WHERE company = $1 AND moment >= $2 AND moment < $3 AND score IS NOT NULL
            AND channel IN (0, 1) AND branch BETWEEN 0 AND 9 GROUP BY 1""",
        START,
        _same_scores,
    ),
)
