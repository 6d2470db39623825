"""Sources of a company, and the attributes it lets out."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, delete, exists, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.pseudonym import Sealer
from otklik_contact_center.domain.providers.pushed import Directions
from otklik_contact_center.domain.source import Source
from otklik_contact_center.store import tables

_PURPOSE = "source secret"
_CREDENTIALS = "source credentials"


async def all_of(tx: AsyncConnection, sealer: Sealer, tenant: str) -> list[Source]:
    """Every source of a company, by id."""
    rows = select(tables.source).where(tables.source.c.tenant == tenant).order_by("id")
    return [_source(row, sealer) for row in await tx.execute(rows)]


async def heard(tx: AsyncConnection, tenant: str) -> frozenset[str]:
    """Ids of the sources with an event in the inbox."""
    source, inbox = tables.source, tables.inbox
    any_event = exists().where(inbox.c.tenant == tenant, inbox.c.source == source.c.id)
    rows = select(source.c.id).where(source.c.tenant == tenant, any_event)
    return frozenset((await tx.execute(rows)).scalars())


async def locked(
    tx: AsyncConnection, sealer: Sealer, tenant: str, source_id: str
) -> tuple[Source, datetime] | None:
    """A source, its row locked, and when its last fact was recorded."""
    table = tables.source
    found = await tx.execute(
        select(table).where(table.c.tenant == tenant, table.c.id == source_id).with_for_update()
    )
    row = found.one_or_none()
    return None if row is None else (_source(row, sealer), row.recorded_at)


async def count(tx: AsyncConnection, tenant: str) -> int:
    """How many sources a company has."""
    rows = select(func.count()).where(tables.source.c.tenant == tenant)
    return int((await tx.execute(rows)).scalar_one())


async def add(tx: AsyncConnection, sealer: Sealer, source: Source, recorded_at: datetime) -> bool:
    """Add a source; False if there is one of that id."""
    row = {**_row(source, sealer), "recorded_at": recorded_at}
    added = await tx.execute(
        insert(tables.source)
        .values(row)
        .on_conflict_do_nothing(index_elements=["tenant", "id"])
        .returning(tables.source.c.id)
    )
    return added.one_or_none() is not None


async def put(tx: AsyncConnection, sealer: Sealer, source: Source, recorded_at: datetime) -> None:
    """Write a source that is locked."""
    table = tables.source
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
    )


def _directions(kept: Mapping[str, Any]) -> Directions:
    return msgspec.convert(kept, Directions)


async def allowed(tx: AsyncConnection, tenant: str) -> list[str]:
    """Names of the attributes that a company lets out, in order."""
    table = tables.attribute_allow
    rows = select(table.c.name).where(table.c.tenant == tenant).order_by(table.c.name)
    return list((await tx.execute(rows)).scalars())


async def allow(tx: AsyncConnection, tenant: str, names: Iterable[str]) -> None:
    """Let out these attributes and no others."""
    table = tables.attribute_allow
    await tx.execute(delete(table).where(table.c.tenant == tenant))
    rows = [{"tenant": tenant, "name": name} for name in sorted(set(names))]
    if rows:
        await tx.execute(insert(table), rows)
