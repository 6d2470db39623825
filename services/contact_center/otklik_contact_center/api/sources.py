"""Sources and their secrets, and the attributes that may leave."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path

from otklik_common.callers import Caller, require_everywhere
from otklik_common.http import PROBLEMS, Now, Page
from otklik_common.module import Platform
from otklik_contact_center.actions import sources
from otklik_contact_center.actions.sources import SourceBook
from otklik_contact_center.api.schemas import (
    AllowedAttributes,
    NewSource,
    SourceChange,
    SourceView,
    SourceWithSecret,
)
from otklik_contact_center.domain.signature import secret_text
from otklik_contact_center.domain.source import Source
from otklik_contact_center.store.tables import SCHEMA

PREFIX: Final = "/contact-center/v1"

Manages = Annotated[Caller, Depends(require_everywhere("sources:write"))]
SourceId = Annotated[str, Path(max_length=60, examples=["demo2abc.k3f9w2zq"])]


def _view(source: Source, *, heard: bool = False) -> SourceView:
    return SourceView(
        id=source.id,
        name=source.name,
        kind=source.kind,
        require_signature=source.require_signature,
        created_at=source.created_at,
        hook=f"{PREFIX}/sources/{source.id}/hook",
        heard=heard,
        branch=source.branch,
    )


def _with_secret(source: Source) -> SourceWithSecret:
    return SourceWithSecret(**_view(source).model_dump(), secret=secret_text(source.secret))


def router(platform: Platform, book: SourceBook) -> APIRouter:
    """The routes."""
    db, sealer = platform.database(SCHEMA, "api"), platform.sealer
    made = APIRouter(prefix=PREFIX, tags=["sources"])

    @made.post(
        "/sources",
        status_code=201,
        operation_id="create_source",
        summary="Make a source",
        responses=PROBLEMS(401, 403, 409, 422),
    )
    async def create(body: NewSource, caller: Manages, now: Now) -> SourceWithSecret:
        """Make something that may push events. Its secret is shown this once."""
        source = await sources.create(
            db,
            sealer,
            caller.tenant,
            name=body.name,
            kind=body.kind,
            require_signature=body.require_signature,
            now=now,
        )
        book.forget(caller.tenant)
        return _with_secret(source)

    @made.get(
        "/sources",
        operation_id="list_sources",
        summary="List the sources",
        responses=PROBLEMS(401, 403),
    )
    async def list_all(caller: Manages, now: Now) -> Page[SourceView]:
        """Every source of the company (at most 500) on one page, its default one among them."""
        found = await sources.listed(db, sealer, caller.tenant, now)
        heard = await sources.heard(db, caller.tenant)
        items = [_view(one, heard=one.id in heard) for one in found]
        return Page[SourceView](items=items, next_cursor=None)

    @made.patch(
        "/sources/{source_id}",
        operation_id="change_source",
        summary="Change a source",
        responses=PROBLEMS(401, 403, 404, 422),
    )
    async def change(source_id: SourceId, body: SourceChange, caller: Manages) -> SourceView:
        """Ask the source to sign its pushes, or no longer; in force within two seconds."""
        changed = await sources.require_signature(
            db, sealer, caller.tenant, source_id, required=body.require_signature
        )
        book.forget(caller.tenant)
        return _view(changed)

    @made.post(
        "/sources/{source_id}/secret",
        operation_id="rotate_source_secret",
        summary="Give a source a new secret",
        responses=PROBLEMS(401, 403, 404),
    )
    async def rotate(source_id: SourceId, caller: Manages, now: Now) -> SourceWithSecret:
        """A new secret, shown this once; the former one signs for another 24 hours."""
        rotated = await sources.rotate(db, sealer, caller.tenant, source_id, now)
        book.forget(caller.tenant)
        return _with_secret(rotated)

    @made.get(
        "/attributes",
        operation_id="list_allowed_attributes",
        summary="Which attributes leave in facts",
        responses=PROBLEMS(401, 403),
    )
    async def allowed(caller: Manages) -> AllowedAttributes:
        """Names of the attributes that leave this service; `campaign` stands for campaigns."""
        return AllowedAttributes(names=await sources.allowed_attributes(db, caller.tenant))

    @made.put(
        "/attributes",
        operation_id="allow_attributes",
        summary="Declare which attributes leave in facts",
        responses=PROBLEMS(401, 403, 422),
    )
    async def allow(body: AllowedAttributes, caller: Manages) -> AllowedAttributes:
        """Declare them anew. Contacts take it up with their next event."""
        names = await sources.allow_attributes(db, caller.tenant, body.names)
        return AllowedAttributes(names=names)

    return made
