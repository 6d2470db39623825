"""Histories as a perfect system leaves them, made by hypothesis."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from hypothesis import strategies as st

from tests.crash.evidence import Evidence, Record, State, Subject
from tests.crash.expected import contact_of, count
from tests.crash.journal import Outcome, Push
from tests.crash.stories import BRANCHES, Event

NOON = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PARTITIONS = 3


def subject_of(call: str) -> Subject:
    """The subject of a call, as good as any other."""
    return f"contact/{uuid5(NAMESPACE_URL, call)}"


@st.composite
def stories(draw: st.DrawFn) -> list[Event]:
    """The events of some calls, one call after the other."""
    told: list[Event] = []
    for number in range(draw(st.integers(1, 5))):
        types = ["queued", *["transferred"] * draw(st.integers(0, 3))]
        types += draw(st.sampled_from(([], ["answered"], ["ended"], ["answered", "ended"])))
        at = NOON + timedelta(minutes=draw(st.integers(0, 2000)))
        branch, call = draw(st.sampled_from(BRANCHES)), f"call-{number}"
        told += [
            Event(f"{call}.{n}", call, kind, at + timedelta(seconds=n), branch)
            for n, kind in enumerate(types)
        ]
    return told


@st.composite
def histories(draw: st.DrawFn) -> Evidence:
    """A run in which every promise was kept, whatever was lost on the way back to the writers."""
    pushes: list[Push] = []
    known: list[Event] = []
    begun: set[str] = set()
    for event in draw(stories()):
        outcome: Outcome = draw(st.sampled_from(("acknowledged", "unknown", "refused")))
        if event.type != "queued" and event.contact not in begun:
            continue
        pushes.append(Push((event,), outcome))
        if outcome == "acknowledged" and event.type == "queued":
            begun.add(event.contact)
        if outcome == "acknowledged" or (outcome == "unknown" and draw(st.booleans())):
            known.append(event)
    log = draw(logs(known))
    last = {record.subject: State(record.revision, record.fields) for record in log.first}
    return Evidence(
        pushes=pushes,
        inbox=[event.id for event in known],
        log=log.whole,
        states=last,
        facts=last,
        history=[(record.subject, record.revision) for record in log.first],
        rollups=count([state.fields for state in last.values()], "Europe/Moscow"),
        subjects={event.contact: subject_of(event.contact) for p in pushes for event in p.events},
        left={"the outbox": 0},
    )


class Log:
    """Records as they were sent first, and all that stand on the log, by partition."""

    def __init__(self, first: list[Record], whole: list[Record]) -> None:
        self.first = first
        self.whole = sorted(whole, key=lambda record: record.partition)


@st.composite
def logs(draw: st.DrawFn, known: list[Event]) -> Log:
    """What folding leaves on the log: each event its revision or one for several, some again."""
    heard: dict[str, list[Event]] = {}
    revisions: dict[str, int] = {}
    first: list[Record] = []
    # Events of one call keep their order: the first of them must be known before the others.
    for number, event in enumerate(known):
        heard.setdefault(event.contact, []).append(event)
        later = any(other.contact == event.contact for other in known[number + 1 :])
        if later and draw(st.booleans()):
            continue  # folded together with the next one
        revision = revisions[event.contact] = revisions.get(event.contact, 0) + 1
        subject = subject_of(event.contact)
        first.append(
            Record(
                int(subject[-4:], 16) % PARTITIONS,
                subject,
                revision,
                NOON + timedelta(microseconds=number),
                f"{subject} {revision}".encode(),
                contact_of(heard[event.contact]),
            )
        )
    whole = list(first)
    for _ in range(draw(st.integers(0, 2))):
        # A relay that was killed, or stopped, sends again what it had sent.
        begin = draw(st.integers(0, len(first)))
        end = draw(st.integers(begin, len(first)))
        at = draw(st.integers(end, len(whole)))
        whole[at:at] = first[begin:end]
    return Log(first, whole)


def with_log(evidence: Evidence, log: list[Record]) -> Evidence:
    """The same run with another log."""
    return replace(evidence, log=log)
