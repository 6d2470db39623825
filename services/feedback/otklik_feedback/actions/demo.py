"""Taking the demo out: whatever it pushed has an id that begins with "demo-"."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from otklik_common import outbox
from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_feedback.actions.opening import recorded
from otklik_feedback.actions.telling import forget
from otklik_feedback.domain.facts import answer_event, case_event, next_moment, survey_event
from otklik_feedback.store import answers, cases, contacts, surveys
from otklik_feedback.store.contacts import Last

AT_ONCE = 500
"""Answers of one transaction: others must not wait long for their locks."""


@dataclass(frozen=True, slots=True)
class Removed:
    """How many were taken out."""

    surveys: int
    answers: int
    cases: int


async def remove_demo(db: Database, caller: Caller) -> Removed:
    """Void and delete the demo's answers, the cases they opened, and its surveys; repeatable."""
    gone_answers = gone_cases = 0
    while True:
        taken, closed = await _some_answers(db, caller.tenant)
        gone_answers += taken
        gone_cases += closed
        if taken < AT_ONCE:
            break
    gone_surveys = 0
    while (taken := await _some_surveys(db, caller.tenant)) > 0:
        gone_surveys += taken
    return Removed(gone_surveys, gone_answers, gone_cases)


async def _some_answers(db: Database, tenant: str) -> tuple[int, int]:
    async with db.begin(tenant) as tx:
        taken = await answers.demo(tx, tenant, AT_ONCE)
        if not taken:
            return 0, 0
        ids = [answer.id for answer in taken]
        ended = await cases.demo(tx, tenant, ids)
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
