"""Whoever looks at a page is counted by their own address, however the page reaches the APIs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import pytest_asyncio
import uvicorn
from fastapi import FastAPI

from otklik.pages import add_pages
from otklik_access.api.sessions import REFRESHES, SIGN_IN
from otklik_common.module import Module
from otklik_common.runtime import create_app, make_platform
from tests.integration.pages.conftest import House
from tests.support.app import all_modules, forget_limits
from tests.support.deployment import SERVICES
from tests.support.kafka import free_ports

pytestmark = pytest.mark.asyncio

Browser = Callable[[str], httpx.AsyncClient]

SOMEBODY, OTHERS = "10.0.0.66", "10.0.0.7"


@asynccontextmanager
async def with_pages(
    house: House, modules: list[Module], **settings: Any
) -> AsyncIterator[FastAPI]:
    """The pages and those services, over the house's database, with other settings."""
    told = house.running.platform.settings.model_copy(update=settings)
    platform = make_platform(told)
    app = create_app(modules, platform)
    add_pages(app, platform)
    async with app.router.lifespan_context(app):
        yield app


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """The application on a port of its own, which has begun already; its address."""
    (port,) = free_ports(1)
    config = uvicorn.Config(
        app, port=port, lifespan="off", ws="none", proxy_headers=False, log_config=None
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:
        assert not running.done(), f"cannot listen on {port}"
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await running


@asynccontextmanager
async def in_one_process(house: House) -> AsyncIterator[Browser]:
    """People reach the process that answers everything."""
    yield house.browser


@asynccontextmanager
async def behind_a_proxy(house: House) -> AsyncIterator[Browser]:
    """A proxy of ours in front of that process; people add what they like to its header."""
    async with with_pages(house, all_modules(), trusted_proxies=1) as app:

        def browser(address: str) -> httpx.AsyncClient:
            proxied = house.browser("10.1.1.1", app=app)
            proxied.headers["X-Forwarded-For"] = f"6.6.6.6, {address}"
            return proxied

        yield browser


@asynccontextmanager
async def over_the_network(house: House) -> AsyncIterator[Browser]:
    """The pages in a process of their own: to the APIs they are one proxy."""
    async with (
        with_pages(house, all_modules(), trusted_proxies=1) as apis,
        served(apis) as url,
        with_pages(house, [], api_urls=dict.fromkeys(SERVICES, url)) as pages,
    ):
        yield lambda address: house.browser(address, app=pages)


@pytest_asyncio.fixture(params=[in_one_process, behind_a_proxy, over_the_network])
async def browser(house: House, request: pytest.FixtureRequest) -> AsyncIterator[Browser]:
    """Makes the browser of somebody at an address."""
    async with request.param(house) as made:
        forget_limits()
        yield made


async def test_wrong_logins_of_one_address_shut_nobody_else_out(
    browser: Browser, house: House
) -> None:
    wrong = {"login": "nobody", "password": "wrong"}
    async with browser(SOMEBODY) as guessing, browser(OTHERS) as honest:
        statuses = []
        for _ in range(3 * SIGN_IN.burst):
            statuses.append((await guessing.post("/sign-in", data=wrong)).status_code)
            if statuses[-1] != 401:
                break
        assert statuses[-1] == 429
        login, password = house.logins["admin"]
        answer = await honest.post("/sign-in", data={"login": login, "password": password})
        assert answer.status_code == 303


async def test_refreshes_of_one_address_shut_nobody_else_out(
    browser: Browser, house: House
) -> None:
    async with house.signed_in() as member:
        refresh = member.cookies["otklik_refresh"]
    async with browser(SOMEBODY) as hasty, browser(OTHERS) as honest:
        statuses = []
        for number in range(3 * REFRESHES.burst):
            hasty.cookies.set("otklik_refresh", f"nothing-{number}")
            statuses.append((await hasty.get("/")).status_code)
            if statuses[-1] != 303:
                break
        assert statuses[-1] == 429
        honest.cookies.set("otklik_refresh", refresh)
        assert (await honest.get("/")).status_code == 200
