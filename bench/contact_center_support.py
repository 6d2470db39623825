"""What the benchmarks of the contact centre share: a server, a company, and a load generator."""

import asyncio
import base64
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import asyncpg

import otklik_contact_center
from otklik.embedded import EmbeddedPostgres
from otklik_common.callers import ALL_SCOPES
from otklik_common.events.access import Company, Key, KeyPurpose
from otklik_common.events.envelope import Fact
from otklik_common.ids import subject_id
from otklik_common.keys import new_key
from otklik_common.migrate import Tree, migrate
from otklik_common.settings import Settings
from tests.support.postgres import reachable_folder

MASTER = base64.b64encode(b"b" * 32).decode()
TENANT = "benchaaa"
MIGRATIONS = Path(otklik_contact_center.__file__).parent / "migrations"

SETTINGS = {"shared_buffers": "1GB", "max_wal_size": "8GB", "checkpoint_timeout": "30min"}
"""So that no checkpoint falls into one variant and not into the other; commits stay durable."""


@contextmanager
def running_server() -> Iterator[str]:
    """An embedded PostgreSQL with fsync on; gives its superuser's address."""
    with reachable_folder() as folder:
        server = EmbeddedPostgres.start(
            folder / "data", fsync=True, settings=SETTINGS, system=folder / "system"
        )
        try:
            yield server.admin_url
        finally:
            server.stop()


async def prepare(url: str) -> tuple[Settings, str]:
    """A migrated database with one company; gives the settings and a key's text."""
    settings = Settings(
        database_url=url, admin_database_url=url, master_key=MASTER, environment="test"
    )
    await migrate(settings, [Tree("contact_center", MIGRATIONS)])
    text, key_id, digest = new_key(TENANT)
    now = datetime.now(UTC)
    facts: list[tuple[str, str, Fact]] = [
        ("company", TENANT, Company(timezone="Europe/Moscow", created_at=now)),
        (
            "key",
            key_id,
            Key(
                key_id=key_id,
                purpose=KeyPurpose.API,
                digest=digest,
                scopes=tuple(sorted(ALL_SCOPES)),
                created_at=now,
            ),
        ),
    ]
    async with connected(url) as admin:
        for kind, code, fact in facts:
            await admin.execute(
                "INSERT INTO contact_center.directory"
                " (tenant, kind, subject, code, revision, epoch, void, data)"
                " VALUES ($1, $2, $3, $4, 1, 1, false, $5)",
                TENANT,
                kind,
                subject_id(TENANT, kind, code),
                code,
                fact.model_dump_json(),
            )
    return settings, text


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A superuser's connection."""
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(arguments: Sequence[str], url: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A process that answers on `port`."""
    environment = {
        **os.environ,
        "OTKLIK_DATABASE_URL": url,
        "OTKLIK_MASTER_KEY": MASTER,
        "OTKLIK_ENVIRONMENT": "test",
        "OTKLIK_LOG_LEVEL": "WARNING",
    }
    with subprocess.Popen([sys.executable, *arguments], env=environment) as process:
        try:
            _wait_for(port)
            yield process
        finally:
            process.terminate()
            process.wait(20)


def _wait_for(port: int) -> None:
    for _ in range(300):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"nobody answers on port {port}")


@dataclass
class Load:
    """
    What a round of requests showed.

    Attributes:
        seconds: How long it took; `latencies` of each request, in seconds.
    """

    answered: int = 0
    failed: int = 0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Requests answered a second."""
        return self.answered / self.seconds

    def percentile(self, share: float) -> float:
        """Milliseconds, nearest rank."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class _Client(asyncio.Protocol):
    """One connection that sends the next request when the last is answered."""

    def __init__(self, make: Callable[[], bytes], load: Load, until: float) -> None:
        self._make = make
        self._load = load
        self._until = until
        self._sent_at = 0.0
        self._buffer = b""
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        # uvloop's transports are Transports in all but name.
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        if self._sent_at >= self._until:
            self._transport.close()
            return
        self._transport.write(self._make())

    def data_received(self, data: bytes) -> None:
        """An answer is whole when its declared length has come."""
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        lower = head.lower()
        at = lower.index(b"content-length:") + 15
        length = int(lower[at:].split(b"\r\n", 1)[0])
        if len(body) < length:
            return
        self._buffer = b""
        if b" 202 " in head[:20]:
            self._load.answered += 1
        else:
            self._load.failed += 1
        self._load.latencies.append(time.perf_counter() - self._sent_at)
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end."""
        if not self.done.done():
            self.done.set_result(exc)


async def put_under_load(
    port: int, make: Callable[[], bytes], *, connections: int, seconds: float
) -> Load:
    """Requests on so many connections, each waiting for its answer (a closed loop)."""
    load = Load()
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    clients = [
        (
            await loop.create_connection(
                lambda: _Client(make, load, began + seconds), "127.0.0.1", port
            )
        )[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*(client.done for client in clients))
    load.seconds = time.perf_counter() - began
    return load


def request(path: str, key: str, body: bytes, *, method: str = "POST") -> bytes:
    """An HTTP request as bytes."""
    return (
        f"{method} {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


class Events:
    """Makes events of calls, five of each, no two alike."""

    def __init__(self, mark: str, *, people: int = 1_000_000) -> None:
        self._mark = mark
        self._people = people
        self._number = 0
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._tails = [
            f',"at":"{now}","channel":"call","direction":"in","party":"buyer",'
            f'"queue":"sales-{n % 7}","branch":"branch-{n % 50}",'
            f'"to":"+73452000001","attributes":{{"ivr":"main","campaign":"autumn-{n % 20}"}}}}'
            for n in range(100)
        ]
        self._types = ("queued", "ringing", "answered", "ended", "wrapped")

    def next(self) -> bytes:
        """An event, some 330 bytes of JSON."""
        self._number = number = self._number + 1
        contact, step = divmod(number, 5)
        phone = contact * 7919 % self._people
        return (
            f'{{"id":"{self._mark}-{contact}-{step}","contact":"{self._mark}-{contact}",'
            f'"type":"{self._types[step]}","from":"+7900{phone:07}","agent":"agent-{contact % 400}"'
            f"{self._tails[number % 100]}"
        ).encode()

    def batch(self, size: int) -> bytes:
        """An array of events."""
        return b"[" + b",".join(self.next() for _ in range(size)) + b"]"


def median(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)


class Connections:
    """
    Connections that are kept open, each of which waits for its answer.

    Bare, since a client library takes more of a core than the server that is measured.
    """

    def __init__(self, port: int, key: str, most: int) -> None:
        self._port = port
        self._key = key
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._places = asyncio.Semaphore(most)

    async def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Status and body of the answer; one without a length has none."""
        async with self._places:
            opened = self._free.pop() if self._free else await self._open()
            reader, writer = opened
            writer.write(request(path, self._key, body, method=method))
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            _, said, length = head.partition(b"content-length:")
            answer = await reader.readexactly(int(length.split(b"\r\n", 1)[0])) if said else b""
            self._free.append(opened)
        return int(head.split(b" ", 2)[1]), answer

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self._port)

    def close(self) -> None:
        """End them all."""
        for _, writer in self._free:
            writer.close()
