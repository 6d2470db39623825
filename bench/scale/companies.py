"""
Fifty companies of fifty branches: how soon do they see their numbers, and what does it take?

    python -m bench.scale companies [--companies 50] [--rate 100] [--seconds 30] [--json FILE]

Single events come at a fixed rate, spread over all companies and, of each, over its branches. Five
companies look at their counts ten times a second besides: those are the pushes whose way to a
number is timed. Everything goes through `otklik up`: one process that answers and one that works.
"""

import argparse
import asyncio
import time
from collections.abc import Sequence
from typing import Any

import uvloop

from bench.scale.places import Place, tree
from bench.scale.telling import tell
from bench.scale.watching import watching
from bench.scale.wire import PUSH, Seen, Wire, percentile, single, watch_visibility

WATCHED = 5
WATCHED_RATE = 2
BRANCHES = 50
CONNECTIONS = 8


async def spread(place: Place, keys: Sequence[str], *, rate: float, seconds: float) -> int:
    """Push single events of the companies in turn at a fixed rate; gives how many were taken."""
    begins, taken = time.perf_counter(), 0

    async def push(first: int) -> None:
        nonlocal taken
        wire = await Wire.open(place.ports[0], keys[0])
        for number in range(first, int(rate * seconds), CONNECTIONS):
            await asyncio.sleep(max(0.0, begins + number / rate - time.perf_counter()))
            wire.key = keys[number % len(keys)]
            status, answer = await wire.post(PUSH, single("spread", number // len(keys)))
            assert status == 202, (status, answer)
            taken += 1
        wire.close()

    await asyncio.gather(*(push(first) for first in range(CONNECTIONS)))
    return taken


async def series(place: Place, token: str) -> int:
    """How many series the process that answers shows to whoever holds the token or key."""
    wire = await Wire.open(place.ports[0], token)
    status, body = await wire.get("/metrics")
    wire.close()
    assert status == 200, (status, body[:200])
    return sum(1 for line in body.splitlines() if line and not line.startswith(b"#"))


async def measure(place: Place, *, companies: int, rate: float, seconds: float) -> dict[str, Any]:
    """Everything at once."""
    await place.add_companies(companies - 1)
    token = place.settings.operations_token
    assert token is not None
    before = await series(place, token)
    watched, others = place.keys[:WATCHED], place.keys[WATCHED:]
    async with watching(place, every=2.0) as inside:
        pushing = asyncio.create_task(spread(place, others, rate=rate, seconds=seconds))
        seen: list[Seen] = await asyncio.gather(
            *(
                watch_visibility(
                    place.ports[0],
                    key,
                    mark="watched",
                    rate=WATCHED_RATE,
                    seconds=seconds,
                    look_seconds=0.1,
                )
                for key in watched
            )
        )
        taken = await pushing
    waits = [wait for one in seen for wait in one.waits]
    answers = [answer for one in seen for answer in one.answers]
    queries = [query for one in seen for query in one.queries]
    return {
        "companies": companies,
        "branches": _branches(taken, companies - WATCHED) + _branches(len(waits), WATCHED),
        "events": taken + len(waits),
        "timed_events": len(waits),
        "refused": sum(one.refused for one in seen),
        "visible_p50": round(percentile(waits, 0.5), 3),
        "visible_p99": round(percentile(waits, 0.99), 3),
        "push_p99_ms": round(1000 * percentile(answers, 0.99), 1),
        "query_p99_ms": round(1000 * percentile(queries, 0.99), 1),
        "series_before": before,
        "series": await series(place, token),
        "series_of_one_company": await series(place, place.keys[-1]),
        "cores": inside.cores,
        "short_of_cores": inside.short,
        "most_mb": inside.most_mb,
    }


def _branches(events: int, companies: int) -> int:
    """How many branches have had an event, when companies and their branches take turns."""
    return companies * min(BRANCHES, events // companies)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--companies", type=int, default=50)
    parser.add_argument("--rate", type=float, default=100, help="events a second, of all")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--json", help="write the figures to this file as well")
    given = parser.parse_args()
    if given.companies <= WATCHED:
        parser.error(f"more than {WATCHED} companies are needed")
    with tree() as place:
        told = measure(place, companies=given.companies, rate=given.rate, seconds=given.seconds)
        tell(uvloop.run(told), given.json)


if __name__ == "__main__":
    main()
