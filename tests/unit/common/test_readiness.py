"""What anybody is told of a process that is not ready."""

import base64
import re
from collections.abc import Awaitable, Callable

import httpx
import pytest

from otklik_common.errors import Unavailable
from otklik_common.log.port import LogGapError, LogNotReadyError
from otklik_common.runtime import create_app, make_platform
from otklik_common.settings import Settings

pytestmark = pytest.mark.asyncio

SETTINGS = Settings(
    database_url="postgresql://nowhere", master_key=base64.b64encode(b"k" * 32).decode()
)


def raising(broken: Exception) -> Callable[[], Awaitable[None]]:
    async def check() -> None:
        raise broken

    return check


async def readiness(**broken: Exception) -> httpx.Response:
    platform = make_platform(SETTINGS)
    platform.checks.update({name: raising(one) for name, one in broken.items()})
    transport = httpx.ASGITransport(create_app([], platform))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.get("/readyz")


async def test_the_text_of_what_broke_is_not_told_to_strangers() -> None:
    answer = await readiness(
        database=OSError("cannot connect to db7.internal:5432 as otklik_access_api"),
        relay=ValueError("'+79005550101' is no phone"),
    )
    assert answer.status_code == 503
    failing = answer.json()["failing"]
    assert re.fullmatch(r"OSError at \w+\.py:\d+", failing["database"])
    assert re.fullmatch(r"ValueError at \w+\.py:\d+", failing["relay"])
    for told in ("db7", "5432", "otklik_access_api", "9005550101"):
        assert told not in answer.text


async def test_what_we_have_worded_ourselves_is_told() -> None:
    answer = await readiness(
        log=LogNotReadyError("topic otklik.access is missing: run `otklik migrate`"),
        consumer=LogGapError("records that come next are no longer kept"),
        signer=Unavailable("no signing key is alive"),
    )
    assert answer.json() == {
        "ready": False,
        "failing": {
            "log": "topic otklik.access is missing: run `otklik migrate`",
            "consumer": "records that come next are no longer kept",
            "signer": "no signing key is alive",
        },
    }
