"""
Asking: three reference queries over a year of 10 million events, against raw rows.

    python -m bench.metrics_query [--events 10000000] [--fewer 2000000] [--companies 1] [--rounds 15]

Each company has 50 branches and 6 channels; four events in five are contacts, the others answers.
The raw rows are narrow (six numbers and a time) with an index on company and time, and are asked
with parallel workers as the server sets them, and without; DuckDB has the same rows in a Parquet
file, sorted by company and time, with a thread a core and with one. Our side is the whole way of the
application: route, caller, plan, selects, formulas, intervals, receipts, JSON; of theirs nothing is
asked but the rows. With more companies the events
are shared among them: raw rows get cheaper, rollups stay what they are. A year of fewer events
shows how each grows. Answers are compared before anything is timed: counts and scores to the last
digit, quantiles within 1 %.
"""

import argparse
import asyncio
import base64
import json
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import uvloop
from fastapi import FastAPI
from starlette.types import Message

import otklik_metrics
from bench.metrics_query_parquet import Parquet
from bench.metrics_query_questions import QUESTIONS, Question
from bench.metrics_query_year import END, ZONE, load
from bench.turns import in_turns, together
from otklik.embedded import EmbeddedPostgres
from otklik_common import observability
from otklik_common.migrate import Tree, migrate
from otklik_common.runtime import create_app, make_platform
from otklik_common.settings import Settings
from otklik_metrics.module import MODULE
from tests.support.metrics_api import Office
from tests.support.postgres import reachable_folder

QUERY = "/metrics/v1/query"
MIGRATIONS = Path(otklik_metrics.__file__).parent / "migrations"
SERVER = {"shared_buffers": "1GB", "work_mem": "64MB", "max_wal_size": "16GB"}


async def measure(events: int, fewer: int, companies: int, rounds: int) -> dict[str, Any]:
    """Both sizes, the smaller first, and how each grew."""
    told: dict[str, Any] = {"events": events, "companies": companies}
    small = await _of_size(fewer, companies, rounds)
    for name, found in (await _of_size(events, companies, rounds)).items():
        before = small[name]
        told[name] = {
            **found,
            f"{fewer:,} events: ours, ms": before["ours, ms"],
            f"{fewer:,} events: raw, ms": before["raw, ms"],
            f"{fewer:,} events: DuckDB, ms": before["DuckDB, ms"],
            "growth of ours": round(found["ours, ms"] / before["ours, ms"], 2),
            "growth of raw": round(found["raw, ms"] / before["raw, ms"], 2),
            "growth of DuckDB": round(found["DuckDB, ms"] / before["DuckDB, ms"], 2),
        }
    return told


async def _of_size(events: int, companies: int, rounds: int) -> dict[str, dict[str, float]]:
    """Load, compare, time."""
    with reachable_folder() as folder:
        server = EmbeddedPostgres.start(
            folder / "data", fsync=False, settings=SERVER, system=folder / "system"
        )
        try:
            return await _measured(server.admin_url, folder, events, companies, rounds)
        finally:
            server.stop()


async def _measured(
    url: str, folder: Path, events: int, companies: int, rounds: int
) -> dict[str, dict[str, float]]:
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
    app = create_app([MODULE], platform)
    offices = [await Office(platform, admin, app).found(ZONE) for _ in range(companies)]
    with together():
        await load(admin, [office.tenant for office in offices], events)
        parquet = await Parquet.of(admin, folder)
    sizes = await admin.fetch(
        "SELECT relname, reltuples::bigint AS rows, pg_total_relation_size(oid) >> 20 AS mb"
        " FROM pg_class WHERE relname = 'raw' OR relname ~ '^(rollup|histogram)_(contact|answer)_'"
        " AND relkind = 'r' ORDER BY 1"
    )
    for name, rows, size in sizes:
        print(f"{name:24} {rows:>12,} rows {size:>6,} MB", flush=True)
    told = {}
    for question in in_turns(QUESTIONS):
        told[question.name] = await _one(question, app, offices, admin, parquet, rounds)
    parquet.close()
    await admin.close()
    await platform.close()
    return told


async def _one(
    question: Question,
    app: FastAPI,
    offices: list[Office],
    admin: asyncpg.Connection,
    parquet: Parquet,
    rounds: int,
) -> dict[str, float]:
    asked = json.dumps(question.body).encode()

    async def ours(number: int) -> bytes:
        return await answered(app, offices[number].key, asked)

    async def theirs(number: int) -> list[asyncpg.Record]:
        return await admin.fetch(question.raw, number, question.since, END)

    async def duckdb(number: int) -> list[Any]:
        return await parquet.ask(question.duckdb, number, question.since, END)

    for number in range(len(offices)):
        rows = json.loads(await ours(number))["rows"]
        for ask in (theirs, duckdb):
            question.same(rows, await ask(number))
    peers = ("raw", "raw, no parallel workers", "DuckDB", "DuckDB, one thread")
    took: dict[str, list[float]] = {name: [] for name in ("ours", *peers)}
    for number in range(rounds):
        company = number % len(offices)
        took["ours"].append(await _time(ours, company))
        if number < max(3, rounds // 3):
            took["raw"].append(await _time(theirs, company))
            await admin.execute("SET max_parallel_workers_per_gather = 0")
            took["raw, no parallel workers"].append(await _time(theirs, company))
            await admin.execute("RESET max_parallel_workers_per_gather")
            parquet.use_threads(os.cpu_count() or 1)
            took["DuckDB"].append(await _time(duckdb, company))
            parquet.use_threads(1)
            took["DuckDB, one thread"].append(await _time(duckdb, company))
    middle = {name: statistics.median(times) * 1000 for name, times in took.items()}
    told = {f"{name}, ms": round(value, 1) for name, value in middle.items()}
    told["ours, slowest, ms"] = round(max(took["ours"]) * 1000, 1)
    told["ratio"] = round(middle["raw"] / middle["ours"], 1)
    told["ratio, no parallel workers"] = round(
        middle["raw, no parallel workers"] / middle["ours"], 1
    )
    for peer in ("DuckDB", "DuckDB, one thread"):
        told[f"{peer} : ours"] = round(middle[peer] / middle["ours"], 1)
    print(f"{question.name}: {told}", flush=True)
    return told


async def answered(app: FastAPI, key: str, body: bytes) -> bytes:
    """The body of an answer, asked as a server asks an application: no client's work is in it."""
    parts: list[bytes] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        assert message.get("status", 200) == 200, message
        parts.append(message.get("body", b""))

    headers = {b"host": b"test", b"content-type": b"application/json"}
    headers |= {b"authorization": f"Bearer {key}".encode()}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": QUERY,
        "raw_path": QUERY.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": list(headers.items()),
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    await app(scope, receive, send)
    return b"".join(parts)


async def _time(ask: Callable[[int], Awaitable[object]], company: int) -> float:
    await asyncio.sleep(0)
    begun = time.perf_counter()
    await ask(company)
    return time.perf_counter() - begun


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--fewer", type=int, default=2_000_000)
    parser.add_argument("--companies", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    measured = uvloop.run(measure(given.events, given.fewer, given.companies, given.rounds))
    print(json.dumps(measured, indent=2))


if __name__ == "__main__":
    main()
