"""What one fetch gives is unpacked in pieces, and nobody can tell."""

import asyncio

import pytest

from otklik_common.log import kafka_reader
from otklik_common.log.kafka import KafkaLog
from otklik_common.log.port import Log, Place
from tests.support.log_worlds import a_reader, fetch_all, numbered, partition_of, write

pytestmark = pytest.mark.asyncio


async def test_one_fetch_of_many_pieces_is_as_good_as_of_one(
    log: Log, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_reader, "PIECE", 7)
    await write(log, topic, numbered(300))
    reader = await a_reader(log, topic)
    following: dict[Place, int] = {}
    count = 0
    while count < 300:
        found = await reader.fetch(100, 1.0)
        assert len({part.place for part in found}) == len(found), "a partition comes as one slice"
        assert sum(len(part.records) for part in found) <= 100
        for part in found:
            assert part.start == following.get(part.place, 0)
            assert [record.offset for record in part.records] == list(range(part.start, part.next))
            following[part.place] = part.next
            count += len(part.records)
    assert count == 300
    await reader.close()


async def test_between_two_pieces_others_go_on(
    log: Log, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not isinstance(log, KafkaLog):
        return  # the table's driver hands rows on by itself
    monkeypatch.setattr(kafka_reader, "PIECE", 5)
    await write(log, topic, numbered(300, keys=1))
    reader = await a_reader(log, topic)
    while not await reader.fetch(1, 1.0):
        pass
    await asyncio.sleep(0.5)  # the rest lies in the client by now
    turns = 0

    async def another() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(another())
    found = await reader.fetch(200, 1.0)
    beside.cancel()
    assert sum(len(part.records) for part in found) == 200
    assert turns >= 200 // 5 - 1
    await reader.close()


async def test_who_is_sent_elsewhere_between_two_pieces_goes_on_from_there(
    log: Log, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_reader, "PIECE", 5)
    await write(log, topic, numbered(300, keys=1))
    place = (topic, partition_of("contact/0"))
    reader = await a_reader(log, topic)
    while not await reader.fetch(1, 1.0):
        pass
    await asyncio.sleep(0.5)
    fetching = asyncio.create_task(reader.fetch(200, 1.0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    reader.seek(place, 50)
    found = await fetching
    if not found:  # nothing of it had come, or it was for the old place
        found = await fetch_all(reader, 200, most=200)
    (part,) = found
    assert part.place == place
    assert [record.offset for record in part.records] == list(range(part.start, part.next))
    assert part.start in (1, 50)
    (after,) = await fetch_all(reader, 10, most=10)
    assert after.start == (part.next if part.start == 50 else 50)
    await reader.close()
