"""Events that were not let in: shown to those who can help, and pushed again."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.paging import Part
from otklik_common.pseudonym import Sealer
from otklik_contact_center.actions.push import REFUSED, Door, Portion, Pushed, RefusedEvent
from otklik_contact_center.actions.sources import SourceBook, UnknownSource
from otklik_contact_center.domain.admission import (
    Admitted,
    MalformedError,
    Refusal,
    read_push,
)
from otklik_contact_center.domain.reach import by_customer
from otklik_contact_center.domain.source import WEB
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


class _Impossible(Exception):
    """It cannot be pushed again; with code and detail."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


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
        parts: list[Portion] = []
        impossible: list[RefusedEvent] = []
        for index, kept in chosen.items():
            try:
                parts.append(await self._part(tenant, index, kept, now))
            except _Impossible as no:
                impossible.append(RefusedEvent(index, no.code, no.detail))
        done = await self._door.keep(parts, now=now)
        tried = {kept.number for kept in chosen.values() if kept is not None}
        if tried:
            async with self._db.begin(tenant) as tx:
                await refusals.replayed(tx, tenant, tried, now)
        refused = sorted([*impossible, *done.refused], key=lambda one: one.index)
        return Pushed(done.accepted, done.duplicates, refused)

    async def _part(self, tenant: str, index: int, kept: Kept | None, now: datetime) -> Portion:
        """An event as it is pushed again. Raises _Impossible."""
        if kept is None:
            raise _Impossible("not_found", "no refused event has that id")
        body = _shown(self._sealer, tenant, kept).body
        if body is None:
            raise _Impossible("body_not_kept", "the event was too large to be kept")
        try:
            source = await self._book.get(tenant, kept.source, now)
        except UnknownSource as no:
            raise _Impossible(no.code, no.detail) from None
        try:
            push = read_push(body, now)
        except MalformedError as wrong:
            return Portion(source, (), [Refusal(index, wrong.code, str(wrong), body)])
        admitted, refused = push.admitted, push.refused
        if source.kind == WEB:
            # Anybody may have pushed it: a replay lets in no more than they could.
            admitted, foreign = by_customer(admitted)
            refused = [*refused, *foreign]
        return Portion(
            source,
            [Admitted(index, one.event, one.body) for one in admitted],
            [Refusal(index, one.code, one.detail, one.body) for one in refused],
        )
