"""
A backlog on Kafka drained by one process: how fast, and does it slow down as it goes?

    python -m bench.scale drain [--records 2000000] [--json FILE]

The topic is filled with real facts of contacts while nobody reads. Then one `otklik work metrics`
counts and remembers all of them; both of its groups read every record. Rates are of records that
both groups have taken in, by quarters of the backlog.
"""

import argparse
import asyncio
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any
from uuid import UUID

import psutil
import uvloop

from bench.metrics_write import TENANT, TOPIC, encoded
from bench.peers.contact_topic import SENT, publisher_of
from bench.scale.counted import GROUPS, counted_once
from bench.scale.places import Place, over_kafka, worker
from bench.scale.telling import tell

CONTACTS = 50_000
"""Made one by one; copies of them are other contacts at the same times."""

LOOK_SECONDS = 1.0
MOST_SECONDS = 3_600


def records(most: int) -> Iterator[tuple[str, bytes]]:
    """Keys and values of so many records, copy after copy of the same contacts."""
    keys, values = encoded(CONTACTS)
    for copy in range(-(-most // len(keys))):
        left = most - copy * len(keys)
        for key, value in islice(zip(keys, values, strict=True), left):
            kept, _, subject = key.rpartition("/")
            other = str(UUID(int=UUID(subject).int ^ copy))
            yield f"{kept}/{other}", value.replace(subject.encode(), other.encode())


async def fill(place: Place, most: int) -> tuple[int, int]:
    """Put the records on the topic; gives how many there are, and of how many contacts."""
    log = place.log()
    publisher = await publisher_of(log, TOPIC)
    coming, count = records(most), 0
    subjects: set[str] = set()
    while some := list(islice(coming, SENT)):
        keys, values = zip(*some, strict=True)
        await publisher.send(keys, values)
        subjects.update(keys)
        count += len(some)
        if count % 100_000 == 0:
            print(f"{count:,} records on the topic", flush=True)
    await log.close()
    return count, len(subjects)


async def drain(place: Place, count: int) -> dict[str, Any]:
    """Start the worker and watch until both groups have everything."""
    process = place.processes["work"] = worker(place.told, 0, "metrics")
    looking = await place.look()
    process.start()
    assert process.running is not None
    ours, began, most_mb = psutil.Process(process.running.pid), 0.0, 0.0
    marks: list[tuple[float, int]] = []
    async with asyncio.timeout(MOST_SECONDS):
        while not marks or marks[-1][1] < count:
            await asyncio.sleep(LOOK_SECONDS if marks else 0.02)
            taken = await looking.fetchval(
                "SELECT coalesce(min(at), 0)::bigint FROM (SELECT coalesce(sum(next), 0) AS at"
                " FROM unnest($1::text[]) AS g(consumer) LEFT JOIN metrics.positions"
                " USING (consumer) GROUP BY consumer) AS known",
                list(GROUPS),
            )
            assert process.running.poll() is None, process.last_words()
            if taken == 0:
                continue
            began = began or time.perf_counter()
            marks.append((time.perf_counter() - began, taken))
            most_mb = max(most_mb, ours.memory_info().rss / 2**20)
            if len(marks) % 10 == 0:
                print(f"{marks[-1][0]:6.0f} s  {taken:,} of {count:,}", flush=True)
    await looking.close()
    cpu = sum(ours.cpu_times()[:2])
    first, last = _rate(marks, 0.0, 0.25), _rate(marks, 0.75, 1.0)
    return {
        "seconds": round(marks[-1][0], 1),
        "records_per_second": round(_rate(marks, 0.0, 1.0)),
        "first_quarter_per_second": round(first),
        "last_quarter_per_second": round(last),
        "last_to_first": round(last / first, 2),
        "worker_us_per_record": round(1e6 * cpu / count, 1),
        "worker_most_mb": round(most_mb),
    }


def _rate(marks: list[tuple[float, int]], since: float, until: float) -> float:
    """Records a second between two shares of all."""
    whole = marks[-1][1]
    early = next(mark for mark in marks if mark[1] >= since * whole)
    late = next(mark for mark in marks if mark[1] >= until * whole)
    return (late[1] - early[1]) / max(late[0] - early[0], 1e-9)


async def measure(place: Place, most: int) -> dict[str, Any]:
    """Fill, drain, and count what came of it."""
    count, contacts = await fill(place, most)
    told = await drain(place, count)
    return told | await counted_once(place, TENANT, contacts=contacts, records=count)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=2_000_000)
    parser.add_argument("--json", help="write the figures to this file as well")
    given = parser.parse_args()
    with over_kafka(apis=0, workers=0) as place:
        tell(uvloop.run(measure(place, given.records)), given.json)


if __name__ == "__main__":
    main()
