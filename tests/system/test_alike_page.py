"""Whether branches serve alike, read in a real browser: a line, and by keys what is behind it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser, ViewportSize

from tests.integration.pages.test_alike import BRANCHES, NAMES, call
from tests.support.deployment import Deployment, one_process
from tests.system.browsing import DESKTOP, PHONE, signed_in
from tests.system.scenario import until_counted

pytestmark = [pytest.mark.system, pytest.mark.browser]


@pytest.fixture(scope="module")
def differing() -> Iterator[Deployment]:
    """Otklik with four branches, one of which hardly answers."""
    with one_process() as deployment:
        client = deployment.client()
        for branch, (answered, of) in BRANCHES.items():
            client.ok("PUT", f"/access/v1/branches/{branch}", json={"names": {"ru": NAMES[branch]}})
            for number in range(of):
                told = call(branch, number, answered=number < answered)
                client.ok("POST", "/contact-center/v1/events", json=told)
        now = datetime.now(UTC)
        until_counted(
            deployment,
            "contacts_answered",
            sum(answered for answered, _ in BRANCHES.values()),
            begins=(now - timedelta(days=7)).isoformat(),
            ends=(now + timedelta(days=1)).isoformat(),
        )
        yield deployment


@pytest.mark.asyncio
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize(
    ("language", "verdict", "below", "formula"),
    [
        ("ru", "Филиалы различаются сильнее, чем объясняет случай", "ниже других", "χ² Пирсона"),
        ("en", "Branches differ more than chance explains", "below the others", "Pearson's χ²"),
    ],
)
async def test_a_manager_reads_which_branches_differ_and_how_that_is_known(
    browser: Browser,
    differing: Deployment,
    tmp_path: Path,
    viewport: ViewportSize,
    language: str,
    verdict: str,
    below: str,
    formula: str,
) -> None:
    page, complaints = await signed_in(browser, differing, viewport, language)
    line = page.locator("#alike")
    assert verdict in await line.inner_text()
    box = await line.bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= viewport["width"], "words are out of sight"
    await page.screenshot(path=tmp_path / "first.png", full_page=True)

    await page.focus("#alike a:last-of-type")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("section#alike")
    await page.wait_for_load_state()
    assert page.url.endswith("#alike")
    rows = page.locator("#alike tbody tr")
    assert await rows.count() == len(BRANCHES)
    assert below in await rows.first.inner_text()
    wide = await page.evaluate("document.documentElement.scrollWidth")
    assert wide <= viewport["width"], "the page scrolls sideways"
    how = page.locator("#alike-how")
    assert formula not in await how.inner_text()
    await page.focus("#alike-how summary")
    await page.keyboard.press("Enter")
    assert formula in await how.inner_text()
    await page.locator("section#alike").screenshot(path=tmp_path / "alike.png")

    await rows.first.locator("a").click()
    await page.wait_for_selector("#records")
    assert await page.locator("#records li").count() == 20
    assert await page.locator("#alike").count() == 0
    assert complaints == []
    await page.context.close()
