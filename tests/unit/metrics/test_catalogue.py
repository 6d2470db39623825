"""The catalogue: every metric is whole, can be read, and stands in the docs."""

from itertools import product
from pathlib import Path
from typing import Any

import pytest

from otklik_metrics.domain.catalogue import CATALOGUE, Metric, ParameterType, Shape, near
from otklik_metrics.domain.catalogue.contacts import METRICS as CONTACTS
from otklik_metrics.domain.dimensions import CARRIED, DIMENSIONS
from otklik_metrics.domain.document import document
from otklik_metrics.domain.indicators.cells import Values
from otklik_metrics.domain.lead_steps import PROCESSES
from otklik_metrics.domain.measures import (
    MEASURES,
)
from otklik_metrics.domain.query import _fits
from otklik_metrics.domain.readings import Histories, Tally, columns
from otklik_metrics.domain.sets import TIME_COLUMNS

DOCS = Path(__file__).parents[3] / "docs" / "metrics.md"

CANONICAL = [
    "contacts_offered",
    "contacts_answered",
    "contacts_abandoned",
    "contacts_missed",
    "contacts_open",
    "not_called_back",
    "service_level",
    "asa_seconds",
    "aht_seconds",
    "abandonment_rate",
    "transfer_rate",
    "occupancy",
    "fcr",
    "wait_seconds",
    "handle_seconds",
    "first_response_seconds",
    "next_response_seconds",
    "resolution_seconds",
    "sla_attainment",
    "unworked_rate",
    "answers",
    "nps",
    "nps_promoters",
    "nps_detractors",
    "csat",
    "ces",
    "csi",
    "enps",
    "cases_opened",
    "cases_closed",
    "cases_overdue",
    "purchases",
    "revenue",
    "average_check",
    "points_issued",
    "points_spent",
]

ONLY_FACTS = {
    "waiting",
    "attempt",
    "contact",
    "answered_within",
    "abandoned_within",
    "callback_within",
    "past_due",
    "at_risk_now",
    "waits_24h",
    "open",
    "overdue",
    "wait",
    "handle",
    "first_response",
    "resolution",
}


def choices(metric: Metric) -> list[dict[str, Any]]:
    """Every combination of what can be chosen, with defaults for the rest."""
    open_ = [one for one in metric.parameters if one.choices]
    fixed = {one.name: one.default for one in metric.parameters if not one.choices}
    combined = product(*(one.choices for one in open_))
    return [fixed | dict(zip((one.name for one in open_), some, strict=True)) for some in combined]


EVERY = [(name, params) for name, metric in CATALOGUE.items() for params in choices(metric)]


def test_every_canonical_name_is_declared() -> None:
    assert not set(CANONICAL) - CATALOGUE.keys()


@pytest.mark.parametrize("metric", CATALOGUE.values(), ids=lambda metric: metric.name)
def test_a_metric_is_whole_in_both_languages(metric: Metric) -> None:
    texts = [metric.title, metric.source, *metric.formula.values()]
    texts += [one.title for one in metric.parameters]
    texts += [text for text in (metric.numerator, metric.denominator) if text]
    assert all(text.en and text.ru for text in texts)
    assert (metric.numerator is None) == (metric.denominator is None)
    if metric.variant:
        (chosen,) = (one for one in metric.parameters if one.name == metric.variant)
        assert set(chosen.choices) == metric.formula.keys()
    else:
        assert metric.formula.keys() == {""}
    assert metric.kind in CARRIED
    if metric.kind != "agent_state":
        for kind, column in {metric.kind: metric.time_column, **metric.other_kinds}.items():
            assert column in TIME_COLUMNS[kind]
    assert metric.impossible.keys() <= DIMENSIONS.keys()
    assert all(one.type is not ParameterType.CHOICE or one.choices for one in metric.parameters)
    if metric.shape in (Shape.SCORE, Shape.SCORE_COUNT):
        assert metric.minimum_n >= 5


@pytest.mark.parametrize("metric", CATALOGUE.values(), ids=lambda metric: metric.name)
def test_defaults_are_what_may_be_sent(metric: Metric) -> None:
    for one in metric.parameters:
        if one.default is not None:
            assert _fits(one, one.default), one.name


