"""
Single pushes beside other servers: what one request of one event costs, from socket to disk.

    python -m bench.peers.push [--rounds 3] [--seconds 4] [--pin] [--work DIR]

Ours is the real `POST /contact-center/v1/events` of one API process. Beside it stand an ASGI
application that does nothing, on the same uvicorn, and Go and node servers that write the event
and an outbox row in one statement. One server at a time works, under wrk with 64 connections on
the same machine; pinned, it has a core of its own, and wrk and PostgreSQL have the others. Rounds
are interleaved; processor time is that of the server and of PostgreSQL, per answered event.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.contact_center_support import MASTER, connected, free_port, median, prepare
from bench.peers.places import Peers, add_work
from bench.peers.processes import cores, cpu_seconds, on_cores, postgres, serving
from bench.turns import alone

PATH = "/contact-center/v1/events"
CONNECTIONS = 64
SCRIPT = Path(__file__).with_name("push.lua")
OURS, BARE, GO, NODE = "ours", "bare ASGI", "Go + pgx", "node + fastify + pg"

TABLES = """
    CREATE SCHEMA peer;
    CREATE TABLE peer.event (
        source text, id text, contact text NOT NULL, kind text NOT NULL, at timestamptz NOT NULL,
        received_at timestamptz NOT NULL DEFAULT now(), body bytea NOT NULL,
        PRIMARY KEY (source, id));
    CREATE TABLE peer.outbox (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(), payload bytea NOT NULL)"""


@dataclass(frozen=True)
class Server:
    """
    A server under test.

    Attributes:
        rows: The tables that hold one row for each event it has answered; none if it keeps nothing.
    """

    name: str
    port: int
    pid: int
    rows: tuple[str, ...]


@dataclass(frozen=True)
class Round:
    """What one server did in one round; spans in milliseconds, processor time in µs an event."""

    requests_per_second: float
    p50: float
    p99: float
    server_cpu: float
    postgresql_cpu: float


async def measure(peers: Peers, rounds: int, seconds: float, *, pin: bool) -> dict[str, Any]:
    """Every server, round by round."""
    first, others = cores(pin=pin)
    with ExitStack() as stack:
        stack.enter_context(on_cores(others))
        database = stack.enter_context(postgres())
        _, key = await prepare(database.admin_url)
        async with connected(database.admin_url) as admin:
            await admin.execute(TABLES)
        servers = stack.enter_context(_servers(peers, database.admin_url, first))
        found: dict[str, list[Round]] = {server.name: [] for server in servers}
        with alone():
            for number in range(rounds + 1):  # the first round warms up
                for server in servers:
                    done = await _round(database, server, key, number, seconds)
                    if number:
                        found[server.name].append(done)
    return _told(found)


@contextmanager
def _servers(peers: Peers, url: str, mine: Sequence[int]) -> Iterator[list[Server]]:
    """All of them, on these cores; they wait idle while another works."""
    ours = {
        "OTKLIK_DATABASE_URL": url,
        "OTKLIK_MASTER_KEY": MASTER,
        "OTKLIK_ENVIRONMENT": "test",
        "OTKLIK_LOG_LEVEL": "WARNING",
    }
    peer = ("peer.event", "peer.outbox")
    python = sys.executable
    plans: list[tuple[str, Sequence[str], dict[str, str], tuple[str, ...]]] = [
        (
            OURS,
            [python, "-m", "otklik_contact_center", "serve", "--port"],
            ours,
            ("contact_center.inbox",),
        ),
        (BARE, [python, "-m", "bench.peers.push_bare"], {}, ()),
        (GO, [str(peers.go)], {"DSN": url, "GOMAXPROCS": str(len(mine))}, peer),
        (NODE, ["node", str(peers.node / "app.js")], {"DSN": url, "NODE_ENV": "production"}, peer),
    ]
    with ExitStack() as stack:
        servers = []
        for name, command, more, rows in plans:
            port = free_port()
            by_argument = [str(port)] if command[0] == python else []
            with on_cores(mine):
                running = stack.enter_context(
                    serving([*command, *by_argument], port, {**more, "PORT": str(port)})
                )
            servers.append(Server(name, port, running.pid, rows))
        yield servers


async def _round(database: Any, server: Server, key: str, number: int, seconds: float) -> Round:
    """One server under load, its tables emptied before and counted after."""
    tables = "contact_center.inbox, contact_center.dirty, peer.event, peer.outbox"
    async with connected(database.admin_url) as admin:
        await admin.execute(f"TRUNCATE {tables}")
        await admin.execute("CHECKPOINT")
        before = cpu_seconds(server.pid), cpu_seconds(database.pid)
        told = await asyncio.to_thread(_load, server, key, f"r{number}", seconds)
        after = cpu_seconds(server.pid), cpu_seconds(database.pid)
        kept = [await admin.fetchval(f"SELECT count(*) FROM {table}") for table in server.rows]
    # What was cut off by the end of the round may be kept and not answered.
    assert told["failed"] == 0, (server.name, told)
    assert all(told["requests"] <= n <= told["requests"] + CONNECTIONS for n in kept), (told, kept)
    worked = [
        1e6 * (late - early) / told["requests"] for early, late in zip(before, after, strict=True)
    ]
    done = Round(told["requests"] / told["seconds"], told["p50"], told["p99"], *worked)
    print(
        f"round {number} {server.name:20} {done.requests_per_second:9,.0f} req/s"
        f"  p50 {done.p50:6.2f} ms  p99 {done.p99:7.2f} ms"
        f"  server {done.server_cpu:6.1f} us  PostgreSQL {done.postgresql_cpu:6.1f} us an event",
        flush=True,
    )
    return done


def _load(server: Server, key: str, mark: str, seconds: float) -> dict[str, Any]:
    """wrk against a server; what its script told at the end."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "-s", str(SCRIPT)]
    command += [f"http://127.0.0.1:{server.port}{PATH}", "--", key, mark]
    # A locale of its own would write decimal commas into the result.
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, "LC_ALL": "C"}
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    told: dict[str, Any] = json.loads(line.removeprefix("RESULT "))
    return told


def _told(found: dict[str, list[Round]]) -> dict[str, Any]:
    def middle(name: str, what: str) -> float:
        return median([getattr(done, what) for done in found[name]])

    def total(name: str) -> float:
        return median([done.server_cpu + done.postgresql_cpu for done in found[name]])

    told: dict[str, Any] = {
        "ours : bare ASGI, req/s": round(
            middle(OURS, "requests_per_second") / middle(BARE, "requests_per_second"), 2
        ),
        "ours p99 : bare ASGI p99": round(middle(OURS, "p99") / middle(BARE, "p99"), 2),
        f"{GO} : ours, CPU an event": round(total(GO) / total(OURS), 2),
        f"{NODE} : ours, CPU an event": round(total(NODE) / total(OURS), 2),
    }
    for name in found:
        told[name] = {
            "req/s": round(middle(name, "requests_per_second")),
            "p50, ms": round(middle(name, "p50"), 2),
            "p99, ms": round(middle(name, "p99"), 2),
            "server CPU, us an event": round(middle(name, "server_cpu"), 1),
            "PostgreSQL CPU, us an event": round(middle(name, "postgresql_cpu"), 1),
            "CPU together, us an event": round(total(name), 1),
        }
    return told


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--pin", action="store_true", help="the server on a core of its own")
    add_work(parser)
    given = parser.parse_args()
    measured = asyncio.run(measure(Peers(given.work), given.rounds, given.seconds, pin=given.pin))
    print(json.dumps(measured, indent=2))


if __name__ == "__main__":
    main()
