"""Returns: known by their ids, of no more than was sold, and kept through corrections."""

import asyncio

import pytest

from otklik_common.errors import NotFound
from otklik_loyalty.actions.purchases import Fate, ReturnIdReused, read_purchase
from otklik_loyalty.domain.ledger import Balance
from otklik_loyalty.domain.purchase import ReturnedMoreThanSold
from tests.integration.loyalty.conftest import World
from tests.integration.loyalty.selling import (
    a_purchase,
    balance,
    bring_back,
    earn_one_per_100,
    keep,
    points_facts,
    purchase_facts,
)


@pytest.mark.asyncio
async def test_a_return_is_known_by_its_id(world: World) -> None:
    await earn_one_per_100(world)
    await keep(world, a_purchase(world, quantity=2))
    await bring_back(world)
    assert (await bring_back(world))[1] is True
    assert len(await purchase_facts(world)) == 2
    with pytest.raises(ReturnIdReused):
        await bring_back(world, quantity=2)
    with pytest.raises(ReturnedMoreThanSold):
        await bring_back(world, quantity=2, name="r-2")
    with pytest.raises(NotFound):
        await bring_back(world, reference="p-9")


@pytest.mark.asyncio
async def test_a_correction_keeps_what_came_back_or_is_refused(world: World) -> None:
    await keep(world, a_purchase(world, amounts=[300_00], quantity=3))
    await bring_back(world, quantity=2)
    assert await keep(world, a_purchase(world, amounts=[600_00], quantity=3)) == [Fate.CHANGED]
    kept, _ = await read_purchase(world.api, world.caller, "p-1")
    assert (kept.purchase.returned_minor, kept.purchase.net_minor) == (400_00, 200_00)
    [refused] = await keep(world, a_purchase(world, amounts=[100_00], quantity=1))
    assert isinstance(refused, ReturnedMoreThanSold)


@pytest.mark.asyncio
async def test_returns_at_once_bring_back_each_piece_once(world: World) -> None:
    await earn_one_per_100(world)
    await keep(world, a_purchase(world, quantity=5))
    tries = [bring_back(world, name=f"r-{n % 7}") for n in range(21)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    refused = [r for r in results if isinstance(r, ReturnedMoreThanSold)]
    fresh = [r for r in results if isinstance(r, tuple) and not r[1]]
    assert len(fresh) == 5
    assert len(refused) == 6
    *_, last = await purchase_facts(world)
    assert last.net_minor == 0
    assert await balance(world, (await points_facts(world))[0].customer) == Balance(0, 0)
    revisions = [event.revision for event in await world.facts("purchase")]
    assert revisions == [1, 2, 3, 4, 5, 6]
