"""Contacts of the past under other promises: what would have come out differently."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from otklik_common.callers import Caller
from otklik_common.clocks.told import policies_of
from otklik_common.db import Database, raw
from otklik_common.directory import Directory
from otklik_common.errors import TooMany, Unprocessable
from otklik_common.paging import Part
from otklik_contact_center.domain.backtest import Backtest, Flip, Sample
from otklik_contact_center.domain.clock import about_of
from otklik_contact_center.domain.other_policies import Otherwise, otherwise
from otklik_contact_center.domain.watch import called_back
from otklik_contact_center.store import clocks_read
from otklik_contact_center.store.clocks import unpacked
from otklik_contact_center.store.clocks_read import FIRST, Row

MOST_CONTACTS: Final = 200_000
"""Of one back-test; more are narrowed by period or branch."""

AT_ONCE: Final = 2_000
"""Contacts looked at together: some 50 ms of computing, in a thread."""

RETRY_SECONDS: Final = 5

RUNNING: Final = 1
"""Back-tests of a process at a time; others wait for their turn."""


@dataclass(frozen=True, slots=True)
class Asked:
    """
    What is to be tried on which contacts.

    Attributes:
        begins, ends: Contacts that began from `begins` on and before `ends`.
        branches: None for all within reach.
    """

    begins: datetime
    ends: datetime
    wanted: Otherwise
    branches: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """
    What came of it.

    Attributes:
        flips: Those behind the cursor, one more than a page.
        not_ready: Contacts that are still to be folded once more before they can be looked at.
    """

    test: Backtest
    flips: Sequence[Flip]
    not_ready: int


class _Lead(msgspec.Struct):
    """What a callback needs of a lead."""

    attempted_at: datetime | None = None


_lead = msgspec.json.Decoder(_Lead)


class Backtests:
    """Runs back-tests, one at a time."""

    def __init__(self, db: Database, directory: Directory) -> None:
        self._db = db
        self._directory = directory
        self._turn = asyncio.Semaphore(RUNNING)
        self._asking: set[str] = set()

    async def run(self, caller: Caller, asked: Asked, part: Part, *, now: datetime) -> Tried:
        """
        Look at contacts of the past under what is promised, and under what might have been.

        Raises:
            Unprocessable: What is to be tried cannot be, or there are too many contacts.
            TooMany: The company has one under way already.
        """
        if caller.tenant in self._asking:
            raise TooMany(
                "a back-test of the company is under way: ask again when it is done",
                detail_ru="проверка на прошлом уже идёт: повторите, когда она закончится",
                code="backtest_running",
                retry_after=RETRY_SECONDS,
            )
        self._asking.add(caller.tenant)
        try:
            return await self._in_turn(caller, asked, part, now)
        finally:
            self._asking.discard(caller.tenant)

    async def _in_turn(self, caller: Caller, asked: Asked, part: Part, now: datetime) -> Tried:
        await self._check_size(caller, asked)
        known = await self._directory.known(caller.tenant)
        facts = known.sla_policies, known.calendars, known.branches
        test = Backtest(policies_of(*facts), otherwise(*facts, asked.wanted), now)
        async with self._turn:
            return await self._run(caller, asked, part, test)

    async def _check_size(self, caller: Caller, asked: Asked) -> None:
        """Raise Unprocessable for more contacts than a back-test takes, before it takes any."""
        async with self._db.begin(caller.tenant) as tx:
            found = await clocks_read.count_past(
                await raw(tx),
                caller.tenant,
                (asked.begins, asked.ends),
                _reach(caller, asked.branches),
                most=MOST_CONTACTS + 1,
            )
        if found > MOST_CONTACTS:
            raise Unprocessable(
                f"more than {MOST_CONTACTS:,} contacts began in that time: ask for less of it,"
                " or for some branches",
                code="too_many_contacts",
                detail_ru=f"за это время больше {MOST_CONTACTS} обращений: возьмите часть"
                " периода или несколько филиалов",
            )

    async def _run(self, caller: Caller, asked: Asked, part: Part, test: Backtest) -> Tried:
        reach = _reach(caller, asked.branches)
        flips: list[Flip] = []
        not_ready = 0
        after = asked.begins, FIRST
        while True:
            async with self._db.begin(caller.tenant) as tx:
                rows = await clocks_read.past(
                    await raw(tx),
                    caller.tenant,
                    (asked.begins, asked.ends),
                    reach,
                    after=after,
                    most=AT_ONCE,
                )
            found, left_out = await asyncio.to_thread(_look, test, rows)
            not_ready += left_out
            room = part.limit + 1 - len(flips)
            flips += [one for one in found if part.after is None or one.place > part.after][:room]
            if len(rows) < AT_ONCE:
                return Tried(test, flips, not_ready)
            after = rows[-1].at, rows[-1].id


def _reach(caller: Caller, wanted: frozenset[str] | None) -> list[str] | None:
    """Codes of the branches whose contacts are looked at; None: all."""
    if caller.branches is None:
        return None if wanted is None else sorted(wanted)
    return sorted(caller.branches if wanted is None else caller.branches & wanted)


def _look(test: Backtest, rows: Sequence[Row]) -> tuple[list[Flip], int]:
    ready = [row for row in rows if row.watched is not None]
    return test.take([_sample(row) for row in ready]), len(rows) - len(ready)


def _sample(row: Row) -> Sample:
    lead = None if row.lead is None else _lead.decode(row.lead)
    watched = called_back(
        unpacked(row.watched),
        awaited=lead is not None,
        at=None if lead is None else lead.attempted_at,
        by=row.attempted_by,
        only=False,
    )
    return Sample(row.id, row.at, about_of(row.data), watched)
