"""What agents are to learn: given, done, and looked at before and after."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import outbox
from otklik_common.callers import Caller
from otklik_common.clocks.zones import find_zone
from otklik_common.db import Database
from otklik_common.directory import Directory
from otklik_common.errors import NotFound
from otklik_common.etags import Expected
from otklik_common.events.staff import CoachingItem
from otklik_common.ids import contact_subject
from otklik_common.paging import Part
from otklik_common.pseudonym import Sealer
from otklik_common.validation import TimeInFuture, check_time
from otklik_contact_center.actions.outcome import TICK
from otklik_contact_center.actions.reach import check_reach
from otklik_contact_center.domain.coaching import (
    Effect,
    Lesson,
    effect,
    given,
    item_subject,
    lesson_of,
)
from otklik_contact_center.domain.emission import announcement, next_step
from otklik_contact_center.domain.source import default_id
from otklik_contact_center.store import coaching
from otklik_contact_center.store.coaching import ItemRow, Wanted

TASK = "coaching task"
"""What sealed tasks are for."""


class CoachingItemNotFound(NotFound):
    """There is no such item, or none within reach."""

    code = "coaching_item_not_found"


@dataclass(frozen=True, slots=True)
class Given:
    """
    An item as it was sent.

    Attributes:
        created_at: None: as it is known, else now.
        contact: The sender's own id of the contact that it comes from.
        source: Of the contact; None: the company's default one.
    """

    agent: str
    skill: str
    task: str
    branch: str | None = None
    created_at: datetime | None = None
    due_at: datetime | None = None
    contact: str | None = None
    source: str | None = None
    lead: UUID | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """An item as people read it."""

    row: ItemRow
    fact: CoachingItem
    task: str


class Coaching:
    """What a company's agents are to learn."""

    def __init__(self, db: Database, directory: Directory, sealer: Sealer) -> None:
        self._db = db
        self._directory = directory
        self._sealer = sealer

    async def put(
        self, caller: Caller, name: str, sent: Given, *, expected: Expected, now: datetime
    ) -> Shown:
        """
        Give a task, or change it; the same again changes nothing, what is done stays done.

        Raises:
            OccasionMissing, DueBeforeCreated, DoneBeforeCreated, OutOfReach, TimeInFuture, TimeTooOld.
            CoachingItemNotFound: It is another branch's.
            PreconditionFailed: It is not as the caller read it.
        """
        if sent.created_at is not None:
            check_time(sent.created_at, now)
        async with self._db.begin(caller.tenant) as tx:
            known = await self._locked(tx, caller, name)
            expected.check(0 if known is None else known.revision)
            check_reach(caller, sent.branch)
            before = None if known is None else _read(known)
            recorder = await outbox.recorder(tx, caller.tenant)
            created_at = recorder.now if before is None else before.created_at
            lesson = _lesson(caller.tenant, sent, sent.created_at or created_at)
            fact = given(lesson, None if before is None else before.done_at)
            kept = await self._write(tx, caller.tenant, name, known, fact, sent.task)
            if kept is not None:
                return self._shown(kept)
        # Somebody has given it in this very moment: what they gave is there now.
        return await self.put(caller, name, sent, expected=expected, now=now)

    async def done(
        self, caller: Caller, name: str, at: datetime | None, *, expected: Expected, now: datetime
    ) -> Shown:
        """
        Say that a task is done; None: now, or as was said before.

        Raises:
            CoachingItemNotFound, DoneBeforeCreated, TimeInFuture, PreconditionFailed.
        """
        if at is not None and check_time(at, now):
            raise TimeInFuture(
                f"done at {at.isoformat()}: that is still to come",
                detail_ru=f"сделано в {at.isoformat()}: это ещё впереди",
            )
        async with self._db.begin(caller.tenant) as tx:
            known = _seen(name, await self._locked(tx, caller, name))
            expected.check(known.revision)
            before = _read(known)
            recorder = await outbox.recorder(tx, caller.tenant)
            fact = given(lesson_of(before), at or before.done_at or recorder.now)
            kept = await self._write(tx, caller.tenant, name, known, fact, self._task(known))
            assert kept is not None, "it is locked"
        return self._shown(kept)

    async def get(self, caller: Caller, name: str) -> Shown:
        """An item. Raises CoachingItemNotFound."""
        async with self._db.begin(caller.tenant) as tx:
            row = await coaching.get(tx, caller.tenant, item_subject(caller.tenant, name))
        if row is not None and not caller.may_see(row.branch):
            row = None
        return self._shown(_seen(name, row))

    async def listed(self, caller: Caller, wanted: Wanted, part: Part) -> list[Shown]:
        """Items of branches within reach, the newest first."""
        async with self._db.begin(caller.tenant) as tx:
            rows = await coaching.listed(tx, caller.tenant, wanted, caller.branches, part)
        return [self._shown(row) for row in rows]

    async def effect(
        self, caller: Caller, name: str, days: int, now: datetime
    ) -> tuple[Shown, Effect, str]:
        """
        When the agent of an item is to be looked at, and in which zone.

        Raises:
            CoachingItemNotFound, NotDone.
        """
        shown = await self.get(caller, name)
        company = await self._directory.company(caller.tenant)
        zone = (None if company is None else find_zone(company.timezone)) or ZoneInfo("UTC")
        return shown, effect(shown.fact, days, zone, now), zone.key

    async def _locked(self, tx: AsyncConnection, caller: Caller, name: str) -> ItemRow | None:
        """The row of an item, locked. Raises CoachingItemNotFound, if it is out of reach."""
        id_ = item_subject(caller.tenant, name)
        row = await coaching.get(tx, caller.tenant, id_, locked=True)
        return _seen(name, None) if row is not None and not caller.may_see(row.branch) else row

    async def _write(
        self,
        tx: AsyncConnection,
        tenant: str,
        name: str,
        known: ItemRow | None,
        fact: CoachingItem,
        task: str,
    ) -> ItemRow | None:
        """The row as it is kept now; None where another has just made it."""
        recorder = await outbox.recorder(tx, tenant)
        id_, sealed = item_subject(tenant, name), self._sealer.seal(tenant, TASK, task)
        before = None if known is None else known.emitted
        step = next_step(id_, before, fact.model_dump_json().encode())
        if step is None:
            assert known is not None, "what is new is told"
            row = known if self._task(known) == task else known._replace(task=sealed)
            if row is not known:
                await coaching.put(tx, row)
            return row
        at = recorder.now if known is None else max(recorder.now, known.recorded_at + TICK)
        emitted = step.emitted
        row = ItemRow(
            tenant,
            id_,
            name,
            emitted.revision,
            emitted.hash,
            emitted.void,
            at,
            step.data.decode(),
            fact.agent,
            fact.skill,
            fact.branch,
            fact.created_at,
            fact.done_at,
            sealed,
        )
        if known is not None:
            await coaching.put(tx, row)
        elif not await coaching.add(tx, row):
            return None
        told = announcement(
            step,
            CoachingItem,
            tenant=tenant,
            verb="given" if fact.done_at is None else "done",
            time=fact.done_at or fact.created_at,
            recorded_at=at,
            traceparent=None,
        )
        await recorder.append_encoded([tenant], [told.key], [told.payload])
        return row

    def _task(self, row: ItemRow) -> str:
        return self._sealer.open(row.tenant, TASK, row.task)

    def _shown(self, row: ItemRow) -> Shown:
        return Shown(row, _read(row), self._task(row))


def _lesson(tenant: str, sent: Given, created_at: datetime) -> Lesson:
    contact = None
    if sent.contact is not None:
        contact = contact_subject(tenant, sent.source or default_id(tenant), sent.contact)
    return Lesson(
        agent=sent.agent,
        skill=sent.skill,
        branch=sent.branch,
        contact=contact,
        lead=sent.lead,
        created_at=created_at,
        due_at=sent.due_at,
    )


def _read(row: ItemRow) -> CoachingItem:
    return CoachingItem.model_validate_json(row.data)


def _seen(name: str, row: ItemRow | None) -> ItemRow:
    if row is None:
        raise CoachingItemNotFound(
            f"there is no coaching item {name}", detail_ru=f"нет задания {name}"
        )
    return row
