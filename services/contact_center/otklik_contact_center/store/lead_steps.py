"""
Steps of requests, as they are told, as leads are folded of them, and as people read them.

Bare asyncpg, as in folding.py: the folding worker reads them in the middle of its batch.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from otklik_contact_center.domain.emission import Emitted
from otklik_contact_center.domain.lead_fold import MOST_STEPS
from otklik_contact_center.domain.lead_step import Told
from otklik_contact_center.store.columns import SCHEMA
from otklik_contact_center.store.folding import ContactKey, columns
from otklik_contact_center.store.people import Person


class Kept(NamedTuple):
    """
    A step as its row holds it.

    Attributes:
        source, named: Id of the source, and its own id, of the contact that the step names.
        person: The strongest pseudonym by which its customer is known here.
        identifiers: All their pseudonyms as they were told.
        lead: Subject of the request that it belongs to; None while it waits for one.
        emitted: What was published of it, if it is a showing or a deal; revision 0: nothing.
    """

    tenant: str
    told: Told
    withdrawn: bool
    received_at: datetime
    source: str | None
    named: str | None
    person: str | None
    identifiers: tuple[str, ...]
    lead: UUID | None
    emitted: Emitted
    recorded_at: datetime | None


NOTHING: Final = Emitted(0, b"", void=True)
"""What was published of a step that is no fact."""

_COLUMNS: Final = (
    "tenant, id, told, at, step, branch, withdrawn, received_at, contact, source, named, person,"
    " identifiers, lead, revision, hash, void, recorded_at, data"
)
_READ: Final = ", ".join(
    f"s.{name}"
    for name in (
        *("tenant", "told", "withdrawn", "received_at", "source", "named", "person"),
        *("identifiers", "lead", "revision", "hash", "void", "recorded_at", "data"),
    )
)

_BY_ID: Final = f"""
SELECT {_READ} FROM {SCHEMA}.lead_step s
WHERE s.tenant = $1 AND s.id = ANY ($2::text[]) ORDER BY s.id FOR UPDATE
"""  # noqa: S608 - a name of our own

_CLAIM: Final = f"""
INSERT INTO {SCHEMA}.lead_step (tenant, id, told, at, step, withdrawn, received_at, identifiers,
  revision, hash, void, data)
SELECT $1, id, '', $3, '', true, $3, '{{}}', 0, '', true, '' FROM unnest($2::text[]) AS k(id)
ON CONFLICT DO NOTHING
"""  # noqa: S608 - a name of our own

# A range of the key: its order is that of bytes.
_BEGUN_WITH: Final = f"""
SELECT {_READ} FROM {SCHEMA}.lead_step s
WHERE s.tenant = $1 AND s.id >= $2 AND s.id < $3 AND NOT s.withdrawn ORDER BY s.id LIMIT $4 FOR UPDATE
"""  # noqa: S608 - a name of our own

# A step belongs to the person of the contact that it names, as soon as that is known.
_OF: Final = f"""
SELECT {_READ}, coalesce(c.person, s.person) AS whose
FROM (
  SELECT p.tenant, p.id FROM unnest($1::text[], $2::text[]) AS k(tenant, person)
  CROSS JOIN LATERAL (
    SELECT tenant, id FROM {SCHEMA}.lead_step s
    WHERE s.tenant = k.tenant AND s.person = k.person LIMIT {MOST_STEPS + 1}) p
  UNION
  SELECT c.tenant, c.id FROM unnest($3::text[], $4::uuid[]) AS k(tenant, contact)
  CROSS JOIN LATERAL (
    SELECT tenant, id FROM {SCHEMA}.lead_step s
    WHERE s.tenant = k.tenant AND s.contact = k.contact LIMIT {MOST_STEPS}) c
  UNION
  SELECT w.tenant, w.id FROM unnest($5::text[], $6::text[]) AS k(tenant, identifier)
  CROSS JOIN LATERAL (
    SELECT tenant, id FROM {SCHEMA}.lead_step s
    WHERE s.identifiers @> ARRAY[k.identifier] AND s.tenant = k.tenant
      AND s.lead IS NULL AND NOT s.withdrawn LIMIT {MOST_STEPS + 1}) w
  ) k
