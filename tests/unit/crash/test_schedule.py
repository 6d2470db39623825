"""The schedule of faults, and the journal of pushes."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.crash.faults import PAIRS, PAUSES, Kind, schedule
from tests.crash.journal import Answered, Journal, Push, Sent, read
from tests.crash.stories import Calls

SEEDS = st.integers(0, 10_000)


@given(SEEDS)
def test_a_seed_always_makes_the_same_schedule(seed: int) -> None:
    assert schedule(40, seed, every=3) == schedule(40, seed, every=3)


@given(SEEDS)
def test_no_target_suffers_two_faults_at_once(seed: int) -> None:
    until: dict[str, float] = {}
    for fault in schedule(100, seed, every=2):
        assert fault.at >= until.get(fault.target, 0)
        until[fault.target] = fault.at + fault.seconds


@given(SEEDS)
def test_a_long_schedule_has_every_kind_of_fault_on_every_target(seed: int) -> None:
    found = {(fault.target, fault.kind) for fault in schedule(3 * len(PAIRS), seed, every=4)}
    assert found == set(PAIRS)


@given(SEEDS)
def test_pauses_outlast_what_their_targets_hold(seed: int) -> None:
    for fault in schedule(60, seed, every=3):
        if fault.kind is Kind.PAUSE:
            least, most = PAUSES[fault.target]
            assert least <= fault.seconds <= most


def test_a_push_without_an_answer_is_of_unknown_outcome(tmp_path: Path) -> None:
    calls = Calls(1)
    first, second = tuple(calls.next(2)), tuple(calls.next(1))
    journal = Journal(tmp_path / "journal")
    journal.note(Sent(1, 0.0, first))
    journal.note(Sent(2, 0.1, second))
    journal.note(Answered(1, 0.2, "acknowledged"))
    journal.close()
    assert read(tmp_path / "journal") == [Push(first, "acknowledged"), Push(second, "unknown")]


def test_a_call_goes_on_only_after_its_first_event_was_acknowledged() -> None:
    calls = Calls(1)
    begun = calls.next(20)
    assert {event.type for event in begun} == {"queued"}
    calls.acknowledged(begun)
    known = {event.contact for event in begun}
    further = [event for event in calls.next(200) if event.type != "queued"]
    assert further
    assert {event.contact for event in further} <= known
