"""Rows are grouped by columns of numbers as they would be by tuples of values."""

from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from otklik_metrics.domain.grouping import coded, coded_texts, grouped

ROWS = st.lists(
    st.tuples(st.dates(), *[st.sampled_from([None, "", "a", "b", "я", UUID(int=7)])] * 3),
    min_size=1,
)


def columns_of(rows: list[tuple[Any, ...]]) -> list[Any]:
    first, *others = zip(*rows, strict=True)
    return [coded(first), *map(coded_texts, others)]


@given(ROWS)
def test_groups_are_sorted_and_every_row_is_in_the_group_of_its_values(
    rows: list[tuple[Any, ...]],
) -> None:
    groups, places = grouped(columns_of(rows))
    told = [(first, *(str(value or "") for value in others)) for first, *others in rows]
    assert groups == sorted(set(told))
    assert [groups[place] for place in places.tolist()] == told


def test_columns_of_more_values_together_than_64_bits_hold_are_grouped_alike() -> None:
    rows = [tuple(f"{(n * factor) % 9973:04}" for factor in (1, 5, 7, 11, 13)) for n in range(9973)]
    rows += rows[:100]
    assert 9973**5 > 2**63
    groups, places = grouped([coded(column) for column in zip(*rows, strict=True)])
    assert groups == sorted(set(rows))
    assert [groups[place] for place in places.tolist()] == rows
