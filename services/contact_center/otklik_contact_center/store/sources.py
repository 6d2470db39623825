"""Sources of a company, and the attributes it lets out."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Row, exists, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.paging import Part, keyset
from otklik_common.pseudonym import Sealer
from otklik_contact_center.domain.providers.pushed import Directions
from otklik_contact_center.domain.source import Source
from otklik_contact_center.store import source_tables, tables

_PURPOSE = "source secret"
_CREDENTIALS = "source credentials"
_MS: Final = timedelta(milliseconds=1)


async def all_of(tx: AsyncConnection, sealer: Sealer, tenant: str) -> list[Source]:
    """Every source of a company, by id."""
    rows = (
        select(source_tables.source).where(source_tables.source.c.tenant == tenant).order_by("id")
    )
    return [_source(row, sealer) for row in await tx.execute(rows)]


async def heard(tx: AsyncConnection, tenant: str) -> frozenset[str]:
    """Ids of the sources with an event in the inbox."""
    source, inbox = source_tables.source, tables.inbox
    any_event = exists().where(inbox.c.tenant == tenant, inbox.c.source == source.c.id)
    rows = select(source.c.id).where(source.c.tenant == tenant, any_event)
    return frozenset((await tx.execute(rows)).scalars())


async def locked(
    tx: AsyncConnection, sealer: Sealer, tenant: str, source_id: str
) -> tuple[Source, datetime] | None:
    """A source, its row locked, and when its last fact was recorded."""
    table = source_tables.source
    found = await tx.execute(
        select(table).where(table.c.tenant == tenant, table.c.id == source_id).with_for_update()
    )
    row = found.one_or_none()
    return None if row is None else (_source(row, sealer), row.recorded_at)


async def one(tx: AsyncConnection, sealer: Sealer, tenant: str, source_id: str) -> Source | None:
    """A source; None if there is none of that id."""
    table = source_tables.source
    found = await tx.execute(select(table).where(table.c.tenant == tenant, table.c.id == source_id))
    row = found.one_or_none()
    return None if row is None else _source(row, sealer)


async def count(tx: AsyncConnection, tenant: str) -> int:
    """How many sources a company has."""
    rows = select(func.count()).where(source_tables.source.c.tenant == tenant)
    return int((await tx.execute(rows)).scalar_one())


async def add(tx: AsyncConnection, sealer: Sealer, source: Source, recorded_at: datetime) -> bool:
    """Add a source; False if there is one of that id."""
    row = {**_row(source, sealer), "recorded_at": recorded_at}
    added = await tx.execute(
        insert(source_tables.source)
        .values(row)
        .on_conflict_do_nothing(index_elements=["tenant", "id"])
        .returning(source_tables.source.c.id)
    )
    return added.one_or_none() is not None


async def put(tx: AsyncConnection, sealer: Sealer, source: Source, recorded_at: datetime) -> None:
    """Write a source that is locked."""
    table = source_tables.source
    row = {**_row(source, sealer), "recorded_at": recorded_at}
    await tx.execute(
        table.update()
        .where(table.c.tenant == source.tenant, table.c.id == source.id)
        .values({name: value for name, value in row.items() if name not in {"tenant", "id"}})
    )


def _row(source: Source, sealer: Sealer) -> dict[str, Any]:
    def sealed(secret: bytes | None) -> bytes | None:
        return None if secret is None else sealer.seal(source.tenant, _PURPOSE, secret.hex())

    return {
        "tenant": source.tenant,
        "id": source.id,
        "name": source.name,
        "kind": source.kind,
        "secret": sealed(source.secret),
        "former_secret": sealed(source.former_secret),
        "former_until": source.former_until,
        "older_secret": sealed(source.older_secret),
        "older_until": source.older_until,
        "require_signature": source.require_signature,
        "created_at": source.created_at,
        "revision": source.revision,
        "branch": source.branch,
        "demo": source.demo,
        "credentials": _sealed_credentials(source, sealer),
        "directions": msgspec.to_builtins(source.directions),
        "version": source.version,
        "heard_at": source.heard_at,
        "silent_since": source.silent_since,
        "usual_gap_ms": None if source.usual_gap is None else source.usual_gap // _MS,
        "active": source.active,
        "ended_at": source.ended_at,
    }


def _sealed_credentials(source: Source, sealer: Sealer) -> bytes | None:
    if not source.credentials:
        return None
    return sealer.seal(source.tenant, _CREDENTIALS, json.dumps(dict(source.credentials)))


def _source(row: Row[Any], sealer: Sealer) -> Source:
    def opened(secret: bytes | None) -> bytes | None:
        return None if secret is None else bytes.fromhex(sealer.open(row.tenant, _PURPOSE, secret))

    secret = opened(row.secret)
    assert secret is not None
    return Source(
        tenant=row.tenant,
        id=row.id,
        name=row.name,
        kind=row.kind,
        secret=secret,
        former_secret=opened(row.former_secret),
        former_until=row.former_until,
        older_secret=opened(row.older_secret),
        older_until=row.older_until,
        require_signature=row.require_signature,
        created_at=row.created_at,
        revision=row.revision,
        branch=row.branch,
        demo=row.demo,
        credentials=(
            json.loads(sealer.open(row.tenant, _CREDENTIALS, row.credentials))
            if row.credentials is not None
            else {}
        ),
        directions=_directions(row.directions),
        version=row.version,
        heard_at=row.heard_at,
        silent_since=row.silent_since,
        usual_gap=None if row.usual_gap_ms is None else row.usual_gap_ms * _MS,
        active=row.active,
        ended_at=row.ended_at,
    )


def _directions(kept: Mapping[str, Any]) -> Directions:
    return msgspec.convert(kept, Directions)


@dataclass(frozen=True, slots=True)
class Version:
    """How a source was read since a moment, and who said so."""

    number: int
    since: datetime
    principal: str
    directions: Directions


async def keep_version(
    tx: AsyncConnection, source: Source, *, since: datetime, principal: str
) -> None:
    """Keep how a source is read from now on."""
    row = {
        "tenant": source.tenant,
        "source": source.id,
        "version": source.version,
        "since": since,
        "principal": principal,
        "directions": msgspec.to_builtins(source.directions),
    }
    await tx.execute(insert(source_tables.source_directions).values(row))


async def directions_of(
    tx: AsyncConnection, tenant: str, source: str, numbers: Iterable[int]
) -> dict[int, Directions]:
    """Versions of how a source was read, by their number."""
    table = source_tables.source_directions
    rows = select(table.c.version, table.c.directions).where(
        table.c.tenant == tenant, table.c.source == source, table.c.version.in_(set(numbers))
    )
    return {number: _directions(kept) for number, kept in await tx.execute(rows)}


async def versions(tx: AsyncConnection, tenant: str, source: str, part: Part) -> list[Version]:
    """How a source was and is read, the newest first."""
    table = source_tables.source_directions
    rows = select(table.c.version, table.c.since, table.c.principal, table.c.directions).where(
        table.c.tenant == tenant, table.c.source == source
    )
    found = await tx.execute(keyset(rows, part, order=[table.c.version.desc()]))
    return [
        Version(number, since, principal, _directions(directions))
        for number, since, principal, directions in found
    ]
