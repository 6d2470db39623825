"""Whoever is to call an unhappy customer sees whom, where, and what made them unhappy."""

import re

import pytest

from tests.integration.pages.conftest import House, ago
from tests.integration.pages.test_words import RUSSIAN, words

pytestmark = pytest.mark.asyncio


async def complaint(house: House, name: str, *, phone: str) -> str:
    """The case of a customer with a phone who gave a 4."""
    body = {"template": "nps", "title": {"ru": "Порекомендуете?", "en": "Recommend?"}}
    survey = (await house.good("POST", "/feedback/v1/surveys", body))["id"]
    answer = {
        "survey": survey,
        "at": ago(days=100),
        "customer": {"external_id": name, "phone": phone},
        "values": {"nps": 4, "comment": "ждали <два> часа"},
    }
    await house.good("PUT", f"/feedback/v1/answers/{name}", answer)
    case = (await house.good("GET", f"/feedback/v1/answers/{name}"))["cases"][0]
    return f"/case/{case}"


async def test_a_case_tells_the_score_the_words_and_whom_to_call(house: House) -> None:
    phone = "+79991112233"
    link = await complaint(house, "known", phone=phone)
    person = {"name": "Анна Ким", "phone": phone, "external_id": "known"}
    await house.good("PUT", "/loyalty/v1/customers/known", person)
    async with house.signed_in() as browser:
        page = (await browser.get(link, params=RUSSIAN)).text
    said = words(page)
    assert "Оценка NPS 4 из 10" in said
    assert "Слова клиента ждали <два> часа" in said
    assert "Клиент Анна Ким" in said
    assert f'<a href="tel:{phone}">{phone}</a>' in page


async def test_a_case_tells_lines_and_reasons_in_the_words_of_the_survey(house: House) -> None:
    asked = [
        {"id": "nps", "text": {"ru": "Порекомендуете?", "en": "Recommend?"}},
        {
            "id": "why",
            "kind": "multiple",
            "text": {"ru": "Почему {answer.nps|столько}?", "en": "Why {answer.nps|that}?"},
            "options": [{"id": "late", "text": {"ru": "Опоздали", "en": "They were late"}}],
        },
        {"id": "forces", "kind": "forces", "text": {"ru": "Как было?", "en": "How was it?"}},
    ]
    title = {"ru": "Показ", "en": "Viewing"}
    body = {"template": "own", "title": title, "questions": asked}
    survey = (await house.good("POST", "/feedback/v1/surveys", body))["id"]
    answer = {
        "survey": survey,
        "at": ago(days=100),
        "values": {"nps": 2, "why": ["late"], "forces": {"fairness": 3}},
    }
    await house.good("PUT", "/feedback/v1/answers/lines", answer)
    case = (await house.good("GET", "/feedback/v1/answers/lines"))["cases"][0]
    async with house.signed_in() as browser:
        said = words((await browser.get(f"/case/{case}", params=RUSSIAN)).text)
    assert "NPS 2 из 10" in said
    assert "Почему столько? Опоздали" in said
    assert "Со мной поступили честно: 3 из 7" in said


async def test_a_case_of_a_stranger_goes_without_a_name(house: House) -> None:
    link = await complaint(house, "stranger", phone="+79994445566")
    async with house.signed_in() as browser:
        said = words((await browser.get(link, params={"lang": "en"})).text)
    assert "Score NPS 4 of 10" in said
    assert "Customer " not in said.replace("The customer", "")


async def test_cases_and_contacts_lead_back_to_the_first_page(house: House) -> None:
    async with house.signed_in() as browser:
        for number, kind in (("cases", "case"), ("waiting", "contact")):
            listed = (await browser.get(f"/number/{number}")).text
            link = re.search(f'href="(/{kind}/[^"]+)"', listed)
            assert link is not None
            page = (await browser.get(link[1], params=RUSSIAN)).text
            assert '<a href="/">← На первую страницу</a>' in page
