"""Writing a topic in Kafka: whole batches per partition, and no second try in one process."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer

from otklik_common.log.partition import partitions_of

Ask = Callable[[], Awaitable[Sequence[int]]]


class KafkaPublisher:
    """Writes one topic through the process's idempotent producer."""

    def __init__(
        self, producer: AIOKafkaProducer, topic: str, ends: Sequence[int], ask: Ask
    ) -> None:
        """`ask` brings the ends from the broker, for when an answer did not tell them."""
        self._producer = producer
        self._topic = topic
        self._ends = list(ends)
        self._exact = True
        self._ask = ask

    async def send(self, keys: Sequence[str], values: Sequence[bytes]) -> None:
        """
        Return when the broker has everything.

        With idempotence the client sends a batch again until it is answered, even if nobody
        waits for it any more: whoever gives up must end the process.
        """
        names = [key.encode() for key in keys]
        places = partitions_of(names, len(self._ends)).tolist()
        rows: list[list[int]] = [[] for _ in self._ends]
        for row, place in enumerate(places):
            rows[place].append(row)
        await asyncio.gather(
            *(
                self._send(partition, [names[row] for row in mine], [values[row] for row in mine])
                for partition, mine in enumerate(rows)
                if mine
            )
        )

    async def ends(self) -> Sequence[int]:
        """The offset after the last record, by partition."""
        if not self._exact:
            self._ends = list(await self._ask())
            self._exact = True
        return list(self._ends)

    async def _send(self, partition: int, keys: Sequence[bytes], values: Sequence[bytes]) -> None:
        """One partition's records; a batch waits for a place behind the one before it."""
        batches = self._batches(keys, values)
        answers = [
            await self._producer.send_batch(batch, self._topic, partition=partition)
            for batch in batches
        ]
        for answer, batch in zip(answers, batches, strict=True):
            first = (await answer).offset
            if 0 <= first < self._ends[partition]:
                raise RuntimeError(f"{self._topic}/{partition} has given offset {first} before")
            self._ends[partition] = first + batch.record_count()
            # A broker that knew the batch already does not say where it stands.
            self._exact = self._exact and first >= 0

    def _batches(self, keys: Sequence[bytes], values: Sequence[bytes]) -> list[Any]:
        batches = [self._producer.create_batch()]
        for key, value in zip(keys, values, strict=True):
            if batches[-1].append(timestamp=None, key=key, value=value) is None:
                batches.append(self._producer.create_batch())
                fits = batches[-1].append(timestamp=None, key=key, value=value)
                assert fits is not None, f"a record of {len(value)} bytes fits no batch"
        for batch in batches:
            # Nothing is to be added: it may go at once.
            batch.close()
        return batches
