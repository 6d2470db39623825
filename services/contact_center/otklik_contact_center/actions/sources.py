"""Sources: making them, changing their secrets, and looking them up on the way of a push."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import outbox
from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.directory import FRESH_SECONDS
from otklik_common.errors import Conflict, Forbidden, NotFound
from otklik_common.events.contact_center import Source as SourceFact
from otklik_common.events.envelope import Event
from otklik_common.idempotency import Once, Reply
from otklik_common.observability import get_logger
from otklik_common.paging import Part
from otklik_common.pseudonym import Sealer
from otklik_contact_center.actions.outcome import TICK
from otklik_contact_center.domain.providers.pushed import Directions
from otklik_contact_center.domain.source import (
    MOST_SOURCES,
    Source,
    default_id,
    default_source,
)
from otklik_contact_center.store import sources
from otklik_contact_center.store.declared import ATTRIBUTES
from otklik_contact_center.store.sources import Version

MOST_COMPANIES: Final = 10_000

Told = Callable[[Source], Reply]

log = get_logger(__name__)


class UnknownSource(NotFound):
    """No source of that id; another company's is answered the same."""

    code = "unknown_source"


class TooManySources(Conflict):
    """A company has all the sources it may have."""

    code = "too_many_sources"


async def create(
    db: Database, sealer: Sealer, caller: Caller, source: Source, *, once: Once, told: Told
) -> Source | Reply:
    """
    Make a source and announce it.

    Args:
        told: What is answered to a repetition of the request: a secret is shown once.
    Raises:
        Forbidden: It is to go with the demo, which is not the caller's to make.
        TooManySources: It was not made.
    """
    if source.demo and not caller.may("demo:write"):
        raise Forbidden(
            "a source of the demo needs the scope demo:write",
            detail_ru="для источника демо нужно право demo:write",
        )
    tenant = caller.tenant
    async with db.begin(tenant) as tx:
        replayed = await once.replay(tx, caller)
        if replayed is not None:
            return replayed
        if await sources.count(tx, tenant) >= MOST_SOURCES:
            raise TooManySources(
                f"a company has at most {MOST_SOURCES} sources",
                detail_ru=f"у компании не больше источников: {MOST_SOURCES}",
            )
        await _announce(tx, sealer, source)
        if source.provider is not None:
            await _keep_version(tx, source, caller, source.created_at)
        await once.keep(tx, told(source))
    return source


async def listed(db: Database, sealer: Sealer, tenant: str, now: datetime) -> Sequence[Source]:
    """A company's sources by id, its default one among them."""
    async with db.begin(tenant) as tx:
        found = await sources.all_of(tx, sealer, tenant)
        if all(source.id != default_id(tenant) for source in found):
            await _announce(tx, sealer, default_source(tenant, now))
            found = await sources.all_of(tx, sealer, tenant)
    return found


async def make_known(db: Database, sealer: Sealer, source: Source) -> None:
    """Add a source that is made when it is first needed; whoever comes second finds it."""
    async with db.begin(source.tenant) as tx:
        await _announce(tx, sealer, source)


async def heard(db: Database, tenant: str) -> frozenset[str]:
    """Ids of the sources that have ever sent an event."""
    async with db.begin(tenant) as tx:
        return await sources.heard(tx, tenant)


async def rotate(
    db: Database,
    sealer: Sealer,
    caller: Caller,
    source_id: str,
    *,
    now: datetime,
    once: Once,
    told: Told,
) -> Source | Reply:
    """
    Give a source a new secret; the former one signs for another day.

    Args:
        told: As for `create`.
    Raises:
        UnknownSource: There is none of that id.
    """
    async with db.begin(caller.tenant) as tx:
        replayed = await once.replay(tx, caller)
        if replayed is not None:
            return replayed
        source, recorded_at = await _locked(tx, sealer, caller.tenant, source_id)
        rotated = source.rotated(now)
        await announce_change(tx, sealer, rotated, "rotated", after=recorded_at)
        await once.keep(tx, told(rotated))
    _log("rotated", caller, rotated)
    return rotated


@dataclass(frozen=True, slots=True)
class SourceEdit:
    """What of a source is to be otherwise; None leaves it."""

    require_signature: bool | None = None
    credentials: Mapping[str, str] | None = None
    directions: Directions | None = None
    ended: bool | None = None


async def change(
    db: Database, sealer: Sealer, caller: Caller, source_id: str, edit: SourceEdit, now: datetime
) -> Source:
    """
    Change a source.

    Raises:
        UnknownSource: There is none of that id.
        Unprocessable: It proves itself by other credentials than these.
    """
    async with db.begin(caller.tenant) as tx:
        source, recorded_at = await _locked(tx, sealer, caller.tenant, source_id)
        told = source.told(credentials=edit.credentials, directions=edit.directions)
        required = edit.require_signature
        changed = told if required is None else told.asked_to_sign(required=required)
        if edit.ended is not None:
            changed = changed.ended(now) if edit.ended else changed.resumed()
        if changed == source:
            return source
        if changed.version != source.version:
            await _keep_version(tx, changed, caller, now)
        if changed.revision == source.revision:
            # What only we know of it is no news to others.
            await sources.put(tx, sealer, changed, recorded_at)
            verb = "told"
        else:
            verb = _verb(source, changed)
            await announce_change(tx, sealer, changed, verb, after=recorded_at)
    _log(verb, caller, changed)
    return changed


def _verb(before: Source, after: Source) -> str:
    """What a change is called, for readers of the log."""
    if (before.ended_at is None) is not (after.ended_at is None):
        return "resumed" if after.ended_at is None else "ended"
    return "asked_to_sign" if after.require_signature else "excused_from_signing"


