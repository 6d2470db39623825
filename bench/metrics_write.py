"""
Counting: events a second from the log into facts and rollups, and into the history.

    python -m bench.metrics_write [--contacts 50000] [--rounds 3] [--pin]

Contacts of a company with 50 branches and 400 agents, 27,000 a day (10 million a year), four
revisions each and hundreds open at any moment, read from the log table by the real consumer. The
baseline hands the same events to the same code one at a time, each in a transaction of its own.
Printed beside the rate: the collapse ratio, events to facts written, since only the last revision
of a subject in a batch is written.
"""

import argparse
import asyncio
import base64
import json
import os
import random
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import uvloop

import otklik_metrics
from otklik.embedded import EmbeddedPostgres
from otklik_common.consumer import Consumer
from otklik_common.db import Database, raw
from otklik_common.events.contact_center import Channel, Contact, Direction, Outcome
from otklik_common.events.envelope import Event
from otklik_common.events.registry import encode
from otklik_common.ids import subject_id
from otklik_common.log.port import Record
from otklik_common.log.table import TableLog
from otklik_common.migrate import Tree, migrate
from otklik_common.module import topic_of
from otklik_common.reading import read
from otklik_common.runtime import MANY_OBJECTS, settle_memory
from otklik_common.settings import Settings
from otklik_metrics.actions import counting
from otklik_metrics.actions.checking import check
from otklik_metrics.consumers import FACTS_BATCH, FACTS_GROUP, KeepFacts, KeepHistory
from otklik_metrics.store.history import GROUP, TOPICS
from otklik_metrics.store.tables import metadata
from tests.support.postgres import reachable_folder

TENANT = "benchaaa"
TOPIC = topic_of("contact-center")
MIGRATIONS = Path(otklik_metrics.__file__).parent / "migrations"
CHANNELS = [Channel.CALL] * 6 + [Channel.CHAT, Channel.EMAIL, Channel.FORM, Channel.MESSENGER]
SENT = 5_000
SERVER = {"shared_buffers": "4GB", "max_wal_size": "8GB", "checkpoint_timeout": "30min"}
"""
A sixth of the memory, and no checkpoint that falls into one variant and not into the other; commits
stay durable.
"""


def contacts(count: int, *, a_day: int = 27_000) -> Iterator[tuple[datetime, Event[Contact]]]:
    """Revisions of contacts that come through the twelve hours of working days, unordered."""
    draw = random.Random(7)
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    source = subject_id(TENANT, "source", "bench")
    for number in range(count):
        at += timedelta(seconds=draw.expovariate(a_day / 43_200))
        if at.hour >= 21:
            at = at.replace(hour=9, minute=0) + timedelta(days=1)
        branch = draw.randrange(50)
        waited, talked = (
            round(1000 * draw.lognormvariate(*shape)) for shape in ((2.8, 1.1), (4.8, 0.8))
        )
        said: dict[str, Any] = {
            "source": source,
            "channel": draw.choice(CHANNELS),
            "direction": Direction.IN,
            "party": draw.choice(["buyer", "buyer", "seller"]),
            "branch": f"branch-{branch:02}",
            "queue": f"queue-{draw.randrange(5)}",
            "campaign": f"ad-{draw.randrange(10)}" if draw.random() < 0.4 else None,
            "identifiers": (f"ph1_{draw.randrange(count):024}",),
            "started_at": at,
            "offered_at": at,
        }
        steps = [(at, dict(said))]
        then = at + timedelta(milliseconds=waited)
        said |= {"waited_ms": waited}
        if draw.random() < 0.12:
            said |= {"outcome": Outcome.ABANDONED, "abandoned_at": then, "ended_at": then}
            steps.append((then, dict(said)))
        else:
            agent = f"agent-{branch * 8 + draw.randrange(8):03}"
            said |= {"outcome": Outcome.ANSWERED, "answered_at": then, "agent": agent}
            said |= {"team": f"team-{branch:02}", "first_response_ms": waited}
            steps.append((then, dict(said)))
            then += timedelta(milliseconds=talked)
            said |= {"ended_at": then, "talked_ms": talked, "handled_ms": talked}
            steps.append((then, dict(said)))
            then += timedelta(seconds=30)
            said |= {"closed_at": then, "wrapped_ms": 30_000, "handled_ms": talked + 30_000}
            said |= {"resolution_ms": waited + talked + 30_000}
            steps.append((then, dict(said)))
        subject = subject_id(TENANT, "contact", "bench", str(number))
        for revision, (moment, state) in enumerate(steps, 1):
            data = Contact(**state)
            yield (
                moment,
                Event(TENANT, subject, revision, "changed", moment, moment, data),
            )


