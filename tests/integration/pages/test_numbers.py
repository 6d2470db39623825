"""What a number says, the page it opens, and the records there: one and the same."""

import re
from dataclasses import dataclass
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from otklik.pages import numbers
from tests.integration.pages.conftest import House

pytestmark = pytest.mark.asyncio

COUNTED = ("calls", "waiting", "cases", "overdue")


@dataclass(frozen=True)
class Cell:
    """A number of a table that opens something: its row's head, where it leads, what it says."""

    row: str
    link: str
    says: int

    @property
    def metric(self) -> str:
        """Its name in the address."""
        return urlsplit(self.link).path.rpartition("/")[2]

    @property
    def asks(self) -> dict[str, str]:
        """What its address asks for."""
        return dict(parse_qsl(urlsplit(self.link).query, keep_blank_values=True))


def tables(text: str) -> list[list[Cell]]:
    """The counts in each table of a page, row by row."""
    return [
        [
            Cell(" ".join(unescape(re.sub("<[^>]+>", "", head)).split()), unescape(link), int(says))
            for head, rest in re.findall(r'<th scope="row">(.*?)</th>(.*?)</tr>', table, re.DOTALL)
            for link, says in re.findall(r'<a href="(/number/[^"]+)">(\d+)</a>', rest)
        ]
        for table in re.findall("<tbody>(.*?)</tbody>", text, re.DOTALL)
    ]


async def opened(browser: httpx.AsyncClient, link: str) -> tuple[int, int]:
    """The number on the page of a number, and how many records it lists."""
    answer = await browser.get(link)
    assert answer.status_code == 200, link
    title = re.search(r"<h1>[^<]*:\s*(\d+)\s*</h1>", answer.text)
    assert title is not None, answer.text
    records = re.search(r'id="records">(.*?)</ul>', answer.text, re.DOTALL)
    return int(title[1]), records[1].count("<li>") if records else 0


async def test_every_count_of_a_row_opens_that_number_and_its_records(house: House) -> None:
    async with house.signed_in() as browser:
        branches, realtors = tables((await browser.get("/")).text)
        assert {cell.row for cell in branches} == {"Tyumen", "no branch"}
        for cell in branches + realtors:
            if cell.metric in COUNTED:
                assert await opened(browser, cell.link) == (cell.says, cell.says), cell


async def test_a_row_without_branch_or_realtor_asks_for_none(house: House) -> None:
    async with house.signed_in() as browser:
        branches, realtors = tables((await browser.get("/")).text)
    waiting = {cell.row: cell for cell in branches if cell.metric == "waiting"}
    assert waiting["no branch"].says == 2
    assert waiting["no branch"].asks["branch"] == ""
    assert "agent" not in waiting["no branch"].asks
    assert sorted((cell.row, cell.says) for cell in realtors if cell.asks["agent"] == "") == [
        ("nobody assigned Tyumen", 1),
        ("nobody assigned no branch", 1),
    ]
    assert {cell.asks["branch"] for cell in realtors} == {"", "tyumen"}


async def test_whoever_is_not_shown_at_once_is_folded_away_and_counts(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house.signed_in() as browser:
        _, all_at_once = tables((await browser.get("/")).text)
        monkeypatch.setattr(numbers, "MOST_AGENTS", 1)
        page = (await browser.get("/")).text
        _, first, others = tables(page)
    assert len(all_at_once) > 2
    assert [*first, *others] == all_at_once
    assert f"<summary>and {len(others)} more</summary>" in page


async def test_the_total_opens_all_of_it(house: House) -> None:
    async with house.signed_in() as browser:
        page = (await browser.get("/")).text
        total = re.search(r'id="not-called-back".*?href="([^"]+)">(\d+)<', page, re.DOTALL)
        assert total is not None
        assert "branch=" not in total[1]
        assert await opened(browser, unescape(total[1])) == (int(total[2]), 5)


def listed(text: str) -> list[str]:
    """The cases that the first page lists."""
    found = re.search(r'id="to-call">(.*?)</ul>', text, re.DOTALL)
    return re.findall("<li.*?</li>", found[1], re.DOTALL) if found else []


def cases_counted(text: str) -> tuple[int, int]:
    """How many cases the first page counts, and how many of them overdue."""
    card = re.search(r'id="cases">(.*?)</article>', text, re.DOTALL)
    assert card is not None
    counted, overdue = re.findall(r">(\d+)(?: overdue)?</a>", card[1])
    return int(counted), int(overdue)


@pytest.mark.parametrize(
    ("asked", "counted"),
    [
        ({"period_name": "28d"}, (3, 1)),
        ({"period_name": "28d", "branch": "tyumen"}, (2, 1)),
        ({"period_name": "90d", "branch": "tyumen"}, (3, 2)),
    ],
)
async def test_the_cases_listed_are_those_counted(
    house: House, asked: dict[str, str], counted: tuple[int, int]
) -> None:
    async with house.signed_in() as browser:
        page = (await browser.get("/", params=asked)).text
    assert cases_counted(page) == counted
    late = [case for case in listed(page) if "overdue" in case]
    assert (len(listed(page)), len(late)) == counted
    assert late == listed(page)[: len(late)], "the overdue come first"


async def test_of_many_cases_a_few_are_listed_and_all_one_click_away(house: House) -> None:
    async with house.signed_in() as browser:
        page = (await browser.get("/", params={"period_name": "90d"})).text
        assert cases_counted(page) == (13, 11)
        assert len(listed(page)) == 8
        everything = re.search(r'<a href="([^"]+)">all 13</a>', page)
        assert everything is not None
        assert await opened(browser, unescape(everything[1])) == (13, 13)
