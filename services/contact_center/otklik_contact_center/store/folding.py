"""
What the folding worker reads and writes: sets of contacts of many companies at a time.

Bare asyncpg inside the worker's transaction: a batch is thousands of rows in a dozen statements,
and Core's own work on each parameter was a third of the whole (decision 0021).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from otklik_common.db import by_index
from otklik_contact_center.domain.emission import Emitted
from otklik_contact_center.store.columns import SCHEMA

MOST_EVENTS: Final = 5_000
"""A contact with more events is parked: something is wrong with its sender."""


class Dirty(NamedTuple):
    """A mark that a contact has new events."""

    id: int
    tenant: str
    source: str
    contact: str


class Share(NamedTuple):
    """Which contacts one of several workers takes; all marks of a contact go to the same one."""

    number: int = 0
    of: int = 1


class Raw(NamedTuple):
    """An event as it lies in the inbox; `body` is sealed."""

    body: bytes
    at: datetime
    received_at: datetime
    traceparent: str | None


class KnownContact(NamedTuple):
    """A contact as last folded, its row locked."""

    person: str
    emitted: Emitted
    recorded_at: datetime
    replies: Mapping[UUID, Emitted]


class ContactRow(NamedTuple):
    """A contact to write; `email` and `external` are pseudonyms besides `person`."""

    tenant: str
    id: UUID
    source: str
    contact: str
    person: str
    at: datetime
    channel: str
    direction: str
    outcome: str
    party: str | None
    branch: str | None
    queue: str | None
    agent: str | None
    assigned_at: datetime | None
    attempted_at: datetime | None
    connected_at: datetime | None
    revision: int
    hash: bytes
    void: bool
    recorded_at: datetime
    data: str
    replies: bytes | None
    email: str | None
    external: str | None
    watched: bytes | None
    brought: bytes | None


ContactKey = tuple[str, UUID]

_WAITING = f"""
WITH RECURSIVE t AS (
  (SELECT tenant FROM {SCHEMA}.dirty WHERE lane = $1 ORDER BY tenant LIMIT 1)
  UNION ALL
  SELECT (SELECT d.tenant FROM {SCHEMA}.dirty d WHERE d.lane = $1 AND d.tenant > t.tenant
          ORDER BY d.tenant LIMIT 1) FROM t WHERE t.tenant IS NOT NULL)
SELECT tenant FROM t WHERE tenant IS NOT NULL
"""  # noqa: S608 - a name of our own

_MANY = f"""
SELECT t.tenant FROM unnest($2::text[]) AS t(tenant)
WHERE EXISTS (
  SELECT FROM {SCHEMA}.dirty WHERE lane = $1 AND tenant = t.tenant ORDER BY id OFFSET $3 LIMIT 1)
"""  # noqa: S608 - a name of our own

_PICK = f"""
SELECT d.id, d.tenant, d.source, d.contact FROM unnest($2::text[]) AS t(tenant)
CROSS JOIN LATERAL (
  SELECT id, tenant, source, contact FROM {SCHEMA}.dirty
  WHERE lane = $1 AND tenant = t.tenant AND (hashtext(contact) & 2147483647) % $4 = $5
  ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED) d
"""  # noqa: S608 - a name of our own

_PICK_AGAIN = f"""
SELECT id, tenant, source, contact FROM {SCHEMA}.dirty
WHERE lane = $1 AND tenant = $2 AND id = ANY ($3) FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - a name of our own

_LOCK = f"""
SELECT c.tenant, c.id, c.person, c.revision, c.hash, c.void, c.recorded_at, c.replies
FROM unnest($1::text[], $2::uuid[]) AS k(tenant, id)
JOIN {SCHEMA}.contact c ON c.tenant = k.tenant AND c.id = k.id
FOR UPDATE OF c SKIP LOCKED
"""  # noqa: S608 - a name of our own

_EVENTS = f"""
SELECT k.place, i.body, i.at, i.received_at, i.traceparent
FROM unnest($1::text[], $2::text[], $3::text[])
  WITH ORDINALITY AS k(tenant, source, contact, place)
CROSS JOIN LATERAL (
  SELECT body, at, received_at, traceparent FROM {SCHEMA}.inbox i
  WHERE i.tenant = k.tenant AND i.source = k.source AND i.contact = k.contact
  LIMIT {MOST_EVENTS + 1}) i
"""  # noqa: S608 - a name of our own

_CONTACT_COLUMNS = ", ".join(ContactRow._fields)
_CONTACT_ARRAYS = (
    "$1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::text[],"
    " $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[],"
    " $14::timestamptz[], $15::timestamptz[], $16::timestamptz[], $17::integer[], $18::bytea[],"
    " $19::boolean[], $20::timestamptz[], $21::text[], $22::bytea[],"
    " $23::text[], $24::text[], $25::bytea[],"
    " $26::bytea[]"
)

