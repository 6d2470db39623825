"""Whoever opens the case of a review or a claim reads what was said, what is wanted, and by when."""

import pytest

from tests.integration.pages.conftest import House, ago
from tests.integration.pages.test_words import RUSSIAN, words

pytestmark = pytest.mark.asyncio

ENGLISH = {"lang": "en"}


async def test_the_case_of_a_claim_tells_the_words_the_wish_and_its_times(newcomer: House) -> None:
    body = {
        "id": "c-1",
        "received_at": ago(hours=30),
        "text": "<b>Верните</b> задаток",
        "severity": "high",
        "wish": "refund",
        "amount": "50000.00",
        "currency": "RUB",
        "customer": {"phone": "+79991112233"},
    }
    claim = await newcomer.good("POST", "/feedback/v1/claims", body)
    await newcomer.running.until_settled()
    async with newcomer.signed_in() as browser:
        page = (await browser.get(f"/case/{claim['case']}", params=RUSSIAN)).text
        english = words((await browser.get(f"/case/{claim['case']}", params=ENGLISH)).text)
        first = words((await browser.get("/", params=RUSSIAN)).text)
    assert "<b>Верните" not in page
    assert '<a href="tel:+79991112233">' in page
    said = words(page).replace("\N{NO-BREAK SPACE}", " ")
    assert "Слова претензии <b>Верните</b> задаток" in said
    assert "Серьёзность высокая" in said
    assert "Чего хочет клиент вернуть деньги" in said
    assert "Сумма 50 000,00 ₽" in said
    assert "ответ на претензию — сорвано, клиент ждёт" in said
    assert "срок по закону — время ещё есть" in said
    assert "What the customer wants a refund" in english
    assert "answer to the claim — broken, the customer waits" in english
    assert "· претензия ·" in first


async def test_the_case_of_a_claim_by_a_phone_that_is_none_has_no_link_to_call(
    newcomer: House,
) -> None:
    body = {
        "id": "c-1",
        "received_at": ago(hours=1),
        "text": "Верните задаток",
        "customer": {"phone": "abc"},
    }
    claim = await newcomer.good("POST", "/feedback/v1/claims", body)
    await newcomer.running.until_settled()
    async with newcomer.signed_in() as browser:
        page = (await browser.get(f"/case/{claim['case']}", params=RUSSIAN)).text
    assert "Телефон abc" in words(page)
    assert "tel:" not in page


async def test_the_case_of_a_review_tells_the_words_and_leads_to_its_site(newcomer: House) -> None:
    promised = {"target": "review_reply", "seconds": 86_400, "business": False}
    policy = {"priority": 10, "targets": [promised]}
    await newcomer.good("PUT", "/access/v1/sla-policies/care", policy)
    await newcomer.running.until_settled()
    body = {
        "source": "yandex_maps",
        "id": "r-1",
        "written_at": ago(seconds=0),
        "stars": 2,
        "text": "<script>alert(1)</script> опоздали",
        "url": 'https://maps.example/r?a=1&b="><i>',
    }
    review = await newcomer.good("POST", "/feedback/v1/reviews", body)
    await newcomer.running.until_settled()
    async with newcomer.signed_in() as browser:
        page = (await browser.get(f"/case/{review['case']}", params=RUSSIAN)).text
        first = words((await browser.get("/", params=RUSSIAN)).text)
    assert "<script>alert" not in page
    link = 'href="https://maps.example/r?a=1&amp;b=&#34;&gt;&lt;i&gt;" rel="noopener noreferrer"'
    assert link in page
    said = words(page)
    assert "Слова отзыва <script>alert(1)</script> опоздали" in said
    assert "Звёзды 2 из 5" in said
    assert "Площадка yandex_maps" in said
    assert "ответ на отзыв — время ещё есть" in said
    assert "· плохой отзыв ·" in first


async def test_the_list_of_the_unhappy_says_why_a_score_is_among_them(house: House) -> None:
    async with house.signed_in() as browser:
        assert "· низкая оценка (NPS) ·" in words((await browser.get("/", params=RUSSIAN)).text)
