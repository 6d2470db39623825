"""What words say, kept and told to the others; revisions go on, whatever was taken out between."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import outbox
from otklik_common.events.envelope import Event
from otklik_feedback.domain.answer import Answer
from otklik_feedback.domain.enrichment import Known, same
from otklik_feedback.domain.facts import (
    next_moment,
    reading_event,
    reading_fact,
    reading_subject,
)
from otklik_feedback.store import contacts, readings
from otklik_feedback.store.contacts import Last


@dataclass(frozen=True, slots=True)
class Change:
    """What is known of an answer's words now, and what was before."""

    tenant: str
    answer: Answer
    before: Known | None
    after: Known


async def tell(
    tx: AsyncConnection, changes: Sequence[Change], *, recorder: outbox.Recorder, verb: str
) -> list[Known]:
    """
    Keep what is known of the words of answers that are held, and tell it; what is the same is not.

    Returns:
        What is kept now, in the order given.
    """
    last = await _last_of(tx, changes)
    found: list[Known] = []
    told: list[tuple[Change, Known]] = []
    for change in changes:
        digest = _digest(change.answer, change.after)
        before = change.before
        if before is not None and same(before, change.after) and before.told == digest:
            found.append(before)
            continue
        gone = last.get((change.tenant, reading_subject(change.tenant, change.answer.id)))
        revision, recorded_at = (0, None) if gone is None else (gone.revision, gone.recorded_at)
        if before is not None:
            revision, recorded_at = before.revision, before.recorded_at
        after = replace(
            change.after,
            revision=revision + 1,
            recorded_at=next_moment(recorder.now, recorded_at),
            told=digest,
        )
        found.append(after)
        told.append((change, after))
    if told:
        await readings.put(tx, [(one.tenant, one.answer.id, after) for one, after in told])
        await recorder.append(
            [reading_event(one.tenant, one.answer, after, verb=verb) for one, after in told]
        )
    return found


async def forget(
    tx: AsyncConnection, tenant: str, gone: Mapping[UUID, Answer], recorder: outbox.Recorder
) -> list[Event[Any]]:
    """
    Drop what is known of the words of locked answers, which were taken back or go with them.

    Returns:
        Void facts, for the caller to record.
    """
    known = await readings.of(tx, tenant, gone, lock=True)
    void = {
        id_: replace(
            one,
            revision=one.revision + 1,
            recorded_at=next_moment(recorder.now, one.recorded_at),
        )
        for id_, one in known.items()
    }
    if void:
        await contacts.retire(
            tx, tenant, {reading_subject(tenant, id_): _last(one) for id_, one in void.items()}
        )
    await readings.forget(tx, tenant, gone)
    return [
        reading_event(tenant, gone[id_], one, verb="removed", void=True)
        for id_, one in void.items()
    ]


async def _last_of(
    tx: AsyncConnection, changes: Collection[Change]
) -> dict[tuple[str, UUID], Last]:
    new: dict[str, list[UUID]] = {}
    for change in changes:
        if change.before is None:
            subject = reading_subject(change.tenant, change.answer.id)
            new.setdefault(change.tenant, []).append(subject)
    return {
        (tenant, subject): last
        for tenant, subjects in new.items()
        for subject, last in (await contacts.last_of(tx, tenant, subjects)).items()
    }


def _last(known: Known) -> Last:
    assert known.recorded_at is not None
    return Last(known.revision, known.recorded_at)


def _digest(answer: Answer, known: Known) -> bytes:
    told = reading_fact(answer, known).model_dump_json()
    return hashlib.blake2b(told.encode(), digest_size=16).digest()
