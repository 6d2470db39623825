"""What sources sent by the hour: added to by whoever takes pushes in."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from otklik_common.db import Database
from otklik_contact_center.store.columns import SCHEMA

ANSWER_SECONDS: Final = 5.0


class HourRow(NamedTuple):
    """
    What to add to an hour of a source.

    Attributes:
        minutes: A bit for each in which something new came.
        late: Of the accepted: those that were overtaken.
        heard_at: When the last new event came; None if none did.
        newest_at: The latest time that a new event tells, never ahead of its coming.
        arrived_at: When anything came last.
    """

    tenant: str
    source: str
    hour: datetime
    minutes: int
    accepted: int
    duplicates: int
    refused: int
    late: int
    heard_at: datetime | None
    newest_at: datetime | None
    arrived_at: datetime


class DelayRow(NamedTuple):
    """How many events of an hour to add to a bucket of delays."""

    tenant: str
    source: str
    hour: datetime
    bucket: int
    events: int


class MinutesRow(NamedTuple):
    """Minutes of an hour in which we were there to hear."""

    hour: datetime
    minutes: int


_HOURS: Final = f"""
INSERT INTO {SCHEMA}.source_hour AS known (tenant, source, hour, minutes, accepted, duplicates,
  refused, late, heard_at, newest_at, arrived_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::bigint[], $5::bigint[],
  $6::bigint[], $7::bigint[], $8::bigint[], $9::timestamptz[], $10::timestamptz[],
  $11::timestamptz[])
ON CONFLICT (tenant, source, hour) DO UPDATE SET
  minutes = known.minutes | excluded.minutes,
  accepted = known.accepted + excluded.accepted,
  duplicates = known.duplicates + excluded.duplicates,
  refused = known.refused + excluded.refused,
  late = known.late + excluded.late,
  heard_at = greatest(known.heard_at, excluded.heard_at),
  newest_at = greatest(known.newest_at, excluded.newest_at),
  arrived_at = greatest(known.arrived_at, excluded.arrived_at)
"""  # noqa: S608 - a name of our own

_DELAYS: Final = f"""
INSERT INTO {SCHEMA}.source_delay AS known (tenant, source, hour, bucket, events)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::smallint[], $5::bigint[])
ON CONFLICT (tenant, source, hour, bucket) DO UPDATE SET events = known.events + excluded.events
"""  # noqa: S608 - a name of our own

_MINUTES: Final = f"""
INSERT INTO {SCHEMA}.intake_hour AS known (hour, minutes)
SELECT * FROM unnest($1::timestamptz[], $2::bigint[])
ON CONFLICT (hour) DO UPDATE SET minutes = known.minutes | excluded.minutes
"""  # noqa: S608 - a name of our own


async def add(
    db: Database,
    hours: Sequence[HourRow],
    delays: Sequence[DelayRow],
    minutes: Sequence[MinutesRow],
) -> None:
    """
    Add, in one transaction of the role pusher and on a connection of its own.

    Args:
        hours, delays, minutes: Each sorted by its key, lest two processes wait for each other.
    """
    connection = await db.connect(answer_seconds=ANSWER_SECONDS)
    try:
        async with connection.transaction():
            tenants = ",".join(sorted({row.tenant for row in hours}))
            await connection.execute("SELECT set_config('app.tenants', $1, true)", tenants)
            rows: Sequence[NamedTuple]
            for statement, rows in ((_HOURS, hours), (_DELAYS, delays), (_MINUTES, minutes)):
                if rows:
                    await connection.execute(statement, *zip(*rows, strict=True))
    finally:
        await connection.close(timeout=2)
