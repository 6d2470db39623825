"""Opening and joining cases, in the transaction of the answers that ask for it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.events.envelope import Event
from otklik_common.ids import subject_id
from otklik_common.outbox import Recorder
from otklik_feedback.actions.undisturbed import Raced
from otklik_feedback.domain.answer import Answer
from otklik_feedback.domain.case import Case, Step, joined, open_case, placed
from otklik_feedback.domain.facts import case_event, next_moment
from otklik_feedback.store import cases
from otklik_feedback.store.cases import CaseEvent, Key, key_of


@dataclass(frozen=True, slots=True)
class Unhappy:
    """
    Somebody who needs a call.

    Attributes:
        case: As it is if none is open for them.
        at: When they said so.
    """

    case: Case
    at: datetime


def unhappy(tenant: str, answer: Answer, reason: str, due: timedelta) -> Unhappy:
    """An answer that needs a call, why, and how long the call may take."""
    # Derived: the revision that opens a case makes no other.
    id_ = subject_id(tenant, "case", str(answer.id), str(answer.revision))
    return Unhappy(open_case(id_, answer, reason=reason, due=due), answer.answered_at)


async def open_cases(
    tx: AsyncConnection,
    tenant: str,
    wanted: Sequence[Unhappy],
    *,
    recorder: Recorder,
    actor: str,
) -> list[Event[Any]]:
    """
    Open a case for each unhappy customer and place, or join the one that is open.

    Returns:
        The facts of the cases, for the outbox.
    Raises:
        Raced: Somebody has just opened one of them.
    """
    if not wanted:
        return []
    known = await cases.open_of(tx, tenant, {key_of(each.case) for each in wanted})
    now: dict[Key, Case] = dict(known)
    steps: list[CaseEvent] = []
    for each in wanted:
        key = key_of(each.case)
        standing = now.get(key)
        now[key] = case = each.case if standing is None else joined(standing)
        steps.append(
            CaseEvent(
                case=case.id,
                number=case.steps,
                step=Step.OPENED if standing is None else Step.JOINED,
                at=each.at,
                recorded_at=recorder.now,
                actor=actor,
                answer=each.case.answer,
                reason=each.case.reason,
                review=each.case.review,
                claim=each.case.claim,
            )
        )
    changed = [recorded(case, recorder) for key, case in now.items() if case != known.get(key)]
    await _write(tx, tenant, changed)
    await cases.add_events(tx, tenant, steps)
    last_joined = {step.case: step.at for step in steps}
    return [
        case_event(tenant, case, verb="opened", at=case.opened_at)
        if case.revision == 1
        else case_event(tenant, case, verb="joined", at=last_joined[case.id])
        for case in changed
    ]


def recorded(case: Case, recorder: Recorder) -> Case:
    """The case as its next revision."""
    return replace(
        case,
        revision=case.revision + 1,
        recorded_at=next_moment(recorder.now, case.recorded_at),
    )


async def _write(tx: AsyncConnection, tenant: str, changed: Iterable[Case]) -> None:
    new = [case for case in changed if case.revision == 1]
    old = [(tenant, case) for case in changed if case.revision > 1]
    if new and await cases.add(tx, tenant, new) != {case.id for case in new}:
        raise Raced
    if old:
        await cases.put(tx, old)


async def place_cases(
    tx: AsyncConnection, moved: Collection[tuple[str, Answer]], *, recorder: Recorder
) -> list[Event[Any]]:
    """
    Give cases the dimensions and the customer that the answers which opened them now have.

    Args:
        moved: Answers with their tenants.
    Returns:
        The facts of the cases, for the outbox.
    """
    if not moved:
        return []
    by_id = {(tenant, answer.id): answer for tenant, answer in moved}
    changed = [
        (tenant, recorded(now, recorder))
        for tenant, case in await cases.opened_by(tx, by_id.keys())
        if case.answer is not None and (now := placed(case, by_id[tenant, case.answer])) != case
    ]
    if not changed:
        return []
    await cases.put(tx, changed)
    return [case_event(tenant, case, verb="placed", at=recorder.now) for tenant, case in changed]
