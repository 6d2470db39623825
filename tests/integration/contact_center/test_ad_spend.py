"""Uploads of what is spent on advertising: whole, idempotent, corrected by the next."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from httpx import AsyncClient, Response

from tests.integration.contact_center.conftest import World, only

pytestmark = pytest.mark.asyncio

BASE = "/contact-center/v1/ad-spend"


def a_row(**more: Any) -> dict[str, Any]:
    return {
        "day": "2026-03-02",
        "ad_source": "yandex",
        "medium": "cpc",
        "campaign": "spring",
        "currency": "RUB",
        "amount": "57000.00",
        **more,
    }


async def put(client: AsyncClient, *rows: dict[str, Any], **more: Any) -> Response:
    return await client.put(BASE, json={"rows": list(rows)}, **more)


async def done(client: AsyncClient, *rows: dict[str, Any]) -> tuple[int, int, int]:
    answer = await put(client, *rows)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    return told["written"], told["unchanged"], told["removed"]


async def test_an_upload_is_taken_in_once_and_a_later_one_corrects_it(
    world: World, client: AsyncClient
) -> None:
    rows = a_row(), a_row(day="2026-03-03", amount="0.01"), a_row(branch="perm", agency="bright")
    assert await done(client, *rows) == (3, 0, 0)
    assert await done(client, *rows) == (0, 3, 0)
    assert await done(client, a_row(amount="60000"), rows[1]) == (1, 1, 0)
    amounts = sorted(fact.amount_minor for fact in (await world.latest("ad_spend")).values())
    assert amounts == [1, 5_700_000, 6_000_000]
    assert [event.revision for event in await world.facts("ad_spend")] == [1, 1, 1, 2]


async def test_the_day_begins_in_the_company_s_zone(world: World, client: AsyncClient) -> None:
    await done(client, a_row())
    fact = only(await world.latest("ad_spend"))
    assert fact.spent_at == datetime(2026, 3, 1, 21, tzinfo=UTC)  # Moscow
    (event,) = await world.facts("ad_spend")
    assert (event.verb, event.time) == ("spent", fact.spent_at)


async def test_nothing_takes_a_row_out_and_it_may_come_back(
    world: World, client: AsyncClient
) -> None:
    assert await done(client, a_row(amount="0")) == (0, 1, 0)
    await done(client, a_row())
    assert await done(client, a_row(amount="0.00")) == (0, 0, 1)
    assert await done(client, a_row(amount="0")) == (0, 1, 0)
    assert (await world.latest("ad_spend"), (await client.get(BASE)).json()["items"]) == ({}, [])
    assert await done(client, a_row(amount="5")) == (1, 0, 0)
    assert only(await world.latest("ad_spend")).amount_minor == 500


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"amount": "1.001"}, "too_many_decimals"),
        ({"amount": "-1"}, "bad_amount"),
        ({"amount": "1e3"}, "bad_amount"),
        ({"currency": "XXX"}, "unknown_currency"),
        ({"day": "2099-01-01"}, "time_in_future"),
        ({"day": "1980-01-01"}, "time_too_old"),
        ({}, "row_twice"),
    ],
)
async def test_one_row_that_cannot_be_taken_in_refuses_them_all(
    world: World, client: AsyncClient, said: dict[str, Any], code: str
) -> None:
    refused = await put(client, a_row(), a_row(**said))
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert await world.count("ad_spend") == 0


async def test_a_list_is_by_day_and_by_what_is_asked(client: AsyncClient) -> None:
    days = ["2026-03-01", "2026-03-02", "2026-03-03"]
    await done(client, *(a_row(day=day, campaign=f"c{n}") for n, day in enumerate(days)))

    async def listed(**wanted: str) -> list[str]:
        answer = await client.get(BASE, params=wanted)
        assert answer.status_code == 200, answer.text
        return [one["day"] for one in answer.json()["items"]]

    assert await listed() == days[::-1]
    assert await listed(since=days[1], until=days[2]) == [days[1]]
    assert await listed(campaign="c0") == [days[0]]
    assert await listed(ad_source="vk") == await listed(branch="perm") == []
    assert (await client.get(BASE, params={"until": "0"})).status_code == 422
    page = (await client.get(BASE, params={"limit": 2})).json()
    rest = await client.get(BASE, params={"limit": 2, "cursor": page["next_cursor"]})
    assert [one["day"] for one in rest.json()["items"]] == days[:1]
    assert rest.json()["items"][0]["amount"] == "57000.00"


async def test_those_of_a_branch_write_and_see_its_money_alone(
    world: World, client: AsyncClient
) -> None:
    limited = {"Authorization": f"Bearer {await world.key(branches=('tyumen',))}"}
    await done(client, a_row(branch="perm"), a_row())
    for branch in ("perm", None):
        refused = await put(client, a_row(branch=branch, amount="1"), headers=limited)
        assert (refused.status_code, refused.json()["code"]) == (422, "branch_out_of_reach")
    assert (await put(client, a_row(branch="tyumen"), headers=limited)).status_code == 200
    seen = (await client.get(BASE, headers=limited)).json()["items"]
    assert [one["branch"] for one in seen] == ["tyumen"]


async def test_uploads_at_once_leave_the_rows_of_one_of_them(
    world: World, client: AsyncClient
) -> None:
    first = datetime(2026, 1, 1, tzinfo=UTC)
    days = [(first + timedelta(days=number)).date().isoformat() for number in range(40)]
    uploads = [[a_row(day=day, amount=f"{number}") for day in days] for number in range(1, 6)]
    answers = await asyncio.gather(*(put(client, *rows) for rows in uploads))
    assert {answer.status_code for answer in answers} == {200}
    facts = await world.facts("ad_spend")
    assert len({(event.subject, event.revision) for event in facts}) == len(facts) == 200
    assert len({fact.amount_minor for fact in (await world.latest("ad_spend")).values()}) == 1


async def test_five_thousand_rows_are_one_upload(world: World, client: AsyncClient) -> None:
    rows = [a_row(campaign=f"c{number}") for number in range(5_001)]
    assert (await put(client, *rows)).status_code == 422
    assert await done(client, *rows[:5_000]) == (5_000, 0, 0)
    assert await world.count("ad_spend") == 5_000
