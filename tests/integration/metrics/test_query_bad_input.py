"""Everything that cannot be answered has its stated answer, and costs nothing."""

import time
import tracemalloc
from datetime import UTC, datetime
from typing import Any

import pytest

from otklik_metrics.actions import reading
from tests.support.facts import an_answered_contact
from tests.support.metrics_api import NOW, TEN, Office, a_body, answered, numbered

BAD: dict[str, tuple[dict[str, Any], str]] = {
    "unknown metric": (a_body("service_levle"), "unknown_metric"),
    "metric without facts yet": (a_body("response_rate"), "unknown_metric"),
    "no metric": (a_body(), "invalid"),
    "21 metrics": (a_body(*[{"name": "nps", "as": f"n{n}"} for n in range(21)]), "invalid"),
    "two of one name": (a_body("nps", "nps"), "invalid_query"),
    "named like a dimension": (a_body({"name": "nps", "as": "branch"}), "invalid_query"),
    "bad alias": (a_body({"name": "nps", "as": "1 <b>"}), "invalid_query"),
    "unknown parameter": (a_body({"name": "nps", "treshold": 5}), "bad_parameter"),
    "formula that is none": (
        a_body({"name": "service_level", "formula": "best"}),
        "bad_parameter",
    ),
    "threshold of text": (
        a_body({"name": "service_level", "threshold_seconds": "20"}),
        "bad_parameter",
    ),
    "threshold of truth": (
        a_body({"name": "service_level", "threshold_seconds": True}),
        "bad_parameter",
    ),
    "negative threshold": (
        a_body({"name": "service_level", "threshold_seconds": -1}),
        "bad_parameter",
    ),
    "threshold finer than a millisecond": (
        a_body({"name": "service_level", "threshold_seconds": 0.0005}),
        "bad_parameter",
    ),
    "null threshold": (
        a_body({"name": "service_level", "threshold_seconds": None}),
        "bad_parameter",
    ),
    "statistic that is none": (
        a_body({"name": "wait_seconds", "statistic": "p999"}),
        "bad_parameter",
    ),
    "business time without a calendar": (
        a_body({"name": "first_response_seconds", "clock": "business"}),
        "no_calendar",
    ),
    "days of a fraction": (a_body({"name": "fcr", "days": 1.5}), "bad_parameter"),
    "currency that is none": (a_body({"name": "revenue", "currency": "rub"}), "bad_parameter"),
    "purchases by queue": (a_body("purchases", group_by=["queue"]), "impossible_dimension"),
    "service level by outcome": (
        a_body("service_level", group_by=["outcome"]),
        "impossible_dimension",
    ),
    "occupancy by hour": (a_body("occupancy", group_by=["hour_of_day"]), "impossible_dimension"),
    "one of two metrics has no such dimension": (
        a_body("nps", "purchases", group_by=["touchpoint"]),
        "impossible_dimension",
    ),
    "filter that the metric cannot have": (
        a_body("points_issued", filters=[{"dimension": "agent", "op": "eq", "value": "a"}]),
        "impossible_dimension",
    ),
    "unknown dimension": (a_body("nps", group_by=["tenant"]), "unknown_dimension"),
    "dimension of an attack": (
        a_body("nps", group_by=["branch; DROP TABLE facts_contact"]),
        "unknown_dimension",
    ),
    "five dimensions": (
        a_body("nps", group_by=["branch", "agent", "team", "queue", "party"]),
        "invalid",
    ),
    "unknown operator": (
        a_body("nps", filters=[{"dimension": "branch", "op": "like", "value": "x"}]),
        "invalid",
    ),
    "filter without a value": (
        a_body("nps", filters=[{"dimension": "branch", "op": "eq"}]),
        "invalid",
    ),
    "filter with both": (
        a_body("nps", filters=[{"dimension": "branch", "op": "in", "value": "a", "values": ["b"]}]),
        "invalid",
    ),
    "eq of two": (
        a_body("nps", filters=[{"dimension": "branch", "op": "eq", "values": ["a", "b"]}]),
        "bad_filter",
    ),
    "in of none": (
        a_body("nps", filters=[{"dimension": "branch", "op": "in", "values": []}]),
        "bad_filter",
    ),
    "in of 201": (
        a_body("nps", filters=[{"dimension": "branch", "op": "in", "values": ["a"] * 201}]),
        "invalid",
    ),
    "number for a branch": (
        a_body("nps", filters=[{"dimension": "branch", "op": "eq", "value": 5}]),
        "bad_filter",
    ),
    "eighth weekday": (
        a_body("nps", filters=[{"dimension": "weekday", "op": "eq", "value": 8}]),
        "bad_filter",
    ),
    "weekday of null": (
        a_body("nps", filters=[{"dimension": "weekday", "op": "eq", "value": None}]),
        "bad_filter",
    ),
    "NUL in a filter": (
        a_body("nps", filters=[{"dimension": "branch", "op": "eq", "value": "a\0"}]),
        "bad_filter",
    ),
    "half a surrogate in a filter": (
        a_body("nps", filters=[{"dimension": "branch", "op": "eq", "value": "\ud800"}]),
        "invalid",
    ),
    "half a surrogate in a parameter": (
        a_body({"name": "unworked_rate", "party": "\ud800"}),
        "bad_parameter",
    ),
    "unknown zone": (a_body("nps", time={"timezone": "Europe/Atlantis"}), "unknown_timezone"),
    "zone of a path": (a_body("nps", time={"timezone": "../../etc/passwd"}), "unknown_timezone"),
    "empty zone": (a_body("nps", time={"timezone": ""}), "unknown_timezone"),
    "unknown granularity": (a_body("nps", time={"granularity": "minute"}), "invalid"),
    "time without a zone": (a_body("nps", time={"from": "2026-01-01T00:00:00"}), "invalid"),
    "time that is none": (a_body("nps", time={"from": "2026-02-30T00:00:00Z"}), "invalid"),
    "time of a number": (a_body("nps", time={"from": 1767225600}), "invalid"),
    "end before start": (a_body("nps", time={"to": "2026-02-01T00:00:00+03:00"}), "bad_range"),
    "empty range": (a_body("nps", time={"to": "2026-03-01T00:00:00+03:00"}), "bad_range"),
    "far past": (a_body("nps", time={"from": "0100-01-01T00:00:00Z"}), "bad_range"),
    "200 years of quarters of an hour": (
        a_body("nps", time={"from": "1826-03-01T00:00:00Z", "granularity": "15m"}),
        "too_many_buckets",
    ),
    "the same of this century": (
        a_body(
            "contacts_offered",
            group_by=["agent"],
            time={
                "from": "2000-01-01T00:00:00Z",
                "to": "2200-01-01T00:00:00Z",
                "granularity": "15m",
            },
        ),
        "too_many_buckets",
    ),
    "a year of quarters of an hour": (
        a_body("nps", time={"from": "2025-03-01T00:00:00Z", "granularity": "15m"}),
        "too_many_buckets",
    ),
    "unknown field": (a_body("nps", tenant="other"), "invalid"),
    "unknown field of time": (a_body("nps", time={"week_start": "mon"}), "invalid"),
    "compare with something else": (a_body("nps", compare="last_year"), "invalid"),
    "top without groups": (a_body("nps", top={"n": 3}), "invalid_query"),
    "top of none": (a_body("nps", group_by=["branch"], top={"n": 0}), "invalid"),
    "top by an unknown metric": (
        a_body("nps", group_by=["branch"], top={"n": 3, "by": "csat"}),
        "invalid_query",
    ),
    "as_of without a zone": (a_body("nps", as_of="2026-03-01T00:00:00"), "invalid"),
    "not an object": ([1], "invalid"),  # type: ignore[dict-item]  # what callers may send
}


