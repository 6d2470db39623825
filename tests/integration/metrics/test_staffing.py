"""Agents by half hours, from the calls that metrics has counted."""

from datetime import timedelta
from typing import Any

import pytest

from otklik_common.erlang import Load, need
from tests.support.facts import a_contact, an_answered_contact
from tests.support.metrics_api import TEN, Office, abandoned, answered, numbered

pytestmark = pytest.mark.asyncio

WEEK = {"from": "2026-03-09T00:00:00+03:00", "to": "2026-03-16T00:00:00+03:00"}


async def planned(office: Office, **said: Any) -> dict[str, Any]:
    answer = await office.call("POST", "/staffing", {"time": WEEK, **said})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_a_week_of_calls_says_how_many_agents_it_takes(office: Office) -> None:
    await office.hear(
        numbered("a", [answered(12_000)] * 50) | numbered("g", [abandoned(60_000)] * 5)
    )
    means = (await office.query("aht_seconds", "patience_seconds", "contacts_offered"))["rows"][0]
    aht, patience = (means[name]["value"] for name in ("aht_seconds", "patience_seconds"))
    assert patience == pytest.approx((50 * 12 + 5 * 60) / 5)
    found = await planned(office)
    (slot,) = found["slots"]
    assert (slot["weekday"], slot["begins"], slot["calls"]) == ("tue", "10:00", 55)
    expected = need(
        Load(55 / 1800, aht, patience), answered=0.8, threshold=20, most_occupied=0.85,
        shrinkage=0.3,
    )  # fmt: skip
    assert expected.meets is not None
    assert (slot["agents"], slot["rostered"]) == (expected.agents, expected.rostered)
    assert slot["answered_in_time"] == pytest.approx(expected.meets.answered_in_time, abs=1e-4)
    assert (found["handle_seconds"], found["most_agents"]) == (round(aht, 3), expected.agents)
    assert found["agent_hours_a_week"] == expected.agents / 2


async def test_other_hours_are_tried(office: Office) -> None:
    early = an_answered_contact(offered_at=TEN - timedelta(hours=2))
    await office.hear(numbered("a", [answered()] * 9) | {"early": early})
    found = await planned(office, hours={"tue": ["08:00-09:00"]})
    assert [(one["begins"], one["calls"]) for one in found["slots"]] == [("08:00", 1), ("08:30", 0)]
    assert (found["calls_a_week"], found["calls_outside"]) == (1, 9)


async def test_calls_are_meant_where_nothing_else_is_said(office: Office) -> None:
    chats = numbered("c", [an_answered_contact(offered_at=TEN, channel="chat")] * 4)
    await office.hear(numbered("a", [answered()] * 3) | chats)
    assert (await planned(office))["calls_a_week"] == 3
    assert (await planned(office, filters=[]))["calls_a_week"] == 7


async def test_where_nobody_gave_up_that_is_said(office: Office) -> None:
    await office.hear(numbered("a", [answered()] * 3))
    found = await planned(office, handle_seconds=60)
    assert (found["patience_seconds"], found["handle_seconds"]) == (None, 60)
    assert "nobody gives up" in found["notes"][1]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"time": {**WEEK, "from": "2025-01-01T00:00:00Z"}}, "range_too_long"),
        ({"time": {**WEEK, "to": "2026-06-01T00:00:00Z"}}, "range_not_over"),
        ({}, "no_handle_time"),
        ({"answered": 1}, "invalid"),
        ({"hours": {"mon": ["25:00-26:00"]}}, "invalid"),
        ({"filters": [{"dimension": "shoe", "op": "eq", "value": "x"}]}, "unknown_dimension"),
    ],
)
async def test_what_cannot_be_planned_is_said(
    office: Office, said: dict[str, Any], code: str
) -> None:
    await office.hear({"open": a_contact(offered_at=TEN)})
    answer = await office.call("POST", "/staffing", {"time": WEEK, **said})
    assert (answer.status_code, answer.json()["code"]) == (422, code)
