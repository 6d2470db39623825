"""
What keeps a database from tidying up: sessions that hold an old snapshot, and what piles up.

PostgreSQL shows when a transaction began to its owner only, but to everybody which transactions a
session's snapshot keeps alive. So an age is how long we have seen a session hold the same one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import dead_letters

# Vacuum itself holds nobody up: it has no login.
_SNAPSHOTS = text("""
    SELECT pid, CAST(backend_xmin AS text) AS oldest FROM pg_stat_activity
    WHERE backend_xmin IS NOT NULL AND usesysid IS NOT NULL AND pid <> pg_backend_pid()
        AND (datname = current_database() OR datname IS NULL)""")

_DEAD_ROWS = text("""
    SELECT coalesce(sum(n_dead_tup), 0) FROM pg_stat_user_tables
    WHERE schemaname = :schema AND relname = 'outbox'""")


class Seen(NamedTuple):
    """
    One look at a database.

    Attributes:
        snapshots: By session, the oldest transaction that its snapshot keeps alive.
        dead_rows: Of the outbox, as PostgreSQL estimates.
        dead_letters: Neither taken in nor given up.
    """

    snapshots: Mapping[int, str]
    dead_rows: int
    dead_letters: int


async def look(tx: AsyncConnection, schema: str) -> Seen:
    """Look at the database of `tx`, and at the tables of `schema` in it."""
    held = {row.pid: row.oldest for row in await tx.execute(_SNAPSHOTS)}
    dead_rows = (await tx.execute(_DEAD_ROWS, {"schema": schema})).scalar_one()
    letters = await dead_letters.count_open(tx, schema)
    return Seen(held, int(dead_rows), letters)


@dataclass(slots=True)
class Snapshots:
    """Since when each session has been seen to hold the snapshot that it holds now."""

    _since: dict[int, tuple[str, float]] = field(default_factory=dict)

    def oldest(self, held: Mapping[int, str], now: float) -> float:
        """Seconds that the longest held of these snapshots has been seen; 0 where there is none."""
        self._since = {
            pid: known if (known := self._since.get(pid)) and known[0] == oldest else (oldest, now)
            for pid, oldest in held.items()
        }
        return now - min((since for _, since in self._since.values()), default=now)
