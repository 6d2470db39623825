"""Pushes at a fixed rate: what arrives does not wait for what is being answered."""

import asyncio
import random
import time
from collections import Counter
from typing import Final

import httpx

from tests.crash.journal import Answered, Journal, Outcome, Sent
from tests.crash.stories import Calls, Event

ANSWER_SECONDS: Final = 5.0
SHARE_OF_BATCHES: Final = 0.3
MOST_IN_A_BATCH: Final = 8
PATH: Final = "/contact-center/v1/events"


class Load:
    """An open model: arrivals are a Poisson process of `rate` pushes a second."""

    def __init__(
        self, url: str, key: str, calls: Calls, journal: Journal, *, rate: float, seed: int
    ) -> None:
        self._calls = calls
        self._journal = journal
        self._rate = rate
        self._dice = random.Random(seed)
        self._pushes = 0
        self._under_way: set[asyncio.Task[None]] = set()
        self._http = httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=ANSWER_SECONDS,
            # Whoever arrives has a connection; a pool that is full would make arrivals wait.
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
        )
        self.events: Counter[Outcome] = Counter()
        """How many events came to each outcome."""

    async def run(self, stop: asyncio.Event) -> None:
        """Push until told to stop, then wait for what is under way."""
        due = time.monotonic()
        while not stop.is_set():
            due += self._dice.expovariate(self._rate)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            task = asyncio.create_task(self._push(self._calls.next(self._size())))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        await asyncio.gather(*self._under_way)
        await self._http.aclose()

    def _size(self) -> int:
        if self._dice.random() < SHARE_OF_BATCHES:
            return self._dice.randint(2, MOST_IN_A_BATCH)
        return 1

    async def _push(self, events: list[Event]) -> None:
        self._pushes += 1
        number = self._pushes
        self._journal.note(Sent(number, time.time(), tuple(events)))
        outcome, why = await self._answer(events)
        self._journal.note(Answered(number, time.time(), outcome, why))
        self.events[outcome] += len(events)
        if outcome == "acknowledged":
            self._calls.acknowledged(events)

    async def _answer(self, events: list[Event]) -> tuple[Outcome, str]:
        try:
            answer = await self._http.post(PATH, json=[event.told() for event in events])
        except (httpx.ConnectError, httpx.ConnectTimeout) as never:
            return "refused", type(never).__name__
        except httpx.TransportError as lost:
            return "unknown", type(lost).__name__
        if answer.status_code == 202:
            told = answer.json()
            # A flush whose connection broke is tried again by the API itself, so that an event
            # which was pushed once may be called a duplicate: it is kept.
            kept = told["accepted"] + told["duplicates"] == len(events)
            return ("acknowledged", "") if kept else ("unknown", answer.text)
        if answer.status_code >= 500:
            # "Could not be kept now": a commit whose answer was lost looks like this as well.
            return "unknown", str(answer.status_code)
        return "refused", f"{answer.status_code} {answer.text}"
