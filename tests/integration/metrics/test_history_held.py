"""Records put aside hold the history back: the past that was answered is never added to."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from otklik_common import dead_letters
from otklik_common.consumer import Consumer, Redriven, redrive
from otklik_common.events.registry import encode
from otklik_common.reading import recorded_at
from otklik_metrics.consumers import KeepHistory
from otklik_metrics.store import history
from otklik_metrics.store.history import GROUP, TOPICS
from tests.integration.metrics.test_rebuild_from_log import Logged, logged  # noqa: F401 - a fixture
from tests.support.facts import PHONE, a_customer, an_event

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


def a_record(system: Logged) -> tuple[str, bytes]:
    """Key and value of a customer, recorded at noon."""
    event = an_event(a_customer(PHONE), tenant=system.tenant, recorded_at=NOON)
    return event.key, encode(event)


async def promise(system: Logged, moment: datetime) -> None:
    """Let every relay say that it has sent what was recorded before a moment."""
    ends: Mapping[tuple[str, int], int] = await system.log.ends(TOPICS)
    for topic in TOPICS:
        counts = [end for (of, _), end in sorted(ends.items()) if of == topic]
        await system.log.publish_watermark(topic, moment, counts)


async def until(system: Logged) -> datetime | None:
    async with system.db.begin_as_worker() as tx:
        return await history.history_until(tx)


@pytest_asyncio.fixture
async def kept(logged: Logged) -> KeepHistory:  # noqa: F811 - a fixture
    """A history that reaches to an hour before noon."""
    await promise(logged, NOON - timedelta(hours=1))
    kept = KeepHistory(logged.db, logged.log)
    await kept.caught_up({})
    assert await until(logged) == NOON - timedelta(hours=1)
    return kept


async def send(system: Logged, *values: bytes) -> None:
    key, _ = a_record(system)
    publisher = await system.log.publisher("otklik.loyalty")
    await publisher.send([key] * len(values), values)
    await system.consume(keep_history=True)
    await promise(system, LATER)


async def letters(system: Logged) -> list[int]:
    rows = await system.admin.fetch("SELECT id FROM metrics.dead_letter ORDER BY id")
    return [row["id"] for row in rows]


@pytest.mark.asyncio
async def test_the_history_waits_where_a_record_was_put_aside(
    logged: Logged,  # noqa: F811 - a fixture
    kept: KeepHistory,
) -> None:
    _, value = a_record(logged)
    await send(logged, value.replace(b'"identifiers":["', b'"identifiers":["nobody'))
    await kept.caught_up({})
    assert await until(logged) == NOON
    # Mended and taken up again, it is what everybody waited for.
    await logged.admin.execute("UPDATE metrics.dead_letter SET value = $1", value)
    consumer = Consumer(GROUP, TOPICS, kept, logged.db, logged.log)
    assert await redrive(logged.db, consumer, await letters(logged)) == Redriven(1, 0)
    await kept.caught_up({})
    assert await until(logged) == LATER
    assert await logged.admin.fetchval("SELECT count(*) FROM metrics.fact_history_customer") == 1


@pytest.mark.asyncio
async def test_a_record_that_tells_no_time_holds_what_was_reached_before(
    logged: Logged,  # noqa: F811 - a fixture
    kept: KeepHistory,
) -> None:
    await send(logged, b"?")
    await kept.caught_up({})
    assert await until(logged) == NOON - timedelta(hours=1)


@pytest.mark.asyncio
async def test_what_was_given_up_is_waited_for_no_more_and_never_taken_up(
    logged: Logged,  # noqa: F811 - a fixture
    kept: KeepHistory,
) -> None:
    _, value = a_record(logged)
    await send(logged, b"?", value.replace(b'"identifiers":["', b'"identifiers":["nobody'))
    found = await letters(logged)
    async with logged.db.begin_as_worker() as tx:
        assert await dead_letters.give_up(tx, "metrics", "metrics.facts", found) == 0
        assert await dead_letters.give_up(tx, "metrics", GROUP, found) == 2
    await kept.caught_up({})
    assert await until(logged) == LATER
    await logged.admin.execute("UPDATE metrics.dead_letter SET value = $1", value)
    consumer = Consumer(GROUP, TOPICS, kept, logged.db, logged.log)
    assert await redrive(logged.db, consumer, found) == Redriven(0, 0)
    assert await logged.admin.fetchval("SELECT count(*) FROM metrics.fact_history_customer") == 0


def test_a_record_tells_its_time_whatever_else_is_wrong() -> None:
    assert recorded_at(b'{"type":"?","recordedtime":"2026-03-02T12:00:00Z"}') == NOON
    for broken in (b"?", b"\xff", b"{}", b'{"recordedtime":"2026-03-02T12:00:00"}'):
        assert recorded_at(broken) is None
