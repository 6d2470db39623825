"""What a client gives in pieces is one fetch; what breaks behind them is said at the next."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError

from otklik_common.log import kafka_reader
from otklik_common.log.kafka_reader import KafkaReader
from otklik_common.log.port import LogNotReadyError

pytestmark = pytest.mark.asyncio
TOPIC = "otklik.probe"


class Client:
    """Gives what it is told to, a piece a call."""

    def __init__(self, *pieces: Any) -> None:
        self._pieces = list(pieces)
        self.asked: list[tuple[int, int]] = []

    async def getmany(self, *, timeout_ms: int, max_records: int) -> Any:
        """The next piece, or what is wrong."""
        self.asked.append((timeout_ms, max_records))
        piece = self._pieces.pop(0) if self._pieces else {}
        if isinstance(piece, Exception):
            raise piece
        return {
            TopicPartition(TOPIC, partition): [
                SimpleNamespace(offset=offset, key=b"k", value=b"v") for offset in offsets
            ]
            for partition, offsets in piece.items()
        }


def a_reader(client: Client) -> KafkaReader:
    """It has the partitions 0 and 1, from their start."""

    async def positions(_: Any) -> dict[Any, int]:
        return {}

    reader = KafkaReader("probe", [TOPIC], client, positions)
    reader._next = {(TOPIC, 0): 0, (TOPIC, 1): 0}
    return reader


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three records a piece."""
    monkeypatch.setattr(kafka_reader, "PIECE", 3)


async def test_full_pieces_are_followed_by_others_without_waiting() -> None:
    client = Client({0: [0, 1], 1: [0]}, {0: [2, 3, 4]}, {1: [1]})
    found = await a_reader(client).fetch(100, 0.5)
    assert [(part.place[1], part.start, part.next, len(part.records)) for part in found] == [
        (0, 0, 5, 5),
        (1, 0, 2, 2),
    ]
    assert client.asked == [(500, 3), (0, 3), (0, 3)]


async def test_no_more_is_taken_than_was_wanted() -> None:
    client = Client({0: [0, 1, 2]}, {0: [3]}, {0: [4]})
    (part,) = await a_reader(client).fetch(4, 0.5)
    assert (part.next, len(part.records)) == (4, 4)
    assert client.asked == [(500, 3), (0, 1)]


async def test_what_came_before_it_broke_is_handed_over_first() -> None:
    reader = a_reader(Client({0: [0, 1, 2]}, KafkaConnectionError("gone"), {1: [0]}))
    (part,) = await reader.fetch(100, 0.5)
    assert part.next == 3
    with pytest.raises(LogNotReadyError):
        await reader.fetch(100, 0.5)
    (part,) = await reader.fetch(100, 0.5)
    assert part.place == (TOPIC, 1)


async def test_what_breaks_at_once_is_said_at_once() -> None:
    with pytest.raises(LogNotReadyError):
        await a_reader(Client(KafkaConnectionError("gone"))).fetch(100, 0.5)


@pytest.mark.parametrize("elsewhere", [1, 7])
async def test_a_piece_from_elsewhere_takes_the_place_of_those_before(elsewhere: int) -> None:
    """As when reading is sent there, back or forth, while the first piece is here already."""
    reader = a_reader(Client({0: [0, 1, 2]}, {0: [elsewhere, elsewhere + 1]}))
    fetching = asyncio.create_task(reader.fetch(100, 0.5))
    await asyncio.sleep(0)
    reader._next[TOPIC, 0] = elsewhere  # as `seek` does
    (part,) = await fetching
    assert (part.start, part.next) == (elsewhere, elsewhere + 2)
    assert [record.offset for record in part.records] == [elsewhere, elsewhere + 1]


async def test_what_has_come_is_not_held_while_partitions_are_shared_out_anew() -> None:
    client = Client({0: [0, 1, 2]}, {0: [3]})
    reader = a_reader(client)
    fetching = asyncio.create_task(reader.fetch(100, 0.5))
    await asyncio.sleep(0)
    await reader.on_partitions_revoked([TopicPartition(TOPIC, 0), TopicPartition(TOPIC, 1)])
    (part,) = await fetching
    assert part.next == 3
    assert len(client.asked) == 1
