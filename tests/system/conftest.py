"""A real browser, started when first asked for, for every test of pages."""

import shutil
from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, async_playwright

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    program = shutil.which("chromium")
    assert program is not None, "install Debian's package chromium"
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=program, args=[*FLAGS])
        yield running
        await running.close()
