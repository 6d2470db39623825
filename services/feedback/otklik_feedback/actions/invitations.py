"""What is told of invitations after they were sent, and what follows from it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import outbox
from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.errors import NotFound, Unprocessable
from otklik_common.events.envelope import Event
from otklik_feedback.actions.asking_facts import invitation_event
from otklik_feedback.domain.asking.invitation import (
    Invitation,
    Step,
    bounced,
    next_reminder,
    told,
)
from otklik_feedback.domain.asking.programme import AskChannel
from otklik_feedback.domain.facts import next_moment
from otklik_feedback.store import asked, invitations
from otklik_feedback.store.asked import Pseudonym
from otklik_feedback.store.invitations import Kept


class InvitationNotFound(NotFound):
    """No such invitation was sent, or it is out of reach."""

    code = "invitation_not_found"


class OtherChannel(Unprocessable):
    """The invitation was not to go this way."""

    code = "other_ask_channel"


async def read_invitation(db: Database, caller: Caller, id_: UUID) -> Kept:
    """An invitation, planned and stopped ones too. Raises InvitationNotFound."""
    async with db.begin(caller.tenant) as tx:
        kept = await invitations.get(tx, caller.tenant, id_)
    if kept is None or not caller.may_see(kept.dimensions.get("branch")):
        raise _missing(id_)
    return kept


async def take_step(db: Database, caller: Caller, id_: UUID, step: Step, at: datetime) -> Kept:
    """
    Keep that an invitation was delivered, opened, started, or that somebody wants no more.

    In any order, late and repeated: the earliest time that is told of a step holds. Whoever opts
    out is asked nothing more by any programme.

    Raises:
        InvitationNotFound.
    """

    def after(one: Invitation) -> Invitation:
        return told(one, step, at)

    return await _move(db, caller, id_, after, verb=step.value)


async def bounce(
    db: Database, caller: Caller, id_: UUID, at: datetime, channel: AskChannel | None
) -> Kept:
    """
    Keep that a way led nowhere; the next one is told, if one is left.

    Args:
        channel: Which way; None: the present one.
    Raises:
        InvitationNotFound, OtherChannel.
    """

    def after(one: Invitation) -> Invitation:
        way = channel or one.channel
        if way not in one.channels:
            raise OtherChannel(
                f"the invitation may go by {', '.join(one.channels)}, not by {way}",
                detail_ru=f"приглашение идёт через {', '.join(one.channels)}, не через {way}",
            )
        return bounced(one, way, at)

    return await _move(db, caller, id_, after, verb="bounced")


async def _move(
    db: Database, caller: Caller, id_: UUID, after: Callable[[Invitation], Invitation], *, verb: str
) -> Kept:
    tenant = caller.tenant
    async with db.begin(tenant) as tx:
        kept = await invitations.get(tx, tenant, id_, lock=True)
        if kept is None or kept.sent is None or not caller.may_see(kept.dimensions.get("branch")):
            raise _missing(id_)
        one = after(kept.sent.invitation)
        if one == kept.sent.invitation:
            return kept
        recorder = await outbox.recorder(tx, tenant)
        changed, fact = moved(kept, one, now=recorder.now, verb=verb)
        await invitations.put(tx, [changed])
        await _tell_person(tx, kept, one)
        await recorder.append([fact])
    return changed


def moved(kept: Kept, one: Invitation, *, now: datetime, verb: str) -> tuple[Kept, Event[Any]]:
    """An invitation that was sent, as it is now, and what is told of it."""
    assert kept.sent is not None
    changed = replace(
        kept,
        sent=replace(kept.sent, invitation=one),
        next_at=next_reminder(one),
        revision=kept.revision + 1,
        recorded_at=next_moment(now, kept.recorded_at),
    )
    return changed, invitation_event(changed, verb=verb)


async def _tell_person(tx: AsyncConnection, kept: Kept, one: Invitation) -> None:
    """What the quarantine and later programmes have to know of it."""
    assert kept.sent is not None
    before = kept.sent.invitation
    out = one.moments.get(Step.OPTED_OUT)
    if one.channel == before.channel and out == before.moments.get(Step.OPTED_OUT):
        return
    people = await asked.locked(tx, [Pseudonym(kept.tenant, name) for name in kept.identifiers])
    changed = {}
    for who, known in people.items():
        history = tuple(
            replace(each, channel=one.channel.value) if each.invitation == one.id else each
            for each in known.asked
        )
        changed[who] = replace(known, asked=history, opted_out_at=known.opted_out_at or out)
    await asked.put(tx, changed)


def _missing(id_: UUID) -> InvitationNotFound:
    return InvitationNotFound(
        f"no invitation {id_} was sent", detail_ru=f"приглашение {id_} не отправлялось"
    )
