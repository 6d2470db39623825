"""The event log in Kafka, through aiokafka: what was measured of it is in decision 0011."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError

from otklik_common.db import Database
from otklik_common.log.kafka_clients import end, start
from otklik_common.log.kafka_publisher import KafkaPublisher
from otklik_common.log.kafka_reader import KafkaReader
from otklik_common.log.port import (
    LogNotReadyError,
    Mover,
    Place,
    Positions,
    Publisher,
    Reader,
    TopicShapeError,
    Watermark,
)
from otklik_common.settings import Settings

WATERMARKS: Final = "otklik.watermarks"
"""Compacted topic with the newest promise of each topic, keyed by its name."""

ANSWER_SECONDS: Final = 5.0
START_SECONDS: Final = 10.0
APPEAR_SECONDS: Final = 15.0
AGAIN_SECONDS: Final = 1.0
"""For so long nobody asks again after a failure."""

MAX_BATCH_BYTES: Final = 512 * 1024
"""Of one partition, before compression; the broker's own limit is 1 MiB after it."""

_ALREADY_THERE: Final = 36
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

FACTS: Final = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "unclean.leader.election.enable": "false",
}
PROMISES: Final = {
    "cleanup.policy": "compact",
    "segment.ms": "600000",
    "min.cleanable.dirty.ratio": "0.1",
    "unclean.leader.election.enable": "false",
}


