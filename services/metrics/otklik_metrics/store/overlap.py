"""Statements of one connection, the next being prepared while the database works on one."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")

Step = Callable[[], Coroutine[Any, Any, T]]
"""Sends a statement and waits for its answer."""


async def overlapping(steps: Iterable[Step[T]]) -> AsyncGenerator[T, None]:
    """
    Run steps one after another; yield what each gave, in order.

    While the database works on a step, the caller works on what the one before gave, and
    `steps` prepares the one after: with PostgreSQL on another core a third of the time is
    saved. Use it inside `contextlib.aclosing`.
    """
    running: asyncio.Task[T] | None = None
    before: asyncio.Task[T] | None = None
    try:
        for step in steps:
            before = running
            given = [await before] if before is not None else []
            running = asyncio.create_task(step())
            await asyncio.sleep(0)  # lets it be sent
            for answer in given:
                yield answer
        if running is not None:
            yield await running
    finally:
        # A statement under way is never cancelled: its transaction must still be ended.
        if running is not None and not running.done():
            await asyncio.gather(running, return_exceptions=True)
        # A step that failed holds this frame by its traceback: who is named here keeps all alive.
        before = running = None
