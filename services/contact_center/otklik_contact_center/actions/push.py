"""A push: read, judged, sealed, kept; answered once it is committed."""

import asyncio
import base64
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple

import msgspec

from otklik_common.errors import BadRequest, Refused, Unauthenticated, Unprocessable
from otklik_common.pseudonym import Sealer
from otklik_contact_center.actions.intake import ALL_NEW, Intake
from otklik_contact_center.actions.lines import Verdict
from otklik_contact_center.actions.packing import Packer
from otklik_contact_center.domain import signature
from otklik_contact_center.domain.admission import (
    Admitted,
    MalformedError,
    Push,
    Refusal,
    lane_of,
    read_push,
)
from otklik_contact_center.domain.reach import of_branch
from otklik_contact_center.domain.source import Source
from otklik_contact_center.store.inbox import RefusedRow, Row

REFUSED: Final = "refused"
"""What sealed refusals are for: bytes sealed for this do not open as anything else."""

MOST_KEPT_BYTES: Final = 65_536
"""A refused event above this is remembered, but not kept for replay."""


LARGE_BYTES: Final = 32_768
LARGE_ROWS: Final = 100
"""Pushes above either are read, and packed, one at a time: between two of them all others go on."""


class BadSignature(Unauthenticated):
    """The source signs its pushes, and this is not signed by it."""

    code = "bad_signature"


class MalformedPush(BadRequest):
    """A body that holds no events."""

    code = "malformed_json"


class TooManyEvents(Unprocessable):
    """More events than one push may hold."""

    code = "too_many_events"


class RefusedEvent(msgspec.Struct, frozen=True):
    """An event of a push that was not let in, as its sender is told."""

    index: int
    code: str
    detail: str


class Pushed(msgspec.Struct, frozen=True):
    """The answer to a push."""

    accepted: int
    duplicates: int
    refused: Sequence[RefusedEvent] = ()


_ONE_TAKEN: Final = Pushed(1, 0)

Concluded = Callable[[Pushed | Coroutine[Any, Any, Pushed] | Exception], None]
"""Hears once what a push came to: what is to be waited for is handed on as it is."""


class Portion(NamedTuple):
    """Of a push: what was read of it for one source."""

    source: Source
    admitted: Sequence[Admitted]
    refused: Sequence[Refusal]


