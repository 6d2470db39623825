"""What was answered of the past stays, whatever the company changes today."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from otklik_common.events.contact_center import Channel
from otklik_common.events.leads import Lead
from otklik_metrics.actions.versions import finish, order_versions, sweep
from otklik_metrics.store import history
from otklik_metrics.store.tables import SCHEMA
from tests.support.facts import SOURCE
from tests.support.metrics_api import Office, a_body, answered, id_of

LATE = datetime(2026, 3, 31, 20, 30, tzinfo=UTC)
"""Before midnight in Moscow, the next morning in Vladivostok."""


async def moves_to(office: Office, timezone: str) -> None:
    """The company changes its zone, and its rollups are built anew."""
    await office.admin.execute(
        "UPDATE metrics.directory SET data = jsonb_set(data, '{timezone}', to_jsonb($2::text))"
        " WHERE tenant = $1 AND kind = 'company'",
        office.tenant,
        timezone,
    )
    office.platform.directory(SCHEMA).forget(office.tenant)
    worker = office.platform.database(SCHEMA, "worker")
    await order_versions(worker)
    for kind in ("contact", "lead"):
        assert (await finish(worker, office.tenant, kind)).shown == []


async def known_now(office: Office) -> str:
    """A moment up to which the history knows everything."""
    moment = datetime.now(UTC)
    await office.history_reaches(moment + timedelta(hours=1))
    return moment.isoformat()


async def hear(office: Office) -> None:
    """A call and a request of the last evening of March, in Moscow."""
    async with office.platform.database(SCHEMA, "worker").begin_as_worker() as tx:
        await history.add_partitions(tx, 1)
    lead = Lead(
        contact=id_of("call"),
        source=SOURCE,
        channel=Channel.CALL,
        party="buyer",
        created_at=LATE,
        last_requested_at=LATE,
        attempted_at=LATE + timedelta(days=3),
    )
    recorded_at = datetime.now(UTC) - timedelta(minutes=5)
    await office.hear({"call": answered(offered_at=LATE), "lead": lead}, recorded_at=recorded_at)


def past(*metrics: str, as_of: str) -> dict[str, Any]:
    """A query of March that names no zone."""
    return a_body(*metrics, as_of=as_of, time={"granularity": "day", "timezone": None})


@pytest.mark.asyncio
async def test_another_zone_of_the_company_does_not_move_the_past(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hear(office)
    then = await known_now(office)
    body = past("contacts_offered", "unworked_rate", as_of=then)
    before = (await office.call("POST", "/query", body)).json()
    assert before["rows"][-1]["bucket"] == "2026-03-31T00:00:00+03:00"
    assert before["rows"][-1]["contacts_offered"]["value"] == 1
    # Tried on 3 April: too late for a request of March.
    assert before["rows"][-1]["unworked_rate"]["value"] == 1
    await moves_to(office, "Asia/Vladivostok")
    after = (await office.call("POST", "/query", body)).json()
    assert (after["rows"], after["receipts"]) == (before["rows"], before["receipts"])
    # Nor when nothing is left of the rollups of that time.
    monkeypatch.setattr("otklik_metrics.actions.versions.RETIRED_MINUTES", 0)
    await sweep(office.platform.database(SCHEMA, "worker"))
    assert (await office.call("POST", "/query", body)).json()["rows"] == before["rows"]
    record = {"metric": {"name": "unworked_rate"}, "time": body["time"], "part": "numerator"}
    found = await office.call("POST", "/query/records", record | {"as_of": then})
    assert [item["subject"] for item in found.json()["items"]] == [str(id_of("lead"))]
    # What is asked from now on is counted by the new zone.
    now = past("contacts_offered", as_of=await known_now(office))
    assert (
        (await office.call("POST", "/query", now)).json()["rows"][-1]["bucket"].endswith("+10:00")
    )


@pytest.mark.asyncio
async def test_a_version_that_was_given_up_was_never_read(office: Office) -> None:
    await hear(office)
    worker, then = office.platform.database(SCHEMA, "worker"), ""
    for zone in ("Asia/Tokyo", "Europe/Moscow"):
        await office.admin.execute(
            "UPDATE metrics.directory SET data = jsonb_set(data, '{timezone}', to_jsonb($2::text))"
            " WHERE tenant = $1 AND kind = 'company'",
            office.tenant,
            zone,
        )
        then = await known_now(office)
        await order_versions(worker)
    found = (await office.call("POST", "/query", past("contacts_offered", as_of=then))).json()
    assert found["receipts"]["contacts_offered"]["timezone"] == "Europe/Moscow"


@pytest.mark.asyncio
async def test_before_anything_was_counted_the_first_zone_holds(office: Office) -> None:
    early = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    await hear(office)
    await known_now(office)
    await moves_to(office, "Asia/Vladivostok")
    found = (await office.call("POST", "/query", past("contacts_offered", as_of=early))).json()
    assert found["receipts"]["contacts_offered"]["timezone"] == "Europe/Moscow"


@pytest.mark.asyncio
async def test_groups_of_branches_are_not_known_of_the_past(office: Office) -> None:
    then = await known_now(office)
    value = {"dimension": "branch_group", "op": "eq", "value": "ural"}
    grouped: list[dict[str, Any]] = [{"group_by": ["branch_group"]}, {"filters": [value]}]
    for said in grouped:
        body = a_body("contacts_offered", as_of=then, **said)
        assert await office.refusal(body) == (422, "no_past_groups"), said
    time = a_body("contacts_offered")["time"]
    body = {"metric": {"name": "contacts_offered"}, "time": time, "as_of": then}
    grouped = [{"group": {"branch_group": "ural"}}, {"filters": [value]}]
    for said in grouped:
        refused = await office.refusal(body | said, "/query/records")
        assert refused == (422, "no_past_groups"), said


@pytest.mark.asyncio
async def test_the_receipt_says_which_zone_and_currency_were_used(office: Office) -> None:
    found = await office.query("revenue", time={"timezone": None})
    receipt = found["receipts"]["revenue"]
    assert (receipt["timezone"], receipt["unit"]) == ("Europe/Moscow", "RUB")


@pytest.mark.asyncio
async def test_the_heads_line_is_a_channel_now_and_in_the_past(office: Office) -> None:
    async with office.platform.database(SCHEMA, "worker").begin_as_worker() as tx:
        await history.add_partitions(tx, 1)
    facts = {
        "boss": answered(offered_at=LATE, channel=Channel.OTHER, head_line=True),
        "desk": answered(offered_at=LATE),
        "else": answered(offered_at=LATE, channel=Channel.OTHER),
    }
    recorded_at = datetime.now(UTC) - timedelta(minutes=5)
    await office.hear(facts, recorded_at=recorded_at)
    then = await known_now(office)
    asked = a_body("contacts_offered", group_by=["channel"], time={"granularity": "total"})
    for body in (asked, asked | {"as_of": then}):
        rows = (await office.call("POST", "/query", body)).json()["rows"]
        counts = {row["channel"]: row["contacts_offered"]["value"] for row in rows}
        assert counts == {"head_line": 1, "call": 1, "other": 1}
