"""A purchase and its returns: never more back than sold, and never a kopeck lost."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_loyalty.domain.purchase import (
    BadQuantity,
    Line,
    NewReturn,
    Purchase,
    Return,
    ReturnedBeforeSold,
    ReturnedMoreThanSold,
    UnknownLine,
    quantity_of,
    quantity_text,
    with_returns,
)

SOLD = datetime(2026, 3, 2, 9, tzinfo=UTC)
LATER = SOLD + timedelta(days=3)


def a_line(name: str = "1", *, quantity: int = 1, amount: int = 10_000) -> Line:
    return Line(name, quantity * 1000, amount)


def a_purchase(*lines: Line) -> Purchase:
    return Purchase(UUID(int=1), "p-1", SOLD, "RUB", lines or (a_line(),))


def a_return(line: str = "1", quantity: int = 1, *, name: str = "r-1") -> Return:
    return Return(name, LATER, {line: quantity * 1000})


def test_what_comes_back_leaves_the_net() -> None:
    bought = a_purchase(a_line("1", quantity=2, amount=500), a_line("2", amount=300))
    after = with_returns(bought, [a_return("1")])
    assert (after.amount_minor, after.returned_minor, after.net_minor) == (800, 250, 550)
    assert after.returned_at == LATER


def test_thirds_of_a_line_add_up_to_it() -> None:
    thirds = [replace(a_line(quantity=3, amount=100), returned=n * 1000) for n in range(4)]
    assert [line.returned_minor for line in thirds] == [0, 33, 67, 100]


def test_a_tie_goes_to_what_came_back() -> None:
    assert replace(a_line(quantity=2, amount=1), returned=1000).returned_minor == 1


def test_without_returns_nothing_came_back() -> None:
    returned = with_returns(a_purchase(), [a_return()])
    assert with_returns(returned, []) == a_purchase()


def test_more_than_was_sold_cannot_come_back() -> None:
    with pytest.raises(ReturnedMoreThanSold, match="2 came back of 1 sold"):
        with_returns(a_purchase(), [a_return(name="r-1"), a_return(name="r-2")])


def test_a_line_that_is_not_there_cannot_come_back() -> None:
    with pytest.raises(UnknownLine, match="'7'"):
        with_returns(a_purchase(), [a_return("7")])


def test_nothing_comes_back_before_it_was_sold() -> None:
    early = Return("r-1", SOLD - timedelta(seconds=1), {"1": 1000})
    with pytest.raises(ReturnedBeforeSold):
        with_returns(a_purchase(), [early])


@given(
    st.integers(1, 30),
    st.integers(0, 10**9),
    st.lists(st.integers(1, 5), max_size=10),
    st.data(),
)
def test_returns_in_any_order_make_the_same_purchase(
    sold: int, amount: int, parts: list[int], data: st.DataObject
) -> None:
    bought = a_purchase(a_line(quantity=sold, amount=amount))
    returns = [a_return(quantity=part, name=f"r-{n}") for n, part in enumerate(parts)]
    if sum(parts) > sold:
        with pytest.raises(ReturnedMoreThanSold):
            with_returns(bought, returns)
        return
    shuffled = data.draw(st.permutations(returns))
    after = with_returns(bought, returns)
    assert with_returns(bought, shuffled) == after
    assert after.returned_minor + after.net_minor == amount
    assert abs(after.returned_minor - amount * sum(parts) / sold) <= 0.5
    if sum(parts) == sold:
        assert after.net_minor == 0


@pytest.mark.parametrize(
    ("text", "thousandths"),
    [("1", 1000), ("2.5", 2500), ("0.350", 350), ("999999999", 999999999000)],
)
def test_a_quantity_is_thousandths(text: str, thousandths: int) -> None:
    assert quantity_of(text) == thousandths


@pytest.mark.parametrize("text", ["0", "0.000", "-1", "1.0001", "1e2", "", "1" * 10, "½", "1\n"])
def test_a_quantity_is_above_zero_and_plain(text: str) -> None:
    with pytest.raises(BadQuantity):
        quantity_of(text)


@given(st.integers(1, 10**12 - 1))
def test_a_quantity_written_and_read_again_is_the_same(thousandths: int) -> None:
    assert quantity_of(quantity_text(thousandths)) == thousandths


def test_a_return_without_a_quantity_is_of_the_whole_line() -> None:
    bought = a_purchase(a_line("1", quantity=2), a_line("2"))
    sent = NewReturn("r-1", LATER, {"1": None, "2": 1000})
    assert sent.of(bought) == Return("r-1", LATER, {"1": 2000, "2": 1000})
    with pytest.raises(UnknownLine):
        NewReturn("r-1", LATER, {"3": None}).of(bought)


def test_a_return_repeats_another_that_says_the_same() -> None:
    known = Return("r-1", LATER, {"1": 2000})
    assert NewReturn("r-1", LATER, {"1": None}).repeats(known)
    assert NewReturn("r-1", LATER, {"1": 2000}).repeats(known)
    assert not NewReturn("r-1", LATER, {"1": 1000}).repeats(known)
    assert not NewReturn("r-1", LATER, {"1": None, "2": None}).repeats(known)
    assert not NewReturn("r-1", SOLD, {"1": None}).repeats(known)
