"""How far scripts are kept: steps done of those asked, whole conversations, and coverage."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from otklik_common.events.contact_center import Channel, Direction
from otklik_common.events.scripts import ScriptRun
from tests.support.facts import SOURCE, an_answered_contact
from tests.support.metrics_api import TEN, Office, a_body, numbered


def a_run(done: int, *missed: str, filled_at: datetime = TEN, **more: Any) -> ScriptRun:
    said: dict[str, Any] = {
        "contact": SOURCE,
        "source": SOURCE,
        "channel": Channel.CALL,
        "direction": Direction.IN,
        "branch": "tyumen",
        "agent": "petrova",
        "script": "buyers",
        "script_version": 1,
        "complete": True,
    }
    asked = done + len(missed)
    return ScriptRun(asked=asked, done=done, missed=missed, filled_at=filled_at, **(said | more))


@pytest.mark.asyncio
async def test_steps_are_added_up_not_shares_of_conversations(office: Office) -> None:
    runs = [
        a_run(9, "next_step"),
        a_run(0, "need", "next_step", agent="ivanov"),
        a_run(4, script="sellers"),
        a_run(0, script="sellers"),
    ]
    await office.hear(numbered("r", runs))
    names = ("script_runs", "script_kept", "script_kept_whole")
    (row,) = (await office.query(*names))["rows"]
    kept = row["script_kept"]
    assert (kept["value"], kept["numerator"], kept["denominator"], kept["n"]) == (
        13 / 16, 13, 16, 4,
    )  # fmt: skip
    assert kept["interval"] is None
    # Of the one that asked nothing nobody can say that it was kept.
    assert (row["script_kept_whole"]["value"], row["script_runs"]["value"]) == (1 / 4, 4)
    assert row["script_kept_whole"]["interval"] is not None
    by_agent = (await office.query("script_kept", group_by=["agent"]))["rows"]
    assert {one["agent"]: one["script_kept"]["value"] for one in by_agent} == {
        "petrova": 13 / 14,
        "ivanov": 0,
    }
    by_script = (await office.query("script_kept", group_by=["script", "branch"]))["rows"]
    assert {one["script"]: one["script_kept"]["value"] for one in by_script} == {
        "buyers": 9 / 12,
        "sellers": 1,
    }
    nothing = (await office.query("script_kept", filters=[
        {"dimension": "agent", "op": "in", "values": ["nobody"]}
    ]))["rows"]  # fmt: skip
    assert all(one["script_kept"]["value"] is None for one in nothing)


@pytest.mark.asyncio
async def test_coverage_sets_inbound_checklists_beside_inbound_contacts_answered(
    office: Office,
) -> None:
    contacts = [an_answered_contact(offered_at=TEN) for _ in range(4)]
    runs = [
        a_run(1),
        a_run(1, direction=Direction.OUT),
        a_run(1, filled_at=TEN + timedelta(hours=1)),
    ]
    await office.hear(numbered("c", contacts) | numbered("r", runs))
    (row,) = (await office.query("script_coverage"))["rows"]
    cell = row["script_coverage"]
    assert (cell["value"], cell["numerator"], cell["denominator"]) == (1 / 2, 2, 4)
    assert await office.refusal(a_body("script_coverage", group_by=["script"])) == (
        422,
        "impossible_dimension",
    )


@pytest.mark.asyncio
async def test_checklists_are_listed_with_what_was_missed(office: Office) -> None:
    runs = [a_run(9, "next_step"), a_run(3)]
    await office.hear(numbered("r", runs))
    body = {"metric": {"name": "script_runs"}, "time": a_body("script_runs")["time"]}
    items = (await office.call("POST", "/query/records", body)).json()["items"]
    assert sorted(one["values"]["missed"] for one in items) == [[], ["next_step"]]
    whole = {**body, "metric": {"name": "script_kept_whole"}, "part": "numerator"}
    items = (await office.call("POST", "/query/records", whole)).json()["items"]
    assert [one["values"]["done"] for one in items] == [3]
    steps = {**body, "metric": {"name": "script_kept"}, "part": "numerator"}
    assert await office.refusal(steps, "/query/records") == (422, "no_records")
