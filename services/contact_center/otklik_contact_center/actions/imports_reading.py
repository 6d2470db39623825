"""
Reading an import's file: from its sealed parts to batches of packed rows, in a thread of its own.

Nothing here writes. What is read depends on the file and the mapping alone, so that a reader that
begins anew after a crash comes by the same rows to the same place.
"""

import asyncio
import hashlib
from collections.abc import Coroutine, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, Final, NamedTuple

from otklik_common.db import Database
from otklik_common.pseudonym import Sealer, Unsealable
from otklik_contact_center.actions.imports import open_chunk
from otklik_contact_center.actions.packing import Packer
from otklik_contact_center.domain.admission import BULK, Judge
from otklik_contact_center.domain.mapping_cells import MissingColumnsError, RowError
from otklik_contact_center.domain.mapping_rows import Translator
from otklik_contact_center.domain.reading import Row, Table, UnreadableError
from otklik_contact_center.domain.reading_job import Job
from otklik_contact_center.domain.reading_survey import Survey, survey
from otklik_contact_center.store import imports
from otklik_contact_center.store.inbox import Row as InboxRow

BATCH_ROWS: Final = 2_000
LOOK_BYTES: Final = 64 * 1024
"""After so many bytes the reader looks whether it is to stop."""

FETCH_SECONDS: Final = 60


class StoppedError(Exception):
    """The process is to end; the import goes on in the next one."""


class PackedRow(NamedTuple):
    """
    A row ready to be taken in.

    Attributes:
        events: Empty where the row is passed over or refused.
        refusal: Column, code and detail.
        repeats: Columns of the key, if an earlier row of the same key counts: then this one is
            refused if it tells anything else.
    """

    line: int
    events: list[InboxRow]
    refusal: tuple[str | None, str, str] | None = None
    repeats: str | None = None


class Reader:
    """
    Reads one import, from any row on.

    Args:
        stop: Set when the process is to end.
    """

    def __init__(
        self, db: Database, sealer: Sealer, packer: Packer, job: Job, stop: asyncio.Event
    ) -> None:
        self._db = db
        self._sealer = sealer
        self._packer = packer
        self._job = job
        self._stop = stop
        self._loop = asyncio.get_running_loop()
        self._survey: Survey | None = None
        self._translator: Translator | None = None
        self._rows: Iterator[Row] = iter(())

    async def look_through(self) -> int:
        """
        Look at the whole file once, and stand before its first row.

        Returns:
            How many rows it has.
        Raises:
            UnreadableError: It is not the file that was announced, or cannot be read.
            StoppedError: Told to stop.
        """
        return await asyncio.to_thread(self._look_through)

    async def batch(self, now: datetime) -> list[PackedRow]:
        """The next rows; none at the end. Raises UnreadableError, StoppedError."""
        return await asyncio.to_thread(self._batch, now)

    async def pass_over(self, rows: int) -> None:
        """Step over rows that were taken in before."""
        await asyncio.to_thread(lambda: next(islice(self._rows, rows, rows), None))

    def _look_through(self) -> int:
        digest = hashlib.sha256()
        table = Table(self._bytes(digest), self._job.mapping.format)
        try:
            self._translator = Translator(self._job.mapping, table.header)
        except MissingColumnsError as missing:
            names = ", ".join(missing.columns)
            raise UnreadableError(
                "missing_columns", f"the header lacks these columns or has them twice: {names}"
            ) from None
        self._survey = survey(table, self._translator)
        if digest.hexdigest() != self._job.file_hash:
            raise UnreadableError("wrong_hash", "what came is not the file that was announced")
        self._rows = iter(Table(self._bytes(), self._job.mapping.format))
        return self._survey.total

    def _batch(self, now: datetime) -> list[PackedRow]:
        judge = Judge(now)
        return [self._packed(row, judge, now) for row in islice(self._rows, BATCH_ROWS)]

    def _packed(self, row: Row, judge: Judge, now: datetime) -> PackedRow:
        assert self._translator is not None
        assert self._survey is not None
        if row.fault is not None:
            return PackedRow(row.line, [], (None, *row.fault))
        outranked = self._survey.is_outranked(row.number)
        if outranked and self._translator.repeated != "refuse":
            return PackedRow(row.line, [])
        try:
            taken = self._translator.translate(row.cells, judge)
        except RowError as no:
            return PackedRow(row.line, [], (no.column, no.code, no.detail))
        if taken is None:
            return PackedRow(row.line, [])
        job, row_of = self._job, self._packer.row
        events = [row_of(job.tenant, job.source, one, now=now, lane=BULK) for one in taken.events]
        repeats = self._translator.key_columns if outranked else None
        return PackedRow(row.line, events, repeats=repeats)

    def _bytes(self, digest: Any = None) -> Iterator[bytes]:
        for number in range(self._job.chunks):
            body = self._chunk(number)
            if digest is not None:
                digest.update(body)
            for at in range(0, len(body), LOOK_BYTES):
                if self._stop.is_set():
                    raise StoppedError
                yield body[at : at + LOOK_BYTES]

    def _chunk(self, number: int) -> bytes:
        sealed = self._await(self._fetch(number))
        if sealed is None:
            raise UnreadableError("chunk_lost", f"chunk {number} of the file is gone")
        try:
            return open_chunk(self._sealer, self._job.tenant, sealed)
        except Unsealable:
            raise UnreadableError("chunk_lost", f"chunk {number} cannot be opened") from None

    async def _fetch(self, number: int) -> bytes | None:
        async with self._db.begin_as_worker() as tx:
            return await imports.chunk(tx, self._job, number)

    def _await(self, coroutine: Coroutine[Any, Any, bytes | None]) -> bytes | None:
        """Let the loop run it: this is a thread, and the database belongs to the loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(FETCH_SECONDS)
