"""
Visits of mystery shoppers: what is to be visited and when, what was found, and whether it counts.

assigned → reported → accepted or rejected; cancelled before a verdict. Files stay with whoever made
them: kept here are their SHA-256, by which a file is known again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from otklik_common.errors import Conflict
from otklik_contact_center.domain.quality.score import Answers

MOST_EVIDENCE: Final = 50


class State(StrEnum):
    """How far a visit is."""

    ASSIGNED = "assigned"
    REPORTED = "reported"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


class Step(StrEnum):
    """What can be done with it."""

    REPORT = "report"
    ACCEPT = "accept"
    REJECT = "reject"
    CANCEL = "cancel"


class Fault(StrEnum):
    """What a visit cannot be accepted with; `evidence_reused`: an earlier visit showed the same file."""

    OUTSIDE_WINDOW = "outside_window"
    EVIDENCE_MISSING = "evidence_missing"
    EVIDENCE_REUSED = "evidence_reused"


class Proof(StrEnum):
    """What a file is."""

    PHOTO = "photo"
    AUDIO = "audio"
    VIDEO = "video"
    RECEIPT = "receipt"
    DOCUMENT = "document"


STEPS: Final[Mapping[State, Mapping[Step, State]]] = {
    State.ASSIGNED: {Step.REPORT: State.REPORTED, Step.CANCEL: State.CANCELLED},
    State.REPORTED: {
        Step.ACCEPT: State.ACCEPTED,
        Step.REJECT: State.REJECTED,
        Step.CANCEL: State.CANCELLED,
    },
    State.ACCEPTED: {},
    State.REJECTED: {},
    State.CANCELLED: {},
}


class IllegalVisitStep(Conflict):
    """What is asked for cannot be done with a visit in its state."""

    code = "illegal_step"


class VisitHasFaults(Conflict):
    """It can only be rejected."""

    code = "visit_has_faults"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A file: its SHA-256 in hexadecimal, and what it is."""

    sha256: str
    kind: Proof


@dataclass(frozen=True, slots=True)
class Visit:
    """
    A visit as it is.

    Attributes:
        shopper: The company's own code of whoever goes there.
        begins_at, due_at: When it may take place, both included.
        least_evidence: So many files must be shown.
        reported_by, judged_by: Principals.
        score_micro: × 10⁶, by the form.
        faults: What it cannot be accepted with.
    """

    id: UUID
    form: str
    form_version: int
    branch: str
    shopper: str
    begins_at: datetime
    due_at: datetime
    made_by: str
    made_at: datetime
    agent: str | None = None
    scenario: str | None = None
    least_evidence: int = 1
    state: State = State.ASSIGNED
    revision: int = 1
    visited_at: datetime | None = None
    reported_by: str | None = None
    reported_at: datetime | None = None
    answers: Answers = field(default_factory=dict)
    comment: str | None = None
    evidence: Sequence[Evidence] = ()
    faults: Sequence[Fault] = ()
    score_micro: int | None = None
    failed: bool = False
    judged_by: str | None = None
    judged_at: datetime | None = None
    reason: str | None = None


def follows(state: State, step: Step) -> State:
    """The state after a step. Raises IllegalVisitStep."""
    found = STEPS[state].get(step)
    if found is None:
        able = ", ".join(STEPS[state]) or "nothing"
        raise IllegalVisitStep(
            f"a visit that is {state} cannot take the step {step}; possible: {able}",
            detail_ru=f"визит в состоянии {state}: шаг {step} невозможен; возможно: {able}",
            state=str(state),
        )
    return found


def faults_of(
    visit: Visit, visited_at: datetime, evidence: Sequence[Evidence], known: Collection[str]
) -> list[Fault]:
    """
    What a report cannot be accepted with.

    Args:
        known: Hashes of files that other visits have shown.
    """
    found = []
    if not visit.begins_at <= visited_at <= visit.due_at:
        found.append(Fault.OUTSIDE_WINDOW)
    if len({one.sha256 for one in evidence}) < visit.least_evidence:
        found.append(Fault.EVIDENCE_MISSING)
    if any(one.sha256 in known for one in evidence):
        found.append(Fault.EVIDENCE_REUSED)
    return found


def check_acceptable(visit: Visit) -> None:
    """Return if a report may be accepted. Raises VisitHasFaults."""
    if visit.faults:
        named = ", ".join(visit.faults)
        raise VisitHasFaults(
            f"the visit can only be rejected: {named}",
            detail_ru=f"визит можно только отклонить: {named}",
            faults=[str(one) for one in visit.faults],
        )
