"""
One, two and four equal processes that answer, and as many that work, over Kafka on one machine.

    python -m bench.scale processes [--counts 1 2 4] [--rate 4000] [--seconds 15] [--json FILE]

Batches of 500 events come at a fixed rate, over all processes that answer; then it is waited until
everything is counted. Every call has five events in one batch, so the right number is known. All
share the machine's cores with the sender, PostgreSQL and Kafka: beyond them nothing can be gained,
and nothing may be lost.
"""

import argparse
import asyncio
import time
from typing import Any

import uvloop

from bench.scale.places import Place, over_kafka
from bench.scale.telling import tell
from bench.scale.watching import Watched, watching
from bench.scale.wire import Wire, count, offer

CALL_EVENTS = 5
LOOK_SECONDS = 0.2
MOST_SECONDS = 200


async def measure(place: Place, *, rate: int, seconds: float) -> dict[str, Any]:
    """Push, wait until all is counted, and see whether the number is right."""
    began = time.perf_counter()
    async with watching(place, say=False) as inside:
        told = await offer(place.ports, place.keys[0], mark="equal", rate=rate, seconds=seconds)
        pushed = time.perf_counter() - began
        assert told.accepted % CALL_EVENTS == 0, told.accepted
        calls = told.accepted // CALL_EVENTS
        await _until_counted(place, calls, inside)
        took = time.perf_counter() - began
    return {
        "processes": len(place.ports),
        "accepted_per_second": round(told.accepted / pushed),
        "not_taken": told.refused + told.held_back,
        "calls": calls,
        "counted_per_second": round(calls / took),
        "lost": 0,
        "double": 0,
        "cores": inside.cores,
        "short_of_cores": inside.short,
        "most_mb": inside.most_mb,
    }


async def _until_counted(place: Place, calls: int, inside: Watched) -> None:
    """Until nothing is under way; then the number must be right in every process that answers."""
    wires = [await Wire.open(port, place.keys[0]) for port in place.ports]
    shown = [0]
    for _ in range(int(MOST_SECONDS / LOOK_SECONDS)):
        shown = [await count(wire) for wire in wires]
        assert max(shown) <= calls, f"{shown} of {calls} calls: counted twice"
        if min(shown) == calls and not any(inside.queues[-1][1:]):
            break
        await asyncio.sleep(LOOK_SECONDS)
    for wire in wires:
        wire.close()
    assert set(shown) == {calls}, f"{shown} of {calls} calls after {MOST_SECONDS} s"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--rate", type=int, default=4_000, help="events a second")
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--json", help="write the figures to this file as well")
    given = parser.parse_args()
    found = []
    for each in given.counts:
        with over_kafka(apis=each, workers=each) as place:
            found.append(uvloop.run(measure(place, rate=given.rate, seconds=given.seconds)))
        print(found[-1], flush=True)
    tell({"rate": given.rate, "runs": found}, given.json)


if __name__ == "__main__":
    main()
