"""How far a consumer has got: rows beside its effects, moved in the same transaction."""

from collections.abc import Collection, Mapping
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.log.port import Place

_ENSURE: Final = """
    INSERT INTO {schema}.positions (consumer, topic, partition, next)
    SELECT :consumer, topic, partition, 0
    FROM unnest(CAST(:topics AS text[]), CAST(:partitions AS int[])) AS wanted (topic, partition)
    ON CONFLICT DO NOTHING"""

_FIND: Final = """
    SELECT at.topic, at.partition, at.next FROM {schema}.positions AS at
    JOIN unnest(CAST(:topics AS text[]), CAST(:partitions AS int[])) AS wanted (topic, partition)
        USING (topic, partition)
    WHERE at.consumer = :consumer"""

_LOCK: Final = f"{_FIND} ORDER BY at.topic, at.partition FOR UPDATE OF at SKIP LOCKED"

_MOVE: Final = """
    UPDATE {schema}.positions AS at SET next = new.next
    FROM unnest(CAST(:topics AS text[]), CAST(:partitions AS int[]), CAST(:nexts AS bigint[]))
        AS new (topic, partition, next)
    WHERE at.consumer = :consumer AND at.topic = new.topic AND at.partition = new.partition"""


class Positions:
    """The offset of the first record that a consumer has not taken in, by partition."""

    def __init__(self, schema: str, consumer: str) -> None:
        self._consumer = consumer
        self._ensure, self._find, self._lock, self._move = (
            text(sql.replace("{schema}", schema)) for sql in (_ENSURE, _FIND, _LOCK, _MOVE)
        )

    async def find(self, tx: AsyncConnection, places: Collection[Place]) -> dict[Place, int]:
        """Where reading goes on; partitions never read before begin at 0."""
        given = self._given(places)
        await tx.execute(self._ensure, given)
        rows = await tx.execute(self._find, given)
        return {(topic, partition): following for topic, partition, following in rows}

    async def lock(self, tx: AsyncConnection, places: Collection[Place]) -> dict[Place, int]:
        """The same, ours until the commit; those that another replica holds are left out."""
        rows = await tx.execute(self._lock, self._given(places))
        return {(topic, partition): following for topic, partition, following in rows}

    async def move(self, tx: AsyncConnection, positions: Mapping[Place, int]) -> None:
        """Go on to `positions`."""
        given = {**self._given(positions), "nexts": list(positions.values())}
        await tx.execute(self._move, given)

    def _given(self, places: Collection[Place]) -> dict[str, object]:
        return {
            "consumer": self._consumer,
            "topics": [topic for topic, _ in places],
            "partitions": [partition for _, partition in places],
        }
