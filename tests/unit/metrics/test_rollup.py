"""Differences of rollups: merged in any order, and in the cells that the sets declare."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from otklik_common.events.envelope import Fact
from otklik_metrics.domain.fold import Definition
from otklik_metrics.domain.histogram import bucket_of
from otklik_metrics.domain.rollup import Cell, Deltas, fold
from otklik_metrics.domain.sets import sets_of
from tests.support.facts import FACTS, MONDAY, SOURCE, an_answered_contact, contacts

MOSCOW = Definition(ZoneInfo("Europe/Moscow"))


def deltas_of(kind: str, *facts: Fact, **bounds: datetime) -> Deltas:
    deltas = Deltas()
    for fact in facts:
        fold(deltas, kind, old=None, new=fact, definition=MOSCOW, **bounds)
    return deltas


def moved(deltas: Deltas) -> tuple[Any, Any]:
    return list(deltas.moving_counters()), list(deltas.moving_spans())


def merged(*all_deltas: Deltas) -> Deltas:
    total = Deltas()
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
    cells = {
        cell.set: cell for cell, _ in deltas_of("contact", an_answered_contact()).moving_counters()
    }
    quarter, day = MONDAY, date(2026, 3, 2)
    assert cells == {
        1: Cell(1, quarter, "", "", "", ""),
        2: Cell(2, quarter, "call", "sales", "", ""),
        3: Cell(3, quarter, "tyumen", "", "", ""),
        11: Cell(11, day, "tyumen", "", "", ""),
        12: Cell(12, day, "tyumen", "call", "", ""),
        13: Cell(13, day, "tyumen", "first", "petrova", ""),
        14: Cell(14, day, "call", "sales", "in", ""),
        15: Cell(15, day, str(SOURCE), "", "call", ""),
    }


def test_histograms_are_kept_where_the_set_says_so() -> None:
    spans = list(deltas_of("contact", an_answered_contact(waited_ms=700)).moving_spans())
    with_histograms = {s.number for s in sets_of("contact") if s.histograms}
    assert {cell.set for cell, _, _ in spans} == with_histograms
    assert all(buckets == {bucket_of(700): 1} for _, number, buckets in spans if number == 1)


def test_a_day_is_the_companys_and_a_quarter_is_utc() -> None:
    late = an_answered_contact(offered_at=datetime(2026, 3, 2, 21, 20, tzinfo=UTC))
    cells = {cell.set: cell.at for cell, _ in deltas_of("contact", late).moving_counters()}
    assert cells[1] == datetime(2026, 3, 2, 21, 15, tzinfo=UTC)
    assert cells[11] == date(2026, 3, 3)


def test_a_revision_that_changes_nothing_moves_nothing() -> None:
    deltas, fact = Deltas(), an_answered_contact()
    fold(deltas, "contact", old=fact, new=fact, definition=MOSCOW)
    assert moved(deltas) == ([], [])


def test_a_correction_moves_a_contact_from_one_branch_to_another() -> None:
    deltas = Deltas()
    fold(
        deltas,
        "contact",
        old=an_answered_contact(branch="tyumen"),
        new=an_answered_contact(branch="perm"),
        definition=MOSCOW,
    )
    by_branch = {c.d1: n["offered"] for c, n in deltas.moving_counters() if c.set == 11}
    assert by_branch == {"tyumen": -1, "perm": 1}
    assert 1 not in {cell.set for cell, _ in deltas.moving_counters()}


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
    cells = [cell for cell, _ in deltas.moving_counters()]
    assert cells == sorted(cells)
    keys = [(cell.set, number, cell) for cell, number, _ in deltas.moving_spans()]
    assert keys == sorted(keys)


def test_a_quarter_of_an_hour_is_four_to_the_hour() -> None:
    hour = [an_answered_contact(offered_at=MONDAY + timedelta(minutes=m)) for m in range(60)]
    cells = [n["offered"] for c, n in deltas_of("contact", *hour).moving_counters() if c.set == 1]
    assert cells == [15, 15, 15, 15]
