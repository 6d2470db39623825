"""
People and their leads, as the folding worker reads and writes them.

Bare asyncpg, for the same reason as in folding.py (decision 0021).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from otklik_common.ids import source_subject
from otklik_contact_center.domain.emission import Emitted
from otklik_contact_center.domain.lead import MISSED, Request
from otklik_contact_center.domain.tracking.ways import way_of
from otklik_contact_center.store.columns import SCHEMA
from otklik_contact_center.store.folding import ContactKey, columns, unpacked
from otklik_contact_center.store.visits import unpacked_link

Person = tuple[str, str]
"""Company and person."""


class KnownLead(NamedTuple):
    """A lead as last published, its person's row locked."""

    person: str
    emitted: Emitted
    recorded_at: datetime
    missed: UUID | None
    attempted_by: str | None
    listed: "Listed"
    touches: Mapping[UUID, Emitted]


class Listed(NamedTuple):
    """By what leads are listed; a lead that a build without lists wrote has neither time nor state."""

    created_at: datetime | None
    state: str | None
    party: str | None
    branch: str | None
    agent: str | None


class LeadRow(NamedTuple):
    """
    A lead to write.

    Attributes:
        missed: The first of its contacts that nobody took.
        created_at, state, party, branch, agent: By what leads are listed.
        touches: What was published of its touches.
    """

    tenant: str
    contact: UUID
    person: str
    revision: int
    hash: bytes
    void: bool
    recorded_at: datetime
    data: str
    missed: UUID | None
    attempted_by: str | None
    created_at: datetime | None
    state: str | None
    party: str | None
    branch: str | None
    agent: str | None
    touches: bytes | None


class _Fact(msgspec.Struct):
    """What leads need of a contact's fact."""

    campaign: str | None = None
    identifiers: tuple[str, ...] = ()
    attributes: dict[str, str] = {}


_MAKE_PERSONS = f"""
INSERT INTO {SCHEMA}.person (tenant, person)
SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING RETURNING tenant, person
"""  # noqa: S608 - a name of our own

_LOCK_PERSONS = f"""
SELECT p.tenant, p.person, p.crowd FROM {SCHEMA}.person p
JOIN unnest($1::text[], $2::text[]) AS k(tenant, person) USING (tenant, person)
ORDER BY p.tenant, p.person FOR UPDATE OF p
"""  # noqa: S608 - a name of our own

_CROWD = f"""
UPDATE {SCHEMA}.person p SET crowd = $3
FROM unnest($1::text[], $2::text[]) AS k(tenant, person)
WHERE p.tenant = k.tenant AND p.person = k.person
"""  # noqa: S608 - a name of our own

_FEW = f"""
SELECT k.tenant, k.person FROM unnest($1::text[], $2::text[]) AS k(tenant, person)
CROSS JOIN LATERAL (SELECT count(*) AS number FROM (
  SELECT 1 FROM {SCHEMA}.contact c WHERE c.tenant = k.tenant AND c.person = k.person AND NOT c.void
  LIMIT $3 + 1) c) c
WHERE c.number <= $3
"""  # noqa: S608 - a name of our own

_REQUEST_COLUMNS = (
    "c.tenant, c.person, c.id, c.at, c.direction, c.source, c.channel, c.party, c.branch,"
    " c.queue, c.agent, c.data, c.assigned_at, c.attempted_at, c.connected_at, c.outcome, c.brought"
)

_REQUESTS = f"""
SELECT {_REQUEST_COLUMNS} FROM unnest($1::text[], $2::text[]) AS k(tenant, person)
JOIN {SCHEMA}.contact c ON c.tenant = k.tenant AND c.person = k.person AND NOT c.void
"""  # noqa: S608 - a name of our own

_REQUESTS_BY_ID = f"""
SELECT {_REQUEST_COLUMNS} FROM unnest($1::text[], $2::uuid[]) AS k(tenant, id)
JOIN {SCHEMA}.contact c ON c.tenant = k.tenant AND c.id = k.id AND NOT c.void
"""  # noqa: S608 - a name of our own

_WHOSE = f"""
SELECT l.person, coalesce(p.crowd, false) FROM {SCHEMA}.lead l
LEFT JOIN {SCHEMA}.person p ON p.tenant = l.tenant AND p.person = l.person
WHERE l.tenant = $1 AND l.contact = $2
"""  # noqa: S608 - a name of our own

_LEAD_COLUMNS = (
    "l.tenant, l.contact, l.person, l.revision, l.hash, l.void, l.recorded_at, l.data,"
    " l.missed, l.attempted_by, l.created_at, l.state, l.party, l.branch, l.agent, l.touches"
)

_LEADS = f"""
SELECT {_LEAD_COLUMNS} FROM unnest($1::text[], $2::text[]) AS k(tenant, person)
JOIN {SCHEMA}.lead l ON l.tenant = k.tenant AND l.person = k.person
"""  # noqa: S608 - a name of our own

