"""Purchases: kept once, corrected by revisions, and told with what was declared only."""

from dataclasses import replace
from typing import Any

import pytest

from otklik_common.callers import Caller
from otklik_common.errors import NotFound, Refused
from otklik_loyalty.actions.programme import publish_attributes
from otklik_loyalty.actions.purchases import Fate, keep_purchases, read_purchase
from tests.integration.loyalty.conftest import World
from tests.integration.loyalty.selling import (
    PHONE,
    SOLD,
    a_purchase,
    earn_one_per_100,
    keep,
    points_facts,
    purchase_facts,
)


@pytest.mark.asyncio
async def test_a_purchase_makes_its_customer_and_both_are_told(world: World) -> None:
    assert await keep(world, a_purchase(world, external_id="c-7", branch="tyumen")) == [Fate.NEW]
    customer, purchase = await world.facts()
    assert (customer.data.kind, customer.verb, customer.revision) == ("customer", "created", 1)
    assert customer.time == SOLD, "since when we know of them"
    assert (purchase.data.kind, purchase.verb, purchase.revision) == ("purchase", "sold", 1)
    [fact] = await purchase_facts(world)
    assert fact.customer == customer.subject
    assert fact.identifiers == world.means.pseudonyms.identifiers(
        world.tenant, phone=PHONE, external_id="c-7"
    )
    assert (fact.amount_minor, fact.net_minor, fact.lines, fact.branch) == (
        1000_00,
        1000_00,
        1,
        "tyumen",
    )


@pytest.mark.asyncio
async def test_the_same_body_again_changes_nothing(world: World) -> None:
    await keep(world, a_purchase(world))
    again = a_purchase(world, phone="8 (999) 123-45-67")
    assert await keep(world, again) == [Fate.DUPLICATE]
    assert await keep(world, again, a_purchase(world, "p-2"), again) == [
        Fate.DUPLICATE,
        Fate.NEW,
        Fate.DUPLICATE,
    ]
    assert len(await purchase_facts(world)) == 2


@pytest.mark.asyncio
async def test_another_body_is_a_new_revision(world: World) -> None:
    await keep(world, a_purchase(world))
    assert await keep(world, a_purchase(world, amounts=[500_00, 1_00])) == [Fate.CHANGED]
    first, second = await world.facts("purchase")
    assert (second.revision, second.verb) == (2, "changed")
    assert second.recorded_at > first.recorded_at
    kept, _ = await read_purchase(world.api, world.caller, "p-1")
    assert [line.amount_minor for line in kept.purchase.lines] == [500_00, 1_00]


@pytest.mark.asyncio
async def test_somebody_who_left_no_name_buys_too(world: World) -> None:
    await earn_one_per_100(world)
    assert await keep(world, a_purchase(world, phone=None)) == [Fate.NEW]
    [fact] = await purchase_facts(world)
    assert (fact.customer, fact.identifiers) == (None, ())
    assert await points_facts(world) == []


@pytest.mark.asyncio
async def test_only_declared_attributes_leave(world: World) -> None:
    more: dict[str, Any] = {
        "attributes": {"shelf": "7", "note": "для Анны"},
        "campaign": "spring",
    }
    await keep(world, a_purchase(world, **more))
    await publish_attributes(world.api, world.caller, ["shelf", "campaign"])
    await keep(world, a_purchase(world, "p-2", **more))
    huge: dict[str, Any] = {"attributes": {f"a{n}": "\x01" * 200 for n in range(32)}}
    await publish_attributes(world.api, world.caller, list(huge["attributes"]))
    await keep(world, a_purchase(world, "p-3", **huge))
    before, after, bounded = await purchase_facts(world)
    assert 0 < len(bounded.attributes) < 32
    assert (before.attributes, before.campaign) == ({}, None)
    assert (after.attributes, after.campaign) == ({"shelf": "7"}, "spring")


@pytest.mark.asyncio
async def test_who_is_limited_to_branches_writes_and_reads_only_there(world: World) -> None:
    limited = replace(world.caller, branches=frozenset({"tyumen"}))
    here, there = a_purchase(world, branch="tyumen"), a_purchase(world, "p-2", branch="omsk")
    nowhere = a_purchase(world, "p-3")
    kept, *refused = await keep_purchases(
        world.api, world.means.sealer, limited, [here, there, nowhere]
    )
    assert kept is Fate.NEW
    assert [no.code for no in refused if isinstance(no, Refused)] == ["branch_out_of_reach"] * 2
    await keep(world, there)
    moved = a_purchase(world, "p-2", branch="tyumen")
    [refusal] = await keep_purchases(world.api, world.means.sealer, limited, [moved])
    assert isinstance(refusal, Refused)
    await read_purchase(world.api, limited, "p-1")
    foreign = Caller("other2ab", "key:x", world.caller.scopes)
    for caller, reference in ((limited, "p-2"), (limited, "p-9"), (foreign, "p-1")):
        with pytest.raises(NotFound, match="there is no purchase"):
            await read_purchase(world.api, caller, reference)
