"""What a query does not show: few answers, single voices, branches out of reach."""

from typing import Any

import pytest

from otklik_common.events.feedback import Answer
from tests.support.facts import an_answer
from tests.support.metrics_api import TEN, Office, a_body, answered, numbered


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


WEEK_ENDS = "2026-03-09T00:00:00+03:00"
MARCH_UTC = "2026-03-01T00:00:00Z"


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
        {"time": {"granularity": "week", "from": "2026-03-02T00:00:00+03:00", "to": WEEK_ENDS}},
        # Other months than the company's: their difference is a few hours.
        {"time": month | {"timezone": "UTC", "from": MARCH_UTC, "to": "2026-04-01T00:00:00Z"}},
        {"time": month, "group_by": ["weekday"]},
        {"time": month, "group_by": ["branch_group"]},
        {"time": month, "group_by": ["team"]},
        {"time": month | {"to": "2026-03-20T00:00:00+03:00"}},
        {"time": month | {"to": "2026-06-01T00:00:00+03:00"}},
        {"time": month, "filters": [{"dimension": "branch", "op": "eq", "value": "perm"}]},
        {"time": month, "group_by": ["branch", "agent"]},
        {"time": month, "as_of": "2026-05-01T00:00:00Z"},
        {"time": month, "compare": "previous"},
    ):
        assert await office.refusal(a_body("enps", **said)) == (422, "closed_cells_only"), said
    limited = await office.new_key(["metrics:read"], branches=("tyumen", "omsk"))
    found = await office.call("POST", "/query", a_body("enps", time=month), key=limited)
    assert (found.status_code, found.json()["code"]) == (422, "closed_cells_only")
    named = a_body({"name": "enps", "answers": "named"})
    assert (await office.call("POST", "/query", named)).status_code == 200


@pytest.mark.asyncio
async def test_hidden_anonymous_groups_cannot_be_told_by_subtraction(office: Office) -> None:
    sizes = {"tyumen": 20, "perm": 12, "omsk": 3, "tomsk": 2}
    await office.hear(
        {
            f"{branch}{n}": an_answer(
                answered_at=TEN, nps=None, enps=n % 11, anonymous=True, branch=branch
            )
            for branch, many in sizes.items()
            for n in range(many)
        }
    )
    asked: dict[str, Any] = {"time": {"granularity": "month"}, "group_by": ["branch"]}
    found = await office.query("enps", explain=True, **asked)
    # Omsk and Tomsk have five answers together: the whole less the rest would be five people.
    assert {row["branch"]: row["enps"]["n"] for row in found["rows"]} == {
        "tyumen": 20,
        "perm": None,
        "omsk": None,
        "tomsk": None,
    }
    assert {step["rows"] for step in found["plan"]} == {None}


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
