"""The pace of requests: of one, of those behind, and how many kept each step."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.directory import Directory, Known
from otklik_common.errors import Unprocessable
from otklik_common.paging import Part
from otklik_contact_center.actions.pace_programmes import unknown
from otklik_contact_center.actions.policies import known_policies
from otklik_contact_center.domain.facts import lead_id
from otklik_contact_center.domain.pace.pacing import (
    Chosen,
    Measured,
    Paced,
    Programmes,
    State,
    Walk,
    measured,
    paced,
    walk_of,
)
from otklik_contact_center.domain.pace.programme import OWN, Programme
from otklik_contact_center.domain.pace.shares import (
    MOST_DAYS,
    MOST_REQUESTS,
    By,
    OfVersion,
    units_of,
)
from otklik_contact_center.domain.period import period
from otklik_contact_center.store import pace
from otklik_contact_center.store.pace import Place, Row, Wanted

USUAL_LATE: Final = timedelta(days=92)
"""Of requests that are looked at for who is behind, where nobody says."""

AT_ONCE: Final = 2_000
"""Requests looked at together, in a thread."""

RUNNING: Final = 2
"""Reads of a process at a time that look at many requests; others wait for their turn."""


class Pace(NamedTuple):
    """What the programme of a request shows, a state for each of its steps."""

    chosen: Chosen
    steps: Sequence[Paced]


class Behind(NamedTuple):
    """A request that is behind the pace."""

    row: Row
    branch: str | None
    party: str | None
    pace: Pace

    @property
    def place(self) -> Place:
        """Where it stands in the list."""
        return self.row.created_at, self.row.contact


@dataclass(frozen=True, slots=True)
class Asked:
    """
    Which requests are asked about; None leaves a field open, or asks about the usual time.

    Attributes:
        step: Those behind in this step, from 1.
    """

    begins: datetime | None = None
    ends: datetime | None = None
    branch: str | None = None
    agent: str | None = None
    step: int | None = None


@dataclass(frozen=True, slots=True)
class Shares:
    """How many requests kept each step, the newest version of the programme first."""

    begins: datetime
    ends: datetime
    programme: Programme
    versions: Sequence[OfVersion]


async def pace_of(
    tx: AsyncConnection, tenant: str, contact: UUID, data: str, known: Known, now: datetime
) -> Pace | None:
    """
    The pace of a request, by its fact; None where no programme is for it.

    Args:
        contact: The one that opened it.
    """
    told = await pace.every(tx, tenant)
    if not told:
        return None
    programmes = Programmes(told, known_policies(known))
    subject = lead_id(tenant, contact)
    own = await pace.own_steps(tx, tenant, [subject])
    walk = walk_of(data, own.get(subject))
    chosen = programmes.chosen(walk)
    return None if chosen is None else Pace(chosen, paced(walk, chosen, programmes, now))


class Paces:
    """Looks at many requests by a programme, within the caller's reach."""

    def __init__(self, db: Database, directory: Directory) -> None:
        self._db = db
        self._directory = directory
        self._turn = asyncio.Semaphore(RUNNING)

    async def behind(
        self, caller: Caller, code: str, asked: Asked, part: Part, now: datetime
    ) -> list[Behind]:
        """
        Requests of a programme that are late and go on, the newest first.

        Raises:
            UnknownProgramme, BadPeriod, Unprocessable: There are too many requests in that time.
        """
        begins, ends = period(asked.begins, asked.ends, now, most_days=MOST_DAYS, usual=USUAL_LATE)
        wanted = Wanted(begins, ends, asked.branch, asked.agent, open_only=True)
        look = await self._look(caller, code, wanted, now)
        after = part.after
        found: list[Behind] = []
        place: Place | None = None if after is None else (after[0], after[1])
        async with self._turn:
            while len(found) <= part.limit:
                rows, walks, ones = await look.next(place)
                late = [one for one in ones if _is_late(one, asked.step)]
                for one in late[: part.limit + 1 - len(found)]:
                    row, walk = rows[one.place], walks[one.place]
                    shown = Pace(one.chosen, paced(walk, one.chosen, look.programmes, now))
                    found.append(Behind(row, walk.branch, walk.party, shown))
                if len(rows) < AT_ONCE:
                    break
                place = rows[-1].created_at, rows[-1].contact
        return found

    async def shares(
        self, caller: Caller, code: str, asked: Asked, by: By, now: datetime
    ) -> Shares:
        """
        How many requests kept each step, by version of the programme.

        Raises:
            UnknownProgramme, BadPeriod, Unprocessable: There are too many requests in that time.
        """
        begins, ends = period(asked.begins, asked.ends, now, most_days=MOST_DAYS)
        wanted = Wanted(begins, ends, asked.branch, asked.agent)
        look = await self._look(caller, code, wanted, now)
        groups = {one: branch.groups for one, branch in look.known.branches.items()}
        company = look.known.company
        zone = ZoneInfo("UTC" if company is None else company.timezone)
        found: dict[int, OfVersion] = {}
        place: Place | None = None
        async with self._turn:
            while True:
                rows, walks, ones = await look.next(place)
                for one in ones:
                    version = one.chosen.version
                    if version not in found:
                        found[version] = OfVersion(version, one.chosen.terms)
                    walk = walks[one.place]
                    units = units_of(by, walk.branch, walk.created_at, groups=groups, zone=zone)
                    found[version].count(one.states, units)
                if len(rows) < AT_ONCE:
                    break
                place = rows[-1].created_at, rows[-1].contact
        newest = [found[version] for version in sorted(found, reverse=True)]
        return Shares(begins, ends, look.programme, newest)

    async def _look(self, caller: Caller, code: str, wanted: Wanted, now: datetime) -> "_Look":
        tenant = caller.tenant
        known = await self._directory.known(tenant)
        async with self._db.begin(tenant) as tx:
            told = await pace.every(tx, tenant)
            mine = next((one for one in told if one.code == code), None)
            if mine is None:
                raise unknown(code)
            most = MOST_REQUESTS + 1
            if await pace.count(tx, tenant, wanted, caller.branches, most) == most:
                raise Unprocessable(
                    f"more than {MOST_REQUESTS:,} requests began in that time: ask for less of it,"
                    " or for one branch",
                    code="too_many_requests",
                    detail_ru=f"за это время больше {MOST_REQUESTS} заявок: возьмите часть периода"
                    " или один филиал",
                )
        return _Look(self._db, caller, wanted, known, told, mine, now)


