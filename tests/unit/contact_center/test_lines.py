"""Requests that wait: companies take turns, and within one nothing is overtaken."""

from datetime import UTC, datetime
from unittest.mock import sentinel

from hypothesis import given
from hypothesis import strategies as st

from otklik_contact_center.actions.lines import MOST_ROWS, Line, Parcel
from otklik_contact_center.store.inbox import Row

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def a_parcel(tenant: str, rows: int) -> Parcel:
    row = Row(tenant, f"{tenant}.default", "id", "c", b"h", b"body", NOW, NOW, None, 0)
    return Parcel([row] * rows, [], sentinel.tell)


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 3 * MOST_ROWS // 2)), max_size=40)
)
def test_all_that_waits_is_taken_once_and_in_order_within_a_company(
    waiting: list[tuple[str, int]],
) -> None:
    line, put = Line(), [a_parcel(tenant, rows) for tenant, rows in waiting]
    for parcel in put:
        line.put(parcel)
    taken: list[Parcel] = []
    while some := line.take():
        assert len(some) == 1 or sum(len(one.rows) for one in some) <= MOST_ROWS
        taken += some
    for tenant in "abcd":
        mine = [one for one in taken if one.tenant == tenant]
        assert mine == [one for one in put if one.tenant == tenant]
    assert len(taken) == len(put)


def test_a_company_with_one_request_does_not_wait_for_another_with_many() -> None:
    line = Line()
    for _ in range(100):
        line.put(a_parcel("noisyaaa", 500))
    late = a_parcel("quietaaa", 500)
    line.put(late)
    assert late in line.take()
