"""The first start of an installation: once, however many try."""

import asyncio

import asyncpg
import pytest

from otklik_access import actions
from otklik_access.module import MODULE
from otklik_common.callers import ALL_SCOPES
from otklik_common.errors import Conflict
from otklik_common.events.access import Company, Key, KeyPurpose, Member, Role
from otklik_common.ids import is_tenant
from otklik_common.keys import parse_key
from otklik_common.migrate import Tree, migrate
from otklik_common.module import Platform
from otklik_common.runtime import make_platform
from otklik_common.settings import Settings
from tests.integration.access.conftest import World
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.asyncio


async def test_of_processes_that_start_at_once_one_gets_the_secrets(
    postgres: PostgresServer, access_settings: Settings
) -> None:
    url = await postgres.create_database("first_start")
    settings = access_settings.model_copy(update={"database_url": url, "admin_database_url": url})
    await migrate(settings, [Tree(MODULE.schema, MODULE.migrations)])
    platforms = [make_platform(settings) for _ in range(6)]
    try:
        made = await asyncio.gather(
            *(actions.first_start(one, actions.NewCompany(demo=True)) for one in platforms)
        )
        again = await actions.first_start(platforms[0], actions.NewCompany())
    finally:
        for platform in platforms:
            await platform.close()
    assert len({one.tenant for one in made}) == 1
    assert len({one.login for one in made}) == 1
    assert [one.password is not None for one in made].count(True) == 1
    assert [one.key is not None for one in made].count(True) == 1
    assert (again.tenant, again.password, again.key) == (made[0].tenant, None, None)
    connection = await asyncpg.connect(url)
    try:
        for table, count in {"company": 1, "member": 1, "api_key": 1, "signer": 2}.items():
            assert await connection.fetchval(f"SELECT count(*) FROM access.{table}") == count
    finally:
        await connection.close()


async def test_secrets_are_kept_before_there_is_a_company_that_needs_them(
    postgres: PostgresServer, access_settings: Settings
) -> None:
    url = await postgres.create_database("first_start_kept")
    settings = access_settings.model_copy(update={"database_url": url, "admin_database_url": url})
    await migrate(settings, [Tree(MODULE.schema, MODULE.migrations)])
    platform = make_platform(settings)
    kept: list[actions.FirstStart] = []

    def fail(_: actions.FirstStart) -> None:
        raise OSError("no space left on device")

    try:
        with pytest.raises(OSError, match="no space left"):
            await actions.first_start(platform, actions.NewCompany(), keep=fail)
        made = await actions.first_start(platform, actions.NewCompany(), keep=kept.append)
        await actions.first_start(platform, actions.NewCompany(), keep=kept.append)
    finally:
        await platform.close()
    assert made.password is not None
    assert made.key is not None
    assert kept == [made]


async def test_a_company_is_announced_without_secrets_or_names(world: World) -> None:
    facts = await world.facts()
    company = next(event.data for event in facts if isinstance(event.data, Company))
    assert company.timezone == "Europe/Moscow"
    member = next(event.data for event in facts if isinstance(event.data, Member))
    assert (member.role, member.branches) == (Role.ADMIN, ())
    keys = [event.data for event in facts if isinstance(event.data, Key)]
    assert {key.purpose for key in keys} == {
        KeyPurpose.API,
        KeyPurpose.SESSION,
        KeyPurpose.CUSTOMER,
    }
    api = next(key for key in keys if key.purpose is KeyPurpose.API)
    assert world.made.key is not None
    parsed = parse_key(world.made.key)
    assert (parsed.tenant, parsed.key_id, parsed.digest) == (
        world.tenant,
        api.key_id,
        api.digest,
    )
    assert frozenset(api.scopes) == ALL_SCOPES
    everything = await world.admin.fetch("SELECT payload::text FROM access.outbox")
    secret = world.made.key[-30:]
    assert all(secret.encode().hex() not in row[0] for row in everything)


async def test_nothing_that_opens_the_company_is_kept_in_the_clear(world: World) -> None:
    assert world.made.password is not None
    assert world.made.key is not None
    secrets = (world.made.password, world.made.key[20:])
    tables = await world.admin.fetch(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'access'"
    )
    for (table,) in tables:
        rows = await world.admin.fetch(f'SELECT t::text FROM access."{table}" t')
        for row in rows:
            assert not any(secret in row[0] for secret in secrets), table


async def test_a_wanted_id_is_taken_once(world: World, access_platform: Platform) -> None:
    assert is_tenant(world.tenant)
    with pytest.raises(Conflict):
        await actions.make_company(access_platform, actions.NewCompany(tenant=world.tenant))


async def test_the_launcher_makes_a_key_for_the_demo(world: World) -> None:
    shown = await actions.create_demo_key(world.platform, world.tenant)
    assert (shown.kept.value.demo, frozenset(shown.kept.value.scopes)) == (True, ALL_SCOPES)
    assert (await world.trail())[-1] == "make"