class KafkaLog:
    """The log in one Kafka cluster; clients are made at first use and shared by the process."""

    def __init__(self, settings: Settings) -> None:
        self._partitions = settings.partitions
        self._bootstrap = settings.kafka_bootstrap
        self._replication = settings.kafka_replication
        self._instance = settings.instance
        self._admin: AIOKafkaAdminClient | None = None
        self._producer: AIOKafkaProducer | None = None
        self._asking: AIOKafkaConsumer | None = None
        self._promises: AIOKafkaConsumer | None = None
        self._known: dict[str, Mapping[str, Any]] = {}
        self._opening = asyncio.Lock()
        self._asked = asyncio.Lock()
        self._failure: LogNotReadyError | None = None
        self._failed_at = 0.0

    @property
    def partitions(self) -> int:
        """How many partitions each topic has."""
        return self._partitions

    async def ensure_topics(self, topics: Sequence[str]) -> None:
        """Make the topics that are missing, and the one for promises; wait until they are there."""
        new = [self._new(topic, self._partitions, FACTS) for topic in sorted(topics)]
        new.append(self._new(WATERMARKS, 1, PROMISES))
        async with self._administer() as admin:
            answer = await admin.create_topics(new)
        for topic, code, *rest in answer.topic_errors:
            if code not in (0, _ALREADY_THERE):
                raise LogNotReadyError(f"topic {topic} cannot be made: {rest} ({code})")
        for _ in range(int(APPEAR_SECONDS / 0.2)):
            try:
                return await self.ready(topics)
            except TopicShapeError:
                raise
            except LogNotReadyError:
                # The broker that we ask may hear of a new topic a moment later.
                await asyncio.sleep(0.2)
        return await self.ready(topics)

    async def ready(self, topics: Sequence[str]) -> None:
        """Return if a broker answers and leads every partition; raise LogNotReadyError if not."""
        wanted = dict.fromkeys(topics, self._partitions) | {WATERMARKS: 1}
        async with self._administer() as admin:
            found = await admin.describe_topics(list(wanted))
        known = {topic["topic"]: topic for topic in found if topic["error_code"] == 0}
        for topic, partitions in wanted.items():
            if topic not in known:
                raise LogNotReadyError(f"topic {topic} is missing: run `otklik migrate`")
            has = known[topic]["partitions"]
            if len(has) != partitions:
                raise TopicShapeError(f"topic {topic} has {len(has)} partitions, not {partitions}")
            if any(partition["leader"] < 0 for partition in has):
                raise LogNotReadyError(f"topic {topic} has a partition without a leader")

    async def beginnings(self, topics: Sequence[str]) -> Mapping[Place, int]:
        """The offset of the first record still kept, by partition."""
        await self.ready(topics)
        async with self._ask() as client:
            return _by_place(await client.beginning_offsets(self._all(topics)))

    async def ends(self, topics: Sequence[str]) -> Mapping[Place, int]:
        """The offset after the last record, by partition."""
        await self.ready(topics)
        async with self._ask() as client:
            return _by_place(await client.end_offsets(self._all(topics)))

    async def publisher(self, topic: str) -> Publisher:
        """A writer of `topic`; all writers of the process share one idempotent producer."""

        async def ask() -> list[int]:
            ends = await self.ends([topic])
            return [ends[at] for at in sorted(ends)]

        ends = await ask()
        return KafkaPublisher(await self._produce(), topic, ends, ask)

    def mover(self, topic: str, outbox: Database) -> Mover | None:
        """None: Kafka is never in the outbox's database."""
        del topic, outbox
        return None

    async def reader(self, group: str, topics: Sequence[str], positions: Positions) -> Reader:
        """Join the group as a static member: a restart within the session loses no time."""
        await self.ready(topics)
        return await KafkaReader.join(
            group, topics, positions, bootstrap=self._bootstrap, instance=self._instance
        )

    async def publish_watermark(self, topic: str, time: datetime, ends: Sequence[int]) -> None:
        """Send the promise; one that arrives late is still true, and an older one is passed over."""
        producer = await self._produce()
        micros = (time - _EPOCH) // timedelta(microseconds=1)
        value = json.dumps({"time": micros, "ends": list(ends)}, separators=(",", ":"))
        try:
            await asyncio.wait_for(
                producer.send_and_wait(WATERMARKS, value.encode(), topic.encode(), 0),
                ANSWER_SECONDS,
            )
        except (KafkaTimeoutError, KafkaConnectionError, TimeoutError) as broken:
            # Anything else has broken the producer for good: whoever sees it must end.
            raise _not_ready(broken) from broken

    async def watermarks(self, topics: Sequence[str]) -> Mapping[Place, Watermark]:
        """The newest promise for each partition."""
        at = TopicPartition(WATERMARKS, 0)
        async with self._ask() as client:
            # Whoever reads would hear it half a second later: a broker answers one question of a
            # connection after another, and there a fetch waits for what comes.
            end = (await client.end_offsets([at]))[at]
        async with self._hear() as client:
            while await client.position(at) < end:
                for records in (await client.getmany(at, timeout_ms=200)).values():
                    for record in records:
                        self._note(record.key.decode(), json.loads(record.value))
        return {
            (topic, partition): Watermark(
                end, _EPOCH + timedelta(microseconds=self._known[topic]["time"])
            )
            for topic in topics
            if topic in self._known
            for partition, end in enumerate(self._known[topic]["ends"])
        }

    async def close(self) -> None:
        """Close the clients; those that do not end in time end with the process."""
        clients = (self._producer, self._asking, self._promises, self._admin)
        self._admin = self._producer = self._asking = self._promises = None
        await asyncio.gather(*(end(client) for client in clients if client is not None))

    def _note(self, topic: str, promise: Mapping[str, Any]) -> None:
        known = self._known.get(topic)
        if known is None or known["time"] < promise["time"]:
            self._known[topic] = promise

    def _new(self, topic: str, partitions: int, settings: Mapping[str, str]) -> NewTopic:
        copies = self._replication
        more = {"min.insync.replicas": str(max(1, copies - 1))}
        return NewTopic(topic, partitions, copies, topic_configs={**settings, **more})

    def _all(self, topics: Sequence[str]) -> list[TopicPartition]:
        return [
            TopicPartition(topic, number) for topic in topics for number in range(self._partitions)
        ]

    async def _produce(self) -> AIOKafkaProducer:
        async with self._opening:
            if self._producer is None:
                self._producer = await _started(
                    AIOKafkaProducer(
                        bootstrap_servers=self._bootstrap,
                        client_id=f"otklik-{self._instance}",
                        enable_idempotence=True,
                        compression_type="zstd",
                        max_batch_size=MAX_BATCH_BYTES,
                        linger_ms=0,
                        request_timeout_ms=5000,
                        retry_backoff_ms=200,
                        metadata_max_age_ms=60_000,
                    )
                )
            return self._producer

    @asynccontextmanager
    async def _administer(self) -> AsyncIterator[AIOKafkaAdminClient]:
        """Who knows the topics."""
        async with self._answered():
            if self._admin is None:
                self._admin = await _started(
                    AIOKafkaAdminClient(bootstrap_servers=self._bootstrap, request_timeout_ms=5000)
                )
            yield self._admin

    @asynccontextmanager
    async def _ask(self) -> AsyncIterator[AIOKafkaConsumer]:
        """Who knows the offsets."""
        async with self._answered():
            if self._asking is None:
                self._asking = await _started(self._consumer())
            yield self._asking

    @asynccontextmanager
    async def _hear(self) -> AsyncIterator[AIOKafkaConsumer]:
        """Who reads the promises."""
        async with self._answered():
            if self._promises is None:
                client = await _started(self._consumer(auto_offset_reset="earliest"))
                at = TopicPartition(WATERMARKS, 0)
                client.assign([at])
                client.seek(at, 0)
                self._promises = client
            yield self._promises

    @asynccontextmanager
    async def _answered(self) -> AsyncIterator[None]:
        """
        One question at a time, answered soon or given up.

        After a failure the clients are made anew, and whoever stood in the queue is told the
        same at once: many who each wait for a dead broker would wait for minutes.
        """
        async with self._asked:
            if self._failure is not None and time.monotonic() - self._failed_at < AGAIN_SECONDS:
                raise LogNotReadyError(str(self._failure))
            try:
                async with asyncio.timeout(START_SECONDS):
                    yield
                self._failure = None
            except (KafkaError, TimeoutError, OSError, LogNotReadyError) as broken:
                self._failure = (
                    broken if isinstance(broken, LogNotReadyError) else _not_ready(broken)
                )
                clients = (self._admin, self._asking, self._promises)
                self._admin = self._asking = self._promises = None
                await asyncio.gather(*(end(client) for client in clients if client is not None))
                self._failed_at = time.monotonic()
                raise self._failure from broken

    def _consumer(self, **more: Any) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            client_id=f"otklik-{self._instance}-asks",
            group_id=None,
            enable_auto_commit=False,
            request_timeout_ms=5000,
            **more,
        )


def _by_place(offsets: Mapping[TopicPartition, int]) -> dict[Place, int]:
    return {(at.topic, at.partition): offset for at, offset in offsets.items()}


def _not_ready(broken: BaseException) -> LogNotReadyError:
    return LogNotReadyError(f"Kafka does not answer: {type(broken).__name__}")


async def _started(client: Any) -> Any:
    """The client, started."""
    try:
        await start(client, START_SECONDS)
    except (KafkaError, TimeoutError, OSError) as broken:
        raise _not_ready(broken) from broken
    return client
