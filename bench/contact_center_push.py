"""
Pushes: durable events a second, against a transaction for each request behind a FastAPI route.

    python -m bench.contact_center_push [--rounds 3] [--seconds 4] [--pin]

The baseline checks no key, seals nothing and hashes nothing: it writes the same two rows in a
transaction of their own. Rounds are interleaved; the medians are compared.
"""

import argparse
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import psutil
import uvicorn
import uvloop
from fastapi import FastAPI

from bench.contact_center_support import (
    TENANT,
    Events,
    Load,
    connected,
    free_port,
    median,
    prepare,
    put_under_load,
    request,
    running,
    running_server,
)
from otklik_contact_center.api.schemas import PushedEvent

PATH = "/contact-center/v1/events"
CONNECTIONS = 64
BATCH = 500
BATCH_CONNECTIONS = 8


def baseline_app() -> FastAPI:
    """What anybody would write first."""
    url = os.environ["OTKLIK_DATABASE_URL"]
    pools: list[asyncpg.Pool[asyncpg.Record]] = []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        pools.append(await asyncpg.create_pool(url, min_size=16, max_size=16))
        yield
        await pools[0].close()

    app = FastAPI(lifespan=lifespan)

    @app.post(PATH, status_code=202)
    async def push(event: PushedEvent) -> dict[str, int]:
        body = event.model_dump_json(exclude_none=True).encode()
        async with pools[0].acquire() as connection, connection.transaction():
            await connection.execute(
                "INSERT INTO contact_center.inbox"
                " (tenant, source, id, contact, body_hash, body, at, received_at)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7, now()) ON CONFLICT DO NOTHING",
                TENANT,
                f"{TENANT}.baseline",
                event.id,
                event.contact,
                b"",
                body,
                event.at,
            )
            await connection.execute(
                "INSERT INTO contact_center.dirty (tenant, source, contact, lane)"
                " VALUES ($1, $2, $3, 0)",
                TENANT,
                f"{TENANT}.baseline",
                event.contact,
            )
        return {"accepted": 1}

    return app


async def measure(rounds: int, seconds: float, *, pin: bool) -> dict[str, Any]:
    """Both variants, one event a request and 500."""
    with ExitStack() as stack:
        url = stack.enter_context(running_server())
        _, key = await prepare(url)
        ours, other = free_port(), free_port()
        server = stack.enter_context(
            running(["-m", "otklik_contact_center", "serve", "--port", str(ours)], url, ours)
        )
        simple = stack.enter_context(
            running(["-m", "bench.contact_center_push", "--baseline", str(other)], url, other)
        )
        if pin:
            _pin([server.pid, simple.pid])
        variants = [
            Variant("ours", ours, server.pid),
            Variant("baseline", other, simple.pid),
            Variant("ours 500", ours, server.pid, size=BATCH, connections=BATCH_CONNECTIONS),
        ]
        found: dict[str, list[Load]] = {variant.name: [] for variant in variants}
        for number in range(rounds + 1):  # the first round warms up
            for variant in variants:
                load = await _round(url, key, variant, number, seconds)
                if number:
                    found[variant.name].append(load)
        return _told(found)


@dataclass(frozen=True)
class Variant:
    """What is measured: a server, and how many events a request brings it."""

    name: str
    port: int
    pid: int
    size: int = 1
    connections: int = CONNECTIONS


async def _round(url: str, key: str, variant: Variant, number: int, seconds: float) -> Load:
    events = Events(f"{variant.name.replace(' ', '')}{number}")
    make: Callable[[], bytes] = (
        (lambda: request(PATH, key, events.batch(variant.size)))
        if variant.size > 1
        else (lambda: request(PATH, key, events.next()))
    )
    process = psutil.Process(variant.pid)
    async with connected(url) as admin:
        await admin.execute("TRUNCATE contact_center.inbox, contact_center.dirty")
        await admin.execute("CHECKPOINT")
        worked = sum(process.cpu_times()[:2])
        load = await put_under_load(
            variant.port, make, connections=variant.connections, seconds=seconds
        )
        worked = sum(process.cpu_times()[:2]) - worked
        kept = await admin.fetchval("SELECT count(*) FROM contact_center.inbox")
    # What was cut off by the end of the round may be kept and not answered.
    assert load.failed == 0, load.failed
    assert load.answered * variant.size <= kept, (load.answered, kept)
    print(
        f"round {number} {variant.name:9} {load.rate * variant.size:9,.0f} events/s"
        f"  p50 {load.percentile(0.5):6.1f} ms  p99 {load.percentile(0.99):6.1f} ms"
        f"  server {1e6 * worked / (load.answered * variant.size):6.1f} us of CPU an event",
        flush=True,
    )
    return load


def _told(found: dict[str, list[Load]]) -> dict[str, Any]:
    rate = {name: median([load.rate for load in loads]) for name, loads in found.items()}
    p99 = {name: median([load.percentile(0.99) for load in loads]) for name, loads in found.items()}
    return {
        "single_events_per_second": round(rate["ours"]),
        "baseline_events_per_second": round(rate["baseline"]),
        "single_to_baseline": round(rate["ours"] / rate["baseline"], 2),
        "single_p99_ms": round(p99["ours"], 1),
        "baseline_p99_ms": round(p99["baseline"], 1),
        "batch_events_per_second": round(rate["ours 500"] * BATCH),
        "batch_to_baseline": round(rate["ours 500"] * BATCH / rate["baseline"], 2),
        "batch_p99_ms": round(p99["ours 500"], 1),
    }


def _pin(servers: list[int]) -> None:
    """The servers on one core, everything else on the others."""
    cores = sorted(os.sched_getaffinity(0))
    for pid in servers:
        os.sched_setaffinity(pid, cores[:1])
    os.sched_setaffinity(0, cores[1:])


def main() -> None:
    """Measure, or be the baseline."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--baseline", type=int, help="answer as the baseline on this port")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--pin", action="store_true", help="servers on one core, the rest apart")
    given = parser.parse_args()
    if given.baseline:
        uvicorn.run(
            baseline_app(),
            port=given.baseline,
            access_log=False,
            log_level="warning",
            loop="uvloop",
        )
        return
    measured = uvloop.run(measure(given.rounds, given.seconds, pin=given.pin))
    print(json.dumps(measured, indent=2))


if __name__ == "__main__":
    main()
