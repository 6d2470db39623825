"""What providers pushed, as it came: kept for a while, so that it can be read again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.paging import Part, keyset
from otklik_contact_center.store.columns import SCHEMA
from otklik_contact_center.store.source_tables import hook_body


@dataclass(frozen=True, slots=True)
class Body:
    """
    A body as it came, sealed.

    Attributes:
        code, detail: Why it was not read, the detail sealed; None where it was.
        version: Of the directions by which it was read last; None before.
    """

    number: int
    source: str
    body: bytes
    received_at: datetime
    code: str | None
    detail: bytes | None
    version: int | None


class Kept(NamedTuple):
    """A body that is kept: its number, why it is not read (`WAITING` at first), by which version."""

    number: int
    code: str | None
    version: int | None


WAITING: Final = "waiting"
"""It is kept, and not read yet: whoever was to read it may be gone."""

_COLUMNS: Final = tuple(
    hook_body.c[name]
    for name in ("number", "source", "body", "received_at", "code", "detail", "version")
)

_SWEEP: Final = text(f"""
DELETE FROM {SCHEMA}.hook_body h USING (
  SELECT tenant, source, body_hash FROM {SCHEMA}.hook_body
  WHERE received_at < :before ORDER BY received_at LIMIT :most) o
WHERE h.tenant = o.tenant AND h.source = o.source AND h.body_hash = o.body_hash
""")  # noqa: S608 - a name of our own


async def keep(
    tx: AsyncConnection,
    tenant: str,
    source: str,
    hash_: bytes,
    sealed: bytes,
    received_at: datetime,
) -> Kept:
    """Keep a body, once."""
    row = {
        "tenant": tenant,
        "source": source,
        "body_hash": hash_,
        "body": sealed,
        "received_at": received_at,
        "code": WAITING,
    }
    new = insert(hook_body).values(row)
    # Written as it is: only a row that is written is returned.
    kept = new.on_conflict_do_update(
        index_elements=["tenant", "source", "body_hash"],
        set_={"received_at": hook_body.c.received_at},
    )
    columns = (hook_body.c.number, hook_body.c.code, hook_body.c.version)
    found = await tx.execute(kept.returning(*columns))
    return Kept(*found.one())


async def judged(
    tx: AsyncConnection,
    tenant: str,
    number: int,
    *,
    code: str | None,
    detail: bytes | None,
    version: int,
) -> None:
    """Remember why a body was not read, or that it was, and by which version."""
    await tx.execute(
        update(hook_body)
        .where(hook_body.c.tenant == tenant, hook_body.c.number == number)
        .values(code=code, detail=detail, version=version)
    )


async def listed(
    tx: AsyncConnection, tenant: str, source: str, part: Part, *, unread: bool
) -> list[Body]:
    """Bodies of a source, the newest first."""
    where = [hook_body.c.tenant == tenant, hook_body.c.source == source]
    if unread:
        where.append(hook_body.c.code.is_not(None))
    rows = select(*_COLUMNS).where(*where)
    return [
        _body(row)
        for row in await tx.execute(keyset(rows, part, order=[hook_body.c.number.desc()]))
    ]


async def last(tx: AsyncConnection, tenant: str, source: str, most: int) -> Sequence[Body]:
    """The last bodies of a source, in the order in which they came."""
    where = (hook_body.c.tenant == tenant, hook_body.c.source == source)
    rows = select(*_COLUMNS).where(*where).order_by(hook_body.c.number.desc()).limit(most)
    return [_body(row) for row in await tx.execute(rows)][::-1]


async def some(
    tx: AsyncConnection, tenant: str, source: str, *, after: int, most: int, unread: bool
) -> Sequence[Body]:
    """Bodies of a source in the order in which they came, behind a number."""
    where = [
        hook_body.c.tenant == tenant,
        hook_body.c.source == source,
        hook_body.c.number > after,
    ]
    if unread:
        where.append(hook_body.c.code.is_not(None))
    rows = select(*_COLUMNS).where(*where).order_by(hook_body.c.number).limit(most)
    return [_body(row) for row in await tx.execute(rows)]


def _body(row: Any) -> Body:
    return Body(*row)


async def oldest_waiting(tx: AsyncConnection, before: datetime) -> tuple[str, Body] | None:
    """The oldest body that has waited since before a moment, its row locked, and its company."""
    rows = (
        select(hook_body.c.tenant, *_COLUMNS)
        .where(hook_body.c.code == WAITING, hook_body.c.received_at < before)
        .order_by(hook_body.c.received_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = (await tx.execute(rows)).one_or_none()
    return None if row is None else (row[0], Body(*row[1:]))


async def forget(tx: AsyncConnection, tenant: str, number: int) -> None:
    """Forget a body."""
    await tx.execute(
        delete(hook_body).where(hook_body.c.tenant == tenant, hook_body.c.number == number)
    )


async def sweep(tx: AsyncConnection, before: datetime, most: int) -> int:
    """Forget some bodies of before a moment; how many."""
    gone = await tx.execute(_SWEEP, {"before": before, "most": most})
    return int(gone.rowcount)