JOIN {SCHEMA}.lead_step s ON s.tenant = k.tenant AND s.id = k.id
LEFT JOIN {SCHEMA}.contact c ON c.tenant = s.tenant AND c.id = s.contact AND NOT c.void
ORDER BY s.tenant, s.id FOR UPDATE OF s
"""  # noqa: S608 - a name of our own

_PUT: Final = f"""
INSERT INTO {SCHEMA}.lead_step ({_COLUMNS})
SELECT tenant, id, told, at, step, nullif(branch, ''), withdrawn, received_at, contact, source,
  named, person, string_to_array(identifiers, ' '), lead, revision, hash, void, recorded_at, data
FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::text[],
  $7::boolean[], $8::timestamptz[], $9::uuid[], $10::text[], $11::text[], $12::text[], $13::text[],
  $14::uuid[], $15::integer[], $16::bytea[], $17::boolean[], $18::timestamptz[], $19::text[])
  AS n({_COLUMNS})
ON CONFLICT (tenant, id) DO UPDATE SET
  ({_COLUMNS.removeprefix("tenant, id, ")}) =
  ROW({", ".join(f"excluded.{name}" for name in _COLUMNS.removeprefix("tenant, id, ").split(", "))})
"""  # noqa: S608 - a name of our own

_SETTLE: Final = f"""
UPDATE {SCHEMA}.lead_step s SET person = n.person, lead = n.lead, revision = n.revision, hash = n.hash,
  void = n.void, recorded_at = n.recorded_at, data = n.data
FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $5::integer[], $6::bytea[],
  $7::boolean[], $8::timestamptz[], $9::text[])
  AS n(tenant, id, person, lead, revision, hash, void, recorded_at, data)
WHERE s.tenant = n.tenant AND s.id = n.id
"""  # noqa: S608 - a name of our own

_KNOWN_AS: Final = f"""
SELECT k.identifier, c.person FROM unnest($2::text[]) AS k(identifier)
CROSS JOIN LATERAL (
  SELECT c.person FROM {SCHEMA}.contact c
  WHERE c.tenant = $1 AND NOT c.void
    AND (c.person = k.identifier OR c.email = k.identifier OR c.external = k.identifier)
  ORDER BY c.at DESC, c.id DESC LIMIT 1) c
"""  # noqa: S608 - a name of our own

_MARK: Final = f"""
INSERT INTO {SCHEMA}.dirty (tenant, source, contact, lane)
SELECT $1, source, contact, $5 FROM (
  SELECT c.source, c.contact FROM unnest($2::text[]) AS k(person)
  CROSS JOIN LATERAL (
    SELECT c.source, c.contact FROM {SCHEMA}.contact c
    WHERE c.tenant = $1 AND c.person = k.person AND NOT c.void
      AND NOT EXISTS (SELECT FROM {SCHEMA}.parked p
        WHERE p.tenant = c.tenant AND p.source = c.source AND p.contact = c.contact)
    LIMIT 1) c
  UNION
  SELECT * FROM unnest($3::text[], $4::text[])) k
