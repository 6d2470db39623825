"""The map of calls by day and two hours: each cell is its number, and opens it."""

import re
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from html import unescape
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.integration.pages.conftest import CALLS, House, gave_up
from tests.integration.pages.test_numbers import opened
from tests.integration.pages.test_words import words

pytestmark = pytest.mark.asyncio

Asked = dict[str, str]


def map_of(text: str) -> str:
    """The section with the map."""
    found = re.search(r'<section id="when">(.*?)</section>', text, re.DOTALL)
    assert found is not None
    return found[1]


def cells(text: str) -> list[tuple[str, Asked, str]]:
    """Number's name, what its address asks for, what the cell says."""
    found = re.findall(r'href="(/number/[^"]+)">([^<]+)</a>', map_of(text))
    return [
        (
            urlsplit(unescape(link)).path.rpartition("/")[2],
            dict(parse_qsl(urlsplit(unescape(link)).query, keep_blank_values=True)),
            says,
        )
        for link, says in found
    ]


async def company_clock(house: House) -> ZoneInfo:
    """The zone of the company."""
    return ZoneInfo((await house.good("GET", "/access/v1/companies/current"))["timezone"])


def begun(zone: ZoneInfo) -> list[datetime]:
    """When each call of the company began, on its clock."""
    return [
        datetime.fromisoformat(gave_up(number, branch=None, agent=None)[0]["at"]).astimezone(zone)
        for number in range(len(CALLS))
    ]


async def shown(browser: httpx.AsyncClient, **asked: str) -> list[tuple[str, Asked, str]]:
    """The cells of the map that lead to a number."""
    return cells((await browser.get("/", params=asked)).text)


@pytest.mark.parametrize(
    ("by", "of"),
    [("weekday", lambda at: at.isoweekday()), ("day_of_month", lambda at: at.day)],
    ids=["weekday", "day of month"],
)
async def test_calls_stand_where_the_company_s_clock_showed_them(
    house: House, by: str, of: Callable[[datetime], int]
) -> None:
    calls = begun(await company_clock(house))
    async with house.signed_in() as browser:
        found = [one for one in await shown(browser, by=by) if one[0] == "calls"]
    slots = {
        (asks[by], asks["two_hour_slot"]): int(says)
        for _, asks, says in found
        if "two_hour_slot" in asks
    }
    days = {asks[by]: int(says) for _, asks, says in found if "two_hour_slot" not in asks}
    assert slots == Counter((str(of(at)), str(at.hour // 2 * 2)) for at in calls)
    assert days == Counter(str(of(at)) for at in calls)


@pytest.mark.parametrize("by", ["weekday", "day_of_month"])
async def test_every_cell_opens_its_number_and_its_records(house: House, by: str) -> None:
    async with house.signed_in() as browser:
        text = (await browser.get("/", params={"by": by, "branch": "tyumen"})).text
        links = re.findall(r'href="(/number/calls[^"]+)">(\d+)</a>', map_of(text))
        assert links
        for link, says in links:
            assert "branch=tyumen" in link
            assert await opened(browser, unescape(link)) == (int(says), int(says)), link


async def test_the_share_answered_in_time_opens_its_receipt_of_these_two_hours(
    house: House,
) -> None:
    async with house.signed_in() as browser:
        text = (await browser.get("/", params={"lang": "ru"})).text
        links = re.findall(r'href="(/number/sl20[^"]+)">([^<]+)</a>', map_of(text))
        assert {says for _, says in links} == {"0\xa0%"}
        page = (await browser.get(unescape(links[0][0]) + "&lang=ru")).text
    said = words(page)
    assert "Как быстро отвечаем на звонки: 0,0 %" in said
    assert re.search(r"28 дней · (\w+) · \d\d:00–\d\d:00 ", said)


async def test_the_other_way_to_cut_days_is_one_click_away_and_stays_chosen(house: House) -> None:
    async with house.signed_in() as browser:
        text = (await browser.get("/", params={"branch": "tyumen", "period_name": "7d"})).text
        way = re.search(r'<a href="([^"]+)">by day of the month</a>', text)
        assert way is not None
        text = (await browser.get(unescape(way[1]))).text
        assert "<strong>by day of the month</strong>" in text
        assert '<input type="hidden" name="by" value="day_of_month">' in text
        assert 'value="tyumen" selected' in text
        back = re.search(r'href="(/number/calls[^"]+)"', map_of(text))
        assert back is not None
        number = (await browser.get(unescape(back[1]))).text
    assert 'href="/?period_name=7d&amp;branch=tyumen&amp;by=day_of_month"' in number


async def test_the_map_is_a_table_with_heads_for_every_cell(house: House) -> None:
    async with house.signed_in() as browser:
        text = map_of((await browser.get("/", params={"lang": "en"})).text)
    assert text.count('scope="col"') == 8
    assert text.count('scope="row"') == 13
    assert text.count("<td") == 7 * 13
    assert "<caption>" in text
    assert "style=" not in text


async def test_days_that_the_period_has_none_of_say_nothing(house: House) -> None:
    async with house.signed_in() as browser:
        text = map_of((await browser.get("/", params={"period_name": "today"})).text)
    if "nobody" not in text:
        assert text.count("<td></td>") == 6 * 13


@pytest.mark.parametrize("value", ["0", "8", "monday", "1.5"])
async def test_a_weekday_that_there_is_none_of_is_refused_plainly(house: House, value: str) -> None:
    async with house.signed_in() as browser:
        answer = await browser.get("/number/calls", params={"weekday": value})
    assert answer.status_code == 422
    assert re.search(r"Filter on weekday: \S+ is not 1 … 7<", answer.text)


async def test_operations_see_the_map_too(house: House) -> None:
    async with house.signed_in("ops") as browser:
        assert await shown(browser)
