"""The first look at a file: how many rows it has, and which of them others of their key outrank."""

import hashlib
from array import array
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from otklik_contact_center.domain.mapping_rows import Translator
from otklik_contact_center.domain.reading import Row, UnreadableError

MAX_ROWS: Final = 2_000_000
"""Of one file: its survey takes some 60 bytes a row."""

_KEY_BYTES: Final = 8


class Survey:
    """
    What is known of a file before its rows are taken in.

    Attributes:
        total: Its rows, sound or not.
    """

    def __init__(self, total: int, outranked: NDArray[np.int64]) -> None:
        self.total = total
        self._outranked = outranked

    def is_outranked(self, number: int) -> bool:
        """Whether another row of the same key counts instead of this one."""
        place = int(np.searchsorted(self._outranked, number))
        return place < len(self._outranked) and int(self._outranked[place]) == number


def survey(rows: Iterable[Row], translator: Translator) -> Survey:
    """
    Look at every row once.

    Rows that the mapping passes over, or that have no key, outrank nobody.

    Raises:
        UnreadableError: The file has more than `MAX_ROWS` rows, or cannot be read to its end.
    """
    total = 0
    keys, ranks, numbers = array("q"), array("q"), array("q")
    looks = translator.repeated != "merge"
    for row in rows:
        total += 1
        if total > MAX_ROWS:
            raise UnreadableError("too_many_rows", f"the file has more than {MAX_ROWS} rows")
        if not looks or row.fault is not None:
            continue
        entry = translator.entry(row.cells)
        if entry is not None:
            keys.append(_hash(entry.key))
            ranks.append(entry.rank)
            numbers.append(row.number)
    if translator.repeated != "last":
        # Of equal keys the first row counts, as if it were the latest.
        ranks = array("q", (-number for number in numbers))
    return Survey(total, _outranked(*(np.array(one, np.int64) for one in (keys, ranks, numbers))))


def _hash(key: str) -> int:
    digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=_KEY_BYTES)
    return int.from_bytes(digest.digest(), "little", signed=True)


def _outranked(
    keys: NDArray[np.int64], ranks: NDArray[np.int64], numbers: NDArray[np.int64]
) -> NDArray[np.int64]:
    order = np.lexsort((numbers, ranks, keys))
    sorted_keys = keys[order]
    # The last of each run of equal keys counts.
    followed = sorted_keys[:-1] == sorted_keys[1:]
    losers: NDArray[np.int64] = np.sort(numbers[order[:-1][followed]])
    return losers