_LEADS_OF = f"""
SELECT {_LEAD_COLUMNS} FROM unnest($1::text[], $2::uuid[]) AS k(tenant, contact)
JOIN {SCHEMA}.lead l ON l.tenant = k.tenant AND l.contact = k.contact
"""  # noqa: S608 - a name of our own

_PUT_LEADS = f"""
INSERT INTO {SCHEMA}.lead ({", ".join(LeadRow._fields)})
SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::integer[], $5::bytea[],
  $6::boolean[], $7::timestamptz[], $8::text[], $9::uuid[], $10::text[], $11::timestamptz[],
  $12::text[], $13::text[], $14::text[], $15::text[], $16::bytea[])
ON CONFLICT (tenant, contact) DO UPDATE SET
  ({", ".join(LeadRow._fields[2:])}) = ROW({", ".join(f"excluded.{f}" for f in LeadRow._fields[2:])})
"""  # noqa: S608 - a name of our own


_fact_decoder = msgspec.json.Decoder(_Fact)
_subject = lru_cache(4096)(source_subject)


async def lock_persons(
    on: asyncpg.Connection, persons: Sequence[Person]
) -> tuple[set[Person], set[Person]]:
    """
    Lock people, sorted: two workers that lock in different orders deadlock.

    Returns:
        Those never heard of before, and those who were switchboards when they were last folded.
    """
    made = await on.fetch(_MAKE_PERSONS, *columns(persons, 2))
    new = {(row[0], row[1]) for row in made}
    known = [person for person in persons if person not in new]
    rows = await on.fetch(_LOCK_PERSONS, *columns(known, 2)) if known else []
    return new, {(row[0], row[1]) for row in rows if row[2]}


async def mark_crowds(on: asyncpg.Connection, persons: Sequence[Person], *, crowd: bool) -> None:
    """Remember whether they are switchboards, so that their contacts need not be read whole."""
    await on.execute(_CROWD, *columns(persons, 2), crowd)


async def with_few(on: asyncpg.Connection, persons: Sequence[Person], most: int) -> set[Person]:
    """Those of the people, locked, who have at most so many standing contacts now."""
    rows = await on.fetch(_FEW, *columns(persons, 2), most)
    return {(row[0], row[1]) for row in rows}


async def requests(
    on: asyncpg.Connection, persons: Sequence[Person]
) -> dict[Person, list[Request]]:
    """All standing contacts of each person, as leads see them."""
    found: dict[Person, list[Request]] = {person: [] for person in persons}
    if not persons:
        return found
    for row in await on.fetch(_REQUESTS, *columns(persons, 2)):
        found[row[0], row[1]].append(_request(row))
    return found


async def around(on: asyncpg.Connection, lead: ContactKey) -> list[Request]:
    """
    The contacts of the person of a lead, by the contact that opened it.

    Behind a switchboard that contact alone.
    """
    row = await on.fetchrow(_WHOSE, *lead)
    if row is None:
        return []
    if row[1]:
        return [_request(one) for one in await on.fetch(_REQUESTS_BY_ID, *columns([lead], 2))]
    person = lead[0], row[0]
    return (await requests(on, [person]))[person]


def _request(row: asyncpg.Record) -> Request:
    fact = _fact_decoder.decode(row[11])
    return Request(
        contact=row[2],
        at=row[3],
        inbound=row[4] == "in",
        source=_subject(row[0], row[5]),
        channel=row[6],
        party=row[7],
        branch=row[8],
        queue=row[9],
        agent=row[10],
        identifiers=fact.identifiers,
        assigned_at=row[12],
        attempted_at=row[13],
        connected_at=row[14],
        missed=row[4] == "in" and row[15] in MISSED,
        way=way_of(fact.attributes, fact.campaign),
        link=unpacked_link(row[16]),
    )


async def leads(
    on: asyncpg.Connection, persons: Sequence[Person], openers: Sequence[ContactKey]
) -> dict[ContactKey, KnownLead]:
    """Leads of people, and those that these contacts opened; void ones included."""
    rows = await on.fetch(_LEADS, *columns(persons, 2)) if persons else []
    rows += await on.fetch(_LEADS_OF, *columns(openers, 2)) if openers else []
    return {
        (row[0], row[1]): KnownLead(
            row[2],
            Emitted(row[3], row[4], row[5], row[7].encode()),
            row[6],
            row[8],
            row[9],
            Listed(*row[10:15]),
            unpacked(row[15]),
        )
        for row in rows
    }


async def put_leads(on: asyncpg.Connection, rows: Sequence[LeadRow]) -> None:
    """Write leads, sorted by key."""
    await on.execute(_PUT_LEADS, *columns(rows, len(LeadRow._fields)))
