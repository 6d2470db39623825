"""The planner: the smallest set that answers exactly, cut at the ends, facts where it must."""

from datetime import UTC, datetime
from typing import Any

import pytest

from otklik_metrics.domain.planner import Piece, Plan, Version, plan
from otklik_metrics.domain.sets import Grain
from tests.support.metrics_world import Wanted, a_query

NOW = datetime(2026, 5, 10, 12, tzinfo=UTC)
BERLIN = Version(1, "Europe/Berlin")


def planned(metric: Wanted, version: Version | None = BERLIN, **said: Any) -> Plan:
    query = a_query(metric, **said)
    (one,) = query.asked
    return plan(query, one.metric.read(one.params), version, NOW)


def shape(found: Plan) -> list[tuple[str, tuple[str, ...]]]:
    return [
        ("facts", ())
        if piece.rollup is None
        else (piece.rollup.grain.value, piece.rollup.dimensions)
        for piece in found.pieces
    ]


def test_whole_days_in_the_companys_zone_read_days() -> None:
    assert shape(planned("contacts_offered")) == [("day", ("branch",))]
    assert shape(planned("contacts_offered", granularity="week")) == [("day", ("branch",))]


def test_the_smallest_set_with_the_dimensions_is_taken() -> None:
    assert shape(planned("contacts_offered", group_by=["branch", "channel"])) == [
        ("day", ("branch", "channel"))
    ]
    filters = [("channel", "eq", ["call"])]
    assert shape(planned("contacts_offered", filters=filters)) == [
        ("day", ("channel", "queue", "direction", "party"))
    ]
    assert shape(planned("nps", filters=filters, granularity="month")) == [
        ("day", ("branch", "channel"))
    ]


def test_quantiles_take_a_set_with_histograms() -> None:
    p90 = ("wait_seconds", {"statistic": "p90"})
    assert shape(planned(p90, group_by=["branch"])) == [("day", ("branch",))]
    by_agent = planned(p90, group_by=["agent"])
    assert shape(by_agent) == [("facts", ())]
    assert by_agent.because is not None
    assert "agent" in by_agent.because.en
    assert "agent" in by_agent.because.ru
    assert shape(planned("asa_seconds", group_by=["agent"])) == [
        ("day", ("branch", "team", "agent"))
    ]


def test_the_clock_needs_quarters_of_an_hour_and_the_calendar_does_not() -> None:
    assert shape(planned("contacts_offered", group_by=["weekday"])) == [("day", ("branch",))]
    assert shape(planned("contacts_offered", group_by=["weekday", "hour_of_day"])) == [("15m", ())]
    assert shape(
        planned("contacts_offered", granularity="hour", end="2026-03-20T00:00:00+01:00")
    ) == [("15m", ())]


def test_another_zone_reads_quarters_of_an_hour() -> None:
    found = planned("contacts_offered", timezone="Asia/Kathmandu", group_by=["branch"])
    assert shape(found) == [("15m", ("branch",))]


def test_a_clock_that_cuts_quarters_of_an_hour_reads_facts() -> None:
    found = planned("contacts_offered", timezone="Africa/Monrovia", start="1960-01-01T00:00:00Z")
    # No fact is as old as that clock.
    assert shape(found) == [("15m", ())]
    found = planned(
        "contacts_offered",
        timezone="America/St_Johns",
        start="2006-01-01T03:30:00Z",
        end="2007-01-01T03:30:00Z",
    )
    assert shape(found) == [("facts", ())]


def test_the_ends_of_a_range_are_read_finer() -> None:
    found = planned(
        "contacts_offered",
        start="2026-03-03T10:20:00+01:00",
        end="2026-03-06T17:05:00+01:00",
    )
    assert shape(found) == [
        ("facts", ()),
        ("15m", ()),
        ("day", ("branch",)),
        ("15m", ()),
        ("facts", ()),
    ]
    assert found.because is not None
    bounds = [found.pieces[0].start, *(piece.end for piece in found.pieces)]
    assert bounds == sorted(bounds)
    assert all(
        one.end == other.start for one, other in zip(found.pieces, found.pieces[1:], strict=False)
    )


def test_a_range_inside_a_quarter_of_an_hour_is_facts_alone() -> None:
    found = planned(
        "contacts_offered", start="2026-03-03T10:20:00+01:00", end="2026-03-03T10:29:00+01:00"
    )
    assert found.pieces == (
        Piece(datetime(2026, 3, 3, 9, 20, tzinfo=UTC), datetime(2026, 3, 3, 9, 29, tzinfo=UTC)),
    )


def test_the_future_cuts_no_cell() -> None:
    assert shape(planned("contacts_offered", end="2027-01-01T00:00:00+01:00")) == [
        ("day", ("branch",))
    ]
    assert (
        shape(planned("contacts_offered", start="2026-06-01T00:00:00Z", end="2026-07-01T00:00:00Z"))
        == []
    )


@pytest.mark.parametrize(
    "metric",
    [
        ("service_level", {"threshold_seconds": 25}),
        ("service_level", {"threshold_seconds": 20, "short_abandon_seconds": 7}),
        ("wait_seconds", {"statistic": "max"}),
        "fcr",
        "not_called_back",
        ("nps", {"basis": "latest"}),
        ("enps", {"answers": "anonymous"}),
    ],
)
def test_what_rollups_do_not_count_is_read_from_facts(metric: Wanted) -> None:
    found = planned(metric)
    assert shape(found) == [("facts", ())]
    assert found.only_facts
    assert found.because is not None


def test_own_thresholds_are_in_rollups() -> None:
    own = Version(1, "Europe/Berlin", (25,))
    assert shape(planned(("service_level", {"threshold_seconds": 25}), own)) == [
        ("day", ("branch",))
    ]


def test_dimensions_that_a_formula_looks_at_are_needed_too() -> None:
    assert shape(planned("unworked_rate")) == [("day", ("branch", "party"))]
    assert shape(
        planned(
            ("unworked_rate", {"party": None}), granularity="hour", end="2026-03-20T00:00:00+01:00"
        )
    ) == [("15m", ())]
    assert shape(planned("unworked_rate", granularity="hour", end="2026-03-20T00:00:00+01:00")) == [
        ("facts", ())
    ]


def test_the_past_and_old_folds_read_facts() -> None:
    assert planned("contacts_offered", as_of=NOW).only_facts
    old = Version(1, "Europe/Berlin", (), current=False)
    assert planned("contacts_offered", old).only_facts


def test_a_kind_of_which_nothing_was_heard_is_not_read() -> None:
    assert planned("contacts_offered", None).pieces == ()


def test_groups_of_branches_are_read_by_branch() -> None:
    assert shape(planned("contacts_offered", group_by=["branch_group", "channel"])) == [
        ("day", ("branch", "channel"))
    ]


def test_grains_are_named() -> None:
    (piece,) = planned("contacts_offered").pieces
    assert piece.rollup is not None
    assert piece.rollup.grain is Grain.DAY
