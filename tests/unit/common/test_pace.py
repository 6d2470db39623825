"""A ratio of two sums, in which what is old counts for less."""

from hypothesis import given
from hypothesis import strategies as st

from otklik_common.pace import Pace, records_a_second

SOME = st.floats(0.001, 10)


@given(st.lists(st.tuples(SOME, SOME), min_size=1, max_size=50))
def test_a_pace_lies_between_the_least_and_the_largest_ratio(
    added: list[tuple[float, float]],
) -> None:
    pace = Pace(2.0, half_life=1.0, weight=0.1)
    for above, below in added:
        pace.add(above, below)
    ratios = [2.0, *(above / below for above, below in added)]
    assert 0.999 * min(ratios) <= pace.value <= 1.001 * max(ratios)


@given(SOME, SOME)
def test_what_was_before_is_forgotten_after_some_half_lives(old: float, new: float) -> None:
    pace = Pace(old, half_life=1.0, weight=5.0)
    for _ in range(200):
        pace.add(new * 0.1, 0.1)
    assert abs(pace.value - new) <= 0.001 * abs(old - new) + 1e-9


def test_a_consumer_that_was_seen_to_for_a_second_is_hardly_guessed_at() -> None:
    pace = records_a_second()
    assert pace.value == 1_000
    pace.add(20_000, 1.0)
    assert 18_000 < pace.value < 20_000


def test_nothing_below_the_line_changes_nothing() -> None:
    pace = records_a_second()
    pace.add(100, 0)
    assert pace.value == 1_000
