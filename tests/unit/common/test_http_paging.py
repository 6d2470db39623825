"""Cursors fit only the list they came from."""

import base64
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from fastapi import APIRouter, FastAPI, Request
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from otklik_common import http
from otklik_common.paging import BadCursor, CursorOfAnotherQuery, Cursors, Key, _cursors
from otklik_common.settings import Settings

MASTER = base64.b64encode(b"m" * 32).decode()
NUMBERS = list(range(10))


def make_app() -> FastAPI:
    app = FastAPI()
    settings = Settings(database_url="postgresql://nowhere", master_key=MASTER)
    http.install(app, settings, CollectorRegistry())
    router = APIRouter(prefix="/{tenant}/v1")

    def numbers(part: http.Part) -> http.Page[int]:
        start = part.after[0] if part.after else -1
        found = [number for number in NUMBERS if number > start][: part.limit + 1]
        return part.page(found, key=lambda number: (number,), item=lambda number: number)

    @router.get("/numbers")
    async def list_numbers(
        tenant: str, pages: http.Pages, branch: str | None = None
    ) -> http.Page[int]:
        return numbers(pages.part(tenant))

    @router.get("/others")
    async def list_others(tenant: str, pages: http.Pages) -> http.Page[int]:
        return numbers(pages.part(tenant))

    @router.post("/records")
    async def records(tenant: str, request: Request, body: dict[str, Any]) -> http.Page[int]:
        cursor = body.pop("cursor", None)
        pages = http.Paging.of(request, limit=4, cursor=cursor, query=body)
        return numbers(pages.part(tenant))

    app.include_router(router)
    return app


@pytest_asyncio.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(make_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


@pytest.mark.asyncio
async def test_pages_follow_one_another_to_the_end(client: httpx.AsyncClient) -> None:
    seen: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        params = {"limit": "3", **({"cursor": cursor} if cursor else {})}
        page = (await client.get("/a/v1/numbers", params=params)).json()
        assert len(page["items"]) <= 3
        seen += page["items"]
        cursor = page["next_cursor"]
    assert seen == NUMBERS


@pytest.mark.asyncio
async def test_a_cursor_of_another_query_is_refused(client: httpx.AsyncClient) -> None:
    first = (await client.get("/a/v1/numbers?limit=3&branch=x")).json()["next_cursor"]
    for path in (
        "/a/v1/numbers",
        "/a/v1/numbers?branch=y",
        "/b/v1/numbers?branch=x",
        "/a/v1/others",
    ):
        answer = await client.get(path, params={**httpx.URL(path).params, "cursor": first})
        assert (answer.status_code, answer.json()["code"]) == (400, "cursor_of_another_query")
    good = await client.get("/a/v1/numbers", params={"branch": "x", "limit": 7, "cursor": first})
    assert good.json() == {"items": [3, 4, 5, 6, 7, 8, 9], "next_cursor": None}


@pytest.mark.asyncio
async def test_a_cursor_is_bound_to_the_body_of_a_query(client: httpx.AsyncClient) -> None:
    first = (await client.post("/a/v1/records", json={"metric": "nps"})).json()["next_cursor"]
    again = await client.post("/a/v1/records", json={"metric": "nps", "cursor": first})
    other = await client.post("/a/v1/records", json={"metric": "csat", "cursor": first})
    assert again.json()["items"] == [4, 5, 6, 7]
    assert other.json()["code"] == "cursor_of_another_query"


@pytest.mark.asyncio
async def test_a_tampered_cursor_is_refused(client: httpx.AsyncClient) -> None:
    cursor = (await client.get("/a/v1/numbers?limit=3")).json()["next_cursor"]
    changed = [
        cursor[:-2] + ("AA" if cursor[-2:] != "AA" else "BB"),
        "B" + cursor[1:] if cursor[0] != "B" else "C" + cursor[1:],
        cursor[:-4],
        "x",
        "!!!!",
        "A" * 100,
        "é",
        Cursors(b"another master".ljust(32)).write((3,), b"x"),
    ]
    for text in changed:
        answer = await client.get("/a/v1/numbers", params={"cursor": text})
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor"), text
    long = await client.get("/a/v1/numbers", params={"cursor": "A" * 3000})
    assert long.status_code == 422


keys = st.lists(
    st.integers()
    .filter(lambda n: abs(n) < 2**63)
    .__or__(st.text(st.characters(exclude_categories=["Cs"]), max_size=50))
    .__or__(st.datetimes(timezones=st.just(UTC)))
    .__or__(st.dates())
    .__or__(st.uuids())
    .__or__(st.booleans())
    .__or__(st.decimals(allow_nan=False, allow_infinity=False)),
    max_size=4,
).map(tuple)


@given(keys)
def test_what_is_written_is_read(key: Key) -> None:
    cursors = Cursors(b"k" * 32)
    read = cursors.read(cursors.write(key, b"list"), b"list")
    assert read == key
    assert [type(value) for value in read] == [type(value) for value in key]


def test_a_cursor_shows_nothing_of_what_it_holds() -> None:
    key = (datetime(2026, 1, 1, tzinfo=UTC), UUID(int=7), "Петрова", Decimal("1.5"), date.min)
    text = Cursors(b"k" * 32).write(key, b"list")
    assert "Петрова".encode() not in base64.urlsafe_b64decode(text)


def test_a_null_cannot_be_a_place() -> None:
    with pytest.raises(TypeError, match="NoneType"):
        Cursors(b"k" * 32).write((None,), b"list")


def test_the_two_refusals_differ() -> None:
    cursors = _cursors(b"k" * 32)
    with pytest.raises(CursorOfAnotherQuery):
        cursors.read(cursors.write((1,), b"one"), b"two")
    with pytest.raises(BadCursor):
        cursors.read("AAAA", b"one")
