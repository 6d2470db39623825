"""Pushing and asking over bare connections: a full client would be what is measured."""

import asyncio
import json
import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from bench.contact_center_support import Events
from bench.end_to_end import first_event

PUSH = "/contact-center/v1/events"
QUERY = "/metrics/v1/query"


class Wire:
    """One kept connection; `key` says whose each request is."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: str
    ) -> None:
        self._reader = reader
        self._writer = writer
        self.key = key
        self.retry_after: float | None = None

    @classmethod
    async def open(cls, port: int, key: str) -> Self:
        """Connect."""
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=2**24), key)

    async def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Status and body of the answer; `retry_after` is what it said of it."""
        return await self._ask("POST", path, body)

    async def put(self, path: str, body: bytes) -> tuple[int, bytes]:
        """The same."""
        return await self._ask("PUT", path, body)

    async def get(self, path: str) -> tuple[int, bytes]:
        """The same without a body."""
        return await self._ask("GET", path, b"")

    async def _ask(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        self._writer.write(
            f"{method} {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {self.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = re.search(rb"content-length: (\d+)", head)
        answer = await self._reader.readexactly(int(length[1])) if length else b""
        again = re.search(rb"retry-after: (\d+)", head)
        self.retry_after = float(again[1]) if again else None
        return int(head[9:12]), answer

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


@dataclass
class Offered:
    """What a sender in the open model has offered, and what became of it; in events."""

    offered: int = 0
    accepted: int = 0
    refused: int = 0
    held_back: int = 0
    retry_after: float = 0.0
    accepted_at: list[tuple[float, int]] = field(default_factory=list)


async def offer(
    ports: list[int],
    key: str,
    *,
    mark: str,
    rate: int,
    seconds: float,
    size: int = 500,
    connections: int = 16,
) -> Offered:
    """
    Batches at a fixed rate, whatever the answers.

    A batch that finds every connection busy is not sent and counts as held back; what is refused
    is not sent again.
    """
    told, events = Offered(), Events(mark)
    for _ in range(4):
        events.next()  # so that the five events of a contact come in one batch
    free: asyncio.Queue[Wire] = asyncio.Queue()
    for number in range(connections):
        free.put_nowait(await Wire.open(ports[number % len(ports)], key))

    async def push(wire: Wire, body: bytes) -> None:
        status, _ = await wire.post(PUSH, body)
        if status == 202:
            told.accepted += size
            told.accepted_at.append((time.perf_counter(), size))
        else:
            assert status in (429, 503), status
            told.refused += size
            told.retry_after = max(told.retry_after, wire.retry_after or 0)
        free.put_nowait(wire)

    begins = time.perf_counter()
    pushes: set[asyncio.Task[None]] = set()
    number = 0
    while (due := begins + number * size / rate) < begins + seconds:
        number += 1
        pause = due - time.perf_counter()
        if pause > 0:
            await asyncio.sleep(pause)
        told.offered += size
        if free.empty():
            told.held_back += size
            continue
        task = asyncio.create_task(push(free.get_nowait(), events.batch(size)))
        pushes.add(task)
        task.add_done_callback(pushes.discard)
    await asyncio.gather(*pushes)
    while not free.empty():
        free.get_nowait().close()
    return told


def single(name: str, number: int) -> bytes:
    """One event, the first of a contact of its own, as it is sent."""
    return json.dumps(first_event(name, number)).encode()


def question(**more: Any) -> bytes:
    """How many contacts were offered from yesterday to tomorrow."""
    now = datetime.now(UTC)
    body: dict[str, Any] = {
        "metrics": [{"name": "contacts_offered"}],
        "time": {
            "from": (now - timedelta(days=1)).isoformat(),
            "to": (now + timedelta(days=1)).isoformat(),
            "granularity": "total",
            "timezone": "Europe/Moscow",
        },
    }
    return json.dumps(body | more).encode()


async def count(wire: Wire) -> int:
    """How many contacts the company's numbers show."""
    status, body = await wire.post(QUERY, question())
    assert status == 200, (status, body)
    return int(json.loads(body)["rows"][0]["contacts_offered"]["value"])


@dataclass
class Seen:
    """
    What a company that pushes single events sees.

    Attributes:
        waits: Seconds from each push to the first answer that counts it.
        answers: Seconds until each push was acknowledged.
        refused: Pushes that were not taken.
        queries: Seconds that each question took.
    """

    waits: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    queries: list[float] = field(default_factory=list)
    refused: int = 0


async def watch_visibility(
    port: int,
    key: str,
    *,
    mark: str,
    rate: float,
    seconds: float,
    look_seconds: float = 0.05,
    patience: float = 120,
) -> Seen:
    """
    Push single events at a fixed rate and look until each is counted.

    The k-th event is visible when the count has reached k; between two looks lie `look_seconds`,
    and so much is added to what is seen, at most.
    """
    told = Seen()
    pushing = [await Wire.open(port, key) for _ in range(8)]
    looking = await Wire.open(port, key)
    before = await count(looking)
    sent: list[float] = []
    found: list[float] = []
    done = False

    async def push(number: int) -> None:
        wire = pushing.pop()
        began = time.perf_counter()
        status, _ = await wire.post(PUSH, single(mark, number))
        if status == 202:
            sent.append(began)
            told.answers.append(time.perf_counter() - began)
        else:
            told.refused += 1
        pushing.append(wire)

    async def look() -> None:
        while not (done and len(found) >= len(sent)):
            began = time.perf_counter()
            reached = await count(looking) - before
            now = time.perf_counter()
            told.queries.append(now - began)
            found.extend([now] * (reached - len(found)))
            await asyncio.sleep(look_seconds)

    looks = asyncio.create_task(look())
    begins = time.perf_counter()
    tasks = []
    for number in range(int(rate * seconds)):
        pause = begins + number / rate - time.perf_counter()
        if pause > 0:
            await asyncio.sleep(pause)
        if pushing:
            tasks.append(asyncio.create_task(push(number)))
            await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    done = True
    await asyncio.wait_for(looks, patience)
    told.waits = [after - began for began, after in zip(sorted(sent), sorted(found), strict=False)]
    for wire in (*pushing, looking):
        wire.close()
    return told


def percentile(values: list[float], share: float) -> float:
    """Nearest rank; 0 of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
