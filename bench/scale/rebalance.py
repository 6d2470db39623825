"""
A topic of twelve partitions shared out anew under load: for how long is a partition not read?

    python -m bench.scale rebalance [--rate 1000] [--quick] [--json FILE]

Two processes of `otklik work metrics` read real facts of contacts that come to Kafka at a fixed
rate. A third joins; one is restarted under its name; one is stopped by SIGTERM for good; one is
killed. A partition is not read while records wait and the group's position does not move. In the
end every contact must be counted, and counted once.
"""

import argparse
import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import uvloop

from bench.metrics_write import TENANT, TOPIC, encoded
from bench.peers.contact_topic import publisher_of
from bench.scale.counted import GROUPS, counted_once
from bench.scale.places import Place, over_kafka, worker
from bench.scale.telling import tell
from otklik_common.log.port import Log, Publisher
from tests.support.deployment import Process

SENDS = 5
"""A second."""

LOOK_SECONDS = 0.1
DRAIN_SECONDS = 300
STEPS = {
    "steady": 10,
    "one joins": 15,
    "one restarts": 15,
    "one is stopped": 20,
    "one is killed": 20,
}
"""What happens, and for how many seconds it is looked at before the next."""

At = tuple[str, int]
"""A group and a partition."""


@dataclass
class Stalls:
    """For how long each group did not read each partition though records waited, at most."""

    most: dict[At, float] = field(default_factory=dict)
    _moved: dict[At, float] = field(default_factory=dict)
    _at: dict[At, int] = field(default_factory=dict)

    def look(self, now: float, at: Mapping[At, int], ends: Mapping[int, int]) -> None:
        """Take note of the positions and ends of one moment."""
        for place, following in at.items():
            if following >= ends[place[1]] or following > self._at.get(place, -1):
                self._moved[place] = now
            self._at[place] = following
            stalled = now - self._moved.setdefault(place, now)
            self.most[place] = max(self.most.get(place, 0.0), stalled)

    def begin(self) -> None:
        """Forget what was, but not who stands still now."""
        self.most.clear()

    def of(self, group: str) -> list[float]:
        """By partition, the shortest first."""
        return sorted(most for (name, _), most in self.most.items() if name == group)


class Watch:
    """Looks at positions and ends until told to stop."""

    def __init__(self, looking: asyncpg.Connection, log: Log) -> None:
        self._looking = looking
        self._log = log
        self.stalls = Stalls()
        self.behind = -1

    async def run(self, stop: asyncio.Event) -> None:
        """Look ten times a second."""
        while not stop.is_set():
            rows = await self._looking.fetch(
                "SELECT consumer, partition, next FROM metrics.positions"
                " WHERE topic = $1 AND consumer = ANY ($2)",
                TOPIC,
                GROUPS,
            )
            at = {(name, partition): following for name, partition, following in rows}
            ends = {one: end for (_, one), end in (await self._log.ends([TOPIC])).items()}
            self.stalls.look(time.perf_counter(), at, ends)
            self.behind = len(GROUPS) * sum(ends.values()) - sum(at.values())
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await stop.wait()


async def send(
    publisher: Publisher, keys: Sequence[str], values: Sequence[bytes], rate: int
) -> None:
    """All records at a fixed rate."""
    begins, size = time.perf_counter(), rate // SENDS
    for number, first in enumerate(range(0, len(keys), size)):
        await asyncio.sleep(max(0.0, begins + number / SENDS - time.perf_counter()))
        some = slice(first, first + size)
        await publisher.send(keys[some], values[some])


def happenings(place: Place) -> Iterator[None]:
    """One step after the other, each begun when it is asked for."""
    names = ("work 0", "work 1")
    for number, name in enumerate(names):
        place.processes[name] = worker(place.told, number, "metrics")
        place.processes[name].start()
    yield
    place.processes["work 2"] = worker(place.told, 2, "metrics")
    place.processes["work 2"].start()
    yield
    _stop(place.processes["work 0"])
    place.processes["work 0"].start()
    yield
    _stop(place.processes["work 1"])
    yield
    running = place.processes["work 2"].running
    assert running is not None
    running.kill()
    yield


def _stop(process: Process) -> None:
    assert process.terminate() == 0, process.last_words()


async def measure(place: Place, *, rate: int, pace: float) -> dict[str, Any]:
    """Every step, and what was counted in the end."""
    seconds = {name: each * pace for name, each in STEPS.items()}
    records = int(rate * sum(seconds.values()))
    keys, values = encoded(int(records / 3.7))
    log, looking = place.log(), await place.look()
    publisher = await publisher_of(log, TOPIC)
    watch, stop = Watch(looking, log), asyncio.Event()
    told: dict[str, Any] = {"rate": rate, "records": len(keys)}
    steps = happenings(place)
    next(steps)
    await publisher.send(keys[:rate], values[:rate])
    watching = asyncio.create_task(watch.run(stop))
    await _until_read(watch)
    sending = asyncio.create_task(send(publisher, keys[rate:], values[rate:], rate))
    for name, each in seconds.items():
        watch.stalls.begin()
        if name != "steady":
            await asyncio.to_thread(next, steps)
        await asyncio.sleep(each)
        told[name] = {group: _spread(watch.stalls.of(group)) for group in GROUPS}
        print(f"{name:16} behind {watch.behind:7,}  {told[name]}", flush=True)
    await sending
    await _until_read(watch)
    stop.set()
    await watching
    await log.close()
    await looking.close()
    told |= await counted_once(place, TENANT, contacts=len(set(keys)), records=len(keys))
    return told


def _spread(seconds: Sequence[float]) -> dict[str, float]:
    """Seconds without reading: of the partition in the middle, and of the worst."""
    return {
        "median": round(seconds[len(seconds) // 2], 2),
        "longest": round(seconds[-1], 2),
        "partitions_over_1_s": sum(1 for one in seconds if one > 1),
    }


async def _until_read(watch: Watch) -> None:
    """Until nothing waits; both groups have begun then."""
    for _ in range(int(DRAIN_SECONDS / LOOK_SECONDS)):
        await asyncio.sleep(LOOK_SECONDS)
        if watch.behind == 0 and len(watch.stalls.most) >= len(GROUPS):
            return
    raise AssertionError(f"{watch.behind} records still wait after {DRAIN_SECONDS} s")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=1_000, help="records a second")
    parser.add_argument("--quick", action="store_true", help="half the time for each step")
    parser.add_argument("--json", help="write the figures to this file as well")
    given = parser.parse_args()
    with over_kafka(apis=0, workers=0) as place:
        pace = 0.5 if given.quick else 1.0
        tell(uvloop.run(measure(place, rate=given.rate, pace=pace)), given.json)


if __name__ == "__main__":
    main()
