"""What purchases earn: moved by corrections, taken back by returns, withheld for what is owed."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from otklik_loyalty.actions.points import audit, move_points
from otklik_loyalty.actions.programme import RuleExists, SoldSince, add_rule
from otklik_loyalty.domain.earning import Rule
from otklik_loyalty.domain.ledger import Balance
from tests.integration.loyalty.conftest import World
from tests.integration.loyalty.selling import (
    SOLD,
    a_purchase,
    balance,
    bring_back,
    earn_one_per_100,
    keep,
    points_facts,
    purchase_facts,
)


@pytest.mark.asyncio
async def test_a_return_takes_back_what_the_line_earned(world: World) -> None:
    await earn_one_per_100(world)
    await keep(world, a_purchase(world, amounts=[1000_00, 300_00]))
    purchase, known = await bring_back(world, "2")
    assert (purchase.net_minor, known) == (1000_00, False)
    earned, taken = await points_facts(world)
    assert (earned.movement, earned.points, earned.moved_at) == ("earned", 13, SOLD)
    assert (taken.movement, taken.points, taken.reason) == ("taken_back", -3, "return")
    assert taken.moved_at == SOLD + timedelta(days=2)
    [first, _] = await world.facts("points")
    assert taken.reverses == first.subject, "what is taken back was never spent"
    *_, fact = await purchase_facts(world)
    assert (fact.returned_minor, fact.net_minor) == (300_00, 1000_00)
    assert fact.returned_at == SOLD + timedelta(days=2)
    assert await balance(world, taken.customer) == Balance(10, 0)


async def spend(world: World, customer: UUID, points: int) -> None:
    async with world.api.begin(world.tenant) as tx:
        await move_points(
            tx,
            world.means,
            world.caller,
            str(customer),
            points=-points,
            reason="order",
            now=SOLD,
            transfer=UUID(int=points),
        )


@pytest.mark.asyncio
async def test_points_spent_before_the_return_are_owed_and_withheld_from_the_next(
    world: World,
) -> None:
    """Return of order 1 after its points were spent on order 2 (nopCommerce#576, erpnext#30242)."""
    await earn_one_per_100(world)
    await keep(world, a_purchase(world))
    [earned] = await points_facts(world)
    await spend(world, earned.customer, 8)
    await bring_back(world)
    assert await balance(world, earned.customer) == Balance(0, 8)
    await keep(world, a_purchase(world, "p-2", amounts=[500_00]))
    assert await balance(world, earned.customer) == Balance(0, 3)
    await keep(world, a_purchase(world, "p-3"))
    assert await balance(world, earned.customer) == Balance(7, 0)
    assert [fact.points for fact in await points_facts(world)] == [10, -8, -10, 5, 10]
    assert (await audit(world.worker)).faults == 0


@pytest.mark.asyncio
async def test_a_corrected_purchase_moves_only_the_difference(world: World) -> None:
    await earn_one_per_100(world)
    await keep(world, a_purchase(world, amounts=[1000_00]))
    await keep(world, a_purchase(world, amounts=[1200_00]))
    await keep(world, a_purchase(world, amounts=[0]))
    await keep(world, a_purchase(world, amounts=[1000_00]))
    facts = await points_facts(world)
    assert [fact.points for fact in facts] == [10, 2, -12, 10]
    assert await balance(world, facts[0].customer) == Balance(10, 0)


@pytest.mark.asyncio
async def test_a_purchase_that_was_somebody_elses_moves_its_points(world: World) -> None:
    await earn_one_per_100(world)
    await keep(world, a_purchase(world, phone="+79990000001"))
    await keep(world, a_purchase(world, phone="+79990000002"))
    first, second, third = await points_facts(world)
    by_customer = {f.customer: f.points for f in (second, third)}
    assert by_customer[first.customer] == -10
    assert sorted(by_customer.values()) == [-10, 10]
    assert all(fact.identifiers for fact in (second, third)), "both say whose points moved"


@pytest.mark.asyncio
async def test_a_rule_never_changes_what_was_sold_already(world: World) -> None:
    await keep(world, a_purchase(world))
    with pytest.raises(SoldSince):
        await earn_one_per_100(world)
    rule = Rule(SOLD + timedelta(seconds=1), "RUB", 1, 100_00)
    await add_rule(world.api, world.caller, rule, now=SOLD)
    await add_rule(world.api, world.caller, rule, now=SOLD)
    with pytest.raises(RuleExists):
        await add_rule(world.api, world.caller, replace(rule, points=2), now=SOLD)
    await keep(world, a_purchase(world, amounts=[999_00]))
    assert await points_facts(world) == []
