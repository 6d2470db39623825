"""Pools of tracked numbers of every company, as a worker reads them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_contact_center.store.columns import SCHEMA


class PoolNumbers(NamedTuple):
    """
    Numbers of a pool: leased, at rest, free.

    Attributes:
        grace_seconds: So long a number of its site rests.
    """

    tenant: str
    tracker: str
    pool: str
    held: int
    resting: int
    free: int
    grace_seconds: int | None


class Came(NamedTuple):
    """Visitors of a pool: who was leased a number, and who found none."""

    given: int
    lost: int


Pool = tuple[str, str, str]
"""Company, site and name."""

_NUMBERS: Final = text(f"""
SELECT s.*, CAST(t.body ->> 'grace_seconds' AS integer) FROM (
  SELECT tenant, tracker, pool, count(*) FILTER (WHERE ends_at > :now),
    count(*) FILTER (WHERE (ends_at IS NULL OR ends_at <= :now) AND free_from > :now),
    count(*) FILTER (WHERE (ends_at IS NULL OR ends_at <= :now) AND free_from <= :now)
  FROM {SCHEMA}.number_slot GROUP BY tenant, tracker, pool) s
JOIN {SCHEMA}.number_tracker t ON t.tenant = s.tenant AND t.code = s.tracker
ORDER BY s.tenant, s.tracker, s.pool
""")  # noqa: S608 - a name of our own

# By site: the index of leases begins with the company and the site.
_CAME: Final = text(f"""
SELECT t.tenant, t.code, l.pool, l.given, l.lost FROM {SCHEMA}.number_tracker t
CROSS JOIN LATERAL (
  SELECT pool, count(*) FILTER (WHERE NOT shared) AS given, count(*) FILTER (WHERE shared) AS lost
  FROM {SCHEMA}.number_lease
  WHERE tenant = t.tenant AND tracker = t.code AND begins >= :since AND pool IS NOT NULL
  GROUP BY pool) l
""")  # noqa: S608 - a name of our own


async def numbers(tx: AsyncConnection, now: datetime) -> Sequence[PoolNumbers]:
    """Every pool with a number, by company and site."""
    return [PoolNumbers(*row) for row in await tx.execute(_NUMBERS, {"now": now})]


async def came(tx: AsyncConnection, since: datetime) -> Mapping[Pool, Came]:
    """Who came to every pool since a moment; one to which nobody came is not there."""
    rows = await tx.execute(_CAME, {"since": since})
    return {(row[0], row[1], row[2]): Came(row[3], row[4]) for row in rows}
