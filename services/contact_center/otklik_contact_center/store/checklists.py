"""Checklists of contacts: rows, what was written each time, and what all of them come to."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    and_,
    cast,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.paging import Part, keyset
from otklik_contact_center.domain.emission import Emitted
from otklik_contact_center.domain.script.checklist import Result
from otklik_contact_center.store.contacts_read import Reach
from otklik_contact_center.store.lead_tables import lead
from otklik_contact_center.store.script_tables import script_run as table
from otklik_contact_center.store.script_tables import script_run_revision as revision
from otklik_contact_center.store.tables import contact

MOST_VERSIONS: Final = 20
"""Of a script that are told of, the newest."""
MOST_AGENTS: Final = 5
"""Of those who skip an item, most often first."""


class RunRow(NamedTuple):
    """
    A checklist as it is kept; `words` are sealed.

    Attributes:
        revision, hash, void, recorded_at, data: What was published of it last.
        number: How often it was written.
    """

    tenant: str
    contact: UUID
    revision: int
    hash: bytes
    void: bool
    recorded_at: datetime
    data: str
    script: str
    script_version: int
    branch: str | None
    agent: str
    asked: int
    done: int
    results: dict[str, str]
    answers: dict[str, str]
    words: bytes
    number: int
    filled_at: datetime
    filled_by: str
    corrected_at: datetime | None

    @property
    def emitted(self) -> Emitted:
        """What was last published of it."""
        return Emitted(self.revision, self.hash, self.void, self.data.encode())


class RevisionRow(NamedTuple):
    """A checklist as it was written once; `words` are sealed."""

    number: int
    at: datetime
    by: str
    script: str
    script_version: int
    answers: dict[str, str]
    words: bytes


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    Which checklists of a script are added up; None leaves a field open.

    Attributes:
        begins, ends: First written from `begins` on and before `ends`.
    """

    script: str
    begins: datetime
    ends: datetime
    version: int | None = None
    branch: str | None = None
    agent: str | None = None
    reach: Reach = None


class Skipper(NamedTuple):
    """Who missed an item, and how often."""

    agent: str
    missed: int


class Tally(NamedTuple):
    """How often an item of a version came to what."""

    version: int
    item: str
    done: int
    missed: int
    not_applicable: int


class Ending(NamedTuple):
    """What became of the requests that conversations opened; `kept`: nothing was missed."""

    kept: bool
    runs: int
    requests: int
    qualified: int
    shown: int
    dealt: int


async def get(
    tx: AsyncConnection, tenant: str, contact_id: UUID, *, locked: bool = False
) -> RunRow | None:
    """The checklist of a contact; its row locked if it is to be written."""
    rows = select(*_selected()).where(table.c.tenant == tenant, table.c.contact == contact_id)
    row = (await tx.execute(rows.with_for_update() if locked else rows)).one_or_none()
    return None if row is None else RunRow(*row)


async def add(tx: AsyncConnection, row: RunRow) -> bool:
    """Add one; False if somebody has just added it."""
    added = upsert(table).values(row._asdict()).on_conflict_do_nothing()
    return (await tx.execute(added)).rowcount == 1


async def put(tx: AsyncConnection, row: RunRow) -> None:
    """Write one that is locked."""
    changed = row._asdict()
    where = table.c.tenant == changed.pop("tenant"), table.c.contact == changed.pop("contact")
    await tx.execute(update(table).where(*where).values(changed))


async def note(tx: AsyncConnection, row: RunRow, at: datetime, by: str) -> None:
    """Remember what was written, and by whom."""
    said = {name: getattr(row, name) for name in RevisionRow._fields if name not in ("at", "by")}
    await tx.execute(
        insert(revision).values(tenant=row.tenant, contact=row.contact, at=at, by=by, **said)
    )


async def revisions(
    tx: AsyncConnection, tenant: str, contact_id: UUID, part: Part
) -> list[RevisionRow]:
    """What was written, the newest first."""
    columns = [revision.c[name] for name in RevisionRow._fields]
    rows = select(*columns).where(revision.c.tenant == tenant, revision.c.contact == contact_id)
    ordered = keyset(rows, part, order=[revision.c.number.desc()])
    return [RevisionRow(*row) for row in await tx.execute(ordered)]


