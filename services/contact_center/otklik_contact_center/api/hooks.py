"""What other products pushed, for those who set them up."""

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, Field

from otklik_common.callers import Caller, require_everywhere
from otklik_common.http import PROBLEMS, Now, Page, Pages, StrictModel
from otklik_contact_center.actions.hooks import Hooks, Shown
from otklik_contact_center.actions.sources import SourceBook
from otklik_contact_center.api.schemas import RefusedItem

PREFIX: Final = "/contact-center/v1/sources/{source_id}/bodies"

Manages = Annotated[Caller, Depends(require_everywhere("sources:write"))]
SEES_BODIES: Final = "contacts:write"
SourceId = Annotated[str, Path(max_length=60, examples=["demo2abc.k3f9w2zq"])]


class BodyOut(BaseModel):
    """A body as it came."""

    number: int
    received_at: datetime
    code: str | None = Field(description="why it was not read; null: it was")
    detail: str | None
    body: str | None = Field(description="in the clear for contacts:write, else null")


class ReplayBodies(StrictModel):
    """Which bodies are to be read again."""

    after: int = Field(default=0, ge=0, le=2**62, description="those behind this number")
    unread: bool = Field(default=True, description="false: those that were read before, too")


class ReplayedOut(BaseModel):
    """What became of them."""

    bodies: int = Field(description="how many were read, 200 at most")
    accepted: int
    duplicates: int
    refused: list[RefusedItem]
    unread: int = Field(description="still not understood")
    last: int | None = Field(description="go on with it as `after`; null: none is left")


def router(book: SourceBook, hooks: Hooks) -> APIRouter:
    """The routes."""
    made = APIRouter(tags=["sources"])

    @made.get(
        PREFIX,
        operation_id="list_hook_bodies",
        summary="What a product pushed, as it came",
        responses=PROBLEMS(400, 401, 403, 404, 422),
    )
    async def list_all(
        source_id: SourceId,
        caller: Manages,
        now: Now,
        paging: Pages,
        unread: Annotated[bool, Query(description="only what could not be read")] = False,
    ) -> Page[BodyOut]:
        """The newest first, each once, for 30 days; of events of our own contract there are none."""
        source = await book.get(caller.tenant, source_id, now)
        part = paging.part(caller.tenant)
        rows = await hooks.listed(caller.tenant, source, part, unread=unread)
        sees = caller.may(SEES_BODIES)

        def item(one: Shown) -> BodyOut:
            return BodyOut(
                number=one.number,
                received_at=one.received_at,
                code=one.code,
                detail=one.detail,
                body=one.body.decode("utf-8", "replace") if sees else None,
            )

        return part.page(rows, key=lambda one: (one.number,), item=item)

    @made.post(
        f"{PREFIX}:replay",
        status_code=202,
        operation_id="replay_hook_bodies",
        summary="Read what a product pushed again",
        responses=PROBLEMS(401, 403, 404, 422, 503),
    )
    async def replay(
        source_id: SourceId, body: ReplayBodies, caller: Manages, now: Now
    ) -> ReplayedOut:
        """
        After the reader or the directions have changed: the oldest 200 behind `after`. Events that
        are known already are duplicates; those whose words are others now are refused by
        `event_id_reused`.
        """
        source = await book.get(caller.tenant, source_id, now)
        done = await hooks.replay(source, after=body.after, unread=body.unread, now=now)
        return ReplayedOut(
            bodies=done.bodies,
            accepted=done.accepted,
            duplicates=done.duplicates,
            refused=[
                RefusedItem(index=one.index, code=one.code, detail=one.detail)
                for one in done.refused[:200]
            ],
            unread=done.unread,
            last=done.last,
        )

    return made
