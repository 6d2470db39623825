"""The case of a claim, when the claim is given to others."""

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.events.envelope import Event
from otklik_common.ids import subject_id
from otklik_common.outbox import Recorder
from otklik_feedback.actions.opening import Unhappy, open_cases, recorded
from otklik_feedback.actions.undisturbed import Raced
from otklik_feedback.domain.case import Case, Step, closed
from otklik_feedback.domain.claim import Claim
from otklik_feedback.domain.claim_case import case_of, case_placed
from otklik_feedback.domain.facts import case_event
from otklik_feedback.store import cases, claims
from otklik_feedback.store.cases import CaseEvent, key_of

MOVED: Final = "claim_moved"
"""Resolution of a case whose last claim went to a branch that has a case of the same customer."""


async def follow(
    tx: AsyncConnection,
    tenant: str,
    before: Claim,
    after: Claim,
    *,
    at: datetime,
    recorder: Recorder,
    actor: str,
) -> list[Event[Any]]:
    """
    Have the open case of a claim follow it.

    A case of this claim alone moves. One that other claims of its branch need stays with them: the
    claim opens a case where it is now, or joins the one that is open there. A customer who has been
    called, their case being closed, has none to move.

    Returns:
        The facts of the cases, for the outbox.
    Raises:
        Raced: Somebody has just opened one there.
    """
    new = case_of(subject_id(tenant, "case", str(after.id), str(after.revision)), after)
    here = key_of(case_of(new.id, before))
    there = key_of(new)
    standing = await cases.open_of(tx, tenant, {here, there})
    case = standing.get(here)
    if case is None:
        return []
    known = {step.claim for step in await cases.events_of(tx, tenant, case.id)} - {None}
    if after.id not in known:
        return []
    others = await claims.people(tx, tenant, [id_ for id_ in known if id_ not in {None, after.id}])
    shared = any(one.branch == before.branch for one in others.values())
    if here == there:
        return [] if shared else await _moved(tx, tenant, case, after, at, recorder, actor)
    if not shared and there not in standing:
        return await _moved(tx, tenant, case, after, at, recorder, actor)
    told: list[Event[Any]] = []
    if not shared:
        told += await _left(tx, tenant, case, after, at, recorder, actor)
    opening = replace(new, opened_at=at, due_at=max(at, new.due_at))
    told += await open_cases(tx, tenant, [Unhappy(opening, at)], recorder=recorder, actor=actor)
    return told


async def _moved(
    tx: AsyncConnection,
    tenant: str,
    case: Case,
    claim: Claim,
    at: datetime,
    recorder: Recorder,
    actor: str,
) -> list[Event[Any]]:
    moved = case_placed(case, claim)
    if moved is case:
        return []
    after = recorded(moved, recorder)
    try:
        await cases.put(tx, [(tenant, after)])
    except IntegrityError as taken:
        raise Raced from taken
    await _step(tx, tenant, after, Step.PLACED, claim, at, recorder, actor, reason=None)
    return [case_event(tenant, after, verb="placed", at=recorder.now)]


async def _left(
    tx: AsyncConnection,
    tenant: str,
    case: Case,
    claim: Claim,
    at: datetime,
    recorder: Recorder,
    actor: str,
) -> list[Event[Any]]:
    at = max(at, case.contacted_at or case.opened_at)
    after = recorded(closed(case, at, resolution=MOVED), recorder)
    await cases.put(tx, [(tenant, after)])
    await _step(tx, tenant, after, Step.CLOSED, claim, at, recorder, actor, reason=MOVED)
    return [case_event(tenant, after, verb="closed", at=at)]


async def _step(
    tx: AsyncConnection,
    tenant: str,
    case: Case,
    step: Step,
    claim: Claim,
    at: datetime,
    recorder: Recorder,
    actor: str,
    *,
    reason: str | None,
) -> None:
    row = CaseEvent(
        case=case.id,
        number=case.steps,
        step=step,
        at=at,
        recorded_at=recorder.now,
        actor=actor,
        reason=reason,
        claim=claim.id,
    )
    await cases.add_events(tx, tenant, [row])
