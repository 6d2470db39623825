"""Companies with too many contacts waiting to be folded, as a worker noted them."""

from collections.abc import Sequence
from typing import Final

import asyncpg

from otklik_common.db import Database
from otklik_contact_center.store.columns import SCHEMA

_NOTE: Final = f"""
INSERT INTO {SCHEMA}.backlog (tenant, noted_at)
SELECT tenant, clock_timestamp() FROM unnest($1::text[]) AS t(tenant)
ON CONFLICT (tenant) DO UPDATE SET noted_at = excluded.noted_at
"""  # noqa: S608 - a name of our own

_FORGET: Final = f"DELETE FROM {SCHEMA}.backlog WHERE NOT tenant = ANY ($1)"  # noqa: S608

# What an ended worker has noted is soon not believed.
_OF: Final = f"""
SELECT tenant FROM {SCHEMA}.backlog
WHERE tenant = ANY ($1) AND noted_at > clock_timestamp() - interval '15 seconds'
"""  # noqa: S608 - a name of our own


async def note(on: asyncpg.Connection, tenants: Sequence[str]) -> None:
    """These have too much waiting now, and nobody else; in the worker's transaction."""
    await on.execute(_FORGET, tenants)
    await on.execute(_NOTE, sorted(tenants))


async def of(db: Database, tenants: Sequence[str]) -> set[str]:
    """Those of the companies that have too much waiting, as the role pusher sees them."""
    connection = await db.connect()
    try:
        async with connection.transaction():
            await connection.execute(
                "SELECT set_config('app.tenants', $1, true)", ",".join(tenants)
            )
            return {row[0] for row in await connection.fetch(_OF, tenants)}
    finally:
        await connection.close(timeout=2)
