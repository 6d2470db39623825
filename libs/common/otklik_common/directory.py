"""What access says of companies, branches, staff and keys, kept by each service for itself."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from sqlalchemy import MetaData, Table, Text, bindparam, cast, column, func, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.consumer import ReadEvent
from otklik_common.db import Database
from otklik_common.events.access import (
    Branch,
    BranchGroup,
    Calendar,
    Company,
    Key,
    Member,
    SlaPolicy,
)
from otklik_common.events.envelope import Fact
from otklik_common.ids import is_tenant
from otklik_common.tables import common_tables

F = TypeVar("F", bound=Fact)

FRESH_SECONDS = 2.0
"""How old an answer may be; with the relay and the consumer a revocation holds within 5 s."""

MOST_COMPANIES = 2_000
"""Readings kept at once; the oldest go first."""

KINDS = frozenset({"company", "branch_group", "branch", "member", "key", "calendar", "sla_policy"})


@dataclass(frozen=True, slots=True)
class Known:
    """Everything of one company, as one consistent reading."""

    company: Company | None
    branches: Mapping[str, Branch]
    groups: Mapping[str, BranchGroup]
    members: Mapping[UUID, Member]
    keys: Mapping[str, Key]
    calendars: Mapping[str, Calendar]
    sla_policies: Mapping[str, SlaPolicy]

    @property
    def default_calendar(self) -> Calendar | None:
        """
        The company's own calendar; None before its first.

        While the default moves from one to another, both may say that they are it: the first by
        its code then, for every reader the same.
        """
        own = [one for one in self.calendars.values() if one.default]
        return min(own, key=lambda one: one.code, default=None)

    def branches_in(self, groups: Iterable[str]) -> frozenset[str]:
        """Codes of the branches that belong to any of `groups`."""
        wanted = frozenset(groups)
        return frozenset(
            code for code, branch in self.branches.items() if wanted.intersection(branch.groups)
        )


def _table(schema: str) -> Table:
    metadata = MetaData(schema=schema)
    common_tables(metadata)
    return metadata.tables[f"{schema}.directory"]


class Directory:
    """Reads of the directory, each company's whole reading kept for two seconds."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._directory = _table(db.schema)
        self._kept: dict[str, tuple[float, Known]] = {}
        self._reading: dict[str, asyncio.Task[Known]] = {}

    async def known(self, tenant: str) -> Known:
        """All that is known of a company; empty if there is none of that id."""
        found = self._kept.get(tenant)
        if found is not None and time.monotonic() - found[0] < FRESH_SECONDS:
            return found[1]
        if not is_tenant(tenant):
            return _NOTHING
        reading = self._reading.get(tenant)
        if reading is None:
            # All who ask meanwhile wait for one reading: a large company takes a while.
            reading = self._reading[tenant] = asyncio.create_task(self._read_and_keep(tenant))
            reading.add_done_callback(lambda done: self._ended(tenant, done))
        return await asyncio.shield(reading)

    async def _read_and_keep(self, tenant: str) -> Known:
        read_at = time.monotonic()
        known = await self._read(tenant)
        # Unknown companies are not kept: made-up ids fill no memory, and a new company is known at once.
        if known.company is not None and self._reading.get(tenant) is asyncio.current_task():
            self._kept.pop(tenant, None)
            self._kept[tenant] = (read_at, known)
            while len(self._kept) > MOST_COMPANIES:
                del self._kept[next(iter(self._kept))]
        return known

    def _ended(self, tenant: str, reading: asyncio.Task[Known]) -> None:
        if self._reading.get(tenant) is reading:
            del self._reading[tenant]
        if not reading.cancelled():
            reading.exception()  # Those who waited have it; if nobody did, nobody needs it.

    async def key(self, tenant: str, key_id: str) -> Key | None:
        """The key of that id, revoked and expired ones included."""
        return (await self.known(tenant)).keys.get(key_id)

    async def company(self, tenant: str) -> Company | None:
        """The company itself."""
        return (await self.known(tenant)).company

    async def region(self, tenant: str) -> str:
        """The country whose phones have no plus, as ISO 3166 says it; Russia before it is known."""
        company = await self.company(tenant)
        return "RU" if company is None else company.region

    def forget(self, tenant: str) -> None:
        """Read the company anew at the next question."""
        self._kept.pop(tenant, None)
        # What is being read may be older than what is to be seen.
        self._reading.pop(tenant, None)

    async def _read(self, tenant: str) -> Known:
        table = self._directory
        rows = select(table.c.kind, table.c.subject, cast(table.c.data, Text)).where(
            table.c.tenant == tenant, ~table.c.void
        )
        async with self._db.begin(tenant) as tx:
            found = (await tx.execute(rows)).all()
        company: Company | None = None
        branches: dict[str, Branch] = {}
        groups: dict[str, BranchGroup] = {}
        members: dict[UUID, Member] = {}
        keys: dict[str, Key] = {}
        calendars: dict[str, Calendar] = {}
        policies: dict[str, SlaPolicy] = {}
        for kind, subject, body in found:
            if kind == "company":
                company = Company.model_validate_json(body)
            elif kind == "branch":
                branch = Branch.model_validate_json(body)
                branches[branch.code] = branch
            elif kind == "branch_group":
                group = BranchGroup.model_validate_json(body)
                groups[group.code] = group
            elif kind == "member":
                members[subject] = Member.model_validate_json(body)
            elif kind == "key":
                key = Key.model_validate_json(body)
                keys[key.key_id] = key
            elif kind == "calendar":
                calendar = Calendar.model_validate_json(body)
                calendars[calendar.code] = calendar
            elif kind == "sla_policy":
                policy = SlaPolicy.model_validate_json(body)
                policies[policy.code] = policy
        return Known(company, branches, groups, members, keys, calendars, policies)