_CONTACTS = f"""
SELECT {", ".join(f"c.{f}" for f in ContactRow._fields)}
FROM unnest($1::text[], $2::uuid[]) AS k(tenant, id)
JOIN {SCHEMA}.contact c ON c.tenant = k.tenant AND c.id = k.id
"""  # noqa: S608 - a name of our own

_INSERT_CONTACTS = f"""
INSERT INTO {SCHEMA}.contact ({_CONTACT_COLUMNS})
SELECT * FROM unnest({_CONTACT_ARRAYS}) ON CONFLICT DO NOTHING RETURNING tenant, id
"""  # noqa: S608 - a name of our own

_UPDATE_CONTACTS = f"""
UPDATE {SCHEMA}.contact c SET
  ({", ".join(ContactRow._fields[4:])}) = ROW({", ".join(f"n.{f}" for f in ContactRow._fields[4:])})
FROM unnest({_CONTACT_ARRAYS}) AS n({_CONTACT_COLUMNS})
WHERE c.tenant = n.tenant AND c.id = n.id
"""  # noqa: S608 - a name of our own

_CLEAR = f"""
DELETE FROM {SCHEMA}.dirty d USING unnest($2::text[], $3::bigint[]) AS k(tenant, id)
WHERE d.lane = $1 AND d.tenant = k.tenant AND d.id = k.id
"""  # noqa: S608 - a name of our own

LARGE = 100
"""Marks of a batch whose statements are planned for it alone."""

_UNPARK = f"""
DELETE FROM {SCHEMA}.parked p USING unnest($1::text[], $2::text[], $3::text[])
  AS k(tenant, source, contact)
WHERE p.tenant = k.tenant AND p.source = k.source AND p.contact = k.contact
"""  # noqa: S608 - a name of our own

_PARK = f"""
INSERT INTO {SCHEMA}.parked (tenant, source, contact, reason, parked_at)
SELECT *, clock_timestamp() FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
ON CONFLICT (tenant, source, contact) DO UPDATE
  SET reason = excluded.reason, parked_at = excluded.parked_at
"""  # noqa: S608 - a name of our own

_DECLARED = f"""
SELECT tenant, name, 'allowed' FROM {SCHEMA}.attribute_allow WHERE tenant = ANY ($1)
UNION ALL SELECT tenant, line, 'head' FROM {SCHEMA}.head_line WHERE tenant = ANY ($1)
"""  # noqa: S608 - a name of our own

_OLDEST = f"""
SELECT min(marked_at) FROM unnest($2::text[]) t(tenant) CROSS JOIN LATERAL (
  SELECT marked_at FROM {SCHEMA}.dirty d WHERE d.lane = $1 AND d.tenant = t.tenant
  ORDER BY d.id LIMIT 1) first
"""  # noqa: S608 - a name of our own

_COUNTS = f"""
SELECT (SELECT count(*) FROM (SELECT 1 FROM {SCHEMA}.dirty WHERE lane = 0 LIMIT 100000) l),
       (SELECT count(*) FROM (SELECT 1 FROM {SCHEMA}.dirty WHERE lane = 1 LIMIT 100000) b),
       (SELECT count(*) FROM (SELECT 1 FROM {SCHEMA}.parked LIMIT 10000) p)
"""  # noqa: S608 - a name of our own

_OUTBOX = f"SELECT count(*) FROM (SELECT FROM {SCHEMA}.outbox ORDER BY id LIMIT $1) o"  # noqa: S608

_replies_decoder = msgspec.msgpack.Decoder(dict[UUID, Emitted])
_replies_encoder = msgspec.msgpack.Encoder()


async def plan(on: asyncpg.Connection, marks: int) -> None:
    """Prepare the transaction for a batch of so many marks."""
    # Planning a large batch anew costs a hundredth of it.
    await by_index(on, anew=marks >= LARGE)


async def waiting(on: asyncpg.Connection, lane: int) -> list[str]:
    """Companies with new events in a lane."""
    return [row[0] for row in await on.fetch(_WAITING, lane)]


async def with_more(
    on: asyncpg.Connection, lane: int, tenants: Sequence[str], than: int
) -> list[str]:
    """Those of the companies that have more than so many marks in a lane."""
    return [row[0] for row in await on.fetch(_MANY, lane, tenants, than)]


async def pick(
    on: asyncpg.Connection, lane: int, tenants: Sequence[str], each: int, share: Share
) -> list[Dirty]:
    """Marks to work on, the oldest of each company, not those that another worker has."""
    rows = await on.fetch(_PICK, lane, tenants, each, share.of, share.number)
    return [Dirty(*row) for row in rows]


