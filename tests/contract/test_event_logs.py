"""One suite for every event log: what holds in PostgreSQL holds in Kafka, and the other way round."""

import asyncio
import secrets
import time
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from otklik_common.log.port import (
    Log,
    LogGapError,
    LogNotReadyError,
    Place,
    Watermark,
    reached,
)
from tests.support.log_probe.probe import fresh_topic
from tests.support.log_worlds import (
    LogWorld,
    a_reader,
    fetch_all,
    from_the_start,
    numbered,
    partition_of,
    records_of,
    write,
)

pytestmark = pytest.mark.asyncio

NOW = datetime(2026, 3, 2, 9, 14, 6, 120001, tzinfo=UTC)


async def test_what_was_written_is_read_whole_and_in_order(log: Log, topic: str) -> None:
    rows = numbered(300)
    await write(log, topic, rows[:100])
    await write(log, topic, rows[100:])
    reader = await a_reader(log, topic)
    slices = await fetch_all(reader, 300)
    by_key: dict[str, list[bytes]] = {}
    for record in records_of(slices):
        by_key.setdefault(record.key, []).append(record.value)
    for key, values in by_key.items():
        assert values == [value for name, value in rows if name == key]
    assert sum(map(len, by_key.values())) == 300
    await reader.close()


async def test_a_group_with_slow_positions_reads_all_the_same(log: Log, topic: str) -> None:
    await write(log, topic, numbered(30))

    async def slowly(places: Collection[Place]) -> Mapping[Place, int]:
        await asyncio.sleep(0.5)
        return {at: 1 for at in places if at[1] == partition_of("contact/1")}

    reader = await log.reader(f"g-{secrets.token_hex(4)}", [topic], slowly)
    values = {record.value for record in records_of(await fetch_all(reader, 29))}
    assert {value for _, value in numbered(30)} - values == {b"1"}
    await reader.close()


async def test_a_key_stands_where_kafkas_own_client_would_put_it(log: Log, topic: str) -> None:
    keys = ["", "a", "ab", "abc", "abcd", "ключ", *(secrets.token_hex(n) for n in range(1, 40))]
    await write(log, topic, [(key, b"x") for key in keys])
    reader = await a_reader(log, topic)
    for record in records_of(await fetch_all(reader, len(keys))):
        assert (record.topic, record.partition) == (topic, partition_of(record.key))
    await reader.close()


async def test_offsets_begin_at_zero_and_have_no_holes(log: Log, topic: str) -> None:
    for first in range(0, 60, 20):
        await write(log, topic, numbered(20, first=first))
    reader = await a_reader(log, topic)
    slices = await fetch_all(reader, 60, most=7)
    offsets: dict[Place, list[int]] = {}
    for part in slices:
        assert part.start == len(offsets.get(part.place, []))
        offsets.setdefault(part.place, []).extend(record.offset for record in part.records)
        assert part.next == len(offsets[part.place])
    for found in offsets.values():
        assert found == list(range(len(found)))
    ends = await log.ends([topic])
    assert len(ends) == log.partitions
    assert {place: end for place, end in ends.items() if end} == {
        place: len(found) for place, found in offsets.items()
    }
    assert set((await log.beginnings([topic])).values()) == {0}
    await reader.close()


async def test_no_more_is_fetched_than_was_asked_for(log: Log, topic: str) -> None:
    await write(log, topic, numbered(100))
    reader = await a_reader(log, topic)
    for part in [await reader.fetch(10, 2.0) for _ in range(8)]:
        assert sum(len(found.records) for found in part) <= 10
    await reader.close()


async def test_reading_goes_on_at_the_positions_given(log: Log, topic: str) -> None:
    await write(log, topic, [("contact/1", str(n).encode()) for n in range(10)])
    place = (topic, partition_of("contact/1"))
    reader = await a_reader(log, topic, at={place: 6})
    slices = await fetch_all(reader, 4)
    assert [record.value for record in records_of(slices)] == [b"6", b"7", b"8", b"9"]
    assert slices[0].start == 6
    assert reader.assigned() == {(topic, number) for number in range(log.partitions)}
    assert reader.ends()[place] == 10
    await reader.close()


