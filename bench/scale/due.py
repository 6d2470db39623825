"""
Clocks that fall due by the thousand in one minute, with replicas of which one is killed.

    python -m bench.scale due [--clocks 20000] [--workers 2] [--json FILE]

Calls that nobody takes are pushed so that the promise about each breaks at a moment of its own
within one minute. Two processes of `otklik work all` share them over Kafka; in the middle of that
minute one of them is killed by SIGKILL and does not come back. Whoever reads the log must hear of
every breach, and of none under two revisions. How late each was recorded, and how late it was read
from the log, is told: a killed process may have had the relay.
"""

import argparse
import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import uvloop

from bench.scale.places import Place, over_kafka
from bench.scale.telling import tell
from bench.scale.wire import PUSH, Wire
from otklik_common.events.registry import decode
from otklik_common.log.port import Reader
from otklik_common.module import topic_of

TARGET_SECONDS = 600
MINUTE = 60
AHEAD_SECONDS = 45
"""Between the push and the first breach: until then all is folded."""

BATCH = 500
MOST_WAIT_SECONDS = 120
POLICY = {
    "priority": 1,
    "targets": [{"target": "first_response", "seconds": TARGET_SECONDS, "business": False}],
    "valid_from": "2020-01-01T00:00:00Z",
}


@dataclass
class Heard:
    """
    What the log tells of clocks.

    Attributes:
        pending: Clocks that were told of before they broke.
        revisions: Of each clock, the revisions by which it breaks.
        recorded, read: How late each breach was recorded, and read, in seconds.
        again: Records that came once more, as after the end of a relay.
    """

    pending: set[str] = field(default_factory=set)
    revisions: dict[str, set[int]] = field(default_factory=dict)
    recorded: list[float] = field(default_factory=list)
    read: list[float] = field(default_factory=list)
    again: int = 0

    def take(self, value: bytes) -> None:
        """Hear of one fact."""
        if b'"otklik.sla_clock.' not in value[:300]:
            return
        now, event = datetime.now(UTC), decode(value)
        clock: Any = event.data
        if clock.state.value == "pending":
            self.pending.add(str(event.subject))
        if clock.state.value != "breaching":
            return
        known = self.revisions.setdefault(str(event.subject), set())
        if event.revision in known:
            self.again += 1
            return
        known.add(event.revision)
        self.recorded.append((event.recorded_at - clock.breached_at).total_seconds())
        self.read.append((now - clock.breached_at).total_seconds())


async def listen(reader: Reader, heard: Heard, stop: asyncio.Event) -> None:
    """Read the log as it grows."""
    while not stop.is_set():
        for part in await reader.fetch(5_000, 0.2):
            for record in part.records:
                heard.take(record.value)


async def promise(place: Place) -> None:
    """Make the policy."""
    wire = await Wire.open(place.ports[0], place.keys[0])
    policy = "/access/v1/sla-policies/usual", json.dumps(POLICY).encode()
    status, said = await wire.put(*policy)
    for _ in range(100):
        if status != 401:
            break
        await asyncio.sleep(0.1)  # access does not know the key yet
        status, said = await wire.put(*policy)
    assert status == 200, said
    wire.close()
    looking = await place.look()
    for _ in range(300):
        if await looking.fetchval("SELECT EXISTS (SELECT FROM contact_center.promises)"):
            break
        await asyncio.sleep(0.1)
    await looking.close()


async def push(place: Place, clocks: int, first: datetime) -> None:
    """Calls whose promises break evenly over the minute that begins at `first`."""
    wire = await Wire.open(place.ports[0], place.keys[0])
    begins = first - timedelta(seconds=TARGET_SECONDS)
    for start in range(0, clocks, BATCH):
        events = [
            {
                "id": f"q{number}",
                "contact": f"c{number}",
                "type": "queued",
                "channel": "call",
                "direction": "in",
                "at": (begins + timedelta(seconds=MINUTE * number / clocks)).isoformat(),
            }
            for number in range(start, min(start + BATCH, clocks))
        ]
        status, said = await wire.post(PUSH, json.dumps(events).encode())
        assert status == 202, said
        assert json.loads(said)["accepted"] == len(events), said
    wire.close()


async def measure(place: Place, clocks: int) -> dict[str, Any]:
    """Promise, push, kill, count."""
    await promise(place)
    log, heard, stop = place.log(), Heard(), asyncio.Event()
    reader = await log.reader("bench.due", [topic_of("contact-center")], _from_the_start)
    listening = asyncio.create_task(listen(reader, heard, stop))
    first = datetime.now(UTC) + timedelta(seconds=AHEAD_SECONDS)
    await push(place, clocks, first)
    while len(heard.pending) < clocks:
        assert datetime.now(UTC) < first, f"{len(heard.pending)} clocks when the first breaks"
        await asyncio.sleep(0.1)
    ahead = (first - datetime.now(UTC)).total_seconds()
    print(f"{clocks:,} clocks run, {ahead:.0f} s before the first breaks", flush=True)
    await asyncio.sleep(ahead + MINUTE / 2)
    victim = place.processes["work 0"].running
    assert victim is not None
    victim.kill()
    at_kill = sum(map(len, heard.revisions.values()))
    print(f"{at_kill:,} breaches told, one process is killed", flush=True)
    for _ in range(MOST_WAIT_SECONDS):
        await asyncio.sleep(1)
        if len(heard.revisions) == clocks:
            break
    await asyncio.sleep(3)
    stop.set()
    await listening
    await reader.close()
    await log.close()
    times = Counter(len(one) for one in heard.revisions.values())
    if dict(times) != {1: clocks}:
        raise AssertionError(
            f"breaches by how often they were told: {dict(times)}; {await _left(place)}"
        )
    return {
        "clocks": clocks,
        "told_before_the_kill": at_kill,
        "told_once": times[1],
        "records_that_came_again": heard.again,
        "recorded_late_s": _spread(heard.recorded),
        "read_late_s": _spread(heard.read),
    }


async def _left(place: Place) -> str:
    """What still waits in the database, and what the workers say."""
    looking = await place.look()
    waits = await looking.fetchrow(
        "SELECT (SELECT count(*) FROM contact_center.outbox) AS outbox,"
        " (SELECT count(*) FROM contact_center.sla_clock WHERE next_at < now()) AS due"
    )
    await looking.close()
    said = {name: one.last_words() for name, one in place.processes.items() if "work" in name}
    return f"{dict(waits or {})}, {said}"


async def _from_the_start(_: Any) -> dict[Any, int]:
    return {}


def _spread(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    at = {"p50": 0.5, "p99": 0.99}
    told = {name: round(ordered[int(share * (len(ordered) - 1))], 3) for name, share in at.items()}
    return told | {"latest": round(ordered[-1], 3)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clocks", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", help="write the figures to this file as well")
    given = parser.parse_args()
    with over_kafka(apis=1, workers=given.workers) as place:
        tell(uvloop.run(measure(place, given.clocks)), given.json)


if __name__ == "__main__":
    main()
