"""Pages in a browser: calls to show, somebody signed in, and what a script measures of a page."""

from datetime import UTC, datetime, timedelta

from playwright.async_api import Browser, Page, ViewportSize

from tests.support.deployment import Deployment
from tests.system.scenario import Row

DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}

CONTRAST = """
() => {
  const light = rgb => {
    const [r, g, b] = rgb.match(/[0-9.]+/g).map(Number).map(c => c / 255)
      .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const cell = document.querySelector("#slots td a").closest("td");
  return ["h1", "h2", "h3", "h4", "h5"].map(shade => {
    cell.className = shade;
    const [ink, paper] = [light(getComputedStyle(cell.querySelector("a")).color),
      light(getComputedStyle(cell).backgroundColor)];
    return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
  });
}
"""
"""How well a number stands out from each shade of its cell, by WCAG."""

BUSY = """
() => {
  document.querySelectorAll("#when td").forEach((cell, place) => {
    cell.className = "h" + (place % 6);
    cell.innerHTML = "<a href='/'>128</a><a class='in-time' href='/'>100\xa0%</a>";
  });
  const table = document.querySelector("#when .wide");
  return [table.scrollWidth, table.clientWidth];
}
"""
"""As if each two hours had many calls: how wide the map is, and how much of it is seen."""


def calls_of_yesterday() -> list[Row]:
    """Yesterday: four calls, one given up after 40 s by somebody nobody called back."""
    begins = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
    begins -= timedelta(days=1)
    events: list[Row] = []
    for number, (waited, talked) in enumerate(((5, 60), (12, 90), (30, 60), (40, None))):
        at = begins + timedelta(minutes=10 * number)
        name = f"page-{number}"
        events.append(
            {
                "id": f"{name}-q",
                "contact": name,
                "type": "queued",
                "at": at.isoformat(),
                "channel": "call",
                "direction": "in",
                "from": f"+7999000{number:04d}",
                "branch": "tyumen",
            }
        )
        ends = at + timedelta(seconds=waited)
        if talked is not None:
            answered = {"id": f"{name}-a", "contact": name, "type": "answered", "agent": "petrova"}
            events.append(answered | {"at": ends.isoformat(), "actor": "human"})
            ends += timedelta(seconds=talked)
        events.append({"id": f"{name}-e", "contact": name, "type": "ended", "at": ends.isoformat()})
    return events


async def signed_in(
    browser: Browser, told: Deployment, viewport: ViewportSize, language: str
) -> tuple[Page, list[str]]:
    """The first page, as the head of the company sees it, and what the browser complains of."""
    context = await browser.new_context(viewport=viewport, locale=language)
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(told.urls["metrics"] + "/")
    assert page.url.endswith("/sign-in")
    await page.fill("[name=login]", told.login)
    await page.fill("[name=password]", told.password)
    await page.click("main button")
    await page.wait_for_selector("#not-called-back")
    await page.wait_for_load_state()  # before its styles are there a page may be too wide
    return page, complaints
