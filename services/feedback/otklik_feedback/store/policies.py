"""What companies promise has changed: how often, and whose clocks are still to be made anew."""

from collections.abc import Collection
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from otklik_common.clocks import heard
from otklik_common.clocks.heard import Redo as Changed
from otklik_common.clocks.policy_change import Facts
from otklik_feedback.store.columns import SCHEMA

LOCK: Final = 5_300
"""Class of the advisory locks between those who make clocks and changes of what is promised."""


class Redo(NamedTuple):
    """
    Clocks that are to be made anew, its row locked.

    Attributes:
        branch: `policy_change.EVERYBODY` for all branches.
        place: The last claim or review that was looked at.
    """

    tenant: str
    branch: str
    since: datetime
    place: UUID | None


_VERSION: Final = f"SELECT version FROM {SCHEMA}.promises WHERE tenant = $1"  # noqa: S608

_BUMP: Final = f"""
INSERT INTO {SCHEMA}.promises (tenant, version) SELECT tenant, 1 FROM unnest($1::text[]) t(tenant)
ON CONFLICT (tenant) DO UPDATE SET version = promises.version + 1
"""  # noqa: S608 - a name of our own

_ASK: Final = f"""
INSERT INTO {SCHEMA}.promises_redo AS r (tenant, branch, since)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[])
ON CONFLICT (tenant, branch) DO UPDATE SET since = least(r.since, excluded.since), place = NULL
"""  # noqa: S608 - a name of our own

_WAITING: Final = f"""
SELECT tenant FROM {SCHEMA}.promises_redo WHERE NOT tenant = ANY ($1) ORDER BY tenant LIMIT 1
"""  # noqa: S608 - a name of our own

_TAKE: Final = f"""
SELECT {", ".join(Redo._fields)} FROM {SCHEMA}.promises_redo
WHERE tenant = $1 ORDER BY branch LIMIT 1 FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - a name of our own

_MOVE: Final = f"""
UPDATE {SCHEMA}.promises_redo SET place = $3 WHERE tenant = $1 AND branch = $2
"""  # noqa: S608 - a name of our own

_DONE: Final = f"DELETE FROM {SCHEMA}.promises_redo WHERE tenant = $1 AND branch = $2"  # noqa: S608


async def version(on: asyncpg.Connection, tenant: str) -> int:
    """
    Which promises hold for a company until this transaction ends; 0 before the first.

    Whoever changes what a company promises waits until it has ended: what is made here is made by
    the newest version, or made anew.
    """
    await heard.share(on, LOCK, [tenant])
    return int(await on.fetchval(_VERSION, tenant) or 0)


async def facts(on: asyncpg.Connection, tenant: str) -> Facts:
    """What a company says of policies, calendars and branches."""
    return (await heard.facts(on, SCHEMA, [tenant]))[tenant]


async def changed(on: asyncpg.Connection, redo: Changed) -> None:
    """Companies promise something else now; `redo`: since when, by company and branch."""
    await on.execute(_BUMP, sorted({tenant for tenant, _ in redo}))
    rows = [(*whose, since) for whose, since in sorted(redo.items())]
    await on.execute(_ASK, *zip(*rows, strict=True))


async def waiting(on: asyncpg.Connection, busy: Collection[str]) -> str | None:
    """A company whose clocks are to be made anew, none of `busy`; None where there is none."""
    found: str | None = await on.fetchval(_WAITING, list(busy))
    return found


async def take(on: asyncpg.Connection, tenant: str) -> Redo | None:
    """Something of a company to be made anew that nobody else works on."""
    row = await on.fetchrow(_TAKE, tenant)
    return None if row is None else Redo(*row)


async def move(on: asyncpg.Connection, redo: Redo) -> None:
    """Remember where it goes on."""
    await on.execute(_MOVE, redo.tenant, redo.branch, redo.place)


async def done(on: asyncpg.Connection, redo: Redo) -> None:
    """All of it is made."""
    await on.execute(_DONE, redo.tenant, redo.branch)