async def lock(
    on: asyncpg.Connection, keys: Sequence[ContactKey]
) -> dict[ContactKey, KnownContact]:
    """
    Lock contacts that exist; those that another worker holds are left out, like unknown ones.
    """
    rows = await on.fetch(_LOCK, *columns(keys, 2))
    return {
        (row[0], row[1]): KnownContact(
            person=row[2],
            emitted=Emitted(row[3], row[4], row[5]),
            recorded_at=row[6],
            replies=unpacked(row[7]),
        )
        for row in rows
    }


async def pick_again(on: asyncpg.Connection, lane: int, marks: Sequence[Dirty]) -> list[Dirty]:
    """Those of the marks of one company that are still there and nobody else has."""
    ids = [mark.id for mark in marks]
    rows = await on.fetch(_PICK_AGAIN, lane, marks[0].tenant, ids)
    return [Dirty(*row) for row in rows]


async def events(
    on: asyncpg.Connection, contacts: Sequence[tuple[str, str, str]]
) -> list[list[Raw]]:
    """All events of each contact, named by company, source and the sender's id, in no order."""
    found: list[list[Raw]] = [[] for _ in contacts]
    for row in await on.fetch(_EVENTS, *columns(contacts, 3)):
        found[row[0] - 1].append(Raw(row[1], row[2], row[3], row[4]))
    return found


async def contacts(
    on: asyncpg.Connection, keys: Sequence[ContactKey]
) -> dict[ContactKey, ContactRow]:
    """Contacts as they were written last."""
    rows = await on.fetch(_CONTACTS, *columns(keys, 2))
    return {(row[0], row[1]): ContactRow(*row) for row in rows}


async def add_contacts(on: asyncpg.Connection, rows: Sequence[ContactRow]) -> set[ContactKey]:
    """Add contacts, sorted by key; returns those that were added and not another worker's."""
    added = await on.fetch(_INSERT_CONTACTS, *columns(rows, len(ContactRow._fields)))
    return {(row[0], row[1]) for row in added}


async def put_contacts(on: asyncpg.Connection, rows: Sequence[ContactRow]) -> None:
    """Write contacts that are locked."""
    await on.execute(_UPDATE_CONTACTS, *columns(rows, len(ContactRow._fields)))


async def clear(on: asyncpg.Connection, lane: int, marks: Sequence[tuple[str, int]]) -> None:
    """Take away marks that were worked on."""
    await on.execute(_CLEAR, lane, *columns(marks, 2))


async def park(on: asyncpg.Connection, contacts: Mapping[tuple[str, str, str], str]) -> None:
    """Put contacts aside, with the reason why they could not be folded."""
    rows = [(*contact, reason) for contact, reason in sorted(contacts.items())]
    await on.execute(_PARK, *columns(rows, 4))


async def unpark(on: asyncpg.Connection, contacts: Sequence[tuple[str, str, str]]) -> None:
    """They could be folded after all."""
    await on.execute(_UNPARK, *columns(contacts, 3))


class Declared(NamedTuple):
    """
    What a company says of all its contacts.

    Attributes:
        allowed: Names of the attributes that it lets out.
        head: Phones and mailboxes of its head, as they are compared.
    """

    allowed: frozenset[str]
    head: frozenset[str]


async def declared(on: asyncpg.Connection, tenants: Iterable[str]) -> dict[str, Declared]:
    """What each company says of all its contacts."""
    said: dict[str, dict[str, set[str]]] = {
        tenant: {"allowed": set(), "head": set()} for tenant in tenants
    }
    for row in await on.fetch(_DECLARED, list(said)):
        said[row[0]][row[2]].add(row[1])
    return {
        tenant: Declared(frozenset(found["allowed"]), frozenset(found["head"]))
        for tenant, found in said.items()
    }


async def outbox(on: asyncpg.Connection, most: int) -> int:
    """How many facts wait for the log, counted up to `most`."""
    found: int = await on.fetchval(_OUTBOX, most)
    return found


async def counts(on: asyncpg.Connection) -> tuple[int, int, int]:
    """Marks waiting in the live and the bulk lane (at most 100,000 each), and parked contacts."""
    row = await on.fetchrow(_COUNTS)
    assert row is not None
    return row[0], row[1], row[2]


async def oldest(on: asyncpg.Connection, lane: int) -> datetime | None:
    """Since when the lane's longest waiting mark waits; None if nothing does."""
    since: datetime | None = await on.fetchval(_OLDEST, lane, await waiting(on, lane))
    return since


def packed(published: Mapping[UUID, Emitted]) -> bytes | None:
    """What was published of a family of subjects, as `contact.replies` and `lead.touches` keep it."""
    return _replies_encoder.encode(published) if published else None


def unpacked(kept: bytes | None) -> dict[UUID, Emitted]:
    """The same as it was kept."""
    return {} if kept is None else _replies_decoder.decode(kept)


def columns(rows: Sequence[Sequence[Any]], width: int) -> list[Sequence[Any]]:
    return list(zip(*rows, strict=True)) if rows else [[] for _ in range(width)]
