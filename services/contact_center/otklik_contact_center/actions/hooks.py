"""
Pushes of other products: proved, kept as they came, read, and pushed as our own events.

First a body is kept, then it is read: what our reader does not understand is not lost, and is read
again once it does. A body that comes again is read again, which changes nothing.
"""

import asyncio
import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec

from otklik_common.db import Database
from otklik_common.errors import Unprocessable
from otklik_common.failpoints import failpoint
from otklik_common.module import Platform, Worker
from otklik_common.paging import Part
from otklik_common.pseudonym import Sealer
from otklik_common.stepping import keep_stepping
from otklik_contact_center.actions.packing import Packer
from otklik_contact_center.actions.push import BadSignature, Door, Portion, Pushed, RefusedEvent
from otklik_contact_center.domain.admission import read_push
from otklik_contact_center.domain.providers.pushed import (
    Provider,
    Request,
    UnreadableError,
)
from otklik_contact_center.domain.source import Source
from otklik_contact_center.store import hooks
from otklik_contact_center.store.hooks import Body
from otklik_contact_center.store.tables import SCHEMA

NAME: Final = "contact-center.hooks"

HOOK: Final = "hook body"
"""What sealed bodies are for: bytes sealed for this do not open as anything else."""

MOST_BYTES: Final = 1024 * 1024
"""Of one push of a product; all of them stay far below."""

KEPT: Final = timedelta(days=30)
SWEPT_AT_ONCE: Final = 1_000
SWEEP_SECONDS: Final = 600.0

REPLAYED_AT_ONCE: Final = 200

UNREADABLE: Final = "unreadable"

body_kept = failpoint("hooks.kept", "a body is kept, its events are not")

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Shown:
    """A body in the clear, and why it was not read."""

    number: int
    received_at: datetime
    body: bytes
    code: str | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of bodies that were read again; `last` is the number of the last of them."""

    bodies: int
    accepted: int
    duplicates: int
    refused: Sequence[RefusedEvent]
    unread: int
    last: int | None


class Hooks:
    """Where other products push."""

    def __init__(self, db: Database, sealer: Sealer, master: bytes, door: Door) -> None:
        self._db = db
        self._sealer = sealer
        self._packer = Packer(sealer, master)
        self._door = door

    async def push(
        self, source: Source, request: Request, *, now: datetime, traceparent: str | None = None
    ) -> Pushed:
        """
        Take in what a product pushed.

        Raises:
            BadSignature: It is not of whom the source belongs to; nothing of it was kept.
            Unavailable: It may have been kept; pushing it again is safe.
        """
        provider = source.provider
        assert provider is not None, "it takes our own events"
        fault = provider.fault(request, source.credentials, now)
        if fault is not None:
            raise BadSignature(fault.en, detail_ru=fault.ru)
        number, code = await self._keep(source, request.body, now)
        body_kept()
        pushed, why = await self._take(source, provider, request.body, now, traceparent)
        if _code(why) != code:
            await self._judged(source.tenant, number, why)
        return pushed

    async def listed(self, tenant: str, source: Source, part: Part, *, unread: bool) -> list[Shown]:
        """Bodies of a source, the newest first."""
        async with self._db.begin(tenant) as tx:
            found = await hooks.listed(tx, tenant, source.id, part, unread=unread)
        return [self._shown(tenant, one) for one in found]

    async def replay(self, source: Source, *, after: int, unread: bool, now: datetime) -> Replayed:
        """
        Read some bodies again, as they came, and push what is in them.

        Raises:
            Unprocessable: The source takes our own events, which are replayed elsewhere.
        """
        provider = source.provider
        if provider is None:
            raise Unprocessable(
                "the source takes our own events: refused ones are replayed at /events/refused:replay",
                code="no_bodies",
                detail_ru="источник принимает наши события: отклонённые повторяют в"
                " /events/refused:replay",
            )
        tenant = source.tenant
        async with self._db.begin(tenant) as tx:
            found = await hooks.some(
                tx, tenant, source.id, after=after, most=REPLAYED_AT_ONCE, unread=unread
            )
        accepted = duplicates = unreadable = 0
        refused: list[RefusedEvent] = []
        for one in found:
            body = self._opened(tenant, one.body)
            pushed, why = await self._take(source, provider, body, now, None)
            accepted, duplicates = accepted + pushed.accepted, duplicates + pushed.duplicates
            refused += pushed.refused
            unreadable += why is not None
            if _code(why) != one.code:
                await self._judged(tenant, one.number, why)
        last = found[-1].number if found else None
        return Replayed(len(found), accepted, duplicates, refused, unreadable, last)

    async def _take(
        self,
        source: Source,
        provider: Provider,
        body: bytes,
        now: datetime,
        traceparent: str | None,
    ) -> tuple[Pushed, str | None]:
        """Push what is in a body; also why nothing could be read."""
        try:
            events = provider.read(body, source.directions)
        except UnreadableError as wrong:
            return Pushed(0, 0), str(wrong)
        if not events:
            return Pushed(0, 0), None
        placed = [source.directions.placed(event) for event in events]
        push = read_push(_encode(placed), now)
        part = Portion(source, push.admitted, push.refused)
        return await self._door.keep([part], now=now, traceparent=traceparent), None

    async def _keep(self, source: Source, body: bytes, now: datetime) -> tuple[int, str | None]:
        sealed = self._sealer.seal(source.tenant, HOOK, base64.b64encode(body).decode())
        hash_ = self._packer.hash(source.tenant, body)
        async with self._db.begin(source.tenant) as tx:
            return await hooks.keep(tx, source.tenant, source.id, hash_, sealed, now)

    async def _judged(self, tenant: str, number: int, why: str | None) -> None:
        detail = None if why is None else self._sealer.seal(tenant, HOOK, why)
        async with self._db.begin(tenant) as tx:
            await hooks.judged(tx, tenant, number, _code(why), detail)

    def _opened(self, tenant: str, sealed: bytes) -> bytes:
        return base64.b64decode(self._sealer.open(tenant, HOOK, sealed))

    def _shown(self, tenant: str, one: Body) -> Shown:
        detail = None if one.detail is None else self._sealer.open(tenant, HOOK, one.detail)
        return Shown(one.number, one.received_at, self._opened(tenant, one.body), one.code, detail)


def _code(why: str | None) -> str | None:
    return None if why is None else UNREADABLE


def hooks_worker(platform: Platform) -> Worker:
    """Forgets bodies after their 30 days."""
    db = platform.database(SCHEMA, "worker")

    async def sweep() -> bool:
        async with db.begin_as_worker() as tx:
            gone = await hooks.sweep(tx, platform.now() - KEPT, SWEPT_AT_ONCE)
        return gone == SWEPT_AT_ONCE

    said = "bodies of hooks are not forgotten"

    async def run(stop: asyncio.Event) -> None:
        await keep_stepping(sweep, stop, idle_seconds=SWEEP_SECONDS, said=said)

    return Worker(NAME, run)
