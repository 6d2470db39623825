"""The first page in a real browser: plain numbers, and the very call two clicks away."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, ViewportSize

from tests.support.deployment import Deployment, one_process
from tests.system.browsing import (
    BUSY,
    CONTRAST,
    DESKTOP,
    PHONE,
    calls_of_yesterday,
    signed_in,
)
from tests.system.scenario import until_counted

pytestmark = [pytest.mark.system, pytest.mark.browser]


@pytest.fixture(scope="module")
def told() -> Iterator[Deployment]:
    """Otklik with four calls in it."""
    with one_process() as deployment:
        client = deployment.client()
        names = {"ru": "Тюмень", "en": "Tyumen"}
        client.ok("PUT", "/access/v1/branches/tyumen", json={"names": names})
        client.ok("POST", "/contact-center/v1/events", json=calls_of_yesterday())
        _until_counted(deployment)
        yield deployment


def _until_counted(deployment: Deployment) -> None:
    now = datetime.now(UTC)
    until_counted(
        deployment,
        "contacts_abandoned",
        1,
        begins=(now - timedelta(days=7)).isoformat(),
        ends=(now + timedelta(days=1)).isoformat(),
    )


@pytest.mark.asyncio
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize(
    ("language", "words", "branch", "few"),
    [
        ("ru", "из 100 позвонивших ответ за 20 секунд получили 50", "Тюмень", "мало ответов"),
        ("en", "of 100 who called, 50 were answered within 20 seconds", "Tyumen", "too few"),
    ],
)
async def test_a_manager_gets_from_the_number_to_the_call_in_two_clicks(
    browser: Browser,
    told: Deployment,
    tmp_path: Path,
    viewport: ViewportSize,
    language: str,
    words: str,
    branch: str,
    few: str,
) -> None:
    page, complaints = await signed_in(browser, told, viewport, language)
    assert await page.get_attribute("html", "lang") == language
    assert (await page.inner_text("#not-called-back .big")).strip() == "1"
    assert words in await page.inner_text("#service-level")
    assert few in await page.inner_text("#nps")
    assert branch in await page.inner_text("tbody")
    wide = await page.evaluate("document.documentElement.scrollWidth")
    assert wide <= viewport["width"], "the page scrolls sideways"
    rights = await page.locator("tbody td:nth-child(2)").evaluate_all(
        "cells => cells.map(cell => cell.getBoundingClientRect().right)"
    )
    assert len(rights) >= 2
    assert max(rights) <= viewport["width"], "whom nobody called back is out of sight"
    await page.screenshot(path=tmp_path / "first.png", full_page=True)

    await page.click("#not-called-back .big a")
    await page.wait_for_selector("#receipt")
    await page.click("#records li a")
    await page.wait_for_selector("ol.list")
    assert "+79990000003" in await page.inner_text("main")
    assert complaints == []
    await page.context.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize(
    ("language", "about", "by_number"),
    [
        ("ru", "какая их часть получила ответ за 20 секунд", "по числам месяца"),
        ("en", "what share of them was answered within 20 seconds", "by day of the month"),
    ],
)
async def test_the_map_of_calls_is_read_without_colours_and_by_keys(
    browser: Browser,
    told: Deployment,
    tmp_path: Path,
    viewport: ViewportSize,
    language: str,
    about: str,
    by_number: str,
) -> None:
    page, complaints = await signed_in(browser, told, viewport, language)
    assert about in await page.inner_text("#when caption")
    links = page.locator("#slots a[href^='/number/calls']")
    assert sum([int(says) for says in await links.all_inner_texts()]) == 4
    shares = await page.locator("#slots a[href^='/number/sl20']").all_inner_texts()
    assert [says.replace("\xa0", "") for says in shares] == ["50%"]
    boxes = [await link.bounding_box() for link in await page.locator("#slots td a").all()]
    assert all(box and box["height"] >= 24 and box["width"] >= 24 for box in boxes)
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        assert min(await page.evaluate(CONTRAST)) >= 4.5, scheme
        await page.locator("#when").screenshot(path=tmp_path / f"map-{scheme}.png")
    wide, room = await page.evaluate(BUSY)
    assert wide <= room, "a week of calls is wider than the screen"
    await page.locator("#when").screenshot(path=tmp_path / "busy.png")

    await page.focus("#when .ways a:not(.skip)")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("#days")
    await page.wait_for_load_state()
    assert await page.inner_text("#when .ways strong") == by_number
    wide = await page.evaluate("document.documentElement.scrollWidth")
    assert wide <= viewport["width"], "the page scrolls sideways"
    caption = await page.locator("#when caption span").bounding_box()
    assert caption is not None
    assert caption["x"] + caption["width"] <= viewport["width"], "words are out of sight"
    await page.locator("#when").screenshot(path=tmp_path / "days.png")
    await page.focus("#days td:nth-of-type(n+2) a")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("#receipt")
    assert await page.locator("#records li").count() == 4
    assert complaints == []
    await page.context.close()


@pytest.mark.asyncio
async def test_every_number_opens_its_receipt(browser: Browser, told: Deployment) -> None:
    page, _ = await signed_in(browser, told, DESKTOP, "en")
    links = await page.eval_on_selector_all(
        "main a[href^='/number/']", "found => found.map(one => one.getAttribute('href'))"
    )
    assert len(links) >= 5
    for link in dict.fromkeys(links):
        await page.goto(told.urls["metrics"] + link)
        assert await page.is_visible("#receipt"), link
    await page.context.close()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("language", "told_there", "one"),
    [
        ("ru", "перезвонить — сорвано, клиент ждёт", "Звонки"),
        ("en", "callback — broken, the customer waits", "Calls"),
    ],
)
async def test_a_broken_promise_is_shown_with_its_contact_and_its_policy_s_name(
    browser: Browser, told: Deployment, language: str, told_there: str, one: str
) -> None:
    policy = {
        "priority": 10,
        "channels": ["call"],
        "names": {"ru": "Звонки", "en": "Calls"},
        "valid_from": (datetime.now(UTC) - timedelta(days=7)).isoformat(),
        "targets": [{"target": "callback", "seconds": 900, "business": False}],
    }
    client = told.client()
    client.ok("PUT", "/access/v1/sla-policies/calls", json=policy)
    page, complaints = await signed_in(browser, told, DESKTOP, language)
    for _ in range(40):
        await page.goto(told.urls["metrics"] + "/number/broken?period_name=7d")
        if await page.locator("#records li").count():
            break
        await asyncio.sleep(0.25)
    line = await page.inner_text("#records li")
    assert line.endswith(f"· {one}")
    await page.click("#records li a")
    await page.wait_for_selector("#targets")
    shown = await page.inner_text("#targets li")
    assert shown.startswith(told_there)
    assert shown.endswith(f"· {one}")
    assert complaints == []
    await page.context.close()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("language", "kind", "state"),
    [("ru", "Перезвонить", "на грани срыва"), ("en", "Call back", "about to break")],
)
async def test_a_promise_about_to_break_is_on_the_first_page_with_whose_it_is(
    browser: Browser, told: Deployment, language: str, kind: str, state: str
) -> None:
    client, service = told.client(), "/contact-center/v1"
    names = {"names": {"ru": "Перезвонить", "en": "Call back"}, "warning_seconds": 172_800}
    client.ok("PUT", f"{service}/promise-kinds/call_back", json=names)
    due = (datetime.now(UTC) + timedelta(hours=40)).isoformat()
    (contact, *_) = client.ok("GET", f"{service}/contacts")["items"]
    promise = {"agent": "petrova", "promise_kind": "call_back", "due_at": due, "branch": "tyumen"}
    promise |= {"contact": contact["contact"], "text": "до обеда"}
    made = client.ok("PUT", f"{service}/promises/{language}", json=promise)
    page, complaints = await signed_in(browser, told, DESKTOP, language)
    for _ in range(40):
        await page.goto(told.urls["metrics"] + "/?period_name=today")
        if (await page.inner_text("#promises .big")).strip() == "1":
            break
        await asyncio.sleep(0.25)
    await page.click("#promises .big a")
    await page.wait_for_selector("#records li")
    line = await page.inner_text("#records li")
    assert line.startswith(f"{kind} · petrova")
    assert line.endswith(state)
    await page.click("#records li a")
    await page.wait_for_selector("#promises")
    shown = await page.locator("#promises li").last.inner_text()
    assert shown.startswith(f"{kind} — {state} · petrova")
    assert shown.endswith("до обеда")
    assert complaints == []
    client.ok("POST", f"{service}/promises/{made['id']}/keep", json={})
    for _ in range(40):
        await page.goto(told.urls["metrics"] + "/?period_name=today")
        if (await page.inner_text("#promises .big")).strip() == "0":
            break
        await asyncio.sleep(0.25)
    assert (await page.inner_text("#promises .big")).strip() == "0"
    await page.context.close()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("language", "named", "title", "greeted", "said"),
    [
        ("ru", "script-ru", "Скрипт разговора: Первый звонок", "Поздоровался", "пропущено"),
        ("en", "script-en", "Script of the conversation: First call", "Greeted", "missed"),
    ],
)
async def test_a_contact_shows_its_script_and_then_what_was_done(
    browser: Browser,
    told: Deployment,
    language: str,
    named: str,
    title: str,
    greeted: str,
    said: str,
) -> None:
    client, service = told.client(), "/contact-center/v1"
    (contact, *_) = [
        one
        for one in client.ok("GET", f"{service}/contacts")["items"]
        if one["agent"] == "petrova"
        and one["contact"] == ("page-0" if language == "ru" else "page-1")
    ]
    script: dict[str, Any] = {
        "names": {"ru": "Первый звонок", "en": "First call"},
        "items": [
            {"code": "greeting", "texts": {"ru": "Поздоровался", "en": "Greeted"}},
            {"code": "need", "texts": {"ru": "Выяснил потребность", "en": "Need"}},
        ],
    }
    client.ok("PUT", f"{service}/scripts/{named}", json=script)
    page, complaints = await signed_in(browser, told, DESKTOP, language)
    at = f"{told.urls['metrics']}/contact/{contact['id']}"
    await page.goto(at)
    assert title in await page.inner_text("main")
    assert await page.locator("#script li").all_inner_texts() == [
        script["items"][0]["texts"][language],
        script["items"][1]["texts"][language],
    ]
    note = [{"item": "greeting", "answer": "done", "note": "весело"}]
    client.ok("PUT", f"{service}/contacts/{contact['id']}/script", json={"answers": note})
    await page.goto(at)
    first, second = await page.locator("#script li").all_inner_texts()
    assert first.startswith(greeted)
    assert first.endswith("весело")
    assert second.endswith(said)
    assert complaints == []
    await page.context.close()


@pytest.mark.asyncio
async def test_the_other_language_is_remembered_and_signing_out_ends_it(
    browser: Browser, told: Deployment
) -> None:
    page, _ = await signed_in(browser, told, DESKTOP, "ru")
    await page.click("header nav a")
    await page.wait_for_selector("html[lang=en]")
    await page.goto(told.urls["metrics"] + "/")
    assert await page.get_attribute("html", "lang") == "en"
    await page.click("header button")
    await page.wait_for_selector("[name=login]")
    await page.goto(told.urls["metrics"] + "/")
    assert page.url.endswith("/sign-in")
    await page.context.close()


@pytest.mark.asyncio
async def test_a_wrong_password_and_a_foreign_contact_are_said_plainly(
    browser: Browser, told: Deployment
) -> None:
    page, _ = await signed_in(browser, told, DESKTOP, "en")
    answer = await page.goto(told.urls["metrics"] + "/contact/00000000-0000-5000-8000-000000000000")
    assert answer is not None
    assert answer.status == 404
    await page.context.clear_cookies()
    await page.goto(told.urls["metrics"] + "/sign-in")
    await page.fill("[name=login]", told.login)
    await page.fill("[name=password]", "wrong-wrong-wrong")
    await page.click("main button")
    await page.wait_for_selector("[role=alert]")
    await page.context.close()


@pytest.mark.asyncio
async def test_tabs_go_on_after_ten_idle_minutes(browser: Browser, told: Deployment) -> None:
    page, complaints = await signed_in(browser, told, DESKTOP, "en")
    # What is left then: the session token is refused, the refresh token is not.
    await page.context.clear_cookies(name="otklik_session")
    tabs = [page, await page.context.new_page(), await page.context.new_page()]
    await asyncio.gather(*(tab.goto(told.urls["metrics"] + "/") for tab in tabs))
    for tab in tabs:
        assert await tab.is_visible("#not-called-back"), tab.url
    await page.reload()
    assert await page.is_visible("#not-called-back")
    assert complaints == []
    await page.context.close()


@pytest.mark.asyncio
async def test_whoever_signs_in_comes_back_to_the_page_they_wanted(
    browser: Browser, told: Deployment
) -> None:
    page = await browser.new_page(locale="en")
    wanted = told.urls["metrics"] + "/number/waiting?period_name=7d&branch=tyumen"
    await page.goto(wanted)
    await page.fill("[name=login]", told.login)
    await page.fill("[name=password]", "wrong-wrong-wrong")
    await page.click("main button")
    await page.wait_for_selector("[role=alert]")
    await page.click("header nav a")
    await page.wait_for_selector("html[lang=ru]")
    await page.fill("[name=login]", told.login)
    await page.fill("[name=password]", told.password)
    await page.click("main button")
    await page.wait_for_selector("#receipt")
    assert page.url == wanted
    await page.close()
