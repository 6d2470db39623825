"""How far branches differ, from what metrics has counted."""

import asyncio
from typing import Any
from weakref import WeakKeyDictionary

import pytest

from otklik_common.events.access import Branch
from otklik_common.settings import Settings
from otklik_metrics.domain.catalogue import CATALOGUE
from otklik_metrics.domain.group_means import compare
from otklik_metrics.domain.limits import HEAVY_AT_ONCE
from otklik_metrics.domain.uniformity import Counted, judge, spread
from tests.support.facts import an_answer
from tests.support.metrics_api import READER, Office, a_body, abandoned, answered, numbered
from tests.support.metrics_locks import nobody_reads, waiting

pytestmark = pytest.mark.asyncio

MARCH = {"from": "2026-03-01T00:00:00+03:00", "to": "2026-04-01T00:00:00+03:00"}
RATE = {"name": "abandonment_rate"}


async def compared(office: Office, *, key: str | None = None, **said: Any) -> dict[str, Any]:
    body = {"metric": RATE, "time": MARCH, **said}
    answer = await office.call("POST", "/uniformity", body, key=key)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def branches(office: Office, **counted: tuple[int, int]) -> list[Counted[str]]:
    """Calls of branches: so many of so many were given up."""
    for code, (lost, of) in counted.items():
        facts = [abandoned(branch=code)] * lost + [answered(branch=code)] * (of - lost)
        await office.hear(numbered(code, facts))
    return [Counted(code, *one) for code, one in counted.items()]


async def test_branches_are_told_apart_from_chance(office: Office) -> None:
    units = await branches(office, tyumen=(30, 60), perm=(6, 60), omsk=(5, 40), kurgan=(1, 3))
    found = await compared(office)
    whole = spread(units)
    judged = judge(units, whole)
    assert found["spread"]["q"] == pytest.approx(whole.q)
    assert found["spread"]["tau"] == pytest.approx(whole.tau)
    assert [one["unit"] for one in found["units"]] == [one.code for one in judged]
    assert [one["differs"] for one in found["units"]] == ["above", "below", None, None]
    first = found["units"][0]
    assert (first["unit"], first["numerator"], first["denominator"]) == ("tyumen", 30, 60)
    assert first["value"] > first["limits"][1]
    assert first["interval"][0] < first["shrunk"] < first["value"]
    assert found["verdict"]["code"] == "differ"
    assert found["verdict"]["standing_out"] == 2
    assert "Branches differ more than chance explains" in found["verdict"]["text"]
    assert "Standing out: 2 of 4" in found["verdict"]["text"]
    assert found["receipt"]["definition"] == "abandonment_rate{short_abandon_seconds=None}"
    assert found["groups"] is None
    assert found["plan"] is None


async def test_what_a_unit_counts_is_what_a_query_says(office: Office) -> None:
    await branches(office, tyumen=(3, 10), perm=(2, 9), omsk=(1, 8))
    found = await compared(office)
    cells = await office.cells("abandonment_rate", group_by=["branch"])
    assert {one["unit"]: (one["value"], one["denominator"]) for one in found["units"]} == {
        code: (cell["value"], cell["n"]) for code, cell in cells.items()
    }


async def test_the_verdict_is_said_in_russian(office: Office) -> None:
    await branches(office, tyumen=(30, 60), perm=(6, 60))
    answer = await office.call(
        "POST", "/uniformity", {"metric": RATE, "time": MARCH, "by": "branch"}, language="ru"
    )
    text = answer.json()["verdict"]["text"]
    assert text.startswith("Филиалы различаются сильнее, чем объясняет случай: обычно на ±")
    assert "Выделяются: 2 из 2" in text
    assert "п. п." in text


async def test_few_calls_only_look_as_if_they_differed(office: Office) -> None:
    await branches(office, tyumen=(6, 60), perm=(1, 5), omsk=(0, 4))
    found = await compared(office)
    assert found["verdict"]["code"] == "chance"
    assert found["verdict"]["standing_out"] == 0
    assert found["spread"]["tau"] == 0
    (perm,) = (one for one in found["units"] if one["unit"] == "perm")
    assert perm["value"] == pytest.approx(1 / 5)
    assert perm["shrunk"] == pytest.approx(7 / 69)


async def test_nothing_and_one_branch_are_said_to_be_so(office: Office) -> None:
    found = await compared(office)
    assert (found["verdict"]["code"], found["units"]) == ("nothing", [])
    assert "of all branches, 0 counted anything" in found["verdict"]["text"]
    await branches(office, tyumen=(1, 4))
    found = await compared(office)
    assert found["verdict"]["code"] == "nothing"
    assert [one["value"] for one in found["units"]] == [0.25]
    assert found["spread"]["tau"] is None


