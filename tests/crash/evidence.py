"""What is left after a run, as plain values: the checker judges nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from tests.crash.journal import Push

Subject = str
"""`contact/<uuid>`: the key of its records."""

Fields = Mapping[str, object]
"""What is compared of a subject's state: see `FIELDS`."""

FIELDS: Mapping[str, tuple[str, ...]] = {
    "contact": ("branch", "outcome", "offered_at", "answered_at", "ended_at", "transfers"),
    "lead": ("contact", "branch", "created_at", "contacted_at", "last_requested_at", "requests"),
}
"""By kind. Other kinds (the source itself) are only looked at on the log."""

COUNTERS = ("offered", "answered", "abandoned", "ended", "transfers")


class Record(NamedTuple):
    """
    A record of the log.

    Attributes:
        payload: All of its bytes: who says one revision twice must say the same.
    """

    partition: int
    subject: Subject
    revision: int
    recorded_at: datetime
    payload: bytes
    fields: Fields


class State(NamedTuple):
    """A subject as some table has it."""

    revision: int
    fields: Fields


class Cell(NamedTuple):
    """A place of a rollup: a quarter of an hour or a day, of a branch or of all ('')."""

    at: datetime | date
    branch: str


Rollups = Mapping[Cell, Mapping[str, int]]
"""COUNTERS by cell; a counter that is not there is 0."""


@dataclass(frozen=True)
class Evidence:
    """
    Everything that is left.

    Attributes:
        inbox: Ids of the events that are known, a row each.
        log: Every record from offset 0, partition by partition.
        states: As the contact center holds its subjects.
        facts: As metrics holds them.
        history: Subject and revision of every row.
        left: What should be empty: rows of the outbox, marks, parked contacts, dead letters.
        zone: The company's time zone: where its days begin.
        subjects: The subject of each call that was ever sent, by its name.
    """

    pushes: Sequence[Push]
    inbox: Sequence[str]
    log: Sequence[Record]
    states: Mapping[Subject, State]
    facts: Mapping[Subject, State]
    history: Sequence[tuple[Subject, int]]
    rollups: Rollups
    subjects: Mapping[str, Subject]
    zone: str = "Europe/Moscow"
    left: Mapping[str, int] = field(default_factory=dict)