def encoded(count: int) -> tuple[list[str], list[bytes]]:
    """Keys and records in the order in which they happen."""
    ordered = sorted(contacts(count), key=lambda pair: (pair[0], pair[1].revision))
    return [event.key for _, event in ordered], [encode(event) for _, event in ordered]


@dataclass
class Bench:
    """A server with the log filled, and what is measured in it."""

    db: Database
    log: TableLog
    admin: asyncpg.Connection
    keys: list[str]
    values: list[bytes]
    folder: str

    async def fill(self) -> None:
        """Put the events on the log, once."""
        publisher = await self.log.publisher(TOPIC)
        for first in range(0, len(self.keys), SENT):
            some = slice(first, first + SENT)
            await publisher.send(self.keys[some], self.values[some])

    async def empty(self) -> None:
        """Forget everything but the log."""
        names = [f'metrics."{table.name}"' for table in metadata.tables.values()]
        await self.admin.execute(f"TRUNCATE {', '.join(names)}")
        await self.admin.execute("VACUUM")
        await self.admin.execute("CHECKPOINT")

    async def consume(self, group: str, most: int) -> dict[str, float]:
        """The whole log through the consumer."""
        kept = KeepFacts if group == FACTS_GROUP else KeepHistory
        consumer = Consumer(
            group, TOPICS, kept(self.db, self.log), self.db, self.log, max_records=most
        )
        ends = await self.log.ends(TOPICS)
        stop = asyncio.Event()
        server, began, worked = _cpu(self.folder), time.perf_counter(), time.process_time()
        running = asyncio.create_task(consumer.run(stop))
        while not await self._reached(group, sum(ends.values())):
            assert not running.done(), running.exception()
            await asyncio.sleep(0.03)
        took, worked = time.perf_counter() - began, time.process_time() - worked
        server = _cpu(self.folder) - server
        stop.set()
        await running
        return {
            "events_per_second": len(self.keys) / took,
            "python_us_per_event": 1e6 * worked / len(self.keys),
            "postgresql_us_per_event": 1e6 * server / len(self.keys),
        }

    async def _reached(self, group: str, end: int) -> bool:
        query = "SELECT sum(next) FROM metrics.positions WHERE consumer = $1"
        return (await self.admin.fetchval(query, group) or 0) >= end

    async def one_by_one(self, most: int) -> float:
        """Events a second, each in a transaction of its own."""
        records = [
            Record(TOPIC, 0, offset, key, value)
            for offset, (key, value) in enumerate(
                zip(self.keys[:most], self.values[:most], strict=True)
            )
        ]
        events, _ = read(records)
        began = time.perf_counter()
        for event in events:
            async with self.db.begin_as_worker() as tx:
                await counting.take_in(await raw(tx), [event])
        return len(events) / (time.perf_counter() - began)

    async def collapse(self, most: int) -> float:
        """Events to facts written, for batches of so many events."""
        written = 0
        for first in range(0, len(self.keys), most):
            written += len(set(self.keys[first : first + most]))
        return len(self.keys) / written


