"""Taking the demo out of loyalty: all of it, nothing else, and so that it may come again."""

from typing import Any

import pytest

from otklik_loyalty.actions.points import audit
from tests.integration.loyalty.conftest import Office, World

pytestmark = pytest.mark.asyncio

AT = "2026-03-02T18:00:00+03:00"
RULE = {"starts_at": "2026-01-01T00:00:00+03:00", "currency": "RUB", "points": 1, "per": "100.00"}


def a_purchase(
    name: str, person: int | None = 1, *, amount: str = "1000.00", **more: Any
) -> dict[str, Any]:
    customer = {"phone": f"+799900000{person:02}", "external_id": f"demo-{person}"}
    lines = [
        {"id": "1", "product": "commission", "quantity": 1, "amount": amount},
        {"id": "2", "product": "legal-check", "quantity": 1, "amount": "500.00"},
    ]
    return {
        "id": name,
        "customer": customer,
        "at": AT,
        "branch": "tyumen",
        "currency": "RUB",
        "lines": lines,
        **more,
    }


async def tell(office: Office) -> None:
    """The demo's life, in short: two customers, three deals, a return."""
    assert (await office.post("/programme/rules", RULE)).status_code == 201
    deals = [
        a_purchase("demo-deal-1", 1),
        a_purchase("demo-deal-2", 1, amount="2000.00"),
        a_purchase("demo-deal-3", 2),
    ]
    sent = await office.post("/purchases:batch", deals)
    assert sent.json()["refused"] == [], sent.text
    back = {"id": "demo-deal-1-return", "at": "2026-03-09T18:00:00+03:00", "lines": [{"id": "2"}]}
    assert (await office.post("/purchases/demo-deal-1/returns", back)).is_success


async def standing(world: World) -> dict[str, list[Any]]:
    """The newest state of what counts, by kind."""
    newest = {event.subject: event for event in await world.facts()}
    found: dict[str, list[Any]] = {"purchase": [], "customer": [], "points": []}
    for event in newest.values():
        if not event.void:
            found[event.data.kind].append(event.data)
    return found


async def points(world: World) -> list[int]:
    return sorted(fact.points for fact in (await standing(world))["points"])


async def faults(world: World) -> list[Any]:
    """What is wrong with the company's ledger."""
    found = await audit(world.worker)
    wrong: list[Any] = [one for one in found.mismatches if one.tenant == world.tenant]
    return wrong + [one for one in found.unbalanced if one[0] == world.tenant]


async def remove(office: Office) -> dict[str, int]:
    answer = await office.call("DELETE", "/demo")
    assert answer.status_code == 200, answer.text
    gone: dict[str, int] = answer.json()
    return gone


async def test_all_that_the_demo_brought_goes_and_nothing_else(office: Office) -> None:
    world = office.world
    await tell(office)
    mine = a_purchase("p-1", 7, customer={"phone": "+79995550101", "external_id": "c-1"})
    await office.put("/purchases/p-1", mine)
    assert await points(world) == [-5, 15, 15, 15, 25]
    assert await remove(office) == {"purchases": 3, "customers": 2, "movements": 4}
    left = await standing(world)
    assert {kind: len(facts) for kind, facts in left.items()} == {
        "purchase": 1,
        "customer": 1,
        "points": 1,
    }
    assert left["points"][0].points == 15
    for path in ("/purchases/demo-deal-1", "/customers/demo-1", "/customers/demo-1/points"):
        assert (await office.get(path)).status_code == 404, path
    found = await office.post("/customers:find", {"phone": "+79990000001"})
    assert found.json()["items"] == []
    assert (await office.get("/purchases/p-1")).status_code == 200
    assert (await office.get("/customers/c-1/points")).json()["balance"] == 15
    assert await remove(office) == {"purchases": 0, "customers": 0, "movements": 0}
    assert await faults(world) == []


async def test_nothing_personal_stays(office: Office) -> None:
    world = office.world
    await tell(office)
    await office.put("/customers/demo-1", {"name": "Анна", "email": "anna@demo.invalid"})
    await remove(office)
    rows = await world.admin.fetch(
        "SELECT name, phone, email, external, branch FROM loyalty.customer WHERE tenant = $1",
        world.tenant,
    )
    assert [list(row) for row in rows] == [[None] * 5] * 2
    kinds = await world.admin.fetch(
        "SELECT kind, count(*) FROM loyalty.identifier WHERE tenant = $1 GROUP BY kind",
        world.tenant,
    )
    assert [tuple(row) for row in kinds] == [("x", 2)]
    for table in ("purchase_line", "purchase_return", "shared_identifier"):
        assert await world.count(table) == 0, table


