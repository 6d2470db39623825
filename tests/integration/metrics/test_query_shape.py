"""The shape of an answer: its columns, buckets to both ends, the period before, how fresh it is."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.facts import an_answer
from tests.support.metrics_api import NOW, TEN, Office, a_body, answered, numbered


@pytest.mark.asyncio
async def test_an_answer_has_the_agreed_shape(office: Office) -> None:
    await office.hear({"one": answered()})
    found = await office.query(
        {"name": "service_level", "threshold_seconds": 20, "as": "sl20"},
        "nps",
        time={"granularity": "week"},
        group_by=["branch"],
        filters=[{"dimension": "channel", "op": "in", "values": ["call", "chat"]}],
        compare="previous",
        top={"n": 10, "other": True},
    )
    assert [column["name"] for column in found["columns"]] == ["bucket", "branch", "sl20", "nps"]
    assert set(found) == {"columns", "rows", "receipts", "freshness"}
    first = found["rows"][0]
    assert first["bucket"] == "2026-02-23T00:00:00+03:00"
    assert set(first["sl20"]) >= {
        "value",
        "numerator",
        "denominator",
        "n",
        "interval",
        "excluded",
        "suppressed",
        "previous",
    }
    assert first["sl20"]["value"] is None
    assert first["sl20"]["previous"]["value"] is None
    assert found["rows"][2]["sl20"]["value"] == 1.0
    assert set(found["freshness"]) == {"log", "lag_seconds"}
    receipt = found["receipts"]["sl20"]
    assert receipt["definition"] == (
        "service_level{formula=excl_short,short_abandon_seconds=5,threshold_seconds=20}"
    )


@pytest.mark.asyncio
async def test_counts_fill_with_0_and_scores_with_null_to_both_ends(office: Office) -> None:
    await office.hear({"one": answered(), "a": an_answer(answered_at=TEN)})
    found = await office.query(
        "contacts_offered", "nps", "service_level", "revenue", time={"granularity": "day"}
    )
    assert len(found["rows"]) == 31
    assert [row["contacts_offered"]["value"] for row in found["rows"]] == [0] * 9 + [1] + [0] * 21
    empty = found["rows"][0]
    assert (empty["nps"]["value"], empty["nps"]["reason"]) == (None, "no_data")
    assert (empty["service_level"]["value"], empty["service_level"]["denominator"]) == (None, 0)
    assert empty["revenue"]["value"] == 0


@pytest.mark.asyncio
async def test_a_company_of_which_nothing_was_heard_has_zeros(office: Office) -> None:
    (row,) = (await office.query("contacts_offered", "nps", "fcr", "occupancy"))["rows"]
    assert row["contacts_offered"]["value"] == 0
    assert row["nps"]["value"] is row["fcr"]["value"] is row["occupancy"]["value"] is None


@pytest.mark.asyncio
async def test_total_is_the_query_without_grouping(office: Office) -> None:
    await office.hear(
        numbered(
            "n",
            [
                answered(wait * 700, branch=branch)
                for wait, branch in zip(range(60), "abc" * 20, strict=True)
            ],
        )
    )
    metrics = [{"name": "wait_seconds", "statistic": s, "as": s} for s in ("p50", "p90", "mean")]
    whole = (await office.query(*metrics))["rows"][0]
    days = (await office.query(*metrics, time={"granularity": "day"}))["rows"]
    on_the_day = next(row for row in days if row["p50"]["n"])
    for name in ("p50", "p90", "mean"):
        assert on_the_day[name]["value"] == whole[name]["value"]
    assert whole["p90"]["value"] == pytest.approx(53 * 0.7, rel=0.01)


@pytest.mark.asyncio
async def test_the_period_before_stands_in_the_cell(office: Office) -> None:
    before = TEN - timedelta(days=28)
    await office.hear(
        {"a": answered(), "b": answered(offered_at=before), "c": answered(offered_at=before)}
    )
    (row,) = (await office.query("contacts_offered", compare="previous"))["rows"]
    assert (row["contacts_offered"]["value"], row["contacts_offered"]["previous"]["value"]) == (
        1,
        2,
    )
    cells = await office.cells("contacts_offered", compare="previous", time={"granularity": "week"})
    # Five weeks are touched: five weeks earlier is 3 February.
    assert cells["2026-03-09T00:00:00+03:00"]["previous"]["value"] == 0


@pytest.mark.asyncio
async def test_days_are_those_of_the_zone_and_may_have_25_hours(office: Office) -> None:
    late = datetime(2026, 3, 10, 22, tzinfo=UTC)
    await office.hear({"a": answered(offered_at=late)})
    moscow = await office.cells("contacts_offered", time={"granularity": "day"})
    assert moscow["2026-03-11T00:00:00+03:00"]["value"] == 1
    time = {
        "granularity": "day",
        "timezone": "Europe/London",
        "from": "2026-03-01T00:00:00Z",
        "to": "2026-04-01T00:00:00+01:00",
    }
    london = await office.cells("contacts_offered", time=time)
    assert london["2026-03-10T00:00:00+00:00"]["value"] == 1
    assert list(london)[-1] == "2026-03-31T00:00:00+01:00"
    assert len(london) == 31
    nepal = await office.cells(
        "contacts_offered", time={"granularity": "hour", "timezone": "Asia/Kathmandu"}
    )
    assert nepal["2026-03-11T03:00:00+05:45"]["value"] == 1


@pytest.mark.asyncio
async def test_a_heat_map_has_every_hour(office: Office) -> None:
    await office.hear({"a": answered()})
    cells = await office.cells("contacts_offered", group_by=["weekday", "hour_of_day"])
    assert len(cells) == 168
    assert cells[2, 10]["value"] == 1
    assert sum(cell["value"] for cell in cells.values()) == 1


@pytest.mark.asyncio
async def test_receipts_are_in_two_languages(office: Office) -> None:
    body = a_body("csi", "nps")
    english = (await office.call("POST", "/query", body)).json()["receipts"]["csi"]
    russian = (await office.call("POST", "/query", body, language="ru")).json()["receipts"]["csi"]
    assert english["formula"] == "100 · Σ importance·score / Σ importance·highest"
    assert russian["formula"] == "100 · Σ важность·оценка / Σ важность·максимум"
    assert russian["notes"] == ["меньше 5 ответов не показываем: правило показа"]


@pytest.mark.asyncio
async def test_freshness_says_how_far_the_numbers_reach(office: Office) -> None:
    await office.numbers_reach(NOW - timedelta(seconds=2))
    alone = (await office.call("GET", "/freshness")).json()
    assert alone == (await office.query("answers"))["freshness"]
    assert datetime.fromisoformat(alone["log"]) >= NOW - timedelta(seconds=2)
    assert 0 <= alone["lag_seconds"] <= 2


@pytest.mark.asyncio
async def test_the_last_days_of_february_are_compared_with_march(office: Office) -> None:
    await office.hear({"last": answered(offered_at=datetime(2026, 2, 28, 9, tzinfo=UTC))})
    (row,) = (
        await office.query(
            "contacts_offered",
            time={"to": "2026-03-31T00:00:00+03:00", "granularity": "month"},
            compare="previous",
        )
    )["rows"]
    assert row["contacts_offered"]["previous"]["value"] == 1
