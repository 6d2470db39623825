"""Addresses that lead nowhere: people get a page, programs a problem."""

import re

import httpx
import pytest

from tests.integration.pages.conftest import House
from tests.integration.pages.test_words import words

pytestmark = pytest.mark.asyncio

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
NOWHERE = "00000000-0000-5000-8000-000000000000"


def is_page(answer: httpx.Response) -> bool:
    """Whether it is one of our pages."""
    return answer.headers["content-type"].startswith("text/html") and "page.css" in answer.text


@pytest.mark.parametrize("path", ["/nothing", "/contact/xx", "/case/xx", "/sign-out"])
@pytest.mark.parametrize(
    ("language", "said"), [("ru", "Такой страницы нет"), ("en", "There is no such page")]
)
async def test_people_get_a_page_in_their_language(
    house: House, path: str, language: str, said: str
) -> None:
    async with house.browser() as browser:
        answer = await browser.get(path, headers=BROWSER | {"Accept-Language": language})
    assert answer.status_code == 404
    assert is_page(answer)
    assert said in words(answer.text)
    assert 'href="/"' in answer.text
    assert answer.headers["content-security-policy"]


async def test_whoever_is_signed_in_stays_so_on_pages_that_are_none(house: House) -> None:
    async with house.signed_in() as browser:
        for path in ("/nothing", "/contact/xx", f"/contact/{NOWHERE}"):
            answer = await browser.get(path, headers=BROWSER)
            assert answer.status_code == 404
            assert 'action="/sign-out"' in answer.text, path


async def test_a_session_that_is_over_does_not_hide_that_there_is_no_page(house: House) -> None:
    async with house.browser(otklik_session="over", otklik_refresh="over") as browser:
        answer = await browser.get("/nothing", headers=BROWSER)
    assert (answer.status_code, is_page(answer)) == (404, True)


@pytest.mark.parametrize(
    "path",
    ["/metrics/v1/nothing", "/contact-center/nothing", "/access", "/livez/x", "/readyz/x"],
)
async def test_programs_get_a_problem_even_from_a_browser(house: House, path: str) -> None:
    async with house.browser() as browser:
        answer = await browser.get(path, headers=BROWSER)
        other = await browser.get("/nothing", headers={"Accept": "*/*"})
    for one in (answer, other):
        assert one.status_code == 404
        assert one.headers["content-type"] == "application/problem+json"


async def test_a_branch_of_nobody_is_not_offered(house: House) -> None:
    for code in ("admin", "petrova"):
        async with house.signed_in(code) as browser:
            page = await browser.get("/", params={"branch": "zzz"})
            assert page.status_code == 200
            note = re.search(r'<section[^>]*id="instead-of".*?</section>', page.text, re.DOTALL)
            assert note is not None
            rest = page.text.replace(note[0], "")
            assert "zzz" not in rest.partition("<main")[2]
            everything = await browser.get("/")
        said = [words(one).partition("Freshness")[0] for one in (rest, everything.text)]
        assert said[0] == said[1]


async def test_a_number_of_a_branch_of_nobody_is_refused(house: House) -> None:
    async with house.signed_in() as browser:
        answer = await browser.get("/number/waiting", params={"branch": "zzz", "lang": "ru"})
    assert answer.status_code == 404
    assert "Такого филиала нет" in words(answer.text)
