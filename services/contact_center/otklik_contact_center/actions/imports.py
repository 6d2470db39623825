"""Imports as their senders see them: begun, uploaded in parts, started, watched."""

import asyncio
import base64
import binascii
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.errors import Conflict, Forbidden, NotFound, Unprocessable
from otklik_common.paging import Part
from otklik_common.pseudonym import Sealer, Unsealable
from otklik_contact_center.actions.sources import SourceBook
from otklik_contact_center.domain import reading_job as jobs
from otklik_contact_center.domain.mapping import Mapping
from otklik_contact_center.domain.mapping_faults import check_mapping
from otklik_contact_center.domain.reading_job import Job, RefusedRow, job_id
from otklik_contact_center.store import imports

CHUNK: Final = "import chunk"
"""What sealed parts are for."""

MOST_MISSING: Final = 1_000
MOST_ATTEMPTS: Final = 1_000
_FAST: Final = 1


class UnknownImport(NotFound):
    """No import of that id; another company's is answered the same."""

    code = "unknown_import"


class ImportNotReceiving(Conflict):
    """It was started already."""

    code = "import_not_receiving"


class TooManyImports(Conflict):
    """A company has as many unfinished imports as it may have."""

    code = "too_many_imports"


class ChunksMissing(Conflict):
    """The file has not come whole."""

    code = "chunks_missing"


class SourceOfBranch(Unprocessable):
    """A file names branches row by row; a branch's source takes what its own keys push."""

    code = "source_of_branch"


class WrongChunk(Unprocessable):
    """A part that is none of this file."""

    code = "wrong_chunk"


@dataclass(frozen=True, slots=True)
class NewJob:
    """An import to be; see `Job`."""

    name: str
    mapping: Mapping
    source: str | None
    file_hash: str
    bytes: int
    chunk_bytes: int


@dataclass(frozen=True, slots=True)
class Progress:
    """
    How far an import is.

    Attributes:
        missing: Parts that have not come yet, the first thousand; none once it was started.
    """

    job: Job
    missing: Sequence[int] = ()


async def begin(
    db: Database, book: SourceBook, caller: Caller, new: NewJob, now: datetime
) -> tuple[Progress, bool]:
    """
    Begin an import, or find the one of the same file, mapping and source.

    Returns:
        Besides it, whether it was begun just now.
    Raises:
        BadMapping, UnknownSource, SourceOfBranch, TooManyImports: It was not begun.
    """
    _check_reach(caller)
    check_mapping(new.mapping)
    source = await book.get(caller.tenant, new.source, now)
    source.check_taking()
    if source.branch is not None:
        raise SourceOfBranch(
            f"{source.id} is a branch's source, it takes no files",
            detail_ru=f"{source.id} – источник филиала, файлы в него не загружаются",
        )
    async with db.begin(caller.tenant) as tx:
        for attempt in range(MOST_ATTEMPTS):
            id_ = job_id(caller.tenant, source.id, new.file_hash, new.mapping, attempt)
            found = await imports.get(tx, caller.tenant, id_)
            if found is None:
                break
            if found.state != jobs.FAILED:
                return await _progress(tx, found), False
        else:
            raise TooManyImports(
                f"this import has failed {MOST_ATTEMPTS} times",
                detail_ru=f"этот импорт не удался, попыток: {MOST_ATTEMPTS}",
            )
        if await imports.unfinished(tx, caller.tenant) >= jobs.MOST_UNFINISHED:
            raise TooManyImports(
                f"{jobs.MOST_UNFINISHED} imports are not finished yet",
                detail_ru=f"не завершено импортов: {jobs.MOST_UNFINISHED}",
            )
        job = Job(
            tenant=caller.tenant,
            id=id_,
            source=source.id,
            name=new.name,
            mapping=new.mapping,
            state=jobs.RECEIVING,
            principal=caller.principal,
            file_hash=new.file_hash,
            bytes=new.bytes,
            chunk_bytes=new.chunk_bytes,
            created_at=now,
            changed_at=now,
        )
        made = await imports.add(tx, job)
        found = await imports.get(tx, caller.tenant, id_)
        assert found is not None
        return await _progress(tx, found), made


