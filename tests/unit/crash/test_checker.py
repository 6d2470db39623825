"""The checker of the crash run: silent on good histories, and every broken promise is seen."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.crash.checker import Breach, check
from tests.crash.evidence import Cell, Evidence, Record, State
from tests.crash.journal import Push
from tests.unit.crash.histories import NOON, histories

Spoil = Callable[[Evidence, Callable[[list[Record]], Record]], Evidence]
"""Breaks one promise; the second argument chooses a record."""


@given(histories())
def test_a_history_without_faults_is_called_good(evidence: Evidence) -> None:
    verdict = check(evidence)
    assert verdict.good, verdict.shown
    told = verdict.acknowledged + verdict.unknown + verdict.refused
    assert told == sum(len(push.events) for push in evidence.pushes)
    assert verdict.repeated == len(evidence.log) - verdict.revisions


def _acknowledged_event_is_gone(evidence: Evidence, _: object) -> Evidence:
    kept = {e.id for p in evidence.pushes if p.outcome == "acknowledged" for e in p.events}
    assume(kept)
    return replace(evidence, inbox=[one for one in evidence.inbox if one != min(kept)])


def _event_that_nobody_sent(evidence: Evidence, _: object) -> Evidence:
    return replace(evidence, inbox=[*evidence.inbox, "call-99.0"])


def _refused_event_is_known(evidence: Evidence, _: object) -> Evidence:
    refused = [e.id for p in evidence.pushes if p.outcome == "refused" for e in p.events]
    assume(refused)
    return replace(evidence, inbox=[*evidence.inbox, refused[0]])


def _event_is_kept_twice(evidence: Evidence, _: object) -> Evidence:
    assume(evidence.inbox)
    return replace(evidence, inbox=[*evidence.inbox, evidence.inbox[0]])


def _rows_stay_in_the_outbox(evidence: Evidence, _: object) -> Evidence:
    return replace(evidence, left={"the outbox": 2})


def _revision_is_not_on_the_log(
    evidence: Evidence, choose: Callable[[list[Record]], Record]
) -> Evidence:
    gone = choose(list(evidence.log))
    return replace(evidence, log=[one for one in evidence.log if one.payload != gone.payload])


def _newer_revision_comes_first(
    evidence: Evidence, choose: Callable[[list[Record]], Record]
) -> Evidence:
    newer = choose([one for one in evidence.log if one.revision > 1])
    rest = [one for one in evidence.log if one.payload != newer.payload]
    at = next(n for n, one in enumerate(rest) if one.subject == newer.subject)
    return replace(evidence, log=[*rest[:at], newer, *rest[at:]])


def _newer_revision_was_recorded_earlier(
    evidence: Evidence, choose: Callable[[list[Record]], Record]
) -> Evidence:
    newer = choose([one for one in evidence.log if one.revision > 1])
    early = newer._replace(recorded_at=NOON - timedelta(days=1))
    log = [early if one.payload == newer.payload else one for one in evidence.log]
    return replace(evidence, log=log)


def _subject_stands_in_two_partitions(
    evidence: Evidence, choose: Callable[[list[Record]], Record]
) -> Evidence:
    moved = choose(list(evidence.log))
    return replace(evidence, log=[*evidence.log, moved._replace(partition=moved.partition + 1)])


def _revision_says_two_things(
    evidence: Evidence, choose: Callable[[list[Record]], Record]
) -> Evidence:
    forked = choose(list(evidence.log))
    return replace(evidence, log=[*evidence.log, forked._replace(payload=b"otherwise")])


def _fact_stands_at_an_older_revision(
    evidence: Evidence, choose: Callable[[list[Record]], Record]
) -> Evidence:
    older = choose([one for one in evidence.log if _is_followed(evidence, one)])
    back = State(older.revision, older.fields)
    return replace(evidence, facts={**evidence.facts, older.subject: back})


def _fact_is_newer_than_the_log(
    evidence: Evidence, choose: Callable[[list[Record]], Record]
) -> Evidence:
    subject = choose(list(evidence.log)).subject
    ahead = evidence.facts[subject]._replace(revision=99)
    return replace(evidence, facts={**evidence.facts, subject: ahead})


def _fact_comes_from_nothing(evidence: Evidence, _: object) -> Evidence:
    assume(evidence.facts)
    copied = next(iter(evidence.facts.values()))
    return replace(evidence, facts={**evidence.facts, "contact/nobody": copied})


def _fact_says_something_else(
    evidence: Evidence, choose: Callable[[list[Record]], Record]
) -> Evidence:
    subject = choose(list(evidence.log)).subject
    known = evidence.facts[subject]
    other = known._replace(fields={**known.fields, "transfers": 77})
    return replace(evidence, facts={**evidence.facts, subject: other})


def _fold_is_wrong_everywhere(
    evidence: Evidence, choose: Callable[[list[Record]], Record]
) -> Evidence:
    subject = choose(list(evidence.log)).subject
    wrong = {**evidence.states[subject].fields, "outcome": "resolved"}
    states = {**evidence.states, subject: evidence.states[subject]._replace(fields=wrong)}
    log = [one._replace(fields=wrong) if one.subject == subject else one for one in evidence.log]
    return replace(evidence, states=states, facts=states, log=log)


def _everybody_knows_what_nobody_sent(
    evidence: Evidence, choose: Callable[[list[Record]], Record]
) -> Evidence:
    made_up = choose(list(evidence.log))._replace(
        subject="contact/nobody", revision=1, payload=b"made up"
    )
    more = {made_up.subject: State(1, made_up.fields)}
    return replace(
        evidence,
        states={**evidence.states, **more},
        facts={**evidence.facts, **more},
        log=[*evidence.log, made_up],
        history=[*evidence.history, (made_up.subject, 1)],
    )


def _nobody_knows_what_was_kept(
    evidence: Evidence, choose: Callable[[list[Record]], Record]
) -> Evidence:
    gone = choose(list(evidence.log)).subject
    left = {subject: state for subject, state in evidence.states.items() if subject != gone}
    return replace(
        evidence,
        states=left,
        facts=left,
        log=[one for one in evidence.log if one.subject != gone],
        history=[row for row in evidence.history if row[0] != gone],
    )


def _history_has_a_row_twice(evidence: Evidence, _: object) -> Evidence:
    assume(evidence.history)
    return replace(evidence, history=[*evidence.history, evidence.history[0]])


def _history_lacks_a_row(evidence: Evidence, _: object) -> Evidence:
    assume(evidence.history)
    return replace(evidence, history=evidence.history[1:])


def _history_has_a_row_of_its_own(evidence: Evidence, _: object) -> Evidence:
    return replace(evidence, history=[*evidence.history, ("contact/nobody", 1)])


def _rollup_counts_one_too_many(evidence: Evidence, _: object) -> Evidence:
    return _moved(evidence, 1)


def _rollup_counts_one_too_few(evidence: Evidence, _: object) -> Evidence:
    return _moved(evidence, -1)


def _moved(evidence: Evidence, by: int) -> Evidence:
    assume(evidence.rollups)
    cell: Cell = next(iter(evidence.rollups))
    counts = evidence.rollups[cell]
    moved = {**counts, "offered": counts["offered"] + by}
    return replace(evidence, rollups={**evidence.rollups, cell: moved})


def _is_followed(evidence: Evidence, record: Record) -> bool:
    return evidence.facts[record.subject].revision > record.revision


@pytest.mark.parametrize(
    ("spoil", "breach"),
    [
        (_acknowledged_event_is_gone, Breach.LOST),
        (_event_that_nobody_sent, Breach.INVENTED),
        (_refused_event_is_known, Breach.INVENTED),
        (_event_is_kept_twice, Breach.DOUBLE),
        (_rows_stay_in_the_outbox, Breach.LOST),
        (_revision_is_not_on_the_log, Breach.LOST),
        (_newer_revision_comes_first, Breach.REORDERED),
        (_newer_revision_was_recorded_earlier, Breach.REORDERED),
        (_subject_stands_in_two_partitions, Breach.REORDERED),
        (_revision_says_two_things, Breach.DIFFERENT),
        (_fact_stands_at_an_older_revision, Breach.LOST),
        (_fact_is_newer_than_the_log, Breach.INVENTED),
        (_fact_comes_from_nothing, Breach.INVENTED),
        (_fact_says_something_else, Breach.DIFFERENT),
        (_fold_is_wrong_everywhere, Breach.DIFFERENT),
        (_everybody_knows_what_nobody_sent, Breach.INVENTED),
        (_nobody_knows_what_was_kept, Breach.LOST),
        (_history_has_a_row_twice, Breach.DOUBLE),
        (_history_lacks_a_row, Breach.LOST),
        (_history_has_a_row_of_its_own, Breach.INVENTED),
        (_rollup_counts_one_too_many, Breach.DOUBLE),
        (_rollup_counts_one_too_few, Breach.LOST),
    ],
)
@settings(max_examples=25)
@given(st.data())
def test_every_broken_promise_is_found_and_called_by_its_name(
    spoil: Spoil, breach: Breach, data: st.DataObject
) -> None:
    evidence = data.draw(histories())

    def choose(among: list[Record]) -> Record:
        assume(among)
        return data.draw(st.sampled_from(among))

    assert check(spoil(evidence, choose)).breaches[breach] >= 1


@given(histories())
def test_an_unknown_outcome_may_be_kept_or_not(evidence: Evidence) -> None:
    doubtful = [
        replace_outcome(push) if push.outcome == "acknowledged" else push
        for push in evidence.pushes
    ]
    assert check(replace(evidence, pushes=doubtful)).good


def replace_outcome(push: Push) -> Push:
    """The same push, its answer lost."""
    return Push(push.events, "unknown")
