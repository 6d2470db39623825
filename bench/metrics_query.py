"""
Asking: three reference queries over a year of 10 million events, against raw rows in PostgreSQL.

    python -m bench.metrics_query [--events 10000000] [--companies 1] [--rounds 15]

Each company has 50 branches and 6 channels; four events in five are contacts, the others answers.
The raw rows are narrow (six numbers and a time) with an index on company and time, and are asked
with parallel workers as the server sets them, and without. Our side is the whole way: route,
caller, plan, selects, formulas, intervals, receipts, JSON. With more companies the events are
shared among them: raw rows get cheaper, rollups stay what they are. Answers are compared before anything is timed:
counts and scores to the last digit, quantiles within 1 %.
"""

import argparse
import asyncio
import base64
import json
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import uvloop

import otklik_metrics
from otklik.embedded import EmbeddedPostgres
from otklik_common import observability
from otklik_common.migrate import Tree, migrate
from otklik_common.runtime import make_platform
from otklik_common.settings import Settings
from otklik_metrics.domain.histogram import BOUNDS
from otklik_metrics.domain.measures import MEASURES, NPS, THRESHOLDS_SECONDS
from otklik_metrics.domain.sets import FOLD_VERSIONS, Grain, RollupSet, sets_of
from tests.support.metrics_api import Office, metrics_app
from tests.support.postgres import reachable_folder

MIGRATIONS = Path(otklik_metrics.__file__).parent / "migrations"
ZONE = "Europe/Moscow"
END = datetime(2026, 3, 1, 21, tzinfo=UTC)
"""Midnight in Moscow."""
START = END - timedelta(days=365)
QUARTER = END - timedelta(days=90)
CHANNELS = ("call", "chat", "email", "form", "messenger", "visit")
BRANCHES = tuple(f"branch-{number:02}" for number in range(50))
SOME_CHANNELS, SOME_BRANCHES = CHANNELS[:2], BRANCHES[:10]
SERVER = {"shared_buffers": "1GB", "work_mem": "64MB", "max_wal_size": "16GB"}
ANSWERED, ABANDONED, SCORED = 0, 1, 2

RAW = """
    CREATE UNLOGGED TABLE raw (
        company smallint, channel smallint, branch smallint, what smallint,
        at timestamptz, wait_ms int, score smallint);
    SELECT setseed(0.5);
    INSERT INTO raw
    SELECT company, channel, branch, what, at,
        CASE WHEN what < 2 THEN least(1000 * exp(2.8 + 1.1 * random_normal()), 3600000)::int END,
        CASE WHEN what = 2 THEN greatest(0, least(10, round(8.2 + 2.4 * random_normal()))) END
    FROM (
        SELECT (random() * {companies} - 0.5)::int AS company, (random() * 6 - 0.5)::int AS channel,
            (random() * 50 - 0.5)::int AS branch,
            CASE WHEN random() < 0.7 THEN 0 WHEN random() < 0.33 THEN 1 ELSE 2 END AS what,
            timestamptz '{start}' + n * (interval '365 days' / {events}) AS at
        FROM generate_series(0, {events} - 1) AS n) AS drawn;
    CREATE INDEX ON raw (company, at)"""


@dataclass(frozen=True)
class Question:
    """
    One reference query.

    Attributes:
        body: As callers send it.
        raw: The same over raw rows; $1 is the company, $2 and $3 the range.
        same: Compares our rows with the raw ones.
    """

    name: str
    body: dict[str, Any]
    raw: str
    since: datetime
    same: Callable[[list[dict[str, Any]], list[asyncpg.Record]], None]


def _range(since: datetime, granularity: str) -> dict[str, Any]:
    return {
        "from": since.isoformat(),
        "to": END.isoformat(),
        "granularity": granularity,
        "timezone": ZONE,
    }


def _same_levels(rows: list[dict[str, Any]], raw: list[asyncpg.Record]) -> None:
    found = {(row["bucket"][:10], row["branch"]): row for row in rows}
    assert len(raw) == len(found)
    for branch, week, in_time, base, p90 in raw:
        row = found[str(week.date()), BRANCHES[branch]]
        assert (row["sl"]["numerator"], row["sl"]["denominator"]) == (in_time, base)
        assert abs(row["p90"]["value"] * 1000 / p90 - 1) <= 0.01, (row, p90)


def _same_heat(rows: list[dict[str, Any]], raw: list[asyncpg.Record]) -> None:
    found = {(row["weekday"], row["hour_of_day"]): row for row in rows}
    assert len(raw) == len(found)
    for weekday, hour, answered, abandoned, waited in raw:
        row = found[weekday, hour]
        assert row["contacts_answered"]["value"] == answered
        assert row["contacts_abandoned"]["value"] == abandoned
        assert abs(row["asa_seconds"]["value"] - waited / 1000) < 1e-9


def _same_scores(rows: list[dict[str, Any]], raw: list[asyncpg.Record]) -> None:
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
        START,
        _same_scores,
    ),
)


# --- Loading --------------------------------------------------------------------------------------


