"""Business time on a page, from the API and as CSV: one figure."""

import asyncio
import csv
import io
import re
from datetime import UTC, datetime, time, timedelta
from functools import partial
from html import unescape
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from otklik.pages.periods import period
from otklik.pages.texts import Words
from tests.integration.pages.conftest import House
from tests.integration.pages.test_words import words

pytestmark = pytest.mark.asyncio

ZONE = "Europe/Moscow"
NINE_TO_SIX = ["09:00-18:00"]
OFFICE = {
    "timezone": ZONE,
    "week": dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), NINE_TO_SIX),
}
FIRST_RESPONSE = {"name": "first_response_seconds", "clock": "business"}


def friday(clock: time) -> datetime:
    """A moment of a Friday whose next Monday is over as well."""
    today = datetime.now(ZoneInfo(ZONE)).date()
    last = today - timedelta(days=(today.weekday() - 4) % 7 + 7)
    return datetime.combine(last, clock, ZoneInfo(ZONE))


def asked_and_answered(
    name: str, asked_at: datetime, answered_at: datetime
) -> list[dict[str, Any]]:
    """A chat: a customer's question and a person's answer."""
    chat = {"contact": name, "channel": "chat", "direction": "in"}
    return [
        {
            **chat,
            "id": f"{name}-1",
            "type": "message",
            "at": asked_at.isoformat(),
            "actor": "customer",
        },
        {
            **chat,
            "id": f"{name}-2",
            "type": "message",
            "at": answered_at.isoformat(),
            "actor": "human",
        },
    ]


async def told(house: House) -> None:
    """Two chats: one over a weekend (2 h of business time), one within 20.5 minutes."""
    await house.good("PUT", "/access/v1/calendars/office", OFFICE)
    late, early = friday(time(17, 30)), friday(time(10))
    chats = [
        *asked_and_answered("weekend", late, late + timedelta(hours=65)),
        *asked_and_answered("morning", early, early + timedelta(minutes=20, seconds=30)),
    ]
    await house.good("POST", "/contact-center/v1/events", chats)
    await house.running.until_settled()
    headers, began = {"Authorization": f"Bearer {house.key}"}, monotonic()
    asked = partial(house.running.client.post, "/metrics/v1/query", json=a_question())
    while not (await asked(headers=headers)).is_success:
        assert monotonic() - began < 30, "the calendar is not known"
        await asyncio.sleep(0.05)


def a_question() -> dict[str, Any]:
    """First responses of the page's usual period, by the business clock."""
    return {
        "metrics": [FIRST_RESPONSE | {"as": "response"}],
        "time": period("28d", ZONE, datetime.now(UTC)).query(),
    }


async def test_screen_api_and_csv_give_the_same_business_hours_figure(newcomer: House) -> None:
    await told(newcomer)
    body, client = a_question(), newcomer.running.client
    by_api = (await newcomer.good("POST", "/metrics/v1/query", body))["rows"][0]["response"]
    sent = {"Authorization": f"Bearer {newcomer.key}", "Accept": "text/csv"}
    answer = await client.post("/metrics/v1/query", json=body, headers=sent)
    assert answer.headers["content-type"] == "text/csv; header=present; charset=utf-8"
    (by_csv,) = csv.DictReader(io.StringIO(answer.content.decode(), newline=""), strict=True)

    seconds = (2 * 3600 + 20 * 60 + 30) / 2
    assert (by_api["value"], by_api["n"]) == (seconds, 2)
    assert by_csv["response"] == repr(by_api["value"])
    assert (by_csv["response.n"], by_csv["response.denominator"]) == ("2", "2")
    assert float(by_csv["response.numerator"]) == by_api["numerator"] == 2 * seconds
    async with newcomer.signed_in() as browser:
        for language in ("ru", "en"):
            first = (await browser.get("/", params={"lang": language})).text
            link = re.search(r'href="(/number/response[^"]*)"', first)
            assert link is not None
            shown = words((await browser.get(unescape(link[1]))).text)
            assert f": {Words(language).span(seconds)} " in shown
    assert Words("en").span(seconds) == "1 h 10 min 15 s"


async def test_a_page_names_the_calendar_and_lists_what_was_answered(newcomer: House) -> None:
    await told(newcomer)
    async with newcomer.signed_in() as browser:
        page = (await browser.get("/number/response", params={"lang": "ru"})).text
    shown = words(page)
    assert "рабочее время по календарю office" in shown
    assert "business" not in shown
    records = re.search(r'id="records">(.*?)</ul>', page, re.DOTALL)
    assert records is not None
    assert records[1].count("<li>") == 2


async def test_without_a_calendar_nothing_is_said_of_business_time(newcomer: House) -> None:
    async with newcomer.signed_in() as browser:
        first = await browser.get("/")
        number = await browser.get("/number/response")
    assert "/number/response" not in first.text
    assert number.status_code == 422
