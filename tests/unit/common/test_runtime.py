"""Workers of a process: told to stop, failing, or too slow to end."""

import asyncio
import time

import pytest
from pydantic import ValidationError

from otklik_common.module import Worker
from otklik_common.runtime import run_side_by_side
from otklik_common.settings import Settings, explain

pytestmark = pytest.mark.asyncio


async def until_stopped(stop: asyncio.Event) -> None:
    """A worker that ends when told to."""
    await stop.wait()


async def deaf(stop: asyncio.Event) -> None:
    """A worker inside something that does not end."""
    del stop
    await asyncio.sleep(60)


async def broken(stop: asyncio.Event) -> None:
    """A worker that fails at once."""
    raise ValueError(f"stop is set: {stop.is_set()}")


async def test_a_worker_that_does_not_end_holds_up_nobody_who_says_stop() -> None:
    stop = asyncio.Event()
    workers = [Worker("deaf", deaf), Worker("other", until_stopped)]
    running = asyncio.create_task(run_side_by_side(workers, stop, drain_seconds=0.2))
    await asyncio.sleep(0)
    began = time.monotonic()
    stop.set()
    await running
    assert time.monotonic() - began < 5


async def test_one_that_fails_ends_all_and_is_what_is_said() -> None:
    stop = asyncio.Event()
    workers = [Worker("other", until_stopped), Worker("broken", broken)]
    with pytest.raises(ValueError, match="stop is set: False"):
        await run_side_by_side(workers, stop)
    assert stop.is_set()


async def test_one_that_ends_by_itself_is_an_error() -> None:
    async def done(stop: asyncio.Event) -> None:
        del stop

    with pytest.raises(RuntimeError, match="ended by itself"):
        await run_side_by_side([Worker("done", done)], asyncio.Event())


async def test_a_wrong_setting_is_named_and_none_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "S0VZU0VDUkVUS0VZU0VDUkVUS0VZU0VDUkVUS0VZ"
    monkeypatch.delenv("OTKLIK_DATABASE_URL", raising=False)
    monkeypatch.setenv("OTKLIK_MASTER_KEY", secret)
    monkeypatch.setenv("OTKLIK_ADMIN_DATABASE_URL", "postgres:/admin:s3cret@db/x")
    with pytest.raises(ValidationError) as wrong:
        Settings()
    said = explain(wrong.value)
    assert "OTKLIK_DATABASE_URL: Field required" in said
    assert "OTKLIK_ADMIN_DATABASE_URL: " in said
    for text in (said, str(wrong.value), repr(wrong.value)):
        assert "s3cret" not in text
        assert secret[:12] not in text