async def put_chunk(
    db: Database,
    sealer: Sealer,
    caller: Caller,
    id_: str,
    number: int,
    *,
    body: bytes,
    now: datetime,
) -> None:
    """
    Keep a part of a file; sending it again changes nothing.

    Raises:
        UnknownImport, ImportNotReceiving, WrongChunk: It was not kept.
    """
    _check_reach(caller)
    async with db.begin(caller.tenant) as tx:
        job = await _found(tx, caller, id_)
    length = job.chunk_length(number)
    if length == 0:
        raise WrongChunk(
            f"the file has {job.chunks} chunks, from 0; there is no chunk {number}",
            detail_ru=f"у файла частей: {job.chunks}, считая с 0; части {number} нет",
        )
    if len(body) != length:
        raise WrongChunk(
            f"chunk {number} has {len(body)} bytes, it must have {length}",
            detail_ru=f"в части {number} {len(body)} байт, должно быть {length}",
        )
    sealed = await asyncio.to_thread(seal_chunk, sealer, caller.tenant, body)
    async with db.begin(caller.tenant) as tx:
        if not await imports.move(
            tx, job.tenant, job.id, state=jobs.RECEIVING, to=jobs.RECEIVING, now=now
        ):
            raise _started(job)
        await imports.put_chunk(tx, job, number, sealed)


async def start(db: Database, caller: Caller, id_: str, now: datetime) -> Progress:
    """
    Let a file that has come whole be read; once is enough.

    Raises:
        UnknownImport, ChunksMissing: It was not started.
    """
    _check_reach(caller)
    async with db.begin(caller.tenant) as tx:
        job = await _found(tx, caller, id_)
        progress = await _progress(tx, job)
        if progress.missing:
            raise ChunksMissing(
                f"{len(progress.missing)} of {job.chunks} chunks have not come yet",
                detail_ru=f"не получено частей: {len(progress.missing)} из {job.chunks}",
                missing_chunks=list(progress.missing),
            )
        if job.state == jobs.RECEIVING:
            await imports.move(tx, job.tenant, id_, state=jobs.RECEIVING, to=jobs.READY, now=now)
        return Progress(await _found(tx, caller, id_))


async def progress(db: Database, caller: Caller, id_: str) -> Progress:
    """How far an import is. Raises UnknownImport."""
    _check_reach(caller)
    async with db.begin(caller.tenant) as tx:
        return await _progress(tx, await _found(tx, caller, id_))


async def refused(db: Database, caller: Caller, id_: str, part: Part) -> list[RefusedRow]:
    """Rows that were refused, by line. Raises UnknownImport."""
    _check_reach(caller)
    async with db.begin(caller.tenant) as tx:
        await _found(tx, caller, id_)
        return await imports.refused_rows(tx, caller.tenant, id_, part)


async def _progress(tx: AsyncConnection, job: Job) -> Progress:
    if job.state != jobs.RECEIVING:
        return Progress(job)
    return Progress(job, await imports.missing(tx, job, MOST_MISSING))


async def _found(tx: AsyncConnection, caller: Caller, id_: str) -> Job:
    job = await imports.get(tx, caller.tenant, id_)
    if job is None:
        raise UnknownImport(f"there is no import {id_[:60]}", detail_ru=f"нет импорта {id_[:60]}")
    return job


def _started(job: Job) -> ImportNotReceiving:
    return ImportNotReceiving(
        f"the import is {job.state} and takes no more chunks",
        detail_ru=f"импорт в состоянии {job.state} и больше не принимает части",
    )


def _check_reach(caller: Caller) -> None:
    """A file names branches row by row; who may not see them all may not bring it."""
    if caller.branches is not None:
        raise Forbidden(
            "imports need a key of the whole company",
            detail_ru="для импорта нужен ключ всей компании",
        )


def seal_chunk(sealer: Sealer, tenant: str, body: bytes) -> bytes:
    """A part of a file, packed and sealed."""
    packed = base64.b64encode(zlib.compress(body, _FAST)).decode()
    return sealer.seal(tenant, CHUNK, packed)


def open_chunk(sealer: Sealer, tenant: str, sealed: bytes) -> bytes:
    """The part that was sealed. Raises Unsealable."""
    try:
        return zlib.decompress(base64.b64decode(sealer.open(tenant, CHUNK, sealed)))
    except (binascii.Error, zlib.error):
        raise Unsealable("not a part of a file") from None