async def load(admin: asyncpg.Connection, tenants: list[str], events: int) -> None:
    """Raw rows, and the rollups that the write side would have made of the same events."""
    begun = time.perf_counter()
    await admin.execute(
        RAW.format(companies=len(tenants), events=events, start=START.isoformat()), timeout=3600
    )
    await admin.execute("VACUUM ANALYZE raw", timeout=3600)
    print(f"raw rows after {time.perf_counter() - begun:.0f} s", flush=True)
    names = {"channel": CHANNELS, "branch": BRANCHES}
    for kind in ("contact", "answer"):
        for tenant in tenants:
            await admin.execute(
                "INSERT INTO metrics.rollup_versions VALUES"
                " ($1, $2, 1, 'live', $3, $4, '', '{}', NULL, now(), now())",
                tenant,
                kind,
                FOLD_VERSIONS[kind],
                ZONE,
            )
        for one in sets_of(kind):
            # Sets by what raw rows do not have hold one cell for all: as many as there would be.
            await admin.execute(_counters(one, names), tenants, timeout=3600)
            if one.histograms:
                await admin.execute(_histograms(one, names), tenants, list(BOUNDS), timeout=3600)
            print(f"{kind} set {one.number} after {time.perf_counter() - begun:.0f} s", flush=True)
    for table, column in _TABLES:
        # Rows lie as they would if they had been written while time passed, all sets together.
        for statement in (
            f"CREATE INDEX as_time_passes ON metrics.{table} ({column})",
            f"CLUSTER metrics.{table} USING as_time_passes",
            "DROP INDEX metrics.as_time_passes",
        ):
            await admin.execute(statement, timeout=3600)
    await admin.execute("VACUUM ANALYZE", timeout=3600)


_TABLES = (
    ("rollup_contact_15m", "at"),
    ("rollup_contact_day", "day"),
    ("histogram_contact_15m", "at"),
    ("histogram_contact_day", "day"),
    ("rollup_answer_15m", "at"),
    ("rollup_answer_day", "day"),
)


def _place(one: RollupSet) -> str:
    if one.grain is Grain.QUARTER:
        return "date_bin('15 minutes', at, timestamptz '2000-01-01Z')"
    return f"(at AT TIME ZONE '{ZONE}')::date"


def _dimensions(one: RollupSet, names: Mapping[str, tuple[str, ...]]) -> list[str]:
    known = [
        f"({_array(names[name])})[{name} + 1]" if name in names else _made_up(name)
        for name in one.dimensions
    ]
    return known + ["''"] * (4 - len(known))


def _made_up(name: str) -> str:
    """A dimension that raw rows do not have: drawn from what they have, as many as in life."""
    number = {"agent": "branch * 8 + channel", "queue": "channel", "team": "branch"}.get(name, "0")
    return f"'{name}-' || ({number})"


def _array(values: tuple[str, ...]) -> str:
    return "ARRAY[" + ", ".join(f"'{value}'" for value in values) + "]"


def _counters(one: RollupSet, names: Mapping[str, tuple[str, ...]]) -> str:
    columns = MEASURES[one.kind].names
    grain = "at" if one.grain is Grain.QUARTER else "day"
    values = [_CONTACT.get(name, "count(*)") for name in columns]
    rows = "what < 2"
    if one.kind == "answer":
        values = [_answer(name) for name in columns]
        rows = "what = 2"
    cell = ", ".join(_dimensions(one, names))
    return f"""
        INSERT INTO metrics.rollup_{one.kind}_{one.grain.value}
            (tenant, version, set, {grain}, d1, d2, d3, d4, {", ".join(columns)})
        SELECT ($1::text[])[company + 1], 1, {one.number}, {_place(one)}, {cell}, {", ".join(values)}
        FROM raw WHERE {rows} GROUP BY 1, 4, 5, 6, 7, 8"""


def _histograms(one: RollupSet, names: Mapping[str, tuple[str, ...]]) -> str:
    grain = "at" if one.grain is Grain.QUARTER else "day"
    # Two bytes of the bucket and four of the count, little-endian; a count fits into two here.
    bytes_ = "'\\x000000000000'::bytea"
    for place, part in enumerate(("bucket % 256", "bucket / 256", "n % 256", "n / 256")):
        bytes_ = f"set_byte({bytes_}, {place}, ({part})::int)"
    return f"""
        INSERT INTO metrics.histogram_{one.kind}_{one.grain.value}
            (tenant, version, set, measure, {grain}, d1, d2, d3, d4, hist)
        SELECT tenant, 1, {one.number}, 1, place, d1, d2, d3, d4,
            string_agg({bytes_}, ''::bytea ORDER BY bucket)
        FROM (
            SELECT ($1::text[])[company + 1] AS tenant, {_place(one)} AS place,
                {", ".join(f"{part} AS d{n}" for n, part in enumerate(_dimensions(one, names), 1))},
                width_bucket(wait_ms::bigint - 1, $2::bigint[]) AS bucket, count(*) AS n
            FROM raw WHERE what = 0 GROUP BY 1, 2, 3, 4, 5, 6, 7) AS counted
        GROUP BY 1, 5, 6, 7, 8, 9"""