async def measure(count: int, rounds: int, *, pin: bool) -> dict[str, Any]:
    """Facts and rollups in batches, one at a time, and the history; medians of rounds."""
    keys, values = encoded(count)
    settle_memory(MANY_OBJECTS)  # as every worker does when it has started
    with _server(pin=pin) as (url, folder):
        settings = Settings(
            database_url=url,
            admin_database_url=url,
            master_key=base64.b64encode(b"b" * 32).decode(),
            environment="test",
        )
        await migrate(settings, [Tree("metrics", MIGRATIONS)])
        log, db = TableLog(settings), Database(settings, "metrics", "worker")
        await log.ensure_topics([*TOPICS, topic_of("access")])
        admin = await asyncpg.connect(url)
        bench = Bench(db, log, admin, keys, values, folder)
        await bench.fill()
        found: dict[str, list[float]] = {}
        for number in range(rounds):
            for most in (5_000, FACTS_BATCH):
                await bench.empty()
                told = await bench.consume(FACTS_GROUP, most)
                _note(found, number, f"facts and rollups, batches of {most}", told)
            report = await check(db)
            assert report.differences == 0, report.shown
            _note(found, number, "check", {"facts_per_second": report.facts / report.seconds})
            await bench.empty()
            told = {"events_per_second": await bench.one_by_one(2_000)}
            _note(found, number, "one event a transaction", told)
            await bench.empty()
            _note(found, number, "history", await bench.consume(GROUP, 5_000))
        await admin.close()
        await log.close()
        await db.close()
        collapse = {most: await bench.collapse(most) for most in (5_000, FACTS_BATCH)}
    return _told(found, keys, collapse)


def _note(found: dict[str, list[float]], number: int, name: str, told: dict[str, float]) -> None:
    for what, value in told.items():
        found.setdefault(f"{name}: {what}", []).append(value)
    shown = "  ".join(f"{what} {value:,.1f}" for what, value in told.items())
    print(f"round {number} {name:40} {shown}", flush=True)


def _told(
    found: dict[str, list[float]], keys: list[str], collapse: dict[int, float]
) -> dict[str, Any]:
    middle = {name: sorted(values)[len(values) // 2] for name, values in found.items()}
    best = middle[f"facts and rollups, batches of {FACTS_BATCH}: events_per_second"]
    return {
        "events": len(keys),
        "revisions_per_contact": round(len(keys) / len(set(keys)), 2),
        "collapse": {str(most): round(ratio, 2) for most, ratio in collapse.items()},
        "ratio_to_one_event_a_transaction": round(
            best / middle["one event a transaction: events_per_second"], 1
        ),
        "most_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        **{name: round(value, 1) for name, value in middle.items()},
    }


@contextmanager
def _server(*, pin: bool) -> Iterator[tuple[str, str]]:
    """
    An embedded PostgreSQL with fsync on; pinned, it has all cores but the first.

    Gives its superuser's address and its folder.
    """
    cores = sorted(os.sched_getaffinity(0))
    with reachable_folder() as folder:
        server = EmbeddedPostgres.start(
            folder / "data", fsync=True, settings=SERVER, system=folder / "system"
        )
        try:
            if pin:
                for process in _processes(str(folder)):
                    process.cpu_affinity(cores[1:])
                os.sched_setaffinity(0, cores[:1])
            yield server.admin_url, str(folder)
        finally:
            server.stop()


def _processes(folder: str) -> Iterator[psutil.Process]:
    """The processes of our own server: those at work in its folder."""
    for process in psutil.process_iter(["name"]):
        with suppress(psutil.Error):
            if process.info["name"] == "postgres" and process.cwd().startswith(folder):
                yield process


def _cpu(folder: str) -> float:
    """Seconds of processor time that the server's present processes have used."""
    return sum(sum(process.cpu_times()[:2]) for process in _processes(folder))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pin", action="store_true", help="Python on one core, the server apart")
    given = parser.parse_args()
    measured = uvloop.run(measure(given.contacts, given.rounds, pin=given.pin))
    print(json.dumps(measured, indent=2))


if __name__ == "__main__":
    main()
