"""The pages with every service behind them: one company, its calls, its unhappy customers."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final

import httpx
import pytest_asyncio
from fastapi import FastAPI

from tests.support.app import Running, forget_limits, running_app
from tests.support.postgres import PostgresServer

PASSWORD_SECONDS: Final = 1.05
"""Tokens of the second in which a password was reset are void."""

SERVICES: Final = (
    "/access/v1/me",
    "/contact-center/v1/sources",
    "/feedback/v1/surveys",
    "/loyalty/v1/programme",
    "/metrics/v1/freshness",
)


@dataclass
class House:
    """
    A company that everybody knows, and the way in for people.

    Attributes:
        logins: Login and password of its members, by code.
    """

    running: Running
    key: str
    logins: dict[str, tuple[str, str]]
    ports: "count[int]" = field(default_factory=lambda: count(1024))

    def browser(
        self, address: str = "10.0.0.1", *, app: FastAPI | None = None, **cookies: str
    ) -> httpx.AsyncClient:
        """Somebody's browser at an address; it keeps cookies and asks for English."""
        transport = httpx.ASGITransport(
            app=app or self.running.app,
            raise_app_exceptions=False,
            client=(address, next(self.ports)),
        )
        return httpx.AsyncClient(
            transport=transport,
            base_url="http://otklik",
            headers={"Accept-Language": "en"},
            cookies=cookies,
            timeout=60,
        )

    @asynccontextmanager
    async def signed_in(self, code: str = "admin") -> AsyncIterator[httpx.AsyncClient]:
        """The browser of a member who has signed in."""
        forget_limits()
        login, password = self.logins[code]
        async with self.browser() as browser:
            answer = await browser.post("/sign-in", data={"login": login, "password": password})
            assert answer.status_code == 303, answer.text
            yield browser

    async def good(self, method: str, path: str, body: Any = None) -> Any:
        """What a request by the company's key is answered; it must not be refused."""
        headers = {"Authorization": f"Bearer {self.key}"}
        answer = await self.running.client.request(method, path, json=body, headers=headers)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    async def until_known(self) -> None:
        """Wait until every service believes the key."""
        began = time.monotonic()
        headers = {"Authorization": f"Bearer {self.key}"}
        for path in SERVICES:
            while (await self.running.client.get(path, headers=headers)).status_code == 401:
                assert time.monotonic() - began < 30, f"{path} does not know the key"
                await asyncio.sleep(0.05)

    async def employ(self, code: str, role: str) -> None:
        """One more member of staff who may sign in."""
        body = {"role": role, "name": f"{code.title()} Ivanova"}
        await self.good("PUT", f"/access/v1/staff/{code}", body)
        shown = await self.good("POST", f"/access/v1/staff/{code}/password")
        self.logins[code] = (shown["login"], shown["password"])


def ago(**span: float) -> str:
    """A moment before now."""
    return (datetime.now(UTC) - timedelta(**span)).isoformat()


def gave_up(number: int, *, branch: str | None, agent: str | None) -> list[dict[str, Any]]:
    """A call of yesterday that nobody answered, queued and perhaps assigned to somebody."""
    name = f"call-{number}"
    begins = datetime.now(UTC) - timedelta(days=1, minutes=number)
    opening: dict[str, Any] = {
        "type": "queued",
        "channel": "call",
        "direction": "in",
        "from": f"+7999000{number:04d}",
    }
    if branch is not None:
        opening["branch"] = branch
    told = [opening, {"type": "ended"}]
    if agent is not None:
        told.insert(1, {"type": "assigned", "agent": agent})
    return [
        {
            "id": f"{name}-{step}",
            "contact": name,
            "at": (begins + timedelta(seconds=20 * step)).isoformat(),
            **event,
        }
        for step, event in enumerate(told)
    ]


CALLS: Final = (
    ("tyumen", "petrova"),
    ("tyumen", "petrova"),
    ("tyumen", None),
    (None, "petrova"),
    (None, None),
)
"""Branch and realtor of each call that was given up."""

UNHAPPY: Final = (
    ("tyumen", {"hours": 3}),
    ("tyumen", {"days": 5}),
    (None, {"hours": 2}),
    ("tyumen", {"days": 60}),
    *((None, {"days": 70}),) * 9,
)
"""Branch and age of each unhappy answer: due after two days, and the first was called since."""


@pytest_asyncio.fixture(scope="package")
async def house(postgres: PostgresServer) -> AsyncIterator[House]:
    """A company with calls given up and customers unhappy, in a branch and in none."""
    async with running_app(postgres, "pages") as running, running.at_work():
        made = await running.company()
        assert made.key is not None
        assert made.password is not None
        house = House(running, made.key, {"admin": (made.login, made.password)})
        await house.until_known()
        names = {"ru": "Тюмень", "en": "Tyumen"}
        await house.good("PUT", "/access/v1/branches/tyumen", {"names": names})
        await house.employ("petrova", "agent")
        await house.employ("ops", "operations")
        await _tell(house)
        await asyncio.sleep(PASSWORD_SECONDS)
        await running.until_settled()
        yield house


@pytest_asyncio.fixture
async def newcomer(house: House) -> AsyncIterator[House]:
    """A company that nothing is connected to yet."""
    made = await house.running.company()
    assert made.key is not None
    assert made.password is not None
    newcomer = House(house.running, made.key, {"admin": (made.login, made.password)})
    await newcomer.until_known()
    await asyncio.sleep(PASSWORD_SECONDS)
    yield newcomer


async def _tell(house: House) -> None:
    told = [
        event
        for number, (branch, agent) in enumerate(CALLS)
        for event in gave_up(number, branch=branch, agent=agent)
    ]
    await house.good("POST", "/contact-center/v1/events", told)
    body = {"template": "nps", "title": {"ru": "Порекомендуете?", "en": "Recommend?"}}
    survey = (await house.good("POST", "/feedback/v1/surveys", body))["id"]
    for number, (branch, age) in enumerate(UNHAPPY):
        answer = {
            "survey": survey,
            "at": ago(**age),
            "customer": {"external_id": f"unhappy-{number}"},
            "values": {"nps": 2, "comment": "nobody came"},
        }
        if branch is not None:
            answer["branch"] = branch
        await house.good("PUT", f"/feedback/v1/answers/unhappy-{number}", answer)
    reached = (await house.good("GET", "/feedback/v1/answers/unhappy-0"))["cases"][0]
    step = {"reason": "reached", "note": "will call again"}
    await house.good("POST", f"/feedback/v1/cases/{reached}/contacted", step)
