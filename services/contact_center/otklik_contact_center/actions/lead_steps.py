"""
Steps of requests: kept as they are told, and the leads that they belong to folded anew.

One transaction for a push. Whoever tells a step locks its person first, as the fold does before it
reads steps: either the fold sees the step, or the step finds a contact to be folded again.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import asyncpg

from otklik_common import outbox
from otklik_common.callers import Caller
from otklik_common.db import Database, raw
from otklik_common.errors import Forbidden
from otklik_common.failpoints import failpoint
from otklik_common.ids import contact_subject
from otklik_common.outbox import Recorder
from otklik_common.pseudonym import Pseudonyms
from otklik_contact_center.actions.push import Pushed, RefusedEvent, said
from otklik_contact_center.actions.sales import announced_of, published_again
from otklik_contact_center.domain.admission import BULK, LIVE, MalformedError, Refusal
from otklik_contact_center.domain.agent_state import DEMO_PREFIX
from otklik_contact_center.domain.emission import Announcement
from otklik_contact_center.domain.events import LATE
from otklik_contact_center.domain.items import Taken
from otklik_contact_center.domain.lead_step import Step, read_steps, told
from otklik_contact_center.domain.source import default_id, tenant_of
from otklik_contact_center.store import lead_steps, people
from otklik_contact_center.store.lead_steps import NOTHING, Kept

steps_kept = failpoint("lead_steps.kept", "steps and their facts are written, not committed")
steps_committed = failpoint("lead_steps.committed", "steps are committed, nobody is answered")

Steps = Sequence[Taken[Step]]


class Customers(NamedTuple):
    """How people are known; `region` is that of phones without a plus."""

    pseudonyms: Pseudonyms
    region: str


async def push_steps(
    db: Database,
    customers: Customers,
    caller: Caller,
    body: bytes,
    *,
    now: datetime,
    lines: bool = False,
) -> Pushed:
    """
    Keep the steps in a body; what was told before under the same id is replaced.

    Args:
        lines: It is NDJSON.
    Raises:
        Forbidden: Anybody may hold the key: what our people do is not for a page to say.
        MalformedPush, TooManyEvents: Nothing of it was kept.
    """
    if caller.publishable:
        raise Forbidden(
            "a publishable key tells only what customers do",
            detail_ru="публичный ключ сообщает только о действиях клиентов",
        )
    try:
        push = read_steps(body, now, lines=lines)
    except MalformedError as wrong:
        raise said(wrong) from None
    refused = list(push.refused)
    newest = {one.item.id: one for one in _checked(push.taken, caller, refused)}
    mine = list(newest.values())
    kept = 0
    if mine:
        async with db.begin(caller.tenant) as tx:
            recorder = await outbox.recorder(tx, caller.tenant)
            kept, foreign = await _keep(await raw(tx), recorder, customers, caller, mine)
            steps_kept()
        steps_committed()
        refused += foreign
    refused.sort(key=lambda refusal: refusal.index)
    return Pushed(
        accepted=kept,
        duplicates=len(push.taken) + len(push.refused) - kept - len(refused),
        refused=[RefusedEvent(one.index, one.code, one.detail) for one in refused],
    )


def _checked(
    taken: Iterable[Taken[Step]], caller: Caller, refused: list[Refusal]
) -> list[Taken[Step]]:
    """The steps that the caller may tell; the others join `refused`."""
    mine: list[Taken[Step]] = []
    for one in taken:
        wrong = _wrong(one.item, caller)
        if wrong is None:
            mine.append(one)
        else:
            refused.append(Refusal(one.index, *wrong, b""))
    return mine


def _wrong(step: Step, caller: Caller) -> tuple[str, str] | None:
    if step.id.startswith(DEMO_PREFIX) and not caller.may("demo:write"):
        return "id_reserved", f"ids on {DEMO_PREFIX} are the demo's"
    if step.source is not None and tenant_of(step.source) != caller.tenant:
        return "unknown_source", "source is no source of the company"
    if caller.branches is not None and step.branch is None:
        return "branch_missing", "the key is for certain branches: name the branch"
    if caller.branches is not None and step.branch not in caller.branches:
        return "branch_out_of_reach", "the key is for other branches"
    return None


async def _keep(
    on: asyncpg.Connection, recorder: Recorder, customers: Customers, caller: Caller, taken: Steps
) -> tuple[int, list[Refusal]]:
    """How many steps were new or changed, and those of others that stay as they are."""
    tenant = caller.tenant
    made = [_made(one.item, customers, caller, recorder.now) for one in taken]
    strongest = sorted({(tenant, one.identifiers[0]) for one in made if one.identifiers})
    await people.lock_persons(on, strongest)
    every = {identifier for one in made for identifier in one.identifiers}
    known_as = await lead_steps.known_as(on, tenant, every)
    before = await lead_steps.claim(on, tenant, [one.told.id for one in made], recorder.now)
    changed: list[Kept] = []
    foreign: list[Refusal] = []
    for place, one in zip(taken, made, strict=True):
        whose = (known_as[name] for name in one.identifiers if name in known_as)
        new = one._replace(person=next(whose, next(iter(one.identifiers), None)))
        old = before.get(new.told.id)
        if old is None:
            changed.append(new)
        elif caller.branches is not None and not _is_theirs(old, caller.branches):
            detail = "the step was told by somebody else: ask them to correct it"
            foreign.append(Refusal(place.index, "branch_out_of_reach", detail, b""))
        elif old.told.step != new.told.step:
            detail = (
                "the id was used before for another kind of step: withdraw that, tell a new one"
            )
            foreign.append(Refusal(place.index, "event_id_reused", detail, b""))
        elif not _same(old, new):
            # Until it is folded anew it stays where it was.
            kept = new._replace(lead=old.lead, emitted=old.emitted, recorded_at=old.recorded_at)
            changed.append(kept)
    if changed:
        await _write(on, recorder, changed, before)
    return len(changed), foreign


def _made(step: Step, customers: Customers, caller: Caller, now: datetime) -> Kept:
    tenant, who = caller.tenant, step.customer
    source = None if step.contact is None else step.source or default_id(tenant)
    contact = None
    if source is not None and step.contact is not None:
        contact = contact_subject(tenant, source, step.contact)
    identifiers: tuple[str, ...] = ()
    if who is not None:
        identifiers = customers.pseudonyms.identifiers(
            tenant,
            phone=who.phone,
            email=who.email,
            external_id=who.external_id,
            region=customers.region,
        )
    return Kept(
        tenant=tenant,
        told=told(step, contact, confined=caller.branches is not None),
        withdrawn=step.withdrawn,
        received_at=now,
        source=source,
        named=step.contact,
        person=None,
        identifiers=identifiers,
        lead=None,
        emitted=NOTHING,
        recorded_at=None,
    )


def _is_theirs(old: Kept, branches: frozenset[str]) -> bool:
    """Whether a step was told by somebody who reaches no more than a branch of these."""
    return old.told.confined and old.told.branch in branches


def _same(old: Kept, new: Kept) -> bool:
    """Whether the same was told before; by whom a step is known may have changed since."""
    parts = ("told", "withdrawn", "source", "named", "identifiers")
    return all(getattr(old, name) == getattr(new, name) for name in parts)


async def _write(
    on: asyncpg.Connection,
    recorder: Recorder,
    changed: Sequence[Kept],
    before: Mapping[str, Kept],
) -> None:
    """
    Write steps and let their leads be folded.

    A showing or a deal is told at once, with its lead as it was known: whether a fold comes to it,
    and when, is no matter of what was sold.
    """
    tenant = changed[0].tenant
    every = [*changed, *(old for one in changed if (old := before.get(one.told.id)))]
    rows: list[Kept] = []
    announced: list[Announcement] = []
    for one in changed:
        row, news = published_again(one, recorder.now)
        rows.append(row)
        announced += [] if news is None else [news]
    await lead_steps.put(on, rows)
    await announced_of(recorder, announced)
    persons = {one.person for one in every if one.person is not None}
    contacts = {(one.source, one.named) for one in every if one.source and one.named}
    late = all(one.told.at < recorder.now - LATE for one in changed)
    await lead_steps.mark(on, tenant, persons, contacts, lane=BULK if late else LIVE)


async def take_out(
    on: asyncpg.Connection, recorder: Recorder, tenant: str, prefix: str, most: int
) -> int:
    """Withdraw some of the steps whose ids begin so; returns how many."""
    found = await lead_steps.begun_with(on, tenant, prefix, most)
    if found:
        before = {one.told.id: one for one in found}
        gone = [one._replace(withdrawn=True) for one in found]
        await _write(on, recorder, gone, before)
    return len(found)
