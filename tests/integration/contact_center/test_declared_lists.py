"""Lists that a company declares as a whole: of several who do so at once one holds."""

import asyncio

import pytest

from otklik_contact_center.store.declared import (
    ATTRIBUTES,
    HEAD_LINES,
    RECORDING_HOSTS,
    DeclaredList,
)
from tests.integration.contact_center.conftest import World

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize("declared", [ATTRIBUTES, HEAD_LINES, RECORDING_HOSTS])
async def test_of_many_at_once_one_list_holds_whole(world: World, declared: DeclaredList) -> None:
    wanted = [[f"{n}.example", "all.example"] for n in range(8)]

    async def declare(values: list[str]) -> None:
        async with world.api.begin(world.tenant) as tx:
            await declared.put(tx, world.tenant, values)

    await asyncio.gather(*(declare(values) for values in wanted))
    async with world.api.begin(world.tenant) as tx:
        assert await declared.listed(tx, world.tenant) in wanted
        await declared.put(tx, world.tenant, ["b", "a", "b"])
        assert await declared.listed(tx, world.tenant) == ["a", "b"]
        await declared.put(tx, world.tenant, [])
        assert await declared.listed(tx, world.tenant) == []
