"""Scores, cases and sales by their definitions: weights, intervals, closings, currencies."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from otklik_common.events.feedback import Case, CaseState
from otklik_common.events.loyalty import Purchase
from tests.support.facts import an_answer
from tests.support.metrics_api import TEN, Office, numbered


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
    # (4·3 + 4·1)² / (4·9 + 4·1): eight answers are worth 6.4.
    assert (row["nps"]["n_effective"], row["old"]["n_effective"]) == (6.4, None)


@pytest.mark.asyncio
async def test_a_score_of_few_answers_is_marked(office: Office) -> None:
    many = [an_answer(answered_at=TEN, nps=9, csat=4, branch="perm")] * 30
    few = [an_answer(answered_at=TEN, nps=9, branch="omsk")] * 29
    weighed = [an_answer(answered_at=TEN, nps=9, branch="tyumen")] * 29
    weighed += [an_answer(answered_at=TEN, nps=9, branch="tyumen", weight_micro=9_000_000)]
    hidden = [an_answer(answered_at=TEN, nps=9, branch="tomsk")] * 4
    await office.hear(numbered("a", [*many, *few, *weighed, *hidden]))
    found = await office.query("nps", "answers", "csat", group_by=["branch"])
    assert {row["branch"]: row["nps"]["low_base"] for row in found["rows"]} == {
        "perm": False,
        "omsk": True,
        "tyumen": True,
        "tomsk": False,
    }
    # A number of answers is no score, and no score is not a weak one.
    assert not any(row["answers"]["low_base"] for row in found["rows"])
    assert not any(row["csat"]["low_base"] for row in found["rows"])


@pytest.mark.asyncio
async def test_satisfaction_has_a_mean_beside_its_share(office: Office) -> None:
    await office.hear(
        numbered("a", [an_answer(answered_at=TEN, csat=score) for score in (5, 5, 4, 2, 1)])
    )
    mean = {"name": "csat", "variant": "mean", "as": "mean"}
    row = (await office.query("csat", mean))["rows"][0]
    assert (row["csat"]["value"], row["mean"]["value"]) == (0.6, 3.4)
    assert (row["mean"]["numerator"], row["mean"]["n"], row["mean"]["interval"]) == (17, 5, None)


@pytest.mark.asyncio
async def test_of_deals_that_were_not_ours_those_made_without_us_leak(office: Office) -> None:
    said = [0, 0, 0, 1, 2, 2, None]
    answers = [an_answer(answered_at=TEN, nps=None, lost_deal=one) for one in said]
    await office.hear(numbered("a", answers))
    row = (await office.query("leakage_rate", "answers"))["rows"][0]
    cell = row["leakage_rate"]
    assert (cell["value"], cell["numerator"], cell["denominator"]) == (0.5, 3, 6)
    assert row["answers"]["value"] == 7
    assert cell["interval"] is not None


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
