"""Revisions of an aggregate."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from otklik_access.domain.kept import Kept, present, removed, renewed, standing

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_the_same_value_makes_no_revision() -> None:
    assert renewed(Kept("a", 4, NOW), "a", NOW + timedelta(days=1)) is None


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-60, 60)), min_size=1))
def test_revisions_have_no_gaps_and_their_times_grow_whatever_the_clock_does(
    steps: list[tuple[int, int]],
) -> None:
    known: Kept[int] | None = None
    for value, seconds in steps:
        after = renewed(known, value, NOW + timedelta(seconds=seconds))
        if known is None:
            assert after is not None
            assert after.revision == 1
        elif after is None:
            assert known.value == value
        else:
            assert after.revision == known.revision + 1
            assert after.recorded_at > known.recorded_at
        known = after or known
    assert known is not None
    assert known.value == steps[-1][0]


def test_what_was_removed_is_not_seen_and_comes_back_with_the_next_revision() -> None:
    known = Kept("a", 4, NOW)
    gone = removed(known, NOW)
    assert (gone.revision, gone.void, gone.recorded_at > NOW) == (5, True, True)
    assert (standing(gone), present(gone), standing(None), present(None)) == (None, 0, None, 0)
    assert (standing(known), present(known)) == (known, 4)
    back = renewed(gone, "a", NOW)
    assert back is not None
    assert (back.revision, back.void) == (6, False)