@pytest.mark.asyncio
@pytest.mark.parametrize("what", BAD)
async def test_what_cannot_be_answered_is_refused_by_name(office: Office, what: str) -> None:
    body, code = BAD[what]
    assert await office.refusal(body) == (422, code)


@pytest.mark.asyncio
async def test_near_names_are_told(office: Office) -> None:
    answered_ = await office.call("POST", "/query", a_body("service_levle"))
    assert "service_level" in answered_.json()["near"]
    russian = await office.call("POST", "/query", a_body("service_levle"), language="ru")
    assert "нет в каталоге" in russian.json()["detail"]


@pytest.mark.asyncio
async def test_two_centuries_cost_no_time_and_no_memory(office: Office) -> None:
    body, _ = BAD["200 years of quarters of an hour"]
    await office.refusal(body)
    tracemalloc.start()
    begun = time.perf_counter()
    for _ in range(20):
        await office.refusal(body)
    took = time.perf_counter() - begun
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took < 5
    assert peak < 5_000_000


@pytest.mark.asyncio
async def test_two_centuries_as_a_whole_are_welcome(office: Office) -> None:
    await office.hear({"a": answered()})
    time_ = {"from": "1900-01-01T00:00:00Z", "to": "2199-01-01T00:00:00Z"}
    found = await office.query("contacts_offered", "fcr", time=time_)
    assert found["rows"][0]["contacts_offered"]["value"] == 1
    years = await office.cells("contacts_offered", time=time_ | {"granularity": "year"})
    assert len(years) == 300


@pytest.mark.asyncio
async def test_truncated_and_foreign_bytes(office: Office) -> None:
    for content, status, code in (
        (b'{"metrics": [', 400, "malformed_json"),
        (b"\xff\xfe", 400, "malformed_json"),
        (b'{"metrics": [{"name": NaN}]}', 422, "invalid"),
        (b" " * (2 * 1024 * 1024), 413, "body_too_large"),
    ):
        found = await office.call("POST", "/query", content=content)
        assert (found.status_code, found.json()["code"]) == (status, code), content[:20]