class Door:
    """Where pushes come in."""

    def __init__(self, intake: Intake, sealer: Sealer, master: bytes) -> None:
        self._intake = intake
        self._sealer = sealer
        self._packer = Packer(sealer, master)
        # Requests that one commit has answered come again together: without turns a question
        # would wait until the last of them was read, a tenth of a second of work.
        self._turn = asyncio.Lock()

    def push(
        self,
        source: Source,
        body: bytes,
        *,
        now: datetime,
        lines: bool = False,
        traceparent: str | None = None,
    ) -> Coroutine[Any, Any, Pushed]:
        """
        Keep the events in a body, which is read before anything is awaited unless it is large.

        Args:
            lines: It is NDJSON.
            traceparent: Trace of the request.
        Raises:
            MalformedPush, TooManyEvents, SourceEnded: Nothing of it was kept.
            Unavailable: The same, for now.
        """
        source.check_taking()
        if len(body) > LARGE_BYTES:
            return self._push_large(source, body, now=now, lines=lines, traceparent=traceparent)
        push = read(body, now, lines=lines)
        part = Portion(source, push.admitted, push.refused)
        return self.keep([part], now=now, traceparent=traceparent)

    async def _push_large(
        self, source: Source, body: bytes, *, now: datetime, lines: bool, traceparent: str | None
    ) -> Pushed:
        async with self._turn:
            push = read(body, now, lines=lines)
            await asyncio.sleep(0)
        part = Portion(source, push.admitted, push.refused)
        return await self.keep([part], now=now, traceparent=traceparent)

    async def keep(
        self, parts: Sequence[Portion], *, now: datetime, traceparent: str | None = None
    ) -> Pushed:
        """
        Keep events that were read, and remember those that were not let in.

        Args:
            parts: Of one push, all kept or none.
            traceparent: As for `push`.
        Raises:
            Unavailable: Nothing was kept, for now.
        """
        admitted: list[tuple[Source, Admitted]] = []
        refusals: list[tuple[Source, Refusal]] = []
        for part in parts:
            source = part.source
            mine, refused = part.admitted, part.refused
            if source.branch is not None:
                mine, foreign = of_branch(mine, source.branch)
                refused = [*refused, *foreign]
            admitted += [(source, one) for one in mine]
            refusals += [(source, one) for one in refused]
        if not admitted and not refusals:
            return Pushed(0, 0)
        if len(admitted) > LARGE_ROWS:
            async with self._turn:
                rows = [self._row(source, one, now, traceparent) for source, one in admitted]
                await asyncio.sleep(0)
        else:
            rows = [self._row(source, one, now, traceparent) for source, one in admitted]
        verdict = await self._intake.submit(rows, self._all_refused(refusals, now))
        return await self._concluded(admitted, refusals, verdict, now)

    def begin(
        self, source: Source, body: bytes, tell: Concluded, *, now: datetime, lines: bool
    ) -> bool:
        """
        `push` of few events, but for the waiting: for a source without a branch, and no trace.

        Returns: Whether `tell` will hear what it comes to. Not if something has to be waited for
        before, or some event is not let in: then nothing was done.
        Raises:
            MalformedPush, TooManyEvents, TooMany, Unavailable: Nothing was done.
        """
        if len(body) > LARGE_BYTES or source.branch is not None or source.ended_at is not None:
            return False
        push = read(body, now, lines=lines)
        if push.refused or not 0 < len(push.admitted) <= LARGE_ROWS:
            return False
        rows = [self._row(source, one, now, None) for one in push.admitted]
        self._intake.offer(rows, partial(self._conclude, source, push.admitted, now, tell))
        return True

    def _conclude(
        self,
        source: Source,
        events: Sequence[Admitted],
        now: datetime,
        tell: Concluded,
        outcome: Verdict | Exception,
    ) -> None:
        """`_concluded` of a push that had no refusals, but for the waiting where there is none."""
        if outcome is ALL_NEW:
            tell(_all_taken(len(events)))
        elif isinstance(outcome, Exception):
            tell(outcome)
        else:
            tell(self._concluded([(source, one) for one in events], [], outcome, now))

    async def _concluded(
        self,
        admitted: Sequence[tuple[Source, Admitted]],
        refusals: list[tuple[Source, Refusal]],
        verdict: Verdict,
        now: datetime,
    ) -> Pushed:
        """The answer to a push that is kept."""
        taken = len(admitted)
        if verdict is ALL_NEW and not refusals:
            return _all_taken(taken)
        if verdict.reused:
            reused = [(admitted[n][0], _reused(admitted[n][1])) for n in verdict.reused]
            await self._intake.submit([], self._all_refused(reused, now))
            refusals += reused
        return Pushed(
            accepted=taken - len(verdict.duplicates) - len(verdict.reused),
            duplicates=len(verdict.duplicates),
            refused=sorted(
                (RefusedEvent(one.index, one.code, one.detail) for _, one in refusals),
                key=lambda one: one.index,
            ),
        )

    def _row(self, source: Source, one: Admitted, now: datetime, traceparent: str | None) -> Row:
        lane = lane_of(one.event, now)
        return self._packer.row(
            source.tenant, source.id, one, now=now, lane=lane, traceparent=traceparent
        )

    def _all_refused(
        self, refusals: Sequence[tuple[Source, Refusal]], now: datetime
    ) -> list[RefusedRow]:
        return [self._refused(source, refusal, now) for source, refusal in refusals]

    def _refused(self, source: Source, refusal: Refusal, now: datetime) -> RefusedRow:
        tenant, body = source.tenant, refusal.body
        kept = base64.b64encode(body).decode() if len(body) <= MOST_KEPT_BYTES else None
        return RefusedRow(
            tenant,
            source.id,
            self._packer.hash(tenant, body),
            refusal.code,
            None if kept is None else self._sealer.seal(tenant, REFUSED, kept),
            self._sealer.seal(tenant, REFUSED, refusal.detail),
            now,
        )


def check_signature(
    source: Source | None, headers: dict[str, str], body: bytes, now: datetime
) -> None:
    """
    Return if the source has signed the body. Raises BadSignature.

    Nobody signs for a source that is not there (None), and they are told so in the same words.
    """
    secrets = () if source is None else source.secrets_at(now)
    fault = signature.fault(headers, body, secrets=secrets, now=now)
    if fault is not None:
        raise BadSignature(fault.en, detail_ru=fault.ru)


def _all_taken(count: int) -> Pushed:
    return _ONE_TAKEN if count == 1 else Pushed(count, 0)


def _reused(one: Admitted) -> Refusal:
    return Refusal(
        one.index, "event_id_reused", "the id was used before for another event", one.body
    )


def read(body: bytes, now: datetime, *, lines: bool = False) -> Push:
    """What a body holds. Raises MalformedPush, TooManyEvents."""
    try:
        return read_push(body, now, lines=lines)
    except MalformedError as wrong:
        raise said(wrong) from None


def said(wrong: MalformedError) -> Refused:
    """What is answered to a body that holds no push."""
    if wrong.code == "too_many_events":
        return TooManyEvents(str(wrong), detail_ru=wrong.ru)
    return MalformedPush(str(wrong), code=wrong.code, detail_ru=wrong.ru)
