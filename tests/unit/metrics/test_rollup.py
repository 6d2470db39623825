"""Differences of rollups: merged in any order, and in the cells that the sets declare."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from otklik_common.events.envelope import Fact
from otklik_metrics.domain.fold import Definition
from otklik_metrics.domain.histogram import bucket_of
from otklik_metrics.domain.rollup import Deltas, fold
from otklik_metrics.domain.sets import Grain, sets_of
from tests.support.facts import (
    FACTS,
    MONDAY,
    SOURCE,
    a_purchase,
    an_answer,
    an_answered_contact,
    contacts,
    moved,
)

MOSCOW = Definition(ZoneInfo("Europe/Moscow"))


def deltas_of(kind: str, *facts: Fact, **bounds: datetime) -> Deltas:
    deltas = Deltas(kind)
    for fact in facts:
        fold(deltas, old=None, new=fact, definition=MOSCOW, **bounds)
    return deltas


def merged(*all_deltas: Deltas) -> Deltas:
    total = Deltas(all_deltas[0].kind)
    for deltas in all_deltas:
        total.add(deltas)
    return total


some_contacts = st.lists(contacts, max_size=3)


@given(some_contacts, some_contacts, some_contacts)
def test_merging_is_the_same_in_any_order_and_grouping(a: Any, b: Any, c: Any) -> None:
    x, y, z = (deltas_of("contact", *facts) for facts in (a, b, c))
    whole = moved(deltas_of("contact", *a, *b, *c))
    assert moved(merged(x, y, z)) == whole
    assert moved(merged(merged(z, y), x)) == whole
    assert moved(merged(x, merged(y, z))) == whole


def test_a_contact_stands_once_in_every_set() -> None:
    cells = {cell[0]: cell for cell in moved(deltas_of("contact", an_answered_contact()))[0]}
    quarter, day = MONDAY, date(2026, 3, 2)
    assert cells == {
        1: (1, quarter, "", "", "", ""),
        2: (2, quarter, "call", "sales", "", ""),
        3: (3, quarter, "tyumen", "", "", ""),
        11: (11, day, "tyumen", "", "", ""),
        12: (12, day, "tyumen", "call", "", ""),
        13: (13, day, "tyumen", "first", "petrova", ""),
        14: (14, day, "call", "sales", "in", ""),
        15: (15, day, str(SOURCE), "", "call", ""),
    }


def test_histograms_are_kept_where_the_set_says_so() -> None:
    _, spans = moved(deltas_of("contact", an_answered_contact(waited_ms=700)))
    with_histograms = {s.number for s in sets_of("contact") if s.histograms}
    assert {cell[0] for cell, _ in spans} == with_histograms
    assert all(buckets == {bucket_of(700): 1} for (_, n), buckets in spans.items() if n == 1)


def test_a_day_is_the_companys_and_a_quarter_is_utc() -> None:
    late = an_answered_contact(offered_at=datetime(2026, 3, 2, 21, 20, tzinfo=UTC))
    cells = {cell[0]: cell[1] for cell in moved(deltas_of("contact", late))[0]}
    assert cells[1] == datetime(2026, 3, 2, 21, 15, tzinfo=UTC)
    assert cells[11] == date(2026, 3, 3)


def test_a_revision_that_changes_nothing_moves_nothing() -> None:
    deltas, fact = Deltas("contact"), an_answered_contact()
    fold(deltas, old=fact, new=fact, definition=MOSCOW)
    assert moved(deltas) == ({}, {})


def test_a_correction_moves_a_contact_from_one_branch_to_another() -> None:
    deltas = Deltas("contact")
    fold(
        deltas,
        old=an_answered_contact(branch="tyumen"),
        new=an_answered_contact(branch="perm"),
        definition=MOSCOW,
    )
    counters, _ = moved(deltas)
    assert {c[2]: n["offered"] for c, n in counters.items() if c[0] == 11} == {
        "tyumen": -1,
        "perm": 1,
    }
    assert 1 not in {cell[0] for cell in counters}


@given(
    st.sampled_from(sorted(FACTS)).flatmap(lambda k: st.tuples(st.just(k), st.lists(FACTS[k]))),
    st.datetimes(datetime(2026, 2, 27), datetime(2026, 3, 3), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_what_happened_before_a_moment_and_the_rest_make_the_whole(
    drawn: tuple[str, list[Fact]], border: datetime
) -> None:
    kind, facts = drawn
    before = deltas_of(kind, *facts, until=border)
    after = deltas_of(kind, *facts, since=border)
    assert moved(merged(before, after)) == moved(deltas_of(kind, *facts))


@given(some_contacts)
def test_cells_come_sorted_so_that_two_writers_never_wait_for_each_other(facts: Any) -> None:
    deltas = deltas_of("contact", *facts)
    for grain in Grain:
        cells = [cell for cell, _ in deltas.counters(grain)]
        assert cells == sorted(cells)
        keys = [(cell[0], number, cell) for cell, number, _ in deltas.histograms(grain)]
        assert keys == sorted(keys)


def test_sums_beyond_64_bits_are_exact() -> None:
    heavy = [an_answer(nps=9, weight_micro=10**9) for _ in range(20)]
    counters, _ = moved(deltas_of("answer", *heavy))
    extra = 20 * (10**18 - 10**12)
    assert extra > 2**63
    assert {n["nps_promoters_extra2"] for n in counters.values()} == {extra}


def test_amounts_beyond_64_bits_are_exact() -> None:
    huge = a_purchase(amount_minor=2**70)
    counters, _ = moved(deltas_of("purchase", huge, huge))
    assert {n["amount_minor"] for n in counters.values()} == {2**71}


def test_a_quarter_of_an_hour_is_four_to_the_hour() -> None:
    hour = [an_answered_contact(offered_at=MONDAY + timedelta(minutes=m)) for m in range(60)]
    counters, _ = moved(deltas_of("contact", *hour))
    assert [n["offered"] for c, n in counters.items() if c[0] == 1] == [15, 15, 15, 15]
