"""Whether branches serve alike: said in plain words, with those that stand out and the formula."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
import pytest_asyncio

from otklik_common.directory import FRESH_SECONDS
from tests.integration.pages.conftest import House
from tests.integration.pages.test_words import words

pytestmark = pytest.mark.asyncio

BRANCHES = {"perm": (20, 20), "omsk": (17, 20), "kurgan": (16, 20), "tyumen": (2, 20)}
"""Of so many calls so many answered after five seconds; the others were given up after a minute."""

NAMES = {"perm": "Пермь", "omsk": "Омск", "kurgan": "Курган", "tyumen": "Тюмень"}
OWN = frozenset(("perm", "omsk"))


def call(branch: str, number: int, *, answered: bool) -> list[dict[str, Any]]:
    """A call of yesterday."""
    name = f"{branch}-{number}"
    begins = datetime.now(UTC) - timedelta(days=1, minutes=number)
    told: list[tuple[int, dict[str, Any]]] = [
        (0, {"type": "queued", "channel": "call", "direction": "in", "branch": branch}),
        (60, {"type": "ended"}),
    ]
    if answered:
        told.insert(1, (5, {"type": "answered", "agent": "petrova", "actor": "human"}))
    return [
        {
            "id": f"{name}-{seconds}",
            "contact": name,
            "at": (begins + timedelta(seconds=seconds)).isoformat(),
            **event,
        }
        for seconds, event in told
    ]


@pytest_asyncio.fixture
async def differing(newcomer: House) -> House:
    """A company of four branches, one of which hardly answers."""
    house = newcomer
    await house.employ("ops", "operations")
    for group, name in (("own", "Собственные"), ("franchise", "Франшиза")):
        body = {"grouping": "ownership", "names": {"ru": name}}
        await house.good("PUT", f"/access/v1/branch-groups/{group}", body)
    events = []
    for branch, (answered, of) in BRANCHES.items():
        group = "own" if branch in OWN else "franchise"
        body = {"names": {"ru": NAMES[branch]}, "groups": [group]}
        await house.good("PUT", f"/access/v1/branches/{branch}", body)
        for number in range(of):
            events += call(branch, number, answered=number < answered)
    await house.good("POST", "/contact-center/v1/events", events)
    await house.running.until_settled()
    # Until every service knows its people and its groups anew.
    await asyncio.sleep(2 * FRESH_SECONDS)
    return house


def section(text: str, tag: str) -> str:
    """What is said of it on a page."""
    found = re.search(f'<{tag} id="alike">(.*?)</{tag}>', text, re.DOTALL)
    assert found is not None
    return found[1]


def read(text: str) -> str:
    """The words of a part of a page, with ordinary spaces."""
    return " ".join(unescape(re.sub("<[^>]+>", " ", text)).split())


async def test_the_first_page_says_whether_branches_differ_and_which(differing: House) -> None:
    async with differing.signed_in() as browser:
        part = section((await browser.get("/", params={"lang": "ru"})).text, "p")
        said = read(part)
        assert "Как быстро отвечаем на звонки: Филиалы различаются сильнее, чем объясняет" in said
        assert "Выделяются: 2 из 4" in said
        assert "Дальше всех от среднего: Тюмень 10 %, Пермь 100 %." in said
        link = re.search(r'href="(/number/sl20[^"]*branch=tyumen[^"]*)"', part)
        assert link is not None
        page = words((await browser.get(unescape(link[1]))).text)
    assert "Как быстро отвечаем на звонки: 10,0 %" in page


async def test_the_formula_is_a_click_away_with_every_branch(differing: House) -> None:
    async with differing.signed_in() as browser:
        first = section((await browser.get("/", params={"lang": "ru"})).text, "p")
        more = re.search(r'href="([^"]+)#alike"', first)
        assert more is not None
        part = section((await browser.get(unescape(more[1]))).text, "section")
    said = read(part)
    rows = re.findall(r'<th scope="row">([^<]+)</th>(.*?)</tr>', part, re.DOTALL)
    assert {name for name, _ in rows} == set(NAMES.values())
    out = {name: read(row) for name, row in rows}
    assert "ниже других" in out["Тюмень"]
    assert "выше других" in out["Пермь"]
    assert "других" not in out["Омск"] + out["Курган"]
    assert "Разброс: χ² Пирсона" in said
    assert re.search(r"χ² [\d,]+; df = 3; p < 0,0001", said)
    assert "«Собственные» – " in said
    assert "«Франшиза» – " in said
    assert "Это может быть случайностью." in said
    assert "style=" not in part


async def test_one_branch_has_nobody_to_be_compared_with(differing: House) -> None:
    async with differing.signed_in() as browser:
        first = await browser.get("/", params={"branch": "perm"})
        number = await browser.get("/number/sl20", params={"branch": "perm"})
        calls = await browser.get("/number/calls")
    for page in (first, number, calls):
        assert page.status_code == 200
        assert 'id="alike"' not in page.text


async def test_a_company_of_one_branch_reads_nothing_of_it(house: House) -> None:
    async with house.signed_in() as browser:
        first, number = await browser.get("/"), await browser.get("/number/sl20")
    assert 'id="alike"' not in first.text + number.text


async def test_two_hours_of_a_day_are_compared_among_themselves(differing: House) -> None:
    async with differing.signed_in() as browser:
        page = await browser.get("/number/sl20", params={"weekday": "1", "two_hour_slot": "4"})
        every = await browser.get("/number/sl20", params={"lang": "en"})
    assert page.status_code == 200
    said = read(section(every.text, "section"))
    assert said.startswith("Do branches serve alike Branches differ more than chance explains")


async def test_operations_read_it_too(differing: House) -> None:
    async with differing.signed_in("ops") as browser:
        page = await browser.get("/number/sl20")
    assert 'id="alike"' in page.text
