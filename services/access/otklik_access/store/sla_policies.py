"""Policies of service."""

from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_access.domain.kept import Kept
from otklik_access.domain.sla_policies import Policy
from otklik_access.store import tables
from otklik_access.store.rows import put
from otklik_common.events.access import SlaTerms
from otklik_common.paging import Part, keyset


async def policy(tx: AsyncConnection, tenant: str, code: str) -> Kept[Policy] | None:
    """The policy of that code, also one that was removed."""
    table = tables.sla_policy
    found = await tx.execute(select(table).where(table.c.tenant == tenant, table.c.code == code))
    row = found.one_or_none()
    return None if row is None else _policy(row)


async def policies(tx: AsyncConnection, tenant: str, part: Part) -> list[Kept[Policy]]:
    """Policies in the order of their codes."""
    table = tables.sla_policy
    rows = select(table).where(table.c.tenant == tenant, ~table.c.void)
    return [_policy(row) for row in await tx.execute(keyset(rows, part, order=(table.c.code,)))]


async def every_policy(tx: AsyncConnection, tenant: str) -> list[Policy]:
    """All policies of a company."""
    table = tables.sla_policy
    rows = await tx.execute(
        select(table).where(table.c.tenant == tenant, ~table.c.void).order_by(table.c.code)
    )
    return [_policy(row).value for row in rows]


def _policy(row: Row[Any]) -> Kept[Policy]:
    terms = tuple(SlaTerms.model_validate(one) for one in row.terms)
    return Kept(Policy(row.code, terms, row.names), row.revision, row.recorded_at, row.void)


async def put_policy(tx: AsyncConnection, tenant: str, kept: Kept[Policy]) -> None:
    """Keep a revision of a policy."""
    value = kept.value
    await put(
        tx,
        tables.sla_policy,
        kept,
        {
            "tenant": tenant,
            "code": value.code,
            "names": value.names,
            "priority": value.last.priority,
            "active": value.last.active,
            "terms": [one.model_dump(mode="json") for one in value.terms],
        },
    )
