"""
Rollups of millions of facts built anew while events come: for how long, and who notices?

    python -m bench.scale rebuild [--facts 10000000] [--json FILE]

Calls are pushed and counted by `otklik up`; their facts are copied over a year, straight into the
table of facts. Then `otklik rebuild` folds all of them into new rollups beside the live ones,
compares and swaps. Meanwhile, and before, the company pushes five single events a second and looks
for each in its count. In the end `otklik rebuild --check` must find no difference.
"""

import argparse
import asyncio
import json
import time
from typing import Any

import asyncpg
import uvloop

from bench.scale.places import Place, tree
from bench.scale.telling import tell
from bench.scale.watching import watching
from bench.scale.wire import Wire, count, offer, percentile, watch_visibility
from tests.support.deployment import Process

PUSH_RATE = 2_000
PUSH_SECONDS = 5
CALL_EVENTS = 5
STEP_COPIES = 50
LOOKED_SECONDS = 20
LIVE_RATE = 5
MOST_SECONDS = 2 * 3_600

_COLUMNS = """
    SELECT column_name, data_type FROM information_schema.columns
    WHERE table_schema = 'metrics' AND table_name = 'facts_contact' ORDER BY ordinal_position
"""


async def push_calls(place: Place) -> int:
    """Push calls until all are counted; gives how many."""
    told = await offer(
        place.ports, place.keys[0], mark="kept", rate=PUSH_RATE, seconds=PUSH_SECONDS
    )
    calls, wire = told.accepted // CALL_EVENTS, await Wire.open(place.ports[0], place.keys[0])
    for _ in range(600):
        if await count(wire) == calls:
            break
        await asyncio.sleep(0.2)
    else:
        raise AssertionError(f"{calls} calls are not counted")
    wire.close()
    return calls


async def copy_facts(place: Place, calls: int, facts: int) -> int:
    """Copies of the calls' facts over the year before; gives how many there are then."""
    looking = await place.look()
    copies = max(1, facts // calls - 1)
    try:
        insert = await _copying(looking)
        for first in range(1, copies + 1, STEP_COPIES):
            last = min(first + STEP_COPIES - 1, copies)
            await looking.execute(insert, place.companies[0], first, last, timeout=600)
            print(f"{last * calls:,} facts copied", flush=True)
        await looking.execute("VACUUM ANALYZE metrics.facts_contact", timeout=1_800)
        return int(await looking.fetchval("SELECT count(*) FROM metrics.facts_contact"))
    finally:
        await looking.close()


async def _copying(looking: asyncpg.Connection) -> str:
    columns = await looking.fetch(_COLUMNS)
    values = [_value(name, kind) for name, kind in columns]
    # What was copied before lies days back: only what was pushed today is copied.
    return (
        f"INSERT INTO metrics.facts_contact ({', '.join(name for name, _ in columns)})"
        f" SELECT {', '.join(values)} FROM metrics.facts_contact f,"
        " generate_series($2::int, $3::int) AS copy"
        " WHERE tenant = $1 AND offered_at > now() - interval '1 day'"
    )


def _value(name: str, kind: str) -> str:
    """A column of a copy: another subject, at another time."""
    if name == "subject":
        return "gen_random_uuid()"
    if kind == "timestamp with time zone" and name != "recorded_at":
        return f"f.{name} - make_interval(days => 2 + copy % 360, secs => copy % 3600)"
    return f"f.{name}"


async def live(place: Place, mark: str) -> list[float]:
    """Seconds from each single push to the answer that counts it."""
    seen = await watch_visibility(
        place.ports[0],
        place.keys[0],
        mark=mark,
        rate=LIVE_RATE,
        seconds=LOOKED_SECONDS,
        look_seconds=0.1,
        patience=600,
    )
    assert not seen.refused, seen.refused
    return seen.waits


async def measure(place: Place, facts: int) -> dict[str, Any]:
    """Fill, look, rebuild and look, check."""
    calls = await push_calls(place)
    kept = await copy_facts(place, calls, facts)
    alone = await live(place, "alone")
    command = ["rebuild", "--json", "--data", str(place.folder)]
    beside: list[float] = []
    building, began = Process(command, {}), time.perf_counter()
    async with watching(place, every=10.0) as inside:
        building.start()
        assert building.running is not None
        while building.running.poll() is None:
            beside += await live(place, f"beside-{len(beside)}")
            assert time.perf_counter() - began < MOST_SECONDS
    report = json.loads(await asyncio.to_thread(building.whole_output))
    checking = Process([*command, "--check"], {})
    checking.start()
    checked = json.loads(await asyncio.to_thread(_output, checking))
    assert report["differences"] == checked["differences"] == 0, (report, checked)
    return {
        "facts": kept,
        "rebuild_seconds": round(report["seconds"], 1),
        "facts_per_second": round(report["facts"] / report["seconds"]),
        "check_seconds": round(checked["seconds"], 1),
        "differences": 0,
        "live_events": len(beside),
        "alone_p50": round(percentile(alone, 0.5), 3),
        "alone_p99": round(percentile(alone, 0.99), 3),
        "beside_p50": round(percentile(beside, 0.5), 3),
        "beside_p99": round(percentile(beside, 0.99), 3),
        "cores": inside.cores,
        "short_of_cores": inside.short,
        "most_mb": inside.most_mb,
    }


def _output(process: Process) -> str:
    """All that it says, however long it takes."""
    assert process.running is not None
    process.running.wait(MOST_SECONDS)
    return process.whole_output()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--facts", type=int, default=10_000_000)
    parser.add_argument("--json", help="write the figures to this file as well")
    given = parser.parse_args()
    with tree() as place:
        tell(uvloop.run(measure(place, given.facts)), given.json)


if __name__ == "__main__":
    main()
