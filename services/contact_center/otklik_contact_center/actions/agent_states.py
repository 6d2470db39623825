"""
States of agents: changes are kept, and the stretches of time between them leave as facts.

One transaction for a push. Of each agent only the stretches around the new changes are settled
again: a late one gives its neighbour a new end, and with it a new revision.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import outbox
from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.errors import Forbidden, Unavailable
from otklik_common.events.contact_center import AgentState
from otklik_common.failpoints import failpoint
from otklik_common.ids import subject_id
from otklik_common.outbox import Recorder
from otklik_common.tracing import current_traceparent
from otklik_contact_center.actions.outcome import TICK
from otklik_contact_center.actions.push import Pushed, RefusedEvent, said
from otklik_contact_center.domain.admission import MalformedError, Refusal
from otklik_contact_center.domain.agent_state import (
    DEMO_PREFIX,
    StateChange,
    read_states,
    stretches,
)
from otklik_contact_center.domain.emission import (
    Announcement,
    Emitted,
    Step,
    announcement,
    next_step,
)
from otklik_contact_center.domain.items import Taken
from otklik_contact_center.store import agent_states
from otklik_contact_center.store.agent_states import Kept, Span

ATTEMPTS = 5
"""Of a push that meets somebody who gives the same ids to another agent at this moment."""

changes_kept = failpoint("agent_states.kept", "changes and their facts are written, not committed")
changes_committed = failpoint("agent_states.committed", "changes are committed, nobody is answered")


class _Raced(Exception):
    """Somebody has just added one of our ids."""


def state_id(tenant: str, change: str) -> UUID:
    """Subject of the stretch that a change begins."""
    return subject_id(tenant, "agent_state", change)


async def push_states(
    db: Database, caller: Caller, body: bytes, *, now: datetime, lines: bool = False
) -> Pushed:
    """
    Keep the changes in a body and publish what they make of the agents' time.

    Args:
        lines: It is NDJSON.
    Raises:
        Forbidden: Anybody may hold the key: what agents do is not for a page to say.
        MalformedPush, TooManyEvents: Nothing of it was kept.
        Unavailable: The same, for now.
    """
    if caller.publishable:
        raise Forbidden(
            "a publishable key tells only what customers do",
            detail_ru="публичный ключ сообщает только о действиях клиентов",
        )
    try:
        push = read_states(body, now, lines=lines)
    except MalformedError as wrong:
        raise said(wrong) from None
    taken, refused = _within(push.taken, caller.branches)
    if not caller.may("demo:write"):
        taken, reserved = _not_the_demos(taken)
        refused += reserved
    kept, reused = await _keep(db, caller.tenant, taken) if taken else (0, [])
    refused = sorted([*push.refused, *refused, *reused], key=lambda refusal: refusal.index)
    return Pushed(
        accepted=kept,
        duplicates=len(taken) - kept - len(reused),
        refused=[RefusedEvent(one.index, one.code, one.detail) for one in refused],
    )


def _within(
    taken: Iterable[Taken[StateChange]], branches: frozenset[str] | None
) -> tuple[list[Taken[StateChange]], list[Refusal]]:
    """Changes that name no branch out of reach, and the others."""
    kept: list[Taken[StateChange]] = []
    foreign: list[Refusal] = []
    for one in taken:
        if branches is None or one.item.branch is None or one.item.branch in branches:
            kept.append(one)
        else:
            foreign.append(_refusal(one, "branch_out_of_reach", "the key is for other branches"))
    return kept, foreign


def _not_the_demos(
    taken: Iterable[Taken[StateChange]],
) -> tuple[list[Taken[StateChange]], list[Refusal]]:
    """Changes that stay when the demo is taken out, and those whose ids are the demo's."""
    kept: list[Taken[StateChange]] = []
    reserved: list[Refusal] = []
    for one in taken:
        if one.item.id.startswith(DEMO_PREFIX):
            reserved.append(_refusal(one, "id_reserved", f"ids on {DEMO_PREFIX} are the demo's"))
        else:
            kept.append(one)
    return kept, reserved


def _refusal(one: Taken[StateChange], code: str, detail: str) -> Refusal:
    return Refusal(one.index, code, detail, b"")


async def _keep(
    db: Database, tenant: str, taken: Sequence[Taken[StateChange]]
) -> tuple[int, list[Refusal]]:
    """How many changes were new, and those whose ids stand for others."""
    for _ in range(ATTEMPTS):
        try:
            async with db.begin(tenant) as tx:
                found = await _keep_in(tx, tenant, taken)
                changes_kept()
        except _Raced:
            continue
        changes_committed()
        return found
    raise Unavailable(
        "others are writing the same changes",
        detail_ru="те же изменения сейчас записывают другие",
        retry_after=1,
    )


