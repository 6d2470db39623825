"""Taking the demo out of access."""

import asyncio
import time

import pytest

from otklik_access import actions
from otklik_access.actions.demo import remove_demo
from otklik_access.module import MODULE
from otklik_common.events.access import Company
from tests.integration.access.conftest import Http

pytestmark = pytest.mark.asyncio


async def test_what_the_demo_put_goes_and_what_others_touched_stays(http: Http) -> None:
    demo = (await actions.create_key(http.world.platform, http.world.tenant, name="demo")).text
    await http.until(200, "/me", key=demo)

    async def put(path: str, body: object, key: str = demo) -> None:
        assert (await http.ask("PUT", path, body, key=key)).is_success

    await put("/branch-groups/own", {"grouping": "ownership"})
    await put("/branches/tyumen", {"groups": ["own"]})
    await put("/branches/ours", {})
    await put("/branches/ours", {"names": {"ru": "Наш"}}, http.key)
    await put("/staff/petrova", {"role": "agent", "branches": ["tyumen"]})
    shown = await http.good("POST", "/staff/petrova/password")
    await put("/staff/sidorova", {"role": "agent", "branches": ["tyumen"], "login": "sid"})
    await put("/staff/mine", {"role": "agent", "login": "mine"}, http.key)

    gone = await http.good("DELETE", "/demo")
    assert gone == {"branch_groups": 1, "branches": 1, "staff": 1}
    assert await http.good("DELETE", "/demo") == {"branch_groups": 0, "branches": 0, "staff": 0}

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


async def test_a_removal_is_told_as_void(http: Http) -> None:
    tenant = http.world.tenant
    demo = (await actions.create_key(http.world.platform, tenant, name="demo")).text
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
