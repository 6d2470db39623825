"""An import: a file on its way in, from its first byte to its last row."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Final

from otklik_contact_center.domain.mapping import Mapping, digest_of

RECEIVING: Final = "receiving"
READY: Final = "ready"
RUNNING: Final = "running"
DONE: Final = "done"
FAILED: Final = "failed"

MOST_BYTES: Final = 2 * 1024**3
LEAST_CHUNK: Final = 1024
MOST_CHUNK: Final = 4 * 1024**2

MOST_UNFINISHED: Final = 20
"""Imports of a company that are not finished."""

MOST_KEPT_REFUSED: Final = 100_000
"""Refused rows of an import that can be listed; beyond them they are only counted."""

ABANDONED_AFTER: Final = timedelta(days=7)
"""An upload without a sign of life this long is given up, and its parts are deleted."""

_ID_BYTES: Final = 15


@dataclass(frozen=True, slots=True)
class Counts:
    """
    What became of rows.

    Attributes:
        rows: Read so far; each of them is counted once below.
        accepted: Brought at least one new event.
        duplicates: Told only what was known already.
        skipped: Passed over, as the mapping says.
        refused: Could not be taken in.
        events: New events.
    """

    rows: int = 0
    accepted: int = 0
    duplicates: int = 0
    skipped: int = 0
    refused: int = 0
    events: int = 0


@dataclass(frozen=True, slots=True)
class Job:
    """
    An import.

    Attributes:
        name: What its sender calls it.
        file_hash: SHA-256 of the file as it lies on the disk, in hexadecimal digits.
        bytes: Its length.
        chunk_bytes: Length of each part in which it comes, but the last.
        total: Its rows; None until it was looked through.
        code, detail: Why it failed.
    """

    tenant: str
    id: str
    source: str
    name: str
    mapping: Mapping
    state: str
    principal: str
    file_hash: str
    bytes: int
    chunk_bytes: int
    created_at: datetime
    changed_at: datetime
    total: int | None = None
    counts: Counts = Counts()
    code: str | None = None
    detail: str | None = None

    @property
    def chunks(self) -> int:
        """How many parts it has."""
        return ceil(self.bytes / self.chunk_bytes)

    def chunk_length(self, number: int) -> int:
        """Length of a part, from 0; 0 if there is no such part."""
        return max(0, min(self.chunk_bytes, self.bytes - number * self.chunk_bytes))


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """
    A row that was not taken in, and why; never what it holds.

    Attributes:
        line: Of the unpacked file, from 1, on which it begins.
        column: Where it is wrong; None: in no column of its own.
    """

    line: int
    column: str | None
    code: str
    detail: str


def job_id(tenant: str, source: str, file_hash: str, mapping: Mapping, attempt: int) -> str:
    """
    The id of an import: the same file by the same mapping into the same source is the same one.

    Args:
        attempt: From 0; the next one after an import that failed.
    """
    parts = (tenant, source, file_hash, digest_of(mapping), str(attempt))
    digest = hashlib.sha256("\n".join(parts).encode()).digest()[:_ID_BYTES]
    return base64.b32encode(digest).decode().lower()
