"""
The worker that takes demos out, step by step.

A step is one transaction over at most a thousand things, and leaves a state from which the next
one goes on: it may be killed anywhere. Contacts go the way they came: their events leave the
inbox, their marks are set, and folding finds nothing of them, so that their facts, replies and
leads are void (decision 0027), and what was evaluated and ticked of them goes with them. What somebody
has said of one in that very moment is taken back last.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import outbox
from otklik_common.db import Database, raw
from otklik_common.events.contact_center import Source as SourceFact
from otklik_common.events.envelope import Event
from otklik_common.failpoints import failpoint
from otklik_common.ids import source_subject
from otklik_common.module import Platform, Worker
from otklik_common.stepping import keep_stepping
from otklik_contact_center.actions import lead_steps
from otklik_contact_center.actions.agent_states import take_out
from otklik_contact_center.actions.checklists_gone import void_gone
from otklik_contact_center.actions.evaluations_gone import withdraw_gone
from otklik_contact_center.actions.outcome import TICK
from otklik_contact_center.domain.admission import BULK
from otklik_contact_center.domain.agent_state import DEMO_PREFIX
from otklik_contact_center.store import demo, pace
from otklik_contact_center.store.columns import SCHEMA
from otklik_contact_center.store.demo import Counts, Removal, Retired

NAME: Final = "contact-center.demo"

AT_ONCE: Final = 1_000
"""Contacts, refusals or states of one step."""

SWEPT_AFTER: Final = timedelta(seconds=30)
"""Processes remember sources for some seconds: what they still let in is swept then."""

IDLE_SECONDS: Final = 1.0

stepped = failpoint("demo.stepped", "a step of a removal is written, not committed")
committed = failpoint("demo.committed", "a step of a removal is committed, the next not begun")


def demo_worker(platform: Platform) -> Worker:
    """Takes demos out in the background."""
    return Worker(NAME, Remover(platform.database(SCHEMA, "worker"), platform.now).run)


class Remover:
    """Takes demos out; several processes share them, one works on a company at a time."""

    def __init__(self, db: Database, now: Callable[[], datetime]) -> None:
        self._db = db
        self._now = now

    async def run(self, stop: asyncio.Event) -> None:
        """Take out what is asked for until told to stop; a database that is away is waited for."""
        said = "removal of the demo waits"
        await keep_stepping(self.step, stop, idle_seconds=IDLE_SECONDS, said=said)

    async def step(self) -> bool:
        """A step of each removal that is due; False when all wait for their contacts' folding."""
        async with self._db.begin_as_worker() as tx:
            tenants = await demo.due(tx, self._now() - SWEPT_AFTER)
        worked = [await self._step(tenant) for tenant in tenants]
        return any(worked)

    async def _step(self, tenant: str) -> bool:
        now = self._now()
        async with self._db.begin_as_worker() as tx:
            job = await demo.lock(tx, tenant, now - SWEPT_AFTER)
            if job is None:
                return False
            found = await _some(tx, job)
            if found is not None:
                await demo.count(tx, tenant, found)
            elif await _rests(tx, job):
                told = await withdraw_gone(tx, tenant, now, AT_ONCE)
                if await void_gone(tx, tenant, AT_ONCE) or told:
                    found = Counts()
                else:
                    await demo.finish(tx, job, now)
            stepped()
        committed()
        return found is not None


async def _some(tx: AsyncConnection, job: Removal) -> Counts | None:
    """Take out some of what is left; None when nothing is."""
    tenant = job.tenant
    if await _retire(tx, job):
        return Counts()
    for source in job.sources:
        contacts = await demo.contacts_in(tx, tenant, source, AT_ONCE)
        if contacts:
            events = await demo.empty(tx, tenant, source, contacts)
            await demo.mark(tx, tenant, [(source, one) for one in contacts], lane=BULK)
            return Counts(contacts=len(contacts), events=events)
    refused = await demo.forget_refused(tx, tenant, job.sources, AT_ONCE)
    if refused:
        return Counts(refused=refused)
    if job.done_at is not None:
        # The states of a demo that has come again since are its own.
        return None
    recorder = await outbox.recorder(tx, tenant)
    steps = await lead_steps.take_out(await raw(tx), recorder, tenant, DEMO_PREFIX, AT_ONCE)
    if steps:
        return Counts(events=steps)
    await pace.remove_begun_with(tx, tenant, DEMO_PREFIX)
    states = await demo.states(tx, tenant, DEMO_PREFIX, AT_ONCE)
    if not states:
        return None
    return Counts(agent_states=await take_out(tx, tenant, states, recorder=recorder))


async def _retire(tx: AsyncConnection, job: Removal) -> bool:
    """Void the sources first, so that nothing more is let in; whether there were any."""
    retired = await demo.retire(tx, job.tenant, job.sources)
    if retired:
        recorder = await outbox.recorder(tx, job.tenant)
        await recorder.append([_void(job.tenant, one, recorder.now) for one in retired])
    return bool(retired)


def _void(tenant: str, source: Retired, now: datetime) -> Event[SourceFact]:
    recorded_at = max(now, source.recorded_at + TICK)
    return Event(
        tenant=tenant,
        subject=source_subject(tenant, source.id),
        revision=source.revision + 1,
        verb="removed",
        time=recorded_at,
        recorded_at=recorded_at,
        data=SourceFact(
            name=source.name, product=source.kind, created_at=source.created_at, active=False
        ),
        void=True,
    )


async def _rests(tx: AsyncConnection, job: Removal) -> bool:
    """Whether all contacts are void; those that a fold has just brought back are marked again."""
    sources: Sequence[str] = job.sources
    if not sources:
        return True
    if await demo.is_waiting(tx, job.tenant, sources):
        return False
    left = await demo.standing(tx, job.tenant, sources, AT_ONCE)
    if left:
        await demo.mark(tx, job.tenant, left, lane=BULK)
    return not left
