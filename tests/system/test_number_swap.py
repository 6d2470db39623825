"""The script that shows visitors their numbers, in a real browser, under a strict CSP."""

import http.server
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Page

from otklik_contact_center.api.number_leases import SCRIPT
from tests.support.deployment import Deployment, one_process

pytestmark = [pytest.mark.system, pytest.mark.browser, pytest.mark.asyncio]

OWN = "8 (495) 000-00-00"
POOL = ["+74951110001", "+74951110002"]
STATIC = "+78125550001"

PAGE = f"""<!doctype html><html lang="ru"><head><meta charset="utf-8"><title>Агентство</title></head>
<body><h1>Звоните: <b>{OWN}</b></h1>
<p>или +7&nbsp;495&nbsp;000&nbsp;00&nbsp;00, а это не наш: 8 (495) 000-00-01, и цена 4 950 000 000</p>
<a id="call" href="tel:+74950000000">позвонить</a>
<script src="@SCRIPT@" data-key="@KEY@" data-tracker="site" data-replace="{OWN}" defer></script>
</body></html>"""


class _Page(http.server.BaseHTTPRequestHandler):
    """A page of the agency; its policy allows scripts and calls of Otklik and nothing inline."""

    server: "_Site"

    def do_GET(self) -> None:
        otklik = self.server.otklik
        script = f"{otklik}/contact-center/v1/numbers.js"
        body = PAGE.replace("@SCRIPT@", script).replace("@KEY@", self.server.key).encode()
        policy = f"default-src 'none'; script-src {otklik}; connect-src {otklik}"
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Security-Policy", policy)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


class _Site(http.server.ThreadingHTTPServer):
    """The agency's site; its key is known once its origin is."""

    def __init__(self, otklik: str) -> None:
        super().__init__(("127.0.0.1", 0), _Page)
        self.otklik, self.key = otklik, ""

    @property
    def origin(self) -> str:
        """Where its pages are."""
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture(scope="module")
def otklik() -> Iterator[Deployment]:
    """Otklik with a site that leases two numbers."""
    with one_process() as deployment:
        client = deployment.client()
        body = {
            "rules": [
                {"code": "leaflet", "parameters": {"utm_source": ["leaflet"]}, "number": STATIC},
                {"code": "nothing", "paths": ["/as-it-is"]},
                {"code": "rest", "pool": "main"},
            ],
            "pools": {"main": POOL},
            "heartbeat_seconds": 5,
        }
        client.ok("PUT", "/contact-center/v1/number-trackers/site", json=body)
        yield deployment


@pytest.fixture(scope="module")
def site(otklik: Deployment) -> Iterator[str]:
    """The agency's site, with a publishable key of its own."""
    server = _Site(otklik.urls["contact-center"])
    asked = {"name": "site", "purpose": "publishable", "origins": [server.origin]}
    made = otklik.client().ok("POST", "/access/v1/keys", json=asked)
    server.key = made["key"]
    _until_known(otklik, server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.origin
    server.shutdown()
    server.server_close()


def _until_known(otklik: Deployment, server: _Site) -> None:
    """A key that was just made is known everywhere within seconds."""
    body = {"tracker": "site", "visitor": "visitor-0", "url": f"{server.origin}/as-it-is"}
    headers = {"Authorization": f"Bearer {server.key}", "Origin": server.origin}
    url = f"{otklik.urls['contact-center']}/contact-center/v1/number-leases"
    for _ in range(100):
        if httpx.post(url, json=body, headers=headers).is_success:
            return
        time.sleep(0.1)
    raise AssertionError("the key is not known")


async def opened(browser: Browser, url: str) -> tuple[Page, list[str]]:
    context = await browser.new_context()
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(url)
    return page, complaints


async def swapped(page: Page) -> str:
    await page.wait_for_selector("html[data-otklik-number]", state="attached")
    number = await page.get_attribute("html", "data-otklik-number")
    assert number is not None
    return number


async def test_a_visitor_sees_one_leased_number_in_the_page_s_own_form(
    browser: Browser, site: str
) -> None:
    page, complaints = await opened(browser, f"{site}/flats")
    number = await swapped(page)
    assert number in POOL
    last = number[-1]
    assert await page.inner_text("b") == f"8 (495) 111-00-0{last}"
    text = (await page.inner_text("p")).replace("\u00a0", " ")
    assert (
        text == f"или +7 495 111 00 0{last}, а это не наш: 8 (495) 000-00-01, и цена 4 950 000 000"
    )
    assert await page.get_attribute("#call", "href") == f"tel:{number}"
    await page.goto(f"{site}/second")
    assert await swapped(page) == number
    assert complaints == []
    other, _ = await opened(browser, f"{site}/flats")
    assert {number, await swapped(other)} == set(POOL)
    # Both are taken: whoever comes next sees the page as it was written.
    third, _ = await opened(browser, f"{site}/flats")
    await third.wait_for_load_state("networkidle")
    assert await third.inner_text("b") == OWN
    for one in (page, other, third):
        await one.context.close()


async def test_a_rule_may_show_a_static_number_or_none(browser: Browser, site: str) -> None:
    page, complaints = await opened(browser, f"{site}/?utm_source=leaflet")
    assert await swapped(page) == STATIC
    assert await page.inner_text("b") == "8 (812) 555-00-01"
    await page.goto(f"{site}/as-it-is")
    await page.wait_for_load_state("networkidle")
    assert await page.inner_text("b") == OWN
    assert complaints == []
    await page.context.close()


@pytest.mark.parametrize("what", ["**/number-leases", "**/numbers.js"])
async def test_while_otklik_is_away_the_page_is_as_it_was(
    browser: Browser, site: str, what: str
) -> None:
    context = await browser.new_context()
    await context.route(what, lambda route: route.abort())
    page = await context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    await page.goto(f"{site}/flats")
    await page.wait_for_load_state("networkidle")
    assert await page.inner_text("b") == OWN
    assert await page.get_attribute("#call", "href") == "tel:+74950000000"
    assert errors == []
    await context.close()


async def test_it_fits_in_three_kibibytes() -> None:
    assert len(SCRIPT.encode()) <= 3 * 1024
