"""Rows of an answer: groups, top, the rest, heat maps; pure, from frames made by hand."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_metrics.domain.answer import OTHER, Reads, clock_keys, excluded, rows_of
from otklik_metrics.domain.closed_cells import check_closed_cells, hidden_with
from otklik_metrics.domain.frames import HistoryFrame, TallyFrame
from otklik_metrics.domain.gauges import GAUGES, query_of
from otklik_metrics.domain.indicators.cells import Values
from otklik_metrics.domain.query import (
    Query,
    Top,
    ask,
    filter_of,
    within_reach,
)
from otklik_metrics.domain.readings import Op
from otklik_metrics.domain.refusals import BadParameter, ClosedCellsOnly, TooManyCells
from otklik_metrics.domain.series import samples_of
from tests.support.metrics_world import a_company, a_query

NOW = datetime(2026, 5, 10, 12, tzinfo=UTC)


def frame(**counts: int) -> TallyFrame:
    made = TallyFrame({"value": Op.SUM})
    for name, n in counts.items():
        made.add(0, (None if name == "none" else name,), Values({"value": n}))
    return made


def shown(query: Query, made: Any) -> list[tuple[Any, Any]]:
    return [(row.key, row.cells[0].value) for row in rows_of(query, Reads([made]), None)]


def test_groups_stand_in_their_order_and_the_missing_one_last() -> None:
    query = a_query("contacts_offered", group_by=["agent"])
    assert shown(query, frame(b=1, none=5, a=2)) == [(("a",), 2), (("b",), 1), ((None,), 5)]


def test_ties_are_broken_by_the_group() -> None:
    query = a_query("contacts_offered", group_by=["agent"], top=Top(1, "m0"))
    assert shown(query, frame(b=2, a=2, c=1)) == [(("a",), 2), (OTHER, 3)]


def test_groups_without_a_value_rank_last() -> None:
    query = a_query("nps", group_by=["agent"], top=Top(1, "m0", other=False))
    made = TallyFrame({})
    made.add(0, ("few",), Values({"nps_10": 2}))
    made.add(0, ("many",), Values({"nps_0": 9}))
    (row,) = rows_of(query, Reads([made]), None)
    assert row.key == ("many",)


def test_nothing_is_left_over_without_a_row_of_others() -> None:
    query = a_query("contacts_offered", group_by=["agent"], top=Top(5, "m0"))
    assert shown(query, frame(a=1)) == [(("a",), 1)]


def test_a_branch_counts_in_each_of_its_groups_and_once_in_the_rest() -> None:
    query = a_query("contacts_offered", group_by=["branch_group"])
    made = frame(tyumen=1, perm=2, omsk=4, none=8)
    assert shown(query, made) == [(("own",), 1), (("ural",), 3), ((None,), 12)]
    top = a_query("contacts_offered", group_by=["branch_group"], top=Top(1, "m0"))
    # Tyumen is in "ural" and in "own": among the others it is one branch.
    assert shown(top, made) == [((None,), 12), (OTHER, 3)]


def test_people_are_judged_by_the_groups_that_are_shown() -> None:
    people = [1, 1, 2, 3]
    made = HistoryFrame(
        [(0, ("a",)), (0, ("b",)), (0, ("b",)), (0, ("c",))],
        lambda rows: {"value": len({people[row] for row in rows.tolist()})},
    )
    query = a_query("not_called_back", group_by=["agent"], top=Top(1, "m0"))
    assert shown(query, made) == [(("b",), 2), (OTHER, 2)]


def test_rows_cover_groups_of_either_period() -> None:
    query = a_query("contacts_offered", group_by=["agent"], compare=True)
    rows = rows_of(query, Reads([frame(a=1)]), Reads([frame(b=2)], (0,)))
    assert [
        (row.key, row.cells[0].value, row.previous[0].value) for row in rows if row.previous[0]
    ] == [
        (("a",), 1, 0),
        (("b",), 0, 2),
    ]


def test_too_many_cells_are_counted_first() -> None:
    query = a_query("contacts_offered", granularity="hour", group_by=["agent"])
    made = TallyFrame({"value": Op.SUM})
    for n in range(100):
        made.add(0, (str(n),), Values({"value": 1}))
    with pytest.raises(TooManyCells):
        rows_of(query, Reads([made]), None)


def test_the_clock_has_only_the_hours_that_there_were() -> None:
    one_day = a_query(
        "contacts_offered",
        group_by=["hour_of_day"],
        start="2026-03-29T00:00:00+01:00",
        end="2026-03-30T00:00:00+02:00",
    )
    # The clock was put forward at two.
    assert sorted(clock_keys(one_day)) == [(hour,) for hour in range(24) if hour != 2]
    slots = a_query("contacts_offered", group_by=["weekday", "two_hour_slot"])
    assert len(clock_keys(slots)) == 7 * 12
    filtered = a_query(
        "contacts_offered", group_by=["day_of_month"], filters=[("day_of_month", "not_in", [1, 31])]
    )
    assert sorted(clock_keys(filtered)) == [(day,) for day in range(2, 31)]
    assert clock_keys(a_query("contacts_offered", group_by=["weekday", "branch"])) == []
    assert clock_keys(a_query("contacts_offered", granularity="week", group_by=["weekday"])) == []


def test_exclusions_add_up_over_rows() -> None:
    query = a_query("abandonment_rate", group_by=["agent"])
    query = a_query(("abandonment_rate", {"short_abandon_seconds": 5}), group_by=["agent"])
    made = TallyFrame(dict.fromkeys(("abandoned", "offered", "short"), Op.SUM))
    for name in "ab":
        made.add(0, (name,), Values({"abandoned": 2, "offered": 9, "short": 1}))
    assert excluded(rows_of(query, Reads([made]), None), 0) == {"short_abandon": 2}


def test_senders_names_of_sources_become_ours() -> None:
    company = a_company("demo2abc")
    one = filter_of(company, "source", "eq", ["demo2abc.default"])
    other = filter_of(company, "source", "eq", [next(iter(one.values)).upper()])
    assert one == other


def test_reach_is_one_more_condition() -> None:
    assert within_reach((), None) == ()
    (reach,) = within_reach((), frozenset({"perm"}))
    assert (reach.dimension, reach.values, reach.negated) == ("branch", frozenset({"perm"}), False)
    (nowhere,) = within_reach((), frozenset())
    assert nowhere.values == frozenset()


def test_an_open_month_of_anonymous_answers_is_closed_to_readers() -> None:
    month: dict[str, Any] = {
        "granularity": "month",
        "start": "2026-05-01T00:00:00+02:00",
        "end": "2026-06-01T00:00:00+02:00",
    }
    query = a_query(("enps", {"answers": "anonymous"}), **month)
    with pytest.raises(ClosedCellsOnly):
        check_closed_cells(query, NOW)
    june = datetime(2026, 6, 1, tzinfo=UTC)
    check_closed_cells(query, june)
    reach = a_query(("enps", {"answers": "anonymous"}), branches=frozenset({"perm"}), **month)
    with pytest.raises(ClosedCellsOnly):
        check_closed_cells(reach, june)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=12), st.integers(2, 15))
def test_no_small_group_can_be_told_from_the_total(sizes: list[int], least: int) -> None:
    """What is hidden together is never one group or fewer answers than the least, if there are."""
    small = [at for at, size in enumerate(sizes) if 0 < size < least]
    hidden = hidden_with(sizes, small, least)
    assert set(small) <= hidden
    if small:
        others = [at for at, size in enumerate(sizes) if size and at not in hidden]
        enough = len(hidden) > 1 and sum(sizes[at] for at in hidden) >= least
        assert enough or not others
    else:
        assert not hidden


def test_the_next_smallest_groups_are_hidden_first() -> None:
    assert hidden_with([40, 3, 12, 11, 0], [1], 10) == {1, 3}
    assert hidden_with([40, 3, 2, 12], [1, 2], 10) == {1, 2, 3}
    assert hidden_with([40, 5, 6, 12], [1, 2], 10) == {1, 2}


def test_gauges_of_small_companies_are_pooled_not_averaged() -> None:
    place, level = next(
        (place, gauge) for place, gauge in enumerate(GAUGES) if gauge.metric == "service_level"
    )
    assert place
    frames = {}
    for company, answered, in_time in (("big", 100, 50), ("small", 9, 9), ("tiny", 1, 0)):
        made = TallyFrame({})
        made.add(0, ("call", "sales"), Values({"answered": answered, "answered_in_time": in_time}))
        frames[company] = made
    samples, cut = samples_of(level, frames, ["big"], 10)
    assert {one.labels[0]: one.value for one in samples} == {"big": 0.5, "other": 0.9}
    assert cut == 0
    samples, cut = samples_of(level, frames, ["big"], 3)
    assert {one.labels[:3] for one in samples} == {
        ("big", "call", "sales"),
        ("other", "other", "other"),
    }
    assert cut == 1


def test_sizes_of_pooled_companies_add_up() -> None:
    offered = next(gauge for gauge in GAUGES if gauge.metric == "contacts_offered")
    frames = {}
    for company, queue, n in (("a", "sales", 3), ("b", "sales", 3), ("c", "rent", 5)):
        made = TallyFrame({"value": Op.SUM})
        made.add(0, ("call", queue), Values({"value": n}))
        frames[company] = made
    samples, cut = samples_of(offered, frames, [], 2)
    # There is room for one group: sales has six contacts in all, rent five.
    assert {one.labels[:3]: one.value for one in samples} == {
        ("other", "call", "sales"): 6,
        ("other", "other", "other"): 5,
    }
    assert cut == 1


def test_windows_begin_at_the_companys_midnight() -> None:
    company = a_company(timezone="Asia/Vladivostok")
    query = query_of(company, [GAUGES[0]], datetime(2026, 5, 10, 20, tzinfo=UTC))
    assert query.buckets.start == datetime(2026, 5, 10, 14, tzinfo=UTC)


def test_a_choice_among_numbers_may_be_said_as_a_number() -> None:
    said = [("speed_to_lead", f"in_{n}", {"within_minutes": n}) for n in (5, 15)]
    assert [one.params["within_minutes"] for one in ask(a_company(), said)] == ["5", "15"]
    with pytest.raises(BadParameter):
        ask(a_company(), [("speed_to_lead", "s", {"within_minutes": 7})])