async def _keep_in(
    tx: AsyncConnection, tenant: str, taken: Sequence[Taken[StateChange]]
) -> tuple[int, list[Refusal]]:
    await agent_states.lock_agents(tx, tenant, (one.item.agent for one in taken))
    known = await agent_states.by_id(tx, tenant, {one.item.id for one in taken})
    standing = {id_: kept.change for id_, kept in known.items() if not kept.emitted.void}
    fresh: dict[str, StateChange] = {}
    reused: list[Refusal] = []
    for one in taken:
        before = standing.setdefault(one.item.id, one.item)
        if before is one.item:
            fresh[one.item.id] = one.item
        elif before != one.item:
            reused.append(
                _refusal(one, "event_id_reused", "the id was used before for another change")
            )
    if fresh:
        recorder = await outbox.recorder(tx, tenant)
        await _settle(
            tx, tenant, _spans(fresh.values()), recorder=recorder, fresh=fresh, former=known
        )
    return len(fresh), reused


def _spans(changes: Iterable[StateChange]) -> dict[str, Span]:
    """By agent, from the first to the last of the changes."""
    spans: dict[str, Span] = {}
    for change in changes:
        first, last = spans.get(change.agent, (change.at, change.at))
        spans[change.agent] = min(first, change.at), max(last, change.at)
    return spans


async def _settle(
    tx: AsyncConnection,
    tenant: str,
    spans: Mapping[str, Span],
    *,
    recorder: Recorder,
    fresh: Mapping[str, StateChange],
    former: Mapping[str, Kept],
) -> None:
    """
    Publish what is new or changed among the stretches of locked agents.

    Args:
        fresh: Changes that stand from now on, by id.
        former: What was published of any of them before they were taken out.
    """
    known = await agent_states.around(tx, tenant, spans)
    by_agent: dict[str, list[StateChange]] = {agent: [] for agent in spans}
    for change in (*(kept.change for kept in known.values()), *fresh.values()):
        by_agent[change.agent].append(change)
    new: list[Kept] = []
    changed: list[Kept] = []
    announced: list[Announcement] = []
    for agent, changes in by_agent.items():
        for change, fact in stretches(changes):
            if change.at > spans[agent][1]:
                break  # whatever follows it is not among them
            before = known.get(change.id) or former.get(change.id)
            step = next_step(
                state_id(tenant, change.id),
                None if before is None else before.emitted,
                fact.said().encode(),
            )
            if step is None:
                continue
            kept = _stepped(change, step, before, recorder)
            (new if before is None else changed).append(kept)
            announced.append(_announced(tenant, kept, step))
    if new and not await agent_states.add(tx, tenant, new):
        raise _Raced
    if changed:
        await agent_states.put(tx, tenant, changed)
    await _announce(recorder, announced)


def _stepped(change: StateChange, step: Step, before: Kept | None, recorder: Recorder) -> Kept:
    now = recorder.now
    at = now if before is None else max(now, before.recorded_at + TICK)
    emitted = Emitted(step.emitted.revision, step.emitted.hash, step.emitted.void, step.data)
    return Kept(change, emitted, at)


def _announced(tenant: str, kept: Kept, step: Step) -> Announcement:
    verb = "voided" if step.emitted.void else "began" if step.emitted.revision == 1 else "changed"
    return announcement(
        step,
        AgentState,
        tenant=tenant,
        verb=verb,
        time=kept.change.at,
        recorded_at=kept.recorded_at,
        traceparent=current_traceparent(),
    )


async def _announce(recorder: Recorder, announced: Sequence[Announcement]) -> None:
    if announced:
        tenants, keys, payloads = zip(*announced, strict=True)
        await recorder.append_encoded(tenants, keys, payloads)


async def take_out(
    tx: AsyncConnection, tenant: str, changes: Sequence[StateChange], *, recorder: Recorder
) -> int:
    """
    Void the stretches that changes began; what stood before them lasts on.

    The rows stay, void, so that the same ids may come again with a higher revision.

    Returns:
        How many still stood.
    """
    await agent_states.lock_agents(tx, tenant, (change.agent for change in changes))
    known = await agent_states.by_id(tx, tenant, {change.id for change in changes})
    gone: list[Kept] = []
    announced: list[Announcement] = []
    for kept in known.values():
        step = next_step(state_id(tenant, kept.change.id), kept.emitted, None)
        if step is not None:
            gone.append(_stepped(kept.change, step, kept, recorder))
            announced.append(_announced(tenant, gone[-1], step))
    if gone:
        await agent_states.put(tx, tenant, gone)
        await _announce(recorder, announced)
        spans = _spans(kept.change for kept in gone)
        await _settle(tx, tenant, spans, recorder=recorder, fresh={}, former={})
    return len(gone)
