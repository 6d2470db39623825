"""
A backlog on Kafka drained by one process: how fast, and does it slow down as it goes?

    python -m bench.scale drain [--records 2000000] [--json FILE]

The topic is filled with real facts of contacts while nobody reads. Then one `otklik work metrics`
counts and remembers all of them; both of its groups read every record. The rate of all is of records
that both groups have taken in. Whether it slows down is told by what both took in together, in the
first and the last quarter of the time in which both had something to do.
"""

import argparse
import asyncio
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple
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


class Mark(NamedTuple):
    """How many records each group had taken in, by its name's order, so many seconds after the first."""

    at: float
    taken: tuple[int, ...]


_TAKEN = """
    SELECT consumer, coalesce(sum(next), 0)::bigint AS at
    FROM unnest($1::text[]) AS g(consumer) LEFT JOIN metrics.positions USING (consumer)
    GROUP BY consumer ORDER BY consumer COLLATE "C"
"""


async def drain(place: Place, count: int) -> dict[str, Any]:
    """Start the worker and watch until both groups have everything."""
    process = place.processes["work"] = worker(place.told, 0, "metrics")
    looking = await place.look()
    process.start()
    assert process.running is not None
    ours, began, most_mb = psutil.Process(process.running.pid), 0.0, 0.0
    marks: list[Mark] = []
    async with asyncio.timeout(MOST_SECONDS):
        while not marks or min(marks[-1].taken) < count:
            await asyncio.sleep(LOOK_SECONDS if marks else 0.02)
            rows = await looking.fetch(_TAKEN, list(GROUPS))
            taken = tuple(int(row["at"]) for row in rows)
            assert process.running.poll() is None, process.last_words()
            if not any(taken):
                continue
            began = began or time.perf_counter()
            marks.append(Mark(time.perf_counter() - began, taken))
            most_mb = max(most_mb, ours.memory_info().rss / 2**20)
            if len(marks) % 10 == 0:
                print(f"{marks[-1].at:6.0f} s  {taken} of {count:,}", flush=True)
    await looking.close()
    cpu = sum(ours.cpu_times()[:2])
    both = [mark for mark in marks if max(mark.taken) < count]
    first, last = _rate(both, 0.0, 0.25), _rate(both, 0.75, 1.0)
    ends = [
        next(mark.at for mark in marks if mark.taken[place] == count)
        for place in range(len(GROUPS))
    ]
    return {
        "seconds": round(marks[-1].at, 1),
        "seconds_of_each_group": dict(zip(sorted(GROUPS), map(round, ends), strict=True)),
        "records_per_second": round(count / marks[-1].at),
        "both_first_quarter_per_second": round(first),
        "both_last_quarter_per_second": round(last),
        "last_to_first": round(last / first, 2),
        "worker_us_per_record": round(1e6 * cpu / count, 1),
        "worker_most_mb": round(most_mb),
    }


def _rate(marks: list[Mark], since: float, until: float) -> float:
    """Records a second of all groups together, between two shares of the time."""
    first, whole = marks[0].at, marks[-1].at - marks[0].at
    early = next(mark for mark in marks if mark.at >= first + since * whole)
    late = next(mark for mark in marks if mark.at >= first + until * whole)
    return (sum(late.taken) - sum(early.taken)) / max(late.at - early.at, 1e-9)


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
