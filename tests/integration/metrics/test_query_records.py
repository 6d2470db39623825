"""The records route: the very facts that a cell counts, in parts, and nothing about whom."""

from datetime import timedelta
from typing import Any

import pytest

from otklik_common.events.contact_center import Channel
from otklik_common.events.feedback import Case
from otklik_common.events.leads import Lead
from otklik_common.events.loyalty import Points
from tests.support.facts import PHONE, SOURCE, an_answer
from tests.support.metrics_api import TEN, Office, a_body, abandoned, answered, id_of, numbered

MARCH = a_body("nps")["time"]


def wanted(metric: Any, **said: Any) -> dict[str, Any]:
    """The facts behind a cell of March."""
    named = {"name": metric} if isinstance(metric, str) else metric
    return {"metric": named, "time": MARCH | said.pop("time", {}), **said}


async def names(office: Office, metric: Any, *known: str, **said: Any) -> list[str]:
    """Which of the facts known by name stand behind a cell, sorted."""
    found = await office.call("POST", "/query/records", wanted(metric, **said))
    assert found.status_code == 200, found.text
    by_id = {str(id_of(name)): name for name in known}
    return sorted(by_id[item["subject"]] for item in found.json()["items"])


@pytest.mark.asyncio
async def test_every_number_opens_its_contacts(office: Office) -> None:
    facts = {
        "fast": answered(5_000),
        "slow": answered(50_000, branch="perm", transfers=2),
        "gone": abandoned(60_000, transfers=1),
        "soon": abandoned(3_000, identifiers=()),
    }
    await office.hear(facts)
    level = {"name": "service_level", "threshold_seconds": 20}
    assert await names(office, level, *facts) == ["fast", "gone", "slow"]
    assert await names(office, level, *facts, part="numerator") == ["fast"]
    assert await names(office, "contacts_offered", *facts, group={"branch": "perm"}) == ["slow"]
    assert await names(office, "contacts_offered", *facts, group={"hour_of_day": 11}) == []
    assert await names(office, "abandonment_rate", *facts, part="numerator") == ["gone", "soon"]
    assert await names(office, "transfer_rate", *facts) == ["fast", "slow"]
    assert await names(office, "transfer_rate", *facts, part="numerator") == ["slow"]
    # Both called the number that talked with us at ten; nobody called "soon" back.
    assert await names(office, "contacts_missed", *facts) == ["soon"]
    assert await names(office, {"name": "wait_seconds", "statistic": "max"}, *facts) == [
        "fast",
        "slow",
    ]
    answered_only = level | {"formula": "answered_only"}
    assert await names(office, answered_only, *facts) == ["fast", "slow"]


@pytest.mark.asyncio
async def test_people_not_called_back_lead_to_their_calls(office: Office) -> None:
    other = ("ph1_CCCCCCCCCCCCCCCCCCCCCCCC",)
    facts = {
        "back": abandoned(),
        "talk": answered(offered_at=TEN + timedelta(days=2)),
        "lost": abandoned(identifiers=other),
        "again": abandoned(identifiers=other, offered_at=TEN + timedelta(hours=1)),
        "hidden": abandoned(identifiers=()),
    }
    await office.hear(facts)
    assert await names(office, "not_called_back", *facts) == ["again", "lost"]
    assert await names(office, {"name": "fcr", "days": 7}, *facts) == ["talk"]
    found = await office.call("POST", "/query/records", wanted("not_called_back"))
    first = found.json()["items"][0]
    assert (first["contact"], first["at"]) == (str(id_of("again")), "2026-03-10T08:00:00+00:00")
    assert first["dimensions"]["branch"] == "tyumen"
    assert first["values"]["waited_ms"] == 60_000


@pytest.mark.asyncio
async def test_records_say_nothing_of_people(office: Office) -> None:
    await office.hear({"a": abandoned(), "b": an_answer(answered_at=TEN, identifiers=(PHONE,))})
    for metric in ("contacts_offered", "answers", "not_called_back"):
        found = await office.call("POST", "/query/records", wanted(metric))
        assert found.json()["items"], metric
        assert PHONE not in found.text


@pytest.mark.asyncio
async def test_other_kinds_name_the_contact_they_belong_to(office: Office) -> None:
    contact = id_of("call")
    lead = Lead(
        contact=contact,
        source=SOURCE,
        channel=Channel.CALL,
        party="buyer",
        created_at=TEN,
        last_requested_at=TEN,
    )
    case = Case(reason="nps", contact=contact, opened_at=TEN, due_at=TEN)
    promoters = [an_answer(answered_at=TEN, contact=contact, nps=9)] * 2
    await office.hear({"lead": lead, "case": case} | numbered("a", promoters))
    for metric in ("unworked_rate", "cases_overdue", "nps"):
        items = (await office.call("POST", "/query/records", wanted(metric))).json()["items"]
        assert {item["contact"] for item in items} == {str(contact)}, metric
    assert await names(office, "unworked_rate", "lead", part="numerator") == ["lead"]
    assert await names(office, "nps_detractors") == []
    latest = {"name": "nps", "basis": "latest"}
    assert len(await names(office, latest, "a0", "a1")) == 2


@pytest.mark.asyncio
async def test_a_bucket_of_the_rows_is_one_of_the_records(office: Office) -> None:
    facts = {"a": answered(), "b": answered(offered_at=TEN + timedelta(days=7))}
    await office.hear(facts)
    weeks = {"granularity": "week"}
    bucket = "2026-03-16T00:00:00+03:00"
    assert await names(office, "contacts_offered", *facts, time=weeks, bucket=bucket) == ["b"]
    body = wanted("contacts_offered", time=weeks, bucket="2026-03-17T00:00:00+03:00")
    assert await office.refusal(body, "/query/records") == (422, "bad_range")


