"""
The verdict on a run: each promise held against what is left. Pure, and linear in the evidence.

The order of subjects is taken from the log itself: first occurrences of their revisions. A record
that was sent again is no breach, wherever it stands; readers pass it over.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from tests.crash.evidence import COUNTERS, FIELDS, Cell, Evidence, Fields, Rollups, State, Subject
from tests.crash.expected import contacts_of, count
from tests.crash.stories import Event


class Breach(StrEnum):
    """The ways in which a promise can be broken."""

    LOST = "lost"
    """Something known has not arrived where it belongs."""
    DOUBLE = "double"
    """Something is there, or counted, more often than once."""
    INVENTED = "invented"
    """Something is there that nobody sent."""
    REORDERED = "reordered"
    """A newer revision of a subject came before an older one."""
    DIFFERENT = "different"
    """Two places that should say the same do not."""


SHOWN: Final = 3
"""Findings of a breach that are kept as text."""


@dataclass
class Verdict:
    """
    What was found, and what it was found in.

    Attributes:
        breaches: How many findings of each kind.
        shown: The first findings in words.
        became_known: Events of unknown outcome that are kept after all.
        repeated: Records that stand on the log more than once.
    """

    breaches: Counter[Breach] = field(default_factory=Counter)
    shown: dict[Breach, list[str]] = field(default_factory=dict)
    acknowledged: int = 0
    refused: int = 0
    unknown: int = 0
    became_known: int = 0
    subjects: int = 0
    revisions: int = 0
    repeated: int = 0

    @property
    def good(self) -> bool:
        """Nothing was found."""
        return not self.breaches

    def find(self, breach: Breach, what: str, times: int = 1) -> None:
        """Note a finding."""
        self.breaches[breach] += times
        shown = self.shown.setdefault(breach, [])
        if len(shown) < SHOWN:
            shown.append(what)


class _Heard(NamedTuple):
    """What the log says of a subject: its revisions in the order of first occurrence."""

    revisions: list[int]
    last: State


def check(evidence: Evidence) -> Verdict:
    """Judge a run."""
    verdict = Verdict()
    known = _check_inbox(evidence, verdict)
    _check_left(evidence, verdict)
    heard = _check_log(evidence, verdict)
    calls = contacts_of(known)
    expected = {evidence.subjects[call]: fields for call, fields in calls.items()}
    _check_subjects(evidence, expected, heard, verdict)
    _check_history(evidence, heard, verdict)
    counted = {s: state.fields for s, state in evidence.facts.items() if _kind(s) == "contact"}
    for name, right in (("events", expected), ("facts", counted)):
        offered = [fields for fields in right.values() if fields["offered_at"] is not None]
        _check_rollups(name, count(offered, evidence.zone), evidence.rollups, verdict)
    return verdict


def _check_inbox(evidence: Evidence, verdict: Verdict) -> list[Event]:
    """Acknowledged ⊆ known ⊆ sent and not refused, each once; returns the known events."""
    kept = Counter(evidence.inbox)
    sent: dict[str, Event] = {}
    for push in evidence.pushes:
        for event in push.events:
            there = event.id in kept
            if push.outcome == "acknowledged":
                verdict.acknowledged += 1
                if not there:
                    verdict.find(Breach.LOST, f"event {event.id} was acknowledged and is not known")
            elif push.outcome == "unknown":
                verdict.unknown += 1
                verdict.became_known += there
            else:
                verdict.refused += 1
                if there:
                    verdict.find(Breach.INVENTED, f"event {event.id} was refused and is known")
            sent[event.id] = event
    for event_id, rows in kept.items():
        if event_id not in sent:
            verdict.find(Breach.INVENTED, f"event {event_id} is known and nobody sent it")
        if rows > 1:
            verdict.find(Breach.DOUBLE, f"event {event_id} is kept {rows} times", rows - 1)
    return [sent[event_id] for event_id in kept if event_id in sent]


def _check_left(evidence: Evidence, verdict: Verdict) -> None:
    for what, rows in evidence.left.items():
        if rows:
            verdict.find(Breach.LOST, f"{rows} are left in {what}", rows)


def _check_log(evidence: Evidence, verdict: Verdict) -> Mapping[Subject, _Heard]:
    """Revisions of a subject: one partition, 1 … n on first occurrence, one content each."""
    heard: dict[Subject, _Heard] = {}
    said: dict[tuple[Subject, int], bytes] = {}
    homes: dict[Subject, int] = {}
    newest: dict[Subject, datetime] = {}
    for record in evidence.log:
        subject, revision = record.subject, record.revision
        if homes.setdefault(subject, record.partition) != record.partition:
            verdict.find(Breach.REORDERED, f"{subject} stands in two partitions")
        before = said.get((subject, revision))
        if before is not None:
            verdict.repeated += 1
            if before != record.payload:
                verdict.find(Breach.DIFFERENT, f"revision {revision} of {subject} says two things")
            continue
        said[subject, revision] = record.payload
        state = State(revision, record.fields)
        known = heard.get(subject)
        if known is None:
            heard[subject] = _Heard([revision], state)
        else:
            last = known.last
            if revision < last.revision:
                found = f"revision {revision} of {subject} came after {last.revision}"
                verdict.find(Breach.REORDERED, found)
            elif record.recorded_at <= newest[subject]:
                found = f"revision {revision} of {subject} was recorded before the one before"
                verdict.find(Breach.REORDERED, found)
            known.revisions.append(revision)
            heard[subject] = known._replace(last=max(last, state, key=lambda one: one.revision))
        newest[subject] = max(record.recorded_at, newest.get(subject, record.recorded_at))
    for subject, known in heard.items():
        gaps = known.last.revision - len(known.revisions)
        if gaps:
            verdict.find(Breach.LOST, f"{gaps} revisions of {subject} are not on the log", gaps)
    verdict.subjects = len(heard)
    verdict.revisions = len(said)
    return heard


def _check_subjects(
    evidence: Evidence,
    expected: Mapping[Subject, Fields],
    heard: Mapping[Subject, _Heard],
    verdict: Verdict,
) -> None:
    """Events, contact center, log and metrics say the same of each subject."""
    compared = {subject: one.last for subject, one in heard.items() if _kind(subject) in FIELDS}
    for subject, state in evidence.states.items():
        if not _comes_from(subject, state, expected):
            verdict.find(Breach.INVENTED, f"{subject} comes from no event that was sent")
    for subject, fields in expected.items():
        folded = evidence.states.get(subject)
        if folded is None:
            verdict.find(Breach.LOST, f"{subject} has events and no state")
        elif folded.fields != fields:
            differing = _differing(fields, folded.fields)
            verdict.find(Breach.DIFFERENT, f"{subject} by its events and as folded: {differing}")
    _compare("contact center", evidence.states, "log", compared, verdict)
    _compare("log", compared, "facts", evidence.facts, verdict)


def _comes_from(subject: Subject, state: State, expected: Mapping[Subject, Fields]) -> bool:
    if _kind(subject) == "lead":
        return f"contact/{state.fields['contact']}" in expected
    return subject in expected


def _compare(
    from_name: str,
    source: Mapping[Subject, State],
    to_name: str,
    target: Mapping[Subject, State],
    verdict: Verdict,
) -> None:
    """What `source` says must have arrived in `target`, and nothing else."""
    for subject, state in source.items():
        found = target.get(subject)
        if found is None:
            verdict.find(Breach.LOST, f"{subject}: {from_name} has it, {to_name} has not")
        elif found.revision < state.revision:
            words = f"{subject}: {from_name} has revision {state.revision}"
            verdict.find(Breach.LOST, f"{words}, {to_name} {found.revision}")
        elif found.revision > state.revision:
            words = f"{subject}: {to_name} has revision {found.revision}"
            verdict.find(Breach.INVENTED, f"{words}, {from_name} {state.revision}")
        elif found.fields != state.fields:
            differing = _differing(state.fields, found.fields)
            verdict.find(
                Breach.DIFFERENT, f"{subject} in {from_name} and in {to_name}: {differing}"
            )
    for subject in target.keys() - source.keys():
        verdict.find(Breach.INVENTED, f"{subject}: {to_name} has it, {from_name} has not")


def _check_history(evidence: Evidence, heard: Mapping[Subject, _Heard], verdict: Verdict) -> None:
    """Each revision of the log once, and no other."""
    rows = Counter(evidence.history)
    said = {
        (subject, revision)
        for subject, one in heard.items()
        if _kind(subject) in FIELDS
        for revision in one.revisions
    }
    for row, times in rows.items():
        if row not in said:
            verdict.find(Breach.INVENTED, f"history has revision {row[1]} of {row[0]}, the log not")
        if times > 1:
            found = f"history has revision {row[1]} of {row[0]} {times} times"
            verdict.find(Breach.DOUBLE, found, times - 1)
    for subject, revision in said - rows.keys():
        verdict.find(Breach.LOST, f"history lacks revision {revision} of {subject}")


def _check_rollups(name: str, right: Rollups, found: Rollups, verdict: Verdict) -> None:
    """To the last digit, in every cell."""
    for cell in right.keys() | found.keys():
        for counter, wanted, counted in _numbers(cell, right, found):
            if wanted != counted:
                where = f"{counter} at {cell.at} {cell.branch}".strip()
                breach = Breach.DOUBLE if counted > wanted else Breach.LOST
                words = f"{where}: {wanted} by the {name}, {counted} in the rollup"
                verdict.find(breach, words, abs(wanted - counted))


def _numbers(cell: Cell, right: Rollups, found: Rollups) -> Iterator[tuple[str, int, int]]:
    nothing: Mapping[str, int] = {}
    one, other = right.get(cell, nothing), found.get(cell, nothing)
    for counter in COUNTERS:
        yield counter, one.get(counter, 0), other.get(counter, 0)


def _kind(subject: Subject) -> str:
    return subject.partition("/")[0]


def _differing(one: Fields, other: Fields) -> str:
    names: Iterable[str] = (name for name in one if one[name] != other.get(name))
    return ", ".join(f"{name} {one[name]} and {other.get(name)}" for name in names)
