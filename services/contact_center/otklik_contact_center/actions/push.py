"""A push: read, judged, sealed, kept; answered once it is committed."""

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from otklik_common.errors import BadRequest, Refused, Unauthenticated, Unprocessable
from otklik_common.pseudonym import Sealer
from otklik_contact_center.actions.intake import Intake
from otklik_contact_center.actions.packing import Packer
from otklik_contact_center.domain import signature
from otklik_contact_center.domain.admission import (
    Admitted,
    MalformedError,
    Refusal,
    lane_of,
    read_push,
)
from otklik_contact_center.domain.source import Source
from otklik_contact_center.store.inbox import RefusedRow, Row

REFUSED: Final = "refused"
"""What sealed refusals are for: bytes sealed for this do not open as anything else."""

MOST_KEPT_BYTES: Final = 65_536
"""A refused event above this is remembered, but not kept for replay."""


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


class Door:
    """Where pushes come in."""

    def __init__(self, intake: Intake, sealer: Sealer, master: bytes) -> None:
        self._intake = intake
        self._sealer = sealer
        self._packer = Packer(sealer, master)

    async def push(
        self,
        source: Source,
        body: bytes,
        *,
        now: datetime,
        lines: bool = False,
        branches: frozenset[str] | None = None,
        traceparent: str | None = None,
    ) -> Pushed:
        """
        Keep the events in a body.

        Args:
            lines: It is NDJSON.
            branches: Codes that the sender may name; None: all.
            traceparent: Trace of the request.
        Raises:
            MalformedPush, TooManyEvents: Nothing of it was kept.
            Unavailable: The same, for now.
        """
        try:
            push = read_push(body, now, lines=lines)
        except MalformedError as wrong:
            raise said(wrong) from None
        return await self.keep(
            source,
            push.admitted,
            push.refused,
            now=now,
            branches=branches,
            traceparent=traceparent,
        )

    async def keep(
        self,
        source: Source,
        admitted: Sequence[Admitted],
        refusals: Sequence[Refusal],
        *,
        now: datetime,
        branches: frozenset[str] | None = None,
        traceparent: str | None = None,
    ) -> Pushed:
        """
        Keep events that were read, and remember those that were not let in.

        Args:
            branches, traceparent: As for `push`.
        Raises:
            Unavailable: Nothing was kept, for now.
        """
        if branches is not None:
            admitted, foreign = _within(admitted, branches)
            refusals = [*refusals, *foreign]
        if not admitted and not refusals:
            return Pushed(0, 0)
        rows = [self._row(source, one, now, traceparent) for one in admitted]
        refused = [self._refused(source, refusal, now) for refusal in refusals]
        verdict = await self._intake.submit(rows, refused)
        if verdict.reused:
            reused = [_reused(admitted[place]) for place in verdict.reused]
            await self._intake.submit(
                [], [self._refused(source, refusal, now) for refusal in reused]
            )
            refusals = [*refusals, *reused]
        return Pushed(
            accepted=len(rows) - len(verdict.duplicates) - len(verdict.reused),
            duplicates=len(verdict.duplicates),
            refused=[
                RefusedEvent(refusal.index, refusal.code, refusal.detail)
                for refusal in sorted(refusals, key=lambda refusal: refusal.index)
            ],
        )

    def _row(self, source: Source, one: Admitted, now: datetime, traceparent: str | None) -> Row:
        lane = lane_of(one.event, now)
        return self._packer.row(
            source.tenant, source.id, one, now=now, lane=lane, traceparent=traceparent
        )

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
        raise BadSignature(fault)


def _within(
    admitted: Sequence[Admitted], branches: frozenset[str]
) -> tuple[list[Admitted], list[Refusal]]:
    """Events that name no branch out of reach, and the others."""
    kept: list[Admitted] = []
    foreign: list[Refusal] = []
    for one in admitted:
        if one.event.branch is None or one.event.branch in branches:
            kept.append(one)
        else:
            foreign.append(
                Refusal(one.index, "branch_out_of_reach", "the key is for other branches", one.body)
            )
    return kept, foreign


def _reused(one: Admitted) -> Refusal:
    return Refusal(
        one.index, "event_id_reused", "the id was used before for another event", one.body
    )


def said(wrong: MalformedError) -> Refused:
    """What is answered to a body that holds no push."""
    if wrong.code == "too_many_events":
        return TooManyEvents(str(wrong))
    return MalformedPush(str(wrong), code=wrong.code)