@pytest.mark.asyncio
async def test_parts_follow_one_another_and_belong_to_one_query(office: Office) -> None:
    calls = [answered(offered_at=TEN + timedelta(minutes=n // 2)) for n in range(25)]
    await office.hear(numbered("n", calls))
    seen: list[str] = []
    cursor = None
    for _ in range(5):
        body = wanted("contacts_offered", limit=10, cursor=cursor)
        page = (await office.call("POST", "/query/records", body)).json()
        seen += [item["subject"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert (len(seen), len(set(seen)), cursor) == (25, 25, None)
    page = (
        await office.call("POST", "/query/records", wanted("contacts_offered", limit=10))
    ).json()
    stolen = wanted("contacts_answered", limit=10, cursor=page["next_cursor"])
    assert await office.refusal(stolen, "/query/records") == (400, "cursor_of_another_query")
    made_up = wanted("contacts_offered", cursor="nonsense")
    assert await office.refusal(made_up, "/query/records") == (400, "bad_cursor")


@pytest.mark.asyncio
async def test_reach_and_scope_hold_for_records(office: Office) -> None:
    await office.hear({"a": answered(branch="tyumen"), "b": answered(branch="perm")})
    limited = await office.new_key(["records:read"], branches=("perm",))
    found = await office.call("POST", "/query/records", wanted("contacts_offered"), key=limited)
    assert [item["dimensions"]["branch"] for item in found.json()["items"]] == ["perm"]
    without = await office.new_key(["metrics:read"])
    found = await office.call("POST", "/query/records", wanted("contacts_offered"), key=without)
    assert (found.status_code, found.json()["code"]) == (403, "forbidden")


@pytest.mark.asyncio
async def test_records_that_cannot_be(office: Office) -> None:
    assert await office.refusal(wanted("occupancy"), "/query/records") == (422, "no_records")
    assert await office.refusal(wanted("enps"), "/query/records") == (422, "closed_cells_only")
    body = wanted("purchases", group={"queue": "sales"})
    assert await office.refusal(body, "/query/records") == (422, "impossible_dimension")
    assert await office.refusal(wanted("nps", limit=201), "/query/records") == (422, "invalid")
    past = wanted("nps", as_of="2090-01-01T00:00:00Z")
    assert await office.refusal(past, "/query/records") == (409, "history_behind")


def movements() -> list[Points]:
    """Points that went up and down, by purchases and by hand, some of it undone."""

    def moved(points: int, movement: str, **said: Any) -> Points:
        default: dict[str, Any] = {"customer": SOURCE, "moved_at": TEN, "reason": "sale"}
        return Points(points=points, movement=movement, **default | said)

    return [
        moved(100, "earned"),
        moved(50, "issued"),
        moved(-20, "spent"),
        moved(-30, "spent"),
        moved(-10, "taken_back"),
        moved(-15, "taken_back", reverses=SOURCE),
        moved(-50, "reversed", reverses=SOURCE),
        moved(30, "reversed", reverses=SOURCE),
    ]


@pytest.mark.asyncio
async def test_points_rest_on_the_movements_that_their_records_list(office: Office) -> None:
    await office.hear(numbered("p", movements()))
    row = (await office.query("points_issued", "points_spent"))["rows"][0]
    assert (row["points_issued"]["value"], row["points_issued"]["n"]) == (75, 5)
    assert (row["points_spent"]["value"], row["points_spent"]["n"]) == (20, 3)
    found = await office.query("points_issued", group_by=["weekday"], explain=True)
    assert {step["reads"] for step in found["plan"]} == {"rollup"}


@pytest.mark.asyncio
async def test_a_difference_of_counts_has_no_records_above_the_line(office: Office) -> None:
    await office.hear(numbered("a", [an_answer(answered_at=TEN, nps=n) for n in range(11)]))
    for metric in (
        "nps",
        {"name": "nps", "basis": "latest"},
        {"name": "enps", "answers": "named"},
        {"name": "ces", "variant": "net"},
    ):
        body = wanted(metric, part="numerator")
        assert await office.refusal(body, "/query/records") == (422, "no_records"), metric
    found = await office.call("POST", "/query/records", wanted("nps", part="numerator"))
    assert "nps_promoters and nps_detractors" in found.json()["detail"]


@pytest.mark.asyncio
async def test_the_base_of_every_number_has_as_many_records_as_it_says(office: Office) -> None:
    facts = numbered(
        "c",
        [answered(wait * 1000) for wait in range(0, 40, 5)]
        + [abandoned(wait * 1000) for wait in (1, 5, 19, 30)],
    )
    answers = numbered(
        "a", [an_answer(answered_at=TEN, nps=n, csat=n % 5 + 1, nps_1_10=3) for n in range(11)]
    )
    await office.hear(facts | answers | numbered("p", movements()))
    catalogue = (await office.call("GET", "/catalog")).json()["metrics"]
    for metric in catalogue:
        if not metric["records"] or metric["name"] == "enps":
            continue
        cell = (await office.query(metric["name"]))["rows"][0][metric["name"]]
        body = wanted(metric["name"], limit=200)
        items = (await office.call("POST", "/query/records", body)).json()["items"]
        share = metric["shape"] == "share"
        n = cell["denominator"] if share else cell["n"]
        if metric["name"] in ("nps_promoters", "nps_passives", "nps_detractors"):
            n = cell["value"]
        assert len(items) == n, metric["name"]
        if share:
            body |= {"part": "numerator"}
            items = (await office.call("POST", "/query/records", body)).json()["items"]
            assert len(items) == cell["numerator"], metric["name"]
