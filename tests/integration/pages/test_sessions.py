"""Staying signed in, in as many tabs as somebody likes, and coming back to the page one wanted."""

import asyncio
import re

import httpx
import pytest

from tests.integration.pages.conftest import House

pytestmark = pytest.mark.asyncio

WANTED = "/number/waiting?period_name=7d&branch=&agent="


async def idle(house: House) -> str:
    """The refresh token of somebody whose session token has run out."""
    async with house.signed_in() as browser:
        return browser.cookies["otklik_refresh"]


async def looked(house: House, refresh: str) -> httpx.Response:
    """The first page, as a tab that still holds that refresh token gets it."""
    async with house.browser(otklik_refresh=refresh) as tab:
        return await tab.get("/")


def cookies(answer: httpx.Response) -> tuple[str, str]:
    """What the browser is told to hold from now on."""
    return answer.cookies["otklik_session"], answer.cookies["otklik_refresh"]


async def trail(house: House) -> list[str]:
    """Actions in the audit trail."""
    rows = await house.running.admin.fetch("SELECT action FROM access.audit")
    return [row["action"] for row in rows]


async def test_tabs_that_wake_at_once_go_on_with_one_session(house: House) -> None:
    refresh = await idle(house)
    answers = await asyncio.gather(*(looked(house, refresh) for _ in range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert len({cookies(answer) for answer in answers}) == 1


async def test_a_second_click_before_the_first_answer_goes_on_too(house: House) -> None:
    refresh = await idle(house)
    first, second = await looked(house, refresh), await looked(house, refresh)
    assert (first.status_code, second.status_code) == (200, 200)
    assert cookies(first) == cookies(second)
    session, following = cookies(second)
    async with house.browser(otklik_session=session) as tab:
        assert (await tab.get("/")).status_code == 200
    assert (await looked(house, following)).status_code == 200
    assert "refresh_reused" not in await trail(house)


async def test_a_refresh_token_that_opens_nothing_leads_to_the_sign_in(house: House) -> None:
    answer = await looked(house, "nothing")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


async def test_signing_in_leads_back_to_the_page_that_was_wanted(house: House) -> None:
    login, password = house.logins["admin"]
    async with house.browser() as browser:
        asked = await browser.get(WANTED)
        assert asked.status_code == 303
        form = await browser.get(asked.headers["location"])
        assert form.status_code == 200
        where = form.url.raw_path.decode()
        refused = await browser.post(where, data={"login": login, "password": "wrong"})
        assert refused.status_code == 401
        answer = await browser.post(where, data={"login": login, "password": password})
        assert (answer.status_code, answer.headers["location"]) == (303, WANTED)
        assert (await browser.get(WANTED)).status_code == 200


async def test_signing_in_leads_to_no_other_site(house: House) -> None:
    login, password = house.logins["admin"]
    async with house.browser() as browser:
        answer = await browser.post(
            "/sign-in",
            params={"next": "//evil.example/"},
            data={"login": login, "password": password},
        )
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_a_refused_sign_in_keeps_the_login_and_says_why_in_a_sentence(house: House) -> None:
    async with house.browser() as browser:
        typed = {"login": 'o"neil', "password": "wrong"}
        refused = await browser.post("/sign-in", params={"lang": "ru"}, data=typed)
    assert refused.status_code == 401
    assert 'value="o&#34;neil"' in refused.text
    assert re.search(r'role="alert">\s*Неверный логин или пароль', refused.text)
    assert "wrong" not in refused.text.partition("<main")[2].replace('class="wrong"', "")
