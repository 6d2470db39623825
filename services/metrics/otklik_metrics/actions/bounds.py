"""The time that an answer may take, and how many heavy ones a process reads at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from weakref import WeakKeyDictionary

from otklik_common.errors import Unavailable
from otklik_metrics.domain.limits import DEADLINE_SECONDS, HEAVY_AT_ONCE
from otklik_metrics.domain.query import Query

_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()
"""A process has one loop; tests have several."""


class Turn:
    """A query's turn among the heavy ones; it ends with the answer."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self._taken = False

    async def take(self) -> None:
        """Wait for it, unless the query has it; keep no connection meanwhile."""
        if not self._taken:
            await self._stack.enter_async_context(_turns_here())
            self._taken = True


@asynccontextmanager
async def bounded(query: Query) -> AsyncIterator[Turn]:
    """
    Read and answer a query inside: soon enough and, if it is heavy, in its turn.

    Enter before a connection is taken: who waits must not keep one. Gives the turn, for a query
    that is seen to be heavy only when it has been read.

    Raises:
        Unavailable: It took longer than an answer may; what it was doing is cancelled, but for a
            thread, which runs to its end for nobody.
    """
    deadline = asyncio.timeout(DEADLINE_SECONDS)
    try:
        async with deadline, AsyncExitStack() as stack:
            turn = Turn(stack)
            if query.is_heavy:
                await turn.take()
            yield turn
    except TimeoutError:
        if not deadline.expired():
            raise
        raise Unavailable(
            "the answer took too long",
            detail_ru="ответ занял слишком много времени",
            code="too_slow",
            retry_after=5,
        ) from None


def _turns_here() -> asyncio.Semaphore:
    return _turns.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(HEAVY_AT_ONCE))
