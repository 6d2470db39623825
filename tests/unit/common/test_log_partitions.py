"""A key's partition is the one that Kafka's own clients choose, whoever writes it."""

import pytest
from aiokafka.partitioner import murmur2
from hypothesis import given
from hypothesis import strategies as st

from otklik_common.log.partition import partitions_of, ranks_of


@given(st.lists(st.binary(max_size=70), max_size=50), st.integers(1, 200))
def test_many_keys_at_once_hash_like_one(keys: list[bytes], partitions: int) -> None:
    expected = [(murmur2(key) & 0x7FFFFFFF) % partitions for key in keys]
    assert partitions_of(keys, partitions).tolist() == expected


# Source: org.apache.kafka.common.utils.UtilsTest.testMurmur2 (signed 32-bit numbers).
@pytest.mark.parametrize(
    ("key", "hashed"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_hashes_are_those_of_kafkas_own_test(key: bytes, hashed: int) -> None:
    partitions = 1_000_003
    assert partitions_of([key], partitions).tolist() == [(hashed & 0x7FFFFFFF) % partitions]


@given(st.lists(st.sampled_from([b"a", b"bb", b"ccc", b"dddd", b"e"]), max_size=60))
def test_ranks_count_what_stands_before_in_the_same_partition(keys: list[bytes]) -> None:
    places = partitions_of(keys, 4)
    ranks, counts = ranks_of(places, 4)
    seen = [0] * 4
    for place, rank in zip(places.tolist(), ranks, strict=True):
        assert rank == seen[place]
        seen[place] += 1
    assert counts == seen
