"""Tracked numbers: sites, leases, and whose call it was."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.errors import Conflict, NotFound, Unprocessable
from otklik_common.etags import Expected
from otklik_common.paging import Part
from otklik_contact_center.actions.packing import Packer
from otklik_contact_center.domain.tracking.attribution import (
    NOBODY,
    Attribution,
    Lease,
    attribute,
)
from otklik_contact_center.domain.tracking.health import DAYS, Advice, Traffic, advice
from otklik_contact_center.domain.tracking.rules import Choice, Rule, choose
from otklik_contact_center.domain.tracking.tracker import (
    MOST_TRACKERS,
    Tracker,
    check_tracker,
)
from otklik_contact_center.domain.tracking.visit import Touch, touch_of, visit_of
from otklik_contact_center.store import leases, trackers
from otklik_contact_center.store.leases import LeaseRow, PoolNow, PoolPast
from otklik_contact_center.store.trackers import Kept, Read

MARGIN: Final = timedelta(seconds=10)
"""Leases that begin so shortly after a call are looked at too: clocks differ."""


MOST_READ: Final = 256
"""Sites that a process remembers as it read them, those asked for longest ago forgotten first."""


class UnknownTracker(NotFound):
    """No site of that code; another company's is answered the same."""

    code = "unknown_tracker"


class UnknownLease(NotFound):
    """The visitor has no such lease, or has it no longer: a new one is to be asked for."""

    code = "unknown_lease"


class NumberTaken(Conflict):
    """Another site of the company leases the number."""

    code = "number_taken"


@dataclass(frozen=True, slots=True)
class Shown:
    """
    What a visitor is shown.

    Attributes:
        number: E.164; None: the page's own stays.
        lease: To be kept alive; None for a static number and where nothing is leased.
        shared: The pool had none left: several see this one.
    """

    tracker: Tracker
    choice: Choice
    touch: Touch
    number: str | None
    lease: UUID | None = None
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Whose:
    """
    Whose call it was.

    Attributes:
        touches: What brought each candidate, by lease.
        rule: Of a static number: the rule whose source the number stands for.
    """

    number: str
    attribution: Attribution
    touches: Mapping[UUID, Touch]
    tracker: str | None = None
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """How a pool does; `advice` is None where nobody came."""

    present: PoolNow
    traffic: Traffic
    advice: Advice | None


class Tracking:
    """Shows numbers to visitors, and tells whose call it was."""

    def __init__(self, db: Database, packer: Packer) -> None:
        self._db = db
        self._packer = packer
        self._read = dict[tuple[str, str], Read]()

    async def put(
        self, caller: Caller, tracker: Tracker, *, expected: Expected, now: datetime
    ) -> Kept:
        """
        Make a site, or change it.

        Raises:
            BadTracker, NumberTaken, PreconditionFailed: It stays as it was.
            Unprocessable: There are too many.
        """
        check_tracker(tracker)
        tenant = caller.tenant
        async with self._db.begin(tenant) as tx:
            known = await trackers.get(tx, tenant, tracker.code, locked=True)
            expected.check(0 if known is None else known.revision)
            if known is not None and known.value == tracker:
                return known
            if known is None and await trackers.count(tx, tenant) >= MOST_TRACKERS:
                raise Unprocessable(
                    f"a company has at most {MOST_TRACKERS} trackers",
                    code="too_many_trackers",
                    detail_ru=f"сайтов с подменой номеров не больше {MOST_TRACKERS}",
                )
            elsewhere = await trackers.taken(tx, tenant, tracker.code, tracker.numbers)
            if elsewhere:
                number, other = min(elsewhere.items())
                raise NumberTaken(
                    f"{number} is leased by the tracker {other}: nobody could tell whose call it was",
                    detail_ru=f"{number} уже выдаёт {other}: было бы неясно, чей звонок",
                )
            kept = Kept(tracker, 1 if known is None else known.revision + 1)
            await trackers.put(tx, tenant, kept, now)
            await trackers.put_slots(tx, tenant, tracker, now)
        return kept

    async def get(self, tenant: str, code: str) -> Kept:
        """A site. Raises UnknownTracker."""
        async with self._db.begin(tenant) as tx:
            found = await trackers.get(tx, tenant, code)
        if found is None:
            raise _unknown(code)
        return found

    async def listed(self, tenant: str, part: Part) -> list[Kept]:
        """Sites by their codes."""
        async with self._db.begin(tenant) as tx:
            return await trackers.listed(tx, tenant, part)

    async def remove(self, caller: Caller, code: str, *, expected: Expected, now: datetime) -> None:
        """Take a site out; calls that follow its leases are still attributed."""
        async with self._db.begin(caller.tenant) as tx:
            known = await trackers.get(tx, caller.tenant, code, locked=True)
            if known is None:
                raise _unknown(code)
            expected.check(known.revision)
            await trackers.remove(tx, caller.tenant, known.value, now)

    async def show(
        self, tenant: str, code: str, visitor: str, url: str, referrer: str | None, now: datetime
    ) -> Shown:
        """
        Which number a visitor is shown.

        Raises:
            UnknownTracker: There is no such site.
            Unprocessable: `url` is no address of a page.
        """
        marked = self._packer.hash(tenant, visitor.encode())
        async with self._db.begin(tenant) as tx:
            tracker = await self._now(tx, tenant, code)
            choice, touch = explained(tracker, url, referrer)
            rule = choice.rule
            if rule is None or rule.pool is None:
                return Shown(tracker, choice, touch, None if rule is None else rule.number)
            return await _lease(tx, tenant, tracker, choice, rule, touch, marked, now)

    async def _now(self, tx: AsyncConnection, tenant: str, code: str) -> Tracker:
        """A site as it is now, its numbers read again only where they have changed."""
        key = (tenant, code)
        read = await trackers.again(tx, tenant, code, self._read.get(key))
        if read is None:
            raise _unknown(code)
        self._read.pop(key, None)
        self._read[key] = read
        if len(self._read) > MOST_READ:
            del self._read[next(iter(self._read))]
        return read.value

    async def see(
        self, tenant: str, code: str, lease: UUID, visitor: str, now: datetime, *, last: bool
    ) -> None:
        """
        A visitor still sees a number, or has left the page.

        Raises:
            UnknownLease, UnknownTracker: It is not theirs, or no longer.
        """
        marked = self._packer.hash(tenant, visitor.encode())
        async with self._db.begin(tenant) as tx:
            tracker = await self._now(tx, tenant, code)
            grace = tracker.grace if last else None
            seen = await leases.see(tx, tenant, lease, marked, now=now, grace=grace)
        if not seen:
            raise UnknownLease(
                "the visitor has no such lease any more: ask for a number again",
                detail_ru="у посетителя больше нет этого номера: запросите номер снова",
            )

    async def health(self, tenant: str, code: str, now: datetime) -> Sequence[Health]:
        """How the pools of a site do. Raises UnknownTracker."""
        tracker = (await self.get(tenant, code)).value
        since = now - timedelta(days=DAYS)
        async with self._db.begin(tenant) as tx:
            present = await leases.pools_now(tx, tenant, code, now)
            past = await leases.pools_past(tx, tenant, code, since)
        return [_health(one, past.get(one.pool), tracker) for one in present]

    async def whose(self, tenant: str, number: str, at: datetime, now: datetime) -> Whose:
        """Whose call to a number it was that began at a moment."""
        async with self._db.begin(tenant) as tx:
            sites = await trackers.all_of(tx, tenant)
            longest = max((one.window_seconds for one in sites), default=0)
            rows = await leases.of_number(
                tx,
                tenant,
                number,
                since=at - timedelta(seconds=longest),
                until=at + MARGIN,
            )
        for site in sites:
            rule = site.static.get(number)
            if rule is not None:
                return Whose(number, NOBODY, {}, site.code, rule.code)
        window = next(
            (timedelta(seconds=one.window_seconds) for one in sites if one.knows(number)), None
        )
        found = attribute(
            at,
            [_past(row, now) for row in rows],
            **({} if window is None else {"window": window}),
        )
        touches = {row.id: Touch(**row.touch) for row in rows}
        return Whose(number, found, touches, rows[-1].tracker if rows else None)


