"""What access says of policies and hours, heard: clocks that it changes are made anew."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Final

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.clocks.policy_change import KINDS, Facts, redone
from otklik_common.consumer import ReadEvent
from otklik_common.db import raw
from otklik_common.directory import KeepDirectory

Redo = Mapping[tuple[str, str], datetime]
"""Since when clocks are to be made anew, by company and branch."""

_ALONE: Final = """
SELECT pg_advisory_xact_lock($1, hashtext(t.tenant)) FROM unnest($2::text[]) AS t(tenant)
"""

_SHARE: Final = """
SELECT pg_advisory_xact_lock_shared($1, hashtext(t.tenant)) FROM unnest($2::text[]) AS t(tenant)
"""

_FACTS: Final = """
SELECT tenant, kind, data::text FROM {schema}.directory
WHERE tenant = ANY ($1) AND kind = ANY ($2) AND NOT void
"""


async def share(on: asyncpg.Connection, lock: int, tenants: Iterable[str]) -> None:
    """Make clocks of these companies: whoever changes what they promise waits until the end."""
    await on.fetch(_SHARE, lock, sorted(tenants))


async def facts(on: asyncpg.Connection, schema: str, tenants: Iterable[str]) -> dict[str, Facts]:
    """What companies say of policies, calendars and branches, as the directory of `schema` has it."""
    found: dict[str, dict[tuple[str, str], object]] = {tenant: {} for tenant in tenants}
    rows = await on.fetch(_FACTS.format(schema=schema), list(found), list(KINDS))
    for tenant, kind, data in rows:
        fact = KINDS[kind].model_validate_json(data)
        found[tenant][kind, fact.code] = fact
    return found  # type: ignore[return-value]  # each is what its kind says


class KeepPolicies(KeepDirectory):
    """
    Consumer of access's facts: the directory, and whose clocks another promise changes.

    Args:
        lock: Class of the advisory locks between this and those who make clocks: see `share`.
        matters: What the clocks are of: see `redone`.
        changed: Hears of what is to be made anew, in the transaction that makes it so.
    """

    def __init__(
        self,
        schema: str,
        lock: int,
        matters: Collection[str],
        changed: Callable[[asyncpg.Connection, Redo], Awaitable[None]],
    ) -> None:
        super().__init__(schema)
        self._schema = schema
        self._lock = lock
        self._matters = matters
        self._changed = changed

    async def apply(self, tx: AsyncConnection, events: Iterable[ReadEvent]) -> None:
        """Keep what is newer than what is known, and ask for what follows from it."""
        heard = list(events)
        tenants = {event.tenant for event in heard if event.kind in KINDS}
        if not tenants:
            await super().apply(tx, heard)
            return
        on = await raw(tx)
        # Before anything is written: whoever makes clocks beside this would make them of the old.
        await on.fetch(_ALONE, self._lock, sorted(tenants))
        before = await facts(on, self._schema, tenants)
        await super().apply(tx, heard)
        after = await facts(on, self._schema, tenants)
        redo = {
            (tenant, branch): since
            for tenant in tenants
            for branch, since in redone(before[tenant], after[tenant], self._matters).items()
        }
        if redo:
            await self._changed(on, redo)
