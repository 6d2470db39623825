"""What tells of wrong clocks and late delivery, and what is said of a source."""

import statistics
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_contact_center.domain.doctor.delay import (
    Delays,
    ahead,
    bucket_of,
    delays,
    late,
    seconds_of,
)
from otklik_contact_center.domain.doctor.findings import Signs, findings

NOW = datetime(2026, 3, 4, 9, tzinfo=UTC)
WELL = Signs(
    created_at=NOW - timedelta(days=90),
    heard_at=NOW - timedelta(minutes=1),
    silent_since=None,
    usual_gap=None,
    accepted=100,
    duplicates=0,
    refused=0,
    overtaken=0,
    let_in=10,
    kept_out=0,
    waiting=0,
    endless=0,
    delays=None,
    ahead=False,
)

seconds = st.floats(-86_400, 86_400)


def near(told: float, delay: float) -> bool:
    """Within 5 % of the delay and a twentieth of a second."""
    return abs(told - delay) <= 0.05 * (1 + abs(delay))


def counted(found: list[float]) -> Counter[int]:
    return Counter(bucket_of(one) for one in found)


@given(seconds)
def test_a_bucket_tells_a_delay_to_five_per_cent_and_a_twentieth_of_a_second(delay: float) -> None:
    assert near(seconds_of(bucket_of(delay)), delay)


@given(seconds, seconds)
def test_buckets_keep_the_order(one: float, other: float) -> None:
    if one <= other:
        assert bucket_of(one) <= bucket_of(other)


@given(st.lists(seconds, min_size=1, max_size=300))
def test_quantiles_are_those_of_the_delays(found: list[float]) -> None:
    told = delays(counted(found))
    ordered = sorted(found)
    assert told is not None
    assert told.events == len(found)
    for name, rank in (
        ("least", 1),
        ("median", -(-len(found) // 2)),
        ("p95", -(-len(found) * 95 // 100)),
        ("most", len(found)),
    ):
        assert near(getattr(told, name), ordered[rank - 1])
    if len(found) % 2:
        assert near(told.median, statistics.median(found))


def test_nothing_is_told_of_no_events() -> None:
    assert delays({}) is None
    assert not late(None)


def test_a_clock_is_ahead_where_one_in_twenty_comes_well_before_it_happens() -> None:
    assert not ahead(counted([0.3] * 19 + [-30.0] * 0))
    assert not ahead(counted([-30.0] * 19)), "few prove nothing"
    assert ahead(counted([0.3] * 19 + [-30.0]))
    assert not ahead(counted([0.3] * 20 + [-30.0]))
    assert not ahead(counted([-4.0] * 100)), "the road and two good clocks"


def test_a_sender_is_late_where_even_the_fastest_event_was() -> None:
    assert late(Delays(20, 61.0, 90.0, 100.0, 100.0))
    assert not late(Delays(19, 61.0, 90.0, 100.0, 100.0))
    assert not late(Delays(20, 60.0, 90.0, 100.0, 100.0))


def codes(signs: Signs, *, made_by_us: bool = False) -> list[str]:
    return [one.code for one in findings(signs, NOW, made_by_us=made_by_us)]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (
            {"silent_since": NOW - timedelta(hours=1), "usual_gap": timedelta(minutes=20)},
            "silent",
        ),
        ({"heard_at": None}, "never_heard"),
        ({"let_in": 0, "kept_out": 3}, "nothing_let_in"),
        ({"waiting": 3}, "refused_waiting"),
        ({"duplicates": 26}, "many_duplicates"),
        ({"overtaken": 11}, "out_of_order"),
        ({"ahead": True}, "clock_ahead"),
        ({"delays": Delays(20, 70.0, 80.0, 90.0, 95.0)}, "comes_late"),
        ({"endless": 2}, "calls_without_end"),
    ],
)
def test_each_thing_that_is_wrong_is_found(more: dict[str, object], code: str) -> None:
    assert codes(WELL) == []
    signs = replace(WELL, **more)  # type: ignore[arg-type]  # fields by their names
    assert codes(signs) == [code]
    (finding,) = findings(signs, NOW, made_by_us=False)
    for said in (finding.text, finding.advice):
        assert said.en.isascii()
        assert any("а" <= letter <= "я" for letter in said.ru)


def test_a_silence_says_since_when_and_how_long_is_usual() -> None:
    signs = replace(
        WELL, silent_since=NOW - timedelta(hours=1), usual_gap=timedelta(minutes=20, seconds=40)
    )
    (finding,) = findings(signs, NOW, made_by_us=False)
    assert "2026-03-04T08:00+00:00" in finding.text.en
    assert "21 min" in finding.text.en


def test_few_events_and_small_shares_are_no_finding() -> None:
    assert codes(replace(WELL, duplicates=25, overtaken=10)) == []
    assert codes(replace(WELL, accepted=10, duplicates=9, overtaken=9)) == []
    assert codes(replace(WELL, let_in=1, kept_out=100)) == []


def test_a_source_that_is_new_or_that_nobody_asked_for_may_be_quiet() -> None:
    quiet = replace(WELL, heard_at=None)
    assert codes(quiet, made_by_us=True) == []
    assert codes(replace(quiet, created_at=NOW - timedelta(hours=23))) == []