def _slots(prefix: str, what: int) -> dict[str, str]:
    below, found = -1, {}
    for seconds in THRESHOLDS_SECONDS:
        inside = f"wait_ms > {below} AND wait_ms <= {seconds * 1000}"
        found[f"{prefix}_w{seconds}"] = f"count(*) FILTER (WHERE what = {what} AND {inside})"
        below = seconds * 1000
    return found


_CONTACT = {
    "answered": "count(*) FILTER (WHERE what = 0)",
    "abandoned": "count(*) FILTER (WHERE what = 1)",
    "outcome_answered": "count(*) FILTER (WHERE what = 0)",
    "outcome_abandoned": "count(*) FILTER (WHERE what = 1)",
    "wait_n": "count(*) FILTER (WHERE what = 0)",
    "wait_ms": "sum(wait_ms) FILTER (WHERE what = 0)",
    **_slots("answered", ANSWERED),
    **_slots("abandoned", ABANDONED),
    **{
        name: "NULL::bigint"
        for name in MEASURES["contact"].names
        if "own" in name
        or (
            name.startswith(("callback", "outcome_"))
            and name not in ("outcome_answered", "outcome_abandoned")
        )
    },
}


def _answer(name: str) -> str:
    if name in NPS:
        return f"nullif(count(*) FILTER (WHERE score = {name.removeprefix('nps_')}), 0)"
    return "count(*)" if name in ("answers", "with_contact") else "NULL"


# --- Timing ---------------------------------------------------------------------------------------


async def measure(events: int, companies: int, rounds: int) -> dict[str, Any]:
    """Load, compare, time."""
    with reachable_folder() as folder:
        server = EmbeddedPostgres.start(
            folder / "data", fsync=False, settings=SERVER, system=folder / "system"
        )
        try:
            return await _measured(server.admin_url, events, companies, rounds)
        finally:
            server.stop()


async def _measured(url: str, events: int, companies: int, rounds: int) -> dict[str, Any]:
    settings = Settings(
        database_url=url,
        admin_database_url=url,
        master_key=base64.b64encode(b"k" * 32).decode(),
        environment="test",
        log_level="ERROR",
    )
    observability.configure(settings, process="bench")
    await migrate(settings, [Tree("metrics", MIGRATIONS)])
    admin = await asyncpg.connect(url)
    await admin.execute("SET jit = off")
    platform = make_platform(settings)
    app = metrics_app(platform)
    offices = [await Office(platform, admin, app).found(ZONE) for _ in range(companies)]
    await load(admin, [office.tenant for office in offices], events)
    sizes = await admin.fetch(
        "SELECT relname, reltuples::bigint AS rows, pg_total_relation_size(oid) >> 20 AS mb"
        " FROM pg_class WHERE relname = 'raw' OR relname ~ '^(rollup|histogram)_(contact|answer)_'"
        " AND relkind = 'r' ORDER BY 1"
    )
    for name, rows, size in sizes:
        print(f"{name:24} {rows:>12,} rows {size:>6,} MB", flush=True)
    told: dict[str, Any] = {"events": events, "companies": companies}
    for question in QUESTIONS:
        told[question.name] = await _one(question, offices, admin, rounds)
    await admin.close()
    await platform.close()
    return told


async def _one(
    question: Question, offices: list[Office], admin: asyncpg.Connection, rounds: int
) -> dict[str, float]:
    async def ours(number: int) -> list[dict[str, Any]]:
        found = await offices[number].call("POST", "/query", question.body)
        assert found.status_code == 200, found.text
        rows: list[dict[str, Any]] = found.json()["rows"]
        return rows

    async def theirs(number: int) -> list[asyncpg.Record]:
        return await admin.fetch(question.raw, number, question.since, END)

    for number in range(len(offices)):
        question.same(await ours(number), await theirs(number))
    took: dict[str, list[float]] = {"ours": [], "raw": [], "raw, no parallel workers": []}
    for number in range(rounds):
        company = number % len(offices)
        took["ours"].append(await _time(ours, company))
        if number < max(3, rounds // 3):
            took["raw"].append(await _time(theirs, company))
            await admin.execute("SET max_parallel_workers_per_gather = 0")
            took["raw, no parallel workers"].append(await _time(theirs, company))
            await admin.execute("RESET max_parallel_workers_per_gather")
    middle = {name: statistics.median(times) * 1000 for name, times in took.items()}
    told = {f"{name}, ms": round(value, 1) for name, value in middle.items()}
    told["ours, slowest, ms"] = round(max(took["ours"]) * 1000, 1)
    told["ratio"] = round(middle["raw"] / middle["ours"], 1)
    told["ratio, no parallel workers"] = round(
        middle["raw, no parallel workers"] / middle["ours"], 1
    )
    print(f"{question.name}: {told}", flush=True)
    return told


async def _time(ask: Callable[[int], Awaitable[object]], company: int) -> float:
    await asyncio.sleep(0)
    begun = time.perf_counter()
    await ask(company)
    return time.perf_counter() - begun


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--companies", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    measured = uvloop.run(measure(given.events, given.companies, given.rounds))
    print(json.dumps(measured, indent=2))


if __name__ == "__main__":
    main()
