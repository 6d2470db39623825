"""Reading Kafka as a static member of a group, from positions that stand elsewhere."""

import asyncio
import time
import zlib
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import (
    IllegalStateError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)

from otklik_common.log.kafka_clients import end, start
from otklik_common.log.port import (
    PIECE,
    LogFencedError,
    LogGapError,
    LogNotReadyError,
    Place,
    Positions,
    Record,
    Slice,
    gap,
)

START_SECONDS: Final = 10.0
SESSION_SECONDS: Final = 10
"""A member that is silent for so long loses its partitions to the others."""

HEARTBEAT_SECONDS: Final = 3
COMMIT_SECONDS: Final = 2.0
GAP_SECONDS: Final = 2.0
UNPLACED_SECONDS: Final = 0.05
SHARE_SECONDS: Final = 5.0
"""So long a topic may have no partition for us before they are shared out anew."""

MAX_FETCH_BYTES: Final = 16 * 1024 * 1024


class KafkaReader(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """One member of a consumer group."""

    def __init__(
        self, name: str, topics: Sequence[str], client: AIOKafkaConsumer, positions: Positions
    ) -> None:
        self._name = name
        self._topics = frozenset(topics)
        self._shared_at = time.monotonic()
        self._client = client
        self._positions = positions
        self._next: dict[Place, int] = {}
        self._noted: dict[Place, int] = {}
        self._failure: Exception | None = None
        self._broken: Exception | None = None

    @classmethod
    async def join(
        cls,
        group: str,
        topics: Sequence[str],
        positions: Positions,
        *,
        bootstrap: str,
        instance: str,
    ) -> "KafkaReader":
        """
        A member that reads `topics`, which must exist: a group that waits for one stays silent.

        Raises:
            LogNotReadyError: No broker answers.
        """
        # The broker gives a static member that comes back what it had before, even if it now
        # wants other topics; the client then fails for ever. Other topics make another member.
        wanted = zlib.crc32(" ".join(sorted(topics)).encode())
        name = f"{group}.{instance}.{wanted:08x}"
        client = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            client_id=f"otklik-{instance}",
            group_id=group,
            # Static: after a restart within the session the partitions are ours at once.
            group_instance_id=name,
            enable_auto_commit=False,
            # Reading on from the earliest or the latest record would skip some in silence.
            auto_offset_reset="none",
            isolation_level="read_committed",
            session_timeout_ms=SESSION_SECONDS * 1000,
            heartbeat_interval_ms=HEARTBEAT_SECONDS * 1000,
            # Progress is watched by our own watchdog; a slow batch must not cost the group.
            max_poll_interval_ms=600_000,
            fetch_max_bytes=MAX_FETCH_BYTES,
            request_timeout_ms=40_000,
            retry_backoff_ms=200,
        )
        reader = cls(name, topics, client, positions)
        client.subscribe(list(topics), listener=reader)
        try:
            await start(client, START_SECONDS)
        except (KafkaError, TimeoutError, OSError) as broken:
            raise LogNotReadyError(f"Kafka does not answer: {type(broken).__name__}") from broken
        return reader

    async def fetch(self, most: int, wait_seconds: float) -> list[Slice]:
        """Records that follow those fetched before; empty if none came in `wait_seconds`."""
        broken, self._broken = self._broken, None
        if broken is not None:
            raise broken
        found: dict[Place, Slice] = {}
        left = most
        while True:
            wanted = min(left, PIECE)
            try:
                some = await self._fetch(wanted, 0.0 if found else wait_seconds)
            except (LogFencedError, LogGapError, LogNotReadyError) as failed:
                if not found:
                    raise
                self._broken = failed  # what has come is taken in first
                break
            for one in some:
                known = found.get(one.place)
                found[one.place] = one if known is None else known.followed_by(one)
            got = sum(len(one.records) for one in some)
            left -= got
            if got < wanted or left <= 0:
                break
            await asyncio.sleep(0)
            if not self._next:
                break  # partitions are shared out anew: the client would wait for the end of that
        return list(found.values())

    async def _fetch(self, most: int, wait_seconds: float) -> list[Slice]:
        before = dict(self._next)
        self._want_all_topics()
        try:
            found = await self._client.getmany(
                timeout_ms=int(wait_seconds * 1000), max_records=most
            )
        except NoOffsetForPartitionError:
            # The client looked for committed offsets before our own positions were read; they
            # say where to go on, and they are on their way.
            await asyncio.sleep(UNPLACED_SECONDS)
            return []
        except OffsetOutOfRangeError as broken:
            raise LogGapError(await self._gap(broken)) from broken
        except KafkaError as broken:
            if type(broken) is KafkaError and "heartbeat" in str(broken):
                # The client has no name for the broker's answer FENCED_INSTANCE_ID.
                raise LogFencedError(
                    f"another process reads as {self._name}: each needs its own OTKLIK_INSTANCE"
                ) from broken
            raise LogNotReadyError(f"Kafka fails: {type(broken).__name__}") from broken
        if self._failure is not None:
            raise LogNotReadyError("positions cannot be read") from self._failure
        slices = []
        for at, records in found.items():
            place = (at.topic, at.partition)
            start = before.get(place)
            if start is None or self._next.get(place) != start:
                # Sought elsewhere, or given to us anew, while these were on their way.
                if place in self._next:
                    self.seek(place, self._next[place])
                continue
            following = self._next[place] = records[-1].offset + 1
            slices.append(
                Slice(
                    place,
                    start,
                    following,
                    [_record(at.topic, at.partition, one) for one in records],
                )
            )
        return slices

    def seek(self, place: Place, offset: int) -> None:
        """Go on from `offset`; nothing happens if the partition is no longer ours."""
        with suppress(IllegalStateError):
            self._client.seek(TopicPartition(*place), offset)
            self._next[place] = offset

    def assigned(self) -> frozenset[Place]:
        """The partitions that are ours now."""
        return frozenset(self._next)

    def ends(self) -> Mapping[Place, int]:
        """The offset after the last record, as the broker last said with an answer."""
        known = {}
        for place in self._next:
            end = self._client.highwater(TopicPartition(*place))
            if end is not None:
                known[place] = end
        return known

    async def note(self, positions: Mapping[Place, int]) -> None:
        """Commit offsets for lag tools; they are never read back."""
        new = {
            TopicPartition(*place): offset
            for place, offset in positions.items()
            if self._noted.get(place) != offset and place in self._next
        }
        if not new:
            return
        # A rebalance or a broker that is away: the next note says it all again.
        with suppress(KafkaError, TimeoutError, IllegalStateError):
            await asyncio.wait_for(self._client.commit(new), COMMIT_SECONDS)
            self._noted = dict(positions)

    async def close(self) -> None:
        """Stop reading; a static member does not leave, so that its return costs nothing."""
        await end(self._client)

    def _want_all_topics(self) -> None:
        """
        Have partitions shared out anew where a topic has none for us.

        It was missing when they were shared out. Coming back does not help: a static member is
        given what it had before, and the group would never read the topic again.
        """
        now = time.monotonic()
        if {topic for topic, _ in self._next} == self._topics:
            self._shared_at = now
        elif now - self._shared_at > SHARE_SECONDS:
            self._shared_at = now
            # The client has no other way to say it.
            self._client._coordinator.request_rejoin()  # noqa: SLF001

    async def _gap(self, broken: OffsetOutOfRangeError) -> str:
        """Where a gap is, and what is kept there if the broker says so."""
        offsets: Mapping[TopicPartition, int] = broken.args[0]
        told = []
        for at, following in offsets.items():
            kept = "the broker says"
            with suppress(KafkaError, TimeoutError):
                async with asyncio.timeout(GAP_SECONDS):
                    first = (await self._client.beginning_offsets([at]))[at]
                    end = (await self._client.end_offsets([at]))[at]
                kept = f"it keeps {first} to {end}"
            told.append(gap((at.topic, at.partition), following, kept))
        return "; ".join(told)

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """They may be another's from now on; what is under way is fenced by its position's row."""
        for at in revoked:
            self._next.pop((at.topic, at.partition), None)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Go to where the database says that we are."""
        places = sorted((at.topic, at.partition) for at in assigned)
        try:
            positions = await self._positions(places)
        except Exception as broken:  # noqa: BLE001 - the client would only log it and go on
            self._failure = broken
            self._client.pause(*assigned)
            return
        self._next = {}
        for place in places:
            self.seek(place, positions.get(place, 0))


def _record(topic: str, partition: int, read: Any) -> Record:
    key = "" if read.key is None else read.key.decode("utf-8", "replace")
    # By its name it would be made by Python code, which shows at a hundred thousand a second.
    return Record._make((topic, partition, read.offset, key, read.value or b""))
