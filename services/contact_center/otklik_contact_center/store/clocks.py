"""
Clocks of promises, as the workers read and write them.

Bare asyncpg, for the same reason as in folding.py (decision 0021).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from otklik_common.clocks.heard import share
from otklik_contact_center.domain.clock import About, about_of
from otklik_contact_center.domain.emission import Emitted
from otklik_contact_center.domain.watch import NOTHING, Watched
from otklik_contact_center.store.columns import SCHEMA
from otklik_contact_center.store.folding import ContactKey, columns

ClockKey = tuple[str, UUID]
"""Company and subject of a clock."""


class KnownClock(NamedTuple):
    """A clock as last published, its row locked."""

    contact: UUID
    target: str
    emitted: Emitted
    recorded_at: datetime


class ClockRow(NamedTuple):
    """A clock to write."""

    tenant: str
    id: UUID
    contact: UUID
    target: str
    revision: int
    hash: bytes
    void: bool
    recorded_at: datetime
    data: str
    branch: str | None
    state: str
    due_at: datetime | None
    ended_at: datetime | None
    warn_at: datetime | None
    breaches_at: datetime | None


class Subject(NamedTuple):
    """A contact as its clocks see it."""

    about: About
    watched: Watched


_COLUMNS: Final = ", ".join(ClockRow._fields)
_ARRAYS: Final = (
    "$1::text[], $2::uuid[], $3::uuid[], $4::text[], $5::integer[], $6::bytea[], $7::boolean[],"
    " $8::timestamptz[], $9::text[], $10::text[], $11::text[], $12::timestamptz[],"
    " $13::timestamptz[], $14::timestamptz[], $15::timestamptz[]"
)

_VERSIONS: Final = f"SELECT tenant, version FROM {SCHEMA}.promises WHERE tenant = ANY ($1)"  # noqa: S608

# Sorted by their key: two workers that lock in different orders deadlock.
_LOCK: Final = f"""
SELECT s.tenant, s.id, s.contact, s.target, s.revision, s.hash, s.void, s.recorded_at, s.data
FROM unnest($1::text[], $2::uuid[]) AS k(tenant, contact)
JOIN {SCHEMA}.sla_clock s ON s.tenant = k.tenant AND s.contact = k.contact
ORDER BY s.tenant, s.id FOR UPDATE OF s
"""  # noqa: S608 - a name of our own

_PUT: Final = f"""
INSERT INTO {SCHEMA}.sla_clock ({_COLUMNS}) SELECT * FROM unnest({_ARRAYS})
ON CONFLICT (tenant, id) DO UPDATE SET
  ({", ".join(ClockRow._fields[2:])}) = ROW({", ".join(f"excluded.{f}" for f in ClockRow._fields[2:])})
"""  # noqa: S608 - a name of our own

_SUBJECTS: Final = f"""
SELECT c.tenant, c.id, c.data, c.watched FROM unnest($1::text[], $2::uuid[]) AS k(tenant, id)
JOIN {SCHEMA}.contact c ON c.tenant = k.tenant AND c.id = k.id AND NOT c.void
"""  # noqa: S608 - a name of our own

_DUE: Final = f"""
SELECT {_COLUMNS} FROM {SCHEMA}.sla_clock
WHERE next_at IS NOT NULL AND next_at < $1 ORDER BY next_at LIMIT $2 FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - a name of our own

_NEXT: Final = f"""
SELECT next_at FROM {SCHEMA}.sla_clock WHERE next_at IS NOT NULL ORDER BY next_at LIMIT 1
"""  # noqa: S608 - a name of our own

_STEP: Final = f"""
UPDATE {SCHEMA}.sla_clock s SET revision = n.revision, hash = n.hash, recorded_at = n.recorded_at,
  data = n.data, state = n.state, warn_at = n.warn_at, breaches_at = n.breaches_at
FROM unnest({_ARRAYS}) AS n({_COLUMNS}) WHERE s.tenant = n.tenant AND s.id = n.id
"""  # noqa: S608 - a name of our own

LOCK: Final = 5_100
"""Class of the advisory locks between folds and changes of what is promised."""


_watched_decoder = msgspec.msgpack.Decoder(Watched)
_watched_encoder = msgspec.msgpack.Encoder()


def packed(watched: Watched) -> bytes | None:
    """What clocks are made of, as `contact.watched` keeps it."""
    return None if watched == NOTHING else _watched_encoder.encode(watched)


def unpacked(watched: bytes | None) -> Watched:
    """The same back."""
    return NOTHING if watched is None else _watched_decoder.decode(watched)


async def versions(on: asyncpg.Connection, tenants: Iterable[str]) -> dict[str, int]:
    """
    Which promises hold for companies until this transaction ends; companies without any are left out.

    Whoever changes what a company promises waits until it has ended: what is made here is made by
    the newest version, or made anew.
    """
    sorted_tenants = sorted(tenants)
    await share(on, LOCK, sorted_tenants)
    return {row[0]: row[1] for row in await on.fetch(_VERSIONS, sorted_tenants)}


async def lock(
    on: asyncpg.Connection, contacts: Collection[ContactKey]
) -> dict[ClockKey, KnownClock]:
    """Clocks of contacts, void ones included, locked."""
    rows = await on.fetch(_LOCK, *columns(sorted(contacts), 2))
    return {
        (row[0], row[1]): KnownClock(
            row[2], row[3], Emitted(row[4], row[5], row[6], row[8].encode()), row[7]
        )
        for row in rows
    }


async def subjects(
    on: asyncpg.Connection, contacts: Collection[ContactKey]
) -> Mapping[ContactKey, Subject]:
    """Standing contacts as their clocks see them."""
    rows = await on.fetch(_SUBJECTS, *columns(sorted(contacts), 2))
    return {(row[0], row[1]): Subject(about_of(row[2]), unpacked(row[3])) for row in rows}


async def put(on: asyncpg.Connection, rows: Sequence[ClockRow]) -> None:
    """Write clocks, sorted by key."""
    await on.execute(_PUT, *columns(rows, len(ClockRow._fields)))


async def due(on: asyncpg.Connection, now: datetime, most: int) -> list[ClockRow]:
    """
    Clocks that show something else by now, the longest due first, not those another worker has.

    At the very moment of its target a clock has used it and no more: it breaks after it.
    """
    return [ClockRow(*row) for row in await on.fetch(_DUE, now, most)]


async def next_at(on: asyncpg.Connection) -> datetime | None:
    """When the next clock shows something else; None while none will."""
    found: datetime | None = await on.fetchval(_NEXT)
    return found


async def step(on: asyncpg.Connection, rows: Sequence[ClockRow]) -> None:
    """Write what locked clocks show now."""
    await on.execute(_STEP, *columns(rows, len(ClockRow._fields)))
