"""Recordings: links that let somebody hear one for a few minutes, and who heard what."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.errors import FieldError, NotFound, Refused, TooMany, Unprocessable
from otklik_common.events.access import Role
from otklik_common.events.contact_center import Contact as ContactFact
from otklik_common.paging import Part
from otklik_common.pseudonym import Sealer, derive
from otklik_contact_center.actions.contacts import not_found
from otklik_contact_center.actions.packing import EVENT
from otklik_contact_center.actions.recording_fetch import Fetched, Fetcher
from otklik_contact_center.domain.admission import decode_stored
from otklik_contact_center.domain.events import Event, place
from otklik_contact_center.domain.recording.address import MOST_HOSTS, entry_of
from otklik_contact_center.domain.recording.link import (
    MOST_PLAYS,
    is_signed,
    read_link,
    write_link,
)
from otklik_contact_center.store import contacts_read, recordings
from otklik_contact_center.store.declared import RECORDING_HOSTS
from otklik_contact_center.store.recordings import LinkRow, Play, Wanted

PURPOSE: Final = "recording link"
"""Of the key under which links are signed."""

PLAYED: Final = "played"

_SAID_BY: Final = ("recording_url", "recording_id")
"""Attributes in which senders say where a recording lies; an id may be an address."""


class NoRecording(NotFound):
    """The contact has no recording that is known to lie anywhere."""

    code = "no_recording"


class UnknownLink(NotFound):
    """No link of ours, or one to a contact that is no more."""

    code = "unknown_recording_link"


class LinkExpired(Refused):
    """A link lives five minutes at most."""

    status = 410
    code = "recording_link_expired"


@dataclass(frozen=True, slots=True)
class Made:
    """A link that was just made: `text` is its secret part."""

    text: str
    event: str
    expires_at: datetime


class Recordings:
    """Lets recordings be heard."""

    def __init__(self, db: Database, sealer: Sealer, master: bytes, fetcher: Fetcher) -> None:
        self._db = db
        self._sealer = sealer
        self._master = master
        self._fetcher = fetcher

    async def hosts(self, tenant: str) -> list[str]:
        """Hosts that recordings may be fetched from."""
        async with self._db.begin(tenant) as tx:
            return await RECORDING_HOSTS.listed(tx, tenant)

    async def allow(self, tenant: str, hosts: Iterable[str]) -> list[str]:
        """Allow these and no others. Raises Unprocessable for what is no host."""
        read = [(text, entry_of(text)) for text in hosts]
        faults = [
            FieldError(
                f"hosts.{at}", "bad_host", "is no host like records.example.com", "не сервер"
            )
            for at, (_, entry) in enumerate(read)
            if entry is None
        ]
        if faults:
            raise Unprocessable(
                f"{len(faults)} hosts are none, the first: {faults[0].field}",
                code="bad_host",
                detail_ru=f"не серверы: {len(faults)}, первый: {faults[0].field}",
                errors=faults,
            )
        assert len(read) <= MOST_HOSTS, "routes take no more"
        async with self._db.begin(tenant) as tx:
            await RECORDING_HOSTS.put(tx, tenant, [entry for _, entry in read if entry is not None])
            return await RECORDING_HOSTS.listed(tx, tenant)

    async def make_link(
        self, caller: Caller, contact: UUID, event: str | None, span: timedelta, now: datetime
    ) -> Made:
        """
        A link to a contact's recording.

        Args:
            event: Its event, by the sender's id; None for the last recording.
        Raises:
            ContactNotFound: There is none, or not within reach; of agents, only their own are.
            NoRecording: None is known.
            RecordingRefused: It would not be fetched from where it lies.
        """
        tenant = caller.tenant
        async with self._db.begin(tenant) as tx:
            kept = await contacts_read.get(tx, tenant, contact, caller.branches)
            agent = None if kept is None else ContactFact.model_validate_json(kept.data).agent
            if kept is None or not _hears(caller, agent):
                raise not_found(contact)
            stored = await contacts_read.events_of(tx, tenant, kept)
            allowed = await RECORDING_HOSTS.listed(tx, tenant)
        events = (self._opened(tenant, one.body) for one in stored)
        found = _recording(events, event)
        await self._fetcher.check(_where(found), allowed)
        row = LinkRow(
            id=uuid4(),
            contact=contact,
            branch=kept.branch,
            agent=agent,
            source=kept.source,
            event=found.id,
            made_by=caller.principal,
            made_at=now,
            expires_at=now + span,
        )
        async with self._db.begin(tenant) as tx:
            await recordings.add_link(tx, tenant, row)
        text = write_link(self._key(tenant), tenant, row.id, row.expires_at)
        return Made(text, row.event, row.expires_at)

    async def play(self, text: str, part: str | None, now: datetime) -> Fetched:
        """
        Begin to play what a link leads to; that is remembered, whatever comes of it.

        Args:
            part: The header Range.
        Raises:
            UnknownLink, LinkExpired, TooMany: The link opens nothing.
            RecordingRefused, RecordingUnavailable, NoSuchPart, Unavailable: Nor is anything to be had.
        """
        link = read_link(text)
        if link is None or not is_signed(self._key(link.tenant), link):
            raise _no_link()
        tenant = link.tenant
        async with self._db.begin(tenant) as tx:
            row = await recordings.link(tx, tenant, link.id)
            if row is None:
                raise _no_link()
            if now >= min(link.until, row.expires_at):
                raise LinkExpired(
                    "the link has expired: ask for another",
                    detail_ru="ссылка больше не действует: запросите новую",
                )
            if await recordings.count_plays(tx, tenant, link.id) >= MOST_PLAYS:
                raise TooMany(
                    f"a link is used {MOST_PLAYS} times at most",
                    code="too_many_plays",
                    detail_ru=f"по одной ссылке не больше {MOST_PLAYS} обращений",
                    retry_after=60,
                )
            event = await self._event(tx, tenant, row)
            allowed = await RECORDING_HOSTS.listed(tx, tenant)
        outcome = "failed"
        fetched: Fetched | None = None
        try:
            fetched = await self._fetcher.fetch(_where(event), allowed, part, tenant=tenant)
            outcome = PLAYED
        except Refused as refused:
            outcome = refused.code
            raise
        finally:
            await self._remember(tenant, link.id, now, outcome, fetched)
        return fetched

    async def plays(self, caller: Caller, wanted: Wanted, part: Part) -> list[Play]:
        """Who heard what, within reach, the last first."""
        async with self._db.begin(caller.tenant) as tx:
            return await recordings.plays(tx, caller.tenant, wanted, caller.branches, part)

    async def _remember(
        self, tenant: str, link: UUID, at: datetime, outcome: str, fetched: Fetched | None
    ) -> None:
        """Write down a play; if that cannot be done, nothing is played."""
        try:
            async with self._db.begin(tenant) as tx:
                await recordings.add_play(tx, tenant, link, at=at, outcome=outcome)
        except BaseException:
            if fetched is not None:
                await fetched.close()
            raise

    async def _event(self, tx: AsyncConnection, tenant: str, row: LinkRow) -> Event:
        body = await recordings.event(tx, tenant, row.source, row.event)
        if body is None:
            raise _no_link()
        return self._opened(tenant, body)

    def _opened(self, tenant: str, body: bytes) -> Event:
        return decode_stored(self._sealer.open(tenant, EVENT, body))

    def _key(self, tenant: str) -> bytes:
        return derive(self._master, PURPOSE, tenant)


def _recording(events: Iterable[Event], wanted: str | None) -> Event:
    """The last recording, or the one of that id. Raises NoRecording."""
    known = [
        one
        for one in events
        if one.type == "recording" and _where(one) and wanted in (None, one.id)
    ]
    if not known:
        raise NoRecording(
            "no recording of the contact is known to lie anywhere",
            detail_ru="неизвестно, где лежит запись обращения",
        )
    return max(known, key=place)


def _where(event: Event) -> str:
    """Where the sender says that a recording lies; empty where they do not."""
    attributes = event.attributes or {}
    said = (attributes.get(name, "") for name in _SAID_BY)
    return next((one for one in said if "://" in one), "")


def _no_link() -> UnknownLink:
    return UnknownLink("there is no such link", detail_ru="такой ссылки нет")


def _hears(caller: Caller, agent: str | None) -> bool:
    """An agent hears contacts of their own; what is nobody's is for others."""
    return caller.role is not Role.AGENT or (agent is not None and agent == caller.agent)
