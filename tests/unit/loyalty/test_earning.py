"""What a purchase earns, and what a return takes back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from otklik_loyalty.domain.earning import Rule, due, largest_remainder, rule_at
from otklik_loyalty.domain.purchase import Line, Purchase, Return, with_returns

SOLD = datetime(2026, 3, 2, 9, tzinfo=UTC)
ONE_PER_100_RUB = Rule(SOLD - timedelta(days=1), "RUB", 1, 100_00)


def bought(*amounts: int, quantity: int = 1, currency: str = "RUB") -> Purchase:
    lines = tuple(Line(str(n), quantity * 1000, amount) for n, amount in enumerate(amounts))
    return Purchase(UUID(int=1), "p-1", SOLD, currency, lines, customer=UUID(int=2))


def back(purchase: Purchase, line: int, quantity: int = 1) -> Purchase:
    return with_returns(purchase, [Return("r-1", SOLD, {str(line): quantity * 1000})])


def test_one_point_per_100_roubles_of_the_whole() -> None:
    assert due(bought(57_000_00), [ONE_PER_100_RUB]) == 570
    assert due(bought(50_00, 50_00), [ONE_PER_100_RUB]) == 1, "rounded once, not by line"
    assert due(bought(99_99), [ONE_PER_100_RUB]) == 0


def test_a_line_that_came_back_takes_its_points_and_no_other() -> None:
    purchase = bought(1000_00, 300_00)
    assert due(purchase, [ONE_PER_100_RUB]) == 13
    assert due(back(purchase, 1), [ONE_PER_100_RUB]) == 10
    assert due(back(purchase, 0), [ONE_PER_100_RUB]) == 3


def test_half_a_line_that_came_back_leaves_half_its_points_rounded_down() -> None:
    assert due(back(bought(500_00, quantity=2), 0), [ONE_PER_100_RUB]) == 2


def test_a_line_that_costs_nothing_earns_nothing() -> None:
    assert due(bought(0, 100_00), [ONE_PER_100_RUB]) == 1
    assert due(bought(0), [ONE_PER_100_RUB]) == 0


def test_nobody_earns_without_a_customer_a_rule_or_in_another_currency() -> None:
    assert due(replace(bought(100_00), customer=None), [ONE_PER_100_RUB]) == 0
    assert due(bought(100_00), []) == 0
    assert due(bought(100_00, currency="USD"), [ONE_PER_100_RUB]) == 0


def test_the_rule_is_the_one_in_force_when_it_was_sold() -> None:
    off = Rule(SOLD, "RUB", 0, 1)
    double = Rule(SOLD + timedelta(seconds=1), "RUB", 2, 100_00)
    assert rule_at([double, ONE_PER_100_RUB], SOLD) == ONE_PER_100_RUB
    assert rule_at([double, off, ONE_PER_100_RUB], SOLD) == off
    assert due(bought(100_00), [double, off, ONE_PER_100_RUB]) == 0
    assert rule_at([double], SOLD) is None


amounts = st.lists(st.integers(0, 10**8), min_size=1, max_size=6)


@given(amounts, st.data())
def test_returns_only_take_and_the_whole_takes_all(sums: list[int], data: st.DataObject) -> None:
    purchase = bought(*sums, quantity=3)
    deserved = due(purchase, [ONE_PER_100_RUB])
    assert deserved == sum(sums) // 100_00
    before = deserved
    came_back = {str(n): 0 for n in range(len(sums))}
    for _ in range(3 * len(sums)):
        line = data.draw(st.sampled_from([n for n, q in came_back.items() if q < 3000]))
        came_back[line] += 1000
        now = due(with_returns(purchase, [Return("r", SOLD, dict(came_back))]), [ONE_PER_100_RUB])
        assert 0 <= now <= before
        before = now
    assert before == 0


@given(st.integers(0, 10**12), st.lists(st.integers(0, 10**9), max_size=8))
def test_shares_add_up_and_are_off_by_less_than_one(total: int, weights: list[int]) -> None:
    parts = largest_remainder(total, weights)
    whole = sum(weights)
    assert sum(parts) == (total if whole else 0)
    for part, weight in zip(parts, weights, strict=True):
        assert whole == 0 or abs(part * whole - total * weight) < whole
