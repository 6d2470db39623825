"""The event log in PostgreSQL: the same records, read the same way, without a broker."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final

import asyncpg

from otklik_common.db import (
    ANSWER_SECONDS,
    CLIENT_CHECK_SECONDS,
    LOCK_TIMEOUT_MS,
    PROMPT_SECONDS,
    Database,
    connect_arguments,
    url_of,
)
from otklik_common.failpoints import failpoint
from otklik_common.log.partition import partitions_of, ranks_of
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
from otklik_common.log.table_reader import Heads, TableReader
from otklik_common.log.tables import SCHEMA
from otklik_common.settings import Settings

CONNECTIONS: Final = 4
CLOSE_SECONDS: Final = 3

# Offsets come from the topic's row: its lock, held until the commit, keeps them without holes
# and in the order in which they become visible. The schema is put in for {schema}, since the
# name of a table cannot be a parameter.
_MOVE: Final = """
    WITH head AS (
        UPDATE log.topics SET next = (
            SELECT array_agg(n + added ORDER BY o)
            FROM unnest(next, $2::bigint[]) WITH ORDINALITY AS counted (n, added, o))
        WHERE topic = $1 RETURNING old.next AS base),
    gone AS (
        DELETE FROM {schema}.outbox WHERE id = ANY ($3::bigint[]) RETURNING id, key, payload)
    INSERT INTO log.records (topic, partition, "offset", key, value)
    SELECT $1, place.partition, head.base[place.partition + 1] + place.rank, gone.key, gone.payload
    FROM gone
    JOIN unnest($3::bigint[], $4::int[], $5::int[]) AS place (id, partition, rank) USING (id)
    CROSS JOIN head"""

_APPEND: Final = """
    WITH head AS (
        UPDATE log.topics SET next = (
            SELECT array_agg(n + added ORDER BY o)
            FROM unnest(next, $2::bigint[]) WITH ORDINALITY AS counted (n, added, o))
        WHERE topic = $1 RETURNING old.next AS base)
    INSERT INTO log.records (topic, partition, "offset", key, value)
    SELECT $1, new.partition, head.base[new.partition + 1] + new.rank, new.key, new.value
    FROM unnest($3::int[], $4::int[], $5::text[], $6::bytea[])
        AS new (partition, rank, key, value)
    CROSS JOIN head"""

_ENSURE: Final = """
    INSERT INTO log.topics (topic, first, next)
    SELECT topic, array_fill(0::bigint, ARRAY[$2::int]), array_fill(0::bigint, ARRAY[$2::int])
    FROM unnest($1::text[]) AS wanted (topic) ON CONFLICT (topic) DO NOTHING"""

_PROMISE: Final = """
    INSERT INTO log.watermarks AS known (topic, time, ends) VALUES ($1, $2, $3)
    ON CONFLICT (topic) DO UPDATE SET time = excluded.time, ends = excluded.ends
    WHERE known.time < excluded.time"""

moved = failpoint("relay.moved", "rows went from the outbox to the log's table, not committed")


class TableLog:
    """The log of all services that share one PostgreSQL database with the schema `log`."""

    def __init__(self, settings: Settings) -> None:
        self._partitions = settings.partitions
        self._arguments = connect_arguments(url_of(settings, SCHEMA, "worker"))
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()
        self._heads = Heads(self._read_heads)

    @property
    def partitions(self) -> int:
        """How many partitions each topic has."""
        return self._partitions

    async def ensure_topics(self, topics: Sequence[str]) -> None:
        """Make the topics that are missing."""
        async with self.connection() as connection:
            await connection.execute(_ENSURE, sorted(topics), self._partitions)
        await self.ready(topics)

    async def ready(self, topics: Sequence[str]) -> None:
        """Return if the database answers and has the topics; raise LogNotReadyError if not."""
        await self._bounds(topics)

    async def beginnings(self, topics: Sequence[str]) -> Mapping[Place, int]:
        """The offset of the first record still kept, by partition."""
        return {at: first for at, (first, _) in (await self._bounds(topics)).items()}

    async def ends(self, topics: Sequence[str]) -> Mapping[Place, int]:
        """The offset after the last record, by partition."""
        return {at: end for at, (_, end) in (await self._bounds(topics)).items()}

    async def publisher(self, topic: str) -> Publisher:
        """A writer of `topic`, for outboxes in another database."""
        await self.ready([topic])
        return _TablePublisher(self, topic)

    def mover(self, topic: str, outbox: Database) -> Mover | None:
        """A mover from that outbox, if it is in the log's own database."""
        theirs = connect_arguments(outbox.url)
        if any(theirs[part] != self._arguments[part] for part in ("host", "port", "database")):
            return None
        return _TableMover(self, topic, outbox.schema)

    async def reader(self, group: str, topics: Sequence[str], positions: Positions) -> Reader:
        """Read all partitions: what several members of a group read twice changes nothing."""
        del group
        await self._bounds(topics)
        places = [(topic, number) for topic in topics for number in range(self._partitions)]
        self._heads.open()
        return TableReader(
            self.connection, self._heads, {**dict.fromkeys(places, 0), **await positions(places)}
        )

    async def publish_watermark(self, topic: str, time: datetime, ends: Sequence[int]) -> None:
        """Keep the promise; one row per topic, replaced."""
        async with self.connection() as connection:
            await connection.execute(_PROMISE, topic, time, list(ends))

    async def watermarks(self, topics: Sequence[str]) -> Mapping[Place, Watermark]:
        """The newest promise for each partition."""
        async with self.connection() as connection:
            rows = await connection.fetch(
                "SELECT topic, time, ends FROM log.watermarks WHERE topic = ANY ($1)", list(topics)
            )
        return {
            (topic, partition): Watermark(end, moment)
            for topic, moment, ends in rows
            for partition, end in enumerate(ends)
        }

    async def close(self) -> None:
        """Give everything back."""
        await self._heads.close()
        pool, self._pool = self._pool, None
        if pool is not None:
            try:
                await asyncio.wait_for(pool.close(), CLOSE_SECONDS)
            except TimeoutError:
                pool.terminate()

    def stir(self) -> None:
        """Readers in this process look at once: something was written."""
        self._heads.stir()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """A connection of the log's worker role. Raises LogNotReadyError."""
        try:
            pool = await self._open()
            async with pool.acquire(timeout=10) as connection:
                yield connection
        except (
            OSError,
            TimeoutError,
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
            asyncpg.InternalClientError,
        ) as broken:
            state = getattr(broken, "sqlstate", None) or "no answer"
            raise LogNotReadyError(
                f"the log's database fails: {type(broken).__name__} ({state})"
            ) from broken

    async def _open(self) -> asyncpg.Pool:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    min_size=0,
                    max_size=CONNECTIONS,
                    timeout=10,
                    command_timeout=PROMPT_SECONDS + ANSWER_SECONDS,
                    server_settings={
                        "application_name": "otklik_log",
                        "statement_timeout": f"{PROMPT_SECONDS}s",
                        "lock_timeout": str(LOCK_TIMEOUT_MS),
                        "client_connection_check_interval": f"{CLIENT_CHECK_SECONDS}s",
                        "jit": "off",
                    },
                    **self._arguments,
                )
            return self._pool

    async def _bounds(self, topics: Sequence[str]) -> dict[Place, tuple[int, int]]:
        heads = await self._read_heads()
        check_topics(heads, topics, self._partitions)
        return {at: bounds for at, bounds in heads.items() if at[0] in topics}

    async def _read_heads(self) -> dict[Place, tuple[int, int]]:
        async with self.connection() as connection:
            rows = await connection.fetch("SELECT topic, first, next FROM log.topics")
        return {
            (topic, partition): bounds
            for topic, first, following in rows
            for partition, bounds in enumerate(zip(first, following, strict=True))
        }


