"""Background work ends by itself where it can, and is broken off where it does not."""

import asyncio

import pytest

from otklik_common.resting import finish, rest

pytestmark = pytest.mark.asyncio


async def test_work_that_ends_by_itself_is_waited_for() -> None:
    stop, done = asyncio.Event(), False

    async def work() -> None:
        nonlocal done
        await stop.wait()
        await asyncio.sleep(0.05)
        done = True

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    await finish([task], stop)
    assert done


async def test_work_that_does_not_end_is_broken_off() -> None:
    stop = asyncio.Event()
    task = asyncio.create_task(asyncio.sleep(60))
    await asyncio.sleep(0)
    await finish([task], stop, seconds=0.05)
    assert task.cancelled()


async def test_nothing_to_end_is_no_wait() -> None:
    stop = asyncio.Event()
    await finish([], stop)
    assert stop.is_set()
    await rest(stop, 60)
