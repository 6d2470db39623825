"""What the demo has brought, and how far it is taken out again."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Row,
    Text,
    bindparam,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_contact_center.domain.agent_state import StateChange
from otklik_contact_center.store.columns import SCHEMA
from otklik_contact_center.store.source_tables import source
from otklik_contact_center.store.tables import (
    agent_state,
    contact,
    demo_removal,
    dirty,
    inbox,
    parked,
)

Named = tuple[str, str]
"""A contact as its sender names it in a company: source and the sender's id."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How much was taken out."""

    contacts: int = 0
    events: int = 0
    agent_states: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Removal:
    """
    A demo on its way out.

    Attributes:
        sources: Ids of the sources that were the demo's when it was asked for.
        done_at: When nothing of it was left; None while something is.
        swept_at: When what was pushed in the last moment was taken out too.
    """

    tenant: str
    sources: Sequence[str]
    asked_at: datetime
    done_at: datetime | None = None
    swept_at: datetime | None = None
    counts: Counts = field(default_factory=Counts)


@dataclass(frozen=True, slots=True)
class Retired:
    """A source that is no more."""

    id: str
    name: str
    kind: str
    created_at: datetime
    revision: int
    recorded_at: datetime


_DELETE_REFUSED: Final = sql(f"""
DELETE FROM {SCHEMA}.refused r USING (
  SELECT tenant, source, body_hash FROM {SCHEMA}.refused
  WHERE tenant = :tenant AND source = ANY (CAST(:sources AS text[])) LIMIT :limit) s
WHERE r.tenant = s.tenant AND r.source = s.source AND r.body_hash = s.body_hash
""")  # noqa: S608 - a name of our own


# --- The job ------------------------------------------------------------------------------------


async def get(tx: AsyncConnection, tenant: str) -> Removal | None:
    """The last removal of a company's demo."""
    rows = await tx.execute(select(demo_removal).where(demo_removal.c.tenant == tenant))
    row = rows.one_or_none()
    return None if row is None else _removal(row)


async def put(tx: AsyncConnection, removal: Removal, *, principal: str) -> None:
    """Begin a removal, or begin it anew."""
    row = {
        "tenant": removal.tenant,
        "sources": list(removal.sources),
        "principal": principal,
        "asked_at": removal.asked_at,
        "done_at": removal.done_at,
        "swept_at": removal.swept_at,
        **asdict(removal.counts),
    }
    new = upsert(demo_removal).values(row)
    changed = {name: new.excluded[name] for name in row if name != "tenant"}
    await tx.execute(new.on_conflict_do_update(index_elements=["tenant"], set_=changed))


async def due(tx: AsyncConnection, done_before: datetime) -> list[str]:
    """
    Companies with a removal to work on, whoever was first to ask first.

    Args:
        done_before: One that was done before then is to be swept.
    """
    rows = await tx.execute(
        select(demo_removal.c.tenant).where(_is_due(done_before)).order_by(demo_removal.c.asked_at)
    )
    return list(rows.scalars())


async def lock(tx: AsyncConnection, tenant: str, done_before: datetime) -> Removal | None:
    """The removal of a company that is due, locked; None if another worker has it."""
    rows = await tx.execute(
        select(demo_removal)
        .where(demo_removal.c.tenant == tenant, _is_due(done_before))
        .with_for_update(skip_locked=True)
    )
    row = rows.one_or_none()
    return None if row is None else _removal(row)


def _is_due(done_before: datetime) -> ColumnElement[bool]:
    job = demo_removal.c
    return job.done_at.is_(None) | (job.swept_at.is_(None) & (job.done_at < done_before))


async def count(tx: AsyncConnection, tenant: str, more: Counts) -> None:
    """Add to what was taken out."""
    added = {name: demo_removal.c[name] + n for name, n in asdict(more).items() if n}
    if added:
        await tx.execute(update(demo_removal).where(demo_removal.c.tenant == tenant).values(added))


async def finish(tx: AsyncConnection, removal: Removal, now: datetime) -> None:
    """Nothing is left; what was done before is swept now."""
    when = {"done_at": now} if removal.done_at is None else {"swept_at": now}
    await tx.execute(
        update(demo_removal).where(demo_removal.c.tenant == removal.tenant).values(when)
    )


