"""On a Russian page nothing is said in codes."""

import re
from html import unescape

import httpx
import pytest

from tests.integration.pages.conftest import House, gave_up

pytestmark = pytest.mark.asyncio

RUSSIAN = {"lang": "ru"}


def words(text: str) -> str:
    """What is read on a page, below its header."""
    main = text.partition("<main")[2].partition(">")[2]
    return " ".join(unescape(re.sub("<[^>]+>", " ", main)).split())


async def opened(browser: httpx.AsyncClient, number: str, kind: str) -> str:
    """The first record behind a number, read in Russian."""
    page = (await browser.get(f"/number/{number}", params={"agent": "petrova"})).text
    if kind == "case":
        page = (await browser.get(f"/number/{number}")).text
    link = re.search(f'href="(/{kind}/[^"]+)"', page)
    assert link is not None
    return words((await browser.get(link[1], params=RUSSIAN)).text)


async def test_a_contact_tells_what_happened_and_who_did_it(house: House) -> None:
    async with house.signed_in() as browser:
        told = await opened(browser, "waiting", "contact")
    assert "в очереди" in told
    assert "назначен сотрудник · Petrova Ivanova" in told
    assert "завершено" in told
    for code in ("queued", "assigned", "ended", "petrova"):
        assert code not in told


async def test_a_contact_tells_which_number_was_called_and_what_brought_it(
    newcomer: House,
) -> None:
    names = {"names": ["source", "medium", "campaign"]}
    await newcomer.good("PUT", "/contact-center/v1/attributes", names)
    queued, ended = gave_up(1, branch=None, agent=None)
    queued |= {
        "to": "+74951234567",
        "campaign": "flats",
        "attributes": {"source": "yandex", "medium": "cpc"},
    }
    await newcomer.good("POST", "/contact-center/v1/events", [queued, ended])
    await newcomer.running.until_settled()
    async with newcomer.signed_in() as browser:
        page = (await browser.get("/number/waiting")).text
        link = re.search(r'href="(/contact/[^"]+)"', page)
        assert link is not None
        told = words((await browser.get(link[1], params=RUSSIAN)).text)
    assert "Куда обратились +74951234567" in told
    assert "Что привело yandex · cpc · flats" in told


async def test_a_case_tells_why_it_was_opened(house: House) -> None:
    async with house.signed_in() as browser:
        told = await opened(browser, "cases", "case")
    assert "Причина вряд ли порекомендует (NPS)" in told


async def test_a_receipt_tells_what_was_left_out(house: House) -> None:
    async with house.signed_in() as browser:
        told = words((await browser.get("/number/sl20", params=RUSSIAN)).text)
    assert "Не вошло бросили почти сразу: 0" in told
    assert "short_abandon" not in told


async def test_a_receipt_writes_its_interval_as_percent(house: House) -> None:
    async with house.signed_in() as browser:
        told = (await browser.get("/number/sl20", params=RUSSIAN)).text
    assert re.search(r"95 % интервал</dt><dd>\d+,\d–\d+,\d\xa0%</dd>", told)


async def test_whoever_works_for_the_company_is_called_an_employee(house: House) -> None:
    async with house.signed_in() as browser:
        first = words((await browser.get("/", params=RUSSIAN)).text)
        contact = await opened(browser, "waiting", "contact")
        case = await opened(browser, "cases", "case")
    assert "по сотрудникам" in first
    assert "Сотрудник Petrova Ivanova" in contact
    assert "Сотрудник не назначен" in case
    assert "иелтор" not in first + contact + case


@pytest.mark.parametrize(
    ("number", "language", "told"),
    [
        ("sl20", "ru", ["T = 20 секунд: ожидание ровно T – вовремя", "S = 5 секунд: бросивший"]),
        ("sl20", "en", ["T = 20 seconds: a wait of exactly T", "S = 5 seconds: who hung up"]),
        ("nps", "ru", ["считаются все ответы", "шкала от 0 до 10"]),
        ("nps", "en", ["all answers count", "a scale of 0 to 10"]),
    ],
)
async def test_a_receipt_explains_what_its_formula_was_given(
    house: House, number: str, language: str, told: list[str]
) -> None:
    async with house.signed_in() as browser:
        receipt = words((await browser.get(f"/number/{number}", params={"lang": language})).text)
    for sentence in told:
        assert sentence in receipt
    assert "excl_short" not in receipt
