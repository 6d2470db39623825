"""A year of events as raw rows, and the rollups that the write side would have made of them."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import asyncpg

from otklik_metrics.domain.histogram import BOUNDS
from otklik_metrics.domain.measures import MEASURES, NPS, THRESHOLDS_SECONDS
from otklik_metrics.domain.sets import FOLD_VERSIONS, Grain, RollupSet, sets_of
from otklik_metrics.store.versions import wanted

ZONE = "Europe/Moscow"
END = datetime(2026, 3, 1, 21, tzinfo=UTC)
"""Midnight in Moscow."""
START = END - timedelta(days=365)
CHANNELS = ("call", "chat", "email", "form", "messenger", "visit")
BRANCHES = tuple(f"branch-{number:02}" for number in range(50))
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
                " ($1, $2, 1, 'live', $3, $4, $5, '{}', NULL, now(), now())",
                tenant,
                kind,
                FOLD_VERSIONS[kind],
                ZONE,
                wanted(kind, ZONE, ()).rules,
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
