"""
Tracked numbers: how long visitors wait for their number at a steady rate.

    python -m bench.number_leases [--rate 200] [--seconds 20] [--rounds 3]

Requests come at a fixed rate, whatever the answers (an open model): six of ten by new visitors, one
of ten by somebody who comes back, three are heartbeats. A pool of 500 numbers is leased for a
minute, so that after the first minute's worth of visitors many find none left. The baseline, in
rounds between, is one read of the site's row behind the same server, at the same rate.
"""

import argparse
import asyncio
import json
import random
import time
from contextlib import ExitStack
from typing import Any

import uvloop

from bench.contact_center_support import (
    Connections,
    free_port,
    median,
    prepare,
    running,
    running_server,
)

TRACKER = "/contact-center/v1/number-trackers/site"
LEASES = "/contact-center/v1/number-leases"
NUMBERS = 500
BODY = {
    "rules": [{"code": "all", "pool": "all"}],
    "pools": {"all": [f"+7495{number:07d}" for number in range(NUMBERS)]},
    "fallback": "+74959999999",
    "ttl_seconds": 60,
    "heartbeat_seconds": 10,
    "grace_seconds": 0,
}


class Visitors:
    """What the next of many visitors asks for."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self._round = seed
        self._known: list[tuple[str, str]] = []
        self._count = 0

    async def next(self, client: Connections) -> int:
        """One request; its status."""
        chance = self._dice.random()
        if self._known and chance < 0.3:
            visitor, lease = self._dice.choice(self._known)
            body = {"tracker": "site", "visitor": visitor}
            status, answer = await client.ask(
                "POST", f"{LEASES}/{lease}:heartbeat", json.dumps(body).encode()
            )
            assert status == 204, answer
            return status
        if self._known and chance < 0.4:
            visitor = self._dice.choice(self._known)[0]
        else:
            self._count += 1
            visitor = f"visitor-{self._round}-{self._count}"
        body = {
            "tracker": "site",
            "visitor": visitor,
            "url": "https://agency.example/flats?yclid=1",
        }
        status, answer = await client.ask("POST", LEASES, json.dumps(body).encode())
        assert status == 200, answer
        told = json.loads(answer)
        if not told["shared"]:
            self._known = [*self._known[-400:], (visitor, told["lease"])]
        return status


async def steadily(client: Connections, ask: Any, rate: int, seconds: float) -> list[float]:
    """Latencies in milliseconds of requests at a fixed rate, from when each was due."""
    took: list[float] = []

    async def one(due: float) -> None:
        status = await ask(client)
        assert status in {200, 204}, status
        took.append(1000 * (time.perf_counter() - due))

    began, asked = time.perf_counter(), []
    for number in range(int(rate * seconds)):
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        asked.append(asyncio.create_task(one(due)))
    await asyncio.gather(*asked)
    return sorted(took)


async def measure(rate: int, seconds: float, rounds: int) -> dict[str, Any]:
    """Both, interleaved; the first round warms up."""
    with ExitStack() as stack:
        url = stack.enter_context(running_server())
        _, key = await prepare(url)
        port = free_port()
        stack.enter_context(
            running(["-m", "otklik_contact_center", "serve", "--port", str(port)], url, port)
        )
        client = Connections(port, key, most=64)
        stack.callback(client.close)
        status, answer = await client.ask("PUT", TRACKER, json.dumps(BODY).encode())
        assert status == 200, answer
        found: dict[str, list[list[float]]] = {"leases": [], "read": []}
        for number in range(rounds + 1):
            visitors = Visitors(number)
            leases = await steadily(client, visitors.next, rate, seconds)
            read = await steadily(client, _read, rate, seconds)
            print(f"round {number}: leases p99 {_cut(leases, 0.99):.1f} ms", flush=True)
            if number:
                found["leases"].append(leases)
                found["read"].append(read)
    return {
        "requests_per_second": rate,
        "lease_p50_ms": _told(found["leases"], 0.5),
        "lease_p99_ms": _told(found["leases"], 0.99),
        "read_p50_ms": _told(found["read"], 0.5),
        "read_p99_ms": _told(found["read"], 0.99),
    }


async def _read(client: Connections) -> int:
    return (await client.ask("GET", "/contact-center/v1/number-trackers?limit=1"))[0]


def _cut(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _told(rounds: list[list[float]], share: float) -> float:
    return round(median([_cut(one, share) for one in rounds]), 1)


def main() -> None:
    """Measure and say it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    figures = uvloop.run(measure(arguments.rate, arguments.seconds, arguments.rounds))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
