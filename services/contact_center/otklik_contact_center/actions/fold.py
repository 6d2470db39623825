"""
From the inbox to facts: contacts with new events are folded, a batch of them in one transaction.

Order of work (decision 0021): marks are picked, contacts locked; only then are their events
read, so that no event can come between. Contacts come before persons, both sorted, so that two
workers never wait for each other in a circle.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final, NamedTuple

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import outbox
from otklik_common.db import Database, raw
from otklik_common.directory import Directory
from otklik_common.failpoints import failpoint
from otklik_common.ids import contact_subject
from otklik_common.observability import get_logger
from otklik_common.outages import outage
from otklik_common.pseudonym import Pseudonyms, Sealer
from otklik_contact_center.actions.backlog import MOST_WAITING
from otklik_contact_center.actions.clocks import settle
from otklik_contact_center.actions.fold_batch import Batch, Setting, named, write
from otklik_contact_center.actions.fold_outcomes import Outcomes
from otklik_contact_center.actions.gone import take_along
from otklik_contact_center.actions.leads import fold_people
from otklik_contact_center.actions.meters import Meters
from otklik_contact_center.actions.outcome import Sent
from otklik_contact_center.actions.policies import PolicyBook
from otklik_contact_center.domain.admission import BULK, LIVE
from otklik_contact_center.domain.lead_fold import MOST_CONTACTS
from otklik_contact_center.store import backlog, clocks, folding
from otklik_contact_center.store.folding import (
    Dirty,
    Share,
)

MOST_MARKS: Final = 2_000
QUICK_MARKS: Final = 500
"""Of all companies that have little waiting: what fits into one quick batch is little."""

MOST_COUNTED: Final = 20_000
"""Facts that wait for the log; more are not counted."""

WHOLE: Final = Share()


class Whose(Enum):
    """Which companies' marks are taken: of all, of those with little waiting, or with much."""

    ALL = "all"
    LITTLE = "little"
    MUCH = "much"


