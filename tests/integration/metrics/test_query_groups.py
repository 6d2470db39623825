"""Groups of an answer: facts without one, the highest ones, people in many, groups of branches."""

import pytest

from otklik_metrics.domain import answer, budget
from tests.support.facts import an_answer
from tests.support.metrics_api import TEN, Office, abandoned, answered


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
async def test_a_group_that_facts_have_left_takes_no_room(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.hear({"one": answered(branch=None)}, revision=1)
    await office.hear({"one": answered(branch="tyumen")}, revision=2)
    weeks = {
        "from": "2026-03-09T00:00:00+03:00",
        "to": "2026-03-23T00:00:00+03:00",
        "granularity": "week",
        "timezone": "Europe/Moscow",
    }
    for module in (answer, budget):
        monkeypatch.setattr(module, "MOST_CELLS", 2)
    found = await office.query(
        {"name": "wait_seconds", "statistic": "p90"}, group_by=["branch"], time=weeks
    )
    assert [row["branch"] for row in found["rows"]] == ["tyumen", "tyumen"]


@pytest.mark.asyncio
async def test_the_clock_of_the_week_goes_with_branches_and_their_groups(office: Office) -> None:
    await office.hear({"a": answered(branch="tyumen"), "b": answered(branch="omsk")})
    by = ["branch_group", "weekday", "branch", "hour_of_day"]
    cells = await office.cells("contacts_offered", group_by=by)
    counted = {group: cell["value"] for group, cell in cells.items() if cell["value"]}
    one_by_one = await office.cells("contacts_offered", group_by=["branch_group", "branch"])
    assert counted == {
        (group, 2, branch, 10): cell["value"]
        for (group, branch), cell in one_by_one.items()
        if cell["value"]
    }
    assert counted


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
