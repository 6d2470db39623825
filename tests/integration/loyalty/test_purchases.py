"""Purchases: kept once, corrected by revisions, brought back by line, and what they earn."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event

from otklik_common.callers import Caller
from otklik_common.errors import NotFound, Refused
from otklik_common.events.loyalty import Points
from otklik_common.events.loyalty import Purchase as PurchaseFact
from otklik_loyalty.actions.customers import said
from otklik_loyalty.actions.points import audit, move_points
from otklik_loyalty.actions.programme import RuleExists, SoldSince, add_rule, publish_attributes
from otklik_loyalty.actions.purchases import (
    Fate,
    NewPurchase,
    ReturnIdReused,
    keep_purchases,
    keep_return,
    purchase_id,
    read_purchase,
)
from otklik_loyalty.domain.body import purchase_digest
from otklik_loyalty.domain.earning import Rule
from otklik_loyalty.domain.identity import Person
from otklik_loyalty.domain.ledger import Balance
from otklik_loyalty.domain.purchase import Line, NewReturn, Purchase, ReturnedMoreThanSold
from otklik_loyalty.store import ledger
from tests.integration.loyalty.conftest import World

SOLD = datetime(2026, 3, 2, 9, tzinfo=UTC)
PHONE = "+79991234567"


def a_purchase(
    world: World,
    reference: str = "p-1",
    *,
    amounts: Sequence[int] = (1000_00,),
    quantity: int = 1,
    phone: str | None = PHONE,
    email: str | None = None,
    external_id: str | None = None,
    **more: Any,
) -> NewPurchase:
    lines = tuple(Line(str(n), quantity * 1000, amount) for n, amount in enumerate(amounts, 1))
    body = Purchase(purchase_id(world.tenant, reference), reference, SOLD, "RUB", lines)
    body = replace(body, **more)
    named = said(
        world.means, world.tenant, phone=phone, email=email, external_id=external_id, at=SOLD
    )
    person = named.person if named else Person()
    return NewPurchase(body, named, purchase_digest(body, person))


async def keep(world: World, *sent: NewPurchase) -> list[Fate | Refused]:
    return await keep_purchases(world.api, world.means.sealer, world.caller, sent)


async def bring_back(
    world: World, line: str = "1", quantity: int = 1, *, name: str = "r-1", reference: str = "p-1"
) -> tuple[Purchase, bool]:
    back = NewReturn(name, SOLD + timedelta(days=2), {line: quantity * 1000})
    return await keep_return(world.api, world.caller, reference, back)


async def earn_one_per_100(world: World) -> None:
    rule = Rule(SOLD - timedelta(days=1), "RUB", 1, 100_00)
    await add_rule(world.api, world.caller, rule, now=SOLD)


async def purchase_facts(world: World) -> list[PurchaseFact]:
    facts = [event.data for event in await world.facts("purchase")]
    return [fact for fact in facts if isinstance(fact, PurchaseFact)]


async def points_facts(world: World) -> list[Points]:
    facts = [event.data for event in await world.facts("points")]
    return [fact for fact in facts if isinstance(fact, Points)]


async def balance(world: World, customer: UUID) -> Balance:
    async with world.api.begin(world.tenant) as tx:
        return await ledger.balance_of(tx, world.tenant, customer)


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
async def test_two_bodies_of_one_purchase_in_a_batch_are_not_guessed_between(world: World) -> None:
    first, second = await keep(world, a_purchase(world), a_purchase(world, amounts=[1]))
    assert first is Fate.NEW
    assert isinstance(second, Refused)
    assert second.code == "id_twice_in_batch"


@pytest.mark.asyncio
async def test_somebody_who_left_no_name_buys_too(world: World) -> None:
    await earn_one_per_100(world)
    assert await keep(world, a_purchase(world, phone=None)) == [Fate.NEW]
    [fact] = await purchase_facts(world)
    assert (fact.customer, fact.identifiers) == (None, ())
    assert await points_facts(world) == []


@pytest.mark.asyncio
async def test_a_batch_of_5000_is_one_transaction(world: World) -> None:
    await earn_one_per_100(world)
    many = [
        a_purchase(world, f"p-{n}", phone=f"+7999{n % 900:07}", amounts=[100_00, 50_00])
        for n in range(5000)
    ]
    assert await keep(world, *many) == [Fate.NEW] * 5000
    assert await world.count("customer") == 900
    assert await world.count("purchase_line") == 10_000
    assert await world.count("transfer") == 5000
    assert len({event.recorded_at for event in await world.facts("purchase")}) == 1
    assert await keep(world, *many) == [Fate.DUPLICATE] * 5000


@contextmanager
def statements(world: World) -> Iterator[list[str]]:
    """Statements that reach the database while the block runs."""
    seen: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        seen.append(statement)

    engine = world.api._engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.mark.asyncio
async def test_a_batch_takes_as_many_statements_as_one_purchase(world: World) -> None:
    await earn_one_per_100(world)
    await keep(world, a_purchase(world, "warm"))
    counts = {}
    for size in (1, 10, 300):
        many = [
            a_purchase(
                world, f"{size}-{n}", phone=f"+7999{size:03}{n:04}", external_id=f"{size}-{n}"
            )
            for n in range(size)
        ]
        with statements(world) as seen:
            await keep(world, *many)
        counts[size] = len(seen)
        with statements(world) as seen:
            await keep(world, *many)
        assert len(seen) == 4, "duplicates: company, rules' lock, rules, hashes"
    assert set(counts.values()) == {24}, counts


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
async def test_a_correction_keeps_what_came_back_or_is_refused(world: World) -> None:
    await keep(world, a_purchase(world, amounts=[300_00], quantity=3))
    await bring_back(world, quantity=2)
    assert await keep(world, a_purchase(world, amounts=[600_00], quantity=3)) == [Fate.CHANGED]
    kept, _ = await read_purchase(world.api, world.caller, "p-1")
    assert (kept.purchase.returned_minor, kept.purchase.net_minor) == (400_00, 200_00)
    [refused] = await keep(world, a_purchase(world, amounts=[100_00], quantity=1))
    assert isinstance(refused, ReturnedMoreThanSold)


@pytest.mark.asyncio
async def test_good_purchases_are_kept_where_others_are_refused(world: World) -> None:
    await keep(world, a_purchase(world, quantity=2))
    await bring_back(world, quantity=2)
    good, bad = a_purchase(world, "p-2"), a_purchase(world, quantity=1)
    kept, refused = await keep(world, good, bad)
    assert kept is Fate.NEW
    assert isinstance(refused, ReturnedMoreThanSold)


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


@pytest.mark.asyncio
async def test_batches_that_cross_end_and_agree(world: World) -> None:
    await earn_one_per_100(world)

    async def push(order: Sequence[int]) -> list[Fate | Refused]:
        sent = [
            a_purchase(world, f"p-{n}", phone=f"+7999000000{n % 7}", external_id=f"c-{n % 5}")
            for n in order
        ]
        return await keep(world, *sent)

    numbers = list(range(40))
    results = await asyncio.gather(*(push(numbers[:: 1 if n % 2 else -1]) for n in range(8)))
    fates = [fate for result in results for fate in result]
    assert fates.count(Fate.NEW) == 40
    assert fates.count(Fate.DUPLICATE) == 40 * 7
    facts = await points_facts(world)
    assert sum(fact.points for fact in facts) == 400
    assert (await audit(world.worker)).faults == 0


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
