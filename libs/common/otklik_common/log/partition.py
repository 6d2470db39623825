"""Which partition a key belongs to: murmur2 as in Kafka's own clients, for many keys at once."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

_SEED: Final = np.uint32(0x9747B28C)
_M: Final = np.uint32(0x5BD1E995)
_R: Final = np.uint32(24)


def partitions_of(keys: Sequence[bytes], partitions: int) -> NDArray[np.int64]:
    """
    The partition of each key, as the default partitioner of Kafka's Java client says.

    Source: org.apache.kafka.common.utils.Utils.murmur2 and toPositive.
    """
    found = np.empty(len(keys), dtype=np.int64)
    lengths = np.fromiter(map(len, keys), dtype=np.int64, count=len(keys))
    # Keys are `kind/uuid`: a handful of lengths, each hashed as one array.
    for length in np.unique(lengths).tolist():
        at = np.flatnonzero(lengths == length)
        same = b"".join([keys[index] for index in at.tolist()])
        table = np.frombuffer(same, dtype=np.uint8).reshape(len(at), length)
        found[at] = (_murmur2(table) & np.uint32(0x7FFFFFFF)).astype(np.int64) % partitions
    return found


def ranks_of(partitions: NDArray[np.int64], count: int) -> tuple[list[int], list[int]]:
    """
    Places of records inside their partitions.

    Returns:
        For each record how many of the same partition stand before it, and how many records
        each of the `count` partitions has.
    """
    counts = np.bincount(partitions, minlength=count)
    order = np.argsort(partitions, kind="stable")
    starts = np.concatenate(([0], np.cumsum(counts)[:-1]))
    ranks = np.empty(len(partitions), dtype=np.int64)
    ranks[order] = np.arange(len(partitions)) - np.repeat(starts, counts)
    return ranks.tolist(), counts.tolist()


def _murmur2(table: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Hashes of rows of one length. Arithmetic on uint32 arrays wraps, as Java's does."""
    rows, length = table.shape
    hashes = np.full(rows, _SEED ^ np.uint32(length), dtype=np.uint32)
    whole = length // 4
    if whole:
        words = np.ascontiguousarray(table[:, : whole * 4]).view("<u4")
        for column in range(whole):
            word = words[:, column] * _M
            word ^= word >> _R
            word *= _M
            hashes *= _M
            hashes ^= word
    rest = length % 4
    if rest:
        for place in range(rest):
            hashes ^= table[:, whole * 4 + place].astype(np.uint32) << np.uint32(8 * place)
        hashes *= _M
    hashes ^= hashes >> np.uint32(13)
    hashes *= _M
    hashes ^= hashes >> np.uint32(15)
    return hashes
