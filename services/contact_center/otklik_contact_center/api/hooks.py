"""What other products pushed, for those who set them up."""

from datetime import datetime
from typing import Annotated, Any, Final, Self

import msgspec
from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, Field, StringConstraints

from otklik_common.callers import Caller, require_everywhere
from otklik_common.http import PROBLEMS, Now, Page, Pages, StrictModel
from otklik_contact_center.actions.hooks import TRIED_AT_ONCE, Hooks, Shown, Tried
from otklik_contact_center.actions.sources import SourceBook
from otklik_contact_center.api.schemas import DirectionsBody, RefusedItem
from otklik_contact_center.domain.contact import Contact
from otklik_contact_center.domain.providers.trial import contacts_of

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
    version: int | None = Field(description="of the directions by which it was read last")
    body: str | None = Field(description="in the clear for contacts:write, else null")


class ReplayBodies(StrictModel):
    """Which bodies are to be read again."""

    after: int = Field(default=0, ge=0, le=2**53 - 1, description="those behind this number")
    unread: bool = Field(default=True, description="false: those that were read before, too")


class RefusedOfBodyOut(RefusedItem):
    """An event that was not let in."""

    number: int = Field(description="of the body that tells it")


class ReplayedOut(BaseModel):
    """What became of them."""

    bodies: int = Field(description="how many were read, 200 at most")
    accepted: int
    duplicates: int
    changed: int = Field(description="events that were known and are told otherwise now")
    gone: int = Field(description="events that the former directions told and these do not")
    refused: list[RefusedOfBodyOut]
    unread: int = Field(description="still not understood")
    last: int | None = Field(description="go on with it as `after`; null: none is left")


class TryBodies(StrictModel):
    """How bodies are to be read, and which."""

    directions: DirectionsBody | None = Field(
        default=None, description="left out: those of the source"
    )
    bodies: Annotated[
        list[Annotated[str, StringConstraints(max_length=100_000)]], Field(max_length=TRIED_AT_ONCE)
    ] = Field(default=[], description="as a product would push them; none: the last 20 that came")


class TriedOut(BaseModel):
    """What a body would tell."""

    number: int | None = Field(description="of the body; null: it was given")
    detail: str | None = Field(description="why it cannot be read")
    events: list[dict[str, Any]] | None = Field(
        description="our events, as they would be pushed; of bodies that came for contacts:write,"
        " else null"
    )
    refused: list[RefusedItem]


class ContactOut(BaseModel):
    """A contact as these bodies alone would tell it."""

    contact: str
    channel: str
    direction: str
    outcome: str
    offered_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    waited_ms: int | None
    queue: str | None
    agent: str | None
    branch: str | None
    contradictions: list[str]

    @classmethod
    def of(cls, name: str, contact: Contact) -> Self:
        """What a mapping is checked by."""
        about, course = contact.about, contact.course
        return cls(
            contact=name,
            channel=about.channel,
            direction=about.direction,
            outcome=contact.outcome,
            offered_at=course.offered_at,
            answered_at=course.answered_at,
            ended_at=course.ended_at,
            waited_ms=contact.waited_ms,
            queue=about.queue,
            agent=about.agent,
            branch=about.branch,
            contradictions=list(contact.contradictions),
        )


class TrialOut(BaseModel):
    """What bodies would tell."""

    bodies: list[TriedOut]
    contacts: list[ContactOut]


def _tried(one: Tried, *, sees: bool) -> TriedOut:
    push, why = one.trial
    admitted = push.admitted if push is not None else ()
    refused = push.refused if push is not None else ()
    return TriedOut(
        number=one.number,
        detail=why,
        events=[msgspec.to_builtins(found.event) for found in admitted] if sees else None,
        refused=[RefusedItem(index=no.index, code=no.code, detail=no.detail) for no in refused],
    )


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
                version=one.version,
                body=one.body.decode("utf-8", "replace") if sees else None,
            )

        return part.page(rows, key=lambda one: (one.number,), item=item)

    @made.post(
        f"{PREFIX}:dry-run",
        operation_id="try_hook_bodies",
        summary="What bodies would tell if they were read in another way",
        responses=PROBLEMS(401, 403, 404, 422),
    )
    async def try_out(source_id: SourceId, body: TryBodies, caller: Manages, now: Now) -> TrialOut:
        """
        Events and contacts of some bodies, by these directions or by those of the source. Nothing
        is kept or sent: a mapping is tried on what a product really pushed before it is set.
        """
        source = await book.get(caller.tenant, source_id, now)
        said = body.directions
        directions = source.directions if said is None else said.directions()
        given = [one.encode() for one in body.bodies]
        tried = await hooks.try_out(source, directions, given, now)
        contacts = contacts_of([one.trial for one in tried])
        return TrialOut(
            bodies=[_tried(one, sees=bool(given) or caller.may(SEES_BODIES)) for one in tried],
            contacts=[ContactOut.of(name, found) for name, found in contacts.items()],
        )

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
        are known already are duplicates; those whose words are others now are told anew, and
        those that only the former directions told are taken back. Their contacts follow within
        seconds, and so do all numbers.
        """
        source = await book.get(caller.tenant, source_id, now)
        done = await hooks.replay(source, after=body.after, unread=body.unread, now=now)
        return ReplayedOut(
            bodies=done.bodies,
            accepted=done.accepted,
            duplicates=done.duplicates,
            changed=done.changed,
            gone=done.gone,
            refused=[
                RefusedOfBodyOut(
                    number=one.body,
                    index=one.event.index,
                    code=one.event.code,
                    detail=one.event.detail,
                )
                for one in done.refused[:200]
            ],
            unread=done.unread,
            last=done.last,
        )

    return made
