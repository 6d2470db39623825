"""What a query reads: rollups, facts, or the history as it was known."""

from datetime import UTC, datetime, timedelta

import pytest

from otklik_common.settings import Settings
from otklik_metrics.store import history
from tests.support.metrics_api import Office, a_body, abandoned, answered, numbered


@pytest.mark.asyncio
async def test_the_plan_says_what_was_read(office: Office) -> None:
    await office.hear({"a": answered()})
    found = await office.query(
        "contacts_offered",
        {"name": "service_level", "threshold_seconds": 25},
        "fcr",
        explain=True,
    )
    by_metric = {step["metric"]: step for step in found["plan"]}
    assert by_metric["contacts_offered"]["reads"] == "rollup"
    assert by_metric["contacts_offered"]["grain"] == "day"
    assert by_metric["contacts_offered"]["rows"] == 1
    assert by_metric["service_level"]["reads"] == "facts"
    assert "answered_within" in by_metric["service_level"]["because"]
    assert by_metric["fcr"]["reads"] == "facts"


@pytest.mark.asyncio
async def test_own_thresholds_are_counted(metrics_settings: Settings, office: Office) -> None:
    own = await Office(office.platform, office.admin, office.app).found(thresholds_seconds=(25,))
    await own.hear(numbered("a", [answered(25_000), answered(25_001)]))
    found = await own.query({"name": "service_level", "threshold_seconds": 25}, explain=True)
    assert found["rows"][0]["service_level"]["value"] == 0.5
    assert found["plan"][0]["reads"] == "rollup"


@pytest.mark.asyncio
async def test_the_past_is_answered_as_it_was_known(office: Office) -> None:
    day = timedelta(days=1)
    async with office.platform.database("metrics", "worker").begin_as_worker() as tx:
        await history.add_partitions(tx, 1)
    first = datetime.now(UTC) - timedelta(minutes=5)
    await office.hear({"a": abandoned(), "b": abandoned()}, recorded_at=first)
    then = first + timedelta(minutes=1)
    await office.hear({"a": answered()}, revision=2, recorded_at=then + timedelta(minutes=1))
    later = a_body("contacts_abandoned", as_of="2090-01-01T00:00:00Z")
    assert await office.refusal(later) == (409, "history_behind")
    await office.history_reaches(then + day)
    metrics = (
        "contacts_abandoned",
        "not_called_back",
        {"name": "wait_seconds", "statistic": "p50"},
    )
    now = (await office.query(*metrics))["rows"][0]
    past = await office.query(*metrics, as_of=then.isoformat(), explain=True)
    assert {step["reads"] for step in past["plan"]} == {"history"}
    past = past["rows"][0]
    assert (now["contacts_abandoned"]["value"], past["contacts_abandoned"]["value"]) == (1, 2)
    assert (now["wait_seconds"]["n"], past["wait_seconds"]["n"]) == (1, 0)
    assert past["not_called_back"]["value"] == 1