FAULTS: Final = (
    asyncpg.PostgresError,
    DBAPIError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
"""What one contact, or what is kept of its customer, can be at fault for: it holds nobody else up."""

marks_locked = failpoint("fold.picked", "marks are locked, their contacts are not")
outcomes_known = failpoint("fold.read", "contacts are locked and folded, nothing is written")
contacts_written = failpoint("fold.written", "contacts and leads are written, their facts are not")
folded = failpoint("fold.folded", "facts are in the outbox, the marks are not yet cleared")
marks_cleared = failpoint("fold.cleared", "the marks are cleared, nothing is committed")
batch_committed = failpoint("fold.committed", "a batch is committed, the next not begun")
contact_parked = failpoint("fold.parked", "a contact is parked, its marks cleared; not committed")

log = get_logger(__name__)


class Done(NamedTuple):
    """
    What a batch did.

    Attributes:
        more: Whether some company had more waiting than its turn took.
        companies: Whose marks were worked on.
    """

    marks: int = 0
    contacts: int = 0
    events: int = 0
    parked: int = 0
    facts: int = 0
    more: bool = False
    companies: frozenset[str] = frozenset()


class Folder:
    """Folds contacts of all companies."""

    def __init__(
        self,
        db: Database,
        directory: Directory,
        *,
        sealer: Sealer,
        pseudonyms: Pseudonyms,
        meters: Meters,
        most_contacts: int = MOST_CONTACTS,
    ) -> None:
        """
        Args:
            most_contacts: Of a person; behind a number with more is a switchboard.
        """
        self._db = db
        self._directory = directory
        self._policies = PolicyBook(directory)
        self._outcomes = Outcomes(sealer, pseudonyms)
        self._meters = meters
        self._most_contacts = most_contacts

    async def fold_some(
        self,
        lane: int,
        most: int = MOST_MARKS,
        share: Share = WHOLE,
        whose: Whose = Whose.ALL,
        *,
        ended: Callable[[], None] | None = None,
    ) -> Done:
        """
        Work on some marks of a lane, of the companies in turn.

        Args:
            ended: Called whenever a statement has ended.
        Returns:
            `marks` is 0 when nothing waits, or others work on all that does.
        """
        picked: list[Dirty] = []
        turns: Counter[str] = Counter()
        more = False
        try:
            async with self._db.begin_as_worker(ended) as tx:
                on = await raw(tx)
                tenants = await self._companies(on, lane, whose)
                if tenants:
                    each = max(1, most // len(tenants))
                    picked = await folding.pick(on, lane, tenants, each, share)
                    turns.update(mark.tenant for mark in picked)
                    more = any(taken >= each for taken in turns.values())
                done = await self._fold(tx, on, lane, picked)
        except FAULTS as broken:
            if outage(broken) is not None or not picked:
                raise
            log.warning("fold of a batch failed", count=len(picked), exc_info=broken)
            more = False
            done = await self._fold_apart(lane, picked, ended)
        else:
            if picked:
                batch_committed()
        return done._replace(more=more, companies=frozenset(turns))

    @staticmethod
    async def _companies(on: asyncpg.Connection, lane: int, whose: Whose) -> list[str]:
        await folding.plan(on, 0)
        tenants = await folding.waiting(on, lane)
        if whose is Whose.ALL or not tenants:
            return tenants
        little = max(1, QUICK_MARKS // len(tenants))
        much = await folding.with_more(on, lane, tenants, little)
        if whose is Whose.MUCH:
            return much
        return [tenant for tenant in tenants if tenant not in much]

    async def outbox(self) -> int:
        """How many facts wait for the log."""
        async with self._db.begin_as_worker() as tx:
            on = await raw(tx)
            # By its key: deleted rows are passed over faster there than in the table.
            await folding.plan(on, 0)
            return await folding.outbox(on, MOST_COUNTED)

    async def note_backlogs(self) -> None:
        """Note whose live events are not folded as fast as they come."""
        async with self._db.begin_as_worker() as tx:
            on = await raw(tx)
            tenants = await self._companies(on, LIVE, Whose.ALL)
            behind = await folding.with_more(on, LIVE, tenants, MOST_WAITING) if tenants else []
            await backlog.note(on, behind)

    async def show_what_waits(self) -> None:
        """Refresh the gauges of the backlog."""
        async with self._db.begin_as_worker() as tx:
            on = await raw(tx)
            live, bulk, parked = await folding.counts(on)
            since = {LIVE: await folding.oldest(on, LIVE), BULK: await folding.oldest(on, BULK)}
        self._meters.waiting(live=live, bulk=bulk, parked=parked)
        self._meters.oldest(live=since[LIVE], bulk=since[BULK])

    async def _fold_apart(
        self, lane: int, picked: Sequence[Dirty], ended: Callable[[], None] | None
    ) -> Done:
        """Each contact in a transaction of its own; whoever fails again is parked."""
        apart: dict[Sent, list[Dirty]] = {}
        for mark in picked:
            apart.setdefault(mark[1:], []).append(mark)
        total = Done()
        for sent, marks in apart.items():
            try:
                async with self._db.begin_as_worker(ended) as tx:
                    on = await raw(tx)
                    again = await folding.pick_again(on, lane, marks)
                    done = await self._fold(tx, on, lane, again)
            except FAULTS as broken:
                if outage(broken) is not None:
                    raise
                done = await self._park(lane, sent, marks, broken)
            total = Done(
                total.marks + done.marks,
                total.contacts + done.contacts,
                total.events + done.events,
                total.parked + done.parked,
                total.facts + done.facts,
            )
        return total

    async def _park(self, lane: int, sent: Sent, marks: Sequence[Dirty], broken: Exception) -> Done:
        log.error("contact parked", tenant=sent[0], source_id=sent[1], exc_info=broken)
        async with self._db.begin_as_worker() as tx:
            on = await raw(tx)
            await folding.park(on, {sent: type(broken).__name__})
            await folding.clear(on, lane, [(mark.tenant, mark.id) for mark in marks])
            contact_parked()
        return Done(marks=len(marks), parked=1)

    async def _fold(
        self, tx: AsyncConnection, on: asyncpg.Connection, lane: int, picked: Sequence[Dirty]
    ) -> Done:
        if not picked:
            return Done()
        marks_locked()
        began = time.perf_counter()
        await folding.plan(on, len(picked))
        marks: dict[Sent, list[int]] = {}
        for mark in picked:
            marks.setdefault(mark[1:], []).append(mark.id)
        batch = await self._lock(on, sorted(marks))
        recorder = await outbox.recorder(tx)
        outcomes, failed = await self._outcomes.of(on, batch, recorder.now)
        outcomes_known()
        taken = await write(on, outcomes)
        announced = [one for outcome in taken.values() for one in outcome.announced]
        people = await fold_people(
            on,
            taken,
            allowed={tenant: one.allowed for tenant, one in batch.settings.items()},
            recorded_at=recorder.now,
            most=self._most_contacts,
        )
        settled = await settle(on, taken, people, batch.policies, recorded_at=recorder.now)
        announced += people.announced + settled.announced
        failed.update(named(batch, settled.failed))
        contacts_written()
        if announced:
            tenants, keys, payloads = zip(*announced, strict=True)
            await recorder.append_encoded(tenants, keys, payloads)
        gone = [key for key, outcome in taken.items() if outcome.row.void]
        if gone:
            await take_along(tx, gone, recorder.now)
        if failed:
            await folding.park(on, failed)
        # What another worker added meanwhile is that worker's: its marks stay for the next time.
        cleared = [
            sent
            for sent, key in zip(batch.sents, batch.keys, strict=True)
            if key in taken or key not in outcomes
        ]
        await folding.unpark(on, [sent for sent in cleared if sent not in failed])
        folded()
        done_with = [(sent[0], number) for sent in cleared for number in marks[sent]]
        await folding.clear(on, lane, done_with)
        marks_cleared()
        events = sum(map(len, batch.raws))
        done = Done(len(done_with), len(taken), events, len(failed), len(announced))
        self._meters.folded(
            contacts=done.contacts, events=done.events, seconds=time.perf_counter() - began
        )
        return done

    async def _lock(self, on: asyncpg.Connection, sents: Sequence[Sent]) -> Batch:
        keys = [(sent[0], contact_subject(*sent)) for sent in sents]
        known = await folding.lock(on, sorted(keys))
        tenants = {sent[0] for sent in sents}
        declared = await folding.declared(on, tenants)
        settings: dict[str, Setting] = {}
        for tenant in tenants:
            region = await self._directory.region(tenant)
            settings[tenant] = Setting(region, *declared[tenant])
        policies = await self._policies.of(await clocks.versions(on, tenants))
        # After the locks, in a statement of its own: it sees all that was marked before them.
        raws = await folding.events(on, sents)
        bare = [
            key
            for key, events in zip(keys, raws, strict=True)
            if not events and key in known and not known[key].emitted.void
        ]
        rows = await folding.contacts(on, bare) if bare else {}
        return Batch(sents, keys, raws, known, settings, rows, policies)
