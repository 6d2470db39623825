"""The page of pace programmes: in plain words, what share keeps each step and who is behind."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from otklik_common.directory import FRESH_SECONDS
from tests.integration.pages.conftest import House
from tests.integration.pages.test_alike import call
from tests.integration.pages.test_words import words

pytestmark = pytest.mark.asyncio

PROGRAMMES = "/contact-center/v1/pace-programmes"
STEPS = [
    {
        "from": "created",
        "to": "attempted",
        "seconds": 900,
        "business": False,
        "names": {"ru": "Первый ответ", "en": "First answer"},
    },
    {"from": "attempted", "to": "own:photo", "seconds": 3 * 86_400, "business": False},
]


def section(text: str, id_: str) -> str:
    """The words of a part of a page."""
    found = re.search(f'id="{id_}">(.*?)</(section|ul|p)>', text, re.DOTALL)
    assert found is not None, id_
    return " ".join(unescape(re.sub("<[^>]+>", " ", found[1])).split())


async def test_the_page_says_who_keeps_pace_and_who_does_not(newcomer: House) -> None:
    house = newcomer
    async with house.signed_in() as browser:
        assert 'href="/pace"' not in (await browser.get("/")).text
        none = words((await browser.get("/pace", params={"lang": "ru"})).text)
        assert "Программ темпа нет" in none
    for code, name in (("perm", "Пермь"), ("tyumen", "Тюмень")):
        await house.good("PUT", f"/access/v1/branches/{code}", {"names": {"ru": name}})
    events = []
    for branch, kept in (("perm", 1), ("tyumen", 3)):
        for number in range(4):
            events += call(branch, number, answered=number < kept)
    await house.good("POST", "/contact-center/v1/events", events)
    await house.running.until_settled()
    await asyncio.sleep(2 * FRESH_SECONDS)
    since = (datetime.now(UTC) - timedelta(days=30)).isoformat()
    body = {
        "names": {"ru": "Покупатели", "en": "Buyers"},
        "about": {"ru": "Ответить за 15 минут."},
        "priority": 1,
        "valid_from": since,
        "steps": STEPS,
    }
    await house.good("PUT", f"{PROGRAMMES}/buyers", body)
    async with house.signed_in() as browser:
        assert 'href="/pace"' in (await browser.get("/")).text
        text = (await browser.get("/pace", params={"lang": "ru"})).text
        assert "Ответить за 15 минут." in words(text)
        steps = section(text, "steps")
        assert "Первый ответ 15 минут по часам 50 % из 8 4 4 0" in steps
        assert "первый ответ → photo 3 дня по часам – 0 0 4" in steps
        by_branch = section(text, "by-branch")
        assert "Пермь 25 % из 4 –" in by_branch
        assert "Тюмень 75 % из 4 –" in by_branch
        behind = section(text, "behind")
        assert (behind.count("Пермь"), behind.count("Тюмень")) == (3, 1)
        assert "Первый ответ Срок" in behind
        link = re.search(r'href="(/contact/[^"]+)"', text)
        assert link is not None
        assert (await browser.get(link[1])).status_code == 200
        one = (await browser.get("/pace", params={"branch": "perm", "lang": "en"})).text
        assert "First answer 15 minutes by the clock 25% of 4 3 3 0" in section(one, "steps")
        assert 'id="by-branch"' not in one
        wrong = await browser.get("/pace", params={"programme": "nobody's"})
        assert wrong.status_code == 404
