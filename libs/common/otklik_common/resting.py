"""Pauses of background work, which end as soon as it is told to stop, and its end."""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from typing import Any

LAST_SECONDS = 2.0
"""How long background work may take to end by itself."""


async def rest(stop: asyncio.Event, seconds: float) -> None:
    """Wait for some seconds, or until `stop`."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


async def finish(
    work: Collection[asyncio.Task[Any]], stop: asyncio.Event, seconds: float = LAST_SECONDS
) -> None:
    """
    Tell background work to stop and wait for it; what goes on after so many seconds is broken off.

    Broken off while it makes a connection it would leave that open, with nobody to close it: an
    event loop has been seen to wait for such a one for ever.
    """
    stop.set()
    if work:
        _, late = await asyncio.wait(work, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
