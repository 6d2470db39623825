"""What a fact adds to the rollups, and that only its last revision counts."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_common.events.contact_center import Outcome
from otklik_common.events.envelope import Fact
from otklik_metrics.domain.fold import Definition, contribution, own_thresholds
from otklik_metrics.domain.measures import MEASURES, within
from otklik_metrics.domain.rollup import Deltas, fields_read, fold
from tests.support.facts import (
    FACTS,
    MONDAY,
    a_contact,
    an_answer,
    an_answered_contact,
    cases,
    moved,
    points,
    purchases,
)

MOSCOW = Definition(ZoneInfo("Europe/Moscow"))

kinds = st.sampled_from(sorted(FACTS))


def counted(kind: str, fact: Fact, definition: Definition = MOSCOW) -> dict[str, int]:
    """Counters of all moments of a fact, without zeros."""
    found: dict[str, int] = {}
    for part in contribution(kind, fact, definition):
        for name, amount in part.counters.items():
            found[name] = found.get(name, 0) + amount
    return {name: amount for name, amount in found.items() if amount}


@given(kinds.flatmap(lambda kind: st.tuples(st.just(kind), FACTS[kind])))
def test_a_fact_counts_nothing_that_is_not_declared(drawn: tuple[str, Fact]) -> None:
    kind, fact = drawn
    measures = MEASURES[kind]
    for part in contribution(kind, fact, MOSCOW):
        assert part.counters.keys() <= set(measures.names)
        assert part.spans.keys() <= {histogram.number for histogram in measures.histograms}
        assert all(isinstance(amount, int) for amount in part.counters.values())


@given(kinds.flatmap(lambda kind: st.tuples(st.just(kind), FACTS[kind])))
def test_the_fold_looks_at_nothing_but_the_fields_it_names(drawn: tuple[str, Fact]) -> None:
    kind, fact = drawn
    seen = SimpleNamespace(**{name: getattr(fact, name) for name in fields_read(kind)})
    less, whole = Deltas(kind), Deltas(kind)
    fold(less, old=None, new=seen, definition=MOSCOW)
    fold(whole, old=None, new=fact, definition=MOSCOW)
    assert moved(less) == moved(whole)


@given(
    kinds.flatmap(
        lambda kind: st.tuples(
            st.just(kind), st.lists(st.none() | FACTS[kind], min_size=1, max_size=5), st.randoms()
        )
    )
)
def test_any_order_and_repetition_of_revisions_counts_as_the_last_one_alone(
    drawn: tuple[str, list[Fact | None], Any],
) -> None:
    kind, revisions, random = drawn  # None is a void revision
    deliveries = [*enumerate(revisions), *enumerate(revisions)]
    random.shuffle(deliveries)
    deltas, known, at = Deltas(kind), None, -1
    for revision, fact in deliveries:
        if revision > at:
            fold(deltas, old=known, new=fact, definition=MOSCOW)
            known, at = fact, revision
    alone = Deltas(kind)
    fold(alone, old=None, new=revisions[-1], definition=MOSCOW)
    assert moved(deltas) == moved(alone)


def test_a_contact_that_was_never_offered_counts_nowhere() -> None:
    assert contribution("contact", a_contact(offered_at=None), MOSCOW) == []


def test_an_open_contact_is_offered_and_nothing_more() -> None:
    assert counted("contact", a_contact()) == {"offered": 1, "outcome_open": 1, "known": 1}


def test_an_answered_contact_counts_its_wait_its_handling_and_its_response() -> None:
    assert counted("contact", an_answered_contact(waited_ms=12_400)) == {
        "offered": 1,
        "outcome_answered": 1,
        "answered": 1,
        "answered_w15": 1,
        "wait_n": 1,
        "wait_ms": 12_400,
        "handle_n": 1,
        "handle_ms": 120_000,
        "talk_ms": 100_000,
        "hold_ms": 20_000,
        "first_response_n": 1,
        "first_response_ms": 12_400,
        "ended": 1,
        "known": 1,
    }


@pytest.mark.parametrize(
    ("waited_ms", "slot"),
    [(0, "w5"), (5_000, "w5"), (5_001, "w10"), (300_000, "w300"), (300_001, None)],
)
def test_a_wait_stands_in_one_slot_and_a_border_belongs_below(
    waited_ms: int, slot: str | None
) -> None:
    found = counted("contact", an_answered_contact(waited_ms=waited_ms))
    assert [name for name in found if name.startswith("answered_w")] == (
        [f"answered_{slot}"] if slot else []
    )


@given(st.integers(0, 400_000), st.sampled_from([5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 25]))
def test_the_columns_of_a_threshold_add_up_to_the_waits_within_it(
    waited_ms: int, seconds: int
) -> None:
    definition = Definition(MOSCOW.zone, (25,))
    found = counted("contact", an_answered_contact(waited_ms=waited_ms), definition)
    columns = within("answered", seconds, definition.thresholds)
    assert columns is not None
    assert sum(found.get(column, 0) for column in columns) == int(waited_ms <= seconds * 1000)


@pytest.mark.parametrize(("waited_ms", "within_it"), [(25_000, 1), (25_001, 0)])
def test_a_threshold_of_the_companys_own_holds_its_border(waited_ms: int, within_it: int) -> None:
    definition = Definition(MOSCOW.zone, (25,))
    found = counted("contact", an_answered_contact(waited_ms=waited_ms), definition)
    assert found.get("answered_own1", 0) == within_it


def test_an_abandoned_contact_counts_apart() -> None:
    found = counted("contact", a_contact(outcome=Outcome.ABANDONED, waited_ms=3_000))
    assert found == {
        "offered": 1,
        "outcome_abandoned": 1,
        "abandoned": 1,
        "abandoned_w5": 1,
        "abandon_wait_n": 1,
        "abandon_wait_ms": 3_000,
        "known": 1,
    }


def test_a_contact_passed_on_twice_is_one_with_a_transfer() -> None:
    found = counted("contact", an_answered_contact(transfers=2))
    assert (found["transferred"], found["transfers"]) == (1, 2)


def test_who_was_passed_on_and_gave_up_is_not_among_those_answered_and_transferred() -> None:
    found = counted("contact", a_contact(outcome=Outcome.ABANDONED, transfers=1))
    assert (found.get("transferred"), found["transfers"]) == (None, 1)


def test_a_wish_to_be_called_back_counts_its_wait_and_is_not_abandoned() -> None:
    found = counted("contact", a_contact(outcome=Outcome.CALLBACK_REQUESTED, waited_ms=31_000))
    assert found["callback_w45"] == 1
    assert "abandoned" not in found


@pytest.mark.parametrize(
    ("closed_after_hours", "counter"), [(2, "due_met"), (3, "due_missed"), (None, None)]
)
def test_a_target_is_met_missed_or_open(
    closed_after_hours: int | None, counter: str | None
) -> None:
    closed_at = closed_after_hours and MONDAY + timedelta(hours=closed_after_hours)
    found = counted("contact", a_contact(due_at=MONDAY + timedelta(hours=2), closed_at=closed_at))
    assert {name for name in found if name.startswith("due")} == {"due"} | {counter} - {None}


def test_an_answer_without_a_weight_pays_nothing_for_weights() -> None:
    assert counted("answer", an_answer()) == {"answers": 1, "nps_9": 1}


def test_a_weight_is_kept_as_what_it_adds_to_one() -> None:
    found = counted("answer", an_answer(nps=3, weight_micro=2_500_000))
    assert found["nps_3_extra"] == 1_500_000
    assert found["nps_detractors_extra2"] == 2_500_000**2 - 1_000_000**2


def test_an_anonymous_answer_moves_no_number() -> None:
    assert contribution("answer", an_answer(anonymous=True), MOSCOW) == []


@given(cases)
def test_a_case_is_opened_on_one_day_and_closed_on_another(fact: Any) -> None:
    parts = contribution("case", fact, MOSCOW)
    moments = [fact.opened_at] + [fact.closed_at] * (fact.closed_at is not None)
    assert [part.at for part in parts] == moments


@given(purchases)
def test_a_purchase_is_revenue_when_sold_and_a_return_when_returned(fact: Any) -> None:
    parts = contribution("purchase", fact, MOSCOW)
    assert parts[0].counters["net_minor"] == fact.net_minor
    assert [part.at for part in parts[1:]] == [fact.returned_at] * (fact.returned_at is not None)


@given(points)
def test_a_movement_of_points_counts_once_and_without_a_sign(fact: Any) -> None:
    found = counted("points", fact)
    assert found.pop("movements") == 1
    spent = found.pop("spendings", 0) + found.pop("spendings_reversed", 0)
    assert spent == ((fact.points > 0) is (fact.reverses is not None))
    assert list(found.values()) == [abs(fact.points)] * (fact.points != 0)
    assert all(name.endswith("reversed") == (fact.reverses is not None) for name in found)


def test_own_thresholds_leave_out_what_everybody_has() -> None:
    assert own_thresholds((25, 20, 7, 25)) == (7, 25)
    assert own_thresholds(tuple(range(100, 120))) == tuple(range(100, 112))


def test_a_definition_refuses_thresholds_that_are_not_its_own() -> None:
    with pytest.raises(ValueError, match="are not at most 12 sorted"):
        Definition(MOSCOW.zone, (20,))
