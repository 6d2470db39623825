"""
The inbox: events as pushed, and what of them was not let in.

One statement appends the rows of many requests and many companies (decision 0020). It names its
companies itself, so that a flush is one round trip and one commit.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

from otklik_contact_center.store.columns import SCHEMA

LOST: Final = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.CannotConnectNowError,
    # What asyncpg says of a connection whose end it has half read.
    asyncpg.InternalClientError,
)
"""The connection is gone, or about to go; whether the statement was committed is not known."""


class Row(NamedTuple):
    """An event on its way into the inbox; `body` is sealed."""

    tenant: str
    source: str
    id: str
    contact: str
    body_hash: bytes
    body: bytes
    at: datetime
    received_at: datetime
    traceparent: str | None
    lane: int


class RefusedRow(NamedTuple):
    """An event that was not let in; `body` and `detail` are sealed."""

    tenant: str
    source: str
    body_hash: bytes
    code: str
    body: bytes | None
    detail: bytes
    received_at: datetime


Key = tuple[str, str, str]
"""Company, source, the sender's id: one event for ever."""

# set_config runs before the first row is made, and is undone with the statement's transaction.
_ALLOWED: Final = "allowed AS MATERIALIZED (SELECT set_config('app.tenants', $1, true) AS tenants)"

APPEND: Final = f"""
WITH {_ALLOWED},
pushed AS MATERIALIZED (
  SELECT p.tenant, source, id, contact, body_hash, body, to_timestamp(at) AS at,
    to_timestamp(received) AS received_at, traceparent, coalesce(lane, 0::smallint) AS lane
  FROM allowed, unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[],
    $7::bytea[], $8::float8[], $9::float8[], $10::text[], $11::smallint[])
    AS p(tenant, source, id, contact, body_hash, body, at, received, traceparent, lane)
  WHERE allowed.tenants IS NOT NULL),
new AS (
  INSERT INTO {SCHEMA}.inbox
    (tenant, source, id, contact, body_hash, body, at, received_at, traceparent)
  SELECT tenant, source, id, contact, body_hash, body, at, received_at, traceparent FROM pushed
  ON CONFLICT DO NOTHING RETURNING tenant, source, id),
marked AS (
  INSERT INTO {SCHEMA}.dirty (tenant, source, contact, lane)
  SELECT DISTINCT tenant, source, contact, lane FROM pushed JOIN new USING (tenant, source, id))
SELECT count(*) AS made, CASE WHEN count(*) < cardinality($2::text[])
  THEN array_agg(ARRAY[tenant, source, id]) END AS keys FROM new
"""  # noqa: S608 - a name of our own

_HASHES: Final = f"""
SELECT i.tenant, i.source, i.id, i.body_hash
FROM unnest($1::text[], $2::text[], $3::text[]) AS k(tenant, source, id)
JOIN {SCHEMA}.inbox i ON i.tenant = k.tenant AND i.source = k.source AND i.id = k.id
"""  # noqa: S608 - a name of our own

_REFUSE: Final = f"""
WITH {_ALLOWED}
INSERT INTO {SCHEMA}.refused (tenant, source, body_hash, code, body, detail, received_at)
SELECT r.* FROM allowed, unnest($2::text[], $3::text[], $4::bytea[], $5::text[], $6::bytea[],
  $7::bytea[], $8::timestamptz[]) AS r
WHERE allowed.tenants IS NOT NULL
ON CONFLICT DO NOTHING
"""  # noqa: S608 - a name of our own


class Appender:
    """Appends on one connection of the role pusher."""

    def __init__(self, connection: asyncpg.Connection, append: PreparedStatement) -> None:
        self._connection = connection
        self._append = append

    @classmethod
    async def on(cls, connection: asyncpg.Connection) -> "Appender":
        """Prepare the statement once for the life of the connection."""
        for setting, value in (
            ("application_name", f"otklik_{SCHEMA}_pusher"),
            ("statement_timeout", "10s"),
            ("lock_timeout", "5s"),
            ("timezone", "UTC"),
            ("jit", "off"),
            # The plan does not depend on the number of rows.
            ("plan_cache_mode", "force_generic_plan"),
        ):
            await connection.execute("SELECT set_config($1, $2, false)", setting, value)
        return cls(connection, await connection.prepare(APPEND))

    async def append(self, rows: Sequence[Row]) -> set[Key] | None:
        """
        Append rows and mark their contacts; commits.

        Args:
            rows: Sorted by key: two flushes that meet the same events in different orders would
                wait for each other. Of equal keys the first is kept.
        Returns:
            Keys of the rows that were new; None if all were.
        """
        found = await self._append.fetchrow(_tenants(rows), *columns(rows))
        assert found is not None
        if found["keys"] is None and found["made"] == len(rows):
            return None
        return {tuple(key) for key in found["keys"] or ()}

    async def hashes(self, keys: Sequence[Key]) -> dict[Key, bytes]:
        """Hashes of the bodies that are kept under these keys."""
        async with self._connection.transaction():
            tenants = ",".join(sorted({tenant for tenant, _, _ in keys}))
            await self._connection.execute("SELECT set_config('app.tenants', $1, true)", tenants)
            rows = await self._connection.fetch(_HASHES, *zip(*keys, strict=True))
        return {(row[0], row[1], row[2]): row[3] for row in rows}

    async def refuse(self, rows: Sequence[RefusedRow]) -> None:
        """Keep what was not let in, each body once; commits."""
        await self._connection.execute(_REFUSE, _tenants(rows), *zip(*rows, strict=True))

    async def close(self) -> None:
        """Give the connection back."""
        await self._connection.close(timeout=2)


def columns(rows: Sequence[Row]) -> list[Sequence[object]]:
    """
    The arrays of `APPEND`.

    The driver looks at every element of an array, and at times longest: they go as seconds since
    1970, exact to the microsecond. A column of nothing but nulls and zeros is left empty:
    PostgreSQL fills up what is shorter than the others.
    """
    *texts, at, received_at, traceparent, lane = zip(*rows, strict=True)
    return [
        *texts,
        [moment.timestamp() for moment in at],
        [moment.timestamp() for moment in received_at],
        traceparent if any(traceparent) else (),
        lane if any(lane) else (),
    ]


def _tenants(rows: Iterable[Row | RefusedRow]) -> str:
    return ",".join(sorted({row.tenant for row in rows}))
