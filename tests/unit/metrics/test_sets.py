"""The declared sets: each once, readable, and never changed without a new version."""

import pytest

from otklik_common.events.registry import newest
from otklik_metrics.domain.measures import (
    MEASURES,
    NPS,
    slots,
    weighted,
    weighted_square,
    within,
)
from otklik_metrics.domain.sets import (
    FOLD_VERSIONS,
    MAX_DIMENSIONS,
    SETS,
    TIME_COLUMNS,
    Grain,
    RollupSet,
    definition_digest,
    histogram_table,
    rollup_table,
    sets_of,
)

DIGESTS = {
    ("contact", 1): "beb6b3af688abe7e",
    ("contact", 2): "beb6b3af688abe7e",
    ("reply", 1): "e6e28b59bc672d4c",
    ("lead", 1): "67c7357f3b4daf64",
    ("lead", 2): "abbfc8479d7ccb16",
    ("lead", 3): "60abac395b3663ba",
    ("showing", 1): "8e2a14c6077aa72a",
    ("showing", 2): "42ad6a48852d1511",
    ("deal", 1): "a6e8c5dc3ddaac24",
    ("deal", 2): "09aabd794b57f65f",
    ("touch", 1): "9a33fe8e3b2aa3b7",
    ("answer", 1): "8e11d54656e21905",
    ("answer", 2): "ac446b46b2db8873",
    ("case", 1): "6144bb793305b281",
    ("purchase", 1): "24f143f21b1f2a21",
    ("points", 1): "c896ede7b90a29c2",
    ("points", 2): "f39eb3b463326423",
    ("ad_spend", 1): "b567b318d08ec2e2",
    ("promise", 1): "fd73a2749f2b89fb",
    ("sla_clock", 1): "f5a8716dea968486",
    ("feedback_clock", 1): "acf3278f6b2928a5",
    ("review", 1): "1d45e688c343da3a",
    ("claim", 1): "ad588786d467623f",
    ("evaluation", 1): "047a1a0fd722ec73",
    ("script_run", 1): "a6bd80ea7d51e692",
}
"""A change of what is counted needs a new FOLD_VERSIONS entry: then its digest goes here."""


@pytest.mark.parametrize("kind", sorted(MEASURES))
def test_a_fold_version_stands_for_one_definition(kind: str) -> None:
    assert DIGESTS[kind, FOLD_VERSIONS[kind]] == definition_digest(kind)


def test_a_number_names_one_set_of_its_kind() -> None:
    names = [(s.kind, s.number) for s in SETS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("rollup", SETS, ids=lambda s: f"{s.kind}-{s.number}")
def test_dimensions_and_times_are_fields_of_the_fact(rollup: RollupSet) -> None:
    fields = newest(rollup.kind).model_fields
    assert set(rollup.dimensions) <= fields.keys()
    assert set(TIME_COLUMNS[rollup.kind]) <= fields.keys()
    assert len(rollup.dimensions) <= MAX_DIMENSIONS
    assert not rollup.histograms or MEASURES[rollup.kind].histograms


@pytest.mark.parametrize("kind", sorted(MEASURES))
def test_every_kind_is_cut_by_time_alone_and_by_day(kind: str) -> None:
    assert sets_of(kind, Grain.QUARTER)
    assert sets_of(kind, Grain.DAY)
    assert sets_of(kind) == (*sets_of(kind, Grain.QUARTER), *sets_of(kind, Grain.DAY))


@pytest.mark.parametrize("kind", sorted(MEASURES))
def test_names_of_measures_are_unique(kind: str) -> None:
    names = MEASURES[kind].names
    assert len(set(names)) == len(names)
    numbers = [histogram.number for histogram in MEASURES[kind].histograms]
    assert len(set(numbers)) == len(numbers)


def test_tables_are_named_by_kind_and_grain() -> None:
    assert rollup_table("contact", Grain.DAY) == "rollup_contact_day"
    assert histogram_table("contact", Grain.QUARTER) == "histogram_contact_15m"


def test_a_threshold_that_was_not_counted_is_read_from_facts() -> None:
    assert within("answered", 25) is None
    assert within("answered", 25, (7, 25)) == ("answered_own2",)
    assert within("abandoned", 10) == slots("abandoned")[:2]


def test_weights_are_rebuilt_from_counts_and_extras() -> None:
    assert weighted("nps_9") == {"nps_9": 1_000_000, "nps_9_extra": 1}
    square = weighted_square("promoters")
    assert square == {"nps_9": 10**12, "nps_10": 10**12, "nps_promoters_extra2": 1}
    assert set(NPS) >= square.keys() - {"nps_promoters_extra2"}


def test_a_histogram_is_found_by_name() -> None:
    assert MEASURES["contact"].histogram("wait").number == 1
    with pytest.raises(KeyError):
        MEASURES["contact"].histogram("nothing")
