"""Points as double entry: what moves, from where to where."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_loyalty.domain.ledger import (
    Balance,
    Entry,
    Holder,
    Movement,
    NotReversible,
    Transfer,
    account_of,
    by_hand,
    by_purchase,
    check_reversible,
    closing,
    debt_of,
    programme,
    reversed_entries,
)

TENANT = "demo2abc"
ANNA = UUID(int=1)
NOW = datetime(2026, 3, 2, tzinfo=UTC)


def moved(entries: tuple[Entry, ...]) -> dict[Holder, int]:
    return {entry.account.holder: entry.amount for entry in entries}


def a_transfer(*entries: Entry) -> Transfer:
    return Transfer(UUID(int=9), ANNA, Movement.ISSUED, "goodwill", NOW, entries)


def test_points_by_hand_come_from_the_programme_and_go_back_to_it() -> None:
    assert moved(by_hand(TENANT, ANNA, 100)) == {Holder.CUSTOMER: 100, Holder.PROGRAMME: -100}
    assert a_transfer(*by_hand(TENANT, ANNA, -30)).points == -30


def test_what_was_spent_already_is_owed() -> None:
    taken = by_purchase(TENANT, ANNA, -50, Balance(20, 0))
    assert moved(taken) == {Holder.CUSTOMER: -20, Holder.DEBT: -30, Holder.PROGRAMME: 50}
    assert a_transfer(*taken).points == -50


def test_earnings_pay_what_is_owed_first() -> None:
    earned = by_purchase(TENANT, ANNA, 40, Balance(0, 30))
    assert moved(earned) == {Holder.CUSTOMER: 10, Holder.DEBT: 30, Holder.PROGRAMME: -40}


def test_an_entry_of_nothing_is_not_written() -> None:
    assert set(moved(by_purchase(TENANT, ANNA, 10, Balance(0, 30)))) == {
        Holder.DEBT,
        Holder.PROGRAMME,
    }
    assert Holder.DEBT not in moved(by_purchase(TENANT, ANNA, -10, Balance(30, 0)))


@given(
    st.integers(-(10**6), 10**6).filter(bool),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
)
def test_no_balance_falls_below_zero_and_no_debt_rises_above(
    points: int, balance: int, owed: int
) -> None:
    entries = by_purchase(TENANT, ANNA, points, Balance(balance, owed))
    by_holder = moved(entries)
    assert a_transfer(*entries).points == points
    after = Balance(balance, owed).after(a_transfer(*entries))
    assert after.points == balance + by_holder.get(Holder.CUSTOMER, 0) >= 0
    assert -after.owed == -owed + by_holder.get(Holder.DEBT, 0) <= 0
    undone = a_transfer(*reversed_entries(entries))
    assert undone.points == -points


def test_a_transfer_that_does_not_add_up_cannot_be_made() -> None:
    customer, pool = account_of(TENANT, ANNA), programme(TENANT)
    with pytest.raises(AssertionError, match="add up"):
        a_transfer(Entry(customer, 1), Entry(pool, -2))
    with pytest.raises(AssertionError, match="come from somewhere"):
        a_transfer()
    with pytest.raises(AssertionError, match="moves something"):
        Entry(customer, 0)


def test_every_holder_has_an_account_of_their_own() -> None:
    ids = {account_of(TENANT, ANNA).id, debt_of(TENANT, ANNA).id, programme(TENANT).id}
    assert len(ids) == 3
    assert programme("other2ab").id not in ids


def test_only_what_was_done_by_hand_is_undone_by_hand() -> None:
    check_reversible(Movement.ISSUED)
    check_reversible(Movement.SPENT)
    for movement in (Movement.EARNED, Movement.TAKEN_BACK, Movement.REVERSED):
        with pytest.raises(NotReversible, match=movement.value):
            check_reversible(movement)


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_after_its_closing_an_account_has_nothing_and_owes_nothing(points: int, owed: int) -> None:
    before = Balance(points, owed)
    entries = closing(TENANT, ANNA, before)
    if before == Balance(0, 0):
        assert entries == ()
    else:
        assert before.after(a_transfer(*entries)) == Balance(0, 0)
