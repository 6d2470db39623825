"""Purchases in batches: one transaction, few statements, the good kept beside the refused."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from otklik_common.errors import Refused
from otklik_loyalty.actions.points import audit
from otklik_loyalty.actions.purchases import Fate
from otklik_loyalty.domain.purchase import ReturnedMoreThanSold
from tests.integration.loyalty.conftest import World
from tests.integration.loyalty.selling import (
    a_purchase,
    bring_back,
    earn_one_per_100,
    keep,
    points_facts,
)


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
async def test_two_bodies_of_one_purchase_in_a_batch_are_not_guessed_between(world: World) -> None:
    first, second = await keep(world, a_purchase(world), a_purchase(world, amounts=[1]))
    assert first is Fate.NEW
    assert isinstance(second, Refused)
    assert second.code == "id_twice_in_batch"


@pytest.mark.asyncio
async def test_good_purchases_are_kept_where_others_are_refused(world: World) -> None:
    await keep(world, a_purchase(world, quantity=2))
    await bring_back(world, quantity=2)
    good, bad = a_purchase(world, "p-2"), a_purchase(world, quantity=1)
    kept, refused = await keep(world, good, bad)
    assert kept is Fate.NEW
    assert isinstance(refused, ReturnedMoreThanSold)


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
