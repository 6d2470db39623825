"""Events that were not let in."""

from datetime import datetime
from typing import Annotated, Any, Final, Self

import msgspec
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field, model_validator

from otklik_common.callers import Caller, require_everywhere
from otklik_common.http import PROBLEMS, Now, Page, Pages, StrictModel, bad_value
from otklik_common.module import Platform
from otklik_contact_center.actions import refusals
from otklik_contact_center.actions.push import Door
from otklik_contact_center.actions.refusals import MOST_REPLAYED, Replay, Shown
from otklik_contact_center.actions.sources import SourceBook
from otklik_contact_center.api.agent_states import answer
from otklik_contact_center.api.schemas import Code, PushAnswer
from otklik_contact_center.store.columns import SCHEMA
from otklik_contact_center.store.refusals import Wanted

PREFIX: Final = "/contact-center/v1"

# Of the whole company: what could not be read belongs to no branch.
Helps = Annotated[Caller, Depends(require_everywhere("sources:write", "contacts:write"))]
Source = Annotated[str, Field(max_length=60)]


SEES_BODIES: Final = "contacts:write"
"""Who may put contacts in sees what senders wrote of them; who looks after sources need not."""


class RefusedEventOut(BaseModel):
    """An event that was not let in; what its sender wrote is for callers with contacts:write."""

    id: int = Field(description="names it for a replay")
    source: str
    code: str
    detail: str
    received_at: datetime
    replayed_at: datetime | None = Field(
        description="when it was pushed again, with whatever result"
    )
    event: Any = Field(
        default=None, description="as pushed, where it is JSON; null without contacts:write"
    )
    text: str | None = Field(
        default=None, description="as pushed, where it is not; null without contacts:write"
    )
    kept: bool = Field(description="false for what was above 64 KiB: it cannot be pushed again")


class ReplayBody(StrictModel):
    """What to push again: by ids, or whatever was refused with a code and not replayed yet."""

    ids: Annotated[list[int], Field(min_length=1, max_length=MOST_REPLAYED)] | None = None
    code: Code | None = None
    source: Source | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.ids is None) == (self.code is None and self.source is None):
            raise bad_value(
                "ids_or_code",
                "name either ids, or a code or source",
                "укажите либо ids, либо код или источник",
            )
        return self


def _whole(shown: Shown) -> RefusedEventOut:
    out = _without_body(shown)
    if shown.body is not None:
        try:
            out.event = msgspec.json.decode(shown.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            out.text = shown.body.decode("utf-8", "replace")
    return out


def _without_body(shown: Shown) -> RefusedEventOut:
    kept = shown.kept
    return RefusedEventOut(
        id=kept.number,
        source=kept.source,
        code=kept.code,
        detail=shown.detail,
        received_at=kept.received_at,
        replayed_at=kept.replayed_at,
        kept=shown.body is not None,
    )


def router(platform: Platform, book: SourceBook, door: Door) -> APIRouter:
    """The routes."""
    db, sealer = platform.database(SCHEMA, "api"), platform.sealer
    again = Replay(db, sealer, book=book, door=door)
    made = APIRouter(prefix=f"{PREFIX}/events", tags=["pushes"])

    @made.get(
        "/refused",
        operation_id="list_refused_events",
        summary="List events that were not let in",
        responses=PROBLEMS(400, 401, 403, 422),
    )
    async def list_all(
        caller: Helps,
        paging: Pages,
        source: Annotated[Source | None, Query()] = None,
        code: Annotated[Code | None, Query()] = None,
        replayed: Annotated[bool | None, Query(description="pushed again already")] = None,
    ) -> Page[RefusedEventOut]:
        """
        The newest first, each body once.

        With contacts:write they hold what their senders wrote, in the clear; with sources:write
        alone they say why, when and whence.
        """
        part = paging.part(caller.tenant)
        view = _whole if caller.may(SEES_BODIES) else _without_body
        rows = await refusals.list_refused(db, sealer, caller, Wanted(source, code, replayed), part)
        return part.page(rows, key=lambda shown: (shown.kept.number,), item=view)

    @made.post(
        "/refused:replay",
        status_code=202,
        operation_id="replay_refused_events",
        summary="Push refused events again",
        responses=PROBLEMS(401, 403, 422, 503),
    )
    async def replay(body: ReplayBody, caller: Helps, now: Now) -> PushAnswer:
        """
        Judge refused events again as of now, and let in those that are sound.

        By `ids` at most 500 in their order; by `code` or `source` the 500 oldest that were not
        replayed before: repeat it until nothing is accepted, known or refused any more. The
        answer is that of a push, `index` being the place in `ids` or in that order.
        """
        if body.ids is not None:
            return answer(await again.of_numbers(caller, body.ids, now))
        wanted = Wanted(body.source, body.code, replayed=False)
        return answer(await again.of_kind(caller, wanted, now))

    return made