def check_topics(known: Mapping[Place, Any], topics: Sequence[str], partitions: int) -> None:
    """Raise LogNotReadyError unless every topic is known with that number of partitions."""
    for topic in topics:
        found = sum(1 for at in known if at[0] == topic)
        if found == 0:
            raise LogNotReadyError(f"topic {topic} is missing: run `otklik migrate`")
        if found != partitions:
            raise TopicShapeError(f"topic {topic} has {found} partitions, not {partitions}")


class _TableMover:
    def __init__(self, log: TableLog, topic: str, schema: str) -> None:
        self._log = log
        self._topic = topic
        self._statement = _MOVE.replace("{schema}", f'"{schema}"')

    async def move(
        self, connection: asyncpg.Connection, ids: Sequence[int], keys: Sequence[str]
    ) -> None:
        """Move these rows of the outbox, in this order."""
        places = partitions_of([key.encode() for key in keys], self._log.partitions)
        ranks, counts = ranks_of(places, self._log.partitions)
        async with connection.transaction():
            done = await connection.execute(
                self._statement, self._topic, counts, list(ids), places.tolist(), ranks
            )
            _check_moved(done, len(ids), self._topic)
            moved()
        self._log.stir()


class _TablePublisher:
    def __init__(self, log: TableLog, topic: str) -> None:
        self._log = log
        self._topic = topic

    async def send(self, keys: Sequence[str], values: Sequence[bytes]) -> None:
        """Keep the records in one transaction; sent again after a failure, they may stand twice."""
        places = partitions_of([key.encode() for key in keys], self._log.partitions)
        ranks, counts = ranks_of(places, self._log.partitions)
        async with self._log.connection() as connection, connection.transaction():
            done = await connection.execute(
                _APPEND, self._topic, counts, places.tolist(), ranks, list(keys), list(values)
            )
            _check_moved(done, len(keys), self._topic)
        self._log.stir()

    async def ends(self) -> Sequence[int]:
        """The offset after the last record, by partition."""
        ends = await self._log.ends([self._topic])
        return [ends[self._topic, partition] for partition in range(self._log.partitions)]


def _check_moved(answer: str, wanted: int, topic: str) -> None:
    """Offsets were given for `wanted` rows: with fewer there would be a hole, so undo it all."""
    moved = int(answer.rsplit(" ", 1)[-1])
    if moved != wanted:
        raise LogNotReadyError(f"{moved} of {wanted} rows could be moved to {topic}: is it there?")
