"""Cases: who must be called, by when, and what has been done about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from otklik_common.errors import Conflict, Unprocessable
from otklik_common.events.feedback import CaseState
from otklik_feedback.domain.answer import Answer, Content, Dimensions

MOST_NOTE: Final = 10_000

UNHAPPY: Final[Mapping[str, int]] = {"nps": 6, "nps_1_10": 6, "csat": 2, "ces": 3}
"""The highest score that opens a case, by measure; of several the first named is the reason."""

_REASONS: Final = {"nps": "nps", "nps_1_10": "nps", "csat": "csat", "ces": "ces"}


NAMELESS: Final = ("answer/", "contact/")
"""How `person` of a case begins whose customer was not known when it was opened."""


class Step(StrEnum):
    """What happened to a case."""

    OPENED = "opened"
    JOINED = "joined"
    PLACED = "placed"
    CONTACTED = "contacted"
    CLOSED = "closed"


class CaseClosed(Conflict):
    """Nothing more happens to a closed case."""

    code = "case_closed"


class AlreadyContacted(Conflict):
    """Somebody has spoken to the customer before."""

    code = "case_already_contacted"


class BadStep(Unprocessable):
    """A step at a time at which it cannot have been."""

    code = "step_before_last"


@dataclass(frozen=True, slots=True)
class Case:
    """
    An unhappy customer whom somebody must call.

    Attributes:
        answer: The answer that opened it; None where a review or a claim did.
        person: Whoever is unhappy: the customer's first pseudonym, else the customer's, the
            contact's or the answer's own id. One open case per person and place. Of claims and
            reviews it begins with what they are: no answer joins their cases.
        steps: How many steps it has had.
        revision: Of the fact; from 1 upwards.
        resolution: Reason code given at closing.
    """

    id: UUID
    answer: UUID | None
    contact: UUID | None
    reason: str
    person: str
    opened_at: datetime
    due_at: datetime
    dimensions: Dimensions = field(default_factory=dict)
    identifiers: tuple[str, ...] = ()
    state: CaseState = CaseState.OPEN
    level: str = "frontline"
    contacted_at: datetime | None = None
    closed_at: datetime | None = None
    resolution: str | None = None
    steps: int = 0
    revision: int = 0
    recorded_at: datetime | None = None
    review: UUID | None = None
    claim: UUID | None = None

    @property
    def touchpoint(self) -> str | None:
        """Where in the journey it happened."""
        return self.dimensions.get("touchpoint")

    @property
    def place(self) -> str:
        """Where a person has one open case: the branch of a claim, else the touchpoint; blank for none."""
        where = self.touchpoint if self.claim is None else self.dimensions.get("branch")
        return where or ""


def reason_of(content: Content) -> str | None:
    """Why an answer needs a call: `nps`, `csat` or `ces`; None if the customer is not unhappy."""
    for measure, most in UNHAPPY.items():
        score = content.measures.get(measure)
        if score is not None and score <= most:
            return _REASONS[measure]
    return None


def reason_to_open(before: Answer | None, after: Answer) -> str | None:
    """
    Why this revision of an answer opens or joins a case; None if it does not.

    Only the step from "not unhappy" to unhappy does: correcting a 3 to a 2 is no second event.
    """
    if after.anonymous:
        return None
    if before is not None and not before.anonymous and reason_of(before.content) is not None:
        return None
    return reason_of(after.content)


def person_of(answer: Answer) -> str:
    """Whoever stands behind an answer, as far as it is known."""
    if answer.identifiers:
        return answer.identifiers[0]
    if answer.customer is not None:
        return f"customer/{answer.customer}"
    if answer.contact is not None:
        return f"contact/{answer.contact}"
    return f"answer/{answer.id}"


def open_case(id_: UUID, answer: Answer, *, reason: str, due: timedelta) -> Case:
    """A new case, opened when the customer said that they are unhappy."""
    return Case(
        id=id_,
        answer=answer.id,
        contact=answer.contact,
        reason=reason,
        person=person_of(answer),
        opened_at=answer.answered_at,
        due_at=answer.answered_at + due,
        dimensions=answer.dimensions,
        identifiers=answer.identifiers,
        steps=1,
    )


def joined(case: Case) -> Case:
    """The case after one more unhappy answer of the same customer at the same touchpoint."""
    return replace(case, steps=case.steps + 1)


def contacted(case: Case, at: datetime) -> Case:
    """
    The case after somebody spoke to the customer.

    Raises:
        CaseClosed, AlreadyContacted, BadStep.
    """
    _check_open(case)
    if case.state is CaseState.CONTACTED:
        raise AlreadyContacted(
            "the customer has been contacted already", detail_ru="с клиентом уже связались"
        )
    _check_order(case.opened_at, at)
    return replace(case, state=CaseState.CONTACTED, contacted_at=at, steps=case.steps + 1)


def closed(case: Case, at: datetime, *, resolution: str) -> Case:
    """
    The case after it was closed; one that nobody could reach may be closed without a contact.

    Raises:
        CaseClosed, BadStep.
    """
    _check_open(case)
    _check_order(case.contacted_at or case.opened_at, at)
    return replace(
        case, state=CaseState.CLOSED, closed_at=at, resolution=resolution, steps=case.steps + 1
    )


def placed(case: Case, answer: Answer) -> Case:
    """The case of `answer` with the dimensions and the customer that the answer now has."""
    # The touchpoint is half of what makes the case one: it stays.
    dimensions = {k: v for k, v in answer.dimensions.items() if k != "touchpoint"}
    if case.touchpoint is not None:
        dimensions["touchpoint"] = case.touchpoint
    return replace(
        case, contact=answer.contact, dimensions=dimensions, identifiers=answer.identifiers
    )


def is_overdue(case: Case, now: datetime) -> bool:
    """Whether it is past its time and not closed."""
    return case.state is not CaseState.CLOSED and case.due_at <= now


def _check_open(case: Case) -> None:
    if case.state is CaseState.CLOSED:
        raise CaseClosed("the case is closed", detail_ru="обращение уже закрыто")


def _check_order(last: datetime, at: datetime) -> None:
    if at < last:
        raise BadStep(
            f"{at.isoformat()} is before the step before it at {last.isoformat()}",
            detail_ru=f"{at.isoformat()} раньше предыдущего шага {last.isoformat()}",
        )