async def versions(db: Database, source: Source, part: Part) -> list[Version]:
    """How a source was and is read, the newest first."""
    async with db.begin(source.tenant) as tx:
        return await sources.versions(tx, source.tenant, source.id, part)


async def _keep_version(
    tx: AsyncConnection, source: Source, caller: Caller, since: datetime
) -> None:
    await sources.keep_version(tx, source, since=since, principal=caller.principal)


def _log(verb: str, caller: Caller, source: Source) -> None:
    """Facts say when and what, this says who."""
    log.info(
        "source changed",
        tenant=source.tenant,
        source_id=source.id,
        principal=caller.principal,
        verb=verb,
    )


async def _locked(
    tx: AsyncConnection, sealer: Sealer, tenant: str, source_id: str
) -> tuple[Source, datetime]:
    found = await sources.locked(tx, sealer, tenant, source_id)
    if found is None:
        raise unknown(source_id)
    return found


async def _announce(tx: AsyncConnection, sealer: Sealer, source: Source) -> None:
    recorder = await outbox.recorder(tx, source.tenant)
    if await sources.add(tx, sealer, source, recorder.now):
        at = source.created_at
        await recorder.append([_fact(source, "created", time=at, recorded_at=recorder.now)])


async def announce_change(
    tx: AsyncConnection, sealer: Sealer, source: Source, verb: str, *, after: datetime
) -> None:
    """Write a locked source and announce its new revision, recorded after the one before."""
    recorder = await outbox.recorder(tx, source.tenant)
    at = max(recorder.now, after + TICK)
    await sources.put(tx, sealer, source, at)
    await recorder.append([_fact(source, verb, time=at, recorded_at=at)])


def _fact(source: Source, verb: str, *, time: datetime, recorded_at: datetime) -> Event[SourceFact]:
    return Event(
        tenant=source.tenant,
        subject=source.subject,
        revision=source.revision,
        verb=verb,
        time=time,
        recorded_at=recorded_at,
        data=source.fact(),
    )


def unknown(source_id: str) -> UnknownSource:
    """What is said of a source that is not there, or out of reach."""
    return UnknownSource(
        f"there is no source {source_id[:60]}",
        detail_ru=f"нет источника {source_id[:60]}",
    )


async def allow_attributes(db: Database, tenant: str, names: Sequence[str]) -> list[str]:
    """Let these attributes leave in facts from now on, and no others."""
    async with db.begin(tenant) as tx:
        await ATTRIBUTES.put(tx, tenant, names)
        return await ATTRIBUTES.listed(tx, tenant)


async def allowed_attributes(db: Database, tenant: str) -> list[str]:
    """Names of the attributes that may leave."""
    async with db.begin(tenant) as tx:
        return await ATTRIBUTES.listed(tx, tenant)


class SourceBook:
    """The sources of companies that push, each company's kept for two seconds."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._sealer = sealer
        self._kept: dict[str, tuple[float, Mapping[str, Source]]] = {}
        self._reading: dict[str, asyncio.Task[Mapping[str, Source]]] = {}

    async def get(self, tenant: str, source_id: str | None, now: datetime) -> Source:
        """
        A source of a company that is known to exist; None names its default one.

        Raises:
            UnknownSource: There is none of that id.
        """
        wanted = source_id or default_id(tenant)
        known = self._fresh(tenant)
        if known is None:
            known = await self._current(tenant, now)
        found = known.get(wanted)
        if found is None:
            raise unknown(wanted)
        return found

    def remembered(self, tenant: str) -> Source | None:
        """A company's default source, if it was read a moment ago."""
        known = self._fresh(tenant)
        return None if known is None else known.get(default_id(tenant))

    def _fresh(self, tenant: str) -> Mapping[str, Source] | None:
        kept = self._kept.get(tenant)
        if kept is None or time.monotonic() - kept[0] > FRESH_SECONDS:
            return None
        return kept[1]

    async def get_or_make(self, wanted: Source, now: datetime) -> Source:
        """The source of that id; `wanted` itself is kept if there is none."""
        try:
            return await self.get(wanted.tenant, wanted.id, now)
        except UnknownSource:
            await make_known(self._db, self._sealer, wanted)
            self.forget(wanted.tenant)
            return await self.get(wanted.tenant, wanted.id, now)

    def forget(self, tenant: str) -> None:
        """Read a company's sources anew at the next push."""
        self._kept.pop(tenant, None)
        # What is being read may be older than what is to be seen.
        self._reading.pop(tenant, None)

    async def _current(self, tenant: str, now: datetime) -> Mapping[str, Source]:
        """One reading for all who ask meanwhile: a busy company has hundreds of pushes under way."""
        reading = self._reading.get(tenant)
        if reading is None:
            reading = self._reading[tenant] = asyncio.create_task(self._read(tenant, now))
            reading.add_done_callback(lambda done: self._ended(tenant, done))
        return await asyncio.shield(reading)

    async def _read(self, tenant: str, now: datetime) -> Mapping[str, Source]:
        read_at = time.monotonic()
        found = await listed(self._db, self._sealer, tenant, now)
        known = {source.id: source for source in found}
        if self._reading.get(tenant) is asyncio.current_task():
            if len(self._kept) >= MOST_COMPANIES:
                self._kept.clear()
            self._kept[tenant] = (read_at, known)
        return known

    def _ended(self, tenant: str, reading: "asyncio.Task[Mapping[str, Source]]") -> None:
        if self._reading.get(tenant) is reading:
            del self._reading[tenant]
        if not reading.cancelled():
            reading.exception()  # Those who waited have it; if nobody did, nobody needs it.