def _removal(row: Row[Any]) -> Removal:
    return Removal(
        tenant=row.tenant,
        sources=row.sources,
        asked_at=row.asked_at,
        done_at=row.done_at,
        swept_at=row.swept_at,
        counts=Counts(row.contacts, row.events, row.agent_states, row.refused),
    )


# --- What it takes out --------------------------------------------------------------------------


async def its_sources(tx: AsyncConnection, tenant: str) -> list[str]:
    """Ids of the sources that are marked as the demo's."""
    rows = await tx.execute(select(source.c.id).where(source.c.tenant == tenant, source.c.demo))
    return list(rows.scalars())


async def retire(tx: AsyncConnection, tenant: str, sources: Collection[str]) -> list[Retired]:
    """Delete sources; returns those that were still there."""
    of = source.c
    rows = await tx.execute(
        delete(source)
        .where(of.tenant == tenant, of.id.in_(sources))
        .returning(of.id, of.name, of.kind, of.created_at, of.revision, of.recorded_at)
    )
    return [Retired(*row) for row in rows]


async def contacts_in(tx: AsyncConnection, tenant: str, source_id: str, limit: int) -> list[str]:
    """Some contacts of a source, as it names them, with events in the inbox."""
    rows = await tx.execute(
        select(inbox.c.contact)
        .where(inbox.c.tenant == tenant, inbox.c.source == source_id)
        .distinct()
        .order_by(inbox.c.contact)
        .limit(limit)
    )
    return list(rows.scalars())


async def empty(tx: AsyncConnection, tenant: str, source_id: str, contacts: Sequence[str]) -> int:
    """Delete the events of contacts; returns how many."""
    done = await tx.execute(
        delete(inbox)
        .where(inbox.c.tenant == tenant, inbox.c.source == source_id)
        .where(inbox.c.contact == func.any(_texts(contacts)))
    )
    await tx.execute(
        delete(parked)
        .where(parked.c.tenant == tenant, parked.c.source == source_id)
        .where(parked.c.contact == func.any(_texts(contacts)))
    )
    return done.rowcount


async def mark(tx: AsyncConnection, tenant: str, contacts: Sequence[Named], *, lane: int) -> None:
    """Let contacts be folded again."""
    rows = [
        {"tenant": tenant, "source": source_id, "contact": named, "lane": lane}
        for source_id, named in contacts
    ]
    await tx.execute(insert(dirty), rows)


async def forget_refused(
    tx: AsyncConnection, tenant: str, sources: Sequence[str], limit: int
) -> int:
    """Delete some of what sources pushed and was not let in; returns how much."""
    named = {"tenant": tenant, "sources": list(sources), "limit": limit}
    return (await tx.execute(_DELETE_REFUSED, named)).rowcount


async def states(tx: AsyncConnection, tenant: str, prefix: str, limit: int) -> list[StateChange]:
    """Some standing changes of agents' states whose own ids begin so."""
    row = agent_state.c
    # A range of the key: its order is that of bytes.
    behind = prefix[:-1] + chr(ord(prefix[-1]) + 1)
    rows = await tx.execute(
        select(row.id, row.agent, row.state, row.at, row.branch, row.team, row.queue)
        .where(row.tenant == tenant, row.id >= prefix, row.id < behind, ~row.void)
        .order_by(row.id)
        .limit(limit)
    )
    return [StateChange(*found) for found in rows]


async def is_waiting(tx: AsyncConnection, tenant: str, sources: Collection[str]) -> bool:
    """Whether contacts of these sources are still to be folded."""
    marked = exists().where(dirty.c.tenant == tenant, dirty.c.source.in_(sources))
    return bool((await tx.execute(select(marked))).scalar_one())


async def standing(
    tx: AsyncConnection, tenant: str, sources: Collection[str], limit: int
) -> list[Named]:
    """Some contacts of these sources that are not void."""
    rows = await tx.execute(
        select(contact.c.source, contact.c.contact)
        .where(contact.c.tenant == tenant, contact.c.source.in_(sources), ~contact.c.void)
        .limit(limit)
    )
    return [(row.source, row.contact) for row in rows]


def _texts(values: Sequence[str]) -> Any:
    return bindparam(None, list(values), type_=ARRAY(Text))
