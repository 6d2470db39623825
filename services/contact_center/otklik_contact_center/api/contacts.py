"""Contacts, for those who work with them."""

from datetime import datetime
from typing import Annotated, Any, Final, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, Field, model_validator

from otklik_common.callers import Caller, require
from otklik_common.events.contact_center import Channel, ChannelName, Direction, Outcome, channel_of
from otklik_common.events.contact_center import Contact as ContactFact
from otklik_common.http import (
    PROBLEMS,
    AwareTime,
    Page,
    Pages,
    Paging,
    StrictModel,
    bad_value,
)
from otklik_common.module import Platform
from otklik_common.paging import DEFAULT_ITEMS, MOST_CHARACTERS, MOST_ITEMS
from otklik_contact_center.actions import contacts
from otklik_contact_center.actions.contacts import Customer, Detail, Happened, Means
from otklik_contact_center.api.schemas import Address, Code
from otklik_contact_center.domain.events import author_of
from otklik_contact_center.store.columns import SCHEMA
from otklik_contact_center.store.contacts_read import Kept, Wanted

PREFIX: Final = "/contact-center/v1"

Reads = Annotated[Caller, Depends(require("contacts:read"))]

AUTHORED: Final = frozenset(("answered", "message"))
"""Types of events that somebody stands behind, also where the sender does not say who."""


class ContactView(BaseModel):
    """A contact as last folded; times are null until they happen, spans are milliseconds."""

    id: UUID = Field(description="its subject in facts and metrics")
    source: str = Field(description="id of the source that sent it")
    contact: str = Field(description="the sender's own id of it")
    at: datetime = Field(description="when it began; lists are ordered by it")
    channel: ChannelName
    reached_by: Channel = Field(description="the channel itself, also of the head's line")
    direction: Direction
    outcome: Outcome
    party: str | None
    branch: str | None
    team: str | None
    queue: str | None
    agent: str | None
    campaign: str | None
    touchpoint: str | None
    stage: str | None
    started_at: datetime | None
    offered_at: datetime | None
    answered_at: datetime | None
    abandoned_at: datetime | None
    first_asked_at: datetime | None
    first_replied_at: datetime | None
    ended_at: datetime | None
    due_at: datetime | None
    waited_ms: int | None
    talked_ms: int | None
    held_ms: int | None
    wrapped_ms: int | None
    handled_ms: int | None
    first_response_ms: int | None
    resolution_ms: int | None
    customer_messages: int
    agent_messages: int
    bot_messages: int
    transfers: int
    reopenings: int
    recorded: bool
    contradictions: list[str] = Field(description="codes of what does not fit together")
    attributes: dict[str, str] = Field(description="those that the company lets out")


class EventView(BaseModel):
    """Something that happened to a contact, as its sender told it."""

    id: str
    type: str
    at: datetime
    received_at: datetime = Field(description="when we heard of it")
    actor: str | None = Field(description="who did it: customer, human, bot or system")
    agent: str | None
    queue: str | None
    branch: str | None
    team: str | None
    from_: str | None = Field(serialization_alias="from")
    to: str | None
    public: bool
    outcome: str | None
    text: str | None


class ContactDetail(ContactView):
    """A contact with its customer in the clear and everything that happened to it."""

    phone: str | None = Field(description="E.164 where it is a sound number")
    email: str | None
    external_id: str | None
    events: list[EventView] = Field(description="the latest 1,000, in order")
    events_left_out: int = Field(description="how many earlier ones there are")


class CustomerQuery(StrictModel):
    """By what the customer is known, and which part of the list is wanted."""

    phone: Address | None = None
    email: Address | None = None
    external_id: Address | None = None
    limit: int = Field(default=DEFAULT_ITEMS, ge=1, le=MOST_ITEMS)
    cursor: str | None = Field(default=None, max_length=MOST_CHARACTERS)

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if self.phone is None and self.email is None and self.external_id is None:
            raise bad_value(
                "missing",
                "name a phone, an e-mail or an external id",
                "укажите телефон, почту или внешний id",
            )
        return self


def _plain(kept: Kept) -> dict[str, Any]:
    told = ContactFact.model_validate_json(kept.data)
    fact = told.model_dump()
    fact |= {"channel": channel_of(told), "reached_by": told.reached_by or told.channel}
    return {
        name: fact[name] for name in ContactView.model_fields if name in fact and name != "source"
    } | {"id": kept.id, "source": kept.source, "contact": kept.contact, "at": kept.at}


