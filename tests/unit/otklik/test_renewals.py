"""A refresh token is exchanged once, however many requests come with it."""

import asyncio
from datetime import timedelta

import pytest

from otklik.pages.renewals import MOST_KEPT, Renewals, Session

pytestmark = pytest.mark.asyncio

LONG, SHORT = timedelta(minutes=5), timedelta(milliseconds=20)


class Access:
    """Exchanges tokens when it is let, and counts how often it was asked."""

    def __init__(self, *, fails: int = 0) -> None:
        self.asked = 0
        self.may = asyncio.Event()
        self._fails = fails

    async def exchange(self) -> Session:
        """The next session, or no answer as often as it fails."""
        self.asked += 1
        await self.may.wait()
        if self.asked <= self._fails:
            raise ConnectionError("nobody answers")
        return Session(f"token-{self.asked}", f"refresh-{self.asked}")


async def test_requests_at_once_are_one_exchange() -> None:
    access, renewals = Access(), Renewals(LONG)
    asking = [asyncio.create_task(renewals.once("old", access.exchange)) for _ in range(5)]
    await asyncio.sleep(0)
    access.may.set()
    assert set(await asyncio.gather(*asking)) == {Session("token-1", "refresh-1")}
    assert access.asked == 1


async def test_a_request_that_comes_late_gets_the_same_session() -> None:
    access, renewals = Access(), Renewals(LONG)
    access.may.set()
    assert await renewals.once("old", access.exchange) == await renewals.once(
        "old", access.exchange
    )
    assert access.asked == 1


async def test_another_token_is_another_exchange() -> None:
    access, renewals = Access(), Renewals(LONG)
    access.may.set()
    await renewals.once("old", access.exchange)
    assert await renewals.once("other", access.exchange) == Session("token-2", "refresh-2")


async def test_a_session_is_not_kept_longer_than_access_forgives() -> None:
    access, renewals = Access(), Renewals(SHORT)
    access.may.set()
    await renewals.once("old", access.exchange)
    await asyncio.sleep(5 * SHORT.total_seconds())
    assert len(renewals) == 0
    await renewals.once("old", access.exchange)
    assert access.asked == 2


async def test_whoever_hangs_up_leaves_the_session_to_the_others() -> None:
    access, renewals = Access(), Renewals(LONG)
    first = asyncio.create_task(renewals.once("old", access.exchange))
    second = asyncio.create_task(renewals.once("old", access.exchange))
    await asyncio.sleep(0)
    first.cancel()
    access.may.set()
    assert await second == Session("token-1", "refresh-1")
    assert access.asked == 1


async def test_a_failure_is_told_to_all_who_wait_and_tried_anew_later() -> None:
    access, renewals = Access(fails=1), Renewals(LONG)
    asking = [asyncio.create_task(renewals.once("old", access.exchange)) for _ in range(2)]
    await asyncio.sleep(0)
    access.may.set()
    told = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(one) for one in told] == [ConnectionError, ConnectionError]
    assert await renewals.once("old", access.exchange) == Session("token-2", "refresh-2")


async def test_memory_is_bounded_and_the_oldest_make_room() -> None:
    access, renewals = Access(), Renewals(LONG)
    access.may.set()
    for number in range(MOST_KEPT + 10):
        await renewals.once(f"old-{number}", access.exchange)
    assert len(renewals) == MOST_KEPT
    asked = access.asked
    await renewals.once(f"old-{MOST_KEPT + 9}", access.exchange)
    assert access.asked == asked