async def test_where_nobody_gave_up_all_are_alike(office: Office) -> None:
    await branches(office, tyumen=(0, 39), perm=(0, 35))
    found = await compared(office)
    assert (found["verdict"]["code"], found["spread"]["tau"]) == ("alike", 0)
    assert found["verdict"]["text"] == "All branches are alike: 0.0%."


async def test_a_handful_of_calls_shows_nobody_alike(office: Office) -> None:
    await branches(office, tyumen=(0, 9), perm=(0, 5))
    found = await compared(office)
    assert found["verdict"]["code"] == "few"
    assert found["verdict"]["text"] == (
        "Too early to tell whether branches differ: half of them have counted fewer than 30 so far."
    )


async def test_calls_of_no_branch_are_in_no_unit_and_counted(office: Office) -> None:
    await branches(office, tyumen=(1, 4), perm=(2, 6))
    await office.hear(numbered("nowhere", [abandoned(branch=None)] * 3))
    found = await compared(office)
    assert {one["unit"] for one in found["units"]} == {"tyumen", "perm"}
    assert found["unassigned"] == 3


async def test_branches_without_a_base_are_left_out_and_counted(office: Office) -> None:
    await branches(office, tyumen=(1, 4), perm=(2, 6))
    await office.hear(numbered("short", [abandoned(2_000, branch="omsk")] * 3))
    found = await compared(office, metric={**RATE, "short_abandon_seconds": 5})
    assert {one["unit"] for one in found["units"]} == {"tyumen", "perm"}
    assert found["left_out"] == {"no_data": 1}


async def test_agents_and_filters_are_those_of_a_query(office: Office) -> None:
    facts = [
        *[abandoned(branch="tyumen", agent="petrova")] * 2,
        *[answered(branch="tyumen", agent="petrova")] * 8,
        *[answered(branch="tyumen", agent="ivanov")] * 5,
        *[answered(branch="perm", agent="sidorov")] * 5,
    ]
    await office.hear(numbered("a", facts))
    only = [{"dimension": "branch", "op": "eq", "value": "tyumen"}]
    found = await compared(office, by="agent", filters=only, explain=True)
    assert {(one["unit"], one["denominator"]) for one in found["units"]} == {
        ("petrova", 10),
        ("ivanov", 5),
    }
    assert found["plan"]
    assert "mployees differ no more than chance" in found["verdict"]["text"]


async def test_a_caller_of_one_branch_sees_that_one(office: Office) -> None:
    await branches(office, tyumen=(3, 10), perm=(2, 9))
    key = await office.new_key(READER, branches=("perm",))
    found = await compared(office, key=key)
    assert [one["unit"] for one in found["units"]] == ["perm"]


async def ownership(office: Office, **groups: str) -> None:
    """More branches, each own or franchised."""
    for code, group in groups.items():
        await office.access_says("branch", code, Branch(code=code, groups=(group,)))


async def test_own_branches_are_held_against_the_franchise(office: Office) -> None:
    await ownership(office, kazan="own", penza="franchise", samara="franchise", ufa="franchise")
    units = await branches(
        office, tyumen=(4, 40), kazan=(3, 40), penza=(15, 40), samara=(12, 40), ufa=(20, 40)
    )
    found = (await compared(office, groups=["own", "franchise"]))["groups"]
    groups_of = {"tyumen": ["own"], "kazan": ["own"]}
    groups_of |= {one: ["franchise"] for one in ("penza", "samara", "ufa")}
    expected = compare(units, ["own", "franchise"], groups_of)
    assert [(one["group"], one["units"]) for one in found["groups"]] == [
        ("own", 2),
        ("franchise", 3),
    ]
    (difference,) = found["differences"]
    assert difference["value"] == pytest.approx(expected.differences[0].value)
    assert difference["interval"] == pytest.approx(expected.differences[0].interval)
    assert difference["interval"][1] < 0
    assert difference["text"].startswith("“own” is 30.4 points below “franchise” (")
    assert difference["text"].endswith("more than chance explains.")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"metric": {"name": "contacts_offered"}}, "not_comparable"),
        ({"metric": {"name": "occupancy"}}, "not_comparable"),
        ({"metric": {"name": "nps"}}, "not_comparable"),
        ({"metric": {"name": "csat", "variant": "mean"}}, "not_comparable"),
        ({"metric": {"name": "unworked_rate"}, "by": "team"}, "impossible_dimension"),
        ({"metric": {"name": "abandonment"}}, "unknown_metric"),
        ({"by": "queue"}, "invalid"),
        ({"groups": ["own"]}, "invalid"),
        ({"groups": ["own", "own"]}, "invalid"),
        ({"groups": list("abcdef")}, "invalid"),
        ({"groups": ["own", "elsewhere"]}, "unknown_group"),
        ({"groups": ["own", "ural"], "by": "agent"}, "groups_need_branches"),
        ({"groups": ["own", "ural"], "as_of": "2026-02-01T00:00:00Z"}, "no_past_groups"),
        ({"time": {"from": MARCH["to"], "to": MARCH["from"]}}, "bad_range"),
    ],
)
async def test_what_cannot_be_compared_is_said(
    office: Office, said: dict[str, Any], code: str
) -> None:
    body = {"metric": RATE, "time": MARCH, **said}
    assert await office.refusal(body, "/uniformity") == (422, code)