def explained(tracker: Tracker, url: str, referrer: str | None) -> tuple[Choice, Touch]:
    """Which rule holds for a visit, and what brought it. Raises Unprocessable."""
    try:
        visit = visit_of(url, referrer)
    except ValueError:
        raise Unprocessable(
            "url is no address of a page", code="bad_url", detail_ru="url – не адрес страницы"
        ) from None
    touch = touch_of(visit)
    return choose(tracker.rules, visit, touch), touch


def _health(present: PoolNow, past: PoolPast | None, tracker: Tracker) -> Health:
    traffic = Traffic(0, 0, 0, timedelta())
    if past is not None:
        stay = timedelta(seconds=past.stay_seconds)
        traffic = Traffic(past.visitors, past.lost, past.busiest, stay)
    numbers = present.held + present.resting + present.free
    return Health(present, traffic, advice(traffic, numbers, tracker.grace))


def _kept(touch: Touch) -> Mapping[str, Any]:
    return {name: value for name, value in touch._asdict().items() if value is not None}


async def _lease(
    tx: AsyncConnection,
    tenant: str,
    tracker: Tracker,
    choice: Choice,
    rule: Rule,
    touch: Touch,
    visitor: bytes,
    now: datetime,
) -> Shown:
    assert rule.pool is not None, "the rule leases"
    new, ends_at = uuid4(), now + tracker.ttl
    row = LeaseRow(
        tenant,
        new,
        tracker.code,
        rule.pool,
        None,
        visitor,
        False,
        rule.code,
        _kept(touch),
        now,
        now,
        tracker.ttl_seconds,
    )
    await leases.alone(tx, visitor)
    slot = await leases.take(
        tx,
        tenant,
        tracker=tracker.code,
        pool=rule.pool,
        visitor=visitor,
        lease=new,
        now=now,
        ends_at=ends_at,
        free_from=ends_at + tracker.grace,
    )
    if slot is None:
        # Also where nothing is shown: whom a pool has lost is never passed over.
        number = tracker.fallback
        lost = row._replace(number=number, shared=True)
        known = await leases.again(tx, lost, now=now)
        if known is None:
            await leases.begin(tx, lost)
        kept = None if number is None else known or new
        return Shown(tracker, choice, touch, number, kept, shared=True)
    if slot.goes_on and slot.lease is not None:
        await leases.see(tx, tenant, slot.lease, visitor, now=now, grace=None)
        return Shown(tracker, choice, touch, slot.number, slot.lease)
    if slot.lease is not None:
        await leases.end(tx, tenant, slot.lease)
    await leases.begin(tx, row._replace(number=slot.number))
    return Shown(tracker, choice, touch, slot.number, new)


def _past(row: Any, now: datetime) -> Lease:
    over = row.seen_at + timedelta(seconds=row.ttl_seconds)
    ends = row.ended_at or (over if over <= now else None)
    return Lease(row.id, row.visitor.hex(), row.begins, ends, row.shared)


def _unknown(code: str) -> UnknownTracker:
    return UnknownTracker(f"there is no tracker {code}", detail_ru=f"нет сайта с кодом {code}")
