"""Events that were not let in: shown to those who can help, and pushed again."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.paging import Part
from otklik_common.pseudonym import Sealer
from otklik_contact_center.actions.push import REFUSED, Door, Pushed, RefusedEvent
from otklik_contact_center.actions.sources import SourceBook, UnknownSource
from otklik_contact_center.domain.admission import (
    Admitted,
    MalformedError,
    Refusal,
    read_push,
)
from otklik_contact_center.domain.source import Source
from otklik_contact_center.store import refusals
from otklik_contact_center.store.refusals import Kept, Wanted

MOST_REPLAYED: Final = 500
"""Events of one replay: bodies of 64 KiB each, all in memory."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A refusal in the clear; `body` is None where it was too large to be kept."""

    kept: Kept
    detail: str
    body: bytes | None


async def list_refused(
    db: Database, sealer: Sealer, caller: Caller, wanted: Wanted, part: Part
) -> list[Shown]:
    """Refused events, the newest first."""
    async with db.begin(caller.tenant) as tx:
        found = await refusals.listed(tx, caller.tenant, wanted, part)
    return [_shown(sealer, caller.tenant, kept) for kept in found]


def _shown(sealer: Sealer, tenant: str, kept: Kept) -> Shown:
    body = None if kept.body is None else base64.b64decode(sealer.open(tenant, REFUSED, kept.body))
    return Shown(kept, sealer.open(tenant, REFUSED, kept.detail), body)


@dataclass(slots=True)
class _Batch:
    """What is pushed again into one source."""

    source: Source
    admitted: list[Admitted] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


class Replay:
    """Pushes refused events again."""

    def __init__(self, db: Database, sealer: Sealer, *, book: SourceBook, door: Door) -> None:
        self._db = db
        self._sealer = sealer
        self._book = book
        self._door = door

    async def of_numbers(self, caller: Caller, numbers: Sequence[int], now: datetime) -> Pushed:
        """
        Push these again; each is named in the answer by its place among them.

        Raises:
            Unavailable: Nothing, or only a part, was pushed; pushing it again is safe.
        """
        async with self._db.begin(caller.tenant) as tx:
            found = await refusals.named(tx, caller.tenant, numbers)
        return await self._push(caller.tenant, dict(enumerate(map(found.get, numbers))), now)

    async def of_kind(self, caller: Caller, wanted: Wanted, now: datetime) -> Pushed:
        """
        Push the oldest of a kind again, at most `MOST_REPLAYED`.

        Raises:
            As `of_numbers`.
        """
        async with self._db.begin(caller.tenant) as tx:
            found = await refusals.oldest(tx, caller.tenant, wanted, MOST_REPLAYED)
        return await self._push(caller.tenant, dict(enumerate(found)), now)

    async def _push(self, tenant: str, chosen: Mapping[int, Kept | None], now: datetime) -> Pushed:
        batches: dict[str, _Batch] = {}
        impossible: list[RefusedEvent] = []
        for index, kept in chosen.items():
            no = await self._sort(tenant, index, kept, batches, now)
            if no is not None:
                impossible.append(no)
        accepted = duplicates = 0
        refused = impossible
        for batch in batches.values():
            done = await self._door.keep(batch.source, batch.admitted, batch.refused, now=now)
            accepted += done.accepted
            duplicates += done.duplicates
            refused.extend(done.refused)
        tried = {kept.number for kept in chosen.values() if kept is not None}
        if tried:
            async with self._db.begin(tenant) as tx:
                await refusals.replayed(tx, tenant, tried, now)
        return Pushed(accepted, duplicates, sorted(refused, key=lambda one: one.index))

    async def _sort(
        self,
        tenant: str,
        index: int,
        kept: Kept | None,
        batches: dict[str, _Batch],
        now: datetime,
    ) -> RefusedEvent | None:
        """Put an event into the batch of its source; or say why it cannot be pushed."""
        if kept is None:
            return RefusedEvent(index, "not_found", "no refused event has that id")
        body = _shown(self._sealer, tenant, kept).body
        if body is None:
            return RefusedEvent(index, "body_not_kept", "the event was too large to be kept")
        if kept.source not in batches:
            try:
                batches[kept.source] = _Batch(await self._book.get(tenant, kept.source, now))
            except UnknownSource as no:
                return RefusedEvent(index, no.code, no.detail)
        _read(body, index, batches[kept.source], now)
        return None


def _read(body: bytes, index: int, batch: _Batch, now: datetime) -> None:
    try:
        push = read_push(body, now)
    except MalformedError as wrong:
        batch.refused.append(Refusal(index, wrong.code, str(wrong), body))
        return
    batch.admitted += [Admitted(index, one.event, one.body) for one in push.admitted]
    batch.refused += [Refusal(index, one.code, one.detail, one.body) for one in push.refused]
