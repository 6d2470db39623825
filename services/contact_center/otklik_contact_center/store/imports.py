"""Imports: their state, the parts of their files, and the rows that were refused."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import asyncpg
import msgspec
from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.paging import Part, keyset
from otklik_contact_center.domain import reading_job as jobs
from otklik_contact_center.domain.mapping import Mapping
from otklik_contact_center.domain.reading_job import Counts, Job, RefusedRow
from otklik_contact_center.store.columns import SCHEMA
from otklik_contact_center.store.inbox import APPEND, columns
from otklik_contact_center.store.inbox import Row as InboxRow
from otklik_contact_center.store.tables import import_chunk, import_job, import_refused

_UNFINISHED: Final = (jobs.RECEIVING, jobs.READY, jobs.RUNNING)
_READ: Final = (jobs.READY, jobs.RUNNING)
_COUNTED: Final = ("rows", "accepted", "duplicates", "skipped", "refused", "events")


def _is(table: Any, tenant: str, job_id: str) -> Any:
    return (table.c.tenant == tenant) & (table.c.job == job_id)


def _one(tenant: str, job_id: str) -> Any:
    return (import_job.c.tenant == tenant) & (import_job.c.id == job_id)


def _job(row: Row[Any]) -> Job:
    return Job(
        tenant=row.tenant,
        id=row.id,
        source=row.source,
        name=row.name,
        mapping=msgspec.convert(row.mapping, Mapping),
        state=row.state,
        principal=row.principal,
        file_hash=row.file_hash,
        bytes=row.bytes,
        chunk_bytes=row.chunk_bytes,
        created_at=row.created_at,
        changed_at=row.changed_at,
        total=row.total,
        counts=Counts(**{name: getattr(row, name) for name in _COUNTED}),
        code=row.code,
        detail=row.detail,
    )


# --- Requests -----------------------------------------------------------------------------------


async def unfinished(tx: AsyncConnection, tenant: str) -> int:
    """How many imports of a company are not finished."""
    found = await tx.execute(
        select(func.count()).where(
            import_job.c.tenant == tenant, import_job.c.state.in_(_UNFINISHED)
        )
    )
    return int(found.scalar_one())


async def add(tx: AsyncConnection, job: Job) -> bool:
    """Add an import; False if there is one of that id."""
    added = await tx.execute(
        insert(import_job)
        .values(
            tenant=job.tenant,
            id=job.id,
            source=job.source,
            name=job.name,
            mapping=msgspec.to_builtins(job.mapping),
            state=job.state,
            principal=job.principal,
            file_hash=job.file_hash,
            bytes=job.bytes,
            chunk_bytes=job.chunk_bytes,
            created_at=job.created_at,
            changed_at=job.changed_at,
        )
        .on_conflict_do_nothing(index_elements=["tenant", "id"])
        .returning(import_job.c.id)
    )
    return added.one_or_none() is not None


async def get(tx: AsyncConnection, tenant: str, job_id: str) -> Job | None:
    """An import."""
    row = (await tx.execute(select(import_job).where(_one(tenant, job_id)))).one_or_none()
    return None if row is None else _job(row)


async def move(
    tx: AsyncConnection, tenant: str, job_id: str, *, state: str, to: str, now: datetime
) -> bool:
    """Bring an import from one state to another (or touch it); False if it is in no such state."""
    moved = await tx.execute(
        update(import_job)
        .where(_one(tenant, job_id), import_job.c.state == state)
        .values(state=to, changed_at=now)
        .returning(import_job.c.id)
    )
    return moved.one_or_none() is not None


async def put_chunk(tx: AsyncConnection, job: Job, number: int, sealed: bytes) -> None:
    """Keep a part of a file; one that is there stays as it is."""
    start = number * job.chunk_bytes
    await tx.execute(
        insert(import_chunk)
        .values(tenant=job.tenant, job=job.id, start=start, body=sealed)
        .on_conflict_do_nothing(index_elements=["tenant", "job", "start"])
    )


async def missing(tx: AsyncConnection, job: Job, most: int) -> list[int]:
    """Numbers of parts that have not come yet, the first `most` of them."""
    number = func.generate_series(0, job.chunks - 1).column_valued("number")
    there = (
        select(import_chunk.c.start)
        .where(
            _is(import_chunk, job.tenant, job.id), import_chunk.c.start == number * job.chunk_bytes
        )
        .exists()
    )
    found = await tx.execute(select(number).where(~there).order_by(number).limit(most))
    return [int(row) for row in found.scalars()]


async def refused_rows(
    tx: AsyncConnection, tenant: str, job_id: str, part: Part
) -> list[RefusedRow]:
    """Rows that were refused, by line."""
    table = import_refused
    found = await tx.execute(
        keyset(
            select(table.c.line, table.c.field, table.c.code, table.c.detail).where(
                _is(table, tenant, job_id)
            ),
            part,
            order=(table.c.line,),
        )
    )
    return [RefusedRow(row.line, row.field, row.code, row.detail) for row in found]


# --- The worker ---------------------------------------------------------------------------------


async def waiting(tx: AsyncConnection, most: int) -> list[tuple[str, str]]:
    """Company and id of imports that are to be read: the oldest of each company, then the next."""
    table = import_job
    order = (table.c.created_at, table.c.tenant, table.c.id)
    turn = func.row_number().over(partition_by=table.c.tenant, order_by=order)
    found = await tx.execute(
        select(table.c.tenant, table.c.id)
        .where(table.c.state.in_(_READ))
        .order_by(turn, *order)
        .limit(most)
    )
    return [(row.tenant, row.id) for row in found]


async def chunk(tx: AsyncConnection, job: Job, number: int) -> bytes | None:
    """A part of a file, sealed."""
    found = await tx.execute(
        select(import_chunk.c.body).where(
            _is(import_chunk, job.tenant, job.id), import_chunk.c.start == number * job.chunk_bytes
        )
    )
    body: bytes | None = found.scalar_one_or_none()
    return body


async def begin(tx: AsyncConnection, job: Job, total: int, now: datetime) -> None:
    """It was looked through; its rows are read from now on."""
    await tx.execute(
        update(import_job)
        .where(_one(job.tenant, job.id), import_job.c.state.in_(_READ))
        .values(state=jobs.RUNNING, total=total, changed_at=now)
    )


async def position(tx: AsyncConnection, job: Job) -> int | None:
    """How many of its rows are read, its row locked; None if it is no longer being read."""
    found = await tx.execute(
        select(import_job.c.rows)
        .where(_one(job.tenant, job.id), import_job.c.state == jobs.RUNNING)
        .with_for_update()
    )
    rows: int | None = found.scalar_one_or_none()
    return rows


async def advance(tx: AsyncConnection, job: Job, more: Counts, now: datetime) -> None:
    """Count rows; its row is locked."""
    added = {name: import_job.c[name] + getattr(more, name) for name in _COUNTED}
    await tx.execute(
        update(import_job).where(_one(job.tenant, job.id)).values(**added, changed_at=now)
    )


async def refuse(tx: AsyncConnection, job: Job, rows: Sequence[RefusedRow]) -> None:
    """Keep why rows were refused."""
    if rows:
        await tx.execute(
            insert(import_refused).on_conflict_do_nothing(),
            [
                {
                    "tenant": job.tenant,
                    "job": job.id,
                    "line": row.line,
                    "field": row.column,
                    "code": row.code,
                    "detail": row.detail,
                }
                for row in rows
            ],
        )


async def finish(
    tx: AsyncConnection,
    job: Job,
    *,
    rows: int,
    state: str,
    now: datetime,
    code: str | None = None,
    detail: str | None = None,
) -> bool:
    """
    It is done, or has failed; its file is deleted.

    Args:
        rows: As many as were read by whoever says so.
    Returns:
        False if it was ended, or read on, by another meanwhile: then nothing is written.
    """
    ended = await tx.execute(
        update(import_job)
        .where(_one(job.tenant, job.id), import_job.c.state.in_(_READ), import_job.c.rows == rows)
        .values(state=state, code=code, detail=detail, changed_at=now)
        .returning(import_job.c.id)
    )
    if ended.one_or_none() is None:
        return False
    await tx.execute(delete(import_chunk).where(_is(import_chunk, job.tenant, job.id)))
    return True


async def give_up(tx: AsyncConnection, before: datetime, now: datetime) -> int:
    """Fail uploads without a sign of life since `before`, and delete what came of their files."""
    table = import_job
    found = await tx.execute(
        update(table)
        .where(table.c.state == jobs.RECEIVING, table.c.changed_at < before)
        .values(
            state=jobs.FAILED, code="abandoned", detail="the upload was abandoned", changed_at=now
        )
        .returning(table.c.tenant, table.c.id)
    )
    abandoned = found.all()
    for tenant, job_id in abandoned:
        await tx.execute(delete(import_chunk).where(_is(import_chunk, tenant, job_id)))
    return len(abandoned)


_KNOWN: Final = f"""
SELECT id, body_hash FROM {SCHEMA}.inbox
WHERE tenant = $1 AND source = $2 AND id = ANY($3::text[])
"""  # noqa: S608 - a name of our own


async def known(
    connection: asyncpg.Connection, tenant: str, source: str, ids: Sequence[str]
) -> dict[str, bytes]:
    """Hashes of the events of these ids that are in the inbox."""
    rows = await connection.fetch(_KNOWN, tenant, source, ids)
    return {row[0]: row[1] for row in rows}


async def append(connection: asyncpg.Connection, tenant: str, rows: Sequence[InboxRow]) -> bool:
    """
    Append events by the statement of pushes, inside the worker's transaction.

    Args:
        rows: Sorted by key.
    Returns:
        False if somebody else has brought one of them meanwhile.
    """
    found = await connection.fetchrow(APPEND, tenant, *columns(rows))
    assert found is not None
    return bool(found["made"] == len(rows))
