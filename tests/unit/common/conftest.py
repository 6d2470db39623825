"""An application of things, asked without a network."""

from collections.abc import AsyncIterator

import httpx
import pytest_asyncio

from tests.unit.common.things import make_app


@pytest_asyncio.fixture(scope="module")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application of things."""
    transport = httpx.ASGITransport(make_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client