@pytest.mark.asyncio
async def test_too_many_cells_are_refused_before_they_are_made(office: Office) -> None:
    await office.hear(
        numbered("a", [answered(agent=f"agent{n}") for n in range(60)]),
    )
    body = a_body("contacts_offered", "asa_seconds", "aht_seconds", group_by=["agent"])
    body["time"] |= {"granularity": "hour"}
    assert await office.refusal(body) == (422, "too_many_cells")
    body |= {"top": {"n": 5}}
    assert (await office.call("POST", "/query", body)).status_code == 200


@pytest.mark.asyncio
async def test_too_many_facts_are_refused_with_what_to_narrow(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.hear(numbered("a", [answered()] * 30))
    monkeypatch.setattr(reading, "MOST_FACTS", 20)
    level = {"name": "service_level", "threshold_seconds": 21}
    refused = await office.call("POST", "/query", a_body(level))
    assert (refused.status_code, refused.json()["code"]) == (422, "too_many_rows")
    assert "shorten" in refused.json()["detail"]
    # What rollups know is not limited by the number of facts.
    assert (await office.call("POST", "/query", a_body("service_level"))).status_code == 200


@pytest.mark.asyncio
async def test_a_filter_helps_where_there_are_too_many_facts(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.hear(
        numbered("a", [answered()] * 30) | numbered("b", [answered(branch="perm")] * 5)
    )
    monkeypatch.setattr(reading, "MOST_FACTS", 20)
    level = {"name": "service_level", "threshold_seconds": 21}
    assert await office.refusal(a_body(level)) == (422, "too_many_rows")
    perm = {"dimension": "branch", "op": "eq", "value": "perm"}
    (row,) = (await office.query(level, filters=[perm]))["rows"]
    assert row["service_level"]["n"] == 5


@pytest.mark.asyncio
async def test_the_past_is_not_narrowed_by_filters_and_does_not_advise_them(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.hear(numbered("a", [answered()] * 30))
    await office.history_reaches(NOW)
    monkeypatch.setattr(reading, "MOST_FACTS", 20)
    refused = await office.call(
        "POST", "/query", a_body("contacts_offered", as_of="2026-05-01T00:00:00Z")
    )
    assert (refused.status_code, refused.json()["code"]) == (422, "too_many_rows")
    assert "shorten" in refused.json()["detail"]
    assert "filter" not in refused.json()["detail"]


@pytest.mark.asyncio
async def test_the_past_of_people_is_counted_before_it_is_read(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    somebody_else = ("ph1_CCCCCCCCCCCCCCCCCCCCCCCC",)
    april = datetime(2026, 4, 10, 9, tzinfo=UTC)
    await office.hear(numbered("a", [answered()] * 5))
    await office.hear(numbered("b", [answered(offered_at=april, identifiers=somebody_else)] * 30))
    await office.history_reaches(NOW)
    monkeypatch.setattr("otklik_metrics.actions.past.MOST_FACTS", 20)
    past = {"as_of": "2026-05-01T00:00:00Z"}
    # What others did in April is not looked at for March.
    assert (await office.query("fcr", **past))["rows"][0]["fcr"]["n"] == 1
    assert (await office.query("contacts_missed", **past))["rows"]
    await office.hear(numbered("c", [answered()] * 30))
    assert await office.refusal(a_body("fcr", **past)) == (422, "too_many_rows")
    assert await office.refusal(a_body("occupancy", **past)) == (422, "too_many_rows")
    records = {"metric": {"name": "fcr"}, "time": a_body("nps")["time"], **past}
    assert await office.refusal(records, "/query/records") == (422, "too_many_rows")


@pytest.mark.asyncio
async def test_nobody_and_somebody_without_the_scope(office: Office) -> None:
    other = await office.new_key(["events:push"])
    for method, path in (("POST", "/query"), ("GET", "/catalog"), ("GET", "/freshness")):
        body = a_body("nps") if method == "POST" else None
        found = await office.call(method, path, body, key="")
        assert (found.status_code, found.json()["code"]) == (401, "unauthenticated")
        found = await office.call(method, path, body, key=other)
        assert (found.status_code, found.json()["code"]) == (403, "forbidden")


@pytest.mark.asyncio
async def test_one_company_never_sees_another(office: Office) -> None:
    other = await Office(office.platform, office.admin, office.app).found()
    await office.hear({"a": an_answered_contact(offered_at=TEN)})
    assert (await other.query("contacts_offered"))["rows"][0]["contacts_offered"]["value"] == 0
    for metric in (
        "contacts_missed",
        "fcr",
        {"name": "wait_seconds", "statistic": "min", "as": "w"},
    ):
        (row,) = (await other.query(metric))["rows"]
        assert next(cell["n"] for name, cell in row.items() if name != "bucket") == 0