def _view(kept: Kept) -> ContactView:
    return ContactView(**_plain(kept))


def _event(happened: Happened) -> EventView:
    event = happened.event
    return EventView(
        id=event.id,
        type=event.type,
        at=event.at,
        received_at=happened.received_at,
        actor=event.actor or (author_of(event) if event.type in AUTHORED else None),
        agent=event.agent,
        queue=event.queue,
        branch=event.branch,
        team=event.team,
        from_=event.from_,
        to=event.to,
        public=event.public,
        outcome=event.outcome,
        text=event.text,
    )


def _detail(found: Detail) -> ContactDetail:
    customer = found.customer
    return ContactDetail(
        **_plain(found.kept),
        phone=customer.phone,
        email=customer.email,
        external_id=customer.external_id,
        events=[_event(happened) for happened in found.events],
        events_left_out=found.left_out,
    )


def _key(kept: Kept) -> tuple[datetime, UUID]:
    return kept.at, kept.id


async def _wanted(  # noqa: PLR0917 - filters of a list are named by its caller
    branch: Annotated[Code | None, Query()] = None,
    queue: Annotated[Code | None, Query()] = None,
    agent: Annotated[Code | None, Query()] = None,
    channel: Annotated[ChannelName | None, Query()] = None,
    direction: Annotated[Direction | None, Query()] = None,
    party: Annotated[Code | None, Query()] = None,
    outcome: Annotated[Outcome | None, Query()] = None,
    begins: Annotated[
        AwareTime | None, Query(alias="from", description="began from then on")
    ] = None,
    ends: Annotated[AwareTime | None, Query(alias="to", description="began before")] = None,
) -> Wanted:
    return Wanted(
        branch=branch,
        queue=queue,
        agent=agent,
        channel=channel,
        direction=direction,
        party=party,
        outcome=outcome,
        begins=begins,
        ends=ends,
    )


def router(platform: Platform) -> APIRouter:
    """The routes."""
    db, directory = platform.database(SCHEMA, "api"), platform.directory(SCHEMA)
    made = APIRouter(prefix=PREFIX, tags=["contacts"])

    async def means(tenant: str) -> Means:
        return Means(platform.pseudonyms, platform.sealer, await directory.region(tenant))

    @made.get(
        "/contacts",
        operation_id="list_contacts",
        summary="List contacts",
        responses=PROBLEMS(400, 401, 403, 422),
    )
    async def list_all(
        caller: Reads, wanted: Annotated[Wanted, Depends(_wanted)], paging: Pages
    ) -> Page[ContactView]:
        """
        Contacts of the branches within reach, the newest first.

        A contact appears when its events are folded, normally within a second of their push.
        """
        part = paging.part(caller.tenant)
        rows = await contacts.list_contacts(db, caller, wanted, part)
        return part.page(rows, key=_key, item=_view)

    @made.post(
        "/contacts:find",
        operation_id="find_contacts",
        summary="Find a customer's contacts",
        responses=PROBLEMS(400, 401, 403, 422),
    )
    async def find(body: CustomerQuery, caller: Reads, request: Request) -> Page[ContactView]:
        """
        Contacts of whoever is known by this phone, e-mail or external id, the newest first.

        Asked for by body, so that nothing personal stands in an address. Several are joined by
        “or”. What identifies nobody finds nothing.
        """
        customer = Customer(body.phone, body.email, body.external_id)
        query = [body.phone, body.email, body.external_id]
        paging = Paging.of(request, limit=body.limit, cursor=body.cursor, query=query)
        part = paging.part(caller.tenant)
        rows = await contacts.find_contacts(db, await means(caller.tenant), caller, customer, part)
        return part.page(rows, key=_key, item=_view)

    @made.get(
        "/contacts/{contact_id}",
        operation_id="get_contact",
        summary="Read a contact",
        responses=PROBLEMS(401, 403, 404, 422),
    )
    async def get(contact_id: Annotated[UUID, Path()], caller: Reads) -> ContactDetail:
        """A contact with its customer's phone and everything that happened, words included."""
        return _detail(
            await contacts.read_contact(db, await means(caller.tenant), caller, contact_id)
        )

    return made