async def test_points_moved_by_hand_go_too_and_accounts_end_at_nothing(office: Office) -> None:
    world = office.world
    await tell(office)
    for n, (customer, movement, count) in enumerate(
        (("demo-1", "spend", 30), ("demo-2", "issue", 40), ("demo-2", "spend", 5))
    ):
        body = {"movement": movement, "points": count, "reason": "goodwill"}
        moved = await office.post(f"/customers/{customer}/points", body, idempotency_key=f"k{n}")
        assert moved.is_success, moved.text
    assert await remove(office) == {"purchases": 3, "customers": 2, "movements": 7}
    assert await points(world) == []
    balances = await world.admin.fetch(
        "SELECT balance FROM loyalty.account WHERE tenant = $1 AND customer IS NOT NULL",
        world.tenant,
    )
    assert {row["balance"] for row in balances} == {0}
    assert await faults(world) == []


async def test_a_demo_that_comes_again_counts_again(office: Office) -> None:
    world = office.world
    for _ in range(3):
        await tell(office)
        assert await points(world) == [-5, 15, 15, 25]
        now = await standing(world)
        assert len(now["purchase"]) == 3
        assert len(now["customer"]) == 2
        assert sum(fact.net_minor for fact in now["purchase"]) == 550_000 - 50_000
        assert (await office.get("/customers/demo-1/points")).json()["balance"] == 35
        shown = (await office.get("/customers/demo-1")).json()
        assert shown["phone"] == "+79990000001"
        await remove(office)
        assert await points(world) == []
    for subject in {event.subject for event in await world.facts()}:
        told = [event for event in await world.facts() if event.subject == subject]
        assert [event.revision for event in told] == list(range(1, len(told) + 1))
        recorded = [event.recorded_at for event in told]
        assert recorded == sorted(set(recorded))
    assert await faults(world) == []


async def test_one_who_has_bought_something_else_stays(office: Office) -> None:
    world = office.world
    await tell(office)
    await office.put("/purchases/p-1", a_purchase("p-1", 1))
    assert await remove(office) == {"purchases": 3, "customers": 1, "movements": 4}
    assert await points(world) == [15]
    assert (await office.get("/customers/demo-1/points")).json()["balance"] == 15


async def test_a_customer_without_a_purchase_goes_and_comes_back_by_hand(office: Office) -> None:
    await office.put("/customers/demo-9", {"name": "Анна"})
    assert await remove(office) == {"purchases": 0, "customers": 1, "movements": 0}
    again = await office.put("/customers/demo-9", {"name": "Анна"})
    assert again.status_code == 201
    assert (await office.get("/customers/demo-9")).json()["name"] == "Анна"
    facts = await office.world.facts("customer")
    assert [(fact.revision, fact.void) for fact in facts] == [(1, False), (2, True), (3, False)]


async def test_an_earning_rule_may_start_again_before_what_was_taken_out(office: Office) -> None:
    await tell(office)
    earlier = RULE | {"starts_at": "2025-12-01T00:00:00+03:00"}
    assert (await office.post("/programme/rules", earlier)).status_code == 409
    await remove(office)
    assert (await office.post("/programme/rules", earlier)).status_code == 201


async def test_it_goes_in_bounded_steps(office: Office) -> None:
    assert (await office.post("/programme/rules", RULE)).status_code == 201
    deals = [
        a_purchase(f"demo-{n}", customer={"external_id": f"demo-{n % 700}"}) for n in range(1_203)
    ]
    assert (await office.post("/purchases:batch", deals)).json()["accepted"] == 1_203
    assert await remove(office) == {"purchases": 1_203, "customers": 700, "movements": 1_203}
    assert await points(office.world) == []


async def test_only_those_who_may_take_it_out(office: Office) -> None:
    for key in (
        await office.key(frozenset(("customers:write", "purchases:write"))),
        await office.key(frozenset(("demo:write",)), branches=("tyumen",)),
    ):
        answer = await office.call("DELETE", "/demo", authorization=f"Bearer {key}")
        assert answer.status_code == 403