async def test_a_metric_that_is_no_share_is_told_which_ones_are(office: Office) -> None:
    answer = await office.call("POST", "/uniformity", {"metric": {"name": "nps"}, "time": MARCH})
    for name in ("sla_attainment", "service_level", "unworked_rate", "csat", "qa_failed_rate"):
        assert name in answer.json()["detail"]
    assert "occupancy" not in answer.json()["detail"]


@pytest.mark.parametrize(
    "name", [name for name, one in CATALOGUE.items() if one.is_share_of_things({})]
)
async def test_every_metric_that_is_said_to_be_comparable_is(office: Office, name: str) -> None:
    await branches(office, tyumen=(1, 4), perm=(2, 6))
    found = await compared(office, metric={"name": name})
    assert found["receipt"]["metric"] == name


async def test_scores_of_few_are_withheld_here_too(office: Office) -> None:
    facts = [an_answer(csat=4, branch="tyumen")] * 6 + [an_answer(csat=2, branch="perm")] * 4
    await office.hear(numbered("s", facts))
    found = await compared(office, metric={"name": "csat"}, time=MARCH)
    shown = await office.query("csat", group_by=["branch"])
    assert {one["unit"] for one in found["units"]} == {
        row["branch"] for row in shown["rows"] if not row["csat"]["suppressed"] and row["csat"]["n"]
    }
    assert found["left_out"] == {"too_few": 1}


async def test_the_receipt_is_that_of_the_query(office: Office) -> None:
    await branches(office, tyumen=(1, 4), perm=(2, 6))
    found = await compared(office)
    answer = await office.call("POST", "/query", a_body("abandonment_rate", group_by=["branch"]))
    assert found["receipt"] == answer.json()["receipts"]["abandonment_rate"]
    assert len(found["method"]) == 5


async def test_many_units_are_compared_in_their_turn_and_within_the_time_of_an_answer(
    office: Office, metrics_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await branches(office, tyumen=(1, 4), perm=(2, 6))
    body = {"metric": RATE, "time": MARCH}
    async with nobody_reads(metrics_settings, "facts_contact") as holder:
        heavy = [asyncio.create_task(office.query("fcr")) for _ in range(HEAVY_AT_ONCE)]
        async with asyncio.timeout(10):
            while await waiting(holder, "facts_contact") < HEAVY_AT_ONCE:  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.02)
        # From rollups, and few: it waits for nobody.
        assert len((await compared(office))["units"]) == 2
        monkeypatch.setattr("otklik_metrics.actions.query.MANY_UNITS", 1)
        monkeypatch.setattr("otklik_metrics.actions.bounds.DEADLINE_SECONDS", 0.5)
        found = await office.call("POST", "/uniformity", body)
        assert (found.status_code, found.json().get("code")) == (503, "too_slow")
        monkeypatch.setattr("otklik_metrics.actions.bounds.DEADLINE_SECONDS", 30)
        many = asyncio.create_task(compared(office))
    assert len((await many)["units"]) == 2
    assert all(found["rows"] for found in await asyncio.gather(*heavy))


async def test_many_units_of_a_heavy_question_take_one_turn(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await branches(office, tyumen=(1, 4), perm=(2, 6))
    monkeypatch.setattr("otklik_metrics.actions.query.MANY_UNITS", 0)
    monkeypatch.setattr("otklik_metrics.actions.bounds._turns", WeakKeyDictionary())
    monkeypatch.setattr("otklik_metrics.actions.bounds.HEAVY_AT_ONCE", 1)
    monkeypatch.setattr("otklik_metrics.actions.bounds.DEADLINE_SECONDS", 5)
    # People one by one: heavy before anything is read.
    assert (await compared(office, metric={"name": "fcr"}))["units"]
