"""What relays and consumers need of an event log, wherever it is kept."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from asyncpg import Connection

from otklik_common.db import Database

Place = tuple[str, int]
"""One partition of a topic: (topic, partition)."""


PIECE: Final = 500
"""Records that are worked on at once, some milliseconds; between two pieces all others go on."""


class Record(NamedTuple):
    """One message, where it stands."""

    topic: str
    partition: int
    offset: int
    key: str
    value: bytes


class Slice(NamedTuple):
    """
    Records of one partition in their order, with none left out between `start` and `next`.

    `start` is the offset that was asked for; in Kafka the first record may stand later where
    the log itself has a hole.
    """

    place: Place
    start: int
    next: int
    records: list[Record]

    def followed_by(self, other: "Slice") -> "Slice":
        """
        Both as one, where `other` goes on in the same partition; `other` alone, where it does not.

        Then reading was sent elsewhere in between, by whoever knows where to go on.
        """
        if other.start != self.next:
            return other
        return Slice(self.place, self.start, other.next, self.records + other.records)


class Watermark(NamedTuple):
    """Every fact of the partition that was recorded before `time` has an offset below `offset`."""

    offset: int
    time: datetime


class LogNotReadyError(Exception):
    """The log cannot be used now: it does not answer, or a topic is missing or of another shape."""


class TopicShapeError(LogNotReadyError):
    """A topic exists with another number of partitions; waiting will not change it."""


class LogGapError(LogNotReadyError):
    """Records that a reader has not seen are no longer kept; going on would skip them."""


def gap(at: Place, following: int, kept: str) -> str:
    """What a LogGapError says: where it is, what is `kept` there, and what to do."""
    return (
        f"{at[0]}/{at[1]} lacks record {following}: {kept}; nothing is skipped until somebody"
        " decides so by `otklik positions go-on`"
    )


class LogFencedError(Exception):
    """Another process reads under our name: one of the two must end."""


Positions = Callable[[Collection[Place]], Awaitable[Mapping[Place, int]]]
"""Looks up where reading goes on; what it leaves out begins at 0."""


class Reader(Protocol):
    """One member of a consumer group; it is given all partitions or a share of them."""

    async def fetch(self, most: int, wait_seconds: float) -> list[Slice]:
        """
        Records that follow those fetched before; empty if none came in `wait_seconds`.

        Raises:
            LogGapError: The records that follow are no longer kept.
            LogNotReadyError: The log does not answer.
        """

    def seek(self, place: Place, offset: int) -> None:
        """Go on from `offset`; nothing happens if the partition is no longer ours."""

    def assigned(self) -> frozenset[Place]:
        """The partitions that are ours now."""

    def ends(self) -> Mapping[Place, int]:
        """The offset after the last record of our partitions, as last heard of."""

    async def note(self, positions: Mapping[Place, int]) -> None:
        """Tell lag tools how far we are; never read back, and never raises."""

    async def close(self) -> None:
        """Leave within a few seconds, whatever the log does."""


class Publisher(Protocol):
    """Writes one topic. At any time one relay uses one."""

    async def send(self, keys: Sequence[str], values: Sequence[bytes]) -> None:
        """
        Return when all records are kept, in this order for each key.

        Raises:
            LogNotReadyError: Nothing was written and it is safe to try again.
            Exception: Anything else leaves open what was written: end the process.
        """

    async def ends(self) -> Sequence[int]:
        """The offset after the last record, by partition."""


class Mover(Protocol):
    """Moves rows from an outbox to a log in the same database: kept and deleted in one step."""

    async def move(self, connection: Connection, ids: Sequence[int], keys: Sequence[str]) -> None:
        """Move these rows of the outbox, in this order."""


class Log(Protocol):
    """An event log."""

    @property
    def partitions(self) -> int:
        """How many partitions each topic has. Never raised: keys would move."""

    async def ensure_topics(self, topics: Sequence[str]) -> None:
        """
        Make the topics that are missing; part of a deployment, never of a running process.

        Raises:
            LogNotReadyError: One exists with another number of partitions.
        """

    async def ready(self, topics: Sequence[str]) -> None:
        """
        Return if the log answers and has the topics.

        Raises:
            LogNotReadyError: It does not; the text says why.
        """

    async def beginnings(self, topics: Sequence[str]) -> Mapping[Place, int]:
        """The offset of the first record still kept, by partition."""

    async def ends(self, topics: Sequence[str]) -> Mapping[Place, int]:
        """The offset after the last record, by partition."""

    async def publisher(self, topic: str) -> Publisher:
        """A writer of `topic`. Raises LogNotReadyError."""

    def mover(self, topic: str, outbox: Database) -> Mover | None:
        """A mover from that outbox, if the log is kept in the same database; else None."""

    async def reader(self, group: str, topics: Sequence[str], positions: Positions) -> Reader:
        """
        Join the group that reads `topics`.

        Args:
            positions: Asked whenever partitions become ours.
        Raises:
            LogNotReadyError: A topic is missing, or the log does not answer.
        """

    async def publish_watermark(self, topic: str, time: datetime, ends: Sequence[int]) -> None:
        """Promise that every fact recorded before `time` stands below `ends`, by partition."""

    async def watermarks(self, topics: Sequence[str]) -> Mapping[Place, Watermark]:
        """The newest promise for each partition; without one, it is left out."""

    async def close(self) -> None:
        """Give everything back within a few seconds."""


def reached(
    marks: Mapping[Place, Watermark], positions: Mapping[Place, int], topic: str, partitions: int
) -> datetime | None:
    """
    The time before which a reader at `positions` knows every fact of `topic`.

    Returns:
        None if a partition has no promise, or one that the reader has not reached: then what
        was reached before still holds.
    """
    places = [(topic, partition) for partition in range(partitions)]
    if any(at not in marks or positions.get(at, 0) < marks[at].offset for at in places):
        return None
    return min(marks[at].time for at in places)


class Promised:
    """
    The promises that a reader has not reached yet.

    A reader that lags is always behind the newest promise, but has long reached older ones: so
    they are kept until it has.
    """

    def __init__(self, partitions: int, *, most: int = 600) -> None:
        """Of more than `most` per topic every second one is dropped, the newest kept."""
        self._partitions = partitions
        self._most = most
        self._waiting: dict[str, list[Mapping[Place, Watermark]]] = {}

    def reached(
        self, marks: Mapping[Place, Watermark], positions: Mapping[Place, int], topic: str
    ) -> datetime | None:
        """
        As the function `reached`, for the newest of all promises heard of so far.

        Args:
            marks: The newest ones, from `Log.watermarks`.
        """
        waiting = self._waiting.setdefault(topic, [])
        newest = {at: mark for at, mark in marks.items() if at[0] == topic}
        if newest and (not waiting or waiting[-1] != newest):
            waiting.append(newest)
        if len(waiting) > self._most:
            del waiting[-2::-2]
        for number in range(len(waiting) - 1, -1, -1):
            moment = reached(waiting[number], positions, topic, self._partitions)
            if moment is not None:
                del waiting[:number]
                return moment
        return None
