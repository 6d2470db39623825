"""Occupancy: a day is read by index, and what lay about for weeks is no work."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from otklik_common.events.contact_center import AgentState
from otklik_metrics.domain.planner import Piece
from otklik_metrics.store.query_facts import Source
from otklik_metrics.store.query_histories import Statement, in_contact, ready
from otklik_metrics.store.tables import FACTS, SCHEMA
from tests.support.metrics_api import NOW, TEN, Office, answered, numbered
from tests.support.metrics_world import a_company, a_query
from tests.support.plans import rows_read

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def spoken(begin: datetime, lasted: timedelta | None, **said: Any) -> Any:
    """A contact that an agent talked in."""
    ended = None if lasted is None else begin + lasted
    default: dict[str, Any] = {
        "agent": "petrova",
        "offered_at": begin,
        "answered_at": begin,
        "wrapped_ms": 0,
    }
    return answered(**default | {"ended_at": ended, "closed_at": ended} | said)


def stood(begin: datetime, lasted: timedelta | None, **said: Any) -> AgentState:
    """A stretch of readiness."""
    ended = None if lasted is None else begin + lasted
    default: dict[str, Any] = {"agent": "petrova", "state": "available", "from_at": begin}
    return AgentState(**default | {"to_at": ended} | said)


@pytest.mark.asyncio
@pytest.mark.parametrize(("kind", "stretches"), [("contact", in_contact), ("agent_state", ready)])
async def test_a_day_is_read_by_index(
    office: Office, kind: str, stretches: Callable[..., Statement]
) -> None:
    make = spoken if kind == "contact" else stood
    long_ago = datetime(2025, 6, 1, tzinfo=UTC)
    await office.hear(
        numbered("a", [make(long_ago + n * timedelta(hours=2), HOUR) for n in range(4000)])
        | {"open": make(long_ago, None)}
    )
    await office.admin.execute(f"ANALYZE metrics.facts_{kind}")
    day = Piece(datetime(2026, 3, 10, tzinfo=UTC), datetime(2026, 3, 11, tzinfo=UTC))
    query = a_query("occupancy", company=a_company(office.tenant))
    statement = stretches(Source(kind, FACTS[kind]), query, day, NOW)
    async with office.platform.database(SCHEMA, "api").begin(office.tenant) as tx:
        # Twelve begin on the day, one goes on since last year; the seven days before are looked at.
        assert len((await tx.execute(statement)).all()) == 13
        assert await rows_read(tx, statement) < 300


@pytest.mark.asyncio
async def test_what_goes_on_is_found_however_long_ago_it_began(office: Office) -> None:
    await office.hear({"a": spoken(TEN - 30 * DAY, None), "b": stood(TEN - 40 * DAY, None)})
    day = {"from": "2026-03-10T00:00:00+03:00", "to": "2026-03-11T00:00:00+03:00"}
    (row,) = (await office.query("occupancy", time=day))["rows"]
    assert (row["occupancy"]["numerator"], row["occupancy"]["denominator"]) == (86_400, 86_400)


@pytest.mark.asyncio
async def test_what_has_ended_counts_for_seven_days_from_any_day(office: Office) -> None:
    await office.hear({"a": spoken(TEN, 20 * DAY), "b": stood(TEN, 20 * DAY, agent="ivanov")})
    days = await office.cells("occupancy", time={"granularity": "day"})
    seconds = [cell["numerator"] or 0 for cell in days.values()]
    assert sum(seconds) == 7 * 86_400
    for number in (0, 3, 7, 8, 15):
        midnight = datetime(2026, 3, 9, 21, tzinfo=UTC) + number * DAY
        span = {"from": midnight.isoformat(), "to": (midnight + DAY).isoformat()}
        (row,) = (await office.query("occupancy", time=span))["rows"]
        assert (row["occupancy"]["numerator"] or 0) == seconds[9 + number], number
