"""API keys, signing keys, and the audit trail."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Text, cast, func, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_access.domain.kept import Kept
from otklik_access.domain.keys import ApiKey
from otklik_access.domain.signers import Signer
from otklik_access.store import tables
from otklik_access.store.rows import put
from otklik_common.events.access import KeyPurpose
from otklik_common.paging import Part, keyset


@dataclass(frozen=True, slots=True)
class SeenKey:
    """A key with when access itself last saw it used."""

    kept: Kept[ApiKey]
    last_seen_at: datetime | None


async def key(tx: AsyncConnection, tenant: str, key_id: str) -> SeenKey | None:
    """The key of that id."""
    table = tables.api_key
    found = await tx.execute(
        select(table).where(table.c.tenant == tenant, table.c.key_id == key_id)
    )
    row = found.one_or_none()
    return None if row is None else _key(row)


async def keys(tx: AsyncConnection, tenant: str, part: Part) -> list[SeenKey]:
    """Keys, the newest first."""
    table = tables.api_key
    rows = select(table).where(table.c.tenant == tenant)
    order = (table.c.created_at.desc(), table.c.key_id.desc())
    return [_key(row) for row in await tx.execute(keyset(rows, part, order=order))]


async def keys_within(
    tx: AsyncConnection,
    tenant: str,
    part: Part,
    *,
    branches: frozenset[str],
    groups: frozenset[str],
) -> list[SeenKey]:
    """Keys that are limited to some of these branches and groups, the newest first."""
    table = tables.api_key
    rows = select(table).where(
        table.c.tenant == tenant,
        table.c.branches.contained_by(cast(sorted(branches), ARRAY(Text))),
        table.c.groups.contained_by(cast(sorted(groups), ARRAY(Text))),
        # Limited to nothing means not limited.
        func.cardinality(table.c.branches) + func.cardinality(table.c.groups) > 0,
    )
    order = (table.c.created_at.desc(), table.c.key_id.desc())
    return [_key(row) for row in await tx.execute(keyset(rows, part, order=order))]


def _key(row: Row[Any]) -> SeenKey:
    value = ApiKey(
        key_id=row.key_id,
        name=row.name,
        purpose=KeyPurpose(row.purpose),
        digest=row.digest,
        scopes=tuple(row.scopes),
        branches=tuple(row.branches),
        groups=tuple(row.groups),
        origins=tuple(row.origins),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        rotated_to=row.rotated_to,
        demo=row.demo,
    )
    return SeenKey(Kept(value, row.revision, row.recorded_at), row.last_seen_at)


async def put_key(tx: AsyncConnection, tenant: str, kept: Kept[ApiKey]) -> None:
    """Keep a revision of a key."""
    value = kept.value
    await put(
        tx,
        tables.api_key,
        kept,
        {
            "tenant": tenant,
            "key_id": value.key_id,
            "name": value.name,
            "purpose": value.purpose.value,
            "digest": value.digest,
            "scopes": list(value.scopes),
            "branches": list(value.branches),
            "groups": list(value.groups),
            "origins": list(value.origins),
            "created_at": value.created_at,
            "expires_at": value.expires_at,
            "revoked_at": value.revoked_at,
            "rotated_to": value.rotated_to,
            "demo": value.demo,
        },
    )


async def demo_ids(tx: AsyncConnection, tenant: str) -> list[str]:
    """Ids of the demo's keys, dead ones included."""
    table = tables.api_key
    found = await tx.scalars(select(table.c.key_id).where(table.c.tenant == tenant, table.c.demo))
    return list(found)


async def note_seen(
    tx: AsyncConnection, tenant: str, key_id: str, *, now: datetime, every: timedelta
) -> None:
    """Note that a key was used, at most once in `every`."""
    table = tables.api_key
    await tx.execute(
        update(table)
        .where(
            table.c.tenant == tenant,
            table.c.key_id == key_id,
            or_(table.c.last_seen_at.is_(None), table.c.last_seen_at < now - every),
        )
        .values(last_seen_at=now)
    )


async def signers(tx: AsyncConnection, tenant: str) -> list[tuple[Signer, bytes]]:
    """The company's signing keys with their sealed private halves, the newest first."""
    table = tables.signer
    rows = await tx.execute(
        select(table).where(table.c.tenant == tenant).order_by(table.c.created_at.desc())
    )
    return [(signer_of(row), row.private_sealed) for row in rows]


def signer_of(row: Row[Any]) -> Signer:
    """The signing key in a row."""
    return Signer(
        key_id=row.key_id,
        purpose=KeyPurpose(row.purpose),
        public_key=row.public_key,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )


async def add_signer(
    tx: AsyncConnection, tenant: str, kept: Kept[Signer], private_sealed: bytes
) -> None:
    """Keep a new signing key; it never changes."""
    value = kept.value
    await tx.execute(
        insert(tables.signer).values(
            tenant=tenant,
            key_id=value.key_id,
            purpose=value.purpose.value,
            public_key=value.public_key,
            private_sealed=private_sealed,
            created_at=value.created_at,
            expires_at=value.expires_at,
            revision=kept.revision,
            recorded_at=kept.recorded_at,
        )
    )