_NOTHING = Known(None, {}, {}, {}, {}, {}, {})


class KeepDirectory:
    """Consumer of access's facts: the newest revision of each subject stands in the directory."""

    def __init__(self, schema: str) -> None:
        self._directory = _table(schema)

    async def apply(self, tx: AsyncConnection, events: Iterable[ReadEvent]) -> None:
        """Keep what is newer than what is known."""
        newest: dict[tuple[str, UUID], ReadEvent] = {}
        for event in events:
            if event.kind not in KINDS:
                continue
            event.data()  # unreadable ones must not reach the table
            at = (event.tenant, event.subject)
            known = newest.get(at)
            if known is None or (event.epoch, event.revision) > (known.epoch, known.revision):
                newest[at] = event
        await keep(tx, self._directory, [newest[at] for at in sorted(newest)])


async def keep(tx: AsyncConnection, table: Table, events: Iterable[ReadEvent]) -> None:
    """Write events, at most one of each subject and sorted, where they are newer than the rows."""
    kept = list(events)
    if not kept:
        return
    values: dict[str, list[object]] = {
        "tenant": [event.tenant for event in kept],
        "kind": [event.kind for event in kept],
        "subject": [event.subject for event in kept],
        "epoch": [event.epoch for event in kept],
        "revision": [event.revision for event in kept],
        "void": [event.void for event in kept],
        "data": [event.data().model_dump_json() for event in kept],
    }
    # As arrays: a batch of a large company has more values than a statement may have parameters.
    kinds = {name: Text() if name == "data" else table.c[name].type for name in values}
    sent = func.unnest(
        *(
            bindparam(None, each, type_=ARRAY(kinds[name], dimensions=1))
            for name, each in values.items()
        )
    ).table_valued(*(column(name, kinds[name]) for name in values), name="sent")
    rows = sent.render_derived()
    new = insert(table).from_select(
        list(values),
        select(*(cast(c, JSONB) if c.name == "data" else c for c in rows.c)),
    )
    await tx.execute(
        new.on_conflict_do_update(
            index_elements=[table.c.tenant, table.c.kind, table.c.subject],
            set_={name: new.excluded[name] for name in ("epoch", "revision", "void", "data")},
            where=tuple_(table.c.epoch, table.c.revision)
            < tuple_(new.excluded.epoch, new.excluded.revision),
        )
    )
