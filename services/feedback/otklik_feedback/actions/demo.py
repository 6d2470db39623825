"""Taking the demo out: whatever it pushed has an id that begins with "demo-"."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import outbox
from otklik_common.callers import Caller
from otklik_common.clocks.policies import CLAIM, REVIEW
from otklik_common.db import Database
from otklik_common.events.envelope import Event
from otklik_common.outbox import Recorder
from otklik_feedback.actions.clocks import Book, settle
from otklik_feedback.actions.opening import recorded
from otklik_feedback.actions.reviews import revised
from otklik_feedback.actions.telling import forget
from otklik_feedback.domain.case import Case
from otklik_feedback.domain.claim_told import claim_event
from otklik_feedback.domain.clock import Watched
from otklik_feedback.domain.facts import answer_event, case_event, next_moment, survey_event
from otklik_feedback.domain.review_told import review_event
from otklik_feedback.store import answers, cases, claims, contacts, reviews, surveys
from otklik_feedback.store.contacts import Last

AT_ONCE = 500
"""Answers of one transaction: others must not wait long for their locks."""


@dataclass(frozen=True, slots=True)
class Removed:
    """How many were taken out."""

    surveys: int
    answers: int
    cases: int
    reviews: int
    claims: int


async def remove_demo(db: Database, caller: Caller) -> Removed:
    """
    Void and delete what the demo pushed, with the cases and clocks that came of it; repeatable.
    """
    gone_answers = gone_cases = 0
    gone = dict.fromkeys(_MATTERS, 0)
    for name, some in _MATTERS.items():
        while True:
            taken, closed = await some(db, caller.tenant)
            gone[name] += taken
            gone_cases += closed
            if taken < AT_ONCE:
                break
    while True:
        taken, closed = await _some_answers(db, caller.tenant)
        gone_answers += taken
        gone_cases += closed
        if taken < AT_ONCE:
            break
    gone_surveys = 0
    while (taken := await _some_surveys(db, caller.tenant)) > 0:
        gone_surveys += taken
    return Removed(gone_surveys, gone_answers, gone_cases, gone["reviews"], gone["claims"])


async def _some_answers(db: Database, tenant: str) -> tuple[int, int]:
    async with db.begin(tenant) as tx:
        taken = await answers.demo(tx, tenant, AT_ONCE)
        if not taken:
            return 0, 0
        ids = [answer.id for answer in taken]
        ended = await cases.demo(tx, tenant, "answer", ids)
        recorder = await outbox.recorder(tx, tenant)
        void_answers = [
            replace(
                answer,
                revision=answer.revision + 1,
                recorded_at=next_moment(recorder.now, answer.recorded_at),
            )
            for answer in taken
        ]
        void_cases = [recorded(case, recorder) for case in ended]
        last = [_last(each.id, each.revision, each.recorded_at) for each in void_answers]
        last += [_last(each.id, each.revision, each.recorded_at) for each in void_cases]
        await contacts.retire(tx, tenant, dict(last))
        if ended:
            await cases.remove(tx, tenant, [case.id for case in ended])
        void_readings = await forget(tx, tenant, {answer.id: answer for answer in taken}, recorder)
        await answers.remove(tx, tenant, ids)
        await recorder.append(
            [
                *void_readings,
                *(answer_event(tenant, each, verb="removed", void=True) for each in void_answers),
                *(
                    case_event(tenant, each, verb="removed", at=recorder.now, void=True)
                    for each in void_cases
                ),
            ]
        )
        return len(taken), len(ended)


async def _some_reviews(db: Database, tenant: str) -> tuple[int, int]:
    async with db.begin(tenant) as tx:
        taken = await reviews.demo(tx, tenant, AT_ONCE)
        if not taken:
            return 0, 0
        ids = [review.id for review in taken]
        ended = await cases.demo(tx, tenant, "review", ids)
        recorder = await outbox.recorder(tx, tenant)
        void = [revised(review, recorder) for review in taken]
        told = [
            review_event(tenant, each, verb="voided", at=recorder.now, void=True) for each in void
        ]
        clocks = [Watched(matter=id_, about=REVIEW) for id_ in ids]
        last = [_last(each.id, each.revision, each.recorded_at) for each in void]
        await _take_out(tx, tenant, recorder, ended, clocks, told, last)
        await reviews.remove(tx, tenant, ids)
        return len(taken), len(ended)


async def _some_claims(db: Database, tenant: str) -> tuple[int, int]:
    async with db.begin(tenant) as tx:
        taken = await claims.demo(tx, tenant, AT_ONCE)
        if not taken:
            return 0, 0
        ids = [claim.id for claim in taken]
        ended = await cases.demo(tx, tenant, "claim", ids)
        recorder = await outbox.recorder(tx, tenant)
        void = [
            replace(
                claim,
                revision=claim.revision + 1,
                recorded_at=next_moment(recorder.now, claim.recorded_at),
            )
            for claim in taken
        ]
        told = [
            claim_event(tenant, each, verb="voided", at=recorder.now, void=True) for each in void
        ]
        clocks = [Watched(matter=id_, about=CLAIM) for id_ in ids]
        last = [_last(each.id, each.revision, each.recorded_at) for each in void]
        await _take_out(tx, tenant, recorder, ended, clocks, told, last)
        await claims.remove(tx, tenant, ids)
        return len(taken), len(ended)


_MATTERS: Final = {"reviews": _some_reviews, "claims": _some_claims}


async def _take_out(
    tx: AsyncConnection,
    tenant: str,
    recorder: Recorder,
    ended: Sequence[Case],
    clocks: Sequence[Watched],
    told: Sequence[Event[Any]],
    last: Sequence[tuple[UUID, Last]],
) -> None:
    """Void the clocks of reviews or claims, and the cases that they opened; rows of clocks stay."""
    stopped = await settle(tx, tenant, clocks, Book(), recorder=recorder)
    void_cases = [recorded(case, recorder) for case in ended]
    kept = [*last, *(_last(each.id, each.revision, each.recorded_at) for each in void_cases)]
    await contacts.retire(tx, tenant, dict(kept))
    if ended:
        await cases.remove(tx, tenant, [case.id for case in ended])
    gone = [
        case_event(tenant, each, verb="removed", at=recorder.now, void=True) for each in void_cases
    ]
    await recorder.append([*told, *stopped, *gone])


def _last(id_: UUID, revision: int, recorded_at: datetime | None) -> tuple[UUID, Last]:
    assert recorded_at is not None
    return id_, Last(revision, recorded_at)


async def _some_surveys(db: Database, tenant: str) -> int:
    async with db.begin(tenant) as tx:
        taken = await surveys.demo(tx, tenant, AT_ONCE)
        if not taken:
            return 0
        recorder = await outbox.recorder(tx, tenant)
        events = []
        last = {}
        for kept in taken:
            recorded_at = next_moment(recorder.now, kept.recorded_at)
            void = replace(kept.survey, version=kept.survey.version + 1)
            last[void.id] = Last(void.version, recorded_at)
            events.append(
                survey_event(tenant, void, verb="removed", recorded_at=recorded_at, void=True)
            )
        await contacts.retire(tx, tenant, last)
        await surveys.remove(tx, tenant, list(last))
        await recorder.append(events)
        return len(taken)
