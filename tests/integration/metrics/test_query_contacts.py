"""Contacts by their definitions: service level, people called back, spans, due times, occupancy."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from otklik_common.events.contact_center import AgentState, Channel, Outcome
from tests.support.facts import a_contact, a_customer
from tests.support.metrics_api import NOW, TEN, Office, abandoned, answered, numbered


@pytest.mark.asyncio
async def test_the_example_of_icmi_by_six_formulas(office: Office) -> None:
    await office.hear(
        numbered("fast", [answered()] * 86)
        | numbered("slow", [answered(30_000)] * 14)
        | numbered(
            "gone",
            [abandoned(4_000), abandoned(20_000), abandoned(), abandoned()] + [abandoned()] * 2,
        )
    )
    formulas = {
        "offered_all": 86 / 106,
        "excl_short": 86 / 105,
        "removed_within": 88 / 106,
        "ignore_abandoned_within": 86 / 104,
        "short_as_success": 87 / 106,
        "answered_only": 86 / 100,
    }
    found = await office.query(
        *(
            {"name": "service_level", "threshold_seconds": 20, "formula": name, "as": name}
            for name in formulas
        )
    )
    (row,) = found["rows"]
    assert {name: row[name]["value"] for name in formulas} == pytest.approx(formulas)
    assert row["excl_short"]["excluded"] == {"short_abandon": 1}
    assert (row["excl_short"]["numerator"], row["excl_short"]["denominator"]) == (86, 105)
    low, high = row["excl_short"]["interval"]
    assert low < 86 / 105 < high


@pytest.mark.asyncio
async def test_a_transfer_counts_once_and_for_whoever_answered_first(office: Office) -> None:
    await office.hear(
        {
            "twice": answered(agent="petrova", queue="sales", transfers=2),
            "once": answered(agent="petrova", queue="rent", transfers=1),
            "never": answered(agent="petrova", queue="sales"),
            "gone": abandoned(agent="sidorov", queue="rent", transfers=1),
        }
    )
    cells = {row["agent"]: row for row in (await of_transfers(office, "agent"))}
    assert cells["petrova"]["transfer_rate"]["value"] == pytest.approx(2 / 3)
    low, high = cells["petrova"]["transfer_rate"]["interval"]
    assert low < 2 / 3 < high
    nobody = cells["sidorov"]["transfer_rate"]
    assert (nobody["value"], nobody["n"], nobody["reason"]) == (None, 0, "no_data")
    by_queue = {row["queue"]: row["transfer_rate"] for row in await of_transfers(office, "queue")}
    assert {queue: (cell["numerator"], cell["n"]) for queue, cell in by_queue.items()} == {
        "sales": (1, 2),
        "rent": (1, 1),
    }


async def of_transfers(office: Office, dimension: str) -> list[dict[str, Any]]:
    """The rows of the transfer rate by one dimension."""
    rows: list[dict[str, Any]] = (await office.query("transfer_rate", group_by=[dimension]))["rows"]
    return rows


@pytest.mark.asyncio
async def test_a_callback_closes_the_matter_whatever_number_it_went_to(office: Office) -> None:
    phone, mail = "ph1_AAAAAAAAAAAAAAAAAAAAAAAA", "em1_BBBBBBBBBBBBBBBBBBBBBBBB"
    back = a_contact(
        offered_at=None,
        direction="out",
        started_at=TEN,
        answered_at=TEN + timedelta(hours=30),
        outcome=Outcome.ANSWERED,
        identifiers=(mail,),
    )
    await office.hear({"gone": abandoned(identifiers=(phone,)), "back": back})
    one = (await office.query("not_called_back", "contacts_missed"))["rows"][0]
    assert (one["not_called_back"]["value"], one["contacts_missed"]["value"]) == (1, 1)
    await office.hear({"who": a_customer(phone, mail)})
    one = (await office.query("not_called_back", "contacts_missed"))["rows"][0]
    # Called back, but not within 24 hours.
    assert (one["not_called_back"]["value"], one["contacts_missed"]["value"]) == (0, 1)


@pytest.mark.asyncio
async def test_hidden_numbers_cannot_be_called_back_and_are_said_apart(office: Office) -> None:
    await office.hear({"a": abandoned(identifiers=()), "b": abandoned()})
    cell = (await office.query("not_called_back"))["rows"][0]["not_called_back"]
    assert (cell["value"], cell["excluded"]) == (1, {"unknown_person": 1})


@pytest.mark.asyncio
async def test_medians_know_of_those_that_go_on(office: Office) -> None:
    done = [
        a_contact(
            offered_at=TEN,
            closed_at=TEN + timedelta(hours=h),
            ended_at=TEN + timedelta(hours=h),
            resolution_ms=h * 3_600_000,
        )
        for h in (1, 2, 3)
    ]
    going_on = [a_contact(offered_at=TEN), a_contact(offered_at=TEN)]
    await office.hear(numbered("done", done) | numbered("open", going_on))
    found = await office.query(
        {"name": "resolution_seconds", "statistic": "p50", "as": "median"},
        {"name": "resolution_seconds", "statistic": "p90", "as": "p90"},
        {"name": "resolution_seconds", "as": "mean"},
    )
    (row,) = found["rows"]
    assert (row["median"]["value"], row["median"]["n"], row["median"]["open"]) == (3 * 3600, 5, 2)
    assert (row["p90"]["value"], row["p90"]["reason"]) == (None, "not_reached")
    assert (row["mean"]["value"], row["mean"]["excluded"]) == (2 * 3600, {"still_open": 2})
    assert (found["receipts"]["median"]["closed"], found["receipts"]["median"]["open"]) == (3, 2)


@pytest.mark.asyncio
async def test_what_is_open_again_waits_since_it_was_reopened(office: Office) -> None:
    """Open since their first offer, they would have outlasted all that were solved."""
    hour = timedelta(hours=1)
    done = [
        a_contact(
            offered_at=TEN,
            closed_at=TEN + hours * hour,
            ended_at=TEN + hours * hour,
            resolution_ms=hours * 3_600_000,
        )
        for hours in (3, 4, 5)
    ]
    again = [a_contact(offered_at=TEN, open_since=NOW - hour, reopenings=1)] * 3
    await office.hear(numbered("done", done) | numbered("again", again))
    found = await office.query({"name": "resolution_seconds", "statistic": "p50"})
    cell = found["rows"][0]["resolution_seconds"]
    # Those that are open waited an hour: they say nothing of the third hour and later.
    assert (cell["value"], cell["n"], cell["open"]) == (4 * 3600, 6, 3)


@pytest.mark.asyncio
async def test_open_past_due_is_a_breach_and_exactly_in_time_is_none(office: Office) -> None:
    due = TEN + timedelta(hours=24)
    await office.hear(
        {
            "met": a_contact(offered_at=TEN, due_at=due, closed_at=due, ended_at=due),
            "late": a_contact(
                offered_at=TEN, due_at=due, closed_at=due + timedelta(milliseconds=1), ended_at=due
            ),
            "open": a_contact(offered_at=TEN, due_at=due),
            "not yet": a_contact(offered_at=TEN, due_at=datetime(2027, 1, 1, tzinfo=UTC)),
            "none": a_contact(offered_at=TEN),
        }
    )
    cell = (await office.query("sla_attainment"))["rows"][0]["sla_attainment"]
    assert (cell["numerator"], cell["denominator"], cell["excluded"]) == (1, 3, {"not_due_yet": 1})


@pytest.mark.asyncio
async def test_occupancy_goes_by_the_wall_clock(office: Office) -> None:
    hour = timedelta(hours=1)
    chat: dict[str, Any] = {"channel": Channel.CHAT, "offered_at": TEN, "agent": "petrova"}
    await office.hear(
        {
            # Two chats side by side are one hour of work, not two.
            "a": answered(**chat, answered_at=TEN, ended_at=TEN + hour, wrapped_ms=0),
            "b": answered(**chat, answered_at=TEN, ended_at=TEN + hour / 2, wrapped_ms=1_800_000),
            "s": AgentState(
                agent="petrova",
                state="available",
                from_at=TEN + hour,
                to_at=TEN + 4 * hour,
                branch="tyumen",
            ),
            "t": AgentState(
                agent="petrova", state="break", from_at=TEN + 4 * hour, to_at=TEN + 5 * hour
            ),
        }
    )
    cell = (await office.query("occupancy"))["rows"][0]["occupancy"]
    assert (cell["value"], cell["numerator"], cell["denominator"]) == (0.25, 3600, 4 * 3600)
    hours = await office.cells(
        "occupancy",
        time={
            "granularity": "hour",
            "from": "2026-03-10T09:00:00+03:00",
            "to": "2026-03-10T15:00:00+03:00",
        },
    )
    assert [cell["value"] for cell in hours.values()] == [None, 1.0, 0.0, 0.0, 0.0, None]
