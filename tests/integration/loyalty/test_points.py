"""Points by hand: issued, spent, reversed; by many at once, and never below zero."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4
from zlib import crc32

import pytest
from sqlalchemy.exc import DBAPIError

from otklik_common.callers import SELF, Caller
from otklik_common.errors import NotFound
from otklik_common.etags import Expected
from otklik_common.events.loyalty import Points
from otklik_common.paging import Cursors, Part
from otklik_loyalty.actions.customers import keep_customer
from otklik_loyalty.actions.points import (
    AlreadyReversed,
    Done,
    TransferIdReused,
    audit,
    move_points,
    read_balance,
    read_journal,
    read_own_balance,
    read_own_journal,
    reverse_points,
)
from otklik_loyalty.domain.ledger import (
    Balance,
    Movement,
    NotEnoughPoints,
    NotReversible,
    Transfer,
    account_of,
    by_hand,
)
from otklik_loyalty.store import ledger
from tests.integration.loyalty.conftest import World

NOW = datetime(2026, 3, 2, tzinfo=UTC)


async def a_customer(world: World, name: str = "c-1", *, branch: str | None = None) -> UUID:
    profile, _ = await keep_customer(
        world.api,
        world.means,
        world.caller,
        name,
        {"phone": f"+7999{crc32(name.encode()) % 10**7:07}", "branch": branch},
        expected=Expected(None),
    )
    return profile.id


async def move(
    world: World, points: int, *, to: str = "c-1", id_: UUID | None = None, reason: str = "goodwill"
) -> Done:
    async with world.api.begin(world.tenant) as tx:
        return await move_points(
            tx,
            world.means,
            world.caller,
            to,
            points=points,
            reason=reason,
            now=NOW,
            transfer=id_ or uuid4(),
        )


async def reverse(world: World, id_: UUID, caller: Caller | None = None) -> Done:
    async with world.api.begin(world.tenant) as tx:
        return await reverse_points(tx, caller or world.caller, id_, reason="mistake", now=NOW)


def part(limit: int, *after: int) -> Part:
    return Part(limit, after or None, Cursors(b"k" * 32), b"")


async def balance(world: World, customer: str = "c-1") -> Balance:
    return (await read_balance(world.api, world.means, world.caller, customer))[1]


@pytest.mark.asyncio
async def test_points_are_issued_and_spent_and_told(world: World) -> None:
    customer = await a_customer(world, branch="tyumen")
    issued = await move(world, 100)
    spent = await move(world, -30, reason="order")
    assert (issued.balance, spent.balance) == (Balance(100, 0), Balance(70, 0))
    assert await balance(world) == Balance(70, 0)
    events = await world.facts("points")
    assert [event.subject for event in events] == [issued.moved.id, spent.moved.id]
    facts = [event.data for event in events if isinstance(event.data, Points)]
    assert [(fact.movement, fact.points, fact.reason) for fact in facts] == [
        ("issued", 100, "goodwill"),
        ("spent", -30, "order"),
    ]
    assert {fact.customer for fact in facts} == {customer}
    assert {fact.branch for fact in facts} == {"tyumen"}
    assert [p.split("_")[0] for p in facts[0].identifiers] == ["ph1", "x1"]


@pytest.mark.asyncio
async def test_more_than_there_is_cannot_be_spent(world: World) -> None:
    await a_customer(world)
    await move(world, 10)
    with pytest.raises(NotEnoughPoints, match="11 points wanted, the balance is 10"):
        await move(world, -11)
    assert await balance(world) == Balance(10, 0)
    assert await world.count("transfer") == 1


@pytest.mark.asyncio
async def test_a_movement_is_done_once_by_its_id(world: World) -> None:
    await a_customer(world)
    id_ = uuid4()
    await move(world, 10, id_=id_)
    assert (await move(world, 10, id_=id_)).balance == Balance(10, 0)
    with pytest.raises(TransferIdReused):
        await move(world, 11, id_=id_)
    await a_customer(world, "c-2")
    with pytest.raises(TransferIdReused):
        await move(world, 10, id_=id_, to="c-2")
    assert await world.count("entry") == 2


@pytest.mark.asyncio
async def test_a_movement_is_undone_once(world: World) -> None:
    await a_customer(world)
    issued = await move(world, 100)
    spent = await move(world, -40)
    undone = await reverse(world, spent.moved.id)
    assert (undone.moved.movement, undone.moved.points) == (Movement.REVERSED, 40)
    assert undone.balance == Balance(100, 0)
    with pytest.raises(AlreadyReversed):
        await reverse(world, spent.moved.id)
    with pytest.raises(NotReversible):
        await reverse(world, undone.moved.id)
    await move(world, -70)
    with pytest.raises(NotEnoughPoints, match="100 points wanted, the balance is 30"):
        await reverse(world, issued.moved.id)
    with pytest.raises(NotFound):
        await reverse(world, uuid4())
    *_, last = [e.data for e in await world.facts("points") if isinstance(e.data, Points)][:3]
    assert last.reverses == spent.moved.id


@pytest.mark.asyncio
async def test_the_journal_shows_the_newest_first(world: World) -> None:
    customer = await a_customer(world)
    for points in (10, 20, -5):
        await move(world, points)
    journal = await read_journal(world.api, world.means, world.caller, "c-1", part(2))
    assert [moved.points for moved in journal] == [-5, 20, 10], "and one more than the page"
    older = await read_journal(
        world.api, world.means, world.caller, str(customer), part(2, journal[1].seq)
    )
    assert [(moved.points, moved.owed, moved.actor) for moved in older] == [(10, 0, "key:test")]


@pytest.mark.asyncio
async def test_customers_see_their_own_points_and_nobody_elses(world: World) -> None:
    anna, boris = await a_customer(world), await a_customer(world, "c-2")
    await move(world, 10)
    await move(world, 99, to="c-2")
    caller = Caller(world.tenant, f"customer:{anna}", SELF, customer=anna, branches=frozenset())
    assert await read_own_balance(world.api, caller) == (anna, Balance(10, 0))
    own = await read_own_journal(world.api, caller, part(10))
    assert [moved.points for moved in own] == [10]
    for stranger in (
        replace(caller, customer=uuid4()),
        replace(caller, customer=None),
        replace(caller, tenant="other2ab", customer=boris),
    ):
        with pytest.raises(NotFound):
            await read_own_balance(world.api, stranger)


@pytest.mark.asyncio
async def test_who_is_limited_to_branches_moves_points_only_there(world: World) -> None:
    await a_customer(world, "here", branch="tyumen")
    await a_customer(world, "there", branch="omsk")
    await a_customer(world, "nowhere")
    done = await move(world, 5, to="there")
    limited = replace(world, tenant=world.tenant)
    caller = replace(world.caller, branches=frozenset({"tyumen"}))
    await read_balance(world.api, limited.means, caller, "here")
    for name in ("there", "nowhere", "missing"):
        with pytest.raises(NotFound, match="there is no such customer"):
            await read_balance(world.api, limited.means, caller, name)
    with pytest.raises(NotFound):
        await reverse(world, done.moved.id, caller)


@pytest.mark.asyncio
async def test_fifty_at_once_spend_a_balance_once(world: World) -> None:
    await a_customer(world)
    await move(world, 100)
    results = await asyncio.gather(*(move(world, -7) for _ in range(50)), return_exceptions=True)
    kinds = Counter(type(result) for result in results)
    assert kinds == {Done: 14, NotEnoughPoints: 36}
    assert await balance(world) == Balance(2, 0)
    assert (await audit(world.worker)).faults == 0


@pytest.mark.asyncio
async def test_fifty_at_once_with_one_id_are_one_movement(world: World) -> None:
    await a_customer(world)
    id_ = uuid4()
    results = await asyncio.gather(*(move(world, 10, id_=id_) for _ in range(50)))
    assert {result.moved.id for result in results} == {id_}
    assert await balance(world) == Balance(10, 0)
    assert len(await world.facts("points")) == 1


@pytest.mark.asyncio
async def test_twenty_at_once_reverse_a_movement_once(world: World) -> None:
    await a_customer(world)
    issued = await move(world, 100)
    await move(world, 100)
    results = await asyncio.gather(
        *(reverse(world, issued.moved.id) for _ in range(20)), return_exceptions=True
    )
    assert Counter(type(result) for result in results) == {Done: 1, AlreadyReversed: 19}
    assert await balance(world) == Balance(100, 0)


@pytest.mark.asyncio
async def test_crossing_pairs_wait_for_each_other_and_never_both(world: World) -> None:
    """Movements between two customers, half of them written the other way round."""
    anna, boris = await a_customer(world), await a_customer(world, "c-2")
    await move(world, 1000)
    await move(world, 1000, to="c-2")

    async def give(one: UUID, other: UUID, points: int) -> None:
        moved = [
            Transfer(uuid4(), who, Movement.ISSUED, "gift", NOW, by_hand(world.tenant, who, amount))
            for who, amount in ((one, -points), (other, points))
        ]
        async with world.api.begin(world.tenant) as tx:
            await ledger.lock(tx, world.tenant, [one, other])
            await ledger.add(tx, world.tenant, moved, actor="key:test", recorded_at=NOW)

    pairs = [(anna, boris), (boris, anna)]
    await asyncio.gather(*(give(*pairs[n % 2], n) for n in range(1, 61)))
    totals = Counter({anna: 1000, boris: 1000})
    for n in range(1, 61):
        one, other = pairs[n % 2]
        totals[one] -= n
        totals[other] += n
    assert (await balance(world)).points == totals[anna]
    assert (await balance(world, "c-2")).points == totals[boris]
    assert (await audit(world.worker)).faults == 0


@pytest.mark.asyncio
async def test_a_connection_killed_in_the_middle_leaves_nothing(world: World) -> None:
    await a_customer(world)
    await move(world, 100)
    before = len(await world.facts())

    async def spend_and_die() -> None:
        async with world.api.begin(world.tenant) as tx:
            await move_points(
                tx,
                world.means,
                world.caller,
                "c-1",
                points=-60,
                reason="order",
                now=NOW,
                transfer=uuid4(),
            )
            await world.admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE usename = 'otklik_loyalty_api' AND state = 'idle in transaction'"
            )

    with pytest.raises(DBAPIError):
        await spend_and_die()
    assert await balance(world) == Balance(100, 0)
    assert len(await world.facts()) == before
    assert (await audit(world.worker)).faults == 0


@pytest.mark.asyncio
async def test_the_audit_finds_a_balance_that_nobody_moved(world: World) -> None:
    customer = await a_customer(world)
    await move(world, 100)
    own = account_of(world.tenant, customer).id
    await world.admin.execute("UPDATE loyalty.account SET balance = 150 WHERE id = $1", own)
    found = await audit(world.worker)
    assert [(m.account, m.balance, m.entries) for m in found.mismatches] == [(own, 150, 100)]
    await world.admin.execute("UPDATE loyalty.account SET balance = 100 WHERE id = $1", own)
    assert (await audit(world.worker)).faults == 0
