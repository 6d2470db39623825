"""Sessions that begin or go on while somebody ends them; each race is held where it matters."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from argon2 import PasswordHasher

from otklik_access import actions
from otklik_access.actions import sessions, staff
from otklik_access.actions.change import Actor
from otklik_access.actions.demo import remove_demo
from otklik_access.actions.first_start import ADMIN
from otklik_access.actions.sessions import Session, SessionOver, WrongLogin
from otklik_access.domain.staff import Member, member_id
from otklik_common.callers import ALL_SCOPES
from otklik_common.etags import Expected
from otklik_common.events.access import Role
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


@pytest.fixture
def in_order(world: World, held: Callable[[str], Any]) -> Callable[..., Any]:
    """Two requests that both come to the company's row before the first has it."""

    async def run(first: Coroutine[Any, Any, Any], second: Coroutine[Any, Any, Any]) -> list[Any]:
        row = f"SELECT FROM access.company WHERE tenant = '{world.tenant}' FOR UPDATE"
        async with held(row):
            one = asyncio.create_task(first)
            await until_waiting(world, 1, one)
            other = asyncio.create_task(second)
            await until_waiting(world, 2, other)
        return [*await asyncio.gather(one, other, return_exceptions=True)]

    return run


BEFORE_SIGNING = "LOCK TABLE access.signer IN ACCESS EXCLUSIVE MODE"
"""Holds a sign-in or refresh after it wrote its token and before it commits."""

NEW_PASSWORD = "correct horse battery"


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


async def changed(world: World, code: str, old: str) -> None:
    member = member_id(world.tenant, code)
    who = Actor(world.tenant, f"member:{member}", frozenset())
    await sessions.change_password(world.platform, who, member, old=old, new=NEW_PASSWORD)


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


async def test_a_password_verified_before_its_reset_opens_nothing_after_it(
    world: World, in_order: Callable[..., Any]
) -> None:
    reset = staff.reset_password(world.platform, world.actor, ADMIN)
    shown, late = await in_order(reset, sign_in(world))
    assert isinstance(late, WrongLogin)
    await sign_in(world, shown.password)


async def test_a_stronger_hash_is_written_unless_the_password_is_another_by_then(
    world: World, in_order: Callable[..., Any]
) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
    weak_hash = weak.hash(world.made.password or "")
    kept = "SELECT password_hash FROM access.credential WHERE tenant = $1"
    put = "UPDATE access.credential SET password_hash = $2 WHERE tenant = $1"
    await world.admin.execute(put, world.tenant, weak_hash)
    await sign_in(world)
    assert weak_hash != await world.admin.fetchval(kept, world.tenant)
    await sign_in(world)
    await world.admin.execute(put, world.tenant, weak_hash)
    reset = staff.reset_password(world.platform, world.actor, ADMIN)
    shown, late = await in_order(reset, sign_in(world))
    assert isinstance(late, WrongLogin)
    with pytest.raises(WrongLogin):
        await sign_in(world)
    await sign_in(world, shown.password)


async def test_a_password_changed_by_its_old_one_does_not_undo_a_reset(
    world: World, in_order: Callable[..., Any]
) -> None:
    reset = staff.reset_password(world.platform, world.actor, ADMIN)
    shown, late = await in_order(reset, changed(world, ADMIN, world.made.password or ""))
    assert isinstance(late, WrongLogin)
    with pytest.raises(WrongLogin):
        await sign_in(world, NEW_PASSWORD)
    await sign_in(world, shown.password)


async def test_a_change_of_password_does_not_bring_back_the_login_of_who_was_removed(
    world: World, in_order: Callable[..., Any]
) -> None:
    key = await actions.create_demo_key(world.platform, world.tenant)
    demo = Actor(world.tenant, f"key:{key.kept.value.key_id}", ALL_SCOPES)
    petrova = Member(code="petrova", role=Role.AGENT)
    await staff.put_member(world.platform, demo, petrova, login=None, expected=Expected(None))
    shown = await staff.reset_password(world.platform, demo, "petrova")
    session = await sessions.sign_in(
        world.platform,
        login=shown.login,
        password=shown.password,
        request_id=None,
        now=world.platform.now(),
    )
    _, late = await in_order(
        remove_demo(world.platform, world.actor), changed(world, "petrova", shown.password)
    )
    assert isinstance(late, WrongLogin)
    kept = await world.admin.fetch(
        "SELECT login, password_hash FROM access.credential WHERE tenant = $1 AND member = $2",
        world.tenant,
        session.member,
    )
    assert [tuple(row) for row in kept] == [(f"-{session.member}", None)]


async def test_signing_out_while_one_is_removed_is_signing_out(
    world: World, held: Callable[[str], Any]
) -> None:
    session = await sign_in(world)
    row = f"SELECT FROM access.company WHERE tenant = '{world.tenant}' FOR UPDATE"
    async with held(row) as removing:
        leaving = asyncio.create_task(
            sessions.sign_out(world.platform, session.refresh, request_id=None)
        )
        await until_waiting(world, 1, leaving)
        await removing.execute(
            "UPDATE access.member SET void = true WHERE tenant = $1", world.tenant
        )
    await leaving
    with pytest.raises(SessionOver):
        await refresh(world, session)
