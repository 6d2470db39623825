"""One query has one budget: what it reads, holds and takes in time is bounded, whatever it asks."""

import asyncio
import gc
import time
import tracemalloc
from datetime import datetime, timedelta
from typing import Any

import pytest

from otklik_common.settings import Settings
from otklik_metrics.domain.limits import HEAVY_AT_ONCE
from tests.support.facts import an_answer
from tests.support.metrics_api import TEN, Office, a_body, abandoned, answered, numbered
from tests.support.metrics_locks import nobody_reads, waiting

MIB = 1024 * 1024


async def three_months_of_quarters(office: Office, branches: int) -> None:
    """An answer of every branch in every quarter of an hour, in the facts alone."""
    await office.hear({"first": an_answer(answered_at=TEN, branch="b1", nps=9)})
    await office.admin.execute(
        """
        INSERT INTO metrics.facts_answer SELECT made.*
        FROM metrics.facts_answer AS known, generate_series(1, $2) AS number,
            generate_series('2026-01-01T00:00+03'::timestamptz,
                '2026-04-09T23:45+03'::timestamptz, '15 minutes') AS at,
            LATERAL jsonb_populate_record(known, jsonb_build_object(
                'subject', gen_random_uuid(), 'answered_at', at, 'branch', 'b' || number)) AS made
        WHERE known.tenant = $1
        """,
        office.tenant,
        branches,
    )


def quarters(*metrics: Any, **said: Any) -> dict[str, Any]:
    """A query over 99 days in quarters of an hour, by branch."""
    span = {
        "from": "2026-01-01T00:00:00+03:00",
        "to": "2026-04-10T00:00:00+03:00",
        "granularity": "15m",
    }
    return a_body(*metrics, time=span, group_by=["branch"], **said)


@pytest.mark.asyncio
async def test_many_metrics_of_many_cells_are_refused_while_little_is_read(office: Office) -> None:
    await three_months_of_quarters(office, branches=10)
    body = quarters(*({"name": "nps", "as": f"n{n}"} for n in range(20)))
    await office.refusal(body)
    tracemalloc.start()
    try:
        assert await office.refusal(body) == (422, "too_many_cells")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20 * MIB


@pytest.mark.asyncio
async def test_top_groups_of_many_metrics_share_what_is_read(office: Office) -> None:
    """By top it is known in the end which groups are shown; what is read stays bounded."""
    await three_months_of_quarters(office, branches=10)
    alike = [{"name": "nps", "as": f"n{n}"} for n in range(4)]
    apart = ["nps", "answers", "nps_promoters", "nps_detractors", "csat", "ces", "csi"]
    one = quarters(*alike, top={"n": 1, "other": False})
    one["time"]["granularity"] = "hour"
    assert (await office.call("POST", "/query", one)).status_code == 200
    tracemalloc.start()
    try:
        assert await office.refusal(quarters(*apart, top={"n": 1})) == (422, "too_many_cells")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100 * MIB


@pytest.mark.asyncio
async def test_other_requests_are_answered_while_many_cells_are_read(office: Office) -> None:
    await three_months_of_quarters(office, branches=10)
    held: list[float] = []

    async def watch() -> None:
        # By the processor's time of this very thread: a busy machine proves nothing.
        while True:
            before = time.thread_time()
            await asyncio.sleep(0)
            held.append(time.thread_time() - before)

    watching = asyncio.create_task(watch())
    asked = ["nps", "answers", "csat", "ces"]
    gc.collect()
    gc.freeze()  # or collections would go through all that other tests have left
    try:
        found = await office.call("POST", "/query", quarters(*asked, top={"n": 2, "other": False}))
    finally:
        gc.unfreeze()
    watching.cancel()
    assert (found.status_code, found.json().get("code")) == (200, None)
    assert max(held) < sum(held) / 3


@pytest.mark.asyncio
async def test_without_groups_too_many_cells_are_refused_before_anything_is_read(
    office: Office, metrics_settings: Settings
) -> None:
    body = quarters(*({"name": "nps", "as": f"n{n}"} for n in range(20)))
    body["group_by"] = []
    async with nobody_reads(metrics_settings, "facts_answer"):
        assert await office.refusal(body) == (422, "too_many_cells")


@pytest.mark.asyncio
async def test_all_questions_about_people_share_one_budget_and_what_they_read(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = [answered(offered_at=TEN + timedelta(hours=n)) for n in range(30)]
    await office.hear(numbered("a", calls))
    days = [{"name": "fcr", "days": n, "as": f"f{n}"} for n in range(1, 19)]
    # The contacts of the range, and those of their people: the same thirty.
    monkeypatch.setattr("otklik_metrics.domain.budget.MOST_HISTORIES", 60)
    (row,) = (await office.query(*days))["rows"]
    assert [row[f"f{n}"]["n"] for n in (1, 18)] == [2, 1]
    lost = "contacts_missed", "not_called_back"
    await office.hear(numbered("b", [abandoned()] * 2))
    (row,) = (await office.query(*lost))["rows"]
    assert [row[name]["value"] for name in lost] == [0, 0]
    assert await office.refusal(a_body(*days, *lost)) == (422, "too_many_rows")


@pytest.mark.asyncio
async def test_repeats_within_different_days_are_told_apart(office: Office) -> None:
    await office.hear(
        {
            "first": answered(),
            "again": answered(offered_at=TEN + timedelta(days=3)),
            # Behind the range, but within 20 days of its end.
            "late": answered(offered_at=datetime.fromisoformat("2026-04-05T10:00:00+03:00")),
        }
    )
    short, long = {"name": "fcr", "days": 2, "as": "s"}, {"name": "fcr", "days": 30, "as": "l"}
    both = (await office.query(short, long))["rows"][0]
    for alone in (short, long):
        (row,) = (await office.query(alone))["rows"]
        assert row[alone["as"]] == both[alone["as"]]
    assert (both["s"]["value"], both["l"]["value"]) == (1.0, 0.0)


@pytest.mark.asyncio
async def test_an_answer_that_takes_too_long_is_given_up(
    office: Office, metrics_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.hear({"a": answered()})
    monkeypatch.setattr("otklik_metrics.actions.bounds.DEADLINE_SECONDS", 0.3)
    records = {"metric": {"name": "contacts_offered"}, "time": a_body("nps")["time"]}
    async with nobody_reads(metrics_settings, "facts_contact"):
        for path, body in (("/query", a_body("fcr")), ("/query/records", records)):
            found = await office.call("POST", path, body)
            assert (found.status_code, found.json()["code"]) == (503, "too_slow")
            assert found.headers["Retry-After"]
    assert (await office.query("fcr"))["rows"]


@pytest.mark.asyncio
async def test_heavy_queries_wait_for_their_turn_and_light_ones_do_not(
    office: Office, metrics_settings: Settings
) -> None:
    await office.hear({"a": answered()})
    async with nobody_reads(metrics_settings, "facts_contact") as holder:
        heavy = [asyncio.create_task(office.query("fcr")) for _ in range(HEAVY_AT_ONCE + 3)]
        async with asyncio.timeout(10):
            while await waiting(holder, "facts_contact") < HEAVY_AT_ONCE:  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.02)
        # From rollups: nobody in the queue keeps it back.
        assert (await office.query("contacts_offered"))["rows"]
        assert await waiting(holder, "facts_contact") == HEAVY_AT_ONCE
    assert all(found["rows"] for found in await asyncio.gather(*heavy))
