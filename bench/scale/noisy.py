"""
A quiet company beside a noisy one: how soon does the quiet one see its numbers?

    python -m bench.scale noisy [--log table|kafka] [--rate 20000] [--seconds 60] [--quick]

The noisy company offers batches of 500 events at a fixed rate, whatever the answers (an open
model); the quiet one pushes five single events a second and looks at its count over and over.
Both go through the same process that answers and the same process that works.
"""

import argparse
import asyncio
import json
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

import uvloop

from bench.scale.places import Place, over_kafka, tree
from bench.scale.watching import folding_waits, watching
from bench.scale.wire import offer, percentile, watch_visibility

QUIET_RATE = 5
ALONE_SECONDS = 10


async def measure(place: Place, *, rate: int, seconds: float) -> dict[str, Any]:
    """Visibility of the quiet company alone, and beside the noisy one."""
    await place.add_companies(1)
    noisy, quiet = place.keys
    port = place.ports[0]
    alone = await watch_visibility(
        port, quiet, mark="alone", rate=QUIET_RATE, seconds=min(seconds, ALONE_SECONDS)
    )
    began = datetime.now(UTC)
    async with watching(place) as inside:
        offering = asyncio.create_task(
            offer(place.ports, noisy, mark="noisy", rate=rate, seconds=seconds + 2)
        )
        await asyncio.sleep(2)
        beside = await watch_visibility(
            port, quiet, mark="beside", rate=QUIET_RATE, seconds=seconds - 2
        )
        told = await offering
    folded = await folding_waits(place, place.companies[1], began)
    return {
        "offered_per_second": rate,
        "accepted_per_second": round(told.accepted / (seconds + 2)),
        "refused_events": told.refused,
        "held_back_events": told.held_back,
        "most_retry_after": told.retry_after,
        "quiet_alone_p50": round(percentile(alone.waits, 0.5), 3),
        "quiet_alone_p99": round(percentile(alone.waits, 0.99), 3),
        "quiet_events": len(beside.waits),
        "quiet_p50": round(percentile(beside.waits, 0.5), 3),
        "quiet_p99": round(percentile(beside.waits, 0.99), 3),
        "quiet_slowest": round(max(beside.waits, default=0), 3),
        "quiet_folded_p50": round(percentile(folded, 0.5), 3),
        "quiet_folded_p99": round(percentile(folded, 0.99), 3),
        "quiet_refused": beside.refused,
        "quiet_push_p99_ms": round(1000 * percentile(beside.answers, 0.99), 1),
        "quiet_query_p99_ms": round(1000 * percentile(beside.queries, 0.99), 1),
        **inside.most(),
        "cores": inside.cores,
        "short_of_cores": inside.short,
        "most_mb": inside.most_mb,
    }


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--log", choices=("table", "kafka"), default="table")
    parser.add_argument("--rate", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    seconds = 12 if given.quick else given.seconds
    where: AbstractContextManager[Place] = tree() if given.log == "table" else over_kafka()
    with where as place:
        print(json.dumps(uvloop.run(measure(place, rate=given.rate, seconds=seconds))))


if __name__ == "__main__":
    main()
