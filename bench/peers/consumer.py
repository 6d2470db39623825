"""
Facts into numbers beside other stream processors, on one real Kafka topic.

    python -m bench.peers.consumer [--contacts 532000] [--some 54000] [--rounds 3] [--work DIR]

The topic holds our own facts of contacts, 12 partitions, as the relay writes them; the peers do
what bench/peers/README.md says. A run is the whole life of one process, or of two where the
history is beside the numbers, from the start until all ended with everything counted; what was
counted must be right to the last contact. quixstreams gets a topic with fewer contacts. Variants are interleaved, each has the machine for itself;
processor time is that of the process, PostgreSQL and the broker together.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg

import otklik_metrics
from bench.contact_center_support import MASTER, connected, median
from bench.metrics_write import SERVER
from bench.peers.contact_topic import Filled, fill, publisher_of
from bench.peers.places import SOURCES, Peers, add_work
from bench.peers.processes import cpu_seconds, postgres, run
from bench.turns import in_turns, together
from otklik.embedded import EmbeddedPostgres
from otklik_common.log.kafka import KafkaLog
from otklik_common.migrate import Tree, migrate
from otklik_common.module import topic_of
from otklik_common.settings import Settings
from otklik_metrics.consumers import FACTS_GROUP
from otklik_metrics.domain.histogram import decode
from otklik_metrics.domain.measures import slots
from otklik_metrics.store.history import GROUP as HISTORY_GROUP
from otklik_metrics.store.history import TOPICS
from otklik_metrics.store.tables import metadata
from tests.support.kafka import KafkaBroker, running_kafka

TOPIC = topic_of("contact-center")
SOME = "bench.some-contacts"
MIGRATIONS = Path(otklik_metrics.__file__).parent / "migrations"
BROKER = ("java", "-Xms1g", "-Xmx1g", "-XX:+UseG1GC")
LONGEST_SECONDS = 900.0
OURS, BESIDE = "ours", "ours, history beside it"
STREAMS, BYTEWAX, QUIX = "Kafka Streams", "bytewax", "quixstreams"

CELLS = """
    CREATE SCHEMA IF NOT EXISTS peer;
    DROP TABLE IF EXISTS peer.cell;
    CREATE TABLE peer.cell (
        cell text PRIMARY KEY, offered bigint, answered bigint, abandoned bigint, wait_n bigint,
        wait_ms bigint, answered_within int[], abandoned_within int[], hist bytea)"""

Totals = Mapping[str, int]


@dataclass(frozen=True)
class Run:
    """One variant, once; processor time in µs an event."""

    events_per_second: float
    process_cpu: float
    postgresql_cpu: float
    broker_cpu: float

    @property
    def cpu(self) -> float:
        """All of it."""
        return self.process_cpu + self.postgresql_cpu + self.broker_cpu


@dataclass(frozen=True)
class Variant:
    """
    A way to count.

    Attributes:
        counted: What it has counted, from what it printed and what stands in PostgreSQL.
    """

    name: str
    topic: Filled
    commands: Sequence[Sequence[str]]
    environment: Mapping[str, str]
    counted: Callable[[str], Awaitable[Totals]]


class Bench:
    """The servers, the topics, and the variants on them."""

    def __init__(
        self,
        peers: Peers,
        database: EmbeddedPostgres,
        broker: KafkaBroker,
        admin: asyncpg.Connection,
    ) -> None:
        self._peers = peers
        self._database = database
        self._broker = broker
        self._admin = admin

    @property
    def _settings(self) -> dict[str, str]:
        return {
            "OTKLIK_DATABASE_URL": self._database.admin_url,
            "OTKLIK_ADMIN_DATABASE_URL": self._database.admin_url,
            "OTKLIK_MASTER_KEY": MASTER,
            "OTKLIK_ENVIRONMENT": "test",
            "OTKLIK_LOG_LEVEL": "WARNING",
            "OTKLIK_LOG": "kafka",
            "OTKLIK_KAFKA_BOOTSTRAP": self._broker.bootstrap,
        }

    async def fill(self, contacts: int, some: int) -> tuple[Filled, Filled]:
        """Both topics."""
        settings = Settings(
            **{
                name.removeprefix("OTKLIK_").lower(): value
                for name, value in self._settings.items()
            }  # type: ignore[arg-type]
        )
        await migrate(settings, [Tree("metrics", MIGRATIONS)])
        log = KafkaLog(settings)
        await log.ensure_topics([*TOPICS, topic_of("access"), SOME])
        publishers = [await publisher_of(log, topic) for topic in (TOPIC, SOME)]
        filled = [
            await fill(topic, publisher, count)
            for topic, publisher, count in zip(
                (TOPIC, SOME), publishers, (contacts, some), strict=True
            )
        ]
        await log.close()
        for one in filled:
            print(
                f"{one.topic}: {one.events:,} events, {one.bytes / one.events:.0f} bytes",
                flush=True,
            )
        return filled[0], filled[1]

    def variants(self, whole: Filled, some: Filled) -> list[Variant]:
        """All of them, in the order of a round."""

        def ours(group: str) -> list[str]:
            return [sys.executable, "-m", "bench.peers.consumer_ours", group]

        python = str(self._peers.python)
        return [
            Variant(OURS, whole, [ours(FACTS_GROUP)], self._settings, self._ours),
            Variant(
                BESIDE,
                whole,
                # As `otklik work metrics-numbers` and `otklik work metrics-history` run them.
                [ours(FACTS_GROUP), ours(HISTORY_GROUP)],
                self._settings,
                self._with_history,
            ),
            Variant(
                STREAMS,
                whole,
                [["java", "-Xmx3g", "-cp", self._peers.streams, "Count"]],
                {
                    "JDBC": _jdbc(self._database.admin_url),
                    "OFFERED": str(whole.totals["offered"]),
                    "WAIT_MS": str(whole.totals["wait_ms"]),
                },
                self._cells,
            ),
            Variant(
                BYTEWAX,
                whole,
                [[python, str(SOURCES / "python" / "bytewax_app.py")]],
                {},
                _printed,
            ),
            Variant(
                QUIX,
                some,
                [[python, str(SOURCES / "python" / "quixstreams_app.py")]],
                {"EVENTS": str(some.events)},
                _printed,
            ),
        ]

    async def run(self, variant: Variant) -> Run:
        """The processes of a variant, and a look at what they counted."""
        await self._forget()
        with tempfile.TemporaryDirectory() as state:
            more = {
                "BOOTSTRAP": self._broker.bootstrap,
                "TOPIC": variant.topic.topic,
                "GROUP": str(uuid.uuid4()),
                "STATE": state,
                **variant.environment,
            }
            before = self._worked()
            done = await asyncio.to_thread(
                run, *variant.commands, more=more, seconds=LONGEST_SECONDS
            )
            after = self._worked()
        counted = await variant.counted(done.said)
        assert counted == {name: variant.topic.totals[name] for name in counted}, (
            variant.name,
            counted,
            variant.topic.totals,
        )
        events = variant.topic.events
        servers = [1e6 * (late - early) / events for early, late in zip(before, after, strict=True)]
        return Run(events / done.seconds, 1e6 * done.cpu / events, *servers)

    def _worked(self) -> tuple[float, float]:
        return cpu_seconds(self._database.pid), cpu_seconds(self._broker.pid)

    async def _forget(self) -> None:
        """Nothing is counted yet."""
        names = [f'metrics."{table.name}"' for table in metadata.tables.values()]
        await self._admin.execute(f"TRUNCATE {', '.join(names)}")
        await self._admin.execute(CELLS)
        await self._admin.execute("VACUUM")
        await self._admin.execute("CHECKPOINT")

    async def _ours(self, _: str) -> Totals:
        """From the days of branches and channels: every contact stands in every set once."""
        in_time = " + ".join(f"coalesce({name}, 0)" for name in slots("answered")[:4])
        row = await self._admin.fetchrow(
            "SELECT sum(offered)::bigint AS offered, sum(answered)::bigint AS answered,"
            " sum(abandoned)::bigint AS abandoned, sum(wait_ms)::bigint AS wait_ms,"
            f" sum({in_time})::bigint AS in_20_s"
            " FROM metrics.rollup_contact_day WHERE set = 12"
        )
        waits = await self._admin.fetchval(
            "SELECT string_agg(hist, ''::bytea) FROM metrics.histogram_contact_day"
            " WHERE set = 12 AND measure = 1"
        )
        assert row is not None
        return {**row, "buckets": _buckets(waits)}

    async def _with_history(self, said: str) -> Totals:
        kept = await self._admin.fetchval("SELECT count(*) FROM metrics.fact_history_contact")
        read = await self._admin.fetchval(
            "SELECT sum(next)::bigint FROM metrics.positions WHERE consumer = $1", HISTORY_GROUP
        )
        assert kept == read, (kept, read)
        return await self._ours(said)

    async def _cells(self, _: str) -> Totals:
        row = await self._admin.fetchrow(
            "SELECT count(*) FILTER (WHERE offered > 0) AS cells, sum(offered)::bigint AS offered,"
            " sum(answered)::bigint AS answered, sum(abandoned)::bigint AS abandoned,"
            " sum(wait_ms)::bigint AS wait_ms, string_agg(hist, ''::bytea) AS hist,"
            " sum((SELECT sum(n) FROM unnest(answered_within[1:4]) AS n))::bigint AS in_20_s"
            " FROM peer.cell"
        )
        assert row is not None
        found = dict(row)
        waits = found.pop("hist")
        return {**found, "buckets": _buckets(waits)}


async def _printed(said: str) -> Totals:
    told: dict[str, int] = json.loads(said)
    return told


def _buckets(histogram: bytes) -> int:
    return sum(bucket * n for bucket, n in decode(histogram).items())


def _jdbc(url: str) -> str:
    """The same server for Java, by its private socket."""
    parts = urlsplit(url)
    given = parse_qs(parts.query)
    socket = f"{given['host'][0]}/.s.PGSQL.{given['port'][0]}"
    options = {
        "user": parts.username,
        "password": unquote(parts.password or ""),
        "socketFactory": "org.newsclub.net.unix.AFUNIXSocketFactory$FactoryArg",
        "socketFactoryArg": socket,
        "sslmode": "disable",
        "reWriteBatchedInserts": "true",
    }
    return "jdbc:postgresql://localhost/postgres?" + "&".join(
        f"{k}={v}" for k, v in options.items()
    )


async def measure(
    peers: Peers, contacts: int, some: int, rounds: int, only: Sequence[str]
) -> dict[str, Any]:
    """Fill the topics once, then run every variant round by round."""
    with postgres(SERVER) as database, running_kafka(java=BROKER) as broker:
        async with connected(database.admin_url) as admin:
            bench = Bench(peers, database, broker, admin)
            with together():
                whole, part = await bench.fill(contacts, some)
            variants = [v for v in bench.variants(whole, part) if not only or v.name in only]
            found: dict[str, list[Run]] = {variant.name: [] for variant in variants}
            for variant in in_turns(variants * rounds):
                done = await bench.run(variant)
                found[variant.name].append(done)
                print(
                    f"round {len(found[variant.name])} {variant.name:24}"
                    f" {done.events_per_second:9,.0f} events/s  process {done.process_cpu:5.1f} us"
                    f"  PostgreSQL {done.postgresql_cpu:5.1f} us"
                    f"  broker {done.broker_cpu:4.1f} us an event",
                    flush=True,
                )
    return _told(whole, part, found)


def _told(whole: Filled, some: Filled, found: dict[str, list[Run]]) -> dict[str, Any]:
    def middle(name: str, what: str) -> float:
        return median([getattr(done, what) for done in found[name]])

    told: dict[str, Any] = {
        "events": whole.events,
        "events for quixstreams": some.events,
        "bytes an event": round(whole.bytes / whole.events),
        "revisions a contact": round(whole.events / whole.totals["offered"], 2),
        "cores": os.cpu_count(),
    }
    for peer in found:
        if OURS in found and peer not in (OURS, BESIDE):
            ratio = middle(OURS, "events_per_second") / middle(peer, "events_per_second")
            told[f"ours : {peer}, events/s"] = round(ratio, 2)
            told[f"{peer} : ours, CPU an event"] = round(
                middle(peer, "cpu") / middle(OURS, "cpu"), 2
            )
    for name in found:
        told[name] = {
            "events/s": round(middle(name, "events_per_second")),
            "process CPU, us an event": round(middle(name, "process_cpu"), 1),
            "PostgreSQL CPU, us an event": round(middle(name, "postgresql_cpu"), 1),
            "broker CPU, us an event": round(middle(name, "broker_cpu"), 1),
            "CPU together, us an event": round(middle(name, "cpu"), 1),
        }
    return told


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=532_000)
    parser.add_argument("--some", type=int, default=54_000, help="contacts for quixstreams")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", default=[], help="a variant; may be repeated")
    add_work(parser)
    given = parser.parse_args()
    measured = asyncio.run(
        measure(Peers(given.work), given.contacts, given.some, given.rounds, given.only)
    )
    print(json.dumps(measured, indent=2))


if __name__ == "__main__":
    main()
