"""Records that could not be taken in: put aside in the batch's transaction, taken up again later."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.failpoints import failpoint
from otklik_common.log.port import Place, Record

GIVEN_UP: Final = "given up: "
"""How the reason of a letter begins that will never be taken in."""

_PUT: Final = """
    WITH new AS MATERIALIZED (
        SELECT * FROM unnest(CAST(:tenants AS text[]), CAST(:topics AS text[]),
            CAST(:partitions AS int[]), CAST(:offsets AS bigint[]), CAST(:keys AS text[]),
            CAST(:reasons AS text[]), CAST(:values AS bytea[]))
            AS new (tenant, topic, partition, "offset", key, reason, value)),
    again AS (
        DELETE FROM {schema}.dead_letter AS known USING new
        WHERE known.consumer = :consumer AND known.topic = new.topic
            AND known.partition = new.partition AND known."offset" = new."offset")
    INSERT INTO {schema}.dead_letter
        (tenant, consumer, topic, partition, "offset", key, reason, value)
    SELECT tenant, :consumer, topic, partition, "offset", key, reason, value FROM new"""

_RUNS: Final = """
    SELECT at.topic, at.partition, at.next, dead."offset"
    FROM {schema}.positions AS at
    JOIN {schema}.dead_letter AS dead USING (consumer, topic, partition)
    WHERE at.consumer = :consumer AND dead."offset" < at.next
        AND dead."offset" >= at.next - :most"""

_TAKE: Final = """
    SELECT topic, partition, "offset", coalesce(key, ''), value FROM {schema}.dead_letter
    WHERE id = :id AND consumer = :consumer AND redriven_at IS NULL FOR UPDATE SKIP LOCKED"""

_OPEN: Final = """
    SELECT id, topic FROM {schema}.dead_letter
    WHERE consumer = :consumer AND redriven_at IS NULL ORDER BY id"""

_STANDING: Final = """
    SELECT id, consumer, topic, partition, "offset", reason, recorded_at, redriven_at
    FROM {schema}.dead_letter"""

_ALL_OPEN: Final = f"{_STANDING} WHERE redriven_at IS NULL ORDER BY consumer, id"

_COUNT_OPEN: Final = "SELECT count(*) FROM {schema}.dead_letter WHERE redriven_at IS NULL"

_OF_IDS: Final = f"{_STANDING} WHERE id = ANY (CAST(:ids AS bigint[])) ORDER BY consumer, id"

_VALUES: Final = """
    SELECT id, value FROM {schema}.dead_letter WHERE id = ANY (CAST(:ids AS bigint[]))"""

_GIVE_UP: Final = """
    UPDATE {schema}.dead_letter SET
        reason = :given_up || reason, redriven_at = clock_timestamp()
    WHERE id = ANY (CAST(:ids AS bigint[])) AND consumer = :consumer AND redriven_at IS NULL"""

_SETTLE: Final = """
    UPDATE {schema}.dead_letter SET
        reason = coalesce(CAST(:reason AS text), reason),
        redriven_at = CASE WHEN CAST(:reason AS text) IS NULL THEN clock_timestamp() END
    WHERE id = :id"""

put_aside = failpoint("dead_letters.put_aside", "letters are written, the position is not moved")
given_up = failpoint("dead_letters.given_up", "letters are given up, not committed")


class DeadLetter(NamedTuple):
    """A record with what is wrong with it; the reason repeats no value of it."""

    record: Record
    reason: str
    tenant: str | None


class Standing(NamedTuple):
    """
    How it stands with a dead letter; what the record says is left where it is.

    Attributes:
        settled_at: When it was taken in or given up; None while it is open.
    """

    id: int
    consumer: str
    topic: str
    partition: int
    offset: int
    reason: str
    recorded_at: datetime
    settled_at: datetime | None

    @property
    def given_up(self) -> bool:
        """Whether it was settled without being taken in."""
        return self.settled_at is not None and self.reason.startswith(GIVEN_UP)


async def put(
    tx: AsyncConnection, schema: str, consumer: str, letters: Sequence[DeadLetter]
) -> None:
    """Keep dead letters; one that stands there already from an earlier reading is replaced."""
    if not letters:
        return
    await tx.execute(
        text(_PUT.replace("{schema}", schema)),
        {
            "consumer": consumer,
            "tenants": [letter.tenant for letter in letters],
            "topics": [letter.record.topic for letter in letters],
            "partitions": [letter.record.partition for letter in letters],
            "offsets": [letter.record.offset for letter in letters],
            "keys": [letter.record.key.replace("\0", "") for letter in letters],
            "reasons": [letter.reason.replace("\0", "") for letter in letters],
            "values": [letter.record.value for letter in letters],
        },
    )
    put_aside()


async def unbroken_run(tx: AsyncConnection, schema: str, consumer: str, most: int) -> int:
    """How many of the records last taken in were put aside one after another, in any partition."""
    rows = await tx.execute(
        text(_RUNS.replace("{schema}", schema)), {"consumer": consumer, "most": most}
    )
    following: dict[Place, int] = {}
    dead: dict[Place, set[int]] = {}
    for topic, partition, position, offset in rows:
        following[topic, partition] = position
        dead.setdefault((topic, partition), set()).add(offset)
    longest = 0
    for at, offsets in dead.items():
        run = 0
        while following[at] - 1 - run in offsets:
            run += 1
        longest = max(longest, run)
    return longest


async def take(tx: AsyncConnection, schema: str, consumer: str, letter: int) -> Record | None:
    """Lock a dead letter that was not yet taken up again; None if there is none of that id."""
    row = (
        await tx.execute(
            text(_TAKE.replace("{schema}", schema)), {"id": letter, "consumer": consumer}
        )
    ).one_or_none()
    return None if row is None else Record(*row)


async def settle(tx: AsyncConnection, schema: str, letter: int, reason: str | None) -> None:
    """Say that a dead letter was taken in, or why it still cannot be."""
    await tx.execute(text(_SETTLE.replace("{schema}", schema)), {"id": letter, "reason": reason})


async def still_open(tx: AsyncConnection, schema: str, consumer: str) -> Mapping[int, str]:
    """The topic of each dead letter that was neither taken in nor given up, by its id."""
    rows = await tx.execute(text(_OPEN.replace("{schema}", schema)), {"consumer": consumer})
    return {row.id: row.topic for row in rows}


async def count_open(tx: AsyncConnection, schema: str) -> int:
    """How many no consumer of the schema has taken in and nobody has given up."""
    counted = await tx.execute(text(_COUNT_OPEN.replace("{schema}", schema)))
    return int(counted.scalar_one())


async def all_open(tx: AsyncConnection, schema: str) -> list[Standing]:
    """What no consumer of the schema has taken in and nobody has given up, by consumer and id."""
    rows = await tx.execute(text(_ALL_OPEN.replace("{schema}", schema)))
    return [Standing(*row) for row in rows]


async def standing(tx: AsyncConnection, schema: str, letters: Sequence[int]) -> list[Standing]:
    """The letters of these ids, settled or not, by consumer and id; unknown ids are left out."""
    rows = await tx.execute(text(_OF_IDS.replace("{schema}", schema)), {"ids": letters})
    return [Standing(*row) for row in rows]


async def values(tx: AsyncConnection, schema: str, letters: Sequence[int]) -> Mapping[int, bytes]:
    """What dead letters say, by their ids."""
    rows = await tx.execute(text(_VALUES.replace("{schema}", schema)), {"ids": letters})
    return {row.id: row.value for row in rows}


async def give_up(tx: AsyncConnection, schema: str, consumer: str, letters: Sequence[int]) -> int:
    """
    Say that dead letters will never be taken in: they cannot be redriven any more.

    Whoever waits for them, as the history does, goes on. Returns how many that were.
    """
    done = await tx.execute(
        text(_GIVE_UP.replace("{schema}", schema)),
        {"consumer": consumer, "ids": letters, "given_up": GIVEN_UP},
    )
    given_up()
    return int(done.rowcount)