"""  # noqa: S608 - a name of our own

_decoder: Final = msgspec.json.Decoder(Told)
_encode: Final = msgspec.json.Encoder().encode


async def claim(
    on: asyncpg.Connection, tenant: str, ids: Collection[str], now: datetime
) -> dict[str, Kept]:
    """
    Those of the ids that stand for steps, all of their rows locked.

    Rows are made for the others, so that two who tell one id at once wait for each other; they must
    be written before the transaction ends.
    """
    ordered = sorted(ids)
    await on.execute(_CLAIM, tenant, ordered, now)
    rows = await on.fetch(_BY_ID, tenant, ordered)
    return {kept.told.id: kept for kept in (_kept(row) for row in rows if row["told"])}


async def begun_with(on: asyncpg.Connection, tenant: str, prefix: str, limit: int) -> list[Kept]:
    """Some standing steps whose own ids begin so, their rows locked."""
    behind = prefix[:-1] + chr(ord(prefix[-1]) + 1)
    return [_kept(row) for row in await on.fetch(_BEGUN_WITH, tenant, prefix, behind, limit)]


async def of(
    on: asyncpg.Connection,
    persons: Collection[Person],
    contacts: Collection[ContactKey],
    also: Mapping[Person, Person],
) -> dict[Person, list[Kept]]:
    """
    Steps of people, and those that name any of the contacts, by whose they are; rows locked.

    Args:
        also: People by all pseudonyms that they are known by; steps that wait for a request under
            any of these are theirs from now on.
    Returns:
        Of each person and each contact `MOST_STEPS`, and of people one more where there are more.
    """
    found: dict[Person, list[Kept]] = {}
    keys = (sorted(persons), sorted(contacts), sorted(also))
    for row in await on.fetch(_OF, *(column for key in keys for column in columns(key, 2))):
        tenant, whose = row["tenant"], row["whose"]
        person = tenant, whose
        if person not in persons:
            names = (also.get((tenant, name)) for name in row["identifiers"])
            known = next((one for one in names if one is not None), None)
            if known is None or row["lead"] is not None:
                found.setdefault(person, []).append(_kept(row))
                continue
            person = known
        found.setdefault(person, []).append(_kept(row))
    return found


async def put(on: asyncpg.Connection, rows: Sequence[Kept]) -> None:
    """Write steps whose rows are locked, or new; sorted by id."""
    ordered = sorted(rows, key=lambda row: row.told.id)
    await on.execute(_PUT, *columns([_row(row) for row in ordered], 19))


async def settle(on: asyncpg.Connection, rows: Sequence[Kept]) -> None:
    """Write to which leads steps belong, and what was published of them; their rows are locked."""
    told = [
        (
            row.tenant,
            row.told.id,
            row.person,
            row.lead,
            row.emitted.revision,
            row.emitted.hash,
            row.emitted.void,
            row.recorded_at,
            row.emitted.data.decode(),
        )
        for row in rows
    ]
    await on.execute(_SETTLE, *columns(told, 9))


async def known_as(
    on: asyncpg.Connection, tenant: str, identifiers: Collection[str]
) -> dict[str, str]:
    """By which pseudonym the newest contact knows the person behind each pseudonym, if any does."""
    rows = await on.fetch(_KNOWN_AS, tenant, sorted(identifiers))
    return {row[0]: row[1] for row in rows}


async def mark(
    on: asyncpg.Connection,
    tenant: str,
    persons: Collection[str],
    contacts: Collection[tuple[str, str]],
    *,
    lane: int,
) -> None:
    """
    Let the leads of people, and of contacts, be folded anew.

    Args:
        contacts: By source and the sender's id; also those of which nobody has heard yet: they may
            be on their way.
    """
    await on.execute(_MARK, tenant, sorted(persons), *columns(sorted(contacts), 2), lane)


def _row(kept: Kept) -> tuple[object, ...]:
    step, emitted = kept.told, kept.emitted
    return (
        kept.tenant,
        step.id,
        _encode(step).decode(),
        step.at,
        step.step,
        step.branch or "",
        kept.withdrawn,
        kept.received_at,
        step.contact,
        kept.source,
        kept.named,
        kept.person,
        " ".join(kept.identifiers),
        kept.lead,
        emitted.revision,
        emitted.hash,
        emitted.void,
        kept.recorded_at,
        emitted.data.decode(),
    )


def _kept(row: asyncpg.Record) -> Kept:
    return Kept(
        row["tenant"],
        _decoder.decode(row["told"]),
        row["withdrawn"],
        row["received_at"],
        row["source"],
        row["named"],
        row["person"],
        tuple(row["identifiers"]),
        row["lead"],
        Emitted(row["revision"], row["hash"], row["void"], row["data"].encode()),
        row["recorded_at"],
    )
