"""Whose call it was: field cases 18 and 19, and what always holds."""

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_contact_center.domain.tracking.attribution import (
    Certainty,
    Lease,
    attribute,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def minute(number: float) -> datetime:
    return NOON + timedelta(minutes=number)


def lease(visitor: str, begins: float, ends: float | None, *, shared: bool = False) -> Lease:
    return Lease(UUID(int=round(begins * 60) + 10**6), visitor, minute(begins),
                 None if ends is None else minute(ends), shared)  # fmt: skip


def whose(at: float, *leases: Lease) -> tuple[str, dict[str, float]]:
    found = attribute(minute(at), leases)
    return found.certainty, {
        one.lease.visitor: round(one.probability, 3) for one in found.candidates
    }


def test_whoever_has_the_number_calls() -> None:
    assert whose(5, lease("ann", 0, None)) == ("certain", {"ann": 1.0})
    assert whose(5, lease("ann", 0, 5)) == ("certain", {"ann": 1.0})


@pytest.mark.parametrize(
    ("at", "certainty"), [(30, "likely"), (80, "likely"), (80.01, "unattributed")]
)
def test_who_wrote_it_down_may_call_for_an_hour(at: float, certainty: str) -> None:
    assert whose(at, lease("ann", 0, 20))[0] == certainty


def test_clocks_may_differ_by_two_seconds() -> None:
    late = lease("ann", 0, None)
    assert whose(-1 / 60, late)[0] == "certain"
    assert whose(-3 / 60, late)[0] == "unattributed"
    assert whose(10 + 2 / 60, lease("ann", 0, 10))[0] == "certain"
    assert whose(10 + 3 / 60, lease("ann", 0, 10))[0] == "likely"


def test_a_number_that_was_given_on_has_several_candidates() -> None:
    certainty, found = whose(30, lease("ann", 0, 20), lease("bob", 25, None))
    assert certainty == "ambiguous"
    # Ann left ten minutes ago: a quarter of the weight of whoever holds it.
    assert found == {"bob": 0.8, "ann": 0.2}


def test_two_visitors_of_one_overflow_number_are_two_candidates() -> None:
    """[case 18, Call Dynamics, Ringostat]"""
    certainty, found = whose(
        1, lease("ann", 0, None, shared=True), lease("bob", 0.5, None, shared=True)
    )
    assert (certainty, found) == ("ambiguous", {"ann": 0.5, "bob": 0.5})


def test_a_call_that_is_heard_of_a_day_late_is_whose_it_was() -> None:
    """[case 19, Calltouch]"""
    then = [lease("ann", 0, 20), lease("bob", 300, 320), lease("eve", 1_000, None)]
    assert whose(10, *then) == ("certain", {"ann": 1.0})


def test_a_visitor_who_comes_back_counts_once() -> None:
    assert whose(30, lease("ann", 0, 10), lease("ann", 25, None)) == ("certain", {"ann": 1.0})


LEASES = st.lists(
    st.builds(
        lambda visitor, begins, lasts: lease(visitor, begins, None if lasts is None else begins + lasts),
        st.sampled_from("abcdef"),
        st.floats(-200, 200),
        st.none() | st.floats(0, 100),
    ),
    max_size=8,
    unique_by=lambda one: one.id,
)  # fmt: skip


@given(LEASES, st.floats(-100, 100), st.randoms())
def test_the_order_of_leases_is_nothing_and_probabilities_are_one(
    leases: list[Lease], at: float, dice: random.Random
) -> None:
    found = attribute(minute(at), leases)
    shuffled = list(leases)
    dice.shuffle(shuffled)
    assert attribute(minute(at), shuffled) == found
    if found.candidates:
        assert sum(one.probability for one in found.candidates) == pytest.approx(1)
        probabilities = [one.probability for one in found.candidates]
        assert probabilities == sorted(probabilities, reverse=True)
    assert (found.certainty is Certainty.AMBIGUOUS) == (len(found.candidates) > 1)
    assert (found.certainty is Certainty.UNATTRIBUTED) == (not found.candidates)


@given(LEASES, st.floats(-100, 100))
def test_what_comes_later_changes_nothing(leases: list[Lease], at: float) -> None:
    later = lease("zoe", at + 1, None)
    assert attribute(minute(at), [*leases, later]) == attribute(minute(at), leases)
