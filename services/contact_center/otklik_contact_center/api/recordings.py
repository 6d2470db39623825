"""Recordings: links to hear them by, and who heard what."""

import asyncio
from datetime import datetime, timedelta
from typing import Annotated, Final, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field, StringConstraints
from starlette.types import Message, Receive, Scope, Send

from otklik_common.callers import Caller, require, require_everywhere
from otklik_common.http import PROBLEMS, PUBLIC, AwareTime, Now, Page, Pages, StrictModel
from otklik_contact_center.actions import recording_fetch
from otklik_contact_center.actions.recording_fetch import Fetched
from otklik_contact_center.actions.recordings import Recordings
from otklik_contact_center.api.schemas import Code, Id
from otklik_contact_center.domain.recording.address import MOST_HOSTS
from otklik_contact_center.domain.recording.link import MOST_SECONDS
from otklik_contact_center.store.recordings import Play, Wanted

PREFIX: Final = "/contact-center/v1"

Hears = Annotated[Caller, Depends(require("contacts:read"))]
Audits = Annotated[Caller, Depends(require("quality:write"))]
Manages = Annotated[Caller, Depends(require_everywhere("sources:write"))]
Host = Annotated[str, StringConstraints(min_length=1, max_length=260)]


class LinkBody(StrictModel):
    """What is to be heard, and for how long the link opens it."""

    seconds: int = Field(default=MOST_SECONDS, ge=1, le=MOST_SECONDS)
    recording: Id | None = Field(
        default=None, description="id of its event; without it the contact's last recording"
    )


class LinkOut(BaseModel):
    """A link; whoever has it can hear the recording until it expires."""

    url: str = Field(description="path of our own, to be played without a credential")
    recording: str
    expires_at: datetime


class Hosts(StrictModel):
    """Hosts that recordings may be fetched from."""

    hosts: Annotated[list[Host], Field(max_length=MOST_HOSTS)] = Field(
        description="records.example.com, *.example.com for all below it, with :port where it is not"
        " the usual one; none: nothing is played",
        examples=[["records.example.com", "*.cloud.example"]],
    )


class PlayOut(BaseModel):
    """A time that a recording was asked for."""

    number: int
    at: datetime
    outcome: str = Field(description="played, or the code of what it was refused for")
    contact: UUID
    branch: str | None
    agent: str | None
    link: UUID
    made_by: str = Field(description="member or key that made the link")
    made_at: datetime

    @classmethod
    def of(cls, play: Play) -> Self:
        """The answer for one."""
        return cls(**play._asdict())


async def _wanted(
    contact: Annotated[UUID | None, Query()] = None,
    agent: Annotated[Code | None, Query()] = None,
    made_by: Annotated[Code | None, Query()] = None,
    begins: Annotated[AwareTime | None, Query(alias="from")] = None,
    ends: Annotated[AwareTime | None, Query(alias="to")] = None,
) -> Wanted:
    return Wanted(contact, agent, made_by, begins, ends)


class Played(StreamingResponse):
    """A recording on its way; what it is fetched by is given back if the listener leaves or rests."""

    def __init__(self, fetched: Fetched) -> None:
        super().__init__(fetched.body, fetched.status, dict(fetched.headers))
        self._fetched = fetched

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            # A player that is paused reads nothing, and nobody waits for it for ever.
            async with asyncio.timeout(recording_fetch.STALLED_SECONDS):
                await send(message)

        try:
            async with asyncio.timeout(recording_fetch.MOST_SECONDS):
                await super().__call__(scope, receive, sent)
        finally:
            await self._fetched.close()


def router(recordings: Recordings) -> APIRouter:
    """The routes."""
    made = APIRouter(prefix=PREFIX, tags=["recordings"])

    @made.post(
        "/contacts/{contact_id}/recording-links",
        status_code=201,
        operation_id="make_recording_link",
        summary="A link to hear a recording by",
        responses=PROBLEMS(401, 403, 404, 409, 422),
    )
    async def make(
        contact_id: Annotated[UUID, Path()], body: LinkBody, caller: Hears, now: Now
    ) -> LinkOut:
        """
        Of our own, for five minutes at most. The recording is fetched from a host that the company
        allows, at a public address; anywhere else is refused. An agent hears contacts of their own.
        """
        span = timedelta(seconds=body.seconds)
        link = await recordings.make_link(caller, contact_id, body.recording, span, now)
        url = f"{PREFIX}/recordings/{link.text}"
        return LinkOut(url=url, recording=link.event, expires_at=link.expires_at)

    @made.get(
        "/recordings/{link}",
        operation_id="play_recording",
        summary="Play a recording",
        response_class=Response,
        responses={
            200: {"description": "The recording", "content": {"audio/*": {}}},
            206: {"description": "A part of it", "content": {"audio/*": {}}},
            **PROBLEMS(404, 409, 410, 416, 422, 429, 502, 503),
        },
        openapi_extra=PUBLIC,
    )
    async def play(
        link: Annotated[str, Path(min_length=1, max_length=200)],
        now: Now,
        part: Annotated[
            str | None,
            Header(
                alias="Range", max_length=100, description="one range of bytes; others are ignored"
            ),
        ] = None,
    ) -> Response:
        """By a link that was made a few minutes ago; who made it and when it is used is kept."""
        fetched = await recordings.play(link, part, now)
        return Played(fetched)

    @made.get(
        "/recording-plays",
        operation_id="list_recording_plays",
        summary="Who heard which recordings",
        responses=PROBLEMS(400, 401, 403, 422),
    )
    async def plays(
        caller: Audits, wanted: Annotated[Wanted, Depends(_wanted)], paging: Pages
    ) -> Page[PlayOut]:
        """Each request for a recording, also those that were refused, the last first."""
        part = paging.part(caller.tenant)
        found = await recordings.plays(caller, wanted, part)
        return part.page(found, key=lambda one: (one.number,), item=PlayOut.of)

    @made.get(
        "/recording-hosts",
        operation_id="list_recording_hosts",
        summary="Hosts that recordings may be fetched from",
        responses=PROBLEMS(401, 403),
    )
    async def hosts(caller: Manages) -> Hosts:
        """All that the company allows."""
        return Hosts(hosts=await recordings.hosts(caller.tenant))

    @made.put(
        "/recording-hosts",
        operation_id="allow_recording_hosts",
        summary="Say which hosts recordings may be fetched from",
        responses=PROBLEMS(401, 403, 422),
    )
    async def allow(body: Hosts, caller: Manages) -> Hosts:
        """Declare them anew. Links that were made before obey as well."""
        return Hosts(hosts=await recordings.allow(caller.tenant, body.hosts))

    return made
