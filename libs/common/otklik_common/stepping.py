"""Background work in steps, each a transaction of its own, whatever becomes of the database."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from otklik_common.observability import get_logger
from otklik_common.outages import outage
from otklik_common.resting import rest
from otklik_common.watchdog import Tracked

BROKEN_SECONDS: Final = 1.0

log = get_logger(__name__)


async def keep_stepping(
    step: Callable[[], Awaitable[bool]],
    stop: asyncio.Event,
    *,
    idle_seconds: float,
    said: str,
    tracked: Tracked | None = None,
) -> None:
    """
    Step until told to stop; a database that is away is waited for, anything else ends the work.

    Args:
        step: Returns whether more waits; if not, `idle_seconds` pass before the next.
        said: What a log says while the database is away.
        tracked: Touched at each step.
    """
    while not stop.is_set():
        if tracked is not None:
            tracked.touch()
        pause = idle_seconds
        try:
            if await step():
                continue
        except Exception as broken:
            if outage(broken) is None:
                raise
            log.warning(said, exc_info=broken)
            pause = max(pause, BROKEN_SECONDS)
        await rest(stop, pause)