async def test_reading_goes_back_to_where_it_is_sent(log: Log, topic: str) -> None:
    await write(log, topic, [("contact/1", str(n).encode()) for n in range(10)])
    place = (topic, partition_of("contact/1"))
    reader = await a_reader(log, topic)
    await fetch_all(reader, 10)
    reader.seek(place, 7)
    slices = await fetch_all(reader, 3)
    assert slices[0].start == 7
    assert [record.value for record in records_of(slices)] == [b"7", b"8", b"9"]
    reader.seek((topic, 99), 7)
    await reader.close()


async def test_a_seek_during_a_fetch_leaves_no_hole(log: Log, topic: str) -> None:
    await write(log, topic, [("contact/1", str(n).encode()) for n in range(200)])
    place = (topic, partition_of("contact/1"))
    reader = await a_reader(log, topic)
    await fetch_all(reader, 200)
    known = 200
    for back in (150, 20, 190, 0):
        reader.seek(place, back)
        fetching = asyncio.create_task(reader.fetch(5, 1.0))
        await asyncio.sleep(0)
        reader.seek(place, back)
        known = back
        for slices in [await fetching, *[await reader.fetch(5, 1.0) for _ in range(4)]]:
            for part in slices:
                assert part.start == known == part.records[0].offset
                known = part.next
    await reader.close()


async def test_a_reader_waits_for_what_comes(log: Log, topic: str) -> None:
    reader = await a_reader(log, topic)
    await fetch_all(reader, 0)
    began = time.monotonic()
    assert await reader.fetch(10, 0.3) == []
    assert time.monotonic() - began >= 0.25
    fetching = asyncio.create_task(fetch_all(reader, 1))
    await asyncio.sleep(0.1)
    await write(log, topic, [("contact/1", b"1")])
    written_at = time.monotonic()
    await fetching
    assert time.monotonic() - written_at < 3
    await reader.close()


async def test_groups_do_not_take_from_each_other(log: Log, topic: str) -> None:
    await write(log, topic, numbered(50))
    first, second = await a_reader(log, topic), await a_reader(log, topic)
    assert len(records_of(await fetch_all(first, 50))) == 50
    assert len(records_of(await fetch_all(second, 50))) == 50
    await first.close()
    await second.close()


async def test_a_group_reads_several_topics(log: Log, topic: str) -> None:
    other = fresh_topic()
    await log.ensure_topics([other])
    await write(log, topic, numbered(20))
    await write(log, other, numbered(30))
    reader = await a_reader(log, topic, other)
    slices = await fetch_all(reader, 50)
    assert {part.place[0] for part in slices} == {topic, other}
    assert len(reader.assigned()) == 2 * log.partitions
    await reader.close()


async def test_the_largest_rows_of_an_outbox_pass(log: Log, topic: str) -> None:
    big = secrets.token_bytes(262_144)
    await write(log, topic, [("contact/1", big), ("contact/1", b"small"), ("contact/1", big)] * 3)
    reader = await a_reader(log, topic)
    values = [record.value for record in records_of(await fetch_all(reader, 9))]
    assert values == [big, b"small", big] * 3
    await reader.close()


async def test_a_missing_topic_is_said_and_nothing_of_it_is_skipped(log: Log) -> None:
    name = fresh_topic()
    missing = pytest.raises(LogNotReadyError, match=f"{name} is missing")
    with missing:
        await log.ready([name])
    with missing:
        await log.ends([name])
    with missing:
        await log.publisher(name)
    with missing:
        await log.reader(f"g-{name}", [name], from_the_start)
    await log.ensure_topics([name])
    await write(log, name, numbered(5))
    reader = await log.reader(f"g-{name}", [name], from_the_start)
    await fetch_all(reader, 5)
    await reader.close()


async def test_making_topics_again_changes_nothing(log: Log, topic: str) -> None:
    await write(log, topic, numbered(5))
    await log.ensure_topics([topic])
    await log.ready([topic])
    assert sum((await log.ends([topic])).values()) == 5


async def test_a_topic_of_another_shape_is_refused(log: Log, world: LogWorld) -> None:
    name = fresh_topic()
    await world.make_topic(name, 3)
    with pytest.raises(LogNotReadyError, match=f"{name} has 3 partitions, not 12"):
        await log.ensure_topics([name])
    with pytest.raises(LogNotReadyError, match="3 partitions"):
        await log.reader("g", [name], from_the_start)


