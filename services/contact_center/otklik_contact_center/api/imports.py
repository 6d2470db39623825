"""Files with contacts, uploaded in parts and read in the background."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Request, Response

from otklik_common.callers import Caller, require
from otklik_common.http import PROBLEMS, Now, Page, Pages, edge
from otklik_common.module import Platform
from otklik_contact_center.actions import imports
from otklik_contact_center.actions.sources import SourceBook
from otklik_contact_center.api.imports_schemas import ImportBody, ImportOut, RefusedRowOut
from otklik_contact_center.domain.reading_job import MOST_BYTES, MOST_CHUNK, RefusedRow
from otklik_contact_center.store.columns import SCHEMA

PREFIX: Final = "/contact-center/v1/imports"

MAPPING_BYTES: Final = 2 * 1024 * 1024

Imports = Annotated[Caller, Depends(require("contacts:write"))]
ImportId = Annotated[str, Path(max_length=60)]
ChunkNumber = Annotated[int, Path(ge=0, le=MOST_BYTES, description="from 0")]

_BYTES: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def _row(row: RefusedRow) -> RefusedRowOut:
    return RefusedRowOut(line=row.line, column=row.column, code=row.code, detail=row.detail)


def router(platform: Platform, book: SourceBook) -> APIRouter:
    """The routes."""
    db, sealer = platform.database(SCHEMA, "api"), platform.sealer
    made = APIRouter(prefix=PREFIX, tags=["imports"])

    @made.post(
        "",
        operation_id="begin_import",
        summary="Begin an import",
        response_model=ImportOut,
        responses={
            201: {"model": ImportOut, "description": "begun just now"},
            **PROBLEMS(401, 403, 404, 409, 410, 413, 422),
        },
    )
    @edge(body_limit=MAPPING_BYTES)
    async def begin(body: ImportBody, caller: Imports, now: Now, response: Response) -> ImportOut:
        """
        Say which file is to come and what its columns mean.

        The same file by the same mapping into the same source is the same import, however often
        it is begun; `missing_chunks` says what of it is still to be sent. Only after a failure
        a new one is begun.
        """
        new = imports.NewJob(
            name=body.name,
            mapping=body.mapping.of(),
            source=body.source,
            file_hash=body.file_sha256,
            bytes=body.size,
            chunk_bytes=body.chunk_bytes,
        )
        progress, fresh = await imports.begin(db, book, caller, new, now)
        response.status_code = 201 if fresh else 200
        return ImportOut.of(progress)

    @made.put(
        "/{import_id}/chunks/{number}",
        status_code=204,
        operation_id="put_import_chunk",
        summary="Send a part of the file",
        responses=PROBLEMS(401, 403, 404, 409, 413, 422),
        openapi_extra=_BYTES,
    )
    @edge(body_limit=MOST_CHUNK, quiet=True)
    async def put_chunk(
        import_id: ImportId, number: ChunkNumber, request: Request, caller: Imports, now: Now
    ) -> None:
        """
        Bytes of the file as it lies on the disk, from `number` × `chunk_bytes` on.

        In any order, and again if need be. They are kept sealed, and deleted when the file is
        read.
        """
        body = await request.body()
        await imports.put_chunk(db, sealer, caller, import_id, number, body=body, now=now)

    @made.post(
        "/{import_id}/start",
        status_code=202,
        operation_id="start_import",
        summary="Let the file be read",
        responses=PROBLEMS(401, 403, 404, 409),
    )
    async def start(import_id: ImportId, caller: Imports, now: Now) -> ImportOut:
        """Once all chunks have come. Starting again changes nothing."""
        return ImportOut.of(await imports.start(db, caller, import_id, now))

    @made.get(
        "/{import_id}",
        operation_id="get_import",
        summary="How far an import is",
        responses=PROBLEMS(401, 403, 404),
    )
    async def get(import_id: ImportId, caller: Imports) -> ImportOut:
        """Its state, what is missing, and what became of the rows read so far."""
        return ImportOut.of(await imports.progress(db, caller, import_id))

    @made.get(
        "/{import_id}/refused",
        operation_id="list_refused_rows",
        summary="Rows that were not taken in",
        responses=PROBLEMS(400, 401, 403, 404, 422),
    )
    async def refused(import_id: ImportId, caller: Imports, paging: Pages) -> Page[RefusedRowOut]:
        """In the order of their lines; of an import at most 100,000 are kept."""
        part = paging.part(caller.tenant)
        rows = await imports.refused(db, caller, import_id, part)
        return part.page(rows, key=lambda row: (row.line,), item=_row)

    return made
