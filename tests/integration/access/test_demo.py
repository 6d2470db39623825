"""Taking the demo out of access."""

import asyncio
import time

import asyncpg
import pytest

from otklik_access import actions
from otklik_access.actions import keys
from otklik_access.actions.change import Actor
from otklik_access.actions.demo import remove_demo
from otklik_access.module import MODULE
from otklik_common.callers import ALL_SCOPES
from otklik_common.events.access import Company
from otklik_common.idempotency import Once, Reply
from otklik_common.migrate import Tree, migrate
from otklik_common.runtime import make_platform
from otklik_common.settings import Settings
from tests.integration.access.conftest import Http
from tests.support.postgres import PostgresServer
from tests.support.routes_table import ROUND_THE_CLOCK

pytestmark = pytest.mark.asyncio


async def test_what_the_demo_put_goes_and_what_others_touched_stays(http: Http) -> None:
    demo = (await actions.create_demo_key(http.world.platform, http.world.tenant)).text
    await http.until(200, "/me", key=demo)

    async def put(path: str, body: object, key: str = demo) -> None:
        assert (await http.ask("PUT", path, body, key=key)).is_success

    await put("/branch-groups/own", {"grouping": "ownership"})
    await put("/branches/tyumen", {"groups": ["own"]})
    await put("/branches/ours", {})
    await put("/branches/ours", {"names": {"ru": "Наш"}}, http.key)
    await put("/calendars/hours", ROUND_THE_CLOCK)
    target = {"target": "resolution", "seconds": 60}
    await put("/sla-policies/usual", {"priority": 1, "targets": [target], "calendar": "hours"})
    await put("/staff/petrova", {"role": "agent", "branches": ["tyumen"]})
    shown = await http.good("POST", "/staff/petrova/password")
    await put("/staff/sidorova", {"role": "agent", "branches": ["tyumen"], "login": "sid"})
    await put("/staff/mine", {"role": "agent", "login": "mine"}, http.key)

    gone = await http.good("DELETE", "/demo")
    assert gone == {"branch_groups": 1, "branches": 1, "staff": 1}
    assert await http.good("DELETE", "/demo") == {"branch_groups": 0, "branches": 0, "staff": 0}

    assert (await http.good("GET", "/sla-policies"))["items"] == []
    assert (await http.good("GET", "/calendars"))["items"] == []
    codes = [one["code"] for one in (await http.good("GET", "/branches"))["items"]]
    assert codes == ["ours"]
    staff = [one["code"] for one in (await http.good("GET", "/staff"))["items"]]
    assert staff == ["admin", "mine", "petrova"]
    assert (await http.ask("GET", "/staff/sidorova")).status_code == 404
    assert (await http.ask("POST", "/staff/sidorova/password")).status_code == 404
    assert (await http.ask("PUT", "/branches/x", {"groups": ["own"]})).status_code == 422
    await http.sign_in(shown["login"], shown["password"])
    # The login is free again, and a return goes on with the revisions.
    await put("/staff/other", {"role": "agent", "login": "sid"}, http.key)
    again = await http.ask("PUT", "/branches/tyumen", {})
    assert again.headers["etag"] == '"3"'
    back = await http.good("PUT", "/staff/sidorova", {"role": "agent"})
    assert back["login"] == f"sidorova@{http.world.tenant}"


async def test_a_key_of_the_company_that_is_called_demo_loses_nothing(http: Http) -> None:
    platform, tenant = http.world.platform, http.world.tenant
    asked = (await http.good("POST", "/keys", {"name": "demo", "scopes": ["access:write"]}))["key"]
    demo = await actions.create_demo_key(platform, tenant)
    path = f"/keys/{demo.kept.value.key_id}/rotate"
    rotated = (await http.good("POST", path, {"overlap_seconds": 0}))["key"]
    for number, key in enumerate((asked, rotated)):
        await http.until(200, "/me", key=key)
        assert (await http.ask("PUT", f"/branches/b{number}", {}, key=key)).is_success
    gone = await http.good("DELETE", "/demo")
    assert gone == {"branch_groups": 0, "branches": 0, "staff": 0}
    codes = [one["code"] for one in (await http.good("GET", "/branches"))["items"]]
    assert codes == ["b0", "b1"]


async def test_keys_made_before_the_mark_are_the_demo_s_where_the_launcher_made_them(
    postgres: PostgresServer, access_settings: Settings
) -> None:
    url = await postgres.create_database("demo_keys")
    settings = access_settings.model_copy(update={"database_url": url, "admin_database_url": url})
    await migrate(settings, [Tree(MODULE.schema, MODULE.migrations)])
    platform = make_platform(settings)
    try:
        tenant = (await actions.make_company(platform, actions.NewCompany(demo=True))).tenant
        launched = await actions.create_demo_key(platform, tenant)
        once = Once(None, "POST /keys", b"")
        wanted = keys.WantedKey("demo", ALL_SCOPES)
        actor = Actor(tenant, "key:test", ALL_SCOPES)
        await keys.add_key(platform, actor, wanted, once=once, told=lambda _: Reply.json(201, {}))
    finally:
        await platform.close()
    admin = await asyncpg.connect(url)
    try:
        await admin.execute(
            "DROP TABLE access.calendar, access.sla_policy; ALTER TABLE access.branch DROP COLUMN"
            " calendar; ALTER TABLE access.api_key DROP COLUMN demo;"
            " UPDATE access.alembic_version SET version_num = '0001'"
        )
        await migrate(settings, [Tree(MODULE.schema, MODULE.migrations)])
        found = await admin.fetch("SELECT key_id FROM access.api_key WHERE demo")
        forced = await admin.fetchval(
            "SELECT bool_and(relforcerowsecurity) FROM pg_class WHERE relname"
            " IN ('api_key', 'audit') AND relnamespace = 'access'::regnamespace"
        )
    finally:
        await admin.close()
    assert ([row["key_id"] for row in found], forced) == ([launched.kept.value.key_id], True)


async def test_a_removal_is_told_as_void(http: Http) -> None:
    tenant = http.world.tenant
    demo = (await actions.create_demo_key(http.world.platform, tenant)).text
    await http.until(200, "/me", key=demo)
    assert (await http.ask("PUT", "/branches/tyumen", {}, key=demo)).is_success
    await remove_demo(http.world.platform, http.world.actor)
    directory = http.world.platform.directory(MODULE.schema)
    count = "SELECT revision FROM access.directory WHERE tenant = $1 AND kind = 'branch' AND void"
    deadline = time.monotonic() + 10
    while await http.world.admin.fetchval(count, tenant) != 2:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    directory.forget(tenant)
    known = await directory.known(tenant)
    assert "tyumen" not in known.branches
    assert isinstance(known.company, Company)
    assert not known.company.demo
