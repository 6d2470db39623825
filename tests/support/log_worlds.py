"""The two event logs, each with what a test needs to hurt it."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import asyncpg
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.partitioner import DefaultPartitioner

from otklik_common.log.kafka import KafkaLog
from otklik_common.log.port import Log, Place, Reader, Record, Slice
from otklik_common.log.table import TableLog
from otklik_common.settings import Settings


class LogWorld(Protocol):
    """A log, and its nature's misfortunes."""

    @property
    def log(self) -> Log:
        """The log."""

    async def forget(self, topic: str, partition: int, before: int) -> None:
        """Keep no record of the partition below `before`."""

    async def make_topic(self, topic: str, partitions: int) -> None:
        """Make a topic behind our back."""

    async def drop_topic(self, topic: str) -> None:
        """Lose a topic."""


@dataclass
class TableWorld:
    """The log table."""

    log: TableLog
    admin: asyncpg.Connection

    async def forget(self, topic: str, partition: int, before: int) -> None:
        """As retention would."""
        await self.admin.execute(
            'DELETE FROM log.records WHERE topic = $1 AND partition = $2 AND "offset" < $3',
            topic,
            partition,
            before,
        )
        await self.admin.execute(
            "UPDATE log.topics SET first[$2] = $3 WHERE topic = $1", topic, partition + 1, before
        )

    async def make_topic(self, topic: str, partitions: int) -> None:
        """A row of another length."""
        await self.admin.execute(
            "INSERT INTO log.topics SELECT $1, array_fill(0::bigint, ARRAY[$2::int]),"
            " array_fill(0::bigint, ARRAY[$2::int])",
            topic,
            partitions,
        )

    async def drop_topic(self, topic: str) -> None:
        """Its row and its records."""
        await self.admin.execute("DELETE FROM log.records WHERE topic = $1", topic)
        await self.admin.execute("DELETE FROM log.topics WHERE topic = $1", topic)


@dataclass
class KafkaWorld:
    """Kafka."""

    log: KafkaLog
    bootstrap: str

    async def forget(self, topic: str, partition: int, before: int) -> None:
        """As retention would."""
        admin = await self._admin()
        try:
            await admin.delete_records({TopicPartition(topic, partition): RecordsToDelete(before)})
        finally:
            await admin.close()

    async def make_topic(self, topic: str, partitions: int) -> None:
        """By other means than ours."""
        admin = await self._admin()
        try:
            await admin.create_topics([NewTopic(topic, partitions, 1)])
        finally:
            await admin.close()

    async def drop_topic(self, topic: str) -> None:
        """Delete it."""
        admin = await self._admin()
        try:
            await admin.delete_topics([topic])
        finally:
            await admin.close()

    async def _admin(self) -> AIOKafkaAdminClient:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        return admin


def kafka_settings(settings: Settings, bootstrap: str) -> Settings:
    """The same settings with the log in Kafka."""
    return settings.model_copy(update={"log": "kafka", "kafka_bootstrap": bootstrap})


async def from_the_start(places: Collection[Place]) -> Mapping[Place, int]:
    """Positions of a group that has read nothing."""
    del places
    return {}


async def a_reader(log: Log, *topics: str, at: Mapping[Place, int] | None = None) -> Reader:
    """A group of its own, going on at `at`."""

    async def positions(places: Collection[Place]) -> Mapping[Place, int]:
        return {place: offset for place, offset in (at or {}).items() if place in places}

    return await log.reader(f"g-{secrets.token_hex(4)}", topics, positions)


async def write(log: Log, topic: str, rows: list[tuple[str, bytes]]) -> None:
    """Append rows in one batch."""
    publisher = await log.publisher(topic)
    await publisher.send([key for key, _ in rows], [value for _, value in rows])


async def fetch_all(reader: Reader, count: int, *, most: int = 1000) -> list[Slice]:
    """Fetch until `count` records came; more than that is an error."""
    slices: list[Slice] = []
    empty = 0
    while sum(len(part.records) for part in slices) < count:
        found = await reader.fetch(most, 1.0)
        empty = 0 if found else empty + 1
        assert empty < 20, f"{slices} is all that came"
        slices += found
    assert sum(len(part.records) for part in slices) == count
    return slices


def records_of(slices: Sequence[Slice], place: Place | None = None) -> list[Record]:
    """All records of some slices, or of one partition."""
    return [record for part in slices if place in (None, part.place) for record in part.records]


def numbered(count: int, *, keys: int = 7, first: int = 0) -> list[tuple[str, bytes]]:
    """Rows whose values are their numbers."""
    return [(f"contact/{n % keys}", str(n).encode()) for n in range(first, first + count)]


def partition_of(key: str, partitions: int = 12) -> int:
    """Where Kafka's own client puts a key."""
    every = list(range(partitions))
    found: int = DefaultPartitioner()(key.encode(), every, every)
    return found