@pytest.mark.parametrize(("name", "params"), EVERY)
def test_everything_that_is_read_can_be_counted(name: str, params: dict[str, Any]) -> None:
    metric = CATALOGUE[name]
    reading = metric.read(params | {"currency": "RUB"} if "currency" in params else params)
    kinds = {metric.kind: metric.time_column, **metric.other_kinds}
    assert kinds[reading.kind] == reading.time_column
    if isinstance(reading, Histories):
        return
    assert {part.kind: part.time_column for part in reading.parts[1:]} == dict(metric.beside)
    names = [name for part in reading.parts for name in (*part.sums, *part.now)]
    assert len(set(names)) == len(names)
    for part in reading.parts:
        for one in (*part.sums.values(), *part.now.values()):
            known = one.measure in MEASURES[part.kind].names
            between = PROCESSES.keys() & {one.measure, one.measure.rpartition("_")[0]}
            assert known or one.measure in ONLY_FACTS or between, one
            assert not known or columns(part.kind, one, ()) == (one.measure,)
    spans = {one.name for one in MEASURES[reading.kind].histograms} | PROCESSES.keys()
    assert reading.histogram is None or reading.histogram in spans
    if reading.business is not None:
        assert reading.business in spans
        assert not reading.sums
    elif reading.censored:
        assert {"begun", "over"} <= reading.sums.keys()


@pytest.mark.parametrize(("name", "params"), EVERY)
def test_nothing_is_never_a_number_but_for_counts(name: str, params: dict[str, Any]) -> None:
    metric = CATALOGUE[name]
    cell = metric.work_out(Values(), params | {"currency": "RUB"})
    filled = metric.shape in (Shape.COUNT, Shape.SCORE_COUNT, Shape.AMOUNT)
    assert cell.value == (0 if filled else None)
    assert cell.n == 0
    assert not cell.suppressed
    assert cell.interval is None


@pytest.mark.parametrize(("name", "params"), EVERY)
def test_facts_behind_a_number_can_be_picked(name: str, params: dict[str, Any]) -> None:
    metric = CATALOGUE[name]
    reading = metric.read(params)
    if isinstance(reading, Histories) or metric.shared:
        return
    assert metric.base is not None, name
    for pick in (metric.base, metric.above or metric.base):
        assert pick(params).some


def test_names_tell_two_variants_apart() -> None:
    names = [CATALOGUE[name].identity(params) for name, params in EVERY]
    assert len(set(names)) == len(names)
    assert CATALOGUE["nps"].identity({"basis": "all", "scale": "0-10"}) == (
        "nps{basis=all,scale=0-10}"
    )
    assert CATALOGUE["answers"].identity({}) == "answers"


def test_near_names_are_found() -> None:
    assert near("service_levle")[0] == "service_level"
    assert "nps_promoters" in near("promoters")
    assert near("xyz") == []


def test_outcomes_cannot_be_split_by_themselves() -> None:
    (level,) = (metric for metric in CONTACTS if metric.name == "service_level")
    assert "outcome" not in level.dimensions
    assert "branch_group" in level.dimensions


def test_the_docs_are_made_of_the_catalogue() -> None:
    # Anew: python -m otklik_metrics.domain.catalogue > docs/metrics.md
    assert DOCS.read_text() == document()


def test_a_sum_that_adds_up_is_read_from_its_column() -> None:
    reading = CATALOGUE["service_level"].read(
        {"threshold_seconds": 20, "short_abandon_seconds": 5, "formula": "excl_short"}
    )
    assert isinstance(reading, Tally)
    found = columns("contact", reading.sums["answered_in_time"], ())
    assert found == ("answered_w5", "answered_w10", "answered_w15", "answered_w20")
    odd = CATALOGUE["service_level"].read(
        {"threshold_seconds": 7.5, "short_abandon_seconds": 5, "formula": "offered_all"}
    )
    assert isinstance(odd, Tally)
    assert columns("contact", odd.sums["answered_in_time"], (7,)) is None
