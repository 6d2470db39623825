"""
Pushes of other products: proved, kept as they came, read, and pushed as our own events.

First a body is kept, then it is read: what our reader does not understand is not lost, and is read
again once it does. A body that comes again is read again, which changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from otklik_common.db import Database
from otklik_common.errors import TooLarge, Unprocessable
from otklik_common.paging import Part
from otklik_common.pseudonym import Sealer
from otklik_contact_center.actions.bodies import Bodies, body_kept, code_of
from otklik_contact_center.actions.push import BadSignature, Door, Portion, Pushed, RefusedEvent
from otklik_contact_center.domain.admission import BULK
from otklik_contact_center.domain.providers.pushed import Directions, Request
from otklik_contact_center.domain.providers.trial import Trial
from otklik_contact_center.domain.source import Source, check_directions
from otklik_contact_center.store import hooks, sources
from otklik_contact_center.store.hooks import Body, Kept
from otklik_contact_center.store.retelling import Retold, retell

MOST_BYTES: Final = 1024 * 1024
"""Of one push of a product; all of them stay far below."""

REPLAYED_AT_ONCE: Final = 200
TRIED_AT_ONCE: Final = 20


@dataclass(frozen=True, slots=True)
class Shown:
    """A body in the clear, and why it was not read."""

    number: int
    received_at: datetime
    body: bytes
    code: str | None
    detail: str | None
    version: int | None


@dataclass(frozen=True, slots=True)
class Tried:
    """What a body would tell; `number` is its own, None if it was given."""

    number: int | None
    trial: Trial


class RefusedOfBody(NamedTuple):
    """An event that was not let in, and the number of the body that tells it."""

    body: int
    event: RefusedEvent


@dataclass(frozen=True, slots=True)
class Replayed:
    """
    What became of bodies that were read again.

    Attributes:
        changed: Events that were known and are told otherwise now.
        gone: Events that are told no longer.
        last: The number of the last body.
    """

    bodies: int
    accepted: int
    duplicates: int
    changed: int
    gone: int
    refused: Sequence[RefusedOfBody]
    unread: int
    last: int | None


class Hooks:
    """Where other products push."""

    def __init__(self, db: Database, sealer: Sealer, master: bytes, door: Door) -> None:
        self._db = db
        self._bodies = Bodies(sealer, master)
        self._door = door

    async def push(
        self, source: Source, request: Request, *, now: datetime, traceparent: str | None = None
    ) -> Pushed:
        """
        Take in what a product pushed.

        Raises:
            BadSignature: It is not of whom the source belongs to; nothing of it was kept.
            SourceEnded: The company has ended it; the same.
            TooLarge: It is larger than `MOST_BYTES`; the same.
            Unavailable: It may have been kept; pushing it again is safe.
        """
        provider = source.provider
        assert provider is not None, "it takes our own events"
        fault = provider.fault(request, source.credentials, now)
        if fault is not None:
            raise BadSignature(fault.en, detail_ru=fault.ru)
        source.check_taking()
        if len(request.body) > MOST_BYTES:
            raise TooLarge(
                f"the body is larger than {MOST_BYTES} bytes",
                detail_ru=f"тело запроса больше {MOST_BYTES} байт",
            )
        kept = await self._keep(source, request.body, now)
        body_kept()
        trial = self._bodies.read(source, source.directions, request.body, now)
        pushed = await self._push(source, trial, now, traceparent)
        if (code_of(trial), source.version) != (kept.code, kept.version):
            await self._judged(source, kept.number, trial)
        return pushed

    async def listed(self, tenant: str, source: Source, part: Part, *, unread: bool) -> list[Shown]:
        """Bodies of a source, the newest first."""
        async with self._db.begin(tenant) as tx:
            found = await hooks.listed(tx, tenant, source.id, part, unread=unread)
        return [self._shown(tenant, one) for one in found]

    async def try_out(
        self, source: Source, directions: Directions, given: Sequence[bytes], now: datetime
    ) -> Sequence[Tried]:
        """
        What bodies would tell if they were read by these directions; nothing of it is kept.

        Args:
            given: Bodies; if there are none, the last that came.
        Raises:
            Unprocessable: The source takes our own events, or cannot be read by such directions.
        """
        _check_bodies(source)
        check_directions(source.kind, directions)
        bodies = [(None, one) for one in given] or await self._last(source)
        return [Tried(at, self._bodies.read(source, directions, body, now)) for at, body in bodies]

    async def _last(self, source: Source) -> list[tuple[int | None, bytes]]:
        async with self._db.begin(source.tenant) as tx:
            found = await hooks.last(tx, source.tenant, source.id, TRIED_AT_ONCE)
        return [(one.number, self._bodies.opened(source.tenant, one.body)) for one in found]

    async def replay(self, source: Source, *, after: int, unread: bool, now: datetime) -> Replayed:
        """
        Read some bodies again, as they came, and tell what is in them.

        Events that are known under other words are told anew; those that only former directions
        told are taken back. Their contacts are folded anew.

        Raises:
            Unprocessable: The source takes our own events, which are replayed elsewhere.
        """
        _check_bodies(source)
        tenant = source.tenant
        async with self._db.begin(tenant) as tx:
            found = await hooks.some(
                tx, tenant, source.id, after=after, most=REPLAYED_AT_ONCE, unread=unread
            )
        bodies = [self._bodies.opened(tenant, one.body) for one in found]
        trials = [self._bodies.read(source, source.directions, body, now) for body in bodies]
        # What is not understood now takes nothing back.
        read = [one for one in zip(found, bodies, trials, strict=True) if one[2].push is not None]
        gone = await self._told_before(source, [one[:2] for one in read], now)
        retold = await self._retell(source, trials, gone, now)
        accepted = duplicates = 0
        refused: list[RefusedOfBody] = []
        for one, trial in zip(found, trials, strict=True):
            pushed = await self._push(source, trial, now, None)
            accepted, duplicates = accepted + pushed.accepted, duplicates + pushed.duplicates
            refused += [RefusedOfBody(one.number, no) for no in pushed.refused]
            if (code_of(trial), source.version) != (one.code, one.version):
                await self._judged(source, one.number, trial)
        return Replayed(
            bodies=len(found),
            accepted=accepted,
            duplicates=duplicates - retold.changed,
            changed=retold.changed,
            gone=retold.gone,
            refused=refused,
            unread=sum(trial.why is not None for trial in trials),
            last=found[-1].number if found else None,
        )

    async def _told_before(
        self,
        source: Source,
        bodies: Sequence[tuple[Body, bytes]],
        now: datetime,
    ) -> set[str]:
        """Ids of the events that bodies told when they were read last, by former directions."""
        former = {one.version for one, _ in bodies if one.version is not None}
        former.discard(source.version)
        if not former:
            return set()
        async with self._db.begin(source.tenant) as tx:
            known = await sources.directions_of(tx, source.tenant, source.id, former)
        told: set[str] = set()
        for one, body in bodies:
            directions = known.get(one.version or 0)
            if directions is not None:
                push = self._bodies.read(source, directions, body, now).push
                told.update(found.event.id for found in (push.admitted if push else ()))
        return told

    async def _retell(
        self, source: Source, trials: Sequence[Trial], gone: set[str], now: datetime
    ) -> Retold:
        """Tell what is known already as the bodies tell it now."""
        rows = self._bodies.rows(source, trials, now=now, lane=BULK)
        if not rows and not gone:
            return Retold()
        async with self._db.begin(source.tenant) as tx:
            return await retell(tx, source.tenant, source.id, rows, gone=gone, lane=BULK)

    async def _push(
        self, source: Source, trial: Trial, now: datetime, traceparent: str | None
    ) -> Pushed:
        """Push what a body tells."""
        push = trial.push
        if push is None or not (push.admitted or push.refused):
            return Pushed(0, 0)
        part = Portion(source, push.admitted, push.refused)
        return await self._door.keep([part], now=now, traceparent=traceparent)

    async def _keep(self, source: Source, body: bytes, now: datetime) -> Kept:
        tenant = source.tenant
        sealed, hash_ = self._bodies.sealed(tenant, body), self._bodies.hash(tenant, body)
        async with self._db.begin(tenant) as tx:
            return await hooks.keep(tx, tenant, source.id, hash_, sealed, now)

    async def _judged(self, source: Source, number: int, trial: Trial) -> None:
        tenant = source.tenant
        detail = self._bodies.sealed_detail(tenant, trial.why)
        async with self._db.begin(tenant) as tx:
            await hooks.judged(
                tx, tenant, number, code=code_of(trial), detail=detail, version=source.version
            )

    def _shown(self, tenant: str, one: Body) -> Shown:
        body = self._bodies.opened(tenant, one.body)
        detail = self._bodies.detail(tenant, one.detail)
        return Shown(one.number, one.received_at, body, one.code, detail, one.version)


def _check_bodies(source: Source) -> None:
    """Raise Unprocessable if no product pushes to a source."""
    if source.provider is None:
        raise Unprocessable(
            "the source takes our own events: refused ones are replayed at /events/refused:replay",
            code="no_bodies",
            detail_ru="источник принимает наши события: отклонённые повторяют в"
            " /events/refused:replay",
        )
