"""Sources and their secrets, and the attributes that may leave."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Response

from otklik_common.callers import Caller, require_everywhere
from otklik_common.http import PROBLEMS, Now, OnceIfKeyed, Page, Pages
from otklik_common.idempotency import Reply
from otklik_common.module import Platform
from otklik_contact_center.actions import sources
from otklik_contact_center.actions.sources import SourceBook, SourceEdit, Told
from otklik_contact_center.api.schemas import (
    AllowedAttributes,
    DirectionsVersion,
    DirectionsView,
    NewSource,
    SourceChange,
    SourceView,
    SourceWithSecret,
)
from otklik_contact_center.domain.signature import secret_text
from otklik_contact_center.domain.source import Source, new_source
from otklik_contact_center.store.columns import SCHEMA

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
        demo=source.demo,
        directions=DirectionsView.of(source.directions),
        version=source.version,
        ended_at=source.ended_at,
    )


def _told(status: int) -> Told:
    """The answer to a repetition: it is kept, so it cannot hold the secret."""
    return lambda source: Reply.json(
        status, SourceWithSecret(**_view(source).model_dump(), secret=None)
    )


def _shown(status: int, done: Source | Reply) -> Response:
    if isinstance(done, Reply):
        return done.response()
    shown = SourceWithSecret(**_view(done).model_dump(), secret=secret_text(done.secret))
    return Reply.json(status, shown).response()


def router(platform: Platform, book: SourceBook) -> APIRouter:
    """The routes."""
    db, sealer = platform.database(SCHEMA, "api"), platform.sealer
    made = APIRouter(prefix=PREFIX, tags=["sources"])

    @made.post(
        "/sources",
        status_code=201,
        operation_id="create_source",
        summary="Make a source",
        response_model=SourceWithSecret,
        responses=PROBLEMS(400, 401, 403, 409, 422),
    )
    async def create(body: NewSource, caller: Manages, now: Now, once: OnceIfKeyed) -> Response:
        """
        Make something that may push events.

        Its secret is shown this once: a repetition with the same Idempotency-Key names the
        source without it.
        """
        source = new_source(
            caller.tenant,
            name=body.name,
            kind=body.kind,
            require_signature=body.require_signature,
            now=now,
            demo=body.demo,
            credentials=body.credentials,
            directions=body.directions.directions(),
        )
        done = await sources.create(db, sealer, caller, source, once=once, told=_told(201))
        book.forget(caller.tenant)
        return _shown(201, done)

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
    async def change(
        source_id: SourceId, body: SourceChange, caller: Manages, now: Now
    ) -> SourceView:
        """
        Ask the source to sign its pushes, or no longer; tell by what a product proves itself, and
        how the company's words stand for its own; end it, or take it up again. In force within two
        seconds. What an ended one pushes is answered 410 `source_ended` and is not kept.
        """
        directions = None if body.directions is None else body.directions.directions()
        edit = SourceEdit(body.require_signature, body.credentials, directions, body.ended)
        changed = await sources.change(db, sealer, caller, source_id, edit, now)
        book.forget(caller.tenant)
        return _view(changed)

    @made.get(
        "/sources/{source_id}/directions",
        operation_id="list_source_directions",
        summary="How a source is read, and was before",
        responses=PROBLEMS(400, 401, 403, 404, 422),
    )
    async def directions(
        source_id: SourceId, caller: Manages, now: Now, paging: Pages
    ) -> Page[DirectionsVersion]:
        """Every version, the newest first: set an old one again to go back to it."""
        source = await book.get(caller.tenant, source_id, now)
        part = paging.part(caller.tenant)
        found = await sources.versions(db, source, part)
        return part.page(found, key=lambda one: (one.number,), item=DirectionsVersion.of)

    @made.post(
        "/sources/{source_id}/secret",
        operation_id="rotate_source_secret",
        summary="Give a source a new secret",
        response_model=SourceWithSecret,
        responses=PROBLEMS(400, 401, 403, 404, 409, 422),
    )
    async def rotate(source_id: SourceId, caller: Manages, now: Now, once: OnceIfKeyed) -> Response:
        """
        A new secret, shown this once; the former one signs for another 24 hours.

        A repetition with the same Idempotency-Key makes no other one and does not show it again.
        """
        done = await sources.rotate(
            db, sealer, caller, source_id, now=now, once=once, told=_told(200)
        )
        book.forget(caller.tenant)
        return _shown(200, done)

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
