"""What advertising costs: spending beside requests, in one currency, by what both carry."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from otklik_common.events.contact_center import AdSpend, Channel
from otklik_common.events.leads import Lead
from tests.support.facts import SOURCE
from tests.support.metrics_api import TEN, Office, a_body, numbered

IMPOSSIBLE = 422, "impossible_dimension"
DAY = TEN - timedelta(hours=10)


def spent(minor: int, campaign: str | None = None, **more: Any) -> AdSpend:
    said = {"ad_source": "yandex", "currency": "RUB", **more}
    return AdSpend(spent_at=DAY, campaign=campaign, amount_minor=minor, **said)


def a_lead(campaign: str | None = None, at: datetime = TEN, **more: Any) -> Lead:
    return Lead(
        contact=SOURCE,
        source=SOURCE,
        channel=Channel.FORM,
        campaign=campaign,
        created_at=at,
        last_requested_at=at,
        **more,
    )


@pytest.mark.asyncio
async def test_each_campaign_costs_what_was_spent_on_it(office: Office) -> None:
    amounts = [
        spent(1_000_00, "spring"),
        spent(500_50, "spring", medium="cpc"),
        spent(70_00, "idle"),
    ]
    leads = [a_lead("spring")] * 3 + [a_lead()] * 2
    await office.hear(numbered("s", amounts) | numbered("l", leads))
    found = await office.query("cost_per_lead", "ad_spend", group_by=["campaign"])
    cells = {row["campaign"]: (row["cost_per_lead"], row["ad_spend"]) for row in found["rows"]}
    cost, amount = cells["spring"]
    assert (cost["value"], cost["numerator"], cost["denominator"]) == (
        500.166_666_666_666_66,
        1500.5,
        3,
    )
    assert (amount["value"], amount["n"]) == (1500.5, 2)
    # Nobody came by it: that is no number, and what it cost still shows.
    assert (cells["idle"][0]["value"], cells["idle"][0]["numerator"]) == (None, 70)
    assert (cells[None][0]["value"], cells[None][0]["n"]) == (0, 2)
    (total,) = (await office.query("cost_per_lead"))["rows"]
    assert total["cost_per_lead"]["value"] == pytest.approx(1570.5 / 5)


@pytest.mark.asyncio
async def test_each_place_of_advertising_costs_what_was_spent_on_it(office: Office) -> None:
    amounts = [spent(300_00, medium="cpc"), spent(80_00, ad_source="vk", medium="social")]
    leads = [a_lead(ad_source="yandex", medium="cpc")] * 3 + [a_lead(ad_source="vk"), a_lead()]
    await office.hear(numbered("s", amounts) | numbered("l", leads))
    found = await office.query("cost_per_lead", "leads", group_by=["ad_source", "medium"])
    cells = {
        (row["ad_source"], row["medium"]): (row["cost_per_lead"]["value"], row["leads"]["value"])
        for row in found["rows"]
    }
    assert cells == {
        ("yandex", "cpc"): (100, 3),
        ("vk", "social"): (None, 0),
        ("vk", None): (0, 1),
        (None, None): (0, 1),
    }


@pytest.mark.asyncio
async def test_currencies_are_never_added_up(office: Office) -> None:
    amounts = [spent(100_00), spent(999_00, currency="KZT")]
    await office.hear(numbered("s", amounts) | numbered("l", [a_lead()]))
    tenge = {"name": "cost_per_lead", "currency": "KZT", "as": "tenge"}
    (row,) = (await office.query("cost_per_lead", tenge, "ad_spend"))["rows"]
    assert (row["cost_per_lead"]["value"], row["tenge"]["value"]) == (100, 999)
    assert row["cost_per_lead"]["excluded"] == row["ad_spend"]["excluded"] == {"other_currency": 1}
    assert await office.refusal(a_body("ad_spend", group_by=["currency"])) == IMPOSSIBLE


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ["reason", "agency", "channel", "agent", "hour_of_day"])
async def test_it_is_cut_only_by_what_spending_and_requests_carry(
    office: Office, name: str
) -> None:
    await office.hear(numbered("s", [spent(100_00)]))
    assert await office.refusal(a_body("cost_per_lead", group_by=[name])) == IMPOSSIBLE


@pytest.mark.asyncio
async def test_a_corrected_amount_replaces_the_one_before(office: Office) -> None:
    await office.hear(numbered("s", [spent(100_00)]) | numbered("l", [a_lead()]))
    await office.hear(numbered("s", [spent(40_00)]), revision=2)
    (row,) = (await office.query("cost_per_lead"))["rows"]
    assert row["cost_per_lead"]["value"] == 40


@pytest.mark.asyncio
async def test_the_records_behind_it_are_the_requests(office: Office) -> None:
    leads = [a_lead(), a_lead(at=TEN + timedelta(hours=1))]
    await office.hear(numbered("s", [spent(100_00)]) | numbered("l", leads))
    time = a_body("cost_per_lead")["time"]
    body = {"metric": {"name": "cost_per_lead"}, "time": time}
    found = (await office.call("POST", "/query/records", body)).json()
    assert [one["kind"] for one in found["items"]] == ["lead", "lead"]


@pytest.mark.asyncio
async def test_more_money_than_64_bits_hold_is_counted_and_told(office: Office) -> None:
    for half in "ab":
        rows = [spent(10**15, f"{half}{n}") for n in range(5_000)]
        await office.hear(numbered(half, rows))
    row = (await office.query("ad_spend"))["rows"][0]
    assert row["ad_spend"]["value"] == 10_000 * 10**13


@pytest.mark.asyncio
async def test_money_behind_a_cost_is_no_set_of_requests(office: Office) -> None:
    await office.hear(numbered("s", [spent(100_00)]) | numbered("l", [a_lead()]))
    asked = {"metric": {"name": "cost_per_lead"}, "time": a_body("cost_per_lead")["time"]}
    answer = await office.call("POST", "/query/records", {**asked, "part": "numerator"})
    assert (answer.status_code, answer.json()["code"]) == (422, "no_records")
    assert (await office.call("POST", "/query/records", asked)).status_code == 200
