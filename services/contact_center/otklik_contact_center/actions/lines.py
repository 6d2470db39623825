"""Requests that wait to be flushed: in order within a company, and companies take turns."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from otklik_contact_center.store.inbox import RefusedRow, Row

MOST_ROWS: Final = 5_000
MOST_BYTES: Final = 16 * 1024 * 1024
"""Of one flush; a single request may be larger by itself."""


class Verdict(msgspec.Struct, frozen=True):
    """
    What became of the rows of one request.

    Attributes:
        duplicates: Places of rows that were known already, with the same body.
        reused: Places of rows whose id stands for another body; they were not taken.
    """

    duplicates: Sequence[int] = ()
    reused: Sequence[int] = ()


Tell = Callable[[Verdict | Exception], None]
"""Hears once what became of a request's rows, or why nothing did; it does not fail."""


class Parcel:
    """Rows of one request, all of one company, on their way, and who is told of them."""

    __slots__ = ("refused", "rows", "size", "tell", "tenant")

    def __init__(self, rows: Sequence[Row], refused: Sequence[RefusedRow], tell: Tell) -> None:
        self.rows = rows
        self.refused = refused
        self.tell = tell
        self.tenant = (rows[0] if rows else refused[0]).tenant
        self.size = sum([len(row.body) for row in rows])
        if refused:
            self.size += sum([len(row.body or b"") for row in refused])


class Waiting:
    """How much waits, of all or of one company."""

    __slots__ = ("bytes", "parcels", "rows")

    def __init__(self) -> None:
        self.parcels = 0
        self.rows = 0
        self.bytes = 0

    def add(self, parcel: Parcel) -> None:
        """One more."""
        self.parcels += 1
        self.rows += len(parcel.rows)
        self.bytes += parcel.size

    def take(self, parcel: Parcel) -> None:
        """One less."""
        self.parcels -= 1
        self.rows -= len(parcel.rows)
        self.bytes -= parcel.size


NOTHING: Final = Waiting()


class Line:
    """Parcels that wait for the same flushers."""

    def __init__(self) -> None:
        self.some = asyncio.Event()
        self._companies: dict[str, deque[Parcel]] = {}

    def put(self, parcel: Parcel) -> None:
        """Add a parcel behind those of its company."""
        waiting = self._companies.get(parcel.tenant)
        if waiting is None:
            self._companies[parcel.tenant] = deque((parcel,))
        else:
            waiting.append(parcel)
        self.some.set()

    def take(self) -> list[Parcel]:
        """A parcel of each company in turn, up to the bounds of one statement."""
        taken: list[Parcel] = []
        rows = size = 0
        while self._companies:
            tenant, parcels = next(iter(self._companies.items()))
            rows += len(parcels[0].rows)
            size += parcels[0].size
            if taken and (rows > MOST_ROWS or size > MOST_BYTES):
                break
            taken.append(parcels.popleft())
            if parcels and len(self._companies) == 1:
                continue
            # Whoever had a turn stands behind the others.
            del self._companies[tenant]
            if parcels:
                self._companies[tenant] = parcels
        return taken
