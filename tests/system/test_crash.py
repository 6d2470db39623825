"""The crash run in its short form, and the proof that its checker sees what it is there for."""

import os

import pytest

from tests.crash.bugs import BY_NAME
from tests.crash.checker import Breach
from tests.crash.faults import schedule
from tests.crash.run import Plan, run

pytestmark = [pytest.mark.system, pytest.mark.kafka]

FAULTS = int(os.environ.get("OTKLIK_TEST_FAULTS", "12"))
EVERY_SECONDS = 2.5
OTHERS = [name for name in BY_NAME if name != "answer_first"]
SEED = 3669
"""Its first twelve faults hurt every target in half a minute, some of them at the same time."""


def test_kills_pauses_and_starvation_lose_nothing_double_nothing_and_invent_nothing() -> None:
    report = run(Plan(schedule(FAULTS, SEED, every=EVERY_SECONDS), SEED), print)
    assert len(report.faults) >= FAULTS * 0.8, "too many faults met nobody"
    assert report.verdict.acknowledged > 500
    assert report.verdict.revisions > report.verdict.subjects
    assert {str(found): report.verdict.breaches[found] for found in Breach} == {
        "lost": 0,
        "double": 0,
        "invented": 0,
        "reordered": 0,
        "different": 0,
    }, report.verdict.shown
    assert report.drained is not None
    assert report.recounted


@pytest.mark.parametrize(
    "name", ["answer_first", *(pytest.param(one, marks=pytest.mark.long) for one in OTHERS)]
)
def test_a_seeded_bug_is_caught(name: str) -> None:
    seeded = BY_NAME[name]
    report = run(seeded.plan(seed=1), print)
    assert seeded.caught_by(report), report.as_json()
    assert not report.good
