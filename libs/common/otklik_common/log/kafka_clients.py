"""Kafka's clients begin and end in bounded time, whatever the broker and the client do."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final

END_SECONDS: Final = 2.0


async def start(client: Any, seconds: float) -> None:
    """
    Start a producer, a consumer or an administrator; one that does not start is ended.

    Whoever waits for it may be cancelled as well: then it is ended all the same. (A connection
    on which aiokafka asks for the first time is known to it alone, and is left to its own end.)

    Raises:
        TimeoutError: It took longer than `seconds`.
    """
    try:
        async with asyncio.timeout(seconds):
            await client.start()
    except (Exception, asyncio.CancelledError):
        await end(client)
        raise


async def end(client: Any) -> None:
    """
    Stop a producer, a consumer or an administrator; one that does not end is abandoned.

    aiokafka waits for brokers that are gone, and cancellations of its own tasks escape from
    `stop`, which then leaves its connections open. So it is run apart, and those are closed.
    """
    stop = client.stop() if hasattr(client, "stop") else client.close()
    if not await _bounded(stop):
        inner = getattr(client, "_client", None) or getattr(client, "client", None)
        if inner is not None:
            await _bounded(inner.close())


async def _bounded(ending: Coroutine[Any, Any, None]) -> bool:
    """Whether it ended by itself, without an exception, in time."""
    task = asyncio.ensure_future(ending)
    try:
        await asyncio.wait({task}, timeout=END_SECONDS)
    finally:
        if not task.done():
            task.cancel()
    if not task.done():
        await asyncio.wait({task}, timeout=0.1)
    with suppress(asyncio.CancelledError, asyncio.InvalidStateError):
        return task.exception() is None
    return False
