"""
One exchange of a refresh token, however many requests come with it.

A refresh token works once. Two tabs that wake after ten minutes, or a second click before the
first answer, come with the same one: the second would be refused, and a little later taken for a
thief's, which ends the session for all.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from otklik_access.domain.signing_in import RACE

MOST_KEPT: Final = 10_000
"""Sessions of one process that may be under way or kept; the oldest makes room."""


@dataclass(frozen=True, slots=True)
class Session:
    """What a refresh token was exchanged for."""

    token: str
    refresh: str


class Renewals:
    """The exchanges under way, and those of the last moments: by a digest, never the token."""

    def __init__(self, kept: timedelta = RACE) -> None:
        """
        Args:
            kept: How long a session is told again. As long as access itself takes a second use
                for a race: nobody who finds an old token gets more by it.
        """
        self._seconds = kept.total_seconds()
        self._known: OrderedDict[bytes, asyncio.Task[Session]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    async def once(self, refresh: str, exchange: Callable[[], Awaitable[Session]]) -> Session:
        """The session that follows; raises what the one exchange raised."""
        digest = hashlib.sha256(refresh.encode()).digest()
        known = self._known.get(digest)
        if known is None:
            known = self._begin(digest, exchange)
        # Whoever hangs up must not take the session from the others.
        return await asyncio.shield(known)

    def _begin(
        self, digest: bytes, exchange: Callable[[], Awaitable[Session]]
    ) -> asyncio.Task[Session]:
        async def run() -> Session:
            return await exchange()

        def settle(done: asyncio.Task[Session]) -> None:
            if done.cancelled() or done.exception() is not None:
                self._forget(digest, done)
            else:
                asyncio.get_running_loop().call_later(self._seconds, self._forget, digest, done)

        task = self._known[digest] = asyncio.create_task(run())
        task.add_done_callback(settle)
        if len(self._known) > MOST_KEPT:
            self._known.popitem(last=False)
        return task

    def _forget(self, digest: bytes, task: asyncio.Task[Session]) -> None:
        if self._known.get(digest) is task:
            del self._known[digest]
