"""Scripts of conversations, in all their versions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Select, and_, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.paging import Part, keyset
from otklik_contact_center.domain.script.script import Meant, Script
from otklik_contact_center.store.script_tables import script, script_version

_SAME: Final = and_(
    script.c.tenant == script_version.c.tenant, script.c.code == script_version.c.code
)


@dataclass(frozen=True, slots=True)
class Head:
    """Which version of a script holds; 0: there was never any."""

    version: int
    retired: bool
    revision: int


@dataclass(frozen=True, slots=True)
class Kept:
    """
    One version of a script.

    Attributes:
        revision: Of the script: grows with each version, and with its retiring.
        latest: The number of the version that holds now.
        retired: It is meant for nothing any more.
    """

    value: Script
    version: int
    latest: int
    retired: bool
    revision: int
    made_at: datetime


async def lock(tx: AsyncConnection, tenant: str, code: str, now: datetime) -> Head:
    """A script's head, locked; made if there is none, so that two who make it wait for each other."""
    blank = {"tenant": tenant, "code": code, "version": 0, "retired": True, "revision": 0}
    await tx.execute(upsert(script).values({**blank, "changed_at": now}).on_conflict_do_nothing())
    table = script
    rows = select(table.c.version, table.c.retired, table.c.revision).where(
        table.c.tenant == tenant, table.c.code == code
    )
    return Head(*(await tx.execute(rows.with_for_update())).one())


async def put_head(tx: AsyncConnection, tenant: str, code: str, head: Head, now: datetime) -> None:
    """Write the head of a script that is locked."""
    table = script
    await tx.execute(
        update(table)
        .where(table.c.tenant == tenant, table.c.code == code)
        .values(version=head.version, retired=head.retired, revision=head.revision, changed_at=now)
    )


async def add(
    tx: AsyncConnection, tenant: str, value: Script, *, version: int, now: datetime, by: str
) -> None:
    """Keep a version for ever."""
    await tx.execute(
        insert(script_version).values(
            tenant=tenant,
            code=value.code,
            version=version,
            body=msgspec.to_builtins(value),
            made_at=now,
            made_by=by,
        )
    )


async def get(
    tx: AsyncConnection, tenant: str, code: str, version: int | None = None
) -> Kept | None:
    """A script; without a version the one that holds now."""
    wanted = script.c.version if version is None else version
    rows = _scripts(tenant).where(script.c.code == code, script_version.c.version == wanted)
    row = (await tx.execute(rows)).one_or_none()
    return None if row is None else _kept(row)


async def listed(tx: AsyncConnection, tenant: str, part: Part) -> list[Kept]:
    """The scripts that are not retired, as they are now, by code."""
    rows = _scripts(tenant).where(script_version.c.version == script.c.version, ~script.c.retired)
    found = await tx.execute(keyset(rows, part, order=[script.c.code]))
    return [_kept(row) for row in found]


async def meant(tx: AsyncConnection, tenant: str) -> list[tuple[str, Meant]]:
    """What each script that is not retired is meant for, as it is now."""
    head, version = script, script_version
    rows = (
        select(head.c.code, version.c.body["meant"])
        .join_from(head, version, _SAME)
        .where(head.c.tenant == tenant, ~head.c.retired, version.c.version == head.c.version)
    )
    return [(code, msgspec.convert(said or {}, Meant)) for code, said in await tx.execute(rows)]


async def count_alone(tx: AsyncConnection, tenant: str) -> int:
    """
    How many scripts a company has that are not retired; two who ask at once come one after the other.

    Ask with the head locked: whoever waits here holds their own head and takes no other.
    """
    one = func.hashtextextended(f"scripts/{tenant}", 0)
    await tx.execute(select(func.pg_advisory_xact_lock(one)))
    rows = select(func.count()).where(script.c.tenant == tenant, ~script.c.retired)
    return int((await tx.execute(rows)).scalar_one())


def _scripts(tenant: str) -> Select[Any]:
    head, version = script, script_version
    return (
        select(
            version.c.body,
            version.c.version,
            version.c.made_at,
            head.c.version.label("latest"),
            head.c.retired,
            head.c.revision,
        )
        .join_from(head, version, _SAME)
        .where(head.c.tenant == tenant)
    )


def _kept(row: Any) -> Kept:
    return Kept(
        value=msgspec.convert(row.body, Script),
        version=row.version,
        latest=row.latest,
        retired=row.retired,
        revision=row.revision,
        made_at=row.made_at,
    )
