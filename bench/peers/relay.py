"""
Facts from the outbox to Kafka beside a loop that sends them one by one.

    python -m bench.peers.relay [--facts 100000] [--rounds 3] [--work DIR]

The same rows of the same outbox, the same topic of 12 partitions, idempotence, all acknowledged,
zstd. The loops read 5,000 rows, hand each to the client, wait for all answers and delete them; ours
is the real relay. Rounds are interleaved. Messages per CPU-second are those of the relaying
process; PostgreSQL and the broker stand beside it.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import asyncpg

from bench.contact_center_support import MASTER, TENANT, connected, median, prepare
from bench.peers.contact_topic import in_order
from bench.peers.places import SOURCES, Peers, add_work
from bench.peers.processes import cpu_seconds, postgres, run
from bench.turns import in_turns
from otklik.embedded import EmbeddedPostgres
from otklik_common.events.registry import encode
from otklik_common.log.kafka import KafkaLog
from otklik_common.module import topic_of
from otklik_common.settings import Settings
from tests.support.kafka import KafkaBroker, running_kafka

BROKER = ("java", "-Xms1g", "-Xmx1g", "-XX:+UseG1GC")
TOPIC = topic_of("contact-center")
OUTBOX = "contact_center.outbox"
SECONDS = 300.0
OURS, AIOKAFKA, CONFLUENT = "ours", "aiokafka send()", "confluent-kafka"


@dataclass(frozen=True)
class Run:
    """One variant, once; processor time in µs a message."""

    messages_per_second: float
    relay_cpu: float
    postgresql_cpu: float
    broker_cpu: float

    @property
    def cpu(self) -> float:
        """All of it."""
        return self.relay_cpu + self.postgresql_cpu + self.broker_cpu


@dataclass(frozen=True)
class Variant:
    """A program that empties the outbox."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]


def variants(peers: Peers, database: EmbeddedPostgres, broker: KafkaBroker) -> list[Variant]:
    """All of them, in the order of a round."""
    ours = {
        "OTKLIK_DATABASE_URL": database.admin_url,
        "OTKLIK_MASTER_KEY": MASTER,
        "OTKLIK_ENVIRONMENT": "test",
        "OTKLIK_LOG_LEVEL": "WARNING",
        "OTKLIK_LOG": "kafka",
        "OTKLIK_KAFKA_BOOTSTRAP": broker.bootstrap,
    }
    loop = {
        "DSN": database.admin_url,
        "BOOTSTRAP": broker.bootstrap,
        "TOPIC": TOPIC,
        "OUTBOX": OUTBOX,
    }
    script = str(SOURCES / "python" / "relay_loop.py")
    return [
        Variant(OURS, [sys.executable, "-m", "bench.peers.relay_ours"], ours),
        Variant(AIOKAFKA, [sys.executable, script, "aiokafka"], loop),
        Variant(CONFLUENT, [str(peers.python), script, "confluent-kafka"], loop),
    ]


class Bench:
    """The servers, and facts to be sent again and again."""

    def __init__(
        self,
        database: EmbeddedPostgres,
        broker: KafkaBroker,
        admin: asyncpg.Connection,
        log: KafkaLog,
        facts: Sequence[tuple[str, bytes]],
    ) -> None:
        self._database = database
        self._broker = broker
        self._admin = admin
        self._log = log
        self._facts = facts

    async def run(self, variant: Variant) -> Run:
        """Fill the outbox, empty it, and see that the topic has everything."""
        await self._admin.execute(f"TRUNCATE {OUTBOX}")
        await self._admin.execute(
            f"INSERT INTO {OUTBOX} (tenant, key, payload)"
            " SELECT $1, * FROM unnest($2::text[], $3::bytea[])",
            TENANT,
            [key for key, _ in self._facts],
            [value for _, value in self._facts],
        )
        await self._admin.execute(f"VACUUM ANALYZE {OUTBOX}")
        await self._admin.execute("CHECKPOINT")
        end, before = await self._end(), self._worked()
        done = await asyncio.to_thread(
            run, variant.command, more=variant.environment, seconds=SECONDS
        )
        worked = [late - early for early, late in zip(before, self._worked(), strict=True)]
        told, count = json.loads(done.said), len(self._facts)
        assert told["moved"] == count, (variant.name, told)
        assert await self._end() - end == count, variant.name
        return Run(count / told["seconds"], *(1e6 * one / count for one in (told["cpu"], *worked)))

    async def _end(self) -> int:
        return sum((await self._log.ends([TOPIC])).values())

    def _worked(self) -> tuple[float, float]:
        return cpu_seconds(self._database.pid), cpu_seconds(self._broker.pid)


async def measure(peers: Peers, count: int, rounds: int) -> dict[str, Any]:
    """Every variant, round by round; the first round warms up."""
    facts = [(event.key, encode(event)) for event in islice(in_order(count // 3), count)]
    with postgres() as database, running_kafka(java=BROKER) as broker:
        await prepare(database.admin_url)
        log = KafkaLog(
            Settings(database_url=database.admin_url, log="kafka", kafka_bootstrap=broker.bootstrap)
        )
        await log.ensure_topics([TOPIC])
        found: dict[str, list[Run]] = {}
        async with connected(database.admin_url) as admin:
            bench = Bench(database, broker, admin, log, facts)
            for variant in in_turns(variants(peers, database, broker) * (rounds + 1)):
                done = await bench.run(variant)
                found.setdefault(variant.name, []).append(done)
                print(
                    f"round {len(found[variant.name]) - 1} {variant.name:16}"
                    f" {done.messages_per_second:9,.0f} messages/s  relay {done.relay_cpu:5.1f} us"
                    f"  PostgreSQL {done.postgresql_cpu:5.1f} us"
                    f"  broker {done.broker_cpu:5.1f} us a message",
                    flush=True,
                )
        await log.close()
    return _told(facts, {name: runs[1:] for name, runs in found.items()})


def _told(facts: Sequence[tuple[str, bytes]], found: dict[str, list[Run]]) -> dict[str, Any]:
    def middle(name: str, what: str) -> float:
        return median([getattr(done, what) for done in found[name]])

    told: dict[str, Any] = {
        "messages": len(facts),
        "bytes a message": round(sum(len(value) for _, value in facts) / len(facts)),
    }
    for peer in (AIOKAFKA, CONFLUENT):
        ratio = middle(peer, "relay_cpu") / middle(OURS, "relay_cpu")
        told[f"ours : {peer}, messages per CPU-second"] = round(ratio, 2)
    for name in found:
        told[name] = {
            "messages/s": round(middle(name, "messages_per_second")),
            "messages per CPU-second": round(1e6 / middle(name, "relay_cpu")),
            "relay CPU, us a message": round(middle(name, "relay_cpu"), 1),
            "PostgreSQL CPU, us a message": round(middle(name, "postgresql_cpu"), 1),
            "broker CPU, us a message": round(middle(name, "broker_cpu"), 1),
            "CPU together, us a message": round(middle(name, "cpu"), 1),
        }
    return told


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--facts", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    add_work(parser)
    given = parser.parse_args()
    measured = asyncio.run(measure(Peers(given.work), given.facts, given.rounds))
    print(json.dumps(measured, indent=2))


if __name__ == "__main__":
    main()
