"""The query route: shapes, fill, comparison, groups, suppression, receipts, the past."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from otklik_common.events.contact_center import AgentState, Channel, Outcome
from otklik_common.events.feedback import Answer, Case, CaseState
from otklik_common.events.loyalty import Purchase
from otklik_common.settings import Settings
from otklik_metrics.store import history
from tests.support.facts import a_contact, a_customer, an_answer
from tests.support.metrics_api import NOW, TEN, Office, a_body, abandoned, answered, numbered


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
async def test_a_group_that_facts_have_left_is_no_group(office: Office) -> None:
    facts = {"one": answered(), "two": an_answer(answered_at=TEN, nps=9)}
    without = {name: fact.model_copy(update={"branch": None}) for name, fact in facts.items()}
    await office.hear(without, revision=1)
    known = {name: fact.model_copy(update={"branch": "tyumen"}) for name, fact in facts.items()}
    await office.hear(known, revision=2)
    for metric in (
        "answers",
        "contacts_abandoned",
        "asa_seconds",
        {"name": "wait_seconds", "statistic": "p90"},
    ):
        found = await office.query(metric, group_by=["branch"])
        assert [row["branch"] for row in found["rows"]] == ["tyumen"], metric


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
async def test_a_missing_dimension_is_null(office: Office) -> None:
    await office.hear({"a": answered(branch=None), "b": answered(branch="perm"), "c": answered()})
    cells = await office.cells("contacts_offered", group_by=["branch"])
    assert {branch: cell["value"] for branch, cell in cells.items()} == {
        "perm": 1,
        "tyumen": 1,
        None: 1,
    }
    for op, said, n in (
        ("eq", {"value": None}, 1),
        ("ne", {"value": "perm"}, 2),
        ("in", {"values": ["perm", None]}, 2),
        ("not_in", {"values": ["perm", None]}, 1),
    ):
        filters = [{"dimension": "branch", "op": op, **said}]
        (cell,) = (await office.cells("contacts_offered", filters=filters)).values()
        assert cell["value"] == n, op


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
async def test_the_highest_groups_are_shown_and_the_rest_is_one_row(office: Office) -> None:
    await office.hear(
        {
            f"{agent}{n}": answered(agent=agent)
            for agent, many in zip("abcd", (5, 4, 2, 1), strict=True)
            for n in range(many)
        }
    )
    found = await office.query("contacts_offered", group_by=["agent"], top={"n": 2})
    assert [
        (row["agent"], row.get("other"), row["contacts_offered"]["value"]) for row in found["rows"]
    ] == [("a", None, 5), ("b", None, 4), (None, True, 3)]
    found = await office.query("contacts_offered", group_by=["agent"], top={"n": 2, "other": False})
    assert len(found["rows"]) == 2


@pytest.mark.asyncio
async def test_people_in_the_other_row_are_counted_once(office: Office) -> None:
    same = ("ph1_AAAAAAAAAAAAAAAAAAAAAAAA",)
    await office.hear(
        {f"n{n}": abandoned(branch=branch, identifiers=same) for n, branch in enumerate("abc")}
    )
    found = await office.query("not_called_back", group_by=["branch"], top={"n": 1})
    assert [row["not_called_back"]["value"] for row in found["rows"]] == [1, 1]
    assert (await office.query("not_called_back"))["rows"][0]["not_called_back"]["value"] == 1


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
async def test_few_answers_are_withheld_and_counts_never(office: Office) -> None:
    answers = [
        an_answer(answered_at=TEN, nps=n, branch="perm" if n < 4 else "omsk") for n in range(11)
    ]
    await office.hear(numbered("a", answers))
    found = await office.query("nps", "nps_detractors", "answers", "csat", group_by=["branch"])
    omsk, perm = found["rows"]
    assert (omsk["nps"]["value"], omsk["nps"]["n"], omsk["nps"]["suppressed"]) == (
        pytest.approx(100 * (2 - 3) / 7),
        7,
        False,
    )
    for name in ("nps", "nps_detractors"):
        hidden = perm[name]
        assert (hidden["value"], hidden["numerator"], hidden["denominator"]) == (None, None, None)
        assert (hidden["interval"], hidden["suppressed"], hidden["n"]) == (None, True, 4)
    assert perm["answers"]["value"] == 4
    assert (perm["csat"]["value"], perm["csat"]["suppressed"]) == (None, False)


@pytest.mark.asyncio
async def test_five_promoters_show_the_stated_interval(office: Office) -> None:
    await office.hear(numbered("a", [an_answer(answered_at=TEN, nps=10)] * 5))
    cell = (await office.query("nps"))["rows"][0]["nps"]
    assert cell["value"] == 100
    assert cell["interval"] == pytest.approx([17.5, 100], abs=0.05)


@pytest.mark.asyncio
async def test_weights_count_and_the_other_scale_is_apart(office: Office) -> None:
    answers = [an_answer(answered_at=TEN, nps=10, weight_micro=3_000_000)] * 4
    answers += [an_answer(answered_at=TEN, nps=0)] * 4
    old = [an_answer(answered_at=TEN, nps=None, nps_1_10=9)] * 5
    await office.hear(numbered("a", answers) | numbered("old", old))
    row = (await office.query("nps", {"name": "nps", "scale": "1-10", "as": "old"}))["rows"][0]
    assert (row["nps"]["value"], row["nps"]["numerator"], row["nps"]["denominator"]) == (50, 8, 16)
    assert (row["nps"]["n"], row["old"]["value"], row["old"]["n"]) == (8, 100, 5)


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
async def test_groups_of_branches_come_from_the_directory(office: Office) -> None:
    await office.hear(
        {"a": answered(branch="tyumen"), "b": answered(branch="perm"), "c": answered(branch="omsk")}
    )
    cells = await office.cells("contacts_offered", group_by=["branch_group"])
    assert {group: cell["value"] for group, cell in cells.items()} == {"own": 1, "ural": 2, None: 1}
    for op, value, n in (("eq", "ural", 2), ("ne", "ural", 1), ("eq", None, 1), ("ne", None, 2)):
        filters = [{"dimension": "branch_group", "op": op, "value": value}]
        (cell,) = (await office.cells("contacts_offered", filters=filters)).values()
        assert cell["value"] == n, (op, value)


@pytest.mark.asyncio
async def test_a_limited_caller_sees_only_their_branches(office: Office) -> None:
    await office.hear(
        {"a": answered(branch="tyumen"), "b": answered(branch="perm"), "c": answered(branch=None)}
    )
    key = await office.new_key(["metrics:read", "records:read"], branches=("perm",))
    found = await office.query("contacts_offered", group_by=["branch"], key=key)
    assert [(r["branch"], r["contacts_offered"]["value"]) for r in found["rows"]] == [("perm", 1)]
    found = await office.query("contacts_offered", key=key)
    assert found["rows"][0]["contacts_offered"]["value"] == 1
    filters = [{"dimension": "branch", "op": "ne", "value": "nowhere"}]
    found = await office.query("contacts_offered", "not_called_back", filters=filters, key=key)
    assert found["rows"][0]["contacts_offered"]["value"] == 1
    filters = [{"dimension": "branch", "op": "eq", "value": "tyumen"}]
    found = await office.query("contacts_offered", filters=filters, key=key)
    assert found["rows"][0]["contacts_offered"]["value"] == 0


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
async def test_receipts_are_in_two_languages(office: Office) -> None:
    body = a_body("csi", "nps")
    english = (await office.call("POST", "/query", body)).json()["receipts"]["csi"]
    russian = (await office.call("POST", "/query", body, language="ru")).json()["receipts"]["csi"]
    assert english["formula"] == "100 · Σ importance·score / Σ importance·highest"
    assert russian["formula"] == "100 · Σ важность·оценка / Σ важность·максимум"
    assert russian["notes"] == ["меньше 5 ответов не показываем: правило показа"]


@pytest.mark.asyncio
async def test_anonymous_answers_are_seen_only_in_closed_cells(office: Office) -> None:
    def employee(score: int, branch: str) -> Answer:
        return an_answer(answered_at=TEN, nps=None, enps=score, anonymous=True, branch=branch)

    sizes = {"tyumen": 14, "perm": 11, "omsk": 4}
    await office.hear(
        {f"{b}{n}": employee(n % 11, b) for b, many in sizes.items() for n in range(many)}
    )
    month = {"granularity": "month"}
    (row,) = (await office.query("enps", "answers", time=month))["rows"]
    assert (row["enps"]["n"], row["answers"]["value"]) == (29, 0)
    rows = (await office.query("enps", group_by=["branch"], time=month))["rows"]
    # omsk is too small; perm is hidden with it, or omsk could be told from the total.
    assert {r["branch"]: r["enps"]["value"] is None for r in rows} == {
        "omsk": True,
        "perm": True,
        "tyumen": False,
    }
    for said in (
        {},
        {"time": {"granularity": "day"}},
        {"time": month | {"to": "2026-03-20T00:00:00+03:00"}},
        {"time": month | {"to": "2026-06-01T00:00:00+03:00"}},
        {"time": month, "filters": [{"dimension": "branch", "op": "eq", "value": "perm"}]},
        {"time": month, "group_by": ["branch", "agent"]},
        {"time": month, "as_of": "2026-05-01T00:00:00Z"},
        {"time": month, "compare": "previous"},
    ):
        assert await office.refusal(a_body("enps", **said)) == (422, "closed_cells_only"), said
    named = a_body({"name": "enps", "answers": "named"})
    assert (await office.call("POST", "/query", named)).status_code == 200


@pytest.mark.asyncio
async def test_money_is_in_one_currency(office: Office) -> None:
    def bought(minor: int, currency: str = "RUB") -> Purchase:
        return Purchase(
            sold_at=TEN, currency=currency, amount_minor=minor, net_minor=minor, lines=1
        )

    await office.hear(numbered("p", [bought(5_700_000), bought(6_410_050), bought(100, "JPY")]))
    row = (
        await office.query(
            "revenue",
            "average_check",
            "purchases",
            {"name": "revenue", "currency": "JPY", "as": "yen"},
        )
    )["rows"][0]
    assert (row["revenue"]["value"], row["average_check"]["value"]) == (121_100.5, 60_550.25)
    assert (row["revenue"]["excluded"], row["purchases"]["value"]) == ({"other_currency": 1}, 3)
    assert row["yen"]["value"] == 100


@pytest.mark.asyncio
async def test_closed_cases_count_by_their_closing(office: Office) -> None:
    def case(**said: Any) -> Case:
        default: dict[str, Any] = {
            "reason": "nps",
            "opened_at": TEN,
            "due_at": TEN + timedelta(days=2),
        }
        return Case(**default | said)

    april = datetime(2026, 4, 3, tzinfo=UTC)
    await office.hear(
        {
            "a": case(),
            "b": case(due_at=datetime(2027, 1, 1, tzinfo=UTC)),
            "c": case(closed_at=april, state=CaseState.CLOSED),
        }
    )
    names = ("cases_opened", "cases_closed", "cases_open", "cases_overdue")
    row = (await office.query(*names))["rows"][0]
    assert [row[name]["value"] for name in names] == [3, 0, 2, 1]
    time = {"from": "2026-04-01T00:00:00+03:00", "to": "2026-05-01T00:00:00+03:00"}
    row = (await office.query(*names, time=time))["rows"][0]
    assert [row[name]["value"] for name in names] == [0, 1, 0, 0]


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


@pytest.mark.asyncio
async def test_a_heat_map_has_every_hour(office: Office) -> None:
    await office.hear({"a": answered()})
    cells = await office.cells("contacts_offered", group_by=["weekday", "hour_of_day"])
    assert len(cells) == 168
    assert cells[2, 10]["value"] == 1
    assert sum(cell["value"] for cell in cells.values()) == 1


@pytest.mark.asyncio
async def test_freshness_says_how_far_the_numbers_reach(office: Office) -> None:
    await office.numbers_reach(NOW - timedelta(seconds=2))
    alone = (await office.call("GET", "/freshness")).json()
    assert alone == (await office.query("answers"))["freshness"]
    assert datetime.fromisoformat(alone["log"]) >= NOW - timedelta(seconds=2)
    assert 0 <= alone["lag_seconds"] <= 2