class _Look:
    """Requests by a programme, some at a time."""

    def __init__(
        self,
        db: Database,
        caller: Caller,
        wanted: Wanted,
        known: Known,
        told: Sequence[Programme],
        programme: Programme,
        now: datetime,
    ) -> None:
        self.known = known
        self.programme = programme
        self.programmes = Programmes(told, known_policies(known))
        self._db = db
        self._caller = caller
        self._wanted = wanted
        self._now = now
        self._owns = any(
            name.startswith(OWN)
            for terms in programme.terms
            for step in terms.steps
            for name in (step.start, step.end)
        )

    async def next(self, after: Place | None) -> tuple[list[Row], list[Walk], list[Measured]]:
        """The next requests, and those of them that the programme is for."""
        tenant = self._caller.tenant
        async with self._db.begin(tenant) as tx:
            rows = await pace.requests(
                tx, tenant, self._wanted, self._caller.branches, after=after, most=AT_ONCE
            )
            subjects = [lead_id(tenant, row.contact) for row in rows] if self._owns else []
            own = await pace.own_steps(tx, tenant, subjects) if subjects else {}

        def looked() -> tuple[list[Walk], list[Measured]]:
            walks = [
                walk_of(row.data, own.get(subjects[place]) if own else None)
                for place, row in enumerate(rows)
            ]
            return walks, measured(walks, self.programme.code, self.programmes, self._now)

        return rows, *await asyncio.to_thread(looked)


def _is_late(one: Measured, step: int | None) -> bool:
    states = one.states if step is None else one.states[step - 1 : step]
    return State.RUNNING_LATE in states