async def test_records_no_longer_kept_are_not_passed_over(
    log: Log, topic: str, world: LogWorld
) -> None:
    await write(log, topic, [("contact/1", str(n).encode()) for n in range(10)])
    place = (topic, partition_of("contact/1"))
    await world.forget(topic, place[1], 5)
    assert (await log.beginnings([topic]))[place] == 5
    for position in (0, 4, 11):
        reader = await a_reader(log, topic, at={place: position})
        with pytest.raises(LogGapError, match=topic):
            await fetch_all(reader, 5)
        await reader.close()
    reader = await a_reader(log, topic, at={place: 5})
    assert records_of(await fetch_all(reader, 5))[0].value == b"5"
    await reader.close()


async def test_a_topic_that_vanishes_is_noticed(log: Log, topic: str, world: LogWorld) -> None:
    await log.ready([topic])
    await world.drop_topic(topic)

    async def watch() -> None:
        while True:
            try:
                await log.ends([topic])
            except LogNotReadyError as said:
                # Caught in the middle of vanishing, Kafka's client only says that it waited.
                if "missing" in str(said):
                    raise
            await asyncio.sleep(0.2)

    with pytest.raises(LogNotReadyError, match=f"{topic} is missing"):
        await asyncio.wait_for(watch(), 15)


async def test_a_position_is_asked_for_every_partition(log: Log, topic: str) -> None:
    asked: set[Place] = set()

    async def positions(places: Collection[Place]) -> Mapping[Place, int]:
        asked.update(places)
        return {}

    reader = await log.reader(f"g-{topic}", [topic], positions)
    async with asyncio.timeout(10):
        while len(asked) < log.partitions:
            await reader.fetch(1, 0.1)
    assert asked == {(topic, number) for number in range(log.partitions)}
    await reader.close()


async def test_telling_lag_tools_moves_nobody(log: Log, topic: str) -> None:
    await write(log, topic, [("contact/1", str(n).encode()) for n in range(10)])
    place = (topic, partition_of("contact/1"))
    group = f"g-{topic}"
    reader = await log.reader(group, [topic], from_the_start)
    await fetch_all(reader, 10)
    await reader.note({place: 10})
    await reader.close()
    again = await log.reader(group, [topic], from_the_start)
    assert len(records_of(await fetch_all(again, 10))) == 10
    await again.close()


async def test_the_newest_promise_holds(log: Log, topic: str) -> None:
    other = fresh_topic()
    await log.ensure_topics([other])
    assert await log.watermarks([topic]) == {}
    ends = list(range(log.partitions))
    await log.publish_watermark(topic, NOW, ends)
    later = NOW + timedelta(microseconds=1)
    await log.publish_watermark(topic, later, [end + 1 for end in ends])
    await log.publish_watermark(topic, NOW, ends)
    await log.publish_watermark(other, NOW, ends)
    assert await log.watermarks([topic]) == {
        (topic, number): Watermark(number + 1, later) for number in range(log.partitions)
    }
    assert len(await log.watermarks([topic, other])) == 2 * log.partitions


async def test_who_asks_for_promises_does_not_wait_for_new_ones(log: Log, topic: str) -> None:
    await log.publish_watermark(topic, NOW, [0] * log.partitions)
    await log.watermarks([topic])
    began = time.monotonic()
    for _ in range(5):
        assert await log.watermarks([topic])
    # A consumer asks once a second and takes nothing in meanwhile.
    assert time.monotonic() - began < 1.0


async def test_a_promise_is_reached_when_every_partition_is(log: Log, topic: str) -> None:
    await write(log, topic, numbered(50))
    publisher = await log.publisher(topic)
    await log.publish_watermark(topic, NOW, await publisher.ends())
    marks = await log.watermarks([topic])
    ends = dict(await log.ends([topic]))
    assert reached(marks, ends, topic, log.partitions) == NOW
    busy = next(place for place, end in ends.items() if end)
    assert reached(marks, {**ends, busy: ends[busy] - 1}, topic, log.partitions) is None
    assert reached({}, ends, topic, log.partitions) is None


async def test_a_log_closes_soon_and_opens_again(log: Log, topic: str) -> None:
    await write(log, topic, numbered(5))
    began = time.monotonic()
    await log.close()
    assert time.monotonic() - began < 5
    assert sum((await log.ends([topic])).values()) == 5