async def of_gone(
    tx: AsyncConnection, tenant: str, most: int, of: Collection[UUID] | None = None
) -> list[RunRow]:
    """Checklists of contacts that are void, locked; `of` these only."""
    of_it = and_(contact.c.tenant == table.c.tenant, contact.c.id == table.c.contact)
    rows = (
        select(*_selected())
        .join_from(table, contact, of_it)
        .where(table.c.tenant == tenant, ~table.c.void, contact.c.void)
        .order_by(table.c.contact)
        .limit(most)
        .with_for_update(of=table)
    )
    if of is not None:
        rows = rows.where(table.c.contact.in_(of))
    return [RunRow(*row) for row in await tx.execute(rows)]


async def runs(tx: AsyncConnection, tenant: str, wanted: Wanted) -> dict[int, int]:
    """How many checklists there are of each version, the newest versions first."""
    version = table.c.script_version
    rows = (
        select(version, func.count())
        .where(*_where(tenant, wanted))
        .group_by(version)
        .order_by(version.desc())
        .limit(MOST_VERSIONS)
    )
    return {row[0]: row[1] for row in await tx.execute(rows)}


async def tallies(
    tx: AsyncConnection, tenant: str, wanted: Wanted, versions: Sequence[int]
) -> list[Tally]:
    """How often each item of the versions came to what, in no order."""
    version, each = table.c.script_version, _each()
    counts = [func.count().filter(each.c.value == result.value) for result in Result]
    rows = (
        select(version, each.c.key, *counts)
        .select_from(table.join(each, literal(value=True)))
        .where(*_where(tenant, wanted), version.in_(versions))
        .group_by(version, each.c.key)
    )
    return [Tally(*row) for row in await tx.execute(rows)]


async def skippers(
    tx: AsyncConnection, tenant: str, wanted: Wanted, versions: Sequence[int]
) -> dict[tuple[int, str], list[Skipper]]:
    """Who missed each item of the versions most often, by version and item."""
    version, each, missed = table.c.script_version, _each(), func.count()
    place = func.row_number().over(
        partition_by=(version, each.c.key), order_by=(missed.desc(), table.c.agent)
    )
    ranked = (
        select(version, each.c.key, table.c.agent, missed.label("missed"), place.label("place"))
        .select_from(table.join(each, literal(value=True)))
        .where(*_where(tenant, wanted), version.in_(versions))
        .where(each.c.value == Result.MISSED.value)
        .group_by(version, each.c.key, table.c.agent)
        .subquery()
    )
    first = select(*ranked.c).where(ranked.c.place <= MOST_AGENTS).order_by(ranked.c.place)
    found: dict[tuple[int, str], list[Skipper]] = {}
    for number, item, agent, count, _ in await tx.execute(first):
        found.setdefault((number, item), []).append(Skipper(agent, count))
    return found


async def endings(tx: AsyncConnection, tenant: str, wanted: Wanted) -> list[Ending]:
    """What became of conversations that kept the script, and of the others."""
    opened = and_(lead.c.tenant == table.c.tenant, lead.c.contact == table.c.contact, ~lead.c.void)
    # A lead's fact says it; only leads that these contacts opened are read.
    said = cast(lead.c.data, JSONB)
    kept = table.c.done == table.c.asked

    def came_to(step: str) -> ColumnElement[Any]:
        return func.count().filter(said[step].astext.is_not(None))

    rows = (
        select(
            kept,
            func.count(),
            func.count(lead.c.contact),
            *(came_to(step) for step in ("qualified_at", "shown_at", "dealt_at")),
        )
        .select_from(table.outerjoin(lead, opened))
        .where(*_where(tenant, wanted), table.c.asked > 0)
        .group_by(kept)
    )
    return [Ending(*row) for row in await tx.execute(rows)]


def _where(tenant: str, wanted: Wanted) -> list[ColumnElement[bool]]:
    where = [
        table.c.tenant == tenant,
        table.c.script == wanted.script,
        table.c.filled_at >= wanted.begins,
        table.c.filled_at < wanted.ends,
        ~table.c.void,
    ]
    if wanted.version is not None:
        where.append(table.c.script_version == wanted.version)
    where += [
        table.c[name] == value
        for name in ("branch", "agent")
        if (value := getattr(wanted, name)) is not None
    ]
    if wanted.reach is not None:
        where.append(table.c.branch.in_(sorted(wanted.reach)))
    return where


def _each() -> Any:
    """The results of a checklist, one a row."""
    found = func.jsonb_each_text(table.c.results).table_valued("key", "value", name="each")
    return found.lateral()


def _selected() -> list[Any]:
    return [table.c[name] for name in RunRow._fields]
