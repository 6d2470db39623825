"""
The whole product as `otklik up` runs it: from a push to a number, and what memory it takes.

    python -m bench.end_to_end [--seconds 20] [--rate 300]

Events come at a fixed rate, whatever the answers (an open model); a reader asks for the count over
and over. The k-th event is visible when the count has reached k. Memory is the resident size of
all processes of `otklik up` but PostgreSQL's.
"""

import argparse
import asyncio
import json
import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil

from bench.contact_center_support import Connections
from tests.support.deployment import Deployment, one_process

BATCH = 500
BATCH_CONNECTIONS = 4
CONNECTIONS = 16
LOOK_SECONDS = 0.05
"""Between two looks: so much is added to what is seen, at most."""


def memory_mb(deployment: Deployment) -> float:
    """Resident memory of the tree without PostgreSQL, in MiB."""
    up = deployment.processes["up"].running
    assert up is not None
    family = [psutil.Process(up.pid), *psutil.Process(up.pid).children(recursive=True)]
    sizes = [one.memory_info().rss for one in family if "postgres" not in one.name()]
    return sum(sizes) / 2**20


def first_event(name: str, number: int) -> dict[str, Any]:
    """One event, the first of a contact of its own."""
    return {
        "id": f"{name}-{number}",
        "contact": f"{name}-{number}",
        "type": "queued",
        "at": datetime.now(UTC).isoformat(),
        "channel": "call",
        "direction": "in",
        "party": "buyer",
        "from": f"+7999{number % 10_000_000:07d}",
        "queue": "sales",
        "branch": f"branch-{number % 50}",
    }


async def _count(client: httpx.AsyncClient) -> int:
    now = datetime.now(UTC)
    answer = await client.post(
        "/metrics/v1/query",
        json={
            "metrics": [{"name": "contacts_offered"}],
            "time": {
                "from": (now - timedelta(days=1)).isoformat(),
                "to": (now + timedelta(days=1)).isoformat(),
                "granularity": "total",
                "timezone": "Europe/Moscow",
            },
        },
    )
    answer.raise_for_status()
    return int(answer.json()["rows"][0]["contacts_offered"]["value"])


async def push(connections: Connections, event: dict[str, Any]) -> None:
    """Send an event and wait until it is acknowledged."""
    body = json.dumps(event).encode()
    status, answer = await connections.ask("POST", "/contact-center/v1/events", body)
    assert status == 202, answer


async def visibility(
    client: httpx.AsyncClient, connections: Connections, *, rate: int, seconds: int
) -> list[float]:
    """Seconds from each push to the first answer that counts it."""
    before = await _count(client)
    pushed: list[float] = []
    seen: list[float] = []
    wanted = rate * seconds

    async def push_one(number: int) -> None:
        pushed.append(time.perf_counter())
        await push(connections, first_event("probe", number))

    async def look() -> None:
        while len(seen) < wanted:
            counted = await _count(client) - before
            now = time.perf_counter()
            seen.extend([now] * (counted - len(seen)))
            await asyncio.sleep(LOOK_SECONDS)

    begins = time.perf_counter()
    looking = asyncio.create_task(look())
    pushes = []
    for number in range(wanted):
        pause = begins + number / rate - time.perf_counter()
        if pause > 0:
            await asyncio.sleep(pause)
        pushes.append(asyncio.create_task(push_one(number)))
    await asyncio.gather(*pushes)
    await asyncio.wait_for(looking, 60)
    return [after - before_ for before_, after in zip(sorted(pushed), seen, strict=True)]


async def batch_load(client: httpx.AsyncClient, deployment: Deployment, seconds: float) -> float:
    """Push batches for a while; returns the most memory seen, in MiB."""
    most = 0.0
    ends = time.perf_counter() + seconds

    async def write(writer: int) -> None:
        batch = 0
        while time.perf_counter() < ends:
            first = batch * BATCH
            body = [first_event(f"load-{writer}", number) for number in range(first, first + BATCH)]
            answer = await client.post("/contact-center/v1/events", json=body)
            answer.raise_for_status()
            batch += 1

    async def watch() -> None:
        nonlocal most
        while time.perf_counter() < ends:
            most = max(most, memory_mb(deployment))
            await asyncio.sleep(0.2)

    await asyncio.gather(watch(), *(write(writer) for writer in range(BATCH_CONNECTIONS)))
    return most


async def measure(deployment: Deployment, *, rate: int, seconds: int) -> dict[str, Any]:
    """All figures of one run."""
    headers = {"Authorization": f"Bearer {deployment.key}"}
    async with httpx.AsyncClient(
        base_url=deployment.urls["metrics"], headers=headers, timeout=30
    ) as client:
        await _count(client)
        await asyncio.sleep(5)
        idle = memory_mb(deployment)
        port = urlsplit(deployment.urls["contact-center"]).port
        assert port is not None
        connections = Connections(port, deployment.key, CONNECTIONS)
        waits = await visibility(client, connections, rate=rate, seconds=seconds)
        connections.close()
        loaded = await batch_load(client, deployment, 15)
    cuts = statistics.quantiles(waits, n=100)
    return {
        "rate": rate,
        "events": len(waits),
        "visible_p50_seconds": round(cuts[49], 3),
        "visible_p99_seconds": round(cuts[98], 3),
        "idle_mb": round(idle),
        "loaded_mb": round(loaded),
    }


def main() -> None:
    """Run and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rate", type=int, default=300)
    given = parser.parse_args()
    with one_process() as deployment:
        print(json.dumps(asyncio.run(measure(deployment, rate=given.rate, seconds=given.seconds))))


if __name__ == "__main__":
    main()
