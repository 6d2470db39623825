"""Sessions that begin or go on while somebody ends them; each race is held where it matters."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from otklik_access.actions import sessions, staff
from otklik_access.actions.first_start import ADMIN
from otklik_access.actions.sessions import Session, SessionOver
from otklik_common.settings import Settings
from tests.integration.access.conftest import World

pytestmark = pytest.mark.asyncio


@pytest.fixture
def held(world: World, access_settings: Settings) -> Callable[[str], Any]:
    """Inside, a statement's locks are held, so that whoever comes to them waits."""

    @asynccontextmanager
    async def holding(statement: str) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(access_settings.admin_database_url)
        try:
            async with connection.transaction():
                await connection.execute(statement)
                yield connection
        finally:
            await connection.close()

    return holding


BEFORE_SIGNING = "LOCK TABLE access.signer IN ACCESS EXCLUSIVE MODE"
"""Holds a sign-in or refresh after it wrote its token and before it commits."""


async def until_waiting(world: World, count: int, task: asyncio.Task[Any]) -> None:
    """Wait until so many requests wait for locks, or the last one has ended without waiting."""
    waiting = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND usename = 'otklik_access_api' AND wait_event_type = 'Lock'"
    )
    while not task.done():
        if await world.admin.fetchval(waiting) >= count:
            return
        await asyncio.sleep(0.01)


async def sign_in(world: World, password: str | None = None) -> Session:
    return await sessions.sign_in(
        world.platform,
        login=world.made.login,
        password=password or world.made.password or "",
        request_id=None,
        now=world.platform.now(),
    )


async def refresh(world: World, session: Session) -> Session:
    return await sessions.refresh(
        world.platform, session.refresh, request_id=None, now=world.platform.now()
    )


async def test_a_refresh_under_way_does_not_outlive_signing_out_everywhere(
    world: World, held: Callable[[str], Any]
) -> None:
    session = await sign_in(world)
    async with held(BEFORE_SIGNING):
        going_on = asyncio.create_task(refresh(world, session))
        await until_waiting(world, 1, going_on)
        ending = asyncio.create_task(
            sessions.sign_out_member(world.platform, world.actor, session.member)
        )
        await until_waiting(world, 2, ending)
    await ending
    following = await going_on
    with pytest.raises(SessionOver):
        await refresh(world, following)


async def test_a_sign_in_under_way_does_not_outlive_a_reset_of_its_password(
    world: World, held: Callable[[str], Any]
) -> None:
    async with held(BEFORE_SIGNING):
        beginning = asyncio.create_task(sign_in(world))
        await until_waiting(world, 1, beginning)
        ending = asyncio.create_task(staff.reset_password(world.platform, world.actor, ADMIN))
        await until_waiting(world, 2, ending)
    await ending
    begun = await beginning
    with pytest.raises(SessionOver):
        await refresh(world, begun)


async def test_a_refresh_under_way_does_not_outlive_the_session_of_a_token_used_twice(
    world: World, held: Callable[[str], Any]
) -> None:
    first = await sign_in(world)
    second = await refresh(world, first)
    await world.admin.execute(
        "UPDATE access.refresh_token SET used_at = used_at - interval '1 minute'"
        " WHERE tenant = $1 AND used_at IS NOT NULL",
        world.tenant,
    )
    async with held(BEFORE_SIGNING):
        going_on = asyncio.create_task(refresh(world, second))
        await until_waiting(world, 1, going_on)
        reusing = asyncio.create_task(refresh(world, first))
        await until_waiting(world, 2, reusing)
    with pytest.raises(SessionOver):
        await reusing
    third = await going_on
    with pytest.raises(SessionOver):
        await refresh(world, third)
